//! The damped inertial equation ∇_{ρ̇}ρ̇ + γρ̇ = −grad J: density in cells, velocity on faces, pressure and friction implicit.

mod carriage;
mod device;
mod equations;
mod explicit;
mod faces;
mod foresight;
mod ledger;
mod leeway;
mod motion;
mod passing;
mod pressure;
mod rotation;
mod rows;
mod settings;
mod stage;
mod steps;
#[cfg(test)]
mod tests;
mod transport;

pub use device::explicit_shader;
pub use rotation::rotational_share;
pub use settings::{Friction, InertialSettings};

use super::implicit::{Conservation, Effort, GROWTH, SAFETY, initial_values};
use super::{Advance, Claims, FlowError, Method, Motion, Problem, State, Stepping};
use crate::backend::gpu::Gpu;
use crate::divergence::Divergence;
use crate::elliptic::Elliptic;
use crate::grid::Field;
use crate::metrics;
use explicit::Explicit;
use faces::{FaceField, Faces};
use ledger::{Cells, Ledger, face_energies};
use stage::Stage;
use steps::{Outcome, Scratch, Trial};

/// The mass around faces from which more may want to leave than there is. Such faces are in the outermost tails; were there more, the
/// step would be too long.
const LARGEST_CROWDED: f64 = 1e-6;
/// The share of H(0) by which a step may raise H. Steps of order 2 do, by the error of space where all is smooth and friction is weak, by
/// more where something is not resolved: there energy is taken out.
const LARGEST_RISE: f64 = 1e-5;
/// By how much a step is shortened for transport at a time, and may grow again.
const SHORTENED: f64 = 0.6;
const LENGTHENED: f64 = 1.05;
/// The inertial equation for one divergence, in f64; linear systems and the explicit terms of momentum on the CPU or on a GPU (docs/mathematics.md, §6, "The damped
/// inertial equation").
///
/// One convex problem a stage, of the form of backward Euler for the gradient flow; transport is explicit, with a viscosity on the
/// velocity alone. Neither friction nor the speed of sound bounds the step; the velocity does.
pub struct Inertial<D> {
    faces: Faces,
    stage: Stage<D>,
    explicit: Explicit,
    settings: InertialSettings,
    problem: Problem,
    /// State, time in the user's units.
    state: State,
    w: Vec<f64>,
    momentum: FaceField,
    cells: Cells,
    /// Time at the start or the last restart.
    origin: f64,
    ledger: Ledger,
    conservation: Conservation,
    /// The step that the error control would take next.
    next_step: f64,
    /// The longest step that transport has left.
    longest: f64,
    /// w before the last step, and its length.
    previous: Vec<f64>,
    last_step: f64,
    trial: Trial,
    scratch: Scratch,
}

impl<D: Divergence> Inertial<D> {
    /// Starts from a density at rest. Linear systems are solved as `elliptic` does, which must be that of the problem; the explicit terms of
    /// momentum are computed on a GPU, if one is given.
    ///
    /// # Errors
    ///
    /// [`FlowError::Range`] where w = ψ(r) is no number of the format, [`FlowError::Gpu`] for what the device has no room for.
    pub fn new(
        problem: &Problem,
        state: &State,
        settings: InertialSettings,
        elliptic: Elliptic,
        gpu: Option<&Gpu>,
    ) -> Result<Self, FlowError> {
        let faces = Faces::new(&problem.grid, &problem.log_target);
        let w: Vec<f64> = initial_values::<D>(problem, state)?
            .iter()
            .copied()
            .collect();
        let cells = w.len();
        let steepest = w.iter().map(|w| D::slope(*w)).fold(0.0, f64::max);
        let crossing = faces.shortest() / steepest.sqrt().max(f64::MIN_POSITIVE);
        let zeros = || vec![0.0; cells];
        let mut method = Self {
            explicit: Explicit::new::<D>(gpu, &faces)?,
            stage: Stage::new(problem, &faces, elliptic, settings.stepping.order()),
            settings,
            problem: problem.clone(),
            state: state.clone(),
            momentum: faces.zeros(),
            cells: Cells::new(&faces),
            origin: state.time,
            ledger: Ledger::default(),
            conservation: Conservation::default(),
            next_step: crossing / settings.unit_of_time(),
            longest: f64::INFINITY,
            previous: w.clone(),
            last_step: 1.0,
            trial: Trial {
                w: zeros(),
                momentum: faces.zeros(),
                cells: Cells::new(&faces),
                gained: 0.0,
            },
            scratch: Scratch {
                star: faces.zeros(),
                stage_w: zeros(),
                stage_momentum: faces.zeros(),
                flux: faces.zeros(),
                passed: faces.zeros(),
            },
            faces,
            w,
        };
        let log_target = method.problem.log_target.as_slice().unwrap_or_default();
        method.cells.set::<D>(&method.faces, log_target, &method.w);
        let divergence = metrics::divergence(&method.problem, &method.state);
        method.ledger = Ledger::open(divergence, 0.0);
        Ok(method)
    }

    /// γ at `elapsed` (in the time of the equation) after the start of the step.
    fn friction(&self, elapsed: f64) -> f64 {
        let before = (self.state.time - self.origin) * self.settings.unit_of_time();
        self.settings.friction.at(before + elapsed)
    }

    /// The kinetic energy now.
    fn kinetic(&self) -> f64 {
        face_energies(&self.faces, &self.cells, &self.momentum).kinetic
    }

