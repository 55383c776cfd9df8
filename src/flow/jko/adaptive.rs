//! Steps of first order of a length that the error allows, and the certificate.
//!
//! Two steps by τ are compared with one by 2τ: for a method of first order the distance is the error of the two (Hairer, Nørsett and
//! Wanner, Solving Ordinary Differential Equations I, §II.4). It is the two that are kept, each a JKO step of its own.

use super::control::Control;
use super::{Made, Stepper};
use crate::backend::reduce;
use crate::calculus::Real;
use crate::divergence::Divergence;
use crate::flow::implicit::Effort;
use crate::flow::{FlowError, Problem, State};

/// The power of τ that the error of two steps goes with, and the largest factor from one pair to the next.
const PAIRS: (f64, f64) = (2.0, 4.0);

/// The control of τ by pairs of steps.
pub(super) struct Pairs {
    control: Control,
    /// ln(π · cell volume).
    log_mass: Vec<f64>,
    /// The second step of a pair, until it is asked for, and ℓ after it.
    kept: Option<Made>,
    second: Vec<f64>,
}

impl Pairs {
    pub fn new<D: Divergence>(
        problem: &Problem,
        state: &State,
        tolerance: f64,
        largest: f64,
    ) -> Self {
        Self {
            control: Control::new::<D>(problem, state, tolerance, largest, PAIRS),
            log_mass: problem.log_masses().collect(),
            kept: None,
            second: Vec::new(),
        }
    }

    /// Makes the next step from ℓ `current` at `time` towards `until`, into `result`. Returns it, and how many pairs were rejected.
    ///
    /// # Errors
    ///
    /// [`FlowError::StepTooSmall`] and [`FlowError::Refused`] where no τ will do.
    pub fn advance<D: Divergence>(
        &mut self,
        stepper: &mut Stepper<D>,
        time: f64,
        until: f64,
        current: &[f64],
        result: &mut Vec<f64>,
    ) -> Result<(Made, usize), FlowError> {
        if let Some(kept) = self.kept.take()
            && time + kept.step <= until + 1e-12 * until.abs()
        {
            *result = std::mem::take(&mut self.second);
            return Ok((kept, 0));
        }
        let mut rejected = 0;
        let mut effort = Effort::default();
        loop {
            // Half of what remains: two steps are made.
            let tau = self.control.towards(0.5 * (until - time), f64::INFINITY);
            match self.pair(stepper, time, tau, current, result) {
                Ok((mut first, second, spent, error)) => {
                    effort += spent;
                    if self.control.judge(time, tau, error)? {
                        effort.iterations -= second.effort.iterations;
                        effort.linear_iterations -= second.effort.linear_iterations;
                        first.effort = effort;
                        self.kept = Some(second);
                        return Ok((first, rejected));
                    }
                }
                Err(error) => effort.iterations += self.control.refuse(time, tau, error)?,
            }
            rejected += 1;
        }
    }

    /// Two steps by τ, the first into `result`, and one by 2τ: the two, what all took, and the error of the two in L1.
    fn pair<D: Divergence>(
        &mut self,
        stepper: &mut Stepper<D>,
        time: f64,
        tau: f64,
        current: &[f64],
        result: &mut Vec<f64>,
    ) -> Result<(Made, Made, Effort, f64), FlowError> {
        let first = stepper.step(time, tau, current, result)?;
        let second = stepper.step(time + tau, tau, result, &mut self.second)?;
        let mut reached = Vec::new();
        let whole = stepper.step(time, 2.0 * tau, current, &mut reached)?;
        let mut effort = first.effort;
        effort += second.effort;
        effort += whole.effort;
        let error = reduce::sum(self.log_mass.len(), |cell| {
            let mass = |ln: f64| Real::exp(self.log_mass[cell] + ln);
            (mass(self.second[cell]) - mass(reached[cell])).abs()
        });
        Ok((first, second, effort, error))
    }
}
