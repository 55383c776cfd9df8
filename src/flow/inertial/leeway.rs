//! What the solves of a step may leave: little beside the error that the step makes in time anyway.

/// The share of the error in time.
const SHARE: f64 = 0.01;
/// The least and the most, in L1 of ρ.
const BOUNDS: [f64; 2] = [1e-9, 1e-5];

/// What a step made of ρ, in L1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    /// What it moved.
    pub moved: f64,
    /// The error of a method of order 1.
    pub error: f64,
}

impl Made {
    /// The error in time of a step of an order: order 2 gains as much as order 1, or as what moves is beside all mass.
    fn error_of(self, order: u8) -> f64 {
        match order {
            1 => self.error,
            _ => self.error * (self.error / self.moved).min(self.moved),
        }
    }
}

/// What solves may leave in L1 of ρ, from what the step before made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leeway {
    order: u8,
    /// The step before, and its length.
    before: Option<(Made, f64)>,
    /// In this step, if it is known.
    now: Option<f64>,
}

impl Leeway {
    pub fn new(order: u8) -> Self {
        Self {
            order,
            before: None,
            now: None,
        }
    }

    /// Begins a step of a length.
    pub fn begin(&mut self, length: f64) {
        let scaled = |(made, before): (Made, f64)| {
            let scale = (length / before).powi(i32::from(self.order) + 1);
            bounded(scale * made.error_of(self.order))
        };
        self.now = self.before.map(scaled);
    }

    /// What a solve may leave, the first one of the step moving `moved`. Of the first step that is all that is known: its error is beside it what it is beside
    /// all mass, whatever the order, as what begins need not be smooth.
    pub fn of_solve(&mut self, moved: impl FnOnce() -> f64) -> f64 {
        *self.now.get_or_insert_with(|| bounded(moved().powi(2)))
    }

    /// Learns from a step of a length.
    pub fn learn(&mut self, made: Made, length: f64) {
        self.before = Some((made, length));
    }

    /// Knows nothing of the next step.
    pub fn forget(&mut self) {
        self.before = None;
    }
}

fn bounded(error: f64) -> f64 {
    (SHARE * error).clamp(BOUNDS[0], BOUNDS[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a solve may leave in a step of length 1 after one of length 4.
    fn after(order: u8, moved: f64, error: f64) -> f64 {
        let mut leeway = Leeway::new(order);
        leeway.learn(Made { moved, error }, 4.0);
        leeway.begin(1.0);
        leeway.of_solve(|| 1.0)
    }

    #[test]
    fn solves_leave_a_hundredth_of_the_error_in_time() {
        // Steps of a fourth of the length make a sixteenth and a sixty-fourth of the error.
        let cases = [
            (1, 0.1, 1e-3, 1e-5 / 16.0),
            (2, 0.1, 1e-3, 1e-7 / 64.0),
            (2, 1e-2, 5e-3, 5e-7 / 64.0),
        ];
        for (order, moved, error, expected) in cases {
            let left = after(order, moved, error);
            assert!((left / expected - 1.0).abs() < 1e-12, "{order}: {left:e}");
        }
    }

    #[test]
    fn of_a_first_step_what_it_moves_is_known() {
        for order in [1, 2] {
            let mut leeway = Leeway::new(order);
            leeway.begin(1.0);
            let left = leeway.of_solve(|| 5e-3);
            assert!((left / 2.5e-7 - 1.0).abs() < 1e-12, "{left:e}");
            assert_eq!(left, leeway.of_solve(|| 1.0));
        }
    }

    #[test]
    fn the_leeway_is_bounded() {
        assert_eq!(after(1, 0.0, f64::INFINITY), 1e-5);
        assert_eq!(after(2, 0.0, 0.0), 1e-9);
    }
}
