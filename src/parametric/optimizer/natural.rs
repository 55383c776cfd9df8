use super::judged::Adaptation;
use super::{Judgement, Optimizer, Step};
use crate::parametric::metric::{Metric, MetricError, MetricReport};

/// Natural gradient: θ ← θ − rate·(g + λ)⁻¹E(Jᵀ∇μ) with the metric g chosen (docs/parameters.md, eq. P5).
///
/// Amari, Neural Computation 10, 1998; with the Wasserstein metric: Li, Montúfar, Information Geometry 1, 2018.
pub struct Natural {
    metric: Metric,
    direction: Vec<f64>,
    adaptation: Option<Adaptation>,
}

impl Natural {
    /// The rule with its metric.
    pub fn new(metric: Metric, parameters: usize) -> Self {
        Self {
            metric,
            direction: vec![0.0; parameters],
            adaptation: None,
        }
    }

    /// The rule whose damping follows what its steps do, from that of the metric on; to be stepped by [`super::judged_step`].
    pub fn adaptive(metric: Metric, parameters: usize) -> Self {
        Self {
            adaptation: Some(Adaptation::default()),
            ..Self::new(metric, parameters)
        }
    }
}

impl Optimizer for Natural {
    fn step(&mut self, step: &mut Step) -> Result<(), MetricError> {
        self.metric.solve(
            step.generator,
            step.parameters,
            step.force,
            &mut self.direction,
        )?;
        if let Some(adaptation) = &mut self.adaptation {
            adaptation.prepare(step);
            adaptation.note(step.rate, &self.direction);
        }
        for (value, direction) in step.parameters.iter_mut().zip(&self.direction) {
            *value -= step.rate * direction;
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
        match &self.adaptation {
            Some(adaptation) => adaptation.judge(&mut self.metric, before, after),
            None => Judgement::UNJUDGED,
        }
    }
}
