//! The damped inertial equation ∇_{ρ̇}ρ̇ + γρ̇ = −grad J: density in cells, velocity on faces, pressure and friction implicit.

mod faces;
mod ledger;
mod settings;
mod stage;
mod transport;

pub use settings::{Friction, InertialSettings};

use rayon::prelude::*;

use super::implicit::{Conservation, Effort, GROWTH, SAFETY, guess, initial_values};
use super::{Advance, Claims, FlowError, Method, Motion, Problem, State, Stepping};
use crate::calculus::Real;
use crate::divergence::Divergence;
use crate::grid::Field;
use crate::metrics;
use faces::{FaceField, Faces};
use ledger::{Ledger, kinetic_energy};
use stage::{Stage, StageInput};
use transport::{Carried, Transport};

/// The part of a step that its first stage is implicit over, 1 − 1/√2: it makes the method of order 2 L-stable (U. Ascher, S. Ruuth,
/// R. Spiteri, *Appl. Numer. Math.* 25 (1997) 151–167, §2.6).
const FIRST_STAGE: f64 = 1.0 - std::f64::consts::FRAC_1_SQRT_2;
/// The weight of the transport at the start of a step of order 2; that at the first stage has the rest.
const FIRST_WEIGHT: f64 = 1.0 - 0.5 / FIRST_STAGE;
/// The mass around faces from which more may want to leave than there is. Such faces are in the outermost tails; were there more, the
/// step would be too long.
const LARGEST_CROWDED: f64 = 1e-6;
/// By how much a step is shortened for transport at a time, and may grow again.
const SHORTENED: f64 = 0.6;
const LENGTHENED: f64 = 1.2;
/// Bounds for a rescaling that needs none.
const UNBOUNDED: [f64; 2] = [f64::NEG_INFINITY, f64::INFINITY];

/// The inertial equation for one divergence, in f64 on the CPU (docs/mathematics.md, §6, "The damped inertial equation").
///
/// One convex problem a stage, of the form of backward Euler for the gradient flow; transport is explicit, with a viscosity on the
/// velocity alone. Neither friction nor the speed of sound bounds the step; the velocity does.
pub struct Inertial<D> {
    faces: Faces,
    stage: Stage<D>,
    transport: Transport,
    settings: InertialSettings,
    problem: Problem,
    /// State, time in the user's units.
    state: State,
    w: Vec<f64>,
    momentum: FaceField,
    density: Vec<f64>,
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

/// A state that may be accepted.
struct Trial {
    w: Vec<f64>,
    momentum: FaceField,
    density: Vec<f64>,
    log_ratio: Field,
    /// Mass gained since the start.
    gained: f64,
}

/// Memory of a step.
struct Scratch {
    star: FaceField,
    /// The first stage of order 2.
    stage_w: Vec<f64>,
    stage_momentum: FaceField,
    sound: Vec<f64>,
}

/// What a tried step took and left.
struct Outcome {
    effort: Effort,
    /// ∫ γ ∫ρ|u|² dt over the step.
    work: f64,
    /// Estimate of the error in L1 of ρ.
    error: f64,
    /// The mass from which more wanted to leave than there is.
    crowded: f64,
}

impl<D: Divergence> Inertial<D> {
    /// Starts from a density at rest.
    ///
    /// # Errors
    ///
    /// [`FlowError::Range`] where w = ψ(r) is no number of the format, [`FlowError::Setup`] where the linear solver cannot hold π.
    pub fn new(
        problem: &Problem,
        state: &State,
        settings: InertialSettings,
    ) -> Result<Self, FlowError> {
        let faces = Faces::new(&problem.grid, &problem.log_target);
        let w: Vec<f64> = initial_values::<D>(problem, state)?.iter().copied().collect();
        let cells = w.len();
        let steepest = w.iter().map(|w| D::slope(*w)).fold(0.0, f64::max);
        let spacing = faces.spacing.iter().copied().fold(f64::INFINITY, f64::min);
        let crossing = spacing / steepest.sqrt().max(f64::MIN_POSITIVE);
        let zeros = || vec![0.0; cells];
        let mut method = Self {
            stage: Stage::new(problem, &faces)?,
            transport: Transport::new(&faces),
            settings,
            problem: problem.clone(),
            state: state.clone(),
            momentum: faces.zeros(),
            density: zeros(),
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
                density: zeros(),
                log_ratio: state.log_ratio.clone(),
                gained: 0.0,
            },
            scratch: Scratch {
                star: faces.zeros(),
                stage_w: zeros(),
                stage_momentum: faces.zeros(),
                sound: zeros(),
            },
            faces,
            w,
        };
        method.set_density();
        let divergence = metrics::divergence(&method.problem, &method.state);
        method.ledger = Ledger::open(divergence, 0.0);
        Ok(method)
    }

