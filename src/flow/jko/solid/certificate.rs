//! A feasible plan near the solution, and how far it can be from the minimum at most (docs/mathematics.md, eq. 33 and 34).

use std::marker::PhantomData;

use super::correction::correct;
use super::deposit::{Masses, Places, moments};
use super::gap::range;
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
    /// By how much s is raised where a foot is not proven to be global; nothing where all are.
    excess: Vec<f64>,
    /// Mass from the foot of each place, then mass at rest in each cell, if there is any; none while there is no plan.
    pub masses: Vec<f64>,
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
        let lattice = newton.lattice;
        Self {
            excess: Vec::new(),
            masses: Vec::new(),
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

    /// Makes the plan from the current iterate, first with as little as is enough for a gap of `aim` W2²/(2τ); `initial` is ℓ before the
    /// step. Returns iterations of the linear solver.
    ///
    /// # Errors
    ///
    /// A failure of the GPU.
    pub fn set(
        &mut self,
        newton: &mut Newton<D>,
        tau: f64,
        aim: f64,
        initial: &[f64],
    ) -> Result<usize, GpuError> {
        self.prove(newton, tau);
        self.shift = 0.0;
        let mut iterations = self.mend(newton, tau, aim)?;
        self.measure(newton);
        // With the right moments it is φ that is not near enough yet.
        let leftover = self.leftover(newton);
        let feasible = self.left <= LEFT || leftover <= SHARE * self.gap;
        if feasible && self.gap.is_finite() || self.gap <= aim * self.cost / (2.0 * tau) {
            return Ok(iterations);
        }
        let spare = self.masses.clone();
        let (left, mended) = (self.left, self.gap);
        iterations += self.gather(newton, initial)?;
        let feet = Places::Feet(&newton.current.feet);
        newton.order.sort(&self.lattice, feet);
        if self.gap <= mended {
            return Ok(iterations);
        }
        self.masses = spare;
        (self.left, self.shift) = (left, 0.0);
        self.measure(newton);
        Ok(iterations)
    }

    /// A plan where no foot is near some of the mass: a little of it stays at rest.
    fn gather(&mut self, newton: &mut Newton<D>, initial: &[f64]) -> Result<usize, GpuError> {
        self.balance(newton);
        let missing = self.fill(newton, initial, RESTING);
        let mut iterations = self.repair(newton, BRIEF)?;
        if self.left > LEFT || self.left.is_nan() {
            // What is missing may come from where it was as well.
            self.fill(newton, initial, missing + RESTING);
            iterations += self.repair(newton, CORRECTIONS)?;
        }
        self.measure(newton);
        Ok(iterations)
    }

    /// The masses at the feet alone, brought to the moments of the start, but no nearer than the gap asks for.
    fn mend(&mut self, newton: &mut Newton<D>, tau: f64, aim: f64) -> Result<usize, GpuError> {
        let cells = newton.points.len();
        self.masses.resize(cells, 0.0);
        let Newton {
            lattice,
            points,
            order,
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
        let masses = &mut self.masses;
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
        order.sort(lattice, places);
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
                order,
                places,
                masses,
                (multigrid, rhs, direction, &mut self.spline, tolerance),
            )?;
            let masses: &[f64] = masses;
            moments(
                lattice,
                order,
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

    /// Gives the memory of the plan back.
    pub fn release(&mut self) {
        (self.masses, self.excess) = (Vec::new(), Vec::new());
    }

    /// By how much s at a place is raised.
    #[inline(always)]
    pub fn raised(&self, place: usize) -> f64 {
        self.excess.get(place).copied().unwrap_or(0.0)
    }

    /// s at a place, raised where its foot is not proven to be global.
    #[inline(always)]
    pub fn transform(&self, newton: &Newton<D>, place: usize) -> f64 {
        newton.current.feet[place].value + self.raised(place)
    }

    /// Bounds s from above over the whole box.
    fn prove(&mut self, newton: &Newton<D>, tau: f64) {
        let current = &newton.current;
        self.excess = global::excess(
            &self.lattice,
            (&newton.centres, &newton.points),
            &current.coefficients,
            tau,
            &current.feet,
        );
    }

    /// The masses before the repair, with a share of the mass at rest; returns how much is not where it was, relative to the mass.
    fn fill(&mut self, newton: &mut Newton<D>, initial: &[f64], share: f64) -> f64 {
        let Newton {
            centres,
            points,
            order,
            current,
            ..
        } = newton;
        let cells = points.len();
        let (ratio, target) = (&current.ratio, &newton.target);
        self.masses.resize(cells + centres.len(), 0.0);
        passes::each(&mut self.masses[..cells], |cell, mass| {
            *mass = target[cell] * ratio[cell]
        });
        self.masses[cells..].fill(0.0);
        let places = Places::Both(&current.feet, *centres);
        order.sort(&self.lattice, places);
        let masses = &self.masses;
        moments(
            &self.lattice,
            order,
            places,
            Masses::Of(masses),
            &mut newton.padded,
            &mut self.sums,
        );
        let (sums, wanted) = (&self.sums, &newton.moments);
        let missing = reduce::sum(sums.len(), |node| (wanted[node] - sums[node]).abs());
        let resting = &mut self.masses[cells..];
        passes::each(resting, |cell, mass| {
            *mass = share * target[cell] * Real::exp(initial[cell])
        });
        for divided in &points.divided {
            let cell = divided.cell;
            resting[cell] = share * divided.target * Real::exp(initial[cell]);
        }
        missing / newton.mass
    }

    /// Reweights the masses until the second marginal is that of the start.
    fn repair(&mut self, newton: &mut Newton<D>, corrections: usize) -> Result<usize, GpuError> {
        let Newton {
            centres,
            order,
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
        newton.multigrid.release();
        self.gap = self.gap_of(newton, &mut vec![0.0; newton.points.len()]);
    }

    /// ℓ of the plan, with the mass of the start.
    pub fn write(&self, newton: &Newton<D>, log_ratio: &mut [f64]) {
        let sum = reduce::sum(self.masses.len(), |number| self.masses[number]);
        let correction = Real::ln(newton.mass / sum);
        passes::each(log_ratio, |cell, value| {
            let ratio = self.mass_in(newton, cell) / newton.target[cell];
            *value = Real::ln(ratio) + correction;
        });
        for divided in &newton.points.divided {
            let further = self.masses[divided.further.clone()].iter().sum::<f64>();
            let ratio = (self.mass_in(newton, divided.cell) + further) / divided.target;
            log_ratio[divided.cell] = Real::ln(ratio) + correction;
        }
    }
}
