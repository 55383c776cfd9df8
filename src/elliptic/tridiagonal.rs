//! Elimination without subtractions for the 1-D operator, open or closed to a ring.
//!
//! The matrix is a diagonally dominant M-matrix. It is never formed: it is known by its off-diagonal couplings and by the excess of
//! each row (its sum), and the elimination keeps it so, with sums, products and quotients of positive numbers only. Every entry of
//! the inverse is then accurate to a few roundings per cell, however small the excess is beside the couplings.
//!
//! Reference: A. S. Alfa, J. Xue, Q. Ye, "Accurate computation of the smallest eigenvalue of a diagonally dominant M-matrix",
//! Mathematics of Computation 71 (2002), 217–236.

use crate::grid::Boundary;

/// Solves x_i + lower_i (x_i − x_{i−1}) + upper_i (x_i − x_{i+1}) = b_i, lower and upper ≥ 0, in O(n) and without allocation.
///
/// Rows are scaled to excess 1, so nothing underflows where the target does.
#[derive(Clone, Debug)]
pub struct Tridiagonal {
    boundary: Boundary,
    /// Share of the next cell in x_i = constant + to_next x_{i+1} + to_last x_{n−1}.
    to_next: Vec<f64>,
    /// Share of the last cell, which closes the ring; empty without one.
    to_last: Vec<f64>,
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

    /// Row i, once x_{i−1} = β + q x_i with 1 − q = p is put in, reads (1 + lower p) x_i + upper (x_i − x_{i+1}) = b_i + lower β.
    fn solve_open(&mut self, lower: &[f64], upper: &[f64], rhs: &[f64], solution: &mut [f64]) {
        let n = self.to_next.len();
        // The shares p of the excess and q of the next cell add up to 1; both are kept, for 1 − q would lose p.
        let (mut excess_share, mut constant) = (0.0, 0.0);
        for i in 0..n {
            let coupling = if i == 0 { 0.0 } else { lower[i] };
            let next = if i + 1 == n { 0.0 } else { upper[i] };
            let excess = 1.0 + coupling * excess_share;
            let reciprocal = 1.0 / (excess + next);
            constant = (rhs[i] + coupling * constant) * reciprocal;
            excess_share = excess * reciprocal;
            self.to_next[i] = next * reciprocal;
            solution[i] = constant;
        }
        for i in (0..n.saturating_sub(1)).rev() {
            solution[i] += self.to_next[i] * solution[i + 1];
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
