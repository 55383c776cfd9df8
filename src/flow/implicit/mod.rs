//! Backward Euler in w = ψ(r), and its extrapolation to second order with error control.

mod cellwise;
mod conservation;
mod euler;
mod extrapolation;
mod initial;
mod progress;

pub(super) use conservation::Conservation;
pub(super) use euler::EulerStep;
use extrapolation::{Extrapolation, Steps};
pub(super) use initial::{LIFTED_LOG_RATIO, initial_values, lowest_log_ratio};
pub(super) use progress::{Accuracy, Effort};

use super::{Advance, Claims, FlowError, Method, Problem, State};
use crate::divergence::Divergence;
use crate::elliptic::Elliptic;
use crate::grid::Field;

/// Bounds on the growth of an adaptive step.
pub(super) const GROWTH: [f64; 2] = [0.2, 4.0];
/// Aim below the tolerance, so that few steps are rejected.
pub(super) const SAFETY: f64 = 0.85;

/// How the implicit method chooses its steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stepping {
    /// Steps of this length, shortened to land on output times; of order 1 (monotone) or 2.
    Fixed {
        /// Length of a step.
        step: f64,
        /// 1 or 2.
        order: u8,
    },
    /// Order 2, each step with an error of at most `tolerance` in the L1 norm of ρ.
    Adaptive {
        /// Local error in L1 of ρ.
        tolerance: f64,
    },
}

impl Stepping {
    /// The order of the steps.
    pub fn order(self) -> u8 {
        match self {
            Self::Fixed { order, .. } => order,
            Self::Adaptive { .. } => 2,
        }
    }
}

/// The implicit method for one divergence, in f64; linear systems on the CPU or on a GPU.
///
/// Order 1 is backward Euler: conservative, monotone, and decreasing every f-divergence for any step. Order 2 is its Richardson
/// extrapolation from one full and two half steps (Hairer, Wanner, Solving Ordinary Differential Equations II, §IV.9: L-stable), in
/// flux form with a limiter, so that mass, positivity and the bounds stay; the distance between extrapolated and half-step solution
/// estimates the error.
pub struct Implicit<D> {
    euler: EulerStep<D>,
    extrapolation: Extrapolation,
    stepping: Stepping,
    time: f64,
    /// The step that the error control would take next.
    next_step: f64,
    /// Smallest and largest w at the start.
    bounds: [f64; 2],
    /// w = ψ(r) now; the trial solutions beside it.
    current: Field,
    full: Vec<f64>,
    first_half: Vec<f64>,
    second_half: Vec<f64>,
    result: Vec<f64>,
    /// w before the last step, and its length.
    previous: Vec<f64>,
    last_step: f64,
    conservation: Conservation,
}

impl<D: Divergence> Implicit<D> {
    /// Starts the flow of a problem from a state. Linear systems are solved as `elliptic` does, which must be that of the problem: on a GPU, if it was
    /// set up there ([`Elliptic::on_gpu`]).
    ///
    /// # Errors
    ///
    /// [`FlowError::Range`] where w = ψ(r) is no number of the format.
    pub fn new(
        problem: &Problem,
        state: &State,
        stepping: Stepping,
        elliptic: Elliptic,
    ) -> Result<Self, FlowError> {
        let euler = EulerStep::<D>::new(problem, elliptic);
        let current = initial_values::<D>(problem, state)?;
        let cells = current.len();
        let bounds = current
            .iter()
            .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], w| {
                [low.min(*w), high.max(*w)]
            });
        let steepest = current.iter().map(|w| D::slope(*w)).fold(0.0, f64::max);
        let values = || vec![0.0; cells];
        Ok(Self {
            next_step: 1.0 / (euler.couplings.largest() * steepest).max(f64::MIN_POSITIVE),
            extrapolation: Extrapolation::new(cells),
            euler,
            stepping,
            time: state.time,
            bounds,
            previous: current.iter().copied().collect(),
            last_step: 1.0,
            conservation: Conservation::default(),
            current,
            full: values(),
            first_half: values(),
            second_half: values(),
            result: values(),
        })
    }

    /// One backward Euler step into `result`.
    fn euler_step(&mut self, dt: f64) -> Result<Effort, FlowError> {
        let initial = self.current.as_slice().unwrap_or_default();
        self.result.copy_from_slice(initial);
        self.euler
            .solve(self.time, dt, initial, &mut self.result, self.bounds, None)
    }

    /// One extrapolated step into `result`; returns its estimated error in L1.
    fn extrapolated_step(&mut self, dt: f64) -> Result<(Effort, f64), FlowError> {
        let Self {
            euler,
            extrapolation,
            current,
            full,
            first_half,
            second_half,
            result,
            previous,
            last_step,
            ..
        } = self;
        let (time, bounds) = (self.time, self.bounds);
        let initial = current.as_slice().unwrap_or_default();
        // Fronts that run through deep tails, which only elimination resolves cell by cell, are no lines in time.
        let onward = if euler.direct { 0.0 } else { 1.0 };
        guess(
            first_half,
            initial,
            previous,
            onward * 0.5 * dt / *last_step,
            bounds,
        );
        let mut effort = euler.solve(time, 0.5 * dt, initial, first_half, bounds, None)?;
        guess(second_half, first_half, initial, onward, bounds);
        effort += euler.solve(
            time + 0.5 * dt,
            0.5 * dt,
            first_half,
            second_half,
            bounds,
            None,
        )?;
        full.copy_from_slice(second_half);
        effort += euler.solve(time, dt, initial, full, bounds, None)?;
        let steps = Steps {
            full,
            first_half,
            second_half,
        };
        extrapolation.apply(euler, dt, &steps, bounds, result);
        Ok((effort, euler.norm(&extrapolation.change, second_half)))
    }

    /// The length of the next step towards `until`: one that lands there, alone or after an equal number of equal steps.
    fn towards(&self, until: f64, step: f64) -> f64 {
        let remaining = until - self.time;
        let count = (remaining / step * (1.0 - 1e-9)).ceil().max(1.0);
        match self.stepping {
            Stepping::Fixed { .. } => remaining / count,
            // Two equal steps rather than a full one and a splinter.
            Stepping::Adaptive { .. } if count <= 2.0 => remaining / count,
            Stepping::Adaptive { .. } => step,
        }
    }

    fn accept(&mut self, dt: f64, until: f64) {
        let initial = self.current.as_slice().unwrap_or_default();
        let gained = self
            .conservation
            .restore(&self.euler, initial, &mut self.result, self.bounds);
        self.conservation.enter(gained);
        if let Some(current) = self.current.as_slice_mut() {
            self.previous.copy_from_slice(current);
            current.copy_from_slice(&self.result);
        }
        self.last_step = dt;
        let reached = self.time + dt;
        self.time = if (until - reached).abs() <= 1e-12 * until.abs() {
            until
        } else {
            reached
        };
    }
}

