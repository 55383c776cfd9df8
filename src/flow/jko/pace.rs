//! Lengths of steps of second order, and what they take from the step before (docs/mathematics.md, eq. 23).

/// The largest ratio of a step to the one before: below 1 + √2, up to which the formula is stable.
pub(super) const LARGEST_RATIO: f64 = 2.0;
/// What the first step, which is of first order, is of the others.
const FIRST_SHARE: f64 = 0.25;

/// A step of second order as a JKO step from where the last movement leads on to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Continued {
    /// ω²/(1 + 2ω): the share of the last movement by which it goes on.
    pub share: f64,
    /// τ̂ of the JKO step.
    pub tau: f64,
}

/// The step before, which bounds the next one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    /// The length of the last step; 0 where there is none.
    last_step: f64,
}

impl Pace {
    /// The length of the next step, where `even` ones would lead to the output time: steps grow at most twofold, from a first one that
    /// is short because it is of first order.
    pub fn step_within(&self, even: f64) -> f64 {
        let growing = LARGEST_RATIO * self.last_step;
        even.min(growing.max(FIRST_SHARE * even))
    }

    /// What a step takes from the one before; nothing where that is none, or too short.
    pub fn continued(&self, step: f64) -> Option<Continued> {
        let ratio = step / self.last_step;
        // Rounding of the times may make it a little larger.
        let bounded = ratio <= LARGEST_RATIO * (1.0 + 1e-9);
        let denominator = 1.0 + 2.0 * ratio;
        bounded.then(|| Continued {
            share: ratio * ratio / denominator,
            tau: step * (1.0 + ratio) / denominator,
        })
    }

    pub fn record(&mut self, step: f64) {
        self.last_step = step;
    }
}
