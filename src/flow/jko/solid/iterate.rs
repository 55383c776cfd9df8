//! The state of Newton's iteration: φ and r, and what follows from them.

use super::feet::Foot;
use super::lattice::{Centres, Lattice};
use super::spline::Spline;
use crate::calculus::Real;
use crate::divergence::Divergence;

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    /// At this misfit.
    Misfit(f64),
    /// When the gap is estimated to be below this share of W2²/(2τ).
    Gap(f64),
}

/// φ and r, and what follows from them.
#[derive(Clone, Debug)]
pub(super) struct Iterate {
    pub coefficients: Vec<f64>,
    pub spline: Spline,
    pub feet: Vec<Foot>,
    pub ratio: Vec<f64>,
    /// s − f'(r).
    pub mismatch: Vec<f64>,
    /// π V/f''(r).
    pub capacity: Vec<f64>,
    /// b − Wᵀ(π r V).
    pub residual: Vec<f64>,
    /// Σ |residual| + Σ capacity |mismatch| relative to the mass: the distance from the solution in L1 of ρ.
    pub misfit: f64,
}

impl Iterate {
    pub fn new(lattice: Lattice, centres: &Centres) -> Self {
        let cells = || vec![0.0; centres.len()];
        Self {
            coefficients: vec![0.0; lattice.len()],
            spline: Spline::new(lattice),
            feet: vec![Foot::default(); centres.len()],
            ratio: cells(),
            mismatch: cells(),
            capacity: cells(),
            residual: vec![0.0; lattice.len()],
            misfit: f64::INFINITY,
        }
    }
}

/// r where f'(r) = s, 0 at and below f'(0).
#[inline(always)]
pub(super) fn ratio_of<D: Divergence>(s: f64) -> f64 {
    Real::exp(D::log_ratio_of_variation(s))
}

/// 1/f''(r) = r/ψ'(r), 0 where r = 0.
#[inline(always)]
pub(super) fn softness<D: Divergence>(ratio: f64) -> f64 {
    if ratio > 0.0 {
        ratio / D::slope_from_ratio(ratio)
    } else {
        0.0
    }
}
