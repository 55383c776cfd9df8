//! How long the next step is to be, by the error of the last and by whether it was certified.

use crate::divergence::Divergence;
use crate::flow::{FlowError, Problem, State};

/// The aim below the tolerance, so that few steps are rejected, and the least factor from one τ to the next.
const SAFETY: f64 = 0.85;
const SHORTEST: f64 = 0.2;
/// A rejected step is shortened at least to this.
const SHORTENED: f64 = 0.9;
/// What is left of a τ that was not certified, and how many steps are made before it is tried to grow again.
const REFUSED: f64 = 0.5;
const PATIENCE: u32 = 3;
/// The first τ is h² over the largest ψ', but at least this share of h²; a τ below the second share is not tried.
const FIRST_SHARE: f64 = 1e-4;
const LEAST_SHARE: f64 = 1e-9;

/// The control of τ for errors that grow as a power of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Control {
    tolerance: f64,
    /// The power of τ that the error of a step goes with.
    power: f64,
    /// The largest factor from one τ to the next.
    growth: f64,
    /// The largest τ, the one that is tried next, and the least.
    largest: f64,
    pub next: f64,
    least: f64,
    /// Steps until τ may grow.
    waiting: u32,
}

impl Control {
    /// Control of steps up to `largest` to an error of `tolerance`, which is of the `power` in τ; τ grows by `growth` at most.
    pub fn new<D: Divergence>(
        problem: &Problem,
        state: &State,
        tolerance: f64,
        largest: f64,
        (power, growth): (f64, f64),
    ) -> Self {
        let spacings = problem.grid.axes().iter().map(|axis| axis.spacing());
        let spacing = spacings.fold(f64::INFINITY, f64::min);
        let slopes = state
            .log_ratio
            .iter()
            .map(|ln| D::slope_from_ratio(ln.exp()));
        let steepest = slopes.fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        let square = spacing * spacing;
        Self {
            tolerance,
            power,
            growth,
            largest,
            next: (square / steepest).max(FIRST_SHARE * square).min(largest),
            least: LEAST_SHARE * square.min(largest),
            waiting: 0,
        }
    }

    /// τ of the next step: as it is, `longest` at most, or so that one or two equal ones end where the time does.
    pub fn towards(&self, remaining: f64, longest: f64) -> f64 {
        let next = self.next.min(longest);
        let count = (remaining / next * (1.0 - 1e-9)).ceil().max(1.0);
        if count <= 2.0 {
            remaining / count
        } else {
            next
        }
    }

    /// Whether a step by τ at `time` with this error is kept. Either sets the next τ.
    ///
    /// # Errors
    ///
    /// [`FlowError::StepTooSmall`] where no τ that time resolves meets the tolerance.
    pub fn judge(&mut self, time: f64, tau: f64, error: f64) -> Result<bool, FlowError> {
        let factor = SAFETY * (self.tolerance / error).powf(1.0 / self.power);
        if error <= self.tolerance {
            let growth = if self.waiting > 0 { 1.0 } else { self.growth };
            self.waiting = self.waiting.saturating_sub(1);
            let longer = tau * factor.clamp(SHORTEST, growth);
            // A step cut short by an output time says nothing against a longer one.
            let next = if tau < self.next {
                self.next.max(longer)
            } else {
                longer
            };
            self.next = next.min(self.largest);
            return Ok(true);
        }
        self.next = tau * factor.clamp(SHORTEST, SHORTENED);
        if self.next < self.least || self.next <= 1e-14 * time.abs() {
            return Err(FlowError::StepTooSmall {
                time,
                step: self.next,
                tolerance: self.tolerance,
                error,
            });
        }
        Ok(false)
    }

    /// Halves τ where `error` says that a step could not be certified; returns the iterations that it took.
    ///
    /// # Errors
    ///
    /// [`FlowError::Refused`] where τ is the least; any other error as it is.
    pub fn refuse(&mut self, time: f64, tau: f64, error: FlowError) -> Result<usize, FlowError> {
        let FlowError::Uncertified {
            iterations,
            gap,
            allowed,
            ..
        } = error
        else {
            return Err(error);
        };
        self.waiting = PATIENCE;
        self.next = REFUSED * tau;
        if self.next < self.least {
            return Err(FlowError::Refused {
                time,
                step: tau,
                gap,
                allowed,
            });
        }
        Ok(iterations)
    }
}
