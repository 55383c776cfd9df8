use rand_distr::{Distribution, StandardNormal};

use super::{Optimizer, Step};
use crate::parametric::metric::{Metric, MetricError, MetricReport};
use crate::parametric::streams::{Purpose, Streams};

/// Langevin's equation dθ = −P∇J dt + √(2T) P^{1/2} dW with P = 1 or, with a metric, P = (g + λ)⁻¹: the fluctuations of the source paper's
/// path integral (docs/parameters.md, eq. P8).
///
/// The learning rate is the time step of Euler and Maruyama. For constant P the stationary law is e^{−J/T}, up to the first order in the
/// time step; the divergence of P that a metric which changes with θ would add is left out, as in natural gradient Langevin dynamics
/// (Girolami, Calderhead, JRSS B 73, 2011).
pub struct Langevin {
    metric: Option<Metric>,
    temperature: f64,
    streams: Streams,
    direction: Vec<f64>,
    normal: Vec<f64>,
}

impl Langevin {
    /// Euclidean without a metric, else natural; `metric` must be a [`Metric::dense`].
    pub fn new(
        metric: Option<Metric>,
        temperature: f64,
        streams: Streams,
        parameters: usize,
    ) -> Self {
        Self {
            metric,
            temperature,
            streams,
            direction: vec![0.0; parameters],
            normal: vec![0.0; parameters],
        }
    }
}

impl Optimizer for Langevin {
    fn step(&mut self, step: &mut Step) -> Result<(), MetricError> {
        let mut random = self.streams.at(Purpose::Noise, step.number);
        for value in &mut self.normal {
            *value = StandardNormal.sample(&mut random);
        }
        match &mut self.metric {
            None => step.gradient(&mut self.direction),
            Some(metric) => metric.solve(
                step.generator,
                step.parameters,
                step.force,
                &mut self.direction,
            )?,
        }
        for (value, direction) in step.parameters.iter_mut().zip(&self.direction) {
            *value -= step.rate * direction;
        }
        if let Some(metric) = &mut self.metric {
            metric.noise(&self.normal, &mut self.direction);
        } else {
            self.direction.copy_from_slice(&self.normal);
        }
        let size = (2.0 * self.temperature * step.rate).sqrt();
        for (value, noise) in step.parameters.iter_mut().zip(&self.direction) {
            *value += size * noise;
        }
        Ok(())
    }

    fn report(&self) -> Option<MetricReport> {
        self.metric.as_ref().map(Metric::report)
    }
}
