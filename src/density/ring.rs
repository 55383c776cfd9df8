use std::f64::consts::TAU;
use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;

use super::normal::{Normal, check_vector};
use super::wrapped::{Extent, wrapped};
use super::{DensityError, DensityKind, DensityProblem, log_sum_of_exponentials};
use crate::grid::{Field, Grid};

/// Equal round Gaussians, evenly spaced on a circle in the plane of x and y, the first on the positive x side of the centre;
/// wrapped around periodic axes and cut off at closed sides.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Ring {
    /// The number of Gaussians.
    #[schemars(range(min = 1, max = 10000))]
    pub modes: usize,
    /// The radius of the circle.
    pub radius: f64,
    /// The standard deviation of each Gaussian, the same along every axis.
    pub std: f64,
    /// The centre of the circle: one number for each axis; the origin if not given.
    pub center: Option<Vec<f64>>,
    /// Share of a uniform background that is mixed in, at least 0 and below 1.
    pub floor: Option<f64>,
}

impl Ring {
    /// The centres of the Gaussians.
    fn positions(&self, dimension: usize) -> Vec<Vec<f64>> {
        let center = self.center.clone().unwrap_or_else(|| vec![0.0; dimension]);
        let position = |mode: usize| {
            let angle = TAU * mode as f64 / self.modes as f64;
            let mut position = center.clone();
            position[0] += self.radius * angle.cos();
            position[1] += self.radius * angle.sin();
            position
        };
        (0..self.modes).map(position).collect()
    }
}

impl DensityKind for Ring {
    fn floor(&self) -> Option<f64> {
        self.floor
    }

    fn check(&self, dimension: usize) -> Result<(), DensityError> {
        if dimension < 2 {
            return Err(DensityProblem::Dimension {
                found: dimension,
                expected: "2 or 3",
            }
            .at("kind"));
        }
        if !(1..=10_000).contains(&self.modes) {
            return Err(DensityProblem::Modes(self.modes).at("modes"));
        }
        for (key, value) in [("radius", self.radius), ("std", self.std)] {
            if !value.is_finite() {
                return Err(DensityProblem::NotANumber(value).at(key));
            }
            if value <= 0.0 {
                return Err(DensityProblem::NotPositive(value).at(key));
            }
        }
        self.center
            .as_ref()
            .map_or(Ok(()), |center| check_vector("center", center, dimension))
    }

    fn normals(&self, dimension: usize) -> Option<Result<Vec<(f64, Normal)>, DensityError>> {
        let normal = |position| {
            let normal = Normal::round(position, self.std);
            (normal.log_maximum(), normal)
        };
        let normals = self.positions(dimension).into_iter().map(normal).collect();
        Some(self.check(dimension).map(|()| normals))
    }

    fn own_dimension(&self) -> Option<usize> {
        Some(self.center.as_ref().map_or(2, Vec::len))
    }

    fn log_density(&self, grid: &Grid, _folder: &Path) -> Result<Field, DensityError> {
        let modes = self.positions(grid.dimension());
        let exponent = |point: &[f64], mode: &[f64]| {
            let scaled = |(x, m): (&f64, &f64)| (x - m) / self.std;
            -0.5 * point
                .iter()
                .zip(mode)
                .map(|pair| scaled(pair) * scaled(pair))
                .sum::<f64>()
        };
        let along = |axis: usize| Extent::of(modes.iter().map(|mode| (mode[axis], self.std)));
        let extents: Vec<Extent> = (0..grid.dimension()).map(along).collect();
        wrapped(grid, &extents, |point| {
            log_sum_of_exponentials(modes.iter().map(|mode| exponent(point, mode)))
        })
    }
}
