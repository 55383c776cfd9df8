use std::marker::PhantomData;

use rayon::prelude::*;

use crate::backend::reduce;
use crate::calculus::Real;
use crate::divergence::Divergence;
use crate::elliptic::Elliptic;
use crate::flow::couplings::Couplings;
use crate::flow::{FlowError, Problem};
use crate::grid::Field;

/// Iterations after which a step is given up.
const MAX_ITERATIONS: usize = 80;
/// Iterations after which increments are taken in w alone: slower at first, but monotone (docs/mathematics.md, "Implicit steps").
const MONOTONE_AFTER: usize = 15;
/// The iteration may end when the last change of ρ is below this in L1.
const SETTLED: f64 = 1e-8;
/// What the next change may still be: where Newton's iteration is not yet quadratic, a small change does not mean a small error.
const REST: f64 = 1e-15;
/// Relative change of r in any one cell below which it has settled, where the linear solver resolves every cell.
const SETTLED_CELL: f64 = 1e-6;
/// Relative change of r below which a cell is settled by itself, in 2-D and 3-D.
const RESOLVED_CELL: f64 = 1e-12;
/// Sweeps over the cells after which the rest is left: one or two do in all but the roughest problems.
const MAX_SWEEPS: usize = 10;
/// The mass that the solution may be short of or over in a step.
const DEFECT: f64 = 2e-15;
/// A change that no longer falls is rounding when it is below this.
const STAGNANT: f64 = 1e-13;
/// Accuracy of the first linear system where a step need not be solved to rounding: with a good guess it is the only one.
const FIRST_TOLERANCE: f64 = 1e-4;
/// Diffusion in a step, relative to storage, that counts as weak.
const WEAK: f64 = 0.1;
/// ψ' below this is as good as zero: nothing moves.
const SMALLEST_SLOPE: f64 = 1e-300;

/// What Newton's iteration took.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::flow) struct Effort {
    /// Newton iterations.
    pub iterations: usize,
    /// Iterations of conjugate gradients.
    pub linear_iterations: usize,
}

impl std::ops::AddAssign for Effort {
    fn add_assign(&mut self, other: Self) {
        self.iterations += other.iterations;
        self.linear_iterations += other.linear_iterations;
    }
}

/// When a step counts as solved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::flow) struct Accuracy {
    /// The error in L1 of ρ at which a step is solved; none: rounding.
    rest: Option<f64>,
    /// Relative change of r below which a cell is settled by itself, in 2-D and 3-D.
    cell: f64,
}

impl Accuracy {
    /// To rounding.
    pub const FULL: Self = Self {
        rest: None,
        cell: RESOLVED_CELL,
    };
    /// Far below the error of any step, for a method that takes many and corrects the mass.
    pub const OF_A_STEP: Self = Self {
        rest: Some(1e-9),
        cell: 1e-6,
    };
}

/// Mass, and what it gained.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Balance {
    /// Σ (ρ − ρ before) · cell volume, as a sum of differences: its rounding is relative to what moved, not to the mass.
    pub gained: f64,
    /// Σ ρ · cell volume.
    pub mass: f64,
}

/// What an iteration changed.
#[derive(Clone, Copy, Debug, Default)]
struct Moved {
    /// Σ |δρ| · cell volume.
    mass: f64,
    /// The largest |δr|/r.
    cell: f64,
    /// Σ (ρ − ρ⁰) · cell volume, zero for the exact solution.
    defect: f64,
}

impl Moved {
    fn plus(self, other: Self) -> Self {
        Self {
            mass: self.mass + other.mass,
            cell: self.cell.max(other.cell),
            defect: self.defect + other.defect,
        }
    }

    /// Whether what is left after this iteration is below rounding, the iteration before having changed `before`.
    fn settled(self, before: f64, direct: bool) -> bool {
        // Superlinear convergence multiplies the next change by at least as small a factor as this one.
        let factor = if before.is_finite() {
            (self.mass / before).min(1.0)
        } else {
            1.0
        };
        let exact = self.mass * factor <= REST && self.defect.abs() <= DEFECT;
        let stagnant = self.mass <= STAGNANT && factor > 0.5;
        self.mass <= SETTLED && (exact || stagnant) && (self.cell <= SETTLED_CELL || !direct)
    }
}

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
    divergence: PhantomData<D>,
}

