use std::marker::PhantomData;

use rayon::prelude::*;

use super::cellwise::{Added, Change, Gain, MassOfChange, Storage, Updated};
use super::progress::{Accuracy, Balance, Effort, Moved};
use crate::backend::cpu::{Elementwise, elementwise};
use crate::backend::reduce::sums;
use crate::divergence::Divergence;
use crate::elliptic::Elliptic;
use crate::flow::couplings::Couplings;
use crate::flow::{FlowError, Problem};
use crate::grid::Field;

/// Iterations after which a step is given up.
const MAX_ITERATIONS: usize = 80;
/// Iterations after which increments are taken in w alone: slower at first, but monotone (docs/mathematics.md, "Implicit steps").
const MONOTONE_AFTER: usize = 15;
/// Sweeps over the cells after which the rest is left: one or two do in all but the roughest problems.
const MAX_SWEEPS: usize = 10;
/// Diffusion in a step, relative to storage, that counts as weak.
const WEAK: f64 = 0.1;
/// Cells of a row that are looked at together.
const CHUNK: usize = 256;

/// One backward Euler step in w = ψ(r) (docs/mathematics.md, eq. 11):
/// ψ'_i (r(w_i) − r(w⁰_i)) + dt ψ'_i Σ_faces sqrt(π_j/π_i)/h² (w_i − w_j) = 0.
///
/// Convex Newton: diffusion is linear in w and only the storage term is not. Each row is scaled by its own ψ'/π, so that neither
/// tails of π nor large r overflow.
pub(in crate::flow) struct EulerStep<D> {
    pub couplings: Couplings,
    elliptic: Elliptic,
    /// ln(π · cell volume).
    log_mass: Vec<f64>,
    slope: Field,
    rhs: Field,
    increment: Field,
    /// Whether the linear systems are solved by elimination, exact cell by cell.
    pub direct: bool,
    /// Whether ψ' vanishes at r = 0, so that a small increment of w is a large one of r.
    degenerate: bool,
    polished: Vec<f64>,
    pub accuracy: Accuracy,
    /// What the first iteration of the last solve left of the error in L1 of ρ, if a bound on it was taken.
    pub left: Option<f64>,
    divergence: PhantomData<D>,
}

impl<D: Divergence> EulerStep<D> {
    /// The step with its linear systems solved as `elliptic` does, which must be that of the problem.
    pub fn new(problem: &Problem, elliptic: Elliptic) -> Self {
        let zeros = || Field::zeros(problem.grid.shape());
        Self {
            couplings: Couplings::new(&problem.grid, &problem.log_target),
            elliptic,
            log_mass: problem.log_masses().collect(),
            slope: zeros(),
            rhs: zeros(),
            increment: zeros(),
            direct: problem.grid.dimension() == 1,
            degenerate: D::slope(D::kirchhoff(f64::NEG_INFINITY)) == 0.0,
            polished: Vec::new(),
            accuracy: Accuracy::FULL,
            left: None,
            divergence: PhantomData,
        }
    }

