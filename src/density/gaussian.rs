use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;

use super::normal::{Normal, extents};
use super::wrapped::wrapped;
use super::{DensityError, DensityKind};
use crate::grid::{Field, Grid};

/// A normal distribution, wrapped around periodic axes and cut off at closed sides.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Gaussian {
    /// The mean: one number for each axis.
    pub mean: Vec<f64>,
    /// The standard deviations: one number for each axis. Either this or the covariance is given.
    pub std: Option<Vec<f64>>,
    /// The covariance matrix, a list of rows.
    pub covariance: Option<Vec<Vec<f64>>>,
    /// Share of a uniform background that is mixed in, at least 0 and below 1.
    pub floor: Option<f64>,
}

impl Gaussian {
    fn normal(&self, dimension: usize) -> Result<Normal, DensityError> {
        Normal::new(
            &self.mean,
            self.std.as_deref(),
            self.covariance.as_deref(),
            dimension,
        )
    }
}

impl DensityKind for Gaussian {
    fn floor(&self) -> Option<f64> {
        self.floor
    }

    fn check(&self, dimension: usize) -> Result<(), DensityError> {
        self.normal(dimension).map(drop)
    }

    fn normals(&self, dimension: usize) -> Option<Result<Vec<(f64, Normal)>, DensityError>> {
        Some(
            self.normal(dimension)
                .map(|normal| vec![(normal.log_maximum(), normal)]),
        )
    }

    fn own_dimension(&self) -> Option<usize> {
        Some(self.mean.len())
    }

    fn log_density(&self, grid: &Grid, _folder: &Path) -> Result<Field, DensityError> {
        let normal = self.normal(grid.dimension())?;
        let extents = extents(std::slice::from_ref(&normal));
        wrapped(grid, &extents, |point| normal.exponent(point))
    }
}
