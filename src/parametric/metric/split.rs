use super::{Metric, MetricKind, MetricSettings};
use crate::parametric::generator::Generator;

/// How much of the sample metric is not the metric of the densities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricSplit {
    /// trace G̃.
    pub sample: f64,
    /// trace g, estimated by the projection of the metric `otto`.
    pub otto: f64,
}

impl MetricSplit {
    /// trace(G̃ − g)/trace G̃: the share of motions that do not change the density.
    pub fn share(&self) -> f64 {
        (self.sample - self.otto) / self.sample
    }
}

/// The traces of both metrics at the generator's samples, after `forward`.
pub fn split(generator: &mut dyn Generator, parameters: &[f64]) -> MetricSplit {
    let count = generator.parameters();
    let mut trace = |kind| {
        let settings = MetricSettings { kind, damping: 0.0 };
        let matrix = Metric::new(settings).matrix(generator, parameters);
        (0..count).map(|row| matrix[row * (count + 1)]).sum()
    };
    MetricSplit {
        sample: trace(MetricKind::Sample),
        otto: trace(MetricKind::Otto),
    }
}
