use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{DensityError, DensityKind, DensityProblem};
use crate::grid::{Field, Grid};

/// All mass at one point. It has no density on a grid: a target of generator scenarios alone.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Dirac {
    /// The point: one number for each axis.
    pub position: Vec<f64>,
}

impl DensityKind for Dirac {
    fn floor(&self) -> Option<f64> {
        None
    }

    fn check(&self, _dimension: usize) -> Result<(), DensityError> {
        Err(DensityProblem::PointMass.at("kind"))
    }

    fn own_dimension(&self) -> Option<usize> {
        Some(self.position.len())
    }

    fn log_density(&self, _grid: &Grid, _folder: &Path) -> Result<Field, DensityError> {
        Err(DensityProblem::PointMass.at("kind"))
    }
}
