use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;

use super::normal::check_vector;
use super::{DensityError, DensityKind, DensityProblem, evaluate};
use crate::grid::{Field, Grid};

/// Constant in a box, that of the grid unless another is given, 0 outside. A cell belongs to the box if its centre does.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Uniform {
    /// The lower corner: one number for each axis; that of the grid unless given.
    pub lower: Option<Vec<f64>>,
    /// The upper corner: one number for each axis; that of the grid unless given.
    pub upper: Option<Vec<f64>>,
    /// Share of a uniform background that is mixed in, at least 0 and below 1.
    pub floor: Option<f64>,
}

impl DensityKind for Uniform {
    fn floor(&self) -> Option<f64> {
        self.floor
    }

    fn check(&self, dimension: usize) -> Result<(), DensityError> {
        let corners = [("lower", &self.lower), ("upper", &self.upper)];
        for (key, corner) in corners {
            if let Some(corner) = corner {
                check_vector(key, corner, dimension)?;
            }
        }
        let axes = self.lower.iter().flatten().zip(self.upper.iter().flatten());
        for (axis, (&lower, &upper)) in axes.enumerate() {
            if lower >= upper {
                return Err(DensityProblem::Bounds { lower, upper }.at(&format!("upper.{axis}")));
            }
        }
        Ok(())
    }

    fn log_density(&self, grid: &Grid, _folder: &Path) -> Result<Field, DensityError> {
        let beyond = |corner: &Option<Vec<f64>>, far: f64| {
            corner
                .clone()
                .unwrap_or_else(|| vec![far; grid.dimension()])
        };
        let lower = beyond(&self.lower, f64::NEG_INFINITY);
        let upper = beyond(&self.upper, f64::INFINITY);
        Ok(evaluate(grid, |point| {
            let inside = point
                .iter()
                .zip(lower.iter().zip(&upper))
                .all(|(x, (lower, upper))| (lower..=upper).contains(&x));
            if inside { 0.0 } else { f64::NEG_INFINITY }
        }))
    }
}
