//! Elimination without subtractions for the 1-D operator, open or closed to a ring.
//!
//! The matrix is a diagonally dominant M-matrix. It is never formed: it is known by its off-diagonal couplings and by the excess of
//! each row (its sum), and the elimination keeps it so, with sums, products and quotients of positive numbers only. Every entry of
//! the inverse is then accurate to a few roundings per cell, however small the excess is beside the couplings.
//!
//! Reference: A. S. Alfa, J. Xue, Q. Ye, "Accurate computation of the smallest eigenvalue of a diagonally dominant M-matrix",
//! Mathematics of Computation 71 (2002), 217–236.

use crate::grid::Boundary;

/// Cells from which two threads are worth it.
const THREADED: usize = 12_288;

/// Solves x_i + lower_i (x_i − x_{i−1}) + upper_i (x_i − x_{i+1}) = b_i, lower and upper ≥ 0, in O(n) and without allocation.
///
/// Rows are scaled to excess 1, so nothing underflows where the target does.
#[derive(Clone, Debug)]
pub struct Tridiagonal {
    boundary: Boundary,
    /// Share of the next cell in x_i = constant + to_next x_{i+1} + to_last x_{n−1}; in an open row the next cell is the one towards the
    /// middle.
    to_next: Vec<f64>,
    /// Share of the last cell, which closes the ring; empty without one.
    to_last: Vec<f64>,
}

/// Rows from one end on. Row i, once x_{i−1} = β + q x_i with 1 − q = p is put in, reads (1 + lower p) x_i + upper (x_i − x_{i+1}) =
/// b_i + lower β.
#[derive(Clone, Copy, Default)]
struct Chain {
    /// p: the shares p of the excess and q of the next cell add up to 1; both are kept, for 1 − q would lose p.
    excess_share: f64,
    /// β.
    constant: f64,
}

impl Chain {
    /// Takes the next row, and returns its q and β.
    #[inline(always)]
    fn row(&mut self, coupling: f64, next: f64, rhs: f64) -> (f64, f64) {
        let excess = 1.0 + coupling * self.excess_share;
        let reciprocal = 1.0 / (excess + next);
        self.constant = (rhs + coupling * self.constant) * reciprocal;
        self.excess_share = excess * reciprocal;
        (next * reciprocal, self.constant)
    }
}

impl Tridiagonal {
    /// The solver for a row of cells. With [`Boundary::NoFlux`] the first `lower` and the last `upper` are not read; with
    /// [`Boundary::Periodic`] they couple the first cell and the last. A ring needs at least three cells ([`crate::grid::Grid`] has them).
    pub fn new(cells: usize, boundary: Boundary) -> Self {
        let ring = match boundary {
            Boundary::NoFlux => 0,
            Boundary::Periodic => cells,
        };
        Self {
            boundary,
            to_next: vec![0.0; cells],
            to_last: vec![0.0; ring],
        }
    }

    /// Number of cells.
    pub fn cells(&self) -> usize {
        self.to_next.len()
    }

    /// Solves for `solution`. All slices hold one number a cell.
    ///
    /// The error of each x_i is at most a modest multiple of n · 2⁻⁵³ times the solution for the right-hand side |b|, cell by cell: where
    /// b ≥ 0, every cell has its digits, however small.
    ///
    /// # Panics
    ///
    /// If a slice has not [`Self::cells`] entries.
    pub fn solve(&mut self, lower: &[f64], upper: &[f64], rhs: &[f64], solution: &mut [f64]) {
        let n = self.cells();
        assert!(
            [lower.len(), upper.len(), rhs.len(), solution.len()] == [n; 4],
            "a tridiagonal system of {n} cells needs slices of {n} numbers"
        );
        match self.boundary {
            Boundary::NoFlux => self.solve_open(lower, upper, rhs, solution),
            Boundary::Periodic => self.solve_ring(lower, upper, rhs, solution),
        }
    }