    /// The length of the next step towards `until`: one that lands there, alone or after equal steps.
    fn towards(&self, until: f64) -> f64 {
        let remaining = until - self.state.time;
        let step = match self.settings.stepping {
            Stepping::Fixed { step, .. } => step.min(self.longest),
            Stepping::Adaptive { .. } => self.next_step.min(self.longest),
        };
        let count = (remaining / step * (1.0 - 1e-9)).ceil().max(1.0);
        match self.settings.stepping {
            Stepping::Adaptive { .. } if count > 2.0 => step,
            _ => remaining / count,
        }
    }

    /// Where a step would raise H by more than the method may, slows all momentum down to what the step before left; returns the kinetic
    /// energy.
    fn bounded(&mut self, kinetic: f64, divergence: f64, work: f64) -> f64 {
        let before = self.ledger.divergence + self.ledger.kinetic;
        let rise = divergence + kinetic - before;
        if rise <= LARGEST_RISE * self.ledger.initial {
            return kinetic;
        }
        let left = (before - work - divergence).max(0.0);
        let slowed = (left / kinetic).sqrt().min(1.0);
        let axes = self.momentum.iter_mut().flatten();
        axes.for_each(|momentum| *momentum *= slowed);
        kinetic * slowed * slowed
    }

    fn accept(&mut self, dt: f64, until: f64, outcome: &Outcome) {
        self.conservation.enter(self.trial.gained);
        std::mem::swap(&mut self.previous, &mut self.w);
        std::mem::swap(&mut self.w, &mut self.trial.w);
        std::mem::swap(&mut self.momentum, &mut self.trial.momentum);
        std::mem::swap(&mut self.cells, &mut self.trial.cells);
        if let Some(log_ratio) = self.state.log_ratio.as_slice_mut() {
            log_ratio.copy_from_slice(&self.cells.log_ratio);
        }
        self.last_step = dt;
        let reached = self.state.time + dt;
        let landed = (until - reached).abs() <= 1e-12 * until.abs();
        self.state.time = if landed { until } else { reached };
        let before = self.ledger.divergence;
        let divergence = metrics::divergence(&self.problem, &self.state);
        let kinetic = outcome.kinetic.unwrap_or_else(|| self.kinetic());
        let kinetic = self.bounded(kinetic, divergence, outcome.work);
        let duration = dt * self.settings.unit_of_time();
        self.ledger
            .enter(duration, outcome.work, divergence, kinetic);
        if self.settings.restart && divergence > before {
            self.momentum.iter_mut().for_each(|axis| axis.fill(0.0));
            self.origin = self.state.time;
            self.stage.leeway.forget();
            self.ledger.enter(0.0, kinetic, divergence, 0.0);
        }
    }
}

impl<D: Divergence> Method for Inertial<D> {
    fn claims(&self) -> Claims {
        Claims {
            order: self.settings.stepping.order(),
            conserves_mass: true,
            keeps_bounds: false,
            decreases_own_divergence: false,
            decreases_divergences: false,
        }
    }

    fn time(&self) -> f64 {
        self.state.time
    }

    fn advance(&mut self, until: f64) -> Result<Advance, FlowError> {
        let mut total = Effort::default();
        let mut rejected = 0;
        let step = loop {
            let dt = self.towards(until);
            let outcome = match (self.step(dt), self.settings.stepping) {
                (Ok(outcome), _) => {
                    self.stage.leeway.learn(outcome.made, dt);
                    outcome
                }
                (Err(FlowError::Newton { .. }), Stepping::Adaptive { .. }) => Outcome::FAILED,
                (Err(error), _) => return Err(error),
            };
            total += outcome.effort;
            let vanishing = 1e-14 * self.state.time.abs().max(f64::MIN_POSITIVE);
            if outcome.crowded > LARGEST_CROWDED {
                rejected += 1;
                self.longest = SHORTENED * dt;
                if self.longest <= vanishing {
                    let (time, step) = (self.state.time, self.longest);
                    return Err(FlowError::TooFast {
                        time,
                        step,
                        limit: 0.5,
                    });
                }
                continue;
            }
            if let Stepping::Adaptive { tolerance } = self.settings.stepping {
                let error = outcome.made.error;
                let factor = SAFETY * (tolerance / error).sqrt();
                let factor = factor.clamp(GROWTH[0], GROWTH[1]);
                if error > tolerance || error.is_nan() {
                    rejected += 1;
                    self.next_step = dt * factor.min(0.9);
                    if self.next_step <= vanishing {
                        let (time, step) = (self.state.time, self.next_step);
                        return Err(FlowError::StepTooSmall {
                            time,
                            step,
                            tolerance,
                            error,
                        });
                    }
                    continue;
                }
                // A step cut short by an output time says nothing against a longer one.
                self.next_step = if dt < self.next_step {
                    self.next_step.max(dt * factor)
                } else {
                    dt * factor
                };
            }
            self.longest *= LENGTHENED;
            self.accept(dt, until, &outcome);
            break dt;
        };
        Ok(Advance {
            time: self.state.time,
            step,
            steps: 1,
            iterations: total.iterations,
            linear_iterations: total.linear_iterations,
            rejected,
            transport: None,
        })
    }

    fn state(&mut self) -> Result<State, FlowError> {
        Ok(self.state.clone())
    }

    fn motion(&self) -> Option<Motion> {
        Some(self.motion_now())
    }

    fn set_velocity(&mut self, velocity: &[Field]) -> Result<(), FlowError> {
        self.start_moving(velocity)
    }
}
