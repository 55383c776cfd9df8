use rand_distr::{Distribution, StandardNormal, StandardUniform};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::batch::Batch;
use crate::calculus::Real;
use crate::density::{MAXIMAL_COORDINATES, NormalMixture};

/// Points of the table of the quantile function.
const TABLE: usize = 1 << 12;
/// How many standard deviations beyond the outermost means the table reaches.
const REACH: f64 = 9.0;

/// The data: a sum of normal distributions that batches are drawn from.
#[derive(Clone, Debug)]
pub struct Target {
    density: NormalMixture,
}

impl Target {
    /// Takes over the density.
    pub fn new(density: NormalMixture) -> Self {
        Self { density }
    }

    /// The density π.
    pub fn density(&self) -> &NormalMixture {
        &self.density
    }

    /// The number of coordinates.
    pub fn dimension(&self) -> usize {
        self.density.dimension()
    }

    /// Fills a batch with independent points.
    pub fn draw(&self, random: &mut Xoshiro256PlusPlus, batch: &mut Batch) {
        let dimension = self.dimension();
        let (mut normal, mut point) = ([0.0; MAXIMAL_COORDINATES], [0.0; MAXIMAL_COORDINATES]);
        for index in 0..batch.count() {
            let share = match self.density.len() {
                1 => 0.0,
                _ => StandardUniform.sample(random),
            };
            for value in &mut normal[..dimension] {
                *value = StandardNormal.sample(random);
            }
            self.density
                .draw(share, &normal[..dimension], &mut point[..dimension]);
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
