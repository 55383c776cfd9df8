//! The time loop: from output time to output time, with every step reported, stopped at any step without loss.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::flow::{Advance, FlowError, Method, Motion};
use crate::metrics::{Metrics, divergence, metrics};
use crate::problem::{Problem, State};

/// Who is told of a run as it goes: the trajectory file, the progress display, a test.
pub trait Observer {
    /// What can go wrong while telling.
    type Error;

    /// An output time was reached.
    ///
    /// # Errors
    ///
    /// Whatever keeps the frame from being kept; it ends the run.
    fn frame(&mut self, state: &State, metrics: &Metrics) -> Result<(), Self::Error>;

    /// Velocity and energies of the frame that follows, of a density with inertia.
    fn motion(&mut self, _motion: &Motion) {}

    /// A step, or a batch of explicit steps, was made; `divergence` is J after it, `fraction` the share of the run that is done.
    fn step(&mut self, advance: &Advance, divergence: f64, fraction: f64);
}

/// How a run ended when nothing failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The last output time was reached.
    Complete,
    /// It was asked to stop; the state reached was kept as a last frame.
    Interrupted,
}

/// Why a run ended before its time.
#[derive(Debug)]
pub enum RunError<E> {
    /// The method failed; the last good state was kept as a frame.
    Flow(FlowError),
    /// The observer failed.
    Observer(E),
}

/// Totals of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// Time steps.
    pub steps: usize,
    /// Nonlinear iterations.
    pub iterations: usize,
    /// Iterations of the linear solver.
    pub linear_iterations: usize,
    /// Steps rejected by the error control.
    pub rejected: usize,
}

/// Runs a method through the output times (increasing, the first at or after the method's time), until done or `interrupted`.
///
/// # Errors
///
/// The method's or the observer's; frames seen by the observer before stay.
pub fn run<O: Observer>(
    problem: &Problem,
    method: &mut dyn Method,
    times: &[f64],
    interrupted: &AtomicBool,
    observer: &mut O,
) -> Result<(Ending, Totals), RunError<O::Error>> {
    let mut totals = Totals::default();
    let mut last_frame = f64::NEG_INFINITY;
    for (number, until) in times.iter().enumerate() {
        let from = method.time();
        while method.time() < *until {
            if interrupted.load(Ordering::Relaxed) {
                keep_state(problem, method, last_frame, observer)?;
                return Ok((Ending::Interrupted, totals));
            }
            let advance = match method.advance(*until) {
                Ok(advance) => advance,
                Err(error) => {
                    keep_state(problem, method, last_frame, observer)?;
                    return Err(RunError::Flow(error));
                }
            };
            totals.steps += advance.steps;
            totals.iterations += advance.iterations;
            totals.linear_iterations += advance.linear_iterations;
            totals.rejected += advance.rejected;
            let state = method.state().map_err(RunError::Flow)?;
            let within = (advance.time - from) / (until - from);
            let fraction = (number as f64 - 1.0 + within) / (times.len() as f64 - 1.0).max(1.0);
            observer.step(&advance, divergence(problem, &state), fraction);
        }
        let state = method.state().map_err(RunError::Flow)?;
        let metrics = metrics(problem, &state);
        tell_motion(method, observer);
        observer
            .frame(&state, &metrics)
            .map_err(RunError::Observer)?;
        last_frame = method.time();
    }
    Ok((Ending::Complete, totals))
}

/// Makes a frame of the state reached, unless there is one of this time.
fn keep_state<O: Observer>(
    problem: &Problem,
    method: &mut dyn Method,
    last_frame: f64,
    observer: &mut O,
) -> Result<(), RunError<O::Error>> {
    if method.time() <= last_frame {
        return Ok(());
    }
    // The error that ended the run is worth more than one of reading the state back.
    let Ok(state) = method.state() else {
        return Ok(());
    };
    if state.log_ratio.iter().any(|ln| ln.is_nan()) {
        return Ok(());
    }
    let metrics = metrics(problem, &state);
    tell_motion(method, observer);
    observer.frame(&state, &metrics).map_err(RunError::Observer)
}

fn tell_motion<O: Observer>(method: &dyn Method, observer: &mut O) {
    if let Some(motion) = method.motion() {
        observer.motion(&motion);
    }
}
