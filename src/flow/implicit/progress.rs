//! What Newton's iteration of a step changes, and when it may end.

/// The iteration may end when the last change of ρ is below this in L1.
const SETTLED: f64 = 1e-8;
/// What the next change may still be: where Newton's iteration is not yet quadratic, a small change does not mean a small error.
const REST: f64 = 1e-15;
/// Relative change of r in any one cell below which it has settled, where the linear solver resolves every cell.
const SETTLED_CELL: f64 = 1e-6;
/// Relative change of r below which a cell is settled by itself, in 2-D and 3-D.
const RESOLVED_CELL: f64 = 1e-12;
/// The mass that the solution may be short of or over in a step.
const DEFECT: f64 = 2e-15;
/// A change that no longer falls is rounding when it is below this.
const STAGNANT: f64 = 1e-13;
/// About what a cycle of multigrid leaves of an error after others; and what it leaves at most, as a rule.
const LEFT_BY_CYCLE: f64 = 0.01;
const LEFT_BY_ONE: f64 = 0.03;
/// By what factor a forecast of the error may be too low.
const UNSURE: f64 = 1.5;
/// Bounds on the tolerance of a linear system. The largest is met by one cycle.
const TOLERANCES: [f64; 2] = [1e-8, 1.0];

/// What Newton's iteration took.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::flow) struct Effort {
    /// Newton iterations.
    pub iterations: usize,
    /// Iterations of conjugate gradients.
    pub linear_iterations: usize,
}

impl std::ops::AddAssign for Effort {
    fn add_assign(&mut self, other: Self) {
        self.iterations += other.iterations;
        self.linear_iterations += other.linear_iterations;
    }
}

/// When a step counts as solved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::flow) struct Accuracy {
    /// The error in L1 of ρ at which a step is solved; none: rounding.
    pub rest: Option<f64>,
    /// Relative change of r below which a cell is settled by itself, in 2-D and 3-D.
    pub(super) cell: f64,
}

impl Accuracy {
    /// To rounding.
    pub const FULL: Self = Self {
        rest: None,
        cell: RESOLVED_CELL,
    };
    /// To begin with as little as is ever asked for, of a method that takes many steps, says in `rest` what each may leave and corrects the mass.
    pub const OF_A_STEP: Self = Self {
        rest: Some(1e-9),
        cell: 1e-6,
    };

    /// The tolerance that the next linear system is worth, the last iteration having changed `change`, infinite at first.
    ///
    /// Where an error may rest, the one before the iteration is `bounds[1]` at most, that before the last was `bounds[0]`, infinite at first, and
    /// `expected` is what the first iteration should leave, if anything is known of it. No linear system is worth more than Newton's iteration, which is of
    /// second order (Eisenstat and Walker 1996, choice 2), nor more than may rest, or than another iteration of one cycle will bring there, if it takes another
    /// anyway; where nothing is known one cycle will do.
    pub(super) fn tolerance(self, change: f64, bounds: [f64; 2], expected: Option<f64>) -> f64 {
        let Some(rest) = self.rest else {
            // Far from the solution a rough direction will do; near it the error must keep up with Newton's.
            return (1e-2 * change).clamp(1e-8, 1e-3);
        };
        let [before, now] = bounds;
        let left = if before.is_finite() {
            Some(now * (now / before).powi(2))
        } else {
            expected
        };
        let share = left.map_or(f64::INFINITY, |left| {
            let rest = if UNSURE * left > rest {
                rest / LEFT_BY_ONE
            } else {
                rest
            };
            left.max(rest) / now
        });
        // The solver adds its last correction to what it took it from.
        (share / LEFT_BY_CYCLE).clamp(TOLERANCES[0], TOLERANCES[1])
    }
}

/// Mass, and what it gained.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Balance {
    /// Σ (ρ − ρ before) · cell volume, as a sum of differences: its rounding is relative to what moved, not to the mass.
    pub gained: f64,
    /// Σ ρ · cell volume.
    pub mass: f64,
}

/// What an iteration changed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moved {
    /// Σ |δρ| · cell volume.
    pub mass: f64,
    /// The largest |δr|/r.
    pub cell: f64,
    /// Σ (ρ − ρ⁰) · cell volume, zero for the exact solution.
    pub defect: f64,
}

impl Moved {
    pub fn plus(self, other: Self) -> Self {
        Self {
            mass: self.mass + other.mass,
            cell: self.cell.max(other.cell),
            defect: self.defect + other.defect,
        }
    }

    /// Whether what is left after this iteration is below rounding, the iteration before having changed `before`.
    pub fn settled(self, before: f64, direct: bool) -> bool {
        // Superlinear convergence multiplies the next change by at least as small a factor as this one.
        let factor = if before.is_finite() {
            (self.mass / before).min(1.0)
        } else {
            1.0
        };
        let exact = self.mass * factor <= REST && self.defect.abs() <= DEFECT;
        let stagnant = self.mass <= STAGNANT && factor > 0.5;
        self.mass <= SETTLED && (exact || stagnant) && (self.cell <= SETTLED_CELL || !direct)
    }
}
