//! A feasible plan near the solution, and how far it can be from the minimum at most (docs/mathematics.md, eq. 33 and 34).

use std::marker::PhantomData;

use super::correction::correct;
use super::deposit::{Masses, Places, moments};
use super::gap::range;
use super::global;
use super::iterate::ratio_of;
use super::lattice::{Lattice, squared_distance};
use super::newton::Newton;
use super::passes;
use super::spline::Spline;
use super::strays::{Ground, Strays};
use crate::backend::gpu::GpuError;
use crate::backend::reduce;
use crate::calculus::Real;
use crate::divergence::Divergence;

/// Sweeps m ← m · Z(b/Zᵀm), which mend tails, and Newton's corrections after them.
const SWEEPS: usize = 10;
/// Sweeps before them that scale the first marginal in turn.
const ALTERNATE: usize = 10;
const CORRECTIONS: usize = 8;
/// Corrections without further ways, which are few where they do it.
const BRIEF: usize = 2;
/// The error of the linear systems, and the largest.
const LINEAR_ERROR: f64 = 1e-6;
const LOOSE: f64 = 1e-2;
/// Mass of a node takes ways of its own if more than this share of it comes from no foot.
const UNSERVED: f64 = 0.1;
/// The share of all other mass that does: corrections need some near every node.
const SPARE: f64 = 1e-6;
/// What may be left of the marginal, relative to the mass: rounding.
const LEFT: f64 = 1e-13;
/// What may be left of the marginal beside the gap that is asked for.
const SHARE: f64 = 0.1;

