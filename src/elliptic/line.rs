//! The operator on a 1-D grid, in row-scaled form.

use crate::grid::{Axis, Boundary, Field};

use super::{EllipticError, Report, Tridiagonal};

/// The largest jump of ln π between neighbours: exp of its half leaves room for the other factors of a coupling.
const LARGEST_JUMP: f64 = 1000.0;

/// The couplings of a row of cells and the elimination that solves with them.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// sqrt(π_{i−1}/π_i)/h² and sqrt(π_{i+1}/π_i)/h².
    lower_rate: Vec<f64>,
    upper_rate: Vec<f64>,
    lower: Vec<f64>,
    upper: Vec<f64>,
    elimination: Tridiagonal,
}

impl Line {
    pub(super) fn new(axis: &Axis, log_target: &[f64]) -> Result<Self, EllipticError> {
        let n = axis.cells;
        let inverse_square = 1.0 / (axis.spacing() * axis.spacing());
        let mut lower_rate = vec![0.0; n];
        let mut upper_rate = vec![0.0; n];
        let faces = match axis.boundary {
            Boundary::NoFlux => n - 1,
            Boundary::Periodic => n,
        };
        for cell in 0..faces {
            let neighbour = (cell + 1) % n;
            let jump = log_target[neighbour] - log_target[cell];
            if jump.abs() > LARGEST_JUMP {
                return Err(EllipticError::Jump {
                    cell,
                    neighbour,
                    jump: jump.abs(),
                    limit: LARGEST_JUMP,
                });
            }
            upper_rate[cell] = (0.5 * jump).exp() * inverse_square;
            lower_rate[neighbour] = (-0.5 * jump).exp() * inverse_square;
        }
        Ok(Self {
            lower: vec![0.0; n],
            upper: vec![0.0; n],
            lower_rate,
            upper_rate,
            elimination: Tridiagonal::new(n, axis.boundary),
        })
    }

    pub(super) fn solve(
        &mut self,
        scale: f64,
        slope: &[f64],
        rhs: &[f64],
        solution: &mut [f64],
    ) -> Result<Report, EllipticError> {
        for (i, &slope) in slope.iter().enumerate() {
            self.lower[i] = scale * slope * self.lower_rate[i];
            self.upper[i] = scale * slope * self.upper_rate[i];
        }
        self.elimination
            .solve(&self.lower, &self.upper, rhs, solution);
        match solution.iter().position(|value| !value.is_finite()) {
            None => Ok(Report::direct()),
            Some(i) => Err(EllipticError::NotFinite {
                cell: (0, 0, i),
                value: solution[i],
                rhs: rhs[i],
                scale,
            }),
        }
    }
}

/// Checks that a field has the grid's shape in row-major order and gives its numbers.
pub(super) fn slice<'a>(
    name: &'static str,
    field: &'a Field,
    expected: (usize, usize, usize),
) -> Result<&'a [f64], EllipticError> {
    let error = EllipticError::Shape {
        name,
        found: field.dim(),
        expected,
    };
    if field.dim() != expected {
        return Err(error);
    }
    field.as_slice().ok_or(error)
}
