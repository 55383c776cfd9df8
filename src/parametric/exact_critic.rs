use super::batch::Batch;
use super::cholesky::{Cholesky, solve_transposed, solve_upper};
use super::kernels::padded;
use super::loss::Loss;
use super::network::Network;
use super::target::Target;
use crate::calculus::Real;
use crate::density::NormalMixture;

/// ℓ = ln(ρ/π) and its gradient from the generator's own density: the ideal discriminator of the theory.
///
/// An affine generator has a normal density in closed form. Of any other the density is known by samples: ρ and π are both smoothed by a
/// normal kernel of Scott's width (Scott, Multivariate Density Estimation, 1992), π exactly, so that equal densities stay equal.
pub struct ExactCritic {
    loss: Loss,
    affine: Option<Affine>,
    smoothed: Option<(f64, NormalMixture)>,
    point: Vec<f64>,
    score: Vec<f64>,
    kernel: Vec<f64>,
}

/// The density of x = Az + b.
struct Affine {
    inputs: usize,
    outputs: usize,
    cholesky: Cholesky,
    /// U with UᵀU = AAᵀ.
    factor: Vec<f64>,
    size: usize,
}

const LN_TWO_PI: f64 = 1.837_877_066_409_345_3;

impl ExactCritic {
    /// The critic of a generator's network.
    pub fn new(network: &Network, loss: Loss) -> Self {
        let affine = (network.widths().len() == 2).then(|| Affine {
            inputs: network.inputs(),
            outputs: network.outputs(),
            cholesky: Cholesky::default(),
            factor: Vec::new(),
            size: padded(network.outputs()),
        });
        Self {
            loss,
            affine,
            smoothed: None,
            point: vec![0.0; network.outputs()],
            score: vec![0.0; network.outputs()],
            kernel: Vec::new(),
        }
    }

    /// force ← ∇ₓμ at every sample, μ the first variation of the loss at the exact ℓ; returns E μ.
    pub fn force(
        &mut self,
        parameters: &[f64],
        samples: &Batch,
        target: &Target,
        force: &mut Batch,
    ) -> f64 {
        let loss = self.loss;
        self.mean(parameters, samples, target, |index, log_ratio, score| {
            let (value, slope) = loss.at_log_ratio(log_ratio);
            for (axis, score) in score.iter().enumerate() {
                force.row_mut(axis)[index] = slope * score;
            }
            value
        })
    }

    /// J at the samples: the divergence that the force descends, as the mean of [`Loss::divergence_per_mass`].
    pub fn divergence(&mut self, parameters: &[f64], samples: &Batch, target: &Target) -> f64 {
        let loss = self.loss;
        self.mean(parameters, samples, target, |_, log_ratio, _| {
            loss.divergence_per_mass(log_ratio)
        })
    }

    /// The mean over the samples of a function of their number, ℓ and ∇ℓ; not a number where there is no ℓ.
    fn mean(
        &mut self,
        parameters: &[f64],
        samples: &Batch,
        target: &Target,
        mut value: impl FnMut(usize, f64, &[f64]) -> f64,
    ) -> f64 {
        // A point has no density either.
        let Some(density) = target.density() else {
            return f64::NAN;
        };
        match &mut self.affine {
            // A singular A has no density: NaN, which ends the run with its place.
            Some(affine) => {
                if affine.prepare(parameters).is_err() {
                    return f64::NAN;
                }
            }
            None => self.smooth(samples, density),
        }
        let mut sum = 0.0;
        for index in 0..samples.count() {
            for (own, x) in self.point.iter_mut().zip(samples.sample(index)) {
                *own = x;
            }
            let target = match &self.smoothed {
                Some((_, smoothed)) => smoothed,
                None => density,
            };
            let log_target = target.score(&self.point, &mut self.score);
            let log_density = match &self.affine {
                Some(affine) => affine.density(parameters, &self.point, &mut self.score),
                None => self.kernel_density(samples),
            };
            sum += value(index, log_density - log_target, &self.score);
        }
        sum / samples.count() as f64
    }

    /// Chooses the width of the kernel and smooths the target by it.
    fn smooth(&mut self, samples: &Batch, density: &NormalMixture) {
        let (count, d) = (samples.count() as f64, samples.features() as f64);
        let mut variance = 0.0;
        for axis in 0..samples.features() {
            let mean = samples.row(axis).iter().sum::<f64>() / count;
            let squares = samples.row(axis).iter().map(|x| (x - mean) * (x - mean));
            variance += squares.sum::<f64>() / count / d;
        }
        let width = variance.sqrt() * count.powf(-1.0 / (d + 4.0));
        self.smoothed = Some((width, density.smoothed(width)));
    }

    /// ln ρ of the samples' kernel density at `point`; the score of ρ is added to minus that of π.
    fn kernel_density(&mut self, samples: &Batch) -> f64 {
        let width = self.smoothed.as_ref().map_or(1.0, |(width, _)| *width);
        let scale = 1.0 / (width * width);
        let exponent = |index: usize| {
            let differences = samples.sample(index).zip(&self.point);
            -0.5 * scale * differences.map(|(x, p)| (x - p) * (x - p)).sum::<f64>()
        };
        self.kernel.clear();
        self.kernel.extend((0..samples.count()).map(exponent));
        // A sample is its own neighbour, so that the largest exponent is 0.
        let mut total = 0.0;
        for value in &mut self.kernel {
            *value = Real::exp(*value);
            total += *value;
        }
        for (axis, score) in self.score.iter_mut().enumerate() {
            let pairs = self.kernel.iter().zip(samples.row(axis));
            let pull: f64 = pairs.map(|(k, x)| k * (x - self.point[axis])).sum();
            *score = pull * scale / total - *score;
        }
        let d = samples.features() as f64;
        Real::ln(total / samples.count() as f64) - d * (Real::ln(width) + 0.5 * LN_TWO_PI)
    }
}

impl Affine {
    /// Factors AAᵀ.
    fn prepare(&mut self, parameters: &[f64]) -> Result<(), super::cholesky::NotPositive> {
        let size = self.size;
        self.factor.clear();
        self.factor.resize(size * size, 0.0);
        for row in 0..size {
            self.factor[row * (size + 1)] = 1.0;
        }
        let row = |index: usize| &parameters[index * self.inputs..][..self.inputs];
        for i in 0..self.outputs {
            for j in i..self.outputs {
                let products = row(i).iter().zip(row(j));
                self.factor[i * size + j] = products.map(|(a, b)| a * b).sum();
            }
        }
        self.cholesky.factor(&mut self.factor, size)
    }

    /// ln ρ at a point; score ← ∇ln ρ − score.
    fn density(&self, parameters: &[f64], point: &[f64], score: &mut [f64]) -> f64 {
        let size = self.size;
        let bias = &parameters[self.inputs * self.outputs..];
        let mut solution = [0.0; crate::density::MAXIMAL_COORDINATES];
        let solution = &mut solution[..size];
        for axis in 0..self.outputs {
            solution[axis] = point[axis] - bias[axis];
        }
        solve_transposed(&self.factor, size, solution);
        let square: f64 = solution.iter().map(|u| u * u).sum();
        solve_upper(&self.factor, size, solution);
        let mut log_determinant = 0.0;
        for axis in 0..self.outputs {
            score[axis] = -solution[axis] - score[axis];
            log_determinant += Real::ln(self.factor[axis * (size + 1)]);
        }
        -0.5 * square - log_determinant - 0.5 * self.outputs as f64 * LN_TWO_PI
    }
}
