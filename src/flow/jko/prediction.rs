//! Steps of second order of a length that the error allows, and the certificate.
//!
//! The density that a step leads to is held against the one that the last three densities lead on to (Milne's device; Hairer, Nørsett and
//! Wanner, Solving Ordinary Differential Equations I, §III.5 and III.7). Both errors are of third order, with known factors, so that their
//! difference gives that of the step. No further step is made for it.

use super::adaptive::Pairs;
use super::control::Control;
use super::pace::LARGEST_RATIO;
use super::{Made, Stepper};
use crate::backend::reduce;
use crate::calculus::Real;
use crate::divergence::Divergence;
use crate::flow::implicit::Effort;
use crate::flow::{FlowError, Problem, State};

/// The power of τ that the error of a step goes with, and the largest factor from one step to the next.
const STEPS: (f64, f64) = (3.0, LARGEST_RATIO);

/// What the estimate, which is that of the formula for densities, is multiplied by, as the scheme is the formula for the ways of particles.
const DOUBT: f64 = 2.0;

/// The control of τ by what the steps before lead to expect.
pub(super) struct Prediction {
    control: Control,
    /// For the first step, which is of first order, until it is made.
    start: Option<Pairs>,
    /// ln(π · cell volume).
    log_mass: Vec<f64>,
    /// ℓ before the last step and before the one before it, and their lengths; 0 where there is none.
    before: [Vec<f64>; 2],
    lengths: [f64; 2],
}

impl Prediction {
    pub fn new<D: Divergence>(
        problem: &Problem,
        state: &State,
        tolerance: f64,
        largest: f64,
    ) -> Self {
        let cells = state.log_ratio.len();
        Self {
            control: Control::new::<D>(problem, state, tolerance, largest, STEPS),
            start: Some(Pairs::new::<D>(problem, state, tolerance, largest)),
            log_mass: problem.log_masses().collect(),
            before: [(); 2].map(|()| vec![0.0; cells]),
            lengths: [0.0; 2],
        }
    }

    /// Makes the next step from ℓ `current` at `time` towards `until`, into `result`. Returns it, and how many were rejected.
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
        if let Some(start) = &mut self.start {
            let (made, rejected) = start.advance(stepper, time, until, current, result)?;
            self.start = None;
            self.control.next = made.step;
            self.record(made.step, current);
            return Ok((made, rejected));
        }
        let mut rejected = 0;
        let mut effort = Effort::default();
        loop {
            let longest = LARGEST_RATIO * self.lengths[0];
            let tau = self.control.towards(until - time, longest);
            match stepper.step(time, tau, current, result) {
                Ok(mut made) => {
                    effort += made.effort;
                    let error = self.error(tau, current, result);
                    if self.control.judge(time, tau, error)? {
                        self.record(tau, current);
                        made.effort = effort;
                        return Ok((made, rejected));
                    }
                }
                Err(error) => effort.iterations += self.control.refuse(time, tau, error)?,
            }
            rejected += 1;
        }
    }

    /// The error of a step by τ from `current` to `result` in L1 of ρ (docs/mathematics.md, eq. 47); 0 where there are too few steps before it.
    fn error(&self, tau: f64, current: &[f64], result: &[f64]) -> f64 {
        let [last, earlier] = self.lengths;
        if earlier == 0.0 {
            return 0.0;
        }
        let ratio = tau / last;
        let own = (1.0 + ratio).powi(2) / (6.0 * ratio * (1.0 + 2.0 * ratio)) * tau.powi(3);
        let predicted = tau * (tau + last) * (tau + last + earlier) / 6.0;
        // Newton's form of the parabola through the last three densities.
        let [slope, bend] = [tau, tau * (tau + last) / (last + earlier)];
        let difference = reduce::sum(self.log_mass.len(), |cell| {
            let mass = |ln: f64| Real::exp(self.log_mass[cell] + ln);
            let now = mass(current[cell]);
            let [before, earliest] = [0, 1].map(|k| mass(self.before[k][cell]));
            let slopes = [(now - before) / last, (before - earliest) / earlier];
            let expected = now + slope * slopes[0] + bend * (slopes[0] - slopes[1]);
            (mass(result[cell]) - expected).abs()
        });
        DOUBT * own / (own + predicted) * difference
    }

    /// Takes note of a step by τ from `current`.
    fn record(&mut self, tau: f64, current: &[f64]) {
        self.before.swap(0, 1);
        self.before[0].copy_from_slice(current);
        self.lengths = [tau, self.lengths[0]];
    }
}
