//! Densities of all of space on a box whose periodic sides are joined: the sum of what all images of a place have of them.

use super::evaluate;
use crate::calculus::Real;
use crate::grid::{Axis, Boundary, Field, Grid};

/// How far images that are left out are from the middle of what they belong to, in standard deviations squared, beyond half a box: what they add is below
/// e⁻³⁹ = 10⁻¹⁷ of the maximum.
const LEFT_OUT: f64 = 78.0;

/// Where the parts of a density lie along an axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// The lowest and the highest of their means.
    pub lowest: f64,
    pub highest: f64,
    /// The largest of their standard deviations.
    pub std: f64,
}

impl Extent {
    /// Of parts with these means and standard deviations.
    pub fn of(parts: impl Iterator<Item = (f64, f64)>) -> Self {
        let none = Self {
            lowest: f64::INFINITY,
            highest: f64::NEG_INFINITY,
            std: 0.0,
        };
        parts.fold(none, |extent, (mean, std)| Self {
            lowest: extent.lowest.min(mean),
            highest: extent.highest.max(mean),
            std: extent.std.max(std),
        })
    }

    /// By how much the places of an axis are to be moved for the images that count.
    fn shifts(self, axis: &Axis) -> Vec<f64> {
        let length = axis.upper - axis.lower;
        if axis.boundary != Boundary::Periodic {
            return vec![0.0];
        }
        let reach = (0.25 + LEFT_OUT * (self.std / length).powi(2))
            .sqrt()
            .ceil();
        let boxes = |place: f64| ((place - axis.lower) / length).floor();
        let first = boxes(self.lowest) - reach;
        let count = boxes(self.highest) + reach - first;
        (0..=count as usize)
            .map(|image| (first + image as f64) * length)
            .collect()
    }
}

/// ln of a density in every cell, from ln of one on all of space: wrapped around periodic axes, cut off at closed sides.
pub(super) fn wrapped(
    grid: &Grid,
    extents: &[Extent],
    log_density: impl Fn(&[f64]) -> f64 + Sync,
) -> Field {
    let dimension = grid.dimension();
    let mut shifts = vec![[0.0; 3]];
    for (number, (axis, extent)) in grid.axes().iter().zip(extents).enumerate() {
        let along = extent.shifts(axis);
        let moved = |shift: [f64; 3]| {
            along.iter().map(move |by| {
                let mut shift = shift;
                shift[number] = *by;
                shift
            })
        };
        shifts = shifts.into_iter().flat_map(moved).collect();
    }
    evaluate(grid, |point| {
        let mut sum = LogSum::default();
        for shift in &shifts {
            let mut image = [0.0; 3];
            for axis in 0..dimension {
                image[axis] = point[axis] + shift[axis];
            }
            sum.add(log_density(&image[..dimension]));
        }
        sum.value()
    })
}

/// ln Σ eᵛ without overflow or underflow, term by term.
struct LogSum {
    largest: f64,
    /// Σ eᵛ over that of the largest.
    sum: f64,
}

impl Default for LogSum {
    fn default() -> Self {
        Self {
            largest: f64::NEG_INFINITY,
            sum: 0.0,
        }
    }
}

impl LogSum {
    fn add(&mut self, value: f64) {
        if value > self.largest {
            self.sum = self.sum * Real::exp(self.largest - value) + 1.0;
            self.largest = value;
        } else if value > f64::NEG_INFINITY {
            self.sum += Real::exp(value - self.largest);
        }
    }

    fn value(&self) -> f64 {
        if self.sum > 1.0 {
            self.largest + Real::ln(self.sum)
        } else {
            self.largest
        }
    }
}
