//! Newton's method for the potential φ and the ratio r together: s(φ) = f'(r), Wᵀ(π r) = b (docs/mathematics.md, eq. 28, 29).

use std::marker::PhantomData;

use super::background::Background;
use super::deposit::{Order, Places};
use super::device::{Device, DeviceCells};
use super::iterate::{Iterate, Until};
use super::lattice::{Centres, Lattice};
use super::multigrid::Multigrid;
use super::points::Points;
use crate::backend::gpu::GpuError;
use crate::divergence::Divergence;
use crate::flow::implicit::Effort;

/// The shortest share of a step.
const SHORTEST: f64 = 0.05;
/// A step is rejected, and the next one stiffer, if the misfit grows by this factor even along its best share.
const WORSE: f64 = 2.0;
/// The background stiffness relative to the mass and the misfit: at the start; by how much it falls after a whole step, and rises after a
/// short one and after a rejected one. The least, relative to the mass.
pub(super) const STIFFNESS: f64 = 3.0;
const SOFTER: f64 = 0.3;
const STIFFER: f64 = 10.0;
const REJECTED: f64 = 30.0;
const SOFTEST: f64 = 1e-13;
/// Stiffness at which a step is not rejected any more.
const STIFF: f64 = 1e3;
/// A share of a step below this is short; so many short steps in a row with a misfit below `STALLED` are the end.
const SHORT: f64 = 0.3;
const MOST_SHORT: usize = 4;
const STALLED: f64 = 1e-4;
/// Misfits below this are rounding if they do not halve.
const ROUNDING: f64 = 1e-9;

/// Iterations after which a direction is taken as it is.
const LINEAR_ITERATIONS: usize = 300;

/// The equations of a step, and the memory of the iteration.
pub(super) struct Newton<D> {
    pub lattice: Lattice,
    pub centres: Centres,
    /// Where mass arrives.
    pub points: Points,
    /// π V of each cell, or of each of its places.
    pub target: Vec<f64>,
    /// b: what the splines see of the density at the start, and its mass.
    pub moments: Vec<f64>,
    pub mass: f64,
    pub current: Iterate,
    /// The iterate at a share of the direction, while one is followed; while one is solved for, the matrix has its memory.
    pub trial: Option<Iterate>,
    pub background: Background,
    /// Its share of the misfit now.
    pub stiffness: f64,
    pub order: Order,
    pub padded: Vec<f64>,
    pub multigrid: Multigrid,
    /// Goes over places in place of this processor.
    pub device: Option<DeviceCells>,
    pub rhs: Vec<f64>,
    pub direction: Vec<f64>,
    divergence: PhantomData<D>,
}

impl<D: Divergence> Newton<D> {
    /// The equations; linear systems are solved on a device, if one is given, and places gone over, if it computes in f64.
    ///
    /// # Errors
    ///
    /// Fields that the GPU has no room for; a failure of it.
    pub fn new(
        lattice: Lattice,
        centres: Centres,
        target: Vec<f64>,
        device: Option<&Device>,
    ) -> Result<Self, GpuError> {
        let mut order = Order::new(&lattice, centres.len());
        order.sort(&lattice, Places::Centres(centres));
        let nodes = || vec![0.0; lattice.len()];
        let cells =
            device.map(|device| DeviceCells::new(device, &lattice, &centres, centres.len()));
        Ok(Self {
            device: cells.transpose()?.flatten(),
            target,
            moments: nodes(),
            mass: 0.0,
            current: Iterate::new(lattice, centres.len()),
            trial: None,
            background: Background::new(&lattice, &centres),
            stiffness: STIFFNESS,
            order,
            padded: vec![0.0; lattice.padded().iter().product()],
            multigrid: Multigrid::new(lattice, device)?,
            rhs: nodes(),
            direction: nodes(),
            lattice,
            points: Points::new(centres),
            centres,
            divergence: PhantomData,
        })
    }

    /// Iterates for one τ from the current φ and r, which have been evaluated.
    ///
    /// # Errors
    ///
    /// A failure of the GPU.
    pub fn minimise(&mut self, tau: f64, until: Until, most: usize) -> Result<Effort, GpuError> {
        let outcome = self.lend();
        let outcome = outcome.and_then(|()| self.iterate(tau, until, most));
        self.trial = None;
        self.take_back(tau)?;
        outcome
    }

    fn iterate(&mut self, tau: f64, until: Until, most: usize) -> Result<Effort, GpuError> {
        let mut effort = Effort::default();
        let mut short_steps = 0;
        while effort.iterations < most {
            let before = self.current.misfit;
            if matches!(until, Until::Misfit(enough) if before <= enough) || before == 0.0 {
                break;
            }
            effort.iterations += 1;
            let tolerance = (0.1 * before).clamp(1e-8, 1e-2);
            let background = self.tail_stiffness();
            effort.linear_iterations += self.newton(tau, background, tolerance)?;
            let decrement = self.decrement();
            let length = self.search(tau)?;
            let after = self.trial_misfit();
            if (after > WORSE * before && background < STIFF) || after.is_infinite() {
                self.stiffness *= REJECTED;
                self.evaluate(false)?;
                continue;
            }
            if length == 1.0 {
                self.stiffness = (SOFTER * self.stiffness).max(STIFFNESS);
            } else if length < SHORT {
                self.stiffness *= STIFFER;
            }
            self.accept();
            short_steps = if length < SHORT { short_steps + 1 } else { 0 };
            let stalled = short_steps >= MOST_SHORT && after < STALLED;
            if stalled || (after > 0.5 * before && after < ROUNDING) {
                break;
            }
            if let Until::Gap(share) = until {
                // The decrement falls with the square of the misfit at best, and seldom slower than its power 3/2.
                let fall = (after / before).min(1.0);
                if decrement * fall * fall.sqrt() <= share * self.cost() / (2.0 * tau) {
                    break;
                }
            }
        }
        Ok(effort)
    }

    /// The stiffness ε of the tails (eq. 30) that the current iterate asks for.
    pub fn tail_stiffness(&self) -> f64 {
        (self.stiffness * self.current.misfit.min(1.0)).max(SOFTEST)
    }

    /// Newton's direction for φ; returns the iterations of the linear solver.
    fn newton(&mut self, tau: f64, stiffness: f64, tolerance: f64) -> Result<usize, GpuError> {
        self.trial = None;
        self.set_rhs()?;
        self.assemble(tau)?;
        let Self {
            multigrid,
            rhs,
            direction,
            background,
            ..
        } = self;
        let matrix = multigrid.matrix();
        background.add(stiffness * tau * self.mass, matrix);
        matrix.set_diagonal();
        multigrid.prepare()?;
        let iterations = multigrid.solve(rhs, tolerance, LINEAR_ITERATIONS, direction)?;
        multigrid.release();
        self.turn()?;
        Ok(iterations)
    }

    /// Goes along the direction into `trial`, so far that the misfit falls or to where it was least; returns the share.
    ///
    /// # Errors
    ///
    /// A failure of the GPU.
    fn search(&mut self, tau: f64) -> Result<f64, GpuError> {
        let before = self.current.misfit;
        let (mut length, mut best) = (1.0, (f64::INFINITY, 1.0));
        loop {
            self.go(tau, length)?;
            let misfit = self.trial_misfit();
            if misfit < best.0 {
                best = (misfit, length);
            }
            if misfit <= (1.0 - 0.25 * length) * before {
                return Ok(length);
            }
            if length < SHORTEST {
                break;
            }
            length *= 0.5;
        }
        if best.1 != length {
            self.go(tau, best.1)?;
        }
        Ok(best.1)
    }
}
