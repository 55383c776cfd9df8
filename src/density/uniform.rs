use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;

use super::normal::check_vector;
use super::{DensityError, DensityKind, DensityProblem, evaluate};
use crate::grid::{Field, Grid};

/// Constant in a box, 0 outside. A cell belongs to the box if its centre does.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Uniform {
    /// The lower corner: one number for each axis.
    pub lower: Vec<f64>,
    /// The upper corner: one number for each axis.
    pub upper: Vec<f64>,
    /// Share of a uniform background that is mixed in, at least 0 and below 1.
    pub floor: Option<f64>,
}

impl DensityKind for Uniform {
    fn floor(&self) -> Option<f64> {
        self.floor
    }

    fn check(&self, dimension: usize) -> Result<(), DensityError> {
        check_vector("lower", &self.lower, dimension)?;
        check_vector("upper", &self.upper, dimension)?;
        for (axis, (&lower, &upper)) in self.lower.iter().zip(&self.upper).enumerate() {
            if lower >= upper {
                return Err(DensityProblem::Bounds { lower, upper }.at(&format!("upper.{axis}")));
            }
        }
        Ok(())
    }

    fn log_density(&self, grid: &Grid, _folder: &Path) -> Result<Field, DensityError> {
        Ok(evaluate(grid, |point| {
            let inside = point
                .iter()
                .zip(self.lower.iter().zip(&self.upper))
                .all(|(x, (lower, upper))| (lower..=upper).contains(&x));
            if inside { 0.0 } else { f64::NEG_INFINITY }
        }))
    }
}
