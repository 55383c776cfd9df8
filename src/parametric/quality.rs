use super::batch::Batch;
use super::streams::{Purpose, Streams, fill_normal};
use super::target::{Quantiles, Target};
use crate::calculus::Real;
use crate::density::NormalMixture;
use crate::divergence::DivergenceKind;
use crate::grid::{Axis, Boundary, Field, Grid, GridError};
use crate::metrics::divergence;
use crate::problem::{Problem, State};

/// Cells of the histogram of the Jensen–Shannon divergence.
const CELLS: usize = 64;
/// Its reach to both sides of the target's mean, in standard deviations; what lies beyond counts in the last cells.
const REACH: f64 = 4.0;
/// Directions of the sliced distances in more than one dimension.
const DIRECTIONS: usize = 32;
/// A sample within so many standard deviations of a mode is of high quality (Srivastava et al., VEEGAN, NeurIPS 2017).
pub const HIGH_QUALITY: f64 = 3.0;
/// A mode is covered if its share of high-quality samples is at least this part of its weight.
pub const COVERED: f64 = 0.1;

/// How near generated samples are to the target.
#[derive(Clone, Debug, PartialEq)]
pub struct Quality {
    /// The mean of each coordinate.
    pub mean: Vec<f64>,
    /// The standard deviation of each coordinate.
    pub std: Vec<f64>,
    /// W1 to the target; in more than one dimension its mean over directions.
    pub wasserstein_1: f64,
    /// W2 to the target; in more than one dimension the root of its mean square over directions (sliced W2).
    pub wasserstein_2: f64,
    /// JSD of the histogram against the target, in 1-D where the target has a density.
    pub jensen_shannon: Option<f64>,
    /// The number of modes covered.
    pub modes: usize,
    /// The share of samples of high quality.
    pub high_quality: f64,
}

/// The target prepared for measuring batches of one size against it.
#[derive(Clone, Debug)]
pub struct Yardstick {
    target: Target,
    /// Directions, and the target's quantiles along each at (i + ½)/count.
    slices: Vec<(Vec<f64>, Vec<f64>)>,
    histogram: Option<Histogram>,
    count: usize,
}

/// Cells of equal width and the mass that the target has in each.
#[derive(Clone, Debug)]
struct Histogram {
    problem: Problem,
    lower: f64,
    width: f64,
}

impl Yardstick {
    /// Prepares to measure batches of `count` samples.
    ///
    /// # Errors
    /// A target so wide or narrow that its histogram is no grid.
    pub fn new(target: &Target, count: usize) -> Result<Self, GridError> {
        let directions = directions(target.dimension()).into_iter();
        let slices = directions.map(|direction| {
            let quantiles = target.quantiles(&direction, count);
            (direction, quantiles)
        });
        let slices = slices.collect();
        let histogram = match target.density() {
            Some(density) if density.dimension() == 1 => Some(Histogram::new(density)?),
            _ => None,
        };
        Ok(Self {
            target: target.clone(),
            slices,
            histogram,
            count,
        })
    }

    /// The number of samples that are measured together.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Fills in the latent variables of an evaluation: the same for every run.
    pub fn fill_latents(&self, latents: &mut Batch) {
        fill_normal(&mut Streams::new(0).at(Purpose::Evaluation, 0), latents);
    }

    /// Measures a batch.
    pub fn measure(&self, samples: &Batch) -> Quality {
        let count = samples.count() as f64;
        let mean: Vec<f64> = (0..samples.features())
            .map(|axis| samples.row(axis).iter().sum::<f64>() / count)
            .collect();
        let std = mean.iter().enumerate().map(|(axis, mean)| {
            let squares = samples.row(axis).iter().map(|x| (x - mean) * (x - mean));
            (squares.sum::<f64>() / count).sqrt()
        });
        let std = std.collect();
        let mut sorted = vec![0.0; samples.count()];
        let (mut first, mut second) = (0.0, 0.0);
        for (direction, quantiles) in &self.slices {
            sorted.fill(0.0);
            for (axis, u) in direction.iter().enumerate() {
                for (value, x) in sorted.iter_mut().zip(samples.row(axis)) {
                    *value += u * x;
                }
            }
            sorted.sort_unstable_by(f64::total_cmp);
            let (w1, w2) = distances(&sorted, quantiles);
            first += w1;
            second += w2 * w2;
        }
        let slices = self.slices.len() as f64;
        let (modes, high_quality) = self.modes(samples);
        Quality {
            mean,
            std,
            wasserstein_1: first / slices,
            wasserstein_2: (second / slices).sqrt(),
            jensen_shannon: self.histogram.as_ref().map(|h| h.measure(samples.row(0))),
            modes,
            high_quality,
        }
    }

