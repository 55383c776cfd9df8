use super::{Optimizer, Step};
use crate::parametric::batch::Batch;
use crate::parametric::metric::{Metric, MetricError, MetricReport};

/// The damped inertial equation on parameters, θ'' + Γ(θ', θ') + γθ' = −G̃⁻¹E(Jᵀ∇μ), with the connection term Γ of the sample metric:
///
/// θ'' + γθ' = −(G̃ + λ)⁻¹E[Jᵀ(∇μ + D²G(θ', θ'))]                                          (docs/parameters.md, eq. P7)
///
/// The learning rate is the time step h. Leapfrog with implicit friction, of second order in h; the velocity in the connection term is
/// extrapolated from the two half steps before.
pub struct Inertial {
    metric: Metric,
    friction: f64,
    connection: bool,
    /// θ' half a step before the current θ, and the step before that; none before the first step.
    velocity: Option<[Vec<f64>; 2]>,
    direction: Vec<f64>,
    scratch: Option<[Batch; 3]>,
}

impl Inertial {
    /// The rule with the sample metric and friction γ; without the connection it is the momentum method as time steps.
    pub fn new(metric: Metric, friction: f64, connection: bool, parameters: usize) -> Self {
        Self {
            metric,
            friction,
            connection,
            velocity: None,
            direction: vec![0.0; parameters],
            scratch: None,
        }
    }
}

impl Optimizer for Inertial {
    fn step(&mut self, step: &mut Step) -> Result<(), MetricError> {
        let h = step.rate;
        let parameters = step.parameters.len();
        let [first, second, force] = self.scratch.get_or_insert_with(|| {
            let like = || Batch::new(step.force.features(), step.force.count());
            [like(), like(), like()]
        });
        force.values_mut().copy_from_slice(step.force.values());
        if let (true, Some([now, before])) = (self.connection, &self.velocity) {
            let pairs = self.direction.iter_mut().zip(now.iter().zip(before));
            pairs.for_each(|(value, (now, before))| *value = 1.5 * now - 0.5 * before);
            step.generator
                .push_forward(step.parameters, &self.direction, first, second);
            for row in 0..force.features() {
                let pairs = force.row_mut(row).iter_mut().zip(second.row(row));
                pairs.for_each(|(force, second)| *force += second);
            }
        }
        self.metric
            .solve(step.generator, step.parameters, force, &mut self.direction)?;
        // From rest the first half step is a kick alone; the velocity before it is its reflection, so that the extrapolation starts at 0.
        let start = self.velocity.is_none();
        let [now, before] = self
            .velocity
            .get_or_insert_with(|| [vec![0.0; parameters], vec![0.0; parameters]]);
        let half = 0.5 * self.friction * h;
        let rows = now.iter_mut().zip(before).zip(&self.direction);
        for ((now, before), direction) in rows {
            let next = if start {
                -0.5 * h * direction
            } else {
                ((1.0 - half) * *now - h * direction) / (1.0 + half)
            };
            *before = if start { -next } else { *now };
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
