use super::projection::Projection;
use crate::parametric::generator::Generator;

/// How much of the sample metric is not the metric of the densities: trace G̃ = trace g + fibre + circulation (docs/parameters.md, eq. P4).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricSplit {
    /// trace G̃.
    pub sample: f64,
    /// trace g by the projection of the metric `otto`.
    pub otto: f64,
    /// E(Var(∂G | G)), the variance among samples at one place: half the mean square difference of nearest neighbours.
    pub fibre: f64,
}

impl MetricSplit {
    /// trace(G̃ − g)/trace G̃: the share of motions that do not change the density.
    pub fn share(&self) -> f64 {
        (self.sample - self.otto) / self.sample
    }

    /// The part of u that is no gradient: what neither g nor the fibres take; 0 in 1-D up to the estimates.
    pub fn circulation(&self) -> f64 {
        self.sample - self.otto - self.fibre
    }
}

/// The traces at the generator's samples, after `forward`. The neighbours take B² work, so that some hundred samples are enough.
pub fn split(generator: &mut dyn Generator, parameters: &[f64]) -> MetricSplit {
    let samples = generator.samples().clone();
    let (full, step, count) = (samples.values().len(), samples.step(), samples.count());
    let mut jacobian = vec![0.0; parameters.len() * full];
    generator.jacobian(parameters, &mut jacobian);
    let mut projection = Projection::default();
    projection.prepare(&samples);
    let neighbours: Vec<usize> = (0..count).map(|own| nearest(&samples, own)).collect();
    let mut projected = vec![0.0; projection.width()];
    let mut sums = MetricSplit {
        sample: 0.0,
        otto: 0.0,
        fibre: 0.0,
    };
    for row in jacobian.chunks_exact(full) {
        projection.project(row, &mut projected);
        sums.sample += row.iter().map(|x| x * x).sum::<f64>();
        sums.otto += projected.iter().map(|x| x * x).sum::<f64>();
        for coordinate in row.chunks_exact(step) {
            let pairs = neighbours.iter().zip(coordinate);
            let squares = pairs.map(|(other, x)| (x - coordinate[*other]).powi(2));
            sums.fibre += 0.5 * squares.sum::<f64>();
        }
    }
    let share = 1.0 / count as f64;
    MetricSplit {
        sample: share * sums.sample,
        otto: share * sums.otto,
        fibre: share * sums.fibre,
    }
}

/// The sample nearest to another.
fn nearest(samples: &crate::parametric::Batch, own: usize) -> usize {
    let distance = |other: &usize| {
        let pairs = samples.sample(own).zip(samples.sample(*other));
        pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f64>()
    };
    let others = (0..samples.count()).filter(|other| *other != own);
    others
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
        .unwrap_or(own)
}