    fn set_density(&mut self) {
        let log_target = self.problem.log_target.as_slice().unwrap_or_default();
        densities::<D>(log_target, &self.w, &mut self.density);
    }

    /// γ at `elapsed` (in the time of the equation) after the start of the step.
    fn friction(&self, elapsed: f64) -> f64 {
        let before = (self.state.time - self.origin) * self.settings.unit_of_time();
        self.settings.friction.at(before + elapsed)
    }

    fn kinetic(&self, density: &[f64], log_ratio: &Field, momentum: &FaceField) -> f64 {
        let log_target = self.problem.log_target.as_slice().unwrap_or_default();
        let log_ratio = log_ratio.as_slice().unwrap_or_default();
        kinetic_energy::<D>(&self.faces, log_target, log_ratio, density, momentum)
    }

    /// Fills density and ℓ of the trial from its w.
    fn set_trial(&mut self) {
        let log_target = self.problem.log_target.as_slice().unwrap_or_default();
        densities::<D>(log_target, &self.trial.w, &mut self.trial.density);
        if let Some(log_ratio) = self.trial.log_ratio.as_slice_mut() {
            let cells = log_ratio.par_iter_mut().zip(&self.trial.w);
            cells.for_each(|(log_ratio, w)| *log_ratio = D::log_ratio(*w));
        }
    }

    /// One step of order 1: pressure and friction, then transport by the mass flux that has passed.
    fn first_order(&mut self, dt: f64) -> Result<Outcome, FlowError> {
        let duration = dt * self.settings.unit_of_time();
        let friction = self.friction(duration);
        copy(&self.momentum, &mut self.scratch.star);
        guess(
            &mut self.trial.w,
            &self.w,
            &self.previous,
            dt / self.last_step,
            UNBOUNDED,
        );
        let input = StageInput {
            time: self.state.time,
            step: dt,
            duration,
            friction,
            initial: &self.w,
            density: &self.density,
            passed: None,
        };
        let effort = self.stage.solve(
            &self.faces,
            input,
            &mut self.scratch.star,
            &mut self.trial.w,
            &mut self.trial.momentum,
        )?;
        self.finish_trial();
        let trial = &self.trial;
        let carried = self.kinetic(&trial.density, &trial.log_ratio, &trial.momentum);
        copy(&self.trial.momentum, &mut self.scratch.stage_momentum);
        sounds::<D>(&self.trial.w, &mut self.scratch.sound);
        // Friction acts on what transport adds as well: with strong friction the step may be long.
        let transported = duration / (1.0 + friction * duration);
        let carrier = Carried {
            momentum: &self.scratch.stage_momentum,
            before: &self.density,
            after: &self.trial.density,
            sound: &self.scratch.sound,
            duration: transported,
            order: 1,
        };
        let target = &mut self.trial.momentum;
        let crowded = self
            .transport
            .add(&self.faces, carrier, transported, target);
        Ok(Outcome {
            effort,
            work: 2.0 * friction * duration * carried,
            error: 0.0,
            crowded,
        })
    }