impl<D: Divergence> Method for Implicit<D> {
    fn claims(&self) -> Claims {
        let order = self.stepping.order();
        Claims {
            order,
            conserves_mass: true,
            keeps_bounds: true,
            decreases_own_divergence: order == 1,
            decreases_divergences: order == 1,
        }
    }

    fn time(&self) -> f64 {
        self.time
    }

    fn advance(&mut self, until: f64) -> Result<Advance, FlowError> {
        let mut total = Effort::default();
        let mut rejected = 0;
        let step = loop {
            match self.stepping {
                Stepping::Fixed { step, order } => {
                    let dt = self.towards(until, step);
                    total += match order {
                        1 => self.euler_step(dt)?,
                        _ => self.extrapolated_step(dt)?.0,
                    };
                    break dt;
                }
                Stepping::Adaptive { tolerance } => {
                    let dt = self.towards(until, self.next_step);
                    let (effort, error) = match self.extrapolated_step(dt) {
                        Ok(outcome) => outcome,
                        Err(FlowError::Newton { .. }) => (Effort::default(), f64::INFINITY),
                        Err(error) => return Err(error),
                    };
                    total += effort;
                    let factor = SAFETY * (tolerance / error).sqrt();
                    let factor = factor.clamp(GROWTH[0], GROWTH[1]);
                    if error <= tolerance {
                        // A step cut short by an output time says nothing against a longer one.
                        self.next_step = if dt < self.next_step {
                            self.next_step.max(dt * factor)
                        } else {
                            dt * factor
                        };
                        break dt;
                    }
                    rejected += 1;
                    self.next_step = dt * factor.min(0.9);
                    if self.next_step <= 1e-14 * self.time.abs().max(f64::MIN_POSITIVE) {
                        let (time, step) = (self.time, self.next_step);
                        return Err(FlowError::StepTooSmall {
                            time,
                            step,
                            tolerance,
                            error,
                        });
                    }
                }
            }
        };
        self.accept(step, until);
        Ok(Advance {
            time: self.time,
            step,
            steps: 1,
            iterations: total.iterations,
            linear_iterations: total.linear_iterations,
            rejected,
            transport: None,
        })
    }

    fn state(&mut self) -> Result<State, FlowError> {
        Ok(State {
            time: self.time,
            log_ratio: self.current.mapv(D::log_ratio::<f64>),
        })
    }
}

/// A first guess: w goes on for `ratio` times the way it took since `before`, within the bounds.
pub(super) fn guess(
    guess: &mut [f64],
    now: &[f64],
    before: &[f64],
    ratio: f64,
    [lowest, highest]: [f64; 2],
) {
    let ratio = ratio.min(1.0);
    for (guess, (now, before)) in guess.iter_mut().zip(now.iter().zip(before)) {
        *guess = (now + ratio * (now - before)).max(lowest).min(highest);
    }
}
