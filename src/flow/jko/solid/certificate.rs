//! A feasible plan near the solution, and how far it can be from the minimum at most (docs/mathematics.md, eq. 33 and 34).

use std::marker::PhantomData;

use super::correction::correct;
use super::deposit::{Masses, Order, Places, moments};
use super::gap::{ByDual, range};
use super::global;
use super::lattice::{Lattice, squared_distance};
use super::newton::Newton;
use super::passes;
use super::spline::Spline;
use crate::backend::gpu::GpuError;
use crate::backend::reduce;
use crate::calculus::Real;
use crate::divergence::Divergence;

/// Sweeps m ← m · Z(b/Zᵀm), which mend tails, and Newton's corrections after them.
const SWEEPS: usize = 10;
const CORRECTIONS: usize = 8;
/// Corrections without mass at rest, which are few where they do it.
const BRIEF: usize = 2;
/// The error of the linear systems, and the largest.
const LINEAR_ERROR: f64 = 1e-6;
const LOOSE: f64 = 1e-2;
/// The part of the mass that stays where it is in any case.
const RESTING: f64 = 1e-14;
/// What may be left of the marginal, relative to the mass: rounding.
const LEFT: f64 = 1e-13;
/// What may be left of the marginal beside the gap that is asked for.
const SHARE: f64 = 0.1;

/// The plan of a step: from every foot to its cell, and a little mass that stays in each.
pub(super) struct Plan<D> {
    lattice: Lattice,
    /// s, raised where a foot is not proven to be global, and by how much.
    pub transform: Vec<f64>,
    pub excess: Vec<f64>,
    /// f*'(s + shift): r by the dual.
    pub ratio: Vec<f64>,
    /// Mass from the foot of each place, then mass at rest in each cell.
    pub masses: Vec<f64>,
    spare: Vec<f64>,
    order: Order,
    spline: Spline,
    sums: Vec<f64>,
    /// What is left of the marginal, relative to the mass.
    pub left: f64,
    /// What is added to φ.
    pub shift: f64,
    /// W2² of the step in the discrete problem: Σ mass |x − y|².
    pub cost: f64,
    /// J + W2²/(2τ) of the plan less the dual value, at most.
    pub gap: f64,
    divergence: PhantomData<D>,
}

impl<D: Divergence> Plan<D> {
    pub fn new(newton: &Newton<D>) -> Self {
        let (lattice, cells) = (newton.lattice, newton.centres.len());
        let zeros = || vec![0.0; cells];
        Self {
            transform: zeros(),
            excess: zeros(),
            ratio: zeros(),
            masses: vec![0.0; 2 * cells],
            spare: zeros(),
            order: Order::new(&lattice, 2 * cells),
            spline: Spline::new(lattice),
            sums: vec![0.0; lattice.len()],
            left: f64::INFINITY,
            shift: 0.0,
            cost: 0.0,
            gap: 0.0,
            lattice,
            divergence: PhantomData,
        }
    }

    /// Makes the plan from the current iterate, first with as little as is enough for a gap of `aim` W2²/(2τ); `start` is the mass of
    /// each cell before the step. Returns iterations of the linear solver.
    ///
    /// # Errors
    ///
    /// A failure of the GPU.
    pub fn set(
        &mut self,
        newton: &mut Newton<D>,
        tau: f64,
        aim: f64,
        start: &[f64],
    ) -> Result<usize, GpuError> {
        self.fit(newton);
        self.prove(newton, tau);
        self.by_dual();
        let mut iterations = self.mend(newton, tau, aim)?;
        self.measure(newton);
        // With the right moments it is φ that is not near enough yet.
        let leftover = self.leftover(newton);
        let feasible = self.left <= LEFT || leftover <= SHARE * self.gap;
        if feasible && self.gap.is_finite() || self.gap <= aim * self.cost / (2.0 * tau) {
            return Ok(iterations);
        }
        let cells = newton.points.len();
        self.spare.copy_from_slice(&self.masses[..cells]);
        let (left, mended) = (self.left, self.gap);
        iterations += self.gather(newton, start)?;
        if self.gap <= mended {
            return Ok(iterations);
        }
        let (feet, resting) = self.masses.split_at_mut(cells);
        feet.copy_from_slice(&self.spare);
        resting.fill(0.0);
        self.left = left;
        self.by_dual();
        self.measure(newton);
        Ok(iterations)
    }