    /// From both ends to the middle row, and back: two chains of quotients, each waiting for its own last one only, side by side or on
    /// two threads.
    fn solve_open(&mut self, lower: &[f64], upper: &[f64], rhs: &[f64], solution: &mut [f64]) {
        let n = self.to_next.len();
        let middle = n / 2;
        let after = n - 1 - middle;
        let (left_shares, right_shares) = self.to_next.split_at_mut(middle);
        let (left, right) = solution.split_at_mut(middle);
        let [mut from_left, mut from_right] = [Chain::default(); 2];
        let mut step_left = |i: usize| {
            let coupling = if i == 0 { 0.0 } else { lower[i] };
            (left_shares[i], left[i]) = from_left.row(coupling, upper[i], rhs[i]);
        };
        let mut step_right = |k: usize| {
            let i = n - 1 - k;
            let coupling = if k == 0 { 0.0 } else { upper[i] };
            (right_shares[i - middle], right[i - middle]) =
                from_right.row(coupling, lower[i], rhs[i]);
        };
        if n < THREADED {
            for k in 0..after {
                step_left(k);
                step_right(k);
            }
            (after..middle).for_each(step_left);
        } else {
            rayon::join(
                || (0..middle).for_each(&mut step_left),
                || (0..after).for_each(&mut step_right),
            );
        }
        let below = if middle == 0 { 0.0 } else { lower[middle] };
        let above = if after == 0 { 0.0 } else { upper[middle] };
        let meeting = (rhs[middle] + below * from_left.constant + above * from_right.constant)
            / (1.0 + below * from_left.excess_share + above * from_right.excess_share);
        right[0] = meeting;
        let mut leftward = meeting;
        let mut back_left = |i: usize| {
            leftward = left[i] + left_shares[i] * leftward;
            left[i] = leftward;
        };
        let mut rightward = meeting;
        let mut back_right = |k: usize| {
            rightward = right[k] + right_shares[k] * rightward;
            right[k] = rightward;
        };
        if n < THREADED {
            for k in 0..after {
                back_left(middle - 1 - k);
                back_right(k + 1);
            }
            (0..middle - after).rev().for_each(back_left);
        } else {
            rayon::join(
                || (0..middle).rev().for_each(&mut back_left),
                || (1..=after).for_each(&mut back_right),
            );
        }
    }

    /// The same with the last cell set aside: each row gains a coupling to it, and its own row comes last.
    fn solve_ring(&mut self, lower: &[f64], upper: &[f64], rhs: &[f64], solution: &mut [f64]) {
        let last = self.to_next.len() - 1;
        let (mut excess_share, mut last_share, mut constant) = (0.0, 0.0, 0.0);
        // x_0 = first_constant + (1 − first_excess) x_last, gathered along the way: `reach` is the product of the shares of the next cell.
        let (mut first_constant, mut first_excess, mut reach) = (0.0, 0.0, 1.0);
        for i in 0..last {
            let (coupling, mut to_last) = match i {
                0 => (0.0, lower[0]),
                _ => (lower[i], lower[i] * last_share),
            };
            let mut to_next = upper[i];
            if i + 1 == last {
                to_last += to_next;
                to_next = 0.0;
            }
            let excess = 1.0 + coupling * excess_share;
            let reciprocal = 1.0 / (excess + to_next + to_last);
            constant = (rhs[i] + coupling * constant) * reciprocal;
            excess_share = excess * reciprocal;
            last_share = to_last * reciprocal;
            self.to_next[i] = to_next * reciprocal;
            self.to_last[i] = last_share;
            solution[i] = constant;
            first_constant += reach * constant;
            first_excess += reach * excess_share;
            reach *= self.to_next[i];
        }
        let (below, above) = (lower[last], upper[last]);
        let closing = (rhs[last] + below * constant + above * first_constant)
            / (1.0 + below * excess_share + above * first_excess);
        solution[last] = closing;
        for i in (0..last).rev() {
            solution[i] += self.to_next[i] * solution[i + 1] + self.to_last[i] * closing;
        }
    }
}
