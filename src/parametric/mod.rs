//! Generators: densities as push-forwards x = G_θ(z) of normal noise, the metrics of §5 of the theory pulled back to their parameters, and
//! the optimizers that move them (docs/parameters.md).
//!
//! A generator and the flow on a grid never see each other: what they share is ℓ = ln(ρ/π), which a critic estimates here and the grid
//! computes there, and both put it through the same [`crate::divergence`].

mod activation;
mod batch;
mod cholesky;
mod comparison;
mod critic;
mod eigenvalues;
mod exact_critic;
mod formula;
mod game;
mod generator;
mod kernels;
mod loss;
pub mod metric;
mod network;
pub mod optimizer;
mod outcome;
mod panels;
mod quality;
mod row_products;
mod settings;
mod streams;
mod target;
mod training;

pub use activation::{Activation, LEAK};
pub use batch::Batch;
pub use cholesky::{Cholesky, NotPositive, solve_transposed, solve_upper};
pub use comparison::{Runs, compare};
pub use critic::{Critic, CriticSettings, Penalty};
pub use eigenvalues::{Complex, EigenvalueError, eigenvalues, leading, symmetric_eigenvalues};
pub use exact_critic::ExactCritic;
pub use formula::{Formula, FormulaGenerator};
pub use game::{Game, GameRates, GameSpectrum, Growth};
pub use generator::Generator;
pub use loss::Loss;
pub use network::{Evaluator, Network};
pub use outcome::{Failure, LAST_STEPS, Outcome, PLAYERS, Players, Record, Solve};
pub use quality::{COVERED, HIGH_QUALITY, Quality, Yardstick};
pub use settings::{
    CriticKind, CriticRule, EuclideanRule, GeneratorSettings, Observations, Rule, RuleSettings,
    TrainingSettings, Updates,
};
pub use streams::{Purpose, Streams, fill_normal, fill_normal_quantiles};
pub use target::Target;
pub use training::train;
