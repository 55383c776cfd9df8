//! One JKO step in 2-D and 3-D: the dual with a quadratic spline as potential (docs/mathematics.md, eq. 25 to 34).

mod assembly;
mod background;
mod certificate;
mod correction;
mod deposit;
mod device;
mod division;
mod elimination;
mod extrapolation;
mod feet;
mod galerkin;
mod gap;
mod global;
mod guess;
mod iterate;
mod lattice;
mod level;
mod loops;
mod multigrid;
mod neighbourhood;
mod newton;
mod number;
mod pack;
mod passes;
mod points;
mod product;
mod pyramid;
mod rows;
mod spline;
mod stencil;
mod strays;
#[cfg(test)]
mod tests;

use certificate::Plan;
use deposit::{Masses, Places, moments};
use device::Device;
use extrapolation::Extrapolation;
use iterate::Until;
use level::{Level, Task};
use newton::Newton;

pub use device::{cells_shader, galerkin_shader, sorting_shader, stencil_shader};

use crate::backend::gpu::{Gpu, GpuError};
use crate::backend::reduce;
use crate::calculus::Real;
use crate::divergence::Divergence;
use crate::flow::implicit::Effort;
use crate::flow::jko::pace::Pace;
use crate::flow::{FlowError, Problem};

/// The estimated gap at which the iteration ends, relative to the one that is asked for.
const SAFETY: f64 = 0.1;
/// Where the gap is still too large: the fall of the misfit that the iteration goes on for, in so many iterations; the fall of the gap that
/// shows that it helps; and the number of iterations after which it is not tried.
const FURTHER: f64 = 0.02;
const FURTHER_ITERATIONS: usize = 6;
const PROGRESS: f64 = 0.5;
const MOST_ITERATIONS: usize = 60;
/// ℓ that differs by no more than rounding is constant.
const CONSTANT: f64 = 4.0 * f64::EPSILON;

/// JKO steps on one grid with one target.
pub(super) struct SolidStep<D> {
    level: Level<D>,
    plan: Plan<D>,
    /// What order 2 needs.
    extrapolation: Option<Extrapolation>,
    /// The gap that is asked for, relative to W2²/(2τ).
    aim: f64,
    /// Gap and W2² of the best plan.
    reached: [f64; 2],
    /// Whether the last step moved anything.
    moved: bool,
}

impl<D: Divergence> SolidStep<D> {
    /// Sets up steps of order 1, or 2 if `second`, for a problem, each to a gap of `aim` W2²/(2τ). Newton's iteration runs on a GPU, if one is given.
    ///
    /// # Errors
    ///
    /// [`FlowError::Setup`] where the solver of the flow, which gives the first guess, cannot hold π; [`FlowError::Gpu`] for what the GPU has no
    /// room for.
    pub fn new(
        problem: &Problem,
        aim: f64,
        second: bool,
        gpu: Option<&Gpu>,
    ) -> Result<Self, FlowError> {
        let solid = problem.grid.dimension() == 3;
        let device = gpu.map(|gpu| Device::new::<D>(gpu, solid));
        Self::on(problem, aim, second, device.transpose()?.as_ref())
    }

    /// The same on a device, if one is given.
    fn on(
        problem: &Problem,
        aim: f64,
        second: bool,
        device: Option<&Device>,
    ) -> Result<Self, FlowError> {
        level::check(problem)?;
        let level = Level::new(problem, device)?;
        let cells = level.newton.centres.len();
        Ok(Self {
            plan: Plan::new(&level.newton),
            extrapolation: second.then(|| Extrapolation::new(cells)),
            aim,
            reached: [0.0; 2],
            moved: false,
            level,
        })
    }

    /// Makes a step from ℓ to ℓ `result`, which counts as far as [`SolidStep::gap`] goes. Returns τ of the minimum that was taken, too.
    ///
    /// # Errors
    ///
    /// A failure of the GPU.
    pub fn solve(
        &mut self,
        step: f64,
        initial: &[f64],
        result: &mut Vec<f64>,
    ) -> Result<(f64, Effort), GpuError> {
        let centres = &self.level.newton.centres;
        let tau = match &mut self.extrapolation {
            Some(extrapolation) => extrapolation.prepare(centres, step),
            None => step,
        };
        // It takes memory when there is a plan.
        *result = Vec::new();
        let [low, high] = initial
            .iter()
            .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], ln| {
                [low.min(*ln), high.max(*ln)]
            });
        let range = high - low;
        self.moved = range > CONSTANT || range.is_nan();
        if !self.moved {
            result.extend_from_slice(initial);
            return Ok((tau, Effort::default()));
        }
        self.begin(initial);
        let task = Task {
            tau,
            duration: step,
            initial,
        };
        let until = Until::Gap(SAFETY * self.aim);
        let mut effort = self.level.approach(task, until)?;
        let mut before = f64::INFINITY;
        self.reached = [f64::INFINITY; 2];
        loop {
            effort.linear_iterations +=
                self.plan
                    .set(&mut self.level.newton, tau, self.aim, initial)?;
            let (gap, cost) = (self.plan.gap, self.plan.cost);
            if gap < self.reached[0] {
                self.reached = [gap, cost];
                result.resize(initial.len(), 0.0);
                self.plan.write(&self.level.newton, result);
            }
            self.plan.release();
            let enough = gap <= self.aim * cost / (2.0 * tau);
            if enough || effort.iterations >= MOST_ITERATIONS {
                break;
            }
            let newton = &mut self.level.newton;
            if newton.divide(tau)? {
                before = f64::INFINITY;
            } else if gap >= PROGRESS * before || gap.is_nan() {
                break;
            } else {
                before = gap;
            }
            let until = Until::Misfit(FURTHER * newton.current.misfit);
            effort += newton.minimise(tau, until, FURTHER_ITERATIONS)?;
        }
        if result.is_empty() {
            result.extend_from_slice(initial);
        }
        Ok((tau, effort))
    }

    /// The lengths of steps of order 2.
    pub fn pace(&self) -> Option<&Pace> {
        self.extrapolation.as_ref().map(|it| &it.pace)
    }

    /// Takes note of a step that was accepted.
    pub fn record(&mut self, step: f64) {
        let Newton {
            lattice,
            centres,
            current,
            ..
        } = &self.level.newton;
        if let Some(extrapolation) = &mut self.extrapolation {
            let feet = self.moved.then_some(&current.feet[..centres.len()]);
            extrapolation.record(lattice, centres, step, feet);
        }
    }

    /// What the splines see of the density, or of where its movement leads on to.
    fn begin(&mut self, initial: &[f64]) {
        let Self {
            level,
            extrapolation,
            ..
        } = self;
        let newton = &mut level.newton;
        newton.join();
        let target = &newton.target;
        let mut start = vec![0.0; target.len()];
        passes::each(&mut start, |cell, mass| {
            *mass = target[cell] * Real::exp(initial[cell])
        });
        newton.mass = reduce::sum(start.len(), |cell| start[cell]);
        let places = match extrapolation {
            Some(extrapolation) => Places::At(&extrapolation.places),
            None => Places::Centres(newton.centres),
        };
        newton.order.sort(&newton.lattice, places);
        moments(
            &newton.lattice,
            &newton.order,
            places,
            Masses::Of(&start),
            &mut newton.padded,
            &mut newton.moments,
        );
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
