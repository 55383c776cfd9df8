//! Metrics on parameters, and the solve (g + λ)δ = E(Jᵀv) that a natural gradient needs.
//!
//! `sample` is G̃ = E(∂G·∂G), the metric of the usual code; `otto` the W2 metric g pulled back, that is G̃ after the samples' velocities
//! are projected on gradients (`projection`; docs/parameters.md, eq. P2 and P4).

mod blocks;
mod connection;
mod gradients;
mod potentials;
mod projection;
mod solver;
mod spectrum;
mod split;

pub use potentials::{Features, Potentials, Splines};
pub use projection::Projection;
pub use solver::Metric;
pub use spectrum::MetricSpectrum;
pub use split::{MetricSplit, split};

use thiserror::Error;

/// Which metric is pulled back to the parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// G̃: every motion of a sample costs.
    Sample,
    /// g: only motions that change the density cost.
    Otto,
}

/// A metric and what is added to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricSettings {
    /// Which metric.
    pub kind: MetricKind,
    /// λ ≥ 0, added to the diagonal (Tikhonov).
    pub damping: f64,
}

/// What the solves of a run took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MetricReport {
    /// The number of solves.
    pub solves: u64,
    /// How often the matrix was not positive definite and the damping was raised for that solve.
    pub raised: u64,
    /// The largest damping that was used.
    pub largest_damping: f64,
    /// The damping of the last solve.
    pub damping: f64,
    /// How often it was raised in the last solve.
    pub rungs: u64,
}

/// Why a natural gradient could not be computed.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum MetricError {
    /// Not positive definite with any damping of the ladder.
    #[error(
        "the metric has the pivot {pivot:e} in row {row} even with the damping {damping:e}; lower the learning rate or raise `damping`"
    )]
    NotPositive {
        /// The last damping tried.
        damping: f64,
        /// The row.
        row: usize,
        /// The pivot found there.
        pivot: f64,
    },
}
