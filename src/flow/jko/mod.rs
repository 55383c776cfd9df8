//! Minimising movements: the scheme of Jordan, Kinderlehrer and Otto (1998), each step certified by its duality gap.

mod adaptive;
mod cascade;
mod cells;
mod certificate;
mod continuation;
mod control;
mod distribution;
mod extrapolation;
mod faces;
mod line;
mod newton;
mod pace;
mod parts;
mod prediction;
mod residual;
mod solid;
mod spline;

use adaptive::Pairs;
use extrapolation::Extrapolation;
use line::LineStep;
use pace::Pace;
use prediction::Prediction;
use solid::SolidStep;

use super::implicit::Effort;
use super::method::Cell;
pub use solid::{cells_shader, galerkin_shader, sorting_shader, stencil_shader};

use super::{Advance, Claims, FlowError, Method, Problem, State, Transport};
use crate::backend::gpu::{Gpu, GpuError};
use crate::divergence::Divergence;
use crate::elliptic::EllipticError;
use crate::grid::Field;
use crate::metrics::divergence;

/// ln(π · cell volume) down to which masses keep their digits.
const LOWEST_LOG_MASS: f64 = -690.0;
/// |ln r| up to which f' and ψ are numbers.
const LARGEST_LOG_RATIO: f64 = 690.0;
/// The gap, relative to J at the start, that counts as rounding.
const ROUNDING: f64 = f64::EPSILON;

/// How JKO steps are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JkoSettings {
    /// τ, shortened evenly to land on output times; with a tolerance the largest τ.
    pub step: f64,
    /// The error in L1 of ρ, of two steps at order 1 and of one at order 2, by which τ is chosen. A τ that cannot be certified is then halved.
    pub tolerance: Option<f64>,
    /// 1, or 2: the variational form of the backward difference formula over two steps.
    pub order: u8,
    /// The largest duality gap of a step, relative to W2²/(2τ) of the step.
    pub gap: f64,
}

/// JKO steps ρ_{k+1} = argmin J(ρ) + W2²(ρ, ρ_k)/(2τ) for one divergence, in f64 (docs/mathematics.md, eq. 17); in 2-D and 3-D
/// with Newton's iteration on the CPU or on a GPU.
///
/// At order 1 each step lowers J by at least W2²/(2τ), in 2-D and 3-D less the gap. At order 2 the minimum is taken from an extrapolation of
/// the last two densities (eq. 23), from which J + W2²/(2τ) is lowered. Mass is kept. A step is accepted only with a duality gap, a
/// proven bound on the distance from the minimum, that is small beside W2²/(2τ).
pub struct Jko<D> {
    stepper: Stepper<D>,
    settings: JkoSettings,
    choice: Choice,
    time: f64,
    /// ℓ now.
    current: Field,
}

/// How τ is chosen.
enum Choice {
    /// Even steps to each output time.
    Even,
    /// By the error, at order 1.
    Pairs(Box<Pairs>),
    /// By the error, at order 2.
    Prediction(Box<Prediction>),
}

/// Makes steps, and refuses those that are not certified.
struct Stepper<D> {
    solver: Solver<D>,
    /// The largest gap relative to W2²/(2τ).
    gap: f64,
    /// The gap that is rounding of J.
    rounding: f64,
}

/// A step that was made.
#[derive(Clone, Copy, Debug)]
struct Made {
    step: f64,
    /// The τ of the minimum that was taken.
    tau: f64,
    effort: Effort,
    transport: Transport,
}

impl<D: Divergence> Stepper<D> {
    /// Makes a step at `time` from ℓ `current` to ℓ `result`, which without success means nothing.
    fn step(
        &mut self,
        time: f64,
        step: f64,
        current: &[f64],
        result: &mut Vec<f64>,
    ) -> Result<Made, FlowError> {
        let Reached {
            effort,
            settled,
            tau,
            cost,
            gap,
        } = self.solver.step(step, current, result)?;
        let allowed = self.gap * cost / (2.0 * tau) + self.rounding;
        // Before the iteration settles, W2² is not that of the masses, and none of the three need be a number.
        let certified = settled && gap <= allowed;
        if !certified {
            return Err(FlowError::Uncertified {
                time,
                step,
                iterations: effort.iterations,
                gap,
                allowed,
            });
        }
        let transport = Transport { cost, gap };
        Ok(Made {
            step,
            tau,
            effort,
            transport,
        })
    }
}