    /// One step of order 2: the implicit–explicit Runge–Kutta method of Ascher, Ruuth and Spiteri with two stages.
    fn second_order(&mut self, dt: f64) -> Result<Outcome, FlowError> {
        let whole = dt * self.settings.unit_of_time();
        let duration = FIRST_STAGE * whole;
        let frictions = [self.friction(duration), self.friction(whole)];
        // Transport counts as far as friction leaves it.
        let transported = whole / (1.0 + frictions[1] * duration);
        let mut input = StageInput {
            time: self.state.time,
            step: dt,
            duration,
            friction: frictions[0],
            initial: &self.w,
            density: &self.density,
            passed: None,
        };

        copy(&self.momentum, &mut self.scratch.star);
        sounds::<D>(&self.w, &mut self.scratch.sound);
        let carrier = Carried {
            momentum: &self.momentum,
            before: &self.density,
            after: &self.density,
            sound: &self.scratch.sound,
            duration: transported,
            order: 2,
        };
        let star = &mut self.scratch.star;
        let mut crowded = self.transport.add(&self.faces, carrier, duration, star);
        let ratio = FIRST_STAGE * dt / self.last_step;
        guess(
            &mut self.scratch.stage_w,
            &self.w,
            &self.previous,
            ratio,
            UNBOUNDED,
        );
        let mut effort = self.stage.solve(
            &self.faces,
            input,
            &mut self.scratch.star,
            &mut self.scratch.stage_w,
            &mut self.scratch.stage_momentum,
        )?;

        // m* of the second stage; what pressure and friction did in the first one is the difference of its two momenta.
        let [transported_share, implicit_share] = [
            FIRST_WEIGHT / FIRST_STAGE,
            (1.0 - FIRST_STAGE) / FIRST_STAGE,
        ];
        for axis in 0..self.faces.dimension() {
            let (before, stage) = (&self.momentum[axis], &self.scratch.stage_momentum[axis]);
            let faces = self.scratch.star[axis].par_iter_mut().enumerate();
            faces.for_each(|(cell, star)| {
                *star = before[cell]
                    + transported_share * (*star - before[cell])
                    + implicit_share * (stage[cell] - *star);
            });
        }
        let log_target = self.problem.log_target.as_slice().unwrap_or_default();
        densities::<D>(log_target, &self.scratch.stage_w, &mut self.trial.density);
        sounds::<D>(&self.scratch.stage_w, &mut self.scratch.sound);
        let carrier = Carried {
            momentum: &self.scratch.stage_momentum,
            before: &self.trial.density,
            after: &self.trial.density,
            sound: &self.scratch.sound,
            duration: transported,
            order: 2,
        };
        let factor = (1.0 - FIRST_WEIGHT) * whole;
        let star = &mut self.scratch.star;
        crowded = crowded.max(self.transport.add(&self.faces, carrier, factor, star));
        if let Some(log_ratio) = self.trial.log_ratio.as_slice_mut() {
            let cells = log_ratio.par_iter_mut().zip(&self.scratch.stage_w);
            cells.for_each(|(log_ratio, w)| *log_ratio = D::log_ratio(*w));
        }
        let stage_energy = match frictions[0] {
            0.0 => 0.0,
            friction => {
                let momentum = &self.scratch.stage_momentum;
                friction * self.kinetic(&self.trial.density, &self.trial.log_ratio, momentum)
            }
        };

        let onward = 1.0 / FIRST_STAGE;
        let guessed = &mut self.trial.w;
        for (guessed, (now, stage)) in guessed.iter_mut().zip(self.w.iter().zip(&self.scratch.stage_w)) {
            *guessed = now + onward * (stage - now);
        }
        let passed = (1.0 - FIRST_STAGE) * whole;
        input.passed = Some((&self.scratch.stage_momentum, passed));
        input.friction = frictions[1];
        effort += self.stage.solve(
            &self.faces,
            input,
            &mut self.scratch.star,
            &mut self.trial.w,
            &mut self.trial.momentum,
        )?;
        self.finish_trial();
        let trial = &self.trial;
        let end_energy = match frictions[1] {
            0.0 => 0.0,
            friction => friction * self.kinetic(&trial.density, &trial.log_ratio, &trial.momentum),
        };
        let mean = (1.0 - FIRST_STAGE) * stage_energy + FIRST_STAGE * end_energy;
        Ok(Outcome {
            effort,
            work: 2.0 * whole * mean,
            error: self.error(duration),
            crowded,
        })
    }

    /// Takes what the solver's rounding adds to the mass out of the trial, and fills what follows from its w.
    fn finish_trial(&mut self) {
        let euler = &self.stage.euler;
        let result = &mut self.trial.w;
        self.trial.gained = self.conservation.restore(euler, &self.w, result, UNBOUNDED);
        self.set_trial();
    }

    /// What the fluxes at the end of the step would have moved otherwise than those of its stages, in L1 of ρ: the error of a method of
    /// order 1.
    fn error(&self, duration: f64) -> f64 {
        let (first, last) = (&self.scratch.stage_momentum, &self.trial.momentum);
        let sum = self.faces.sum(|cell| {
            let of_axis = |(axis, spacing): (usize, &f64)| {
                let previous = self.faces.previous(axis, cell);
                let change = |cell: usize| last[axis][cell] - first[axis][cell];
                (change(cell) - change(previous)) / spacing
            };
            let moved: f64 = self.faces.spacing.iter().enumerate().map(of_axis).sum();
            moved.abs()
        });
        duration * sum * self.faces.volume
    }

