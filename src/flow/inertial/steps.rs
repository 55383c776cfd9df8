//! One step of the inertial equation, of order 1 or 2.

use rayon::prelude::*;

use super::Inertial;
use super::explicit::Terms;
use super::faces::FaceField;
use super::ledger::{Cells, FaceEnergies, face_energies};
use super::leeway::Made;
use super::passing::Passing;
use super::stage::StageInput;
use super::transport::Carried;
use crate::backend::reduce;
use crate::divergence::Divergence;
use crate::flow::FlowError;
use crate::flow::implicit::{Effort, guess};

/// The part of a step that its first stage is implicit over, 1 − 1/√2: it makes the method of order 2 L-stable (U. Ascher, S. Ruuth,
/// R. Spiteri, *Appl. Numer. Math.* 25 (1997) 151–167, §2.6).
const FIRST_STAGE: f64 = 1.0 - std::f64::consts::FRAC_1_SQRT_2;
/// The weight of the transport at the start of a step of order 2; that at the first stage has the rest.
const FIRST_WEIGHT: f64 = 1.0 - 0.5 / FIRST_STAGE;
/// Bounds for a rescaling that needs none.
const UNBOUNDED: [f64; 2] = [f64::NEG_INFINITY, f64::INFINITY];

/// A state that may be accepted.
pub(super) struct Trial {
    pub w: Vec<f64>,
    pub momentum: FaceField,
    pub cells: Cells,
    /// Mass gained since the start.
    pub gained: f64,
}

/// Memory of a step.
pub(super) struct Scratch {
    pub star: FaceField,
    /// The first stage of order 2.
    pub stage_w: Vec<f64>,
    pub stage_momentum: FaceField,
    /// The mass flux of each face, and the mass that has passed it by what is known beforehand but momentum, at order 2.
    pub flux: FaceField,
    pub passed: FaceField,
}

/// What a tried step took and left.
pub(super) struct Outcome {
    pub effort: Effort,
    /// ∫ γ ∫ρ|u|² dt over the step.
    pub work: f64,
    /// What became of ρ; its error is the estimate of that of the step.
    pub made: Made,
    /// The mass from which more wanted to leave than there is.
    pub crowded: f64,
    /// The kinetic energy at the end of the step, where it is known.
    pub kinetic: Option<f64>,
}

impl Outcome {
    /// Of a step whose equations were not solved.
    pub const FAILED: Self = Self {
        effort: Effort {
            iterations: 0,
            linear_iterations: 0,
        },
        work: 0.0,
        made: Made {
            moved: 0.0,
            error: f64::INFINITY,
        },
        crowded: 0.0,
        kinetic: None,
    };
}

impl<D: Divergence> Inertial<D> {
    /// The energies of the trial's momentum, or of that of the first stage, in the trial's cells.
    fn energies_of_trial(&self, of_stage: bool) -> FaceEnergies {
        let momentum = if of_stage {
            &self.scratch.stage_momentum
        } else {
            &self.trial.momentum
        };
        face_energies(&self.faces, &self.trial.cells, momentum)
    }

