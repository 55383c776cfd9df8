//! Densities of all of space on a box whose periodic sides are joined: the sum of what all images of a place have of them.

use super::{DensityError, DensityProblem, evaluate, log_sum_of_exponentials};
use crate::grid::{Axis, Boundary, Field, Grid};

/// How far images that are left out are from the middle of what they belong to, in standard deviations squared, beyond half a box: what they add is below
/// e⁻³⁹ = 10⁻¹⁷ of the maximum.
const LEFT_OUT: f64 = 78.0;
/// Images that may count.
const MOST: f64 = 1e5;

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

    /// The first image of a box that counts along an axis, and how many do.
    fn images(self, axis: &Axis) -> [f64; 2] {
        if axis.boundary != Boundary::Periodic {
            return [0.0, 1.0];
        }
        let length = axis.upper - axis.lower;
        let reach = (0.25 + LEFT_OUT * (self.std / length).powi(2))
            .sqrt()
            .ceil();
        let boxes = |place: f64| ((place - axis.lower) / length).floor();
        let first = boxes(self.lowest) - reach;
        [first, boxes(self.highest) + reach - first + 1.0]
    }
}

/// ln of a density in every cell, from ln of one on all of space: wrapped around periodic axes, cut off at closed sides.
///
/// # Errors
/// [`DensityProblem::TooManyImages`] where parts are that wide or far apart.
pub(super) fn wrapped(
    grid: &Grid,
    extents: &[Extent],
    log_density: impl Fn(&[f64]) -> f64 + Sync,
) -> Result<Field, DensityError> {
    let dimension = grid.dimension();
    let axes = || grid.axes().iter().zip(extents);
    let images: f64 = axes()
        .map(|(axis, extent)| extent.images(axis)[1])
        .product();
    if images.is_nan() || images > MOST {
        return Err(DensityProblem::TooManyImages(images).into());
    }
    let mut shifts = vec![[0.0; 3]];
    for (number, (axis, extent)) in axes().enumerate() {
        let [first, count] = extent.images(axis);
        let moved = |shift: [f64; 3]| {
            (0..count as usize).map(move |image| {
                let mut shift = shift;
                shift[number] = (first + image as f64) * (axis.upper - axis.lower);
                shift
            })
        };
        shifts = shifts.into_iter().flat_map(moved).collect();
    }
    Ok(evaluate(grid, |point| {
        let image = |shift: &[f64; 3]| {
            let mut image = *shift;
            for axis in 0..dimension {
                image[axis] += point[axis];
            }
            log_density(&image[..dimension])
        };
        // Each is the sum of many terms, which is not to be taken twice.
        let values: Vec<f64> = shifts.iter().map(image).collect();
        log_sum_of_exponentials(values.into_iter())
    }))
}