impl<D: Divergence> EulerStep<D> {
    /// The step with its linear systems solved as `elliptic` does, which must be that of the problem.
    pub fn new(problem: &Problem, elliptic: Elliptic) -> Self {
        let zeros = || Field::zeros(problem.grid.shape());
        let log_volume = Real::ln(problem.grid.cell_volume());
        Self {
            couplings: Couplings::new(&problem.grid, &problem.log_target),
            elliptic,
            log_mass: problem
                .log_target
                .iter()
                .map(|ln| ln + log_volume)
                .collect(),
            slope: zeros(),
            rhs: zeros(),
            increment: zeros(),
            direct: problem.grid.dimension() == 1,
            degenerate: D::slope(D::kirchhoff(f64::NEG_INFINITY)) == 0.0,
            polished: Vec::new(),
            accuracy: Accuracy::FULL,
            divergence: PhantomData,
        }
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
        // An estimate of the error: that of the linear solver, and Newton's, whose size relative to the change is that of the change itself.
        let mut left = f64::INFINITY;
        while effort.iterations < MAX_ITERATIONS {
            if self.residual(dt, initial, solution) == 0.0 {
                return Ok(effort);
            }
            let tolerance = match self.accuracy.rest {
                // Far from the solution a rough direction will do; near it the error must keep up with Newton's.
                None => (1e-2 * change).clamp(1e-8, 1e-3),
                // As much as is needed, given what the iteration before has left.
                Some(rest) if left.is_finite() => (rest / left).clamp(1e-8, 1e-2),
                Some(_) => FIRST_TOLERANCE,
            };
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
            let updated = if effort.iterations < MONOTONE_AFTER {
                D::newton_update
            } else {
                |w: f64, increment: f64| w + increment
            };
            effort.iterations += 1;
            effort.linear_iterations += report.iterations;
            let moved = self.update(updated, initial, solution, bounds);
            left = moved.mass * (tolerance + moved.cell);
            let settled = match self.accuracy.rest {
                None => moved.settled(change, self.direct),
                Some(rest) => left <= rest,
            };
            if settled {
                if !self.direct {
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

    /// Moves each w by `updated` of itself and its increment, within the bounds.
    fn update(
        &self,
        updated: impl Fn(f64, f64) -> f64 + Sync,
        initial: &[f64],
        solution: &mut [f64],
        [lowest, highest]: [f64; 2],
    ) -> Moved {
        let increment = self.increment.as_slice().unwrap_or_default();
        let empty = D::kirchhoff(f64::NEG_INFINITY);
        let n = self.couplings.row();
        let rows = solution.par_chunks_mut(n).enumerate();
        // The sum only decides when to stop, but the number of iterations shows in the bits: add it in order.
        let parts: Vec<Moved> = rows
            .map(|(row, solution)| {
                let mut moved = Moved::default();
                for (i, value) in solution.iter_mut().enumerate() {
                    let cell = row * n + i;
                    let updated = updated(*value, increment[cell]).max(lowest).min(highest);
                    let mass = self.mass(cell, updated);
                    let change = D::relative_change(updated, *value).abs();
                    moved.mass += mass * change;
                    moved.defect += mass * D::relative_change(updated, initial[cell]);
                    if change > 0.0 {
                        let relative = change / D::relative_change(updated, empty);
                        moved.cell = moved.cell.max(relative);
                    }
                    *value = updated;
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
    /// does not show in the mass, but in divergences that weigh such cells.
    fn settle_cells(&mut self, dt: f64, initial: &[f64], solution: &mut [f64], bounds: [f64; 2]) {
        for _ in 0..MAX_SWEEPS {
            self.residual(dt, initial, solution);
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
            let moved = self.update(D::newton_update, initial, solution, bounds);
            if moved.cell <= self.accuracy.cell {
                return;
            }
        }
    }

    /// π/ψ'(w) · cell volume: what a unit of relative change weighs.
    #[inline(always)]
    fn mass(&self, cell: usize, w: f64) -> f64 {
        Real::exp(self.log_mass[cell] - D::log_slope(w))
    }

    /// Σ |a_i| · π_i/ψ'(w_i) · cell volume: the L1 norm of a relative change at w.
    pub fn norm(&self, change: &[f64], at: &[f64]) -> f64 {
        reduce::sum(change.len(), |cell| {
            self.mass(cell, at[cell]) * change[cell].abs()
        })
    }

    /// What came about from the w `before` to the w `after`.
    pub(super) fn balance(&self, before: &[f64], after: &[f64]) -> Balance {
        let empty = D::kirchhoff(f64::NEG_INFINITY);
        let part = |range: std::ops::Range<usize>| {
            range.fold(Balance::default(), |sum, cell| {
                let (before, after) = (before[cell], after[cell]);
                // Of the two units of change that of the larger r cannot overflow.
                let gained = if after >= before {
                    self.mass(cell, after) * D::relative_change(after, before)
                } else {
                    -self.mass(cell, before) * D::relative_change(before, after)
                };
                Balance {
                    gained: sum.gained + gained,
                    mass: sum.mass + self.mass(cell, after) * D::relative_change(after, empty),
                }
            })
        };
        reduce::over_tiles(after.len(), Balance::default(), part, |a, b| Balance {
            gained: a.gained + b.gained,
            mass: a.mass + b.mass,
        })
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
