//! One grid of a step, and the coarser ones that its first guess comes from (docs/mathematics.md, eq. 31).

use super::device::Device;
use super::galerkin::Transfer;
use super::guess::{Guess, all_between, between};
use super::iterate::{Iterate, Until};
use super::lattice::{Centres, Lattice};
use super::newton::Newton;
use super::passes;
use crate::backend::gpu::GpuError;
use crate::calculus::Real;
use crate::divergence::{Divergence, DivergenceKind};
use crate::elliptic::Elliptic;
use crate::flow::implicit::{Effort, EulerStep};
use crate::flow::{FlowError, Problem};
use crate::grid::{Axis, Field, Grid};

/// A guess with a misfit above this, relative to the mass, is approached from smaller τ.
const FAR: f64 = 0.5;
/// The misfit at which τ is doubled on that way.
const LOOSE: f64 = 2e-2;
/// A guess from coarser grids with a misfit above this is no better than that of the flow.
const NEAR: f64 = 0.1;
/// The misfit at which a coarser grid has no more to tell.
const NESTED: f64 = 1e-4;
/// If halving τ lowers the misfit by less than this, it is not τ that is at fault.
const HELPLESS: f64 = 0.7;
/// Halvings of τ, Newton iterations for each doubling, and for τ itself.
const HALVINGS: i32 = 12;
const ITERATIONS: usize = 20;
const LAST_ITERATIONS: usize = 30;
/// Cells along an axis of a coarser grid, at least.
const FEWEST: usize = 16;

/// The equations on one grid. What finds a first guess for them takes memory only while it does.
pub(super) struct Level<D> {
    pub newton: Newton<D>,
    device: Option<Device>,
    grid: Grid,
    kind: DivergenceKind,
}

/// What a step is to be solved for.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    /// τ of the minimum.
    pub tau: f64,
    /// The time that the flow takes there.
    pub duration: f64,
    /// ℓ that the flow starts from.
    pub initial: &'a [f64],
}

impl<D: Divergence> Level<D> {
    /// The level of a problem, solved on a device, if one is given, and so are coarser ones that are not small.
    ///
    /// # Errors
    ///
    /// Fields that the GPU has no room for; a failure of it.
    pub fn new(problem: &Problem, device: Option<&Device>) -> Result<Self, GpuError> {
        let lattice = Lattice::new(&problem.grid);
        let centres = Centres::new(&problem.grid);
        let masses = problem.log_masses().map(Real::exp);
        Ok(Self {
            newton: Newton::new(lattice, centres, masses.collect(), device)?,
            device: device.cloned(),
            grid: problem.grid.clone(),
            kind: problem.divergence,
        })
    }

    /// Solves the step whose moments and mass `newton` has been given: from coarser grids, or where they are of no help from the flow.
    ///
    /// # Errors
    ///
    /// A failure of the GPU.
    pub fn approach(&mut self, task: Task<'_>, until: Until) -> Result<Effort, GpuError> {
        let mut effort = Effort::default();
        let coarser = self.coarser()?;
        let newton = &mut self.newton;
        let mut nested = None;
        if let Some(mut coarser) = coarser
            && coarser.solve(newton, task)?
        {
            coarser.hand_over(newton);
            drop(coarser);
            newton.restart(task.tau)?;
            if newton.current.misfit <= NEAR {
                effort += newton.minimise(task.tau, until, LAST_ITERATIONS)?;
                if newton.current.misfit <= LOOSE {
                    return Ok(effort);
                }
            } else if newton.current.misfit <= FAR {
                nested = Some(newton.current.clone());
            }
        }
        effort += self.follow_flow(task, until, nested)?;
        Ok(effort)
    }

