//! What is made right and found out after a solve.

use std::ops::Range;

use super::operator::Operator;
use super::tiles::{Pass, Reduce, difference_dot, total};

/// Adds the constant that makes Σ e_i x_i = Σ e_i b_i for the row-scaled right-hand side b: the exact solution has it, and the sum of
/// what the operator conserves depends on it.
pub(super) fn conserve(operator: &Operator, b: &[f64], x: &mut [f64]) {
    let excess = &operator.excess;
    let mut balances = vec![[0.0; 2]; operator.tiles.count()];
    let imbalance = Imbalance { excess, b, x };
    operator.tiles.reduce(&mut balances, &imbalance);
    let (mut missing, mut whole) = (0.0, 0.0);
    for tile in &balances {
        missing += tile[0];
        whole += tile[1];
    }
    let shift = missing / whole;
    operator.tiles.run(x, &Shift { shift });
}

/// The largest residual of a cell relative to its own terms, e_i b_i being the right-hand side. `right` and `residual` are scratch memory.
pub(super) fn relative_residual(
    operator: &Operator,
    b: &[f64],
    x: &[f64],
    right: &mut [f64],
    residual: &mut [f64],
) -> f64 {
    let (one, other) = (operator.excess.as_slice(), b);
    operator.tiles.run(right, &Product { one, other });
    let mut largest = vec![0.0; operator.tiles.count()];
    operator.relative_residual(right, x, residual, &mut largest);
    maximum(&largest)
}

/// The largest of some numbers ≥ 0.
pub(super) fn maximum(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |max, value| f64::max(max, *value))
}

/// Σ e_i (b_i − x_i) and Σ e_i.
struct Imbalance<'a> {
    excess: &'a [f64],
    b: &'a [f64],
    x: &'a [f64],
}

impl Reduce<[f64; 2]> for Imbalance<'_> {
    #[inline(always)]
    fn tile(&self, cells: Range<usize>) -> [f64; 2] {
        let excess = &self.excess[cells.clone()];
        let (b, x) = (&self.b[cells.clone()], &self.x[cells]);
        [difference_dot(excess, b, x), total(excess)]
    }
}

/// x ← x + a constant.
struct Shift {
    shift: f64,
}

impl Pass<()> for Shift {
    #[inline(always)]
    fn tile(&self, _: usize, x: &mut [f64]) {
        for x in x {
            *x += self.shift;
        }
    }
}

/// out ← the product of two fields, cell by cell.
pub(super) struct Product<'a> {
    pub(super) one: &'a [f64],
    pub(super) other: &'a [f64],
}

impl Pass<()> for Product<'_> {
    #[inline(always)]
    fn tile(&self, first: usize, out: &mut [f64]) {
        for (out, (one, other)) in out
            .iter_mut()
            .zip(self.one[first..].iter().zip(&self.other[first..]))
        {
            *out = one * other;
        }
    }
}