/// The solver for the dimension of the grid, with what order 2 needs.
enum Solver<D> {
    Line(Box<LineStep<D>>, Option<Extrapolation>),
    Solid(Box<SolidStep<D>>),
}

/// What one step took and reached.
struct Reached {
    effort: Effort,
    settled: bool,
    /// The τ of the minimum that was taken.
    tau: f64,
    cost: f64,
    gap: f64,
}

impl<D: Divergence> Solver<D> {
    fn new(problem: &Problem, settings: JkoSettings, gpu: Option<&Gpu>) -> Result<Self, FlowError> {
        let second = settings.order == 2;
        match problem.grid.axes() {
            [_] if gpu.is_some() => Err(EllipticError::LineOnGpu.into()),
            [axis] => {
                let mut line = LineStep::new(axis, problem.log_target.iter().copied());
                line.aim = settings.gap;
                let extrapolation = || Extrapolation::new(line.cells(), line.periodic);
                let extrapolation = second.then(extrapolation);
                Ok(Self::Line(Box::new(line), extrapolation))
            }
            _ => {
                let solid = SolidStep::new(problem, settings.gap, second, gpu)?;
                Ok(Self::Solid(Box::new(solid)))
            }
        }
    }

    /// The lengths of steps of order 2.
    fn pace(&self) -> Option<&Pace> {
        match self {
            Self::Line(_, extrapolation) => extrapolation.as_ref().map(|it| &it.pace),
            Self::Solid(solid) => solid.pace(),
        }
    }

    /// Makes a step by `step` from ℓ to ℓ `result`.
    fn step(
        &mut self,
        step: f64,
        current: &[f64],
        result: &mut Vec<f64>,
    ) -> Result<Reached, GpuError> {
        Ok(match self {
            Self::Line(line, extrapolation) => {
                let (tau, initial, guess) = match extrapolation {
                    Some(extrapolation) => extrapolation.prepare(line, current, step),
                    None => (step, current, None),
                };
                let (iterations, settled, certificate) = line.solve(tau, initial, guess);
                result.clear();
                result.extend_from_slice(&line.current.log_ratio[..line.cells()]);
                Reached {
                    effort: Effort {
                        iterations,
                        linear_iterations: 0,
                    },
                    settled,
                    tau,
                    cost: certificate.cost,
                    gap: certificate.gap,
                }
            }
            Self::Solid(solid) => {
                // One hand-over to the thread pool for all the passes within.
                let (tau, effort) = rayon::scope(|_| solid.solve(step, current, result))?;
                Reached {
                    effort,
                    settled: true,
                    tau,
                    cost: solid.transport_cost(),
                    gap: solid.gap(),
                }
            }
        })
    }

    /// Takes note of a step that was accepted.
    fn record(&mut self, step: f64, tau: f64) {
        match self {
            Self::Line(line, Some(extrapolation)) => extrapolation.record(line, step, tau),
            Self::Line(_, None) => {}
            Self::Solid(solid) => solid.record(step),
        }
    }
}

impl<D: Divergence> Jko<D> {
    /// Starts the flow of a problem from a state. In 2-D and 3-D Newton's iteration runs on a GPU, if one is given.
    ///
    /// # Errors
    ///
    /// [`FlowError::Range`] where π or r is beyond what the step can hold, [`FlowError::Setup`] for a GPU in 1-D, and where in 2-D or 3-D the
    /// implicit step, which gives the first guess, cannot hold π; [`FlowError::Gpu`] for what the GPU has no room for.
    pub fn new(
        problem: &Problem,
        state: &State,
        settings: JkoSettings,
        gpu: Option<&Gpu>,
    ) -> Result<Self, FlowError> {
        check_range::<D>(problem, state)?;
        let JkoSettings {
            step,
            tolerance,
            order,
            gap,
        } = settings;
        let choice = match (tolerance, order) {
            (None, _) => Choice::Even,
            (Some(tolerance), 2) => {
                let prediction = Prediction::new::<D>(problem, state, tolerance, step);
                Choice::Prediction(Box::new(prediction))
            }
            (Some(tolerance), _) => {
                Choice::Pairs(Box::new(Pairs::new::<D>(problem, state, tolerance, step)))
            }
        };
        Ok(Self {
            stepper: Stepper {
                solver: Solver::new(problem, settings, gpu)?,
                gap,
                rounding: ROUNDING * divergence(problem, state),
            },
            settings,
            choice,
            time: state.time,
            current: state.log_ratio.clone(),
        })
    }

