use rayon::prelude::*;

use crate::backend::reduce;

/// Steps that are looked back on.
const REACH: usize = 2;

/// What the guess of w at the end of a stage misses, learnt from the steps before.
///
/// A guess on a line in time misses a second difference, which goes with the square of the step and hardly changes from one step to the next
/// where the motion is smooth. So what was missed last is added to the guess, or what follows from the last two times on a line, whichever would have been
/// the better last time, and as far as it would have. Where motion is not smooth, as at shocks, neither would. A guess decides how long a solution takes, not
/// what it is.
#[derive(Clone, Debug, Default)]
pub(super) struct Foresight {
    /// The guess before correction.
    guess: Vec<f64>,
    /// What it lacked of the solution in the last step and before, each divided by the square of the length of its step.
    missed: [Vec<f64>; REACH],
    steps: [Step; REACH],
    /// How many of them there are.
    known: usize,
    /// What is made of them.
    forecast: Forecast,
    /// What the first iteration left of the error of the last step, in L1 of ρ.
    left: Option<f64>,
}

/// When a step began, and its length.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Step {
    pub start: f64,
    pub length: f64,
}

impl Step {
    fn middle(self) -> f64 {
        self.start + 0.5 * self.length
    }

    fn square(self) -> f64 {
        self.length * self.length
    }
}

/// A multiple of what was missed last, or of where that leads to on a line through the last two.
#[derive(Clone, Copy, Debug, Default)]
struct Forecast {
    factor: f64,
    onward: bool,
}

impl Foresight {
    /// Corrects a guess for a step; returns what one iteration of Newton's may leave of its error, in L1 of ρ, if that is known.
    pub fn correct(&mut self, step: Step, guess: &mut [f64]) -> Option<f64> {
        self.guess.clear();
        self.guess.extend_from_slice(guess);
        let Forecast { factor, onward } = self.forecast;
        if factor > 0.0 {
            let [last, before] = self.weights(step, onward);
            let [last, before] = [last, before].map(|weight| factor * step.square() * weight);
            let [recent, earlier] = &self.missed;
            let cells = guess.par_iter_mut().enumerate();
            cells.for_each(|(cell, guess)| {
                *guess += last * recent[cell];
                if before != 0.0 {
                    *guess += before * earlier[cell];
                }
            });
        }
        let scale = (step.length / self.steps[0].length).powi(4);
        self.left.map(|left| left * scale)
    }

    /// The weights of the last two for a step: a line through them, or the last alone.
    fn weights(&self, step: Step, onward: bool) -> [f64; REACH] {
        if !onward {
            return [1.0, 0.0];
        }
        let [recent, earlier] = self.steps.map(Step::middle);
        let share = (step.middle() - recent) / (recent - earlier);
        [1.0 + share, -share]
    }

    /// Learns from the solution; `weights` is what cells count for, `left` what the first iteration left of the error. A step that is tried again
    /// takes the place of the one before.
    pub fn learn(&mut self, step: Step, weights: &[f64], solution: &[f64], left: Option<f64>) {
        let again = self.known > 0 && self.steps[0].start == step.start;
        if !again {
            self.forecast = self.best(step, weights, solution);
            self.missed.swap(0, 1);
            self.steps.swap(0, 1);
            self.known = REACH.min(self.known + 1);
        }
        let recent = &mut self.missed[0];
        recent.resize(solution.len(), 0.0);
        let scale = 1.0 / step.square();
        let cells = recent.par_iter_mut().zip(solution).zip(&self.guess);
        cells.for_each(|((missed, solution), guess)| *missed = scale * (solution - guess));
        self.steps[0] = step;
        self.left = left;
    }

    /// The forecast that would have served best in this step.
    fn best(&self, step: Step, weights: &[f64], solution: &[f64]) -> Forecast {
        let (guess, [recent, earlier]) = (&self.guess, &self.missed);
        let square = step.square();
        let now = |cell: usize| (solution[cell] - guess[cell]) / square;
        let mut best = Forecast::default();
        let mut gain = 0.0;
        for onward in [false, true].into_iter().take(self.known) {
            let [last, before] = self.weights(step, onward);
            let forecast = |cell: usize| {
                let line = if before == 0.0 {
                    0.0
                } else {
                    before * earlier[cell]
                };
                last * recent[cell] + line
            };
            let overlap = |cell: usize| weights[cell] * (now(cell) * forecast(cell));
            let size = |cell: usize| weights[cell] * forecast(cell).powi(2);
            let cells = solution.len();
            let (overlap, size) = (reduce::sum(cells, overlap), reduce::sum(cells, size));
            // By how much the forecast would have lowered the square of what was missed.
            let lowered = overlap * (overlap / size);
            if overlap > 0.0 && lowered > gain {
                gain = lowered;
                let factor = (overlap / size).min(1.0);
                best = Forecast { factor, onward };
            }
        }
        best
    }
}
