//! One JKO step in 2-D and 3-D: the dual with a quadratic spline as potential (docs/mathematics.md, eq. 25 to 34).

mod assembly;
mod background;
mod certificate;
mod correction;
mod deposit;
mod feet;
mod galerkin;
mod gap;
mod global;
mod guess;
mod iterate;
mod lattice;
mod multigrid;
mod neighbourhood;
mod newton;
mod pack;
mod passes;
mod spline;
mod stencil;
#[cfg(test)]
mod tests;

use certificate::Plan;
use deposit::{Masses, Places, moments};
use guess::Guess;
use iterate::Until;
use lattice::{Centres, Lattice};
use newton::Newton;

use crate::backend::reduce;
use crate::calculus::Real;
use crate::divergence::Divergence;
use crate::elliptic::Elliptic;
use crate::flow::implicit::{Effort, EulerStep};
use crate::flow::{FlowError, Problem};

/// A guess with a misfit above this, relative to the mass, is approached from smaller τ.
const FAR: f64 = 0.5;
/// The misfit at which τ is doubled on that way.
const LOOSE: f64 = 2e-2;
/// If halving τ lowers the misfit by less than this, it is not τ that is at fault.
const HELPLESS: f64 = 0.7;
/// Halvings of τ, Newton iterations for each doubling, and for τ itself.
const HALVINGS: i32 = 12;
const ITERATIONS: usize = 20;
const LAST_ITERATIONS: usize = 30;
/// The estimated gap at which the iteration ends, relative to the one that is asked for.
const SAFETY: f64 = 0.1;
/// Where the gap is still too large: the fall of the misfit that the iteration goes on for, in so many iterations; the fall of the gap
/// that shows that it helps; and the number of iterations after which it is not tried.
const FURTHER: f64 = 0.02;
const FURTHER_ITERATIONS: usize = 5;
const PROGRESS: f64 = 0.5;
const MOST_ITERATIONS: usize = 60;
/// ℓ that differs by no more than rounding is constant.
const CONSTANT: f64 = 4.0 * f64::EPSILON;

/// JKO steps on one grid with one target.
pub(super) struct SolidStep<D> {
    newton: Newton<D>,
    guess: Guess<D>,
    plan: Plan<D>,
    /// Mass of each cell before the step.
    start: Vec<f64>,
    /// ℓ after the step.
    pub log_ratio: Vec<f64>,
    /// The gap that is asked for, relative to W2²/(2τ).
    aim: f64,
    /// Gap and W2² of the best plan.
    reached: [f64; 2],
    /// Whether the last step moved anything.
    moved: bool,
}

impl<D: Divergence> SolidStep<D> {
    /// Sets up steps for a problem, each to a gap of `aim` W2²/(2τ).
    ///
    /// # Errors
    ///
    /// [`FlowError::Setup`] where the solver of the flow, which gives the first guess, cannot hold π.
    pub fn new(problem: &Problem, aim: f64) -> Result<Self, FlowError> {
        let lattice = Lattice::new(&problem.grid);
        let centres = Centres::new(&problem.grid);
        let log_volume = Real::ln(problem.grid.cell_volume());
        let masses = problem
            .log_target
            .iter()
            .map(|ln| Real::exp(ln + log_volume));
        let newton = Newton::new(lattice, centres, masses.collect());
        let elliptic = Elliptic::new(&problem.grid, &problem.log_target)?;
        Ok(Self {
            guess: Guess::new(EulerStep::new(problem, elliptic), lattice, &centres),
            plan: Plan::new(&newton),
            start: vec![0.0; centres.len()],
            log_ratio: vec![0.0; centres.len()],
            aim,
            reached: [0.0; 2],
            moved: false,
            newton,
        })
    }

    /// Makes the step of length τ from ℓ; its result counts as far as [`SolidStep::gap`] goes.
    pub fn solve(&mut self, tau: f64, initial: &[f64]) -> Effort {
        self.log_ratio.copy_from_slice(initial);
        let [low, high] = initial
            .iter()
            .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], ln| {
                [low.min(*ln), high.max(*ln)]
            });
        let range = high - low;
        self.moved = range > CONSTANT || range.is_nan();
        if !self.moved {
            return Effort::default();
        }
        self.begin(initial);
        let mut effort = self.approach(tau, initial);
        let mut before = f64::INFINITY;
        self.reached = [f64::INFINITY; 2];
        loop {
            effort.linear_iterations += self.plan.set(&mut self.newton, tau, self.aim, &self.start);
            let (gap, cost) = (self.plan.gap, self.plan.cost);
            if gap < self.reached[0] {
                self.reached = [gap, cost];
                self.plan.write(&self.newton, &mut self.log_ratio);
            }
            let enough = gap <= self.aim * cost / (2.0 * tau);
            if enough
                || gap >= PROGRESS * before
                || gap.is_nan()
                || effort.iterations >= MOST_ITERATIONS
            {
                break;
            }
            before = gap;
            let until = Until::Misfit(FURTHER * self.newton.current.misfit);
            effort += self.newton.minimise(tau, until, FURTHER_ITERATIONS);
        }
        effort
    }

    /// What the splines see of the density.
    fn begin(&mut self, initial: &[f64]) {
        let Self { newton, start, .. } = self;
        let target = &newton.target;
        passes::each(start, |cell, mass| {
            *mass = target[cell] * Real::exp(initial[cell])
        });
        newton.mass = reduce::sum(start.len(), |cell| start[cell]);
        let places = Places::Centres(newton.centres);
        newton.order.sort(&newton.lattice, places);
        moments(
            &newton.lattice,
            &newton.order,
            places,
            Masses::Of(start),
            &mut newton.padded,
            &mut newton.moments,
        );
    }

    /// Solves for τ, from smaller τ upwards where the guess is poor.
    fn approach(&mut self, tau: f64, initial: &[f64]) -> Effort {
        let until = Until::Gap(SAFETY * self.aim);
        let mut halvings = 0;
        let mut before = f64::INFINITY;
        loop {
            let shorter = tau * 0.5_f64.powi(halvings);
            self.guess.set(&mut self.newton, shorter, initial);
            self.newton.restart(shorter);
            let misfit = self.newton.current.misfit;
            let helpless = halvings > 0 && misfit > HELPLESS * before;
            if misfit <= FAR || helpless || halvings == HALVINGS {
                break;
            }
            before = misfit;
            halvings += 1;
        }
        let mut effort = Effort::default();
        for halving in (0..=halvings).rev() {
            let shorter = tau * 0.5_f64.powi(halving);
            if halving < halvings {
                self.newton.restart(shorter);
            }
            let (until, most) = if halving > 0 {
                (Until::Misfit(LOOSE), ITERATIONS)
            } else {
                (until, LAST_ITERATIONS)
            };
            effort += self.newton.minimise(shorter, until, most);
        }
        effort
    }

    /// W2² of the step in the discrete problem: Σ mass |x − y|².
    pub fn transport_cost(&self) -> f64 {
        if self.moved { self.reached[1] } else { 0.0 }
    }

    /// A bound on J + W2²/(2τ) above its minimum over the discrete plans (eq. 34).
    pub fn gap(&self) -> f64 {
        if self.moved { self.reached[0] } else { 0.0 }
    }
}
