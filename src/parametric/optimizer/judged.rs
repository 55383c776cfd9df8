use super::{Optimizer, Step};
use crate::parametric::generator::Generator;
use crate::parametric::metric::{Metric, MetricError};

/// A step keeps its damping where the fall of the loss lies between these shares of what its slope predicts: below, the damping is
/// raised, above, lowered.
pub const TRUSTED: [f64; 2] = [0.25, 0.75];
/// The factor by which the damping is raised, and the divisor by which it is lowered.
pub const DAMPING_FACTOR: f64 = 2.0;
/// The damping stays between these. Below the first a step follows what the batch leaves undetermined: the loss of the batch falls as
/// predicted and that of other samples rises.
pub const DAMPING_BOUNDS: [f64; 2] = [1e-4, 1e12];
/// Falls that are smaller than this, and than this share of the loss, are rounding and say nothing.
const ROUNDING: f64 = 1e-13;

/// What became of the fall of the loss in one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// The fall over what the slope at the start predicts; not a number where nothing can be said.
    pub ratio: f64,
    /// Whether the step was kept.
    pub kept: bool,
}

impl Judgement {
    /// A step of which nothing can be said.
    pub(super) const UNJUDGED: Self = Self {
        ratio: f64::NAN,
        kept: true,
    };
}

/// A step of an optimizer, which adapts its damping to what the step did: after it the same loss, of the same latent variables and
/// against the same critic, is computed again. A step that raised the loss is taken back, parameters and all.
///
/// None for optimizers that do not adapt: they step as they are.
///
/// # Errors
/// Those of [`Optimizer::step`].
pub fn judged_step(
    optimizer: &mut dyn Optimizer,
    step: &mut Step,
    loss: &mut dyn FnMut(&mut dyn Generator, &[f64]) -> f64,
) -> Result<Option<Judgement>, MetricError> {
    if !optimizer.is_adaptive() {
        optimizer.step(step)?;
        return Ok(None);
    }
    let start = step.parameters.to_vec();
    let before = loss(step.generator, step.parameters);
    optimizer.step(step)?;
    step.generator.forward(step.parameters);
    let after = loss(step.generator, step.parameters);
    let judgement = optimizer.judge(before, after);
    if !judgement.kept {
        step.parameters.copy_from_slice(&start);
    }
    Ok(Some(judgement))
}

/// Damping that follows the ratio of the fall of the loss to what its slope predicts (Levenberg 1944; Marquardt, SIAM J. Appl. Math. 11,
/// 1963).
///
/// Their model of the loss is quadratic; here it is the tangent, since the metric is not the Hessian of the loss: along a step s of a loss
/// with the curvature κ the ratio is 1 − κ|s|²/(2|∇J·s|), 1 for short steps and ½ for a step to the minimum.
#[derive(Clone, Debug, Default)]
pub(super) struct Adaptation {
    gradient: Vec<f64>,
    /// −∇J·s of the last step.
    predicted: f64,
}

impl Adaptation {
    /// Takes the gradient of a step that is about to be made.
    pub(super) fn prepare(&mut self, step: &mut Step) {
        self.gradient.resize(step.parameters.len(), 0.0);
        step.gradient(&mut self.gradient);
    }

    /// Notes the step θ ← θ − rate·direction.
    pub(super) fn note(&mut self, rate: f64, direction: &[f64]) {
        let products = self.gradient.iter().zip(direction).map(|(a, b)| a * b);
        self.predicted = rate * products.sum::<f64>();
    }

    /// Judges the last step and adapts the damping of the metric.
    pub(super) fn judge(&self, metric: &mut Metric, before: f64, after: f64) -> Judgement {
        let fall = before - after;
        let rounding = ROUNDING * (1.0 + before.abs() + after.abs());
        // With momentum a step may lead uphill; its slope then says nothing of how far the metric holds.
        if fall.is_finite() && (self.predicted <= rounding || fall.abs() <= rounding) {
            // Too short a step to be seen would otherwise be the last that is seen.
            if self.predicted >= -rounding {
                change_damping(metric, 1.0 / DAMPING_FACTOR);
            }
            return Judgement::UNJUDGED;
        }
        let ratio = fall / self.predicted;
        let [lowest, highest] = TRUSTED;
        let factor = if ratio > highest {
            1.0 / DAMPING_FACTOR
        } else if ratio >= lowest {
            1.0
        } else {
            // Also where the loss is not a number any more.
            DAMPING_FACTOR
        };
        change_damping(metric, factor);
        Judgement {
            ratio,
            kept: ratio >= 0.0,
        }
    }
}

/// Multiplies the damping of a metric, within its bounds.
fn change_damping(metric: &mut Metric, factor: f64) {
    let [least, greatest] = DAMPING_BOUNDS;
    metric.set_damping((factor * metric.damping()).clamp(least, greatest));
}
