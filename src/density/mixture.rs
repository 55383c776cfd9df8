use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;

use super::normal::{Normal, extents};
use super::wrapped::wrapped;
use super::{DensityError, DensityKind, DensityProblem, log_sum_of_exponentials};
use crate::calculus::Real;
use crate::grid::{Field, Grid};

/// A weighted sum of normal distributions, wrapped around periodic axes and cut off at closed sides.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Mixture {
    /// The normal distributions and their weights.
    pub components: Vec<Component>,
    /// Share of a uniform background that is mixed in, at least 0 and below 1.
    pub floor: Option<f64>,
}

/// One normal distribution of a mixture.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Component {
    /// The weight, not negative; only the ratios of the weights matter.
    pub weight: f64,
    /// The mean: one number for each axis.
    pub mean: Vec<f64>,
    /// The standard deviations: one number for each axis. Either this or the covariance is given.
    pub std: Option<Vec<f64>>,
    /// The covariance matrix, a list of rows.
    pub covariance: Option<Vec<Vec<f64>>>,
}

impl Mixture {
    /// The normal distributions with positive weight, each with ln(weight · its maximum).
    fn weighted(&self, dimension: usize) -> Result<Vec<(f64, Normal)>, DensityError> {
        const KEY: &str = "components";
        if self.components.is_empty() {
            return Err(DensityProblem::NoComponents.at(KEY));
        }
        let mut normals = Vec::new();
        for (index, component) in self.components.iter().enumerate() {
            let inside = |error: DensityError| error.inside(&format!("{KEY}.{index}"));
            let weight = component.weight;
            if !weight.is_finite() {
                return Err(inside(DensityProblem::NotANumber(weight).at("weight")));
            }
            if weight < 0.0 {
                return Err(inside(DensityProblem::Negative(weight).at("weight")));
            }
            let normal = Normal::new(
                &component.mean,
                component.std.as_deref(),
                component.covariance.as_deref(),
                dimension,
            )
            .map_err(inside)?;
            if weight > 0.0 {
                normals.push((Real::ln(weight) + normal.log_maximum(), normal));
            }
        }
        if normals.is_empty() {
            return Err(DensityProblem::NoWeight.at(KEY));
        }
        Ok(normals)
    }
}

impl DensityKind for Mixture {
    fn floor(&self) -> Option<f64> {
        self.floor
    }

    fn check(&self, dimension: usize) -> Result<(), DensityError> {
        self.weighted(dimension).map(drop)
    }

    fn normals(&self, dimension: usize) -> Option<Result<Vec<(f64, Normal)>, DensityError>> {
        Some(self.weighted(dimension))
    }

    fn own_dimension(&self) -> Option<usize> {
        self.components
            .first()
            .map(|component| component.mean.len())
    }

    fn log_density(&self, grid: &Grid, _folder: &Path) -> Result<Field, DensityError> {
        let normals = self.weighted(grid.dimension())?;
        let extents = extents(normals.iter().map(|(_, normal)| normal));
        wrapped(grid, &extents, |point| {
            log_sum_of_exponentials(
                normals
                    .iter()
                    .map(|(log_maximum, normal)| log_maximum + normal.exponent(point)),
            )
        })
    }
}
