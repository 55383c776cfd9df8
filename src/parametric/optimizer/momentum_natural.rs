use super::{Optimizer, Step};
use crate::parametric::metric::{Metric, MetricError, MetricReport};

/// Natural gradient with momentum, the update of the source paper: η ← βη + (g + λ)⁻¹E(Jᵀ∇μ), θ ← θ − rate·η.
///
/// It drops the connection term of the inertial equation on parameters: [`super::Inertial`] has it (docs/parameters.md, eq. P6 and P7).
pub struct MomentumNatural {
    metric: Metric,
    momentum: f64,
    direction: Vec<f64>,
    velocity: Vec<f64>,
}

impl MomentumNatural {
    /// The rule with its metric and momentum β in [0, 1).
    pub fn new(metric: Metric, momentum: f64, parameters: usize) -> Self {
        Self {
            metric,
            momentum,
            direction: vec![0.0; parameters],
            velocity: vec![0.0; parameters],
        }
    }
}

impl Optimizer for MomentumNatural {
    fn step(&mut self, step: &mut Step) -> Result<(), MetricError> {
        self.metric.solve(
            step.generator,
            step.parameters,
            step.force,
            &mut self.direction,
        )?;
        let rows = step.parameters.iter_mut().zip(&self.direction);
        for ((value, direction), velocity) in rows.zip(&mut self.velocity) {
            *velocity = self.momentum * *velocity + direction;
            *value -= step.rate * *velocity;
        }
        Ok(())
    }

    fn report(&self) -> Option<MetricReport> {
        Some(self.metric.report())
    }
}
