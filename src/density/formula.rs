use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;

use super::expression::Expression;
use super::{DensityError, DensityKind, DensityProblem, Point, evaluate};
use crate::grid::{AXIS_NAMES, Field, Grid};

/// An expression in x, y and z.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Formula {
    /// The unnormalised density, at least 0, in the variables x, y, z of the grid's axes: + - * / ^, parentheses, sin cos tan exp
    /// log ln sqrt abs sinh cosh tanh min max, pi, e. Values such as exp(-1800) do not underflow.
    pub expression: String,
    /// Share of a uniform background that is mixed in, at least 0 and below 1.
    pub floor: Option<f64>,
}

impl Formula {
    fn parsed(&self, dimension: usize) -> Result<Expression, DensityError> {
        let variables = AXIS_NAMES.get(..dimension).unwrap_or(&AXIS_NAMES);
        Expression::parse(&self.expression, variables)
            .map_err(|error| DensityProblem::from(error).at("expression"))
    }
}

impl DensityKind for Formula {
    fn floor(&self) -> Option<f64> {
        self.floor
    }

    fn check(&self, dimension: usize) -> Result<(), DensityError> {
        self.parsed(dimension).map(drop)
    }

    fn log_density(&self, grid: &Grid, _folder: &Path) -> Result<Field, DensityError> {
        let expression = self.parsed(grid.dimension())?;
        let log_density = evaluate(grid, |point| expression.evaluate(point).log());
        let unfit = |value: f64| value.is_nan() || value == f64::INFINITY;
        match log_density.indexed_iter().find(|&(_, &value)| unfit(value)) {
            Some((index, _)) => {
                let value = expression.evaluate(&grid.center(index)[..grid.dimension()]);
                let (found, point) = (value.value(), Point::of(grid, index));
                let problem = if value.is_negative() {
                    DensityProblem::NegativeDensity { found, point }
                } else {
                    DensityProblem::NotFinite { found, point }
                };
                Err(problem.at("expression"))
            }
            None => Ok(log_density),
        }
    }
}
