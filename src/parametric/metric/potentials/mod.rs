//! Spaces of potentials ψ_k, whose gradients stand for all gradients: random waves, and splines on a grid.

mod features;
mod splines;

pub use features::Features;
pub use splines::Splines;

use crate::parametric::batch::Batch;
use crate::parametric::kernels::add_scaled;

/// A finite-dimensional space of potentials, that knows gradients and Hessians at a sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Potentials {
    /// Linear, quadratic, and waves everywhere.
    Features(Features),
    /// Splines on a regular grid, of which few differ from 0 at one place.
    Splines(Splines),
}

impl From<Features> for Potentials {
    fn from(features: Features) -> Self {
        Self::Features(features)
    }
}

impl From<Splines> for Potentials {
    fn from(splines: Splines) -> Self {
        Self::Splines(splines)
    }
}

impl Potentials {
    /// Those of the metric `otto` in training: splines in 1-D and 2-D; in more dimensions a grid has more nodes than a batch has samples.
    pub fn standard(dimension: usize) -> Self {
        match dimension {
            1 | 2 => Splines::over_samples(dimension, None).into(),
            _ => Features::standard(dimension).into(),
        }
    }

    /// The number of coordinates of a sample.
    pub fn dimension(&self) -> usize {
        match self {
            Self::Features(features) => features.dimension(),
            Self::Splines(splines) => splines.dimension(),
        }
    }

    /// The number of potentials.
    pub fn count(&self) -> usize {
        match self {
            Self::Features(features) => features.count(),
            Self::Splines(splines) => splines.count(),
        }
    }

    /// Lays the space over these samples, if it follows them.
    fn lay(&mut self, samples: &Batch) {
        if let Self::Splines(splines) = self {
            splines.lay(samples);
        }
    }

    /// The number of potentials that may differ from 0 at one place.
    fn active(&self) -> usize {
        match self {
            Self::Features(features) => features.count(),
            Self::Splines(splines) => splines.active(),
        }
    }

    /// The active potentials at x.
    fn at(&self, x: &[f64], jets: &mut Jets) {
        match self {
            Self::Features(features) => features.at(x, jets),
            Self::Splines(splines) => splines.at(x, jets),
        }
    }
}

/// First and second derivatives of the active potentials at one place.
struct Jets<'a> {
    /// The number of each, in ascending order.
    indices: &'a mut [usize],
    /// ∇ψ of each, `dimension` numbers.
    gradients: &'a mut [f64],
    /// ∇²ψ of each by rows, `dimension`² numbers; none if not asked for.
    hessians: Option<&'a mut [f64]>,
}

/// The derivatives of all potentials at all samples: S with the entries ∂_aψ_k(x_b), of which only those that may differ from 0 are kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table {
    dimension: usize,
    active: usize,
    /// The padded number of samples.
    step: usize,
    indices: Vec<usize>,
    /// By samples, potentials and coordinates.
    gradients: Vec<f64>,
    /// By samples, potentials, rows and columns; empty unless asked for.
    hessians: Vec<f64>,
}

impl Table {
    /// The derivatives at these samples, the Hessians if `curved`.
    pub(super) fn fill(&mut self, potentials: &mut Potentials, samples: &Batch, curved: bool) {
        potentials.lay(samples);
        let (d, active, count) = (potentials.dimension(), potentials.active(), samples.count());
        (self.dimension, self.active, self.step) = (d, active, samples.step());
        self.indices.resize(count * active, 0);
        self.gradients.resize(count * active * d, 0.0);
        self.hessians
            .resize(if curved { count * active * d * d } else { 0 }, 0.0);
        let mut x = vec![0.0; d];
        for place in 0..count {
            for (value, coordinate) in x.iter_mut().zip(samples.sample(place)) {
                *value = coordinate;
            }
            let mut jets = Jets {
                indices: &mut self.indices[place * active..][..active],
                gradients: &mut self.gradients[place * active * d..][..active * d],
                hessians: curved
                    .then(|| &mut self.hessians[place * active * d * d..][..active * d * d]),
            };
            potentials.at(&x, &mut jets);
        }
    }

    /// Makes every potential constant.
    pub(super) fn clear(&mut self) {
        self.gradients.fill(0.0);
        self.hessians.fill(0.0);
    }

    /// The length of a field: coordinates times padded samples.
    pub(super) fn length(&self) -> usize {
        self.dimension * self.step
    }