    /// From one step of the flow, where that is a poor guess from `nested`, if there is one, and else with smaller τ first.
    fn follow_flow(
        &mut self,
        task: Task<'_>,
        until: Until,
        mut nested: Option<Iterate>,
    ) -> Result<Effort, GpuError> {
        let mut guess = self.guess();
        let newton = &mut self.newton;
        let mut effort = Effort::default();
        let mut halvings = 0;
        let mut before = f64::INFINITY;
        loop {
            let [tau, duration] = [task.tau, task.duration].map(|time| shortened(time, halvings));
            guess.set(newton, tau, duration, task.initial);
            newton.restart(tau)?;
            let misfit = newton.current.misfit;
            if misfit > FAR
                && let Some(nested) = nested.take()
            {
                newton.current = nested;
                newton.restart(tau)?;
                effort += newton.minimise(tau, until, LAST_ITERATIONS)?;
                if newton.current.misfit <= LOOSE {
                    return Ok(effort);
                }
                continue;
            }
            let helpless = halvings > 0 && misfit > HELPLESS * before;
            if misfit <= FAR || helpless || halvings == HALVINGS {
                break;
            }
            before = misfit;
            halvings += 1;
        }
        drop(guess);
        for halving in (0..=halvings).rev() {
            let tau = shortened(task.tau, halving);
            if halving < halvings {
                newton.restart(tau)?;
            }
            let (until, most) = if halving > 0 {
                (Until::Misfit(LOOSE), ITERATIONS)
            } else {
                (until, LAST_ITERATIONS)
            };
            effort += newton.minimise(tau, until, most)?;
        }
        Ok(effort)
    }
}

impl<D: Divergence> Level<D> {
    /// The step on half the cells; none where no axis is long enough.
    fn coarser(&self) -> Result<Option<Coarser<D>>, GpuError> {
        let Newton {
            lattice, target, ..
        } = &self.newton;
        let problem = coarsened(&self.grid, target, self.kind);
        let coarser = problem.map(|problem| {
            let device = self.device.as_ref();
            let device = device.filter(|device| problem.grid.len() >= device.worthwhile);
            Coarser::new(lattice, &problem, device)
        });
        coarser.transpose()
    }

    /// The solver of the flow, for the π of the cells.
    fn guess(&self) -> Guess<D> {
        let Newton {
            lattice,
            centres,
            target,
            ..
        } = &self.newton;
        let problem = problem(&self.grid, target.iter().copied(), self.kind);
        let euler = problem.and_then(|problem| {
            let elliptic = Elliptic::new(&self.grid, &problem.log_target).ok()?;
            Some(EulerStep::new(&problem, elliptic))
        });
        Guess::new(euler, *lattice, centres)
    }
}

/// Refuses what the solver of the flow, which gives first guesses, cannot hold, on this grid and all coarser ones.
///
/// # Errors
///
/// [`FlowError::Setup`] for its π.
pub(super) fn check(problem: &Problem) -> Result<(), FlowError> {
    Elliptic::new(&problem.grid, &problem.log_target)?;
    let masses: Vec<f64> = problem.log_masses().map(Real::exp).collect();
    let coarse = coarsened(&problem.grid, &masses, problem.divergence);
    coarse.as_ref().map_or(Ok(()), check)
}

/// The problem of π V in each cell.
fn problem(
    grid: &Grid,
    masses: impl Iterator<Item = f64>,
    divergence: DivergenceKind,
) -> Option<Problem> {
    let log_volume = Real::ln(grid.cell_volume());
    let log_target = masses.map(|mass| Real::ln(mass) - log_volume).collect();
    Some(Problem {
        log_target: Field::from_shape_vec(grid.shape(), log_target).ok()?,
        grid: grid.clone(),
        divergence,
    })
}

fn shortened(time: f64, halvings: i32) -> f64 {
    time * 0.5_f64.powi(halvings)
}

/// The step on a coarser grid.
struct Coarser<D> {
    level: Level<D>,
    transfer: Transfer,
    /// ℓ at the start.
    initial: Vec<f64>,
    /// ln r at the end.
    reached: Vec<f64>,
}

impl<D: Divergence> Coarser<D> {
    fn new(fine: &Lattice, problem: &Problem, device: Option<&Device>) -> Result<Self, GpuError> {
        let level = Level::new(problem, device)?;
        let zeros = || vec![0.0; level.newton.centres.len()];
        Ok(Self {
            transfer: Transfer::between(fine, &level.newton.lattice),
            initial: zeros(),
            reached: zeros(),
            level,
        })
    }