/// The plan of a step: from every foot to its cell, and other ways for mass that no foot is near.
pub(super) struct Plan<D> {
    lattice: Lattice,
    /// By how much s is raised where a foot is not proven to be global; nothing where all are.
    pub excess: Vec<f64>,
    /// Mass from the foot of each place, then on the other ways from each cell of the start; none while there is no plan.
    pub masses: Vec<f64>,
    /// The other ways, and what comes to each place on them; nothing where there are none.
    pub strays: Strays,
    arrived: Vec<f64>,
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
            strays: Strays::default(),
            arrived: Vec::new(),
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
        self.strays = Strays::default();
        let mut iterations = self.mend(newton, tau, aim)?;
        self.measure(newton, tau);
        // With the right moments it is φ that is not near enough yet.
        let leftover = self.leftover(newton);
        let feasible = self.left <= LEFT || leftover <= SHARE * self.gap;
        if feasible && self.gap.is_finite() || self.gap <= aim * self.cost / (2.0 * tau) {
            return Ok(iterations);
        }
        let spare = self.masses.clone();
        let (left, mended) = (self.left, self.gap);
        iterations += self.gather(newton, tau, aim, initial)?;
        let feet = Places::Feet(&newton.current.feet);
        newton.order.sort(&self.lattice, feet);
        if self.gap <= mended {
            return Ok(iterations);
        }
        (self.masses, self.strays) = (spare, Strays::default());
        (self.left, self.shift) = (left, 0.0);
        self.measure(newton, tau);
        Ok(iterations)
    }

    /// A plan where no foot is near some of the mass, which takes ways of its own.
    fn gather(
        &mut self,
        newton: &mut Newton<D>,
        tau: f64,
        aim: f64,
        initial: &[f64],
    ) -> Result<usize, GpuError> {
        self.balance(newton);
        self.fill(newton, tau, initial);
        let enough = enough(newton, tau, aim);
        let iterations = self.repair(newton, tau, enough)?;
        self.measure(newton, tau);
        Ok(iterations)
    }

    /// The masses at the feet alone, brought to the moments of the start, but no nearer than the gap asks for.
    fn mend(&mut self, newton: &mut Newton<D>, tau: f64, aim: f64) -> Result<usize, GpuError> {
        let enough = enough(newton, tau, aim);
        self.masses.resize(newton.points.len(), 0.0);
        let Newton {
            lattice,
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
        let places = Places::Feet(&current.feet);
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
                (
                    multigrid,
                    padded,
                    rhs,
                    direction,
                    &mut self.spline,
                    tolerance,
                ),
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
        (self.strays, self.arrived) = (Strays::default(), Vec::new());
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

    /// The masses before the repair: those at the feet, and on other ways what no foot is near.
    fn fill(&mut self, newton: &mut Newton<D>, tau: f64, initial: &[f64]) {
        let Newton {
            centres,
            points,
            order,
            current,
            moments: wanted,
            target,
            direction: unserved,
            ..
        } = &mut *newton;
        let residual = &current.residual;
        passes::each(unserved, |node, share| {
            let lacking = residual[node] / wanted[node].max(f64::MIN_POSITIVE);
            *share = if lacking > UNSERVED {
                lacking.min(1.0)
            } else {
                SPARE
            };
        });
        self.spline.set(unserved);
        let mut start = vec![0.0; centres.len()];
        passes::each(&mut start, |cell, mass| {
            *mass = target[cell] * Real::exp(initial[cell])
        });
        for divided in &points.divided {
            start[divided.cell] = divided.target * Real::exp(initial[divided.cell]);
        }
        let spline = &self.spline;
        passes::each(&mut start, |cell, mass| {
            let unserved = *mass * spline.value(&centres.place(cell));
            *mass = if unserved > 0.0 { unserved } else { 0.0 };
        });
        let ratio = &current.ratio;
        self.masses.resize(points.len(), 0.0);
        passes::each(&mut self.masses, |cell, mass| {
            *mass = target[cell] * ratio[cell]
        });
        self.masses.extend_from_slice(&start);
        let places = Places::Both(&current.feet, *centres);
        order.sort(&self.lattice, places);
        self.strays = Strays::new(&self.ground(newton, tau), &start);
    }

    /// Reweights the masses until what is left of the second marginal is `enough`, relative to the mass, at first with the first one in turn.
    fn repair(&mut self, newton: &mut Newton<D>, tau: f64, enough: f64) -> Result<usize, GpuError> {
        let Newton {
            centres,
            points,
            target,
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
            strays,
            excess,
            spline,
            sums,
            left,
            shift,
            ..
        } = self;
        let ground = Ground {
            lattice,
            centres,
            points,
            tau,
            feet: &current.feet,
            excess,
            target,
        };
        let goal = |place: usize| target[place] * ratio_of::<D, f64>(ground.s(place) + *shift);
        let places = Places::Both(&current.feet, *centres);
        for sweep in 0..SWEEPS + ALTERNATE {
            if sweep < ALTERNATE {
                let (from_feet, on_ways) = masses.split_at_mut(current.feet.len());
                strays.scale(&ground, from_feet, on_ways, goal);
            }
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
        for correction in 0..=CORRECTIONS {
            moments(lattice, order, places, Masses::Of(masses), padded, sums);
            passes::each(rhs, |node, rhs| *rhs = wanted[node] - sums[node]);
            *left = reduce::sum(rhs.len(), |node| rhs[node].abs()) / *mass;
            if *left <= enough.max(LEFT) || left.is_nan() || correction == CORRECTIONS {
                break;
            }
            iterations += correct(
                lattice,
                order,
                places,
                masses,
                (multigrid, padded, rhs, direction, spline, LINEAR_ERROR),
            )?;
        }
        Ok(iterations)
    }

    /// The mass of the plan at a place.
    #[inline(always)]
    pub fn mass_in(&self, place: usize) -> f64 {
        self.masses[place] + self.arrived.get(place).copied().unwrap_or(0.0)
    }

    /// W2² and the gap of the plan.
    fn measure(&mut self, newton: &mut Newton<D>, tau: f64) {
        let feet = &newton.current.feet;
        self.cost = reduce::sum(feet.len(), |cell| {
            let square = squared_distance(&newton.points.place(cell), &feet[cell].place);
            self.masses[cell] * square
        });
        self.arrived = Vec::new();
        if !self.strays.is_empty() {
            let (mut arrived, mut cost) = (vec![0.0; feet.len()], 0.0);
            let on_ways = &self.masses[feet.len()..];
            let ground = self.ground(newton, tau);
            self.strays.visit(&ground, on_ways, |way| {
                arrived[way.to] += way.mass;
                cost += 2.0 * tau * way.cost * way.mass;
            });
            self.arrived = arrived;
            self.cost += cost;
        }
        newton.multigrid.release();
        self.gap = self.gap_of(newton, tau);
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
            let further = divided.further.clone().map(|place| self.mass_in(place));
            let ratio = (self.mass_in(divided.cell) + further.sum::<f64>()) / divided.target;
            log_ratio[divided.cell] = Real::ln(ratio) + correction;
        }
    }
}

/// What may be left of the marginal, relative to the mass, beside a gap of `aim` W2²/(2τ).
fn enough<D: Divergence>(newton: &Newton<D>, tau: f64, aim: f64) -> f64 {
    let range = range(&newton.current.coefficients);
    SHARE * aim * newton.cost() / (2.0 * tau * newton.mass * range)
}