    /// The length of the next step: of equal ones that land on `until`, or shorter if order 2 needs it.
    fn towards(&self, until: f64) -> f64 {
        let remaining = until - self.time;
        let count = (remaining / self.settings.step * (1.0 - 1e-9)).ceil();
        let even = remaining / count.max(1.0);
        let pace = self.stepper.solver.pace();
        pace.map_or(even, |pace| pace.step_within(even))
    }
}

/// Refuses what no step could hold, with the cell.
fn check_range<D: Divergence>(problem: &Problem, state: &State) -> Result<(), FlowError> {
    let log_volume = problem.grid.cell_volume().ln();
    let cells = problem.log_target.iter().zip(&state.log_ratio);
    for (number, (log_target, log_ratio)) in cells.enumerate() {
        let within = |value: f64| (-LARGEST_LOG_RATIO..=LARGEST_LOG_RATIO).contains(&value);
        let empty = *log_ratio == f64::NEG_INFINITY && D::ADMITS_EMPTY_CELLS;
        let (quantity, value, limit) = if log_target + log_volume < LOWEST_LOG_MASS {
            ("ln π", *log_target, "ln(π · cell volume) at least -690")
        } else if !(within(*log_ratio) || empty) {
            ("ln(ρ/π)", *log_ratio, "between -690 and 690")
        } else {
            continue;
        };
        return Err(FlowError::Range {
            quantity,
            value,
            cell: Cell::new(&problem.grid, number),
            holder: "the JKO step",
            limit: limit.to_string(),
            remedy: "mix a uniform background into the target (`floor`)",
        });
    }
    Ok(())
}

impl<D: Divergence> Method for Jko<D> {
    fn claims(&self) -> Claims {
        let second = self.stepper.solver.pace().is_some();
        Claims {
            order: if second { 2 } else { 1 },
            conserves_mass: true,
            keeps_bounds: false,
            decreases_own_divergence: !second,
            decreases_divergences: false,
        }
    }

    fn time(&self) -> f64 {
        self.time
    }

    fn advance(&mut self, until: f64) -> Result<Advance, FlowError> {
        let even = self.towards(until);
        let Self {
            stepper,
            choice,
            current,
            time,
            ..
        } = self;
        let mut next = Vec::new();
        let now = current.as_slice().unwrap_or_default();
        let (made, rejected) = match choice {
            Choice::Even => (stepper.step(*time, even, now, &mut next)?, 0),
            Choice::Pairs(pairs) => pairs.advance(stepper, *time, until, now, &mut next)?,
            Choice::Prediction(prediction) => {
                prediction.advance(stepper, *time, until, now, &mut next)?
            }
        };
        if let Some(current) = current.as_slice_mut() {
            current.copy_from_slice(&next);
        }
        stepper.solver.record(made.step, made.tau);
        let reached = *time + made.step;
        *time = if (until - reached).abs() <= 1e-12 * until.abs() {
            until
        } else {
            reached
        };
        Ok(Advance {
            time: *time,
            step: made.step,
            steps: 1,
            iterations: made.effort.iterations,
            linear_iterations: made.effort.linear_iterations,
            rejected,
            transport: Some(made.transport),
        })
    }

    fn state(&mut self) -> Result<State, FlowError> {
        Ok(State {
            time: self.time,
            log_ratio: self.current.clone(),
        })
    }
}
