//! The optimizers of the generator, one file each; `sgd` and `adam` serve the critic too.
//!
//! A step is told where the samples should go, the force ∇μ at each (docs/parameters.md, eq. P3), and moves θ.

mod adam;
mod inertial;
mod judged;
mod langevin;
mod momentum_natural;
mod natural;
mod schedule;
mod sgd;

pub use adam::Adam;
pub use inertial::Inertial;
pub use judged::{DAMPING_BOUNDS, DAMPING_FACTOR, Judgement, TRUSTED, judged_step};
pub use langevin::Langevin;
pub use momentum_natural::MomentumNatural;
pub use natural::Natural;
pub use schedule::Schedule;
pub use sgd::Sgd;

use super::batch::Batch;
use super::generator::Generator;
use super::metric::{MetricError, MetricReport};

/// What an optimizer sees in one step.
pub struct Step<'a> {
    /// The generator after `forward` at `parameters`.
    pub generator: &'a mut dyn Generator,
    /// θ.
    pub parameters: &'a mut [f64],
    /// ∇μ at every sample: the generator's loss is E μ(G), so that its gradient is E(Jᵀ∇μ).
    pub force: &'a Batch,
    /// The learning rate of this step.
    pub rate: f64,
    /// The number of the step, from 0.
    pub number: u64,
}

impl Step<'_> {
    /// gradient ← E(Jᵀ∇μ).
    pub fn gradient(&mut self, gradient: &mut [f64]) {
        gradient.fill(0.0);
        self.generator
            .pull_back(self.parameters, self.force, gradient);
        let share = 1.0 / self.force.count() as f64;
        gradient.iter_mut().for_each(|value| *value *= share);
    }
}

/// A rule that moves θ.
pub trait Optimizer: Send {
    /// Moves the parameters by one step.
    ///
    /// # Errors
    /// A metric that could not be solved with any damping.
    fn step(&mut self, step: &mut Step) -> Result<(), MetricError>;

    /// What the metric's solves took so far; none for Euclidean rules.
    fn report(&self) -> Option<MetricReport> {
        None
    }

    /// Whether the damping follows what the steps do: then [`judged_step`] makes them.
    fn is_adaptive(&self) -> bool {
        false
    }

    /// Judges the last step by the loss before and after it, and adapts the damping.
    fn judge(&mut self, _before: f64, _after: f64) -> Judgement {
        Judgement::UNJUDGED
    }
}

/// A rule that needs the gradient alone.
pub trait Euclidean: Send {
    /// θ ← θ + step of this rule.
    fn update(&mut self, parameters: &mut [f64], gradient: &[f64], rate: f64);
}

/// A Euclidean rule as an optimizer of the generator.
pub struct OnGradient<E> {
    rule: E,
    gradient: Vec<f64>,
}

impl<E: Euclidean> OnGradient<E> {
    /// The rule for so many parameters.
    pub fn new(rule: E, parameters: usize) -> Self {
        Self {
            rule,
            gradient: vec![0.0; parameters],
        }
    }
}

impl<E: Euclidean> Optimizer for OnGradient<E> {
    fn step(&mut self, step: &mut Step) -> Result<(), MetricError> {
        step.gradient(&mut self.gradient);
        self.rule.update(step.parameters, &self.gradient, step.rate);
        Ok(())
    }
}
