use super::{Optimizer, Step};
use crate::parametric::metric::{Metric, MetricError, MetricReport};

/// The damped inertial equation on parameters, ∇_θ'θ' + γθ' = −grad J, with the connection of the metric chosen:
///
/// θ'' + γθ' = −(G̃ + λ)⁻¹E[Jᵀ(∇μ + D²G(θ', θ'))]                                          (docs/parameters.md, eq. P7)
/// θ'' + γθ' = −(g + λ)⁻¹E[Jᵀ(∇μ + ∇(φ_t + ½|∇φ|²))]                                      (eq. P19)
///
/// The learning rate is the time step h. Leapfrog with implicit friction, of second order in h; the velocity in the connection term is
/// extrapolated from the two half steps before.
pub struct Inertial {
    metric: Metric,
    friction: f64,
    connection: bool,
    /// θ' at the current θ, before the first step that at the start.
    extrapolated: Vec<f64>,
    /// θ' half a step before the current θ, and the step before that; none before the first step.
    velocity: Option<[Vec<f64>; 2]>,
    direction: Vec<f64>,
}

impl Inertial {
    /// The rule with its metric and friction γ, from rest; without the connection it is the momentum method as time steps.
    pub fn new(metric: Metric, friction: f64, connection: bool, parameters: usize) -> Self {
        Self {
            metric,
            friction,
            connection,
            extrapolated: vec![0.0; parameters],
            velocity: None,
            direction: vec![0.0; parameters],
        }
    }

    /// The rule with its connection, from the velocity θ' instead.
    pub fn with_velocity(metric: Metric, friction: f64, velocity: &[f64]) -> Self {
        Self {
            extrapolated: velocity.to_vec(),
            ..Self::new(metric, friction, true, velocity.len())
        }
    }

    /// θ' at the current θ into `extrapolated`, from the half steps before; it begins as that at the start.
    fn extrapolate(&mut self) {
        if let Some([now, before]) = &self.velocity {
            let pairs = self.extrapolated.iter_mut().zip(now.iter().zip(before));
            pairs.for_each(|(value, (now, before))| *value = 1.5 * now - 0.5 * before);
        }
    }
}

impl Optimizer for Inertial {
    fn step(&mut self, step: &mut Step) -> Result<(), MetricError> {
        let h = step.rate;
        if self.connection {
            self.extrapolate();
            self.metric.solve_with_connection(
                step.generator,
                step.parameters,
                &self.extrapolated,
                step.force,
                &mut self.direction,
            )?;
        } else {
            self.metric.solve(
                step.generator,
                step.parameters,
                step.force,
                &mut self.direction,
            )?;
        }
        // The first half step is a kick alone; the velocity before it is its reflection, so that the extrapolation starts at θ'.
        let start = self.velocity.is_none();
        let [now, before] = self
            .velocity
            .get_or_insert_with(|| [self.extrapolated.clone(), self.extrapolated.clone()]);
        let half = 0.5 * self.friction * h;
        let rows = now.iter_mut().zip(before).zip(&self.direction);
        for ((now, before), direction) in rows {
            let next = if start {
                (1.0 - half) * *now - 0.5 * h * direction
            } else {
                ((1.0 - half) * *now - h * direction) / (1.0 + half)
            };
            *before = if start { 2.0 * *now - next } else { *now };
            *now = next;
        }
        for (value, velocity) in step.parameters.iter_mut().zip(now.iter()) {
            *value += h * velocity;
        }
        Ok(())
    }

    fn report(&self) -> Option<MetricReport> {
        Some(self.metric.report())
    }
}