    /// Room for all places.
    fn fit(&mut self, newton: &Newton<D>) {
        let places = newton.points.len();
        let Self {
            transform,
            excess,
            ratio,
            spare,
            ..
        } = self;
        for numbers in [transform, excess, ratio, spare] {
            numbers.resize(places, 0.0);
        }
        self.masses.resize(places + newton.centres.len(), 0.0);
    }

    /// r by the dual with φ as it is.
    fn by_dual(&mut self) {
        self.shift = 0.0;
        let dual = ByDual(&self.transform, PhantomData::<D>);
        passes::fill(&mut self.ratio, &dual);
    }

    /// A plan where no foot is near some of the mass: a little of it stays at rest.
    fn gather(&mut self, newton: &mut Newton<D>, start: &[f64]) -> Result<usize, GpuError> {
        self.balance(newton);
        let missing = self.fill(newton, start, RESTING);
        let mut iterations = self.repair(newton, BRIEF)?;
        if self.left > LEFT || self.left.is_nan() {
            // What is missing may come from where it was as well.
            self.fill(newton, start, missing + RESTING);
            iterations += self.repair(newton, CORRECTIONS)?;
        }
        self.measure(newton);
        Ok(iterations)
    }

    /// The masses at the feet alone, brought to the moments of the start, but no nearer than the gap asks for.
    fn mend(&mut self, newton: &mut Newton<D>, tau: f64, aim: f64) -> Result<usize, GpuError> {
        let cells = newton.points.len();
        let Newton {
            lattice,
            points,
            current,
            target,
            multigrid,
            padded,
            moments: wanted,
            rhs,
            direction,
            mass,
            ..
        } = newton;
        let (masses, resting) = self.masses.split_at_mut(cells);
        resting.fill(0.0);
        let ratio = &current.ratio;
        passes::each(masses, |cell, mass| *mass = target[cell] * ratio[cell]);
        let feet = &current.feet;
        let places = Places::Feet(feet);
        let enough = {
            let masses: &[f64] = masses;
            let cost = reduce::sum(cells, |cell| {
                masses[cell] * squared_distance(&points.place(cell), &places.at(cell))
            });
            SHARE * aim * cost / (2.0 * tau * *mass * range(&current.coefficients))
        };
        self.order.sort(lattice, places);
        rhs.copy_from_slice(&current.residual);
        let mut iterations = 0;
        for correction in 0..=BRIEF {
            let rest: &[f64] = rhs;
            self.left = reduce::sum(rest.len(), |node| rest[node].abs()) / *mass;
            if self.left <= enough.max(LEFT) || self.left.is_nan() || correction == BRIEF {
                break;
            }
            let tolerance = (SHARE * enough / self.left).clamp(LINEAR_ERROR, LOOSE);
            iterations += correct(
                lattice,
                &self.order,
                places,
                masses,
                (multigrid, rhs, direction, &mut self.spline, tolerance),
            )?;
            let masses: &[f64] = masses;
            moments(
                lattice,
                &self.order,
                places,
                Masses::Of(masses),
                padded,
                &mut self.sums,
            );
            let sums = &self.sums;
            passes::each(rhs, |node, rhs| *rhs = wanted[node] - sums[node]);
        }
        Ok(iterations)
    }

    /// Bounds s from above over the whole box.
    fn prove(&mut self, newton: &Newton<D>, tau: f64) {
        let current = &newton.current;
        global::excess(
            &self.lattice,
            (&newton.centres, &newton.points),
            &current.spline,
            &current.coefficients,
            tau,
            &current.feet,
            &mut self.excess,
        );
        let (excess, feet) = (&self.excess, &current.feet);
        passes::each(&mut self.transform, |cell, s| {
            *s = feet[cell].value + excess[cell]
        });
    }