    /// Solves the step of a finer grid here: its moments are sums of the finer ones. Whether it came near enough.
    fn solve(&mut self, fine: &Newton<D>, task: Task<'_>) -> Result<bool, GpuError> {
        let Self {
            level,
            transfer,
            initial,
            ..
        } = self;
        let newton = &mut level.newton;
        transfer.restrict(&fine.moments, &mut newton.moments);
        newton.mass = fine.mass;
        let target = &newton.target;
        let counts = [fine.centres.counts(), newton.centres.counts()];
        passes::each(initial, |cell, ln| {
            let masses = children(counts, cell);
            let masses = masses.map(|child| fine.target[child] * Real::exp(task.initial[child]));
            *ln = Real::ln(masses.sum::<f64>() / target[cell]);
        });
        let coarse = Task { initial, ..task };
        level.approach(coarse, Until::Misfit(NESTED))?;
        Ok(level.newton.current.misfit <= LOOSE)
    }

    /// Gives φ, which is a spline on the finer grid too, and r to the finer grid.
    fn hand_over(&mut self, fine: &mut Newton<D>) {
        let coarse = &self.level.newton;
        let current = &mut fine.current;
        self.transfer
            .prolong(&coarse.current.coefficients, &mut current.coefficients);
        let ratio = &coarse.current.ratio;
        passes::each(&mut self.reached, |cell, ln| {
            *ln = Real::ln(ratio[cell].max(f64::MIN_POSITIVE));
        });
        let (reached, centres) = (&self.reached, fine.centres);
        passes::each(&mut current.ratio, |cell, ratio| {
            let place = centres.place(cell);
            *ratio = Real::exp(between(&coarse.lattice, &coarse.centres, &place, |cell| {
                reached[cell]
            }));
        });
        // Feet begin as far from their cells as those beside them on the coarser grid.
        let moved = |cell: usize| {
            let (foot, centre) = (&coarse.current.feet[cell], coarse.centres.place(cell));
            [0, 1, 2].map(|axis| foot.place[axis] - centre[axis])
        };
        passes::each(&mut current.feet, |cell, foot| {
            let place = centres.place(cell);
            let moved = all_between(&coarse.lattice, &coarse.centres, &place, moved);
            foot.place = [0, 1, 2].map(|axis| place[axis] + moved[axis]);
        });
    }
}

/// The cells of a finer grid in one of a coarser.
fn children([fine, coarse]: [[usize; 3]; 2], cell: usize) -> impl Iterator<Item = usize> {
    let (row, x) = (cell / coarse[2], cell % coarse[2]);
    let index = [row / coarse[1], row % coarse[1], x];
    let along = move |axis: usize| {
        let factor = fine[axis] / coarse[axis];
        index[axis] * factor..(index[axis] + 1) * factor
    };
    along(0).flat_map(move |z| {
        along(1).flat_map(move |y| along(2).map(move |x| (z * fine[1] + y) * fine[2] + x))
    })
}

/// The problem with half the cells along each axis that is long enough, from π V on the finer grid: its splines are sums of the finer ones. None
/// where no axis is.
fn coarsened(grid: &Grid, masses: &[f64], divergence: DivergenceKind) -> Option<Problem> {
    let halved = |axis: &Axis| {
        let possible = axis.cells.is_multiple_of(4) && axis.cells >= 2 * FEWEST;
        Axis {
            cells: axis.cells / if possible { 2 } else { 1 },
            ..*axis
        }
    };
    let axes: Vec<Axis> = grid.axes().iter().map(halved).collect();
    if axes == grid.axes() {
        return None;
    }
    let coarse = Grid::new(axes).ok()?;
    let counts = [grid, &coarse].map(|grid| Centres::new(grid).counts());
    let sum = |cell| children(counts, cell).map(|child| masses[child]).sum();
    problem(&coarse, (0..coarse.len()).map(sum), divergence)
}
