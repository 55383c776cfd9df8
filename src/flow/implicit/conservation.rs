use super::euler::EulerStep;
use crate::divergence::Divergence;

/// The share of the mass that a run may be over or short of before it is taken out: above the rounding of a step, far below any claim.
const LARGEST_DEFECT: f64 = 1e-14;

/// The mass that a run has gained, each step within its own rounding.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::flow) struct Conservation {
    gained: f64,
}

impl Conservation {
    /// Takes the mass gained since the start out of a step from the w `before` to the w `after`, once it may be seen.
    ///
    /// All of ρ is scaled alike, so that no cell loses digits, tails included.
    pub fn restore<D: Divergence>(
        &self,
        euler: &EulerStep<D>,
        before: &[f64],
        after: &mut [f64],
        bounds: [f64; 2],
    ) -> f64 {
        let balance = euler.balance(before, after);
        let gained = self.gained + balance.gained;
        if gained.abs() <= LARGEST_DEFECT * balance.mass {
            return gained;
        }
        euler.rescale(-gained / balance.mass, after, bounds);
        self.gained + euler.balance(before, after).gained
    }

    /// Enters what a step that is accepted left as gained since the start.
    pub fn enter(&mut self, gained: f64) {
        self.gained = gained;
    }
}