    /// The active potentials at each sample with their gradients.
    fn samples(&self) -> impl Iterator<Item = (&[usize], &[f64])> {
        self.indices
            .chunks_exact(self.active)
            .zip(self.gradients.chunks_exact(self.active * self.dimension))
    }

    /// gram ← gram + SSᵀ in the upper triangle, whose rows are `size` apart.
    pub(super) fn add_gram(&self, gram: &mut [f64], size: usize) {
        let d = self.dimension;
        for (indices, gradients) in self.samples() {
            let rows = indices.iter().zip(gradients.chunks_exact(d));
            for (number, (row, own)) in rows.enumerate() {
                let line = &mut gram[row * size..][..size];
                let others = indices.iter().zip(gradients.chunks_exact(d));
                for (column, other) in others.skip(number) {
                    line[*column] += own.iter().zip(other).map(|(a, b)| a * b).sum::<f64>();
                }
            }
        }
    }

    /// result ← result + Sv: Σ_b ∇ψ_k·v of every potential, for v laid out like the samples.
    pub(super) fn add_weak(&self, vector: &[f64], result: &mut [f64]) {
        let d = self.dimension;
        for (place, (indices, gradients)) in self.samples().enumerate() {
            for (index, gradient) in indices.iter().zip(gradients.chunks_exact(d)) {
                let terms = gradient.iter().enumerate();
                let sum: f64 = terms
                    .map(|(axis, slope)| slope * vector[axis * self.step + place])
                    .sum();
                result[*index] += sum;
            }
        }
    }

    /// field ← field + Sᵀc: the gradient of Σ c_kψ_k at every sample.
    pub(super) fn add_gradient(&self, coefficients: &[f64], field: &mut [f64]) {
        let d = self.dimension;
        for (place, (indices, gradients)) in self.samples().enumerate() {
            for (index, gradient) in indices.iter().zip(gradients.chunks_exact(d)) {
                for (axis, slope) in gradient.iter().enumerate() {
                    field[axis * self.step + place] += coefficients[*index] * slope;
                }
            }
        }
    }

    /// The active potentials at each sample with their Hessians.
    fn curved_samples(&self) -> impl Iterator<Item = (&[usize], &[f64])> {
        let size = self.active * self.dimension * self.dimension;
        self.indices
            .chunks_exact(self.active)
            .zip(self.hessians.chunks_exact(size))
    }

    /// result ← result + Σ_b v·∇²ψ_k w of every potential, for v and w laid out like the samples.
    pub(super) fn add_weak_of_slopes(&self, left: &[f64], right: &[f64], result: &mut [f64]) {
        let d = self.dimension;
        for (place, (indices, hessians)) in self.curved_samples().enumerate() {
            for (index, hessian) in indices.iter().zip(hessians.chunks_exact(d * d)) {
                for (entry, curvature) in hessian.iter().enumerate() {
                    let (row, column) = (entry / d, entry % d);
                    result[*index] += left[row * self.step + place]
                        * curvature
                        * right[column * self.step + place];
                }
            }
        }
    }

    /// field ← field + factor · ∇²φ v for φ = Σ c_kψ_k.
    pub(super) fn add_curved(
        &self,
        coefficients: &[f64],
        factor: f64,
        vector: &[f64],
        field: &mut [f64],
    ) {
        let d = self.dimension;
        for (place, (indices, hessians)) in self.curved_samples().enumerate() {
            for (index, hessian) in indices.iter().zip(hessians.chunks_exact(d * d)) {
                let weight = factor * coefficients[*index];
                for (entry, curvature) in hessian.iter().enumerate() {
                    let (row, column) = (entry / d, entry % d);
                    field[row * self.step + place] +=
                        weight * curvature * vector[column * self.step + place];
                }
            }
        }
    }

    /// image ← image + SK, `count` rows of the length of K's; K is square over the coordinates of the samples.
    pub(super) fn add_rows(&self, square: &[f64], image: &mut [f64]) {
        let (d, full) = (self.dimension, self.length());
        for (place, (indices, gradients)) in self.samples().enumerate() {
            for (index, gradient) in indices.iter().zip(gradients.chunks_exact(d)) {
                for (axis, slope) in gradient.iter().enumerate() {
                    let row = &square[(axis * self.step + place) * full..][..full];
                    add_scaled(*slope, row, &mut image[index * full..][..full]);
                }
            }
        }
    }
}
