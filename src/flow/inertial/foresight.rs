use rayon::prelude::*;

use crate::backend::reduce;

/// What the guess of w at the end of a stage misses, learnt from the step before.
///
/// A guess on a line in time misses a second difference, which goes with the square of the step and hardly changes from one step to the next
/// where the motion is smooth; so it is added to the guess, as far as it foretold what was missed last. Where motion is not smooth, as at shocks,
/// it did not. A guess decides how long a solution takes, not what it is.
#[derive(Clone, Debug, Default)]
pub(super) struct Foresight {
    /// The guess before correction.
    guess: Vec<f64>,
    /// What it lacked of the solution in the last step, and the length of that.
    missed: Vec<f64>,
    step: f64,
    /// The share of it that will be missed again.
    trust: f64,
    /// What the first iteration left of the error then, in L1 of ρ.
    left: Option<f64>,
}

impl Foresight {
    /// Corrects a guess for a step of this length; returns what one iteration of Newton's may leave of its error, in L1 of ρ, if that is known.
    pub fn correct(&mut self, step: f64, guess: &mut [f64]) -> Option<f64> {
        self.guess.clear();
        self.guess.extend_from_slice(guess);
        let scale = (step / self.step).powi(2);
        if self.trust > 0.0 {
            let factor = self.trust * scale;
            let cells = guess.par_iter_mut().zip(&self.missed);
            cells.for_each(|(guess, missed)| *guess += factor * missed);
        }
        self.left.map(|left| left * (scale * scale))
    }

    /// Learns from the solution; `weights` is what cells count for, `left` what the first iteration left of the error.
    pub fn learn(&mut self, step: f64, weights: &[f64], solution: &[f64], left: Option<f64>) {
        let (guess, missed) = (&self.guess, &self.missed);
        self.trust = 0.0;
        if missed.len() == solution.len() {
            let now = |cell: usize| solution[cell] - guess[cell];
            let overlap = |cell: usize| weights[cell] * (now(cell) * missed[cell]);
            let size = |cell: usize| weights[cell] * (missed[cell] * missed[cell]);
            let cells = solution.len();
            let before = (step / self.step).powi(2) * reduce::sum(cells, size);
            let trust = reduce::sum(cells, overlap) / before;
            if trust > 0.0 {
                self.trust = trust.min(1.0);
            }
        }
        self.missed.resize(solution.len(), 0.0);
        let cells = self.missed.par_iter_mut().zip(solution).zip(&self.guess);
        cells.for_each(|((missed, solution), guess)| *missed = solution - guess);
        self.step = step;
        self.left = left;
    }
}
