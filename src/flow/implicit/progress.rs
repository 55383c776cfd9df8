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
/// Bounds on the accuracy of the first linear system where a step need not be solved to rounding.
const FIRST_TOLERANCE: [f64; 2] = [1e-4, 1e-2];
/// The share of what may be left that the first linear system may leave; the rest is Newton's.
const LINEAR_SHARE: f64 = 0.3;
/// The roughest solution that is worth an iteration.
const ROUGHEST: f64 = 0.1;

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
    rest: Option<f64>,
    /// Relative change of r below which a cell is settled by itself, in 2-D and 3-D.
    pub(super) cell: f64,
}

impl Accuracy {
    /// To rounding.
    pub const FULL: Self = Self {
        rest: None,
        cell: RESOLVED_CELL,
    };
    /// Far below the error of any step, for a method that takes many and corrects the mass.
    pub const OF_A_STEP: Self = Self {
        rest: Some(1e-9),
        cell: 1e-6,
    };

    /// The accuracy that the next linear system is worth, the last iteration having changed `change` and left `left`, both infinite at first.
    pub(super) fn tolerance(self, change: f64, left: f64, expected: Option<f64>) -> f64 {
        match (self.rest, expected) {
            // Far from the solution a rough direction will do; near it the error must keep up with Newton's.
            (None, _) => (1e-2 * change).clamp(1e-8, 1e-3),
            // As much as is needed, given what the iteration before has left.
            (Some(rest), _) if left.is_finite() => (rest / left).clamp(1e-8, ROUGHEST),
            // With a good guess the first system is the only one.
            (Some(rest), Some(expected)) => {
                let needed = LINEAR_SHARE * rest / expected;
                needed.clamp(FIRST_TOLERANCE[0], FIRST_TOLERANCE[1])
            }
            (Some(_), None) => FIRST_TOLERANCE[0],
        }
    }

    /// Whether an iteration that changed `moved` has left little enough: `left`, by its estimate.
    pub(super) fn settled(self, moved: Moved, before: f64, left: f64, direct: bool) -> bool {
        match self.rest {
            None => moved.settled(before, direct),
            Some(rest) => left <= rest,
        }
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
    /// Σ |δρ| · |δr|/r · cell volume. What the linearisation leaves out of the storage term is at most as much in each cell, for every divergence, and
    /// a step does not increase the distance of two solutions in L1 of ρ.
    pub squared: f64,
    /// Σ (ρ − ρ⁰) · cell volume, zero for the exact solution.
    pub defect: f64,
}

impl Moved {
    pub fn plus(self, other: Self) -> Self {
        Self {
            mass: self.mass + other.mass,
            cell: self.cell.max(other.cell),
            squared: self.squared + other.squared,
            defect: self.defect + other.defect,
        }
    }

    /// Whether what is left after this iteration is below rounding, the iteration before having changed `before`.
    fn settled(self, before: f64, direct: bool) -> bool {
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
