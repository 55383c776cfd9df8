use rand_distr::{Distribution, StandardNormal, StandardUniform};

use super::Jets;
use crate::parametric::streams::{Purpose, Streams};

/// The potentials x_i, x_i x_j, and waves cos(ω·x + β) with ω normal (random features: Rahimi, Recht, NeurIPS 2007).
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    dimension: usize,
    /// ω and β of each wave.
    waves: Vec<(Vec<f64>, f64)>,
}

impl Features {
    /// The linear and quadratic potentials, and `waves` waves with frequencies of the given scale.
    pub fn new(dimension: usize, waves: usize, scale: f64) -> Self {
        let mut random = Streams::new(0).at(Purpose::Features, waves as u64);
        let wave = |_| {
            let mut normal = || -> f64 { StandardNormal.sample(&mut random) };
            let frequency = (0..dimension).map(|_| scale * normal()).collect();
            let share: f64 = StandardUniform.sample(&mut random);
            (frequency, std::f64::consts::TAU * share)
        };
        Self {
            dimension,
            waves: (0..waves).map(wave).collect(),
        }
    }

    /// Those of the metric `otto`: 12 waves a dimension of unit scale.
    pub(super) fn standard(dimension: usize) -> Self {
        Self::new(dimension, 12 * dimension, 1.0)
    }

    /// The number of coordinates.
    pub(super) fn dimension(&self) -> usize {
        self.dimension
    }

    /// The number of potentials.
    pub fn count(&self) -> usize {
        self.dimension + self.dimension * (self.dimension + 1) / 2 + self.waves.len()
    }

    /// All potentials at x.
    pub(super) fn at(&self, x: &[f64], jets: &mut Jets) {
        let d = self.dimension;
        for (number, index) in jets.indices.iter_mut().enumerate() {
            *index = number;
        }
        let mut gradients = jets.gradients.chunks_exact_mut(d);
        let mut gradient = || gradients.next().unwrap_or_default();
        let mut hessians = jets
            .hessians
            .as_deref_mut()
            .map(|hessians| hessians.chunks_exact_mut(d * d));
        let mut hessian = || {
            let next = hessians.as_mut().and_then(Iterator::next);
            next.unwrap_or_default()
        };
        for axis in 0..d {
            let gradient = gradient();
            gradient.fill(0.0);
            gradient[axis] = 1.0;
            hessian().fill(0.0);
        }
        for i in 0..d {
            for j in i..d {
                let gradient = gradient();
                gradient.fill(0.0);
                gradient[i] += x[j];
                gradient[j] += x[i];
                let hessian = hessian();
                hessian.fill(0.0);
                for place in [i * d + j, j * d + i] {
                    if let Some(entry) = hessian.get_mut(place) {
                        *entry += 1.0;
                    }
                }
            }
        }
        for (frequency, phase) in &self.waves {
            let terms = frequency.iter().zip(x);
            let angle = phase + terms.map(|(w, x)| w * x).sum::<f64>();
            for (slope, w) in gradient().iter_mut().zip(frequency) {
                *slope = -w * angle.sin();
            }
            for (place, entry) in hessian().iter_mut().enumerate() {
                *entry = -frequency[place / d] * frequency[place % d] * angle.cos();
            }
        }
    }
}
