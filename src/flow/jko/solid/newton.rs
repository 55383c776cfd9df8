//! Newton's method for the potential φ and the ratio r together: s(φ) = f'(r), Wᵀ(π r) = b (docs/mathematics.md, eq. 28, 29).

use std::marker::PhantomData;

use super::background::Background;
use super::deposit::{Masses, Order, Places, moments};
use super::feet::{Foot, Search};
use super::iterate::{Cells, Hessian, Iterate, Moved, Ratio, Soft, Until, direct};
use super::lattice::{Centres, Lattice, squared_distance};
use super::multigrid::Multigrid;
use super::pack::{Pack, with_middle};
use super::passes;
use super::points::Points;
use super::stencil::scale_of;
use crate::backend::gpu::{Gpu, GpuError};
use crate::backend::reduce;
use crate::calculus::Real;
use crate::divergence::Divergence;
use crate::flow::implicit::Effort;

/// The shortest share of a step.
const SHORTEST: f64 = 0.05;
/// A step is rejected, and the next one stiffer, if the misfit grows by this factor even along its best share.
const WORSE: f64 = 2.0;
/// The background stiffness relative to the mass and the misfit: at the start; by how much it falls after a whole step, and rises after a
/// short one and after a rejected one. The least, relative to the mass.
const STIFFNESS: f64 = 3.0;
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
    background: Background,
    /// Its share of the misfit now.
    stiffness: f64,
    pub order: Order,
    pub padded: Vec<f64>,
    pub multigrid: Multigrid,
    pub rhs: Vec<f64>,
    pub direction: Vec<f64>,
    divergence: PhantomData<D>,
}

impl<D: Divergence> Newton<D> {
    /// The equations; linear systems are solved on a GPU, if one is given.
    ///
    /// # Errors
    ///
    /// Fields that the GPU has no room for; a failure of it.
    pub fn new(
        lattice: Lattice,
        centres: Centres,
        target: Vec<f64>,
        gpu: Option<&Gpu>,
    ) -> Result<Self, GpuError> {
        let mut order = Order::new(&lattice, centres.len());
        order.sort(&lattice, Places::Centres(centres));
        let nodes = || vec![0.0; lattice.len()];
        Ok(Self {
            target,
            moments: nodes(),
            mass: 0.0,
            current: Iterate::new(lattice, centres.len()),
            trial: None,
            background: Background::new(&lattice, &centres),
            stiffness: STIFFNESS,
            order,
            padded: vec![0.0; lattice.padded().iter().product()],
            multigrid: Multigrid::new(lattice, gpu)?,
            rhs: nodes(),
            direction: nodes(),
            lattice,
            points: Points::new(centres),
            centres,
            divergence: PhantomData,
        })
    }

    /// Feet of the current potential for this τ, from where they are; then the equations there.
    pub fn restart(&mut self, tau: f64) {
        let Self {
            lattice,
            points,
            current,
            ..
        } = self;
        self.stiffness = STIFFNESS;
        current.spline.set(&current.coefficients);
        let search = Search::new(&current.spline, lattice, tau);
        let mut feet = vec![Foot::default(); points.len()];
        search.all(points, &current.feet, &mut feet);
        current.feet = feet;
        self.evaluate(false);
    }

    /// Residual and misfit of the current or the trial iterate, whose feet and r are given.
    pub fn evaluate(&mut self, of_trial: bool) {
        let Self {
            lattice,
            target,
            order,
            padded,
            moments: start,
            ..
        } = self;
        let iterate = match &mut self.trial {
            Some(trial) if of_trial => trial,
            _ => &mut self.current,
        };
        let Iterate {
            feet,
            ratio,
            residual,
            ..
        } = iterate;
        if direct::<D>() {
            passes::fill(ratio, &Ratio(feet, PhantomData::<D>));
        }
        let (feet, ratio, target): (&[Foot], &[f64], &[f64]) = (feet, ratio, target);
        order.sort(lattice, Places::Feet(feet));
        moments(
            lattice,
            order,
            Places::Feet(feet),
            Masses::Products(target, ratio),
            padded,
            residual,
        );
        passes::each(residual, |node, residual| {
            *residual = start[node] - *residual
        });
        let moved = reduce::sum(residual.len(), |node| residual[node].abs());
        let changed = soft::<D, _>(feet, ratio, target, |capacity, mismatch| {
            capacity * mismatch.abs()
        });
        let changed = passes::sum(ratio.len(), &changed);
        let misfit = (moved + changed) / self.mass;
        iterate.misfit = if misfit.is_nan() {
            f64::INFINITY
        } else {
            misfit
        };
    }

    /// Iterates for one τ from the current φ and r, which have been evaluated.
    ///
    /// # Errors
    ///
    /// A failure of the GPU.
    pub fn minimise(&mut self, tau: f64, until: Until, most: usize) -> Result<Effort, GpuError> {
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
            let length = self.search(tau);
            let after = self.trial_misfit();
            if (after > WORSE * before && background < STIFF) || after.is_infinite() {
                self.stiffness *= REJECTED;
                self.evaluate(false);
                continue;
            }
            if length == 1.0 {
                self.stiffness = (SOFTER * self.stiffness).max(STIFFNESS);
            } else if length < SHORT {
                self.stiffness *= STIFFER;
            }
            if let Some(trial) = &mut self.trial {
                std::mem::swap(&mut self.current, trial);
            }
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
        self.trial = None;
        Ok(effort)
    }