    /// Solves the step from `initial` at `time` by `dt`. `solution` holds a guess on entry, of whose error in L1 of ρ the first iteration is thought to leave
    /// `expected`, if anything is; `bounds` are the smallest and the largest w at the start of the run, between which the solution lies by the
    /// comparison principle.
    pub fn solve(
        &mut self,
        time: f64,
        dt: f64,
        initial: &[f64],
        solution: &mut [f64],
        bounds: [f64; 2],
        expected: Option<f64>,
    ) -> Result<Effort, FlowError> {
        let mut effort = Effort::default();
        self.left = None;
        let mut change = f64::INFINITY;
        let mut errors = [f64::INFINITY; 2];
        while effort.iterations < MAX_ITERATIONS {
            if self.residual(dt, initial, solution) == 0.0 {
                return Ok(effort);
            }
            if let Some(rest) = self.accuracy.rest {
                let error = self.error_bound(solution);
                if effort.iterations == 1 {
                    self.left = Some(error);
                }
                // Where dt/h² is large rounding alone is more than may be left; then there is nothing more to change.
                if effort.iterations > 0 && error.min(change) <= rest {
                    self.settle_cells(dt, initial, solution, bounds);
                    return Ok(effort);
                }
                errors = [errors[1], error];
            }
            let tolerance = self.accuracy.tolerance(change, errors, expected);
            // The last increment is no guess for the next, which is smaller by orders of magnitude: its rounding errors would stay.
            self.increment.fill(0.0);
            let report = self
                .elliptic
                .solve(dt, &self.slope, &self.rhs, tolerance, &mut self.increment)
                .map_err(|source| FlowError::Elliptic {
                    time,
                    step: dt,
                    source,
                })?;
            if self.degenerate && !self.direct {
                self.polish(dt);
            }
            let moved = if effort.iterations < MONOTONE_AFTER {
                self.update::<Updated<D>>(initial, solution, bounds)
            } else {
                self.update::<Added>(initial, solution, bounds)
            };
            effort.iterations += 1;
            effort.linear_iterations += report.iterations;
            if self.accuracy.rest.is_none() && moved.settled(change, self.direct) {
                if !self.direct {
                    self.residual(dt, initial, solution);
                    self.settle_cells(dt, initial, solution, bounds);
                }
                return Ok(effort);
            }
            change = moved.mass;
        }
        let iterations = effort.iterations;
        Err(FlowError::Newton {
            time,
            step: dt,
            iterations,
            change,
        })
    }

    /// A bound on the error of a guess in L1 of ρ.
    pub fn lacking(&mut self, dt: f64, initial: &[f64], guess: &[f64]) -> f64 {
        self.residual(dt, initial, guess);
        self.error_bound(guess)
    }