    /// One step of order 1: pressure and friction, then transport by the mass flux that has passed.
    fn first_order(&mut self, dt: f64) -> Result<Outcome, FlowError> {
        let duration = dt * self.settings.unit_of_time();
        let friction = self.friction(duration);
        // Friction acts on what is explicit as well: with strong friction the step may be long.
        let explicit = 1.0 / (1.0 + friction * duration);
        let transported = explicit * duration;
        copy(&self.momentum, &mut self.scratch.star);
        let carrier = Carried::in_place(&self.cells, &self.momentum, &self.momentum, transported);
        let terms = Terms::Pressure(transported);
        let star = &mut self.scratch.star;
        self.explicit.add::<D>(&self.faces, carrier, terms, star)?;
        guess(
            &mut self.trial.w,
            &self.w,
            &self.previous,
            dt / self.last_step,
            UNBOUNDED,
        );
        let input = StageInput {
            number: 0,
            time: self.state.time,
            step: dt,
            duration,
            friction,
            initial: &self.w,
            density: &self.cells.density,
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
        let carried = match friction {
            0.0 => 0.0,
            _ => self.energies_of_trial(false).rubbed(explicit),
        };
        copy(&self.trial.momentum, &mut self.scratch.stage_momentum);
        let carrier = Carried {
            momentum: &self.scratch.stage_momentum,
            flux: &self.scratch.stage_momentum,
            before: &self.cells.density,
            after: &self.trial.cells.density,
            sound: &self.trial.cells.sound,
            log_ratio: &self.cells.log_ratio,
            duration: transported,
            order: 1,
        };
        let terms = Terms::Transport(transported);
        let target = &mut self.trial.momentum;
        let crowded = self
            .explicit
            .add::<D>(&self.faces, carrier, terms, target)?;
        Ok(Outcome {
            effort,
            work: 2.0 * friction * duration * carried,
            made: self.made(&self.momentum, duration),
            crowded,
            kinetic: None,
        })
    }

    /// One step of order 2: the implicit–explicit Runge–Kutta method of Ascher, Ruuth and Spiteri with two stages.
    fn second_order(&mut self, dt: f64) -> Result<Outcome, FlowError> {
        let whole = dt * self.settings.unit_of_time();
        let duration = FIRST_STAGE * whole;
        let frictions = [self.friction(duration), self.friction(whole)];
        // What is explicit counts as far as friction leaves it.
        let explicit = frictions.map(|friction| 1.0 / (1.0 + friction * duration));
        let transported = explicit[1] * whole;

        copy(&self.momentum, &mut self.scratch.star);
        let Scratch {
            star, flux, passed, ..
        } = &mut self.scratch;
        let passing = Passing {
            share: explicit[0],
            duration,
            moved: 0.0,
            kept: 0.0,
        };
        passing.add(&self.faces, &self.cells, &self.momentum, flux, passed);
        let carrier = Carried::in_place(&self.cells, &self.momentum, flux, transported);
        let terms = Terms::Both(duration, explicit[0] * duration);
        let mut crowded = self.explicit.add::<D>(&self.faces, carrier, terms, star)?;
        let ratio = FIRST_STAGE * dt / self.last_step;
        guess(
            &mut self.scratch.stage_w,
            &self.w,
            &self.previous,
            ratio,
            UNBOUNDED,
        );
        let input = StageInput {
            number: 0,
            time: self.state.time,
            step: dt,
            duration,
            friction: frictions[0],
            initial: &self.w,
            density: &self.cells.density,
            passed: Some(&self.scratch.passed),
        };
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
        let stage_cells = &mut self.trial.cells;
        stage_cells.set::<D>(&self.faces, log_target, &self.scratch.stage_w);
        let factor = (1.0 - FIRST_WEIGHT) * whole;
        let Scratch {
            star,
            stage_momentum: momentum,
            flux,
            passed,
            ..
        } = &mut self.scratch;
        let passing = Passing {
            share: explicit[1],
            duration: factor,
            moved: (1.0 - FIRST_STAGE) * whole,
            kept: transported_share * (explicit[1] / explicit[0]),
        };
        passing.add(&self.faces, stage_cells, momentum, flux, passed);
        let carrier = Carried::in_place(&self.trial.cells, momentum, flux, transported);
        let terms = Terms::Both(factor, explicit[1] * factor);
        let crowded_then = self.explicit.add::<D>(&self.faces, carrier, terms, star)?;
        crowded = crowded.max(crowded_then);
        let stage_energy = match frictions[0] {
            0.0 => 0.0,
            friction => friction * self.energies_of_trial(true).rubbed(explicit[0]),
        };

        let onward = 1.0 / FIRST_STAGE;
        let guessed = &mut self.trial.w;
        for (guessed, (now, stage)) in guessed
            .iter_mut()
            .zip(self.w.iter().zip(&self.scratch.stage_w))
        {
            *guessed = now + onward * (stage - now);
        }
        let input = StageInput {
            number: 1,
            time: self.state.time,
            step: dt,
            duration,
            friction: frictions[1],
            initial: &self.w,
            density: &self.cells.density,
            passed: Some(&self.scratch.passed),
        };
        effort += self.stage.solve(
            &self.faces,
            input,
            &mut self.scratch.star,
            &mut self.trial.w,
            &mut self.trial.momentum,
        )?;
        self.finish_trial();
        let energies = self.energies_of_trial(false);
        let end_energy = frictions[1] * energies.rubbed(explicit[1]);
        let mean = (1.0 - FIRST_STAGE) * stage_energy + FIRST_STAGE * end_energy;
        Ok(Outcome {
            effort,
            work: 2.0 * whole * mean,
            made: self.made(&self.scratch.stage_momentum, duration),
            crowded,
            kinetic: Some(energies.kinetic),
        })
    }

    /// Takes what the solver's rounding adds to the mass out of the trial, and fills what follows from its w.
    fn finish_trial(&mut self) {
        let euler = &self.stage.euler;
        let result = &mut self.trial.w;
        self.trial.gained = self.conservation.restore(euler, &self.w, result, UNBOUNDED);
        let log_target = self.problem.log_target.as_slice().unwrap_or_default();
        self.trial
            .cells
            .set::<D>(&self.faces, log_target, &self.trial.w);
    }

    /// What the step moved, and what its fluxes at the end would have moved otherwise in `duration` than those of the momentum `before`: the error of a method
    /// of order 1.
    fn made(&self, before: &FaceField, duration: f64) -> Made {
        let (faces, last) = (&self.faces, &self.trial.momentum);
        let error = reduce::sum(faces.len(), |cell| {
            let of_axis = |(axis, spacing): (usize, &f64)| {
                let previous = faces.previous(axis, cell);
                let change = |cell: usize| last[axis][cell] - before[axis][cell];
                (change(cell) - change(previous)) / spacing
            };
            let moved: f64 = faces.spacing.iter().enumerate().map(of_axis).sum();
            moved.abs()
        });
        let [before, after] = [&self.cells.density, &self.trial.cells.density];
        let moved = reduce::sum(faces.len(), |cell| (after[cell] - before[cell]).abs());
        Made {
            moved: moved * faces.volume,
            error: duration * error * faces.volume,
        }
    }

    pub(super) fn step(&mut self, dt: f64) -> Result<Outcome, FlowError> {
        self.stage.leeway.begin(dt);
        match self.settings.stepping.order() {
            1 => self.first_order(dt),
            _ => self.second_order(dt),
        }
    }
}

fn copy(from: &FaceField, to: &mut FaceField) {
    for (from, to) in from.iter().zip(to) {
        to.copy_from_slice(from);
    }
}
