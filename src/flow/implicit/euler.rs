use std::marker::PhantomData;

use rayon::prelude::*;

use crate::backend::reduce;
use crate::calculus::Real;
use crate::divergence::Divergence;
use crate::elliptic::{Elliptic, EllipticError};
use crate::flow::couplings::Couplings;
use crate::flow::{FlowError, Problem};
use crate::grid::Field;

/// Iterations after which a step is given up.
const MAX_ITERATIONS: usize = 60;
/// The iteration ends when the last change of ρ is below this in L1: it converges quadratically, so the error is its square. Elimination
/// gives another round for little.
const SETTLED: f64 = 1e-8;
const SETTLED_DIRECT: f64 = 1e-10;
/// Relative change of r in any one cell below which it has settled, where the linear solver resolves every cell.
const SETTLED_CELL: f64 = 1e-6;
/// ψ' below this is as good as zero: nothing moves.
const SMALLEST_SLOPE: f64 = 1e-300;

/// What Newton's iteration took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Effort {
    pub iterations: usize,
    pub linear_iterations: usize,
}

impl std::ops::AddAssign for Effort {
    fn add_assign(&mut self, other: Self) {
        self.iterations += other.iterations;
        self.linear_iterations += other.linear_iterations;
    }
}

/// One backward Euler step in w = ψ(r) (docs/mathematics.md, eq. 11):
/// ψ'_i (r(w_i) − r(w⁰_i)) + dt ψ'_i Σ_faces sqrt(π_j/π_i)/h² (w_i − w_j) = 0.
///
/// Convex Newton: diffusion is linear in w and only the storage term is not. Each row is scaled by its own ψ'/π, so that neither
/// tails of π nor large r overflow.
pub(super) struct EulerStep<D> {
    pub couplings: Couplings,
    elliptic: Elliptic,
    /// ln(π · cell volume).
    log_mass: Vec<f64>,
    slope: Field,
    rhs: Field,
    increment: Field,
    /// Whether the linear systems are solved by elimination, exact cell by cell.
    pub direct: bool,
    divergence: PhantomData<D>,
}

impl<D: Divergence> EulerStep<D> {
    pub fn new(problem: &Problem) -> Result<Self, EllipticError> {
        let zeros = || Field::zeros(problem.grid.shape());
        let log_volume = Real::ln(problem.grid.cell_volume());
        Ok(Self {
            couplings: Couplings::new(&problem.grid, &problem.log_target),
            elliptic: Elliptic::new(&problem.grid, &problem.log_target)?,
            log_mass: problem
                .log_target
                .iter()
                .map(|ln| ln + log_volume)
                .collect(),
            slope: zeros(),
            rhs: zeros(),
            increment: zeros(),
            direct: problem.grid.dimension() == 1,
            divergence: PhantomData,
        })
    }

    /// Solves the step from `initial` at `time` by `dt`. `solution` holds a guess on entry; `bounds` are the smallest and the largest w at
    /// the start of the run, between which the solution lies by the comparison principle.
    pub fn solve(
        &mut self,
        time: f64,
        dt: f64,
        initial: &[f64],
        solution: &mut [f64],
        bounds: [f64; 2],
    ) -> Result<Effort, FlowError> {
        let mut effort = Effort::default();
        let mut change = f64::INFINITY;
        while effort.iterations < MAX_ITERATIONS {
            if self.residual(dt, initial, solution) == 0.0 {
                return Ok(effort);
            }
            // Far from the solution a rough direction will do; near it the error must keep up with Newton's.
            let tolerance = (1e-2 * change).clamp(1e-8, 1e-3);
            let report = self
                .elliptic
                .solve(dt, &self.slope, &self.rhs, tolerance, &mut self.increment)
                .map_err(|source| FlowError::Elliptic {
                    time,
                    step: dt,
                    source,
                })?;
            effort.iterations += 1;
            effort.linear_iterations += report.iterations;
            let (mass, cell) = self.update(solution, bounds);
            change = mass;
            let settled = match self.direct {
                true => mass <= SETTLED_DIRECT && cell <= SETTLED_CELL,
                false => mass <= SETTLED,
            };
            if settled {
                return Ok(effort);
            }
        }
        let iterations = effort.iterations;
        Err(FlowError::Newton {
            time,
            step: dt,
            iterations,
            change,
        })
    }

    /// Fills slope and right-hand side; returns the largest |right-hand side|.
    fn residual(&mut self, dt: f64, initial: &[f64], solution: &[f64]) -> f64 {
        let n = self.couplings.row();
        let couplings = &self.couplings;
        let (slope, rhs) = (self.slope.as_slice_mut(), self.rhs.as_slice_mut());
        let (slope, rhs) = (slope.unwrap_or_default(), rhs.unwrap_or_default());
        let rows = slope
            .par_chunks_mut(n)
            .zip(rhs.par_chunks_mut(n))
            .enumerate();
        let largest = rows.map(|(row, (slope, rhs))| {
            couplings.outflow(solution, row, rhs);
            let (initial, solution) = (&initial[row * n..][..n], &solution[row * n..][..n]);
            let mut largest = 0.0_f64;
            for i in 0..n {
                slope[i] = D::slope(solution[i]).max(SMALLEST_SLOPE);
                rhs[i] = -(D::relative_change(solution[i], initial[i]) + dt * slope[i] * rhs[i]);
                largest = largest.max(rhs[i].abs());
            }
            largest
        });
        largest.reduce(|| 0.0, f64::max)
    }

    /// Applies the increment; returns the change of ρ in L1 and the largest relative change of r in a cell.
    fn update(&self, solution: &mut [f64], [lowest, highest]: [f64; 2]) -> (f64, f64) {
        let increment = self.increment.as_slice().unwrap_or_default();
        let empty = D::kirchhoff(f64::NEG_INFINITY);
        let n = self.couplings.row();
        let rows = solution.par_chunks_mut(n).enumerate();
        // The sum only decides when to stop, but the number of iterations shows in the bits: add it in order.
        let parts: Vec<(f64, f64)> = rows
            .map(|(row, solution)| {
                let (mut moved, mut largest) = (0.0_f64, 0.0_f64);
                for (i, value) in solution.iter_mut().enumerate() {
                    let cell = row * n + i;
                    let updated = D::newton_update(*value, increment[cell])
                        .max(lowest)
                        .min(highest);
                    let change = D::relative_change(updated, *value).abs();
                    let whole = D::relative_change(updated, empty);
                    moved += self.mass(cell, updated) * change;
                    if change > 0.0 {
                        largest = largest.max(change / whole);
                    }
                    *value = updated;
                }
                (moved, largest)
            })
            .collect();
        parts.iter().fold((0.0, 0.0_f64), |(sum, largest), part| {
            (sum + part.0, largest.max(part.1))
        })
    }

    /// π/ψ'(w) · cell volume: what a unit of relative change weighs.
    #[inline(always)]
    fn mass(&self, cell: usize, w: f64) -> f64 {
        Real::exp(self.log_mass[cell] - D::log_slope(w))
    }

    /// Σ |a_i| · π_i/ψ'(w_i) · cell volume: the L1 norm of a relative change at w.
    pub fn norm(&self, change: &[f64], at: &[f64]) -> f64 {
        let part = |range: std::ops::Range<usize>| {
            range
                .map(|cell| self.mass(cell, at[cell]) * change[cell].abs())
                .sum::<f64>()
        };
        reduce::over_tiles(change.len(), 0.0, part, |a, b| a + b)
    }
}