    /// The stiffness ε of the tails (eq. 30) that the current iterate asks for.
    pub fn tail_stiffness(&self) -> f64 {
        (self.stiffness * self.current.misfit.min(1.0)).max(SOFTEST)
    }

    /// Σ mass |x − y|² of the current iterate.
    pub fn cost(&self) -> f64 {
        let Iterate { feet, ratio, .. } = &self.current;
        reduce::sum(ratio.len(), |cell| {
            let square = squared_distance(&self.points.place(cell), &feet[cell].place);
            self.target[cell] * ratio[cell] * square
        })
    }

    /// π V/f''(r) of the current iterate.
    pub fn capacity(&self) -> Vec<f64> {
        let Iterate { feet, ratio, .. } = &self.current;
        let mut capacity = vec![0.0; ratio.len()];
        let soft = soft::<D, _>(feet, ratio, &self.target, |capacity, _| capacity);
        passes::fill(&mut capacity, &soft);
        capacity
    }

    /// Newton's direction for φ; returns the iterations of the linear solver.
    fn newton(&mut self, tau: f64, stiffness: f64, tolerance: f64) -> Result<usize, GpuError> {
        self.trial = None;
        let Iterate { feet, ratio, .. } = &self.current;
        let mut excess = vec![0.0; ratio.len()];
        let soft = soft::<D, _>(feet, ratio, &self.target, |capacity, mismatch| {
            capacity * mismatch
        });
        passes::fill(&mut excess, &soft);
        moments(
            &self.lattice,
            &self.order,
            Places::Feet(feet),
            Masses::Of(&excess),
            &mut self.padded,
            &mut self.rhs,
        );
        drop(excess);
        let residual = &self.current.residual;
        passes::each(&mut self.rhs, |node, rhs| *rhs = residual[node] - *rhs);
        let capacity = self.capacity();
        let Self {
            lattice,
            target,
            current,
            order,
            padded,
            multigrid,
            rhs,
            direction,
            background,
            ..
        } = self;
        let Iterate {
            spline,
            feet,
            ratio,
            ..
        } = current;
        let weigh = Hessian {
            feet,
            target,
            ratio,
            capacity: &capacity,
            spline,
            tau,
        };
        // Sums of all entries without and with slopes, as long as no foot is near a fold.
        let bent = tau * self.mass * lattice.curvature();
        let size = reduce::sum(capacity.len(), |cell| capacity[cell]) + bent;
        let matrix = multigrid.matrix();
        matrix.assemble(order, &weigh, scale_of(size), padded);
        drop(capacity);
        background.add(stiffness * tau * self.mass, matrix);
        matrix.set_diagonal();
        multigrid.prepare()?;
        let iterations = multigrid.solve(rhs, tolerance, LINEAR_ITERATIONS, direction)?;
        multigrid.release();
        Ok(iterations)
    }

    /// Twice the fall of the dual that Newton's model promises: of the order of the gap.
    fn decrement(&self) -> f64 {
        let Iterate { feet, ratio, .. } = &self.current;
        let squares = soft::<D, _>(feet, ratio, &self.target, |capacity, mismatch| {
            capacity * mismatch * mismatch
        });
        let squares = passes::sum(ratio.len(), &squares);
        passes::dot(&self.rhs, &self.direction).abs() + squares
    }

    /// Goes along the direction into `trial`, so far that the misfit falls or to where it was least; returns the share.
    fn search(&mut self, tau: f64) -> f64 {
        let before = self.current.misfit;
        let (mut length, mut best) = (1.0, (f64::INFINITY, 1.0));
        loop {
            self.go(tau, length);
            let misfit = self.trial_misfit();
            if misfit < best.0 {
                best = (misfit, length);
            }
            if misfit <= (1.0 - 0.25 * length) * before {
                return length;
            }
            if length < SHORTEST {
                break;
            }
            length *= 0.5;
        }
        if best.1 != length {
            self.go(tau, best.1);
        }
        best.1
    }

    /// The misfit where the direction leads to; none is any good before it is followed.
    fn trial_misfit(&self) -> f64 {
        let trial = self.trial.as_ref();
        trial.map_or(f64::INFINITY, |trial| trial.misfit)
    }

    /// The trial iterate at a share of the direction.
    fn go(&mut self, tau: f64, length: f64) {
        let Self {
            lattice,
            points,
            current,
            trial,
            direction,
            ..
        } = self;
        let (coefficients, direction) = (&current.coefficients, &*direction);
        let trial = trial.get_or_insert_with(|| Iterate::new(*lattice, points.len()));
        trial.spline.set(direction);
        with_middle!(lattice, MIDDLE => {
            let moved = Moved::<D, MIDDLE> {
                feet: &current.feet,
                ratio: &current.ratio,
                lattice,
                along: &trial.spline,
                length,
                divergence: PhantomData,
            };
            passes::fill(&mut trial.ratio, &moved);
        });
        passes::each(&mut trial.coefficients, |node, value| {
            *value = coefficients[node] + length * direction[node];
        });
        trial.spline.set(&trial.coefficients);
        let search = Search::new(&trial.spline, lattice, tau);
        search.all(points, &current.feet, &mut trial.feet);
        self.evaluate(true);
    }
}

fn soft<'a, D, F: Fn(Pack, Pack) -> Pack>(
    feet: &'a [Foot],
    ratio: &'a [f64],
    target: &'a [f64],
    of: F,
) -> Soft<'a, D, F> {
    let cells = Cells {
        feet,
        ratio,
        target,
        divergence: PhantomData,
    };
    Soft { cells, of }
}