    /// The masses before the repair, with a share of the mass at rest; returns how much is not where it was, relative to the mass.
    fn fill(&mut self, newton: &mut Newton<D>, start: &[f64], share: f64) -> f64 {
        let Newton {
            centres,
            points,
            current,
            ..
        } = newton;
        let cells = points.len();
        let (ratio, target) = (&current.ratio, &newton.target);
        passes::each(&mut self.masses[..cells], |cell, mass| {
            *mass = target[cell] * ratio[cell]
        });
        self.masses[cells..].fill(0.0);
        let places = Places::Both(&current.feet, *centres);
        self.order.sort(&self.lattice, places);
        let masses = &self.masses;
        moments(
            &self.lattice,
            &self.order,
            places,
            Masses::Of(masses),
            &mut newton.padded,
            &mut self.sums,
        );
        let (sums, wanted) = (&self.sums, &newton.moments);
        let missing = reduce::sum(sums.len(), |node| (wanted[node] - sums[node]).abs());
        passes::each(&mut self.masses[cells..], |cell, mass| {
            *mass = share * start[cell]
        });
        missing / newton.mass
    }

    /// Reweights the masses until the second marginal is that of the start.
    fn repair(&mut self, newton: &mut Newton<D>, corrections: usize) -> Result<usize, GpuError> {
        let Newton {
            centres,
            current,
            multigrid,
            padded,
            moments: wanted,
            rhs,
            direction,
            mass,
            ..
        } = newton;
        let Self {
            lattice,
            masses,
            order,
            spline,
            sums,
            left,
            ..
        } = self;
        let places = Places::Both(&current.feet, *centres);
        for _ in 0..SWEEPS {
            moments(lattice, order, places, Masses::Of(masses), padded, sums);
            passes::each(direction, |node, factor| {
                *factor = wanted[node] / sums[node].max(f64::MIN_POSITIVE);
            });
            spline.set(direction);
            passes::each(masses, |number, mass| {
                *mass *= spline.value(&places.at(number))
            });
        }
        let mut iterations = 0;
        for correction in 0..=corrections {
            moments(lattice, order, places, Masses::Of(masses), padded, sums);
            passes::each(rhs, |node, rhs| *rhs = wanted[node] - sums[node]);
            *left = reduce::sum(rhs.len(), |node| rhs[node].abs()) / *mass;
            if *left <= LEFT || left.is_nan() || correction == corrections {
                break;
            }
            iterations += correct(
                lattice,
                order,
                places,
                masses,
                (multigrid, rhs, direction, spline, LINEAR_ERROR),
            )?;
        }
        Ok(iterations)
    }

    /// W2² and the gap of the plan.
    fn measure(&mut self, newton: &mut Newton<D>) {
        let feet = &newton.current.feet;
        self.cost = reduce::sum(feet.len(), |cell| {
            let square = squared_distance(&newton.points.place(cell), &feet[cell].place);
            self.masses[cell] * square
        });
        let mut terms = std::mem::take(&mut newton.change);
        self.gap = self.gap_of(newton, &mut terms);
        newton.change = terms;
    }

    /// ℓ of the plan, with the mass of the start.
    pub fn write(&self, newton: &Newton<D>, log_ratio: &mut [f64]) {
        let sum = reduce::sum(self.masses.len(), |number| self.masses[number]);
        let correction = Real::ln(newton.mass / sum);
        passes::each(log_ratio, |cell, value| {
            let ratio = self.mass_in(cell) / newton.target[cell];
            *value = Real::ln(ratio) + correction;
        });
        for divided in &newton.points.divided {
            let further = self.masses[divided.further.clone()].iter().sum::<f64>();
            let ratio = (self.mass_in(divided.cell) + further) / divided.target;
            log_ratio[divided.cell] = Real::ln(ratio) + correction;
        }
    }
}