    /// A bound on the error in L1 of ρ, the right-hand side being that of `solution`: what its equations lack.
    ///
    /// A step does not increase the distance of two densities in L1, and `solution` is what the step makes of an initial density as far from the given one.
    fn error_bound(&self, solution: &[f64]) -> f64 {
        self.norm(self.rhs.as_slice().unwrap_or_default(), solution)
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
            let mut stored = [0.0; CHUNK];
            for first in (0..n).step_by(CHUNK) {
                let cells = first..n.min(first + CHUNK);
                let (slope, rhs) = (&mut slope[cells.clone()], &mut rhs[cells.clone()]);
                let inputs = [&solution[cells.clone()], &initial[cells]];
                elementwise::<Storage<D>, 2, 2>(inputs, [&mut *slope, &mut stored]);
                for (rhs, (slope, stored)) in rhs.iter_mut().zip(slope.iter().zip(&stored)) {
                    *rhs = -(stored + dt * slope * *rhs);
                    largest = largest.max(rhs.abs());
                }
            }
            largest
        });
        largest.reduce(|| 0.0, f64::max)
    }

    /// Solves each row in which diffusion is weak for its own increment, the neighbours' given.
    ///
    /// Conjugate gradients resolve increments beside the largest of all; divided by a ψ' near zero the rest would be a large error of r.
    fn polish(&mut self, dt: f64) {
        let n = self.couplings.row();
        let (couplings, polished) = (&self.couplings, &mut self.polished);
        let (slope, rhs) = (self.slope.as_slice(), self.rhs.as_slice());
        let (slope, rhs) = (slope.unwrap_or_default(), rhs.unwrap_or_default());
        let solved = self.increment.as_slice().unwrap_or_default();
        polished.resize(solved.len(), 0.0);
        let rows = polished.par_chunks_mut(n).enumerate();
        rows.for_each(|(row, polished)| {
            for (i, polished) in polished.iter_mut().enumerate() {
                let cell = row * n + i;
                let (mut total, mut inflow) = (0.0, 0.0);
                couplings.for_each_face(cell, |factor, beside| {
                    let share = dt * slope[cell] * factor;
                    total += share;
                    inflow += share * solved[beside];
                });
                *polished = if total < WEAK {
                    (rhs[cell] + inflow) / (1.0 + total)
                } else {
                    solved[cell]
                };
            }
        });
        if let Some(increment) = self.increment.as_slice_mut() {
            increment.copy_from_slice(polished);
        }
    }

    /// Makes each w what `U` makes of it and its increment, within the bounds.
    fn update<U: Elementwise<2, 1>>(
        &self,
        initial: &[f64],
        solution: &mut [f64],
        [lowest, highest]: [f64; 2],
    ) -> Moved {
        let increment = self.increment.as_slice().unwrap_or_default();
        let n = self.couplings.row();
        let rows = solution.par_chunks_mut(n).enumerate();
        // The sum only decides when to stop, but the number of iterations shows in the bits: add it in order.
        let parts: Vec<Moved> = rows
            .map(|(row, solution)| {
                let mut moved = Moved::default();
                let mut updated = [0.0; CHUNK];
                let [mut mass, mut defect, mut relative] = [[0.0; CHUNK]; 3];
                for (chunk, solution) in solution.chunks_mut(CHUNK).enumerate() {
                    let first = row * n + chunk * CHUNK;
                    let cells = first..first + solution.len();
                    let updated = &mut updated[..solution.len()];
                    elementwise::<U, 2, 1>([solution, &increment[cells.clone()]], [&mut *updated]);
                    for value in &mut *updated {
                        *value = value.max(lowest).min(highest);
                    }
                    let (initial, log_mass) = (&initial[cells.clone()], &self.log_mass[cells]);
                    elementwise::<Change<D>, 4, 3>(
                        [updated, solution, initial, log_mass],
                        [&mut mass, &mut defect, &mut relative],
                    );
                    for cell in 0..solution.len() {
                        moved.mass += mass[cell];
                        moved.defect += defect[cell];
                        moved.cell = moved.cell.max(relative[cell]);
                    }
                    solution.copy_from_slice(updated);
                }
                moved
            })
            .collect();
        parts.into_iter().fold(Moved::default(), Moved::plus)
    }

    /// Solves each cell for itself, the neighbours given, until none changes relative to its own r: Jacobi's iteration for the nonlinear
    /// system.
    ///
    /// Conjugate gradients resolve a cell beside the mass of the whole box. What is left of their error in cells that hold almost nothing
    /// does not show in the mass, but in divergences that weigh such cells. The right-hand side must be that of `solution`.
    fn settle_cells(&mut self, dt: f64, initial: &[f64], solution: &mut [f64], bounds: [f64; 2]) {
        for _ in 0..MAX_SWEEPS {
            let (slope, rhs) = (self.slope.as_slice(), self.rhs.as_slice());
            let (slope, rhs) = (slope.unwrap_or_default(), rhs.unwrap_or_default());
            let couplings = &self.couplings;
            if let Some(increment) = self.increment.as_slice_mut() {
                increment
                    .par_iter_mut()
                    .enumerate()
                    .for_each(|(cell, increment)| {
                        let diagonal = 1.0 + dt * slope[cell] * couplings.total(cell);
                        *increment = rhs[cell] / diagonal;
                    });
            }
            let moved = self.update::<Updated<D>>(initial, solution, bounds);
            if moved.cell <= self.accuracy.cell {
                return;
            }
            self.residual(dt, initial, solution);
        }
    }

    /// Σ |a_i| · π_i/ψ'(w_i) · cell volume: the L1 norm of a relative change at w.
    pub fn norm(&self, change: &[f64], at: &[f64]) -> f64 {
        let [norm] = sums::<MassOfChange<D>, 3, 1>([change, at, &self.log_mass]);
        norm
    }

    /// What came about from the w `before` to the w `after`.
    pub(super) fn balance(&self, before: &[f64], after: &[f64]) -> Balance {
        let [gained, mass] = sums::<Gain<D>, 3, 2>([before, after, &self.log_mass]);
        Balance { gained, mass }
    }

    /// Multiplies r by 1 + `share` in every cell, within the bounds.
    pub fn rescale(&self, share: f64, solution: &mut [f64], [lowest, highest]: [f64; 2]) {
        let empty = D::kirchhoff(f64::NEG_INFINITY);
        solution.par_iter_mut().for_each(|w| {
            *w = D::displaced(*w, share * D::relative_change(*w, empty))
                .max(lowest)
                .min(highest);
        });
    }
}