    fn step(&mut self, dt: f64) -> Result<Outcome, FlowError> {
        match self.settings.stepping {
            Stepping::Fixed { order: 1, .. } => self.first_order(dt),
            _ => self.second_order(dt),
        }
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

    fn accept(&mut self, dt: f64, until: f64, work: f64) {
        self.conservation.enter(self.trial.gained);
        std::mem::swap(&mut self.previous, &mut self.w);
        std::mem::swap(&mut self.w, &mut self.trial.w);
        std::mem::swap(&mut self.momentum, &mut self.trial.momentum);
        std::mem::swap(&mut self.density, &mut self.trial.density);
        std::mem::swap(&mut self.state.log_ratio, &mut self.trial.log_ratio);
        self.last_step = dt;
        let reached = self.state.time + dt;
        let landed = (until - reached).abs() <= 1e-12 * until.abs();
        self.state.time = if landed { until } else { reached };
        let before = self.ledger.divergence;
        let divergence = metrics::divergence(&self.problem, &self.state);
        let kinetic = self.kinetic(&self.density, &self.state.log_ratio, &self.momentum);
        let duration = dt * self.settings.unit_of_time();
        self.ledger.enter(duration, work, divergence, kinetic);
        if self.settings.restart && divergence > before {
            self.momentum.iter_mut().for_each(|axis| axis.fill(0.0));
            self.origin = self.state.time;
            self.ledger.enter(0.0, kinetic, divergence, 0.0);
        }
    }
}

impl<D: Divergence> Method for Inertial<D> {
    fn claims(&self) -> Claims {
        let order = match self.settings.stepping {
            Stepping::Fixed { order, .. } => order,
            Stepping::Adaptive { .. } => 2,
        };
        Claims {
            order,
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
                (Ok(outcome), _) => outcome,
                (Err(FlowError::Newton { .. }), Stepping::Adaptive { .. }) => Outcome {
                    effort: Effort::default(),
                    work: 0.0,
                    error: f64::INFINITY,
                    crowded: 0.0,
                },
                (Err(error), _) => return Err(error),
            };
            total += outcome.effort;
            let vanishing = 1e-14 * self.state.time.abs().max(until.abs());
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
                let error = outcome.error;
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
            self.accept(dt, until, outcome.work);
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
        let shape = self.problem.grid.shape();
        let velocity = (0..self.faces.dimension()).map(|axis| {
            let mut velocity = Field::zeros(shape);
            for (cell, velocity) in velocity.iter_mut().enumerate() {
                let next = self.faces.next(axis, cell);
                let density = 0.5 * (self.density[cell] + self.density[next]);
                if density > 0.0 {
                    *velocity = self.momentum[axis][cell] / density;
                }
            }
            velocity
        });
        Some(Motion {
            velocity: velocity.collect(),
            kinetic_energy: self.ledger.kinetic,
            initial_hamiltonian: self.ledger.initial,
            dissipated_work: self.ledger.work,
            action: self.ledger.action,
        })
    }

    fn set_velocity(&mut self, velocity: &[Field]) -> Result<(), FlowError> {
        let shape = self.problem.grid.shape();
        let fits = velocity.len() == self.faces.dimension()
            && velocity.iter().all(|component| {
                component.dim() == shape && component.iter().all(|value| value.is_finite())
            });
        if !fits {
            let shapes: Vec<String> = velocity
                .iter()
                .map(|component| {
                    let finite = component.iter().all(|value| value.is_finite());
                    let words = if finite { "" } else { ", not all finite" };
                    format!("{:?}{words}", component.dim())
                })
                .collect();
            return Err(FlowError::Velocity {
                found: format!("{} components ({})", velocity.len(), shapes.join("; ")),
                expected: format!("{} components of shape {shape:?}", self.faces.dimension()),
            });
        }
        for (axis, component) in velocity.iter().enumerate() {
            for (cell, value) in component.iter().enumerate() {
                let next = self.faces.next(axis, cell);
                let open = self.faces.mobility[axis][cell] > 0.0;
                let density = 0.5 * (self.density[cell] + self.density[next]);
                self.momentum[axis][cell] = if open { density * value } else { 0.0 };
            }
        }
        let kinetic = self.kinetic(&self.density, &self.state.log_ratio, &self.momentum);
        self.ledger = Ledger::open(self.ledger.divergence, kinetic);
        Ok(())
    }
}

fn copy(from: &FaceField, to: &mut FaceField) {
    for (from, to) in from.iter().zip(to) {
        to.copy_from_slice(from);
    }
}

/// ρ of w in each cell.
fn densities<D: Divergence>(log_target: &[f64], w: &[f64], density: &mut [f64]) {
    let cells = density.par_iter_mut().zip(log_target.par_iter().zip(w));
    cells.for_each(|(density, (log_target, w))| {
        *density = Real::exp(log_target + D::log_ratio(*w));
    });
}

/// √ψ' of w in each cell.
fn sounds<D: Divergence>(w: &[f64], sound: &mut [f64]) {
    let cells = sound.par_iter_mut().zip(w);
    cells.for_each(|(sound, w)| *sound = D::slope(*w).sqrt());
}
