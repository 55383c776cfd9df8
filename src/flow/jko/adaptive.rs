//! Steps of a length that the error allows, and the certificate.
//!
//! Two steps by τ are compared with one by 2τ: for a method of first order the distance is the error of the two (Hairer, Nørsett and
//! Wanner, Solving Ordinary Differential Equations I, §II.4). It is the two that are kept, each a JKO step of its own.

use super::{Made, Stepper};
use crate::backend::reduce;
use crate::calculus::Real;
use crate::divergence::Divergence;
use crate::flow::implicit::Effort;
use crate::flow::{FlowError, Problem, State};

/// Bounds on the change of τ from one pair of steps to the next, and the aim below the tolerance, so that few are rejected.
const GROWTH: [f64; 2] = [0.2, 4.0];
const SAFETY: f64 = 0.85;
/// A rejected step is shortened at least to this.
const SHORTENED: f64 = 0.9;
/// What is left of a τ that was not certified, and how many pairs of steps are made before it is tried to grow again.
const REFUSED: f64 = 0.5;
const PATIENCE: u32 = 3;
/// The first τ is h² over the largest ψ', but at least this share of h²; a τ below the second share is not tried.
const FIRST_SHARE: f64 = 1e-4;
const LEAST_SHARE: f64 = 1e-9;

/// The control of τ.
pub(super) struct Adaptive {
    tolerance: f64,
    /// The largest τ, the one that is tried next, and the least.
    largest: f64,
    next: f64,
    least: f64,
    /// Pairs of steps until τ may grow.
    waiting: u32,
    /// ln(π · cell volume).
    log_mass: Vec<f64>,
    /// ℓ after one step by 2τ, and after the second by τ.
    whole: Vec<f64>,
    second: Vec<f64>,
    /// The second step of a pair, until it is asked for.
    kept: Option<Made>,
}

impl Adaptive {
    pub fn new<D: Divergence>(
        problem: &Problem,
        state: &State,
        tolerance: f64,
        largest: f64,
    ) -> Self {
        let spacings = problem.grid.axes().iter().map(|axis| axis.spacing());
        let spacing = spacings.fold(f64::INFINITY, f64::min);
        let log_volume = Real::ln(problem.grid.cell_volume());
        let slopes = state
            .log_ratio
            .iter()
            .map(|ln| D::slope_from_ratio(Real::exp(*ln)));
        let steepest = slopes.fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        let square = spacing * spacing;
        let cells = state.log_ratio.len();
        Self {
            tolerance,
            largest,
            next: (square / steepest).max(FIRST_SHARE * square).min(largest),
            least: LEAST_SHARE * square.min(largest),
            waiting: 0,
            log_mass: problem
                .log_target
                .iter()
                .map(|ln| ln + log_volume)
                .collect(),
            whole: vec![0.0; cells],
            second: vec![0.0; cells],
            kept: None,
        }
    }

    /// Makes the next step from ℓ `current` at `time` towards `until`, into `result`. Returns it, and how many pairs were rejected.
    pub fn advance<D: Divergence>(
        &mut self,
        stepper: &mut Stepper<D>,
        time: f64,
        until: f64,
        current: &[f64],
        result: &mut [f64],
    ) -> Result<(Made, usize), FlowError> {
        if let Some(kept) = self.kept.take()
            && time + kept.step <= until + 1e-12 * until.abs()
        {
            result.copy_from_slice(&self.second);
            return Ok((kept, 0));
        }
        let mut rejected = 0;
        let mut effort = Effort::default();
        loop {
            let tau = self.towards(until - time);
            let pair = self.pair(stepper, time, tau, current, result);
            let (mut first, second, spent, error) = match pair {
                Ok(pair) => pair,
                Err(FlowError::Uncertified {
                    iterations,
                    gap,
                    allowed,
                    ..
                }) => {
                    effort.iterations += iterations;
                    rejected += 1;
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
                    continue;
                }
                Err(error) => return Err(error),
            };
            effort += spent;
            let factor = SAFETY * (self.tolerance / error).sqrt();
            if error <= self.tolerance {
                let growth = if self.waiting > 0 { 1.0 } else { GROWTH[1] };
                self.waiting = self.waiting.saturating_sub(1);
                let longer = tau * factor.clamp(GROWTH[0], growth);
                // A step cut short by an output time says nothing against a longer one.
                let next = if tau < self.next {
                    self.next.max(longer)
                } else {
                    longer
                };
                self.next = next.min(self.largest);
                effort.iterations -= second.effort.iterations;
                effort.linear_iterations -= second.effort.linear_iterations;
                first.effort = effort;
                self.kept = Some(second);
                return Ok((first, rejected));
            }
            rejected += 1;
            self.next = tau * factor.clamp(GROWTH[0], SHORTENED);
            if self.next < self.least || self.next <= 1e-14 * time.abs() {
                return Err(FlowError::StepTooSmall {
                    time,
                    step: self.next,
                    tolerance: self.tolerance,
                    error,
                });
            }
        }
    }

    /// τ of the next pair of steps: as it is, or so that one or two equal pairs end where the time does.
    fn towards(&self, remaining: f64) -> f64 {
        let count = (0.5 * remaining / self.next * (1.0 - 1e-9)).ceil().max(1.0);
        if count <= 2.0 {
            0.5 * remaining / count
        } else {
            self.next
        }
    }

    /// Two steps by τ, the first into `result`, and one by 2τ: the two, what all took, and the error of the two in L1.
    fn pair<D: Divergence>(
        &mut self,
        stepper: &mut Stepper<D>,
        time: f64,
        tau: f64,
        current: &[f64],
        result: &mut [f64],
    ) -> Result<(Made, Made, Effort, f64), FlowError> {
        let first = stepper.step(time, tau, current, result)?;
        let second = stepper.step(time + tau, tau, result, &mut self.second)?;
        let whole = stepper.step(time, 2.0 * tau, current, &mut self.whole)?;
        let mut effort = first.effort;
        effort += second.effort;
        effort += whole.effort;
        let error = reduce::sum(self.log_mass.len(), |cell| {
            let mass = |ln: f64| Real::exp(self.log_mass[cell] + ln);
            (mass(self.second[cell]) - mass(self.whole[cell])).abs()
        });
        Ok((first, second, effort, error))
    }
}
