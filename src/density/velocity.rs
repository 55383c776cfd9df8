use schemars::JsonSchema;
use serde::Deserialize;

use super::expression::Expression;
use super::{DensityError, DensityProblem, Point};
use crate::grid::{AXIS_NAMES, Field, Grid};

/// The velocity that a density starts with, by formulas in x, y and z.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Velocity {
    /// The potential φ of the velocity ∇φ, an expression as in the density `formula`.
    pub potential: Option<String>,
    /// The components of the velocity, one expression for each axis. It need be no gradient.
    pub components: Option<Vec<String>>,
}

impl Velocity {
    /// Checks all against a grid of this many axes.
    pub fn check(&self, dimension: usize) -> Result<(), DensityError> {
        self.parsed(dimension).map(drop)
    }

    /// The expressions with their keys: the potential, or one for each axis.
    fn parsed(&self, dimension: usize) -> Result<Vec<(String, Expression)>, DensityError> {
        let variables = AXIS_NAMES.get(..dimension).unwrap_or(&AXIS_NAMES);
        let parse = |key: String, text: &str| match Expression::parse(text, variables) {
            Ok(expression) => Ok((key, expression)),
            Err(error) => Err(DensityProblem::from(error).at(&key)),
        };
        match (&self.potential, &self.components) {
            (Some(potential), None) => Ok(vec![parse("potential".to_owned(), potential)?]),
            (None, Some(components)) if components.len() != dimension => {
                let found = components.len();
                let expected = dimension;
                Err(DensityProblem::Components { found, expected }.at("components"))
            }
            (None, Some(components)) => components
                .iter()
                .enumerate()
                .map(|(axis, text)| parse(format!("components.{axis}"), text))
                .collect(),
            (Some(_), Some(_)) => Err(DensityProblem::TwoVelocities.at("components")),
            (None, None) => Err(DensityProblem::NoVelocity.at("potential")),
        }
    }

    /// The velocity on the faces of a grid: one field an axis, of the face between each cell and the next one along it.
    ///
    /// # Errors
    /// What [`Velocity::check`] finds, and values that are not finite.
    pub fn on_faces(&self, grid: &Grid) -> Result<Vec<Field>, DensityError> {
        let dimension = grid.dimension();
        let expressions = self.parsed(dimension)?;
        let value = |(key, expression): &(String, Expression), place: [f64; 3], index| {
            let value = expression.evaluate(&place[..dimension]).value();
            if value.is_finite() {
                return Ok(value);
            }
            let (found, point) = (value, Point::of(grid, index));
            Err(DensityProblem::VelocityNotFinite { found, point }.at(key))
        };
        let mut fields = Vec::new();
        for (axis, geometry) in grid.axes().iter().enumerate() {
            let mut field = Field::zeros(grid.shape());
            let half = 0.5 * geometry.spacing();
            for (index, field) in field.indexed_iter_mut() {
                let mut face = grid.center(index);
                face[axis] += half;
                *field = match (&self.potential, expressions.as_slice()) {
                    (Some(_), [potential]) => {
                        let (mut before, mut after) = (face, face);
                        before[axis] -= half;
                        after[axis] += half;
                        // On a ring the face after the last cell is that before the first.
                        if after[axis] > geometry.upper {
                            after[axis] -= geometry.upper - geometry.lower;
                        }
                        let [before, after] = [before, after].map(|at| value(potential, at, index));
                        (after? - before?) / (2.0 * half)
                    }
                    (_, components) => value(&components[axis], face, index)?,
                };
            }
            fields.push(field);
        }
        Ok(fields)
    }
}
