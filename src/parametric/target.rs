use rand_distr::{Distribution, StandardNormal, StandardUniform};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::batch::Batch;
use crate::calculus::Real;
use crate::density::{MAXIMAL_COORDINATES, NormalMixture};

/// Points of the table of the quantile function.
const TABLE: usize = 1 << 12;
/// How many standard deviations beyond the outermost means the table reaches.
const REACH: f64 = 9.0;

/// The data that batches are drawn from.
#[derive(Clone, Debug)]
pub enum Target {
    /// A sum of normal distributions π.
    Normals(NormalMixture),
    /// δ at a point: every sample is the point, and there is no density.
    Point(Vec<f64>),
}

impl Target {
    /// The density π; none of a point.
    pub fn density(&self) -> Option<&NormalMixture> {
        match self {
            Self::Normals(density) => Some(density),
            Self::Point(_) => None,
        }
    }

    /// The number of coordinates.
    pub fn dimension(&self) -> usize {
        match self {
            Self::Normals(density) => density.dimension(),
            Self::Point(position) => position.len(),
        }
    }

    /// The number of modes.
    pub fn modes(&self) -> usize {
        match self {
            Self::Normals(density) => density.len(),
            Self::Point(_) => 1,
        }
    }

    /// The share of the data that belongs to a mode.
    pub fn weight(&self, mode: usize) -> f64 {
        match self {
            Self::Normals(density) => density.weight(mode),
            Self::Point(_) => 1.0,
        }
    }

    /// The mode from which a point is the fewest standard deviations away, and that number: 0 or ∞ where the target is a point.
    pub fn nearest(&self, point: &[f64]) -> (usize, f64) {
        match self {
            Self::Normals(density) => density.nearest(point),
            Self::Point(position) if position == point => (0, 0.0),
            Self::Point(_) => (0, f64::INFINITY),
        }
    }

    /// The quantiles of u·x at (i + ½)/count for a direction u.
    pub fn quantiles(&self, direction: &[f64], count: usize) -> Vec<f64> {
        match self {
            Self::Normals(density) => {
                let quantiles = Quantiles::new(&density.projected(direction));
                let at = |i: usize| quantiles.at((i as f64 + 0.5) / count as f64);
                (0..count).map(at).collect()
            }
            Self::Point(position) => {
                let products = position.iter().zip(direction).map(|(x, u)| x * u);
                vec![products.sum(); count]
            }
        }
    }

    /// Fills a batch with independent points.
    pub fn draw(&self, random: &mut Xoshiro256PlusPlus, batch: &mut Batch) {
        let density = match self {
            Self::Normals(density) => density,
            Self::Point(position) => {
                for (axis, coordinate) in position.iter().enumerate() {
                    batch.row_mut(axis).fill(*coordinate);
                }
                return;
            }
        };
        let dimension = density.dimension();
        let (mut normal, mut point) = ([0.0; MAXIMAL_COORDINATES], [0.0; MAXIMAL_COORDINATES]);
        for index in 0..batch.count() {
            let share = match density.len() {
                1 => 0.0,
                _ => StandardUniform.sample(random),
            };
            for value in &mut normal[..dimension] {
                *value = StandardNormal.sample(random);
            }
            density.draw(share, &normal[..dimension], &mut point[..dimension]);
            for (axis, coordinate) in point[..dimension].iter().enumerate() {
                batch.row_mut(axis)[index] = *coordinate;
            }
        }
    }
}

/// The quantile function and the distribution function of a 1-D density, by a table.
#[derive(Clone, Debug)]
pub(super) struct Quantiles {
    x: Vec<f64>,
    cumulative: Vec<f64>,
}

/// The interval that holds all but a negligible part of a 1-D density.
pub(super) fn interval(density: &NormalMixture) -> (f64, f64) {
    let ends = (0..density.len()).map(|component| {
        let (mean, reach) = (
            density.mean(component)[0],
            REACH * density.largest_std(component),
        );
        (mean - reach, mean + reach)
    });
    ends.fold((f64::INFINITY, f64::NEG_INFINITY), |all, own| {
        (all.0.min(own.0), all.1.max(own.1))
    })
}

impl Quantiles {
    /// The distribution function by Simpson's rule between the points of the table.
    pub(super) fn new(density: &NormalMixture) -> Self {
        let (lower, upper) = interval(density);
        let h = (upper - lower) / TABLE as f64;
        let at = |x: f64| Real::exp(density.log_density(&[x]));
        let (mut x, mut cumulative) = (vec![lower], vec![0.0]);
        let (mut sum, mut left) = (0.0, at(lower));
        for i in 0..TABLE {
            let begin = lower + i as f64 * h;
            let right = at(begin + h);
            sum += h / 6.0 * (left + 4.0 * at(begin + 0.5 * h) + right);
            left = right;
            x.push(begin + h);
            cumulative.push(sum);
        }
        cumulative.iter_mut().for_each(|value| *value /= sum);
        Self { x, cumulative }
    }

    /// The quantile at a probability.
    pub(super) fn at(&self, probability: f64) -> f64 {
        interpolated(&self.cumulative, &self.x, probability)
    }

    /// The distribution function at a coordinate.
    pub(super) fn distribution(&self, x: f64) -> f64 {
        interpolated(&self.x, &self.cumulative, x)
    }
}

/// The value of the line through the points of two increasing lists; beyond the ends, that of the end.
fn interpolated(from: &[f64], to: &[f64], value: f64) -> f64 {
    let above = from
        .partition_point(|other| *other < value)
        .clamp(1, from.len() - 1);
    let (low, high) = (from[above - 1], from[above]);
    let share = if high > low {
        (value - low) / (high - low)
    } else {
        0.5
    };
    to[above - 1] + share.clamp(0.0, 1.0) * (to[above] - to[above - 1])
}
