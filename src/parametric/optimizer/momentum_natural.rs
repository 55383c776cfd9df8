use super::judged::Adaptation;
use super::{Judgement, Optimizer, Step};
use crate::parametric::metric::{Metric, MetricError, MetricReport};

/// Natural gradient with momentum, the update of the source paper: η ← βη + (g + λ)⁻¹E(Jᵀ∇μ), θ ← θ − rate·η.
///
/// It drops the connection term of the inertial equation on parameters: [`super::Inertial`] has it (docs/parameters.md, eq. P6 and P7).
pub struct MomentumNatural {
    metric: Metric,
    momentum: f64,
    direction: Vec<f64>,
    velocity: Vec<f64>,
    adaptation: Option<Adaptation>,
}

impl MomentumNatural {
    /// The rule with its metric and momentum β in [0, 1).
    pub fn new(metric: Metric, momentum: f64, parameters: usize) -> Self {
        Self {
            metric,
            momentum,
            direction: vec![0.0; parameters],
            velocity: vec![0.0; parameters],
            adaptation: None,
        }
    }

    /// The rule whose damping follows what its steps do, from that of the metric on; to be stepped by [`super::judged_step`].
    pub fn adaptive(metric: Metric, momentum: f64, parameters: usize) -> Self {
        Self {
            adaptation: Some(Adaptation::default()),
            ..Self::new(metric, momentum, parameters)
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
        if let Some(adaptation) = &mut self.adaptation {
            adaptation.prepare(step);
        }
        let rows = step.parameters.iter_mut().zip(&self.direction);
        for ((value, direction), velocity) in rows.zip(&mut self.velocity) {
            *velocity = self.momentum * *velocity + direction;
            *value -= step.rate * *velocity;
        }
        if let Some(adaptation) = &mut self.adaptation {
            adaptation.note(step.rate, &self.velocity);
        }
        Ok(())
    }

    fn report(&self) -> Option<MetricReport> {
        Some(self.metric.report())
    }

    fn is_adaptive(&self) -> bool {
        self.adaptation.is_some()
    }

    fn judge(&mut self, before: f64, after: f64) -> Judgement {
        let Some(adaptation) = &self.adaptation else {
            return Judgement::UNJUDGED;
        };
        let judgement = adaptation.judge(&mut self.metric, before, after);
        if !judgement.kept {
            // The velocity led uphill: from rest the next step descends.
            self.velocity.fill(0.0);
        }
        judgement
    }
}
