//! The operator on a 2-D or 3-D grid, solved on a GPU: iterative refinement.
//!
//! The residual is taken in f64 on the host, the correction that it asks for is solved on the device in f32, by the method of the CPU. Each round
//! leaves as much of the error as the solution of f32 is wrong by, so that the answer is one of f64, at any tolerance. A correction
//! that is no smaller than half the one before says that f32 cannot hold the system, which is an error.
//!
//! Reference: N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd edition, SIAM (2002), chapter 12.

mod conjugation;
mod iteration;
mod shader;
mod solver;

use rayon::prelude::*;

use super::balance::{Product, conserve, maximum, relative_residual};
use super::operator::Operator;
use super::solid::{Excess, culprit, set_up};
use super::tiles::{Pass, largest};
use super::{EllipticError, Report};
use crate::backend::gpu::Gpu;
use crate::grid::{Field, Grid};
use iteration::Iteration;

pub(crate) use super::conjugate_gradients::Ending;
pub(crate) use conjugation::{STRIDE, conjugate_gradients_shader};
pub use shader::elliptic_shader;
pub(crate) use solver::{Fields, Level, Passes, Solver};

/// How far ln π may lie below its maximum: the products of two such numbers with the diagonals stay far from the ends of f32.
const LARGEST_DEPTH: f64 = 60.0;
/// The excess beside which the couplings of a cell count for nothing: larger ones are solved as this one, which the rows of other cells
/// do not see.
const LARGEST_EXCESS: f64 = (1_u64 << 60) as f64;
/// What one round may be asked for: an error that f32 can leave, and one that is worth a round.
const SMALLEST_TOLERANCE: f64 = 1e-5;
const LARGEST_TOLERANCE: f64 = 0.1;
/// Rounds after which the solver gives up.
const LARGEST_COUNT: usize = 20;

/// Cells in two or three dimensions: weights and operator in f64, the iteration on a device.
#[derive(Debug)]
pub(super) struct DeviceSolid {
    /// π over its maximum.
    target: Vec<f64>,
    operator: Operator,
    iteration: Iteration,
    /// The largest excess of each cell that the device is given.
    largest_excess: Vec<f64>,
    /// Right-hand side and residual of the symmetric system.
    right: Vec<f64>,
    residual: Vec<f64>,
    /// What goes to the device.
    single: Vec<f32>,
}

impl DeviceSolid {
    pub(super) fn new(gpu: &Gpu, grid: &Grid, log_target: &Field) -> Result<Self, EllipticError> {
        let (target, multigrid) = set_up(grid, log_target, LARGEST_DEPTH)?;
        let iteration = Iteration::new(gpu, &multigrid)?;
        let mut operator = multigrid.into_operator();
        let cells = operator.len();
        // Without excess the diagonal is the sum of the couplings.
        operator.set_diagonal();
        let largest_excess = operator
            .inverse_diagonal
            .iter()
            .map(|inverse| LARGEST_EXCESS / inverse);
        Ok(Self {
            target,
            iteration,
            largest_excess: largest_excess.collect(),
            right: vec![0.0; cells],
            residual: vec![0.0; cells],
            single: vec![0.0; cells],
            operator,
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
        self.set_excess(scale, slope)?;
        let tiles = self.operator.tiles;
        let excess = &self.operator.excess;
        let product = Product {
            one: excess,
            other: rhs,
        };
        tiles.run(&mut self.right, &product);
        let mut summaries = vec![0.0; tiles.count()];
        let (mut iterations, mut error, mut before) = (0, 1.0, f64::INFINITY);
        for _ in 0..LARGEST_COUNT {
            self.operator.residual(&self.right, x, &mut self.residual);
            let unit = self.largest_correction();
            if unit == 0.0 {
                error = 0.0;
            } else if unit.is_finite() {
                self.hand_over(unit);
                let asked =
                    (tolerance / error).clamp(SMALLEST_TOLERANCE, LARGEST_TOLERANCE.max(tolerance));
                let outcome = self.iteration.solve(&self.single, asked)?;
                iterations += outcome.iterations;
                let found = outcome.x.par_iter().all(|number| number.is_finite());
                match outcome.ending {
                    Ending::Broken => error = f64::NAN,
                    _ if !found => error = f64::NAN,
                    Ending::Exhausted => break,
                    Ending::Converged => {
                        let vector = outcome.x.as_slice();
                        tiles.summarise(x, &mut summaries, &Corrected { unit, vector });
                        let largest = vector.par_iter().map(|value| value.abs());
                        let moved = unit * f64::from(largest.reduce(|| 0.0, f32::max));
                        error = outcome.error * moved / maximum(&summaries);
                        if moved > 0.5 * before {
                            break;
                        }
                        before = moved;
                    }
                }
            } else {
                error = f64::NAN;
            }
            if error.is_nan() {
                return Err(culprit(&self.operator, scale, rhs, x));
            }
            if error <= tolerance {
                conserve(&self.operator, rhs, x);
                let (right, residual) = (&mut self.right, &mut self.residual);
                let residual = relative_residual(&self.operator, rhs, x, right, residual);
                return Ok(Report {
                    iterations,
                    residual,
                    error,
                });
            }
        }
        Err(EllipticError::NotConverged {
            iterations,
            error,
            tolerance,
        })
    }

    /// Sets the excess here and on the device.
    fn set_excess(&mut self, scale: f64, slope: &[f64]) -> Result<(), EllipticError> {
        let target = &self.target;
        let excess = Excess {
            target,
            slope,
            scale,
        };
        let tiles = self.operator.tiles;
        tiles.run(&mut self.operator.excess, &excess);
        self.operator.set_diagonal();
        let unit = self.iteration.unit();
        let excesses = self.operator.excess.par_iter().zip(&self.largest_excess);
        self.single
            .par_iter_mut()
            .zip(excesses)
            .for_each(|(single, (excess, largest))| *single = (unit * excess.min(*largest)) as f32);
        Ok(self.iteration.set_excess(&self.single)?)
    }

    /// The largest correction that a step of Jacobi would make; not finite where a number is not.
    fn largest_correction(&self) -> f64 {
        let cells = self
            .residual
            .par_iter()
            .zip(&self.operator.inverse_diagonal);
        let sizes = cells.map(|(residual, inverse)| (residual * inverse).abs());
        // `f64::max` would pass over what is not a number.
        sizes.reduce(|| 0.0, |a, b| if a.is_nan() || a > b { a } else { b })
    }

    /// Makes the right-hand side of the device from the residual, divided by `unit`.
    fn hand_over(&mut self, unit: f64) {
        let factor = self.iteration.unit() / unit;
        let excesses = self.operator.excess.par_iter().zip(&self.largest_excess);
        self.single
            .par_iter_mut()
            .zip(&self.residual)
            .zip(excesses)
            .for_each(|((single, residual), (excess, largest))| {
                // A row whose excess was cut is cut as a whole.
                let share = (largest / excess).min(1.0);
                *single = (factor * share * residual) as f32;
            });
    }
}

/// x ← x + a vector of f32 in some unit; max |x|.
struct Corrected<'a> {
    unit: f64,
    vector: &'a [f32],
}

impl Pass<f64> for Corrected<'_> {
    #[inline(always)]
    fn tile(&self, first: usize, out: &mut [f64]) -> f64 {
        for (out, vector) in out.iter_mut().zip(&self.vector[first..]) {
            *out += self.unit * f64::from(*vector);
        }
        largest(out)
    }
}