    /// The number of modes covered and the share of samples of high quality.
    fn modes(&self, samples: &Batch) -> (usize, f64) {
        let mut hits = vec![0_usize; self.target.modes()];
        let mut point = vec![0.0; samples.features()];
        for index in 0..samples.count() {
            for (own, x) in point.iter_mut().zip(samples.sample(index)) {
                *own = x;
            }
            let (mode, distance) = self.target.nearest(&point);
            if distance <= HIGH_QUALITY {
                hits[mode] += 1;
            }
        }
        let count = samples.count() as f64;
        let covered = hits
            .iter()
            .enumerate()
            .filter(|(mode, hits)| **hits as f64 >= COVERED * self.target.weight(*mode) * count);
        (covered.count(), hits.iter().sum::<usize>() as f64 / count)
    }
}

/// W1 and W2 of as many sorted numbers as quantiles: sorted samples pair with quantiles (Villani 2003, Thm 2.18).
fn distances(sorted: &[f64], quantiles: &[f64]) -> (f64, f64) {
    let (mut first, mut second) = (0.0, 0.0);
    for (x, q) in sorted.iter().zip(quantiles) {
        let distance = (x - q).abs();
        first += distance;
        second += distance * distance;
    }
    let count = sorted.len() as f64;
    (first / count, (second / count).sqrt())
}

/// One direction in 1-D, evenly spread angles in 2-D, normalised normal directions beyond.
fn directions(dimension: usize) -> Vec<Vec<f64>> {
    match dimension {
        1 => vec![vec![1.0]],
        2 => (0..DIRECTIONS)
            .map(|i| {
                let angle = std::f64::consts::PI * i as f64 / DIRECTIONS as f64;
                vec![angle.cos(), angle.sin()]
            })
            .collect(),
        _ => {
            let mut normal = Batch::new(dimension, DIRECTIONS);
            fill_normal(&mut Streams::new(0).at(Purpose::Features, 0), &mut normal);
            let unit = |i| {
                let length = normal.sample(i).map(|x| x * x).sum::<f64>().sqrt();
                normal.sample(i).map(|x| x / length).collect()
            };
            (0..DIRECTIONS).map(unit).collect()
        }
    }
}

impl Histogram {
    fn new(density: &NormalMixture) -> Result<Self, GridError> {
        let (mean, covariance) = density.moments();
        let reach = REACH * covariance[0][0].sqrt();
        let (lower, upper) = (mean[0] - reach, mean[0] + reach);
        let grid = Grid::new(vec![Axis {
            lower,
            upper,
            cells: CELLS,
            boundary: Boundary::NoFlux,
        }])?;
        let quantiles = Quantiles::new(density);
        let width = grid.cell_volume();
        // The distribution function at the sides of the cells, the outermost at ∓∞.
        let side = |i: usize| match i {
            0 => 0.0,
            CELLS => 1.0,
            _ => quantiles.distribution(lower + i as f64 * width),
        };
        let log_density =
            |i: usize| Real::ln((side(i + 1) - side(i)).max(f64::MIN_POSITIVE) / width);
        let log_target = Field::from_shape_fn(grid.shape(), |(_, _, i)| log_density(i));
        Ok(Self {
            problem: Problem {
                grid,
                log_target,
                divergence: DivergenceKind::JensenShannon,
            },
            lower,
            width,
        })
    }

    /// JSD of the samples' histogram from that of the target.
    fn measure(&self, samples: &[f64]) -> f64 {
        let mut counts = [0_usize; CELLS];
        for x in samples {
            // What is not a number counts in the first cell.
            let cell = ((x - self.lower) / self.width).clamp(0.0, CELLS as f64 - 1.0);
            counts[cell as usize] += 1;
        }
        let mass = 1.0 / (samples.len() as f64 * self.width);
        let log_ratio = Field::from_shape_fn(self.problem.grid.shape(), |index| {
            Real::ln(counts[index.2] as f64 * mass) - self.problem.log_target[index]
        });
        let state = State {
            time: 0.0,
            log_ratio,
        };
        // J of jensen-shannon is twice the divergence.
        0.5 * divergence(&self.problem, &state)
    }
}
