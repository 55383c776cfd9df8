//! The operator on a 2-D or 3-D grid, in symmetric form.

use crate::grid::{Boundary, Field, Grid};

use super::balance::{Product, conserve, relative_residual};
use super::conjugate_gradients::{ConjugateGradients, Ending};
use super::multigrid::Multigrid;
use super::operator::Operator;
use super::tiles::Pass;
use super::{EllipticError, Report, cell};

/// How far ln π may lie below its maximum: e^−690 is a normal number, and leaves a little room for the other factors of a row.
const LARGEST_DEPTH: f64 = 690.0;

/// Cells in two or three dimensions: weights, multigrid and conjugate gradients.
#[derive(Clone, Debug)]
pub(super) struct Solid {
    /// π over its maximum.
    target: Vec<f64>,
    multigrid: Multigrid,
    iteration: ConjugateGradients,
}

/// The greatest of a field's values.
pub(super) fn maximum(field: &Field) -> f64 {
    field
        .iter()
        .fold(f64::NEG_INFINITY, |max, &value| max.max(value))
}

/// a_ij = sqrt(π_i π_j)/h² between each cell and the next along each axis, π relative to its maximum; empty along a missing axis.
pub(super) fn couplings(grid: &Grid, log_target: &Field) -> [Vec<f64>; 3] {
    let highest = maximum(log_target);
    std::array::from_fn(|axis| {
        let Some(properties) = grid.axes().get(axis) else {
            return Vec::new();
        };
        let inverse_square = 1.0 / properties.spacing().powi(2);
        log_target
            .indexed_iter()
            .map(|((k, j, i), value)| {
                let mut next = [i, j, k];
                next[axis] += 1;
                if next[axis] == properties.cells {
                    if properties.boundary == Boundary::NoFlux {
                        return 0.0;
                    }
                    next[axis] = 0;
                }
                let neighbour = log_target[(next[2], next[1], next[0])];
                (0.5 * ((value - highest) + (neighbour - highest))).exp() * inverse_square
            })
            .collect()
    })
}

/// π over its maximum, and the levels of the operator; an error where ln π lies deeper below its maximum than `limit`.
pub(super) fn set_up(
    grid: &Grid,
    log_target: &Field,
    limit: f64,
) -> Result<(Vec<f64>, Multigrid), EllipticError> {
    let highest = maximum(log_target);
    let deepest = log_target
        .indexed_iter()
        .find(|(_, value)| highest - **value > limit);
    if let Some((cell, value)) = deepest {
        let depth = highest - value;
        return Err(EllipticError::Underflow { cell, depth, limit });
    }
    let (nz, ny, nx) = grid.shape();
    let operator = Operator::new([nx, ny, nz], couplings(grid, log_target));
    let widths =
        std::array::from_fn(|axis| grid.axes().get(axis).map_or(1.0, |axis| axis.spacing()));
    let target = log_target.iter().map(|value| (value - highest).exp());
    Ok((target.collect(), Multigrid::new(operator, widths)))
}

impl Solid {
    pub(super) fn new(grid: &Grid, log_target: &Field) -> Result<Self, EllipticError> {
        let (target, multigrid) = set_up(grid, log_target, LARGEST_DEPTH)?;
        Ok(Self {
            target,
            iteration: ConjugateGradients::new(multigrid.operator()),
            multigrid,
        })
    }

    pub(super) fn solve(
        &mut self,
        scale: f64,
        slope: &[f64],
        rhs: &[f64],
        tolerance: f64,
        x: &mut [f64],
    ) -> Result<Report, EllipticError> {
        let target = &self.target;
        let tiles = self.multigrid.operator().tiles;
        // Everything is divided by s, so that the couplings stay as they are.
        self.multigrid.set_excess(|excess| {
            tiles.run(
                excess,
                &Excess {
                    target,
                    slope,
                    scale,
                },
            )
        });
        let excess = &self.multigrid.operator().excess;
        tiles.run(
            &mut self.iteration.residual,
            &Product {
                one: excess,
                other: rhs,
            },
        );
        let (ending, iterations, error) = self.iteration.solve(&mut self.multigrid, tolerance, x);
        match ending {
            Ending::Converged => {
                let operator = self.multigrid.operator();
                conserve(operator, rhs, x);
                let ConjugateGradients {
                    residual, image, ..
                } = &mut self.iteration;
                let residual = relative_residual(operator, rhs, x, residual, image);
                Ok(Report {
                    iterations,
                    residual,
                    error,
                })
            }
            Ending::Exhausted => Err(EllipticError::NotConverged {
                iterations,
                error,
                tolerance,
            }),
            Ending::Broken => Err(culprit(self.multigrid.operator(), scale, rhs, x)),
        }
    }
}

/// The first cell where a number is not finite.
pub(super) fn culprit(operator: &Operator, scale: f64, rhs: &[f64], x: &[f64]) -> EllipticError {
    let index = (rhs.iter().zip(x))
        .position(|(b, x)| !(b.is_finite() && x.is_finite()))
        .unwrap_or(0);
    let [nx, ny, nz] = operator.cells;
    EllipticError::NotFinite {
        cell: cell(index, (nz, ny, nx)),
        value: x[index],
        rhs: rhs[index],
        scale,
    }
}

/// π/(s ψ').
pub(super) struct Excess<'a> {
    pub(super) target: &'a [f64],
    pub(super) slope: &'a [f64],
    pub(super) scale: f64,
}

impl Pass<()> for Excess<'_> {
    #[inline(always)]
    fn tile(&self, first: usize, out: &mut [f64]) {
        for (out, (target, slope)) in out
            .iter_mut()
            .zip(self.target[first..].iter().zip(&self.slope[first..]))
        {
            *out = target / (self.scale * slope);
        }
    }
}
