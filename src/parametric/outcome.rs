//! What a run leaves.

use thiserror::Error;

use super::batch::Batch;
use super::eigenvalues::EigenvalueError;
use super::game::GameSpectrum;
use super::metric::{MetricError, MetricReport, MetricSpectrum, MetricSplit};
use super::optimizer::Judgement;
use super::quality::Quality;

/// The most parameters that a record keeps.
pub const PLAYERS: usize = 16;

/// Steps at the end over which the spread of the loss is taken.
pub const LAST_STEPS: u64 = 500;

/// Why a run ended before its last step.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum Failure {
    /// A loss or a parameter is not finite.
    #[error("seed {seed} diverged at step {step}: {what} is {value}; lower the learning rate")]
    Diverged {
        /// The seed.
        seed: u64,
        /// The step.
        step: u64,
        /// What is not finite.
        what: &'static str,
        /// Its value.
        value: f64,
    },
    /// The metric could not be solved.
    #[error("seed {seed} failed at step {step}: {source}")]
    Metric {
        /// The seed.
        seed: u64,
        /// The step.
        step: u64,
        /// The reason.
        source: MetricError,
    },
}

/// The numbers of one record.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The number of steps made.
    pub step: u64,
    /// The generator's loss, its mean over the steps since the record before; not a number at step 0.
    pub loss_generator: f64,
    /// The critic's loss, likewise.
    pub loss_critic: f64,
    /// How near the samples are to the target.
    pub quality: Quality,
    /// The samples, where the settings keep them.
    pub samples: Option<Batch>,
    /// Where the two players are, if they have no more than [`PLAYERS`] parameters together.
    pub players: Option<Players>,
}

/// The parameters of both players.
#[derive(Clone, Debug, PartialEq)]
pub struct Players {
    /// θ, of the generator.
    pub generator: Vec<f64>,
    /// Those of a learned critic.
    pub critic: Vec<f64>,
}

/// The solve of the metric in one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Solve {
    /// The damping that it took.
    pub damping: f64,
    /// How often it was raised on the ladder before the matrix could be factored.
    pub rungs: u64,
    /// What became of the step, with adaptive damping.
    pub judgement: Option<Judgement>,
}

/// What a run left.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The records, the first at step 0.
    pub records: Vec<Record>,
    /// The samples of the last record.
    pub samples: Batch,
    /// θ at the end.
    pub parameters: Vec<f64>,
    /// The standard deviation of the generator's loss over the last [`LAST_STEPS`] steps.
    pub loss_spread: f64,
    /// Wall-clock time of the steps, without the records.
    pub seconds: f64,
    /// What the metric's solves took; none for Euclidean rules.
    pub metric: Option<MetricReport>,
    /// The solve of each step; none for Euclidean rules.
    pub solves: Vec<Solve>,
    /// How much of G̃ is not g at the end.
    pub split: Option<MetricSplit>,
    /// The eigenvalues of the metrics after the numbers of steps that the settings name.
    pub metric_spectra: Vec<(u64, Result<MetricSpectrum, EigenvalueError>)>,
    /// The game linearised at the end, where the settings ask for it.
    pub game: Option<Result<GameSpectrum, EigenvalueError>>,
    /// Why the run ended early, if it did.
    pub failure: Option<Failure>,
}
