//! Products of small matrices in vector instructions, without allocation.
//!
//! Matrices are rows of contiguous numbers, one row a feature and one column a sample; columns are padded to whole [`TILE`]s. Sums run in
//! one fixed order, and each product is added with one rounding on every processor, by the library where there is no such instruction, so
//! that the bits depend neither on the instruction set nor on the number of threads.

use crate::backend::cpu::{Kernel, Simd, WithSimd, vectorised};

/// Columns that are worked on together.
pub(super) const TILE: usize = 16;
/// Rows that share one pass over the columns.
pub(super) const ROWS: usize = 4;

/// `count` rounded up to whole tiles.
pub(super) fn padded(count: usize) -> usize {
    count.next_multiple_of(TILE)
}

/// A matrix by rows or by columns, either of which are contiguous: its transpose is the same numbers with the two steps exchanged.
#[derive(Clone, Copy)]
pub(super) struct Factor<'a> {
    pub(super) values: &'a [f64],
    /// Distance from one row to the next.
    pub(super) row_step: usize,
    /// Distance from one column to the next.
    pub(super) column_step: usize,
}

/// What stands in the result before the product is added.
#[derive(Clone, Copy)]
pub(super) enum Start<'a> {
    /// One number a row.
    Rows(&'a [f64]),
    /// 0.
    Zero,
    /// The numbers that are there.
    Present,
}

/// C ← start + A·X: A has `rows` rows and `depth` columns, X `depth` rows, C `rows` rows.
pub(super) struct Product<'a> {
    pub(super) left: Factor<'a>,
    pub(super) right: &'a [f64],
    /// Distance between rows of X, and of C: whole tiles.
    pub(super) step: usize,
    pub(super) rows: usize,
    pub(super) depth: usize,
    pub(super) start: Start<'a>,
}

impl Product<'_> {
    /// Computes the product into `result`.
    pub(super) fn into(self, result: &mut [f64]) {
        let product = self;
        vectorised(ProductInto { product, result });
    }
}

struct ProductInto<'a, 'b> {
    product: Product<'a>,
    result: &'b mut [f64],
}

impl WithSimd for ProductInto<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let mut row = 0;
        // As many sums as registers hold beside the factors; and with one row enough of them to hide the latency of an addition.
        while row + ROWS <= self.product.rows {
            self.strip::<S, ROWS, 2>(simd, row);
            row += ROWS;
        }
        while row < self.product.rows {
            match S::F64_LANES {
                8 => self.strip::<S, 1, 2>(simd, row),
                _ => self.strip::<S, 1, 4>(simd, row),
            }
            row += 1;
        }
    }
}

impl ProductInto<'_, '_> {
    /// `N` rows of the result, by `M` vectors of columns.
    #[inline(always)]
    fn strip<S: Simd, const N: usize, const M: usize>(&mut self, simd: S, row: usize) {
        let Factor {
            values,
            row_step,
            column_step,
        } = self.product.left;
        let values = &values[row * row_step..];
        if column_step == 1 {
            let rows = std::array::from_fn(|k| &values[k * row_step..][..self.product.depth]);
            self.columns::<S, N, M>(simd, row, Rows(rows));
        } else {
            self.columns::<S, N, M>(simd, row, Columns(values, column_step));
        }
    }

    /// `N` rows of the result, `M` vectors of columns at a time.
    #[inline(always)]
    fn columns<S: Simd, const N: usize, const M: usize>(
        &mut self,
        simd: S,
        row: usize,
        left: impl Left<N>,
    ) {
        let product = &self.product;
        let mut rows = self.result[row * self.product.step..].chunks_mut(self.product.step);
        let rows: [&mut [f64]; N] = std::array::from_fn(|_| rows.next().unwrap_or_default());
        for column in (0..product.step).step_by(M * S::F64_LANES) {
            let places = (column, product.step);
            let sums = sums::<S, N, M>(simd, &left, product.right, places, product.depth);
            let mut start = [[simd.splat_f64s(0.0); M]; N];
            match product.start {
                Start::Rows(values) => {
                    for k in 0..N {
                        start[k] = [simd.splat_f64s(values[row + k]); M];
                    }
                }
                Start::Zero => {}
                Start::Present => {
                    for k in 0..N {
                        start[k] = vectors::<S, M>(&rows[k][column..]);
                    }
                }
            }
            for k in 0..N {
                let result = vectors_mut::<S, M>(&mut rows[k][column..]);
                for m in 0..M {
                    result[m] = simd.add_f64s(start[k][m], sums[k][m]);
                }
            }
        }
    }
}

/// `N` rows of a product from a column on, `M` vectors wide; rows of `right` are `step` apart.
#[inline(always)]
fn sums<S: Simd, const N: usize, const M: usize>(
    simd: S,
    left: &impl Left<N>,
    right: &[f64],
    (column, step): (usize, usize),
    depth: usize,
) -> [[S::f64s; M]; N] {
    let mut sums = [[simd.splat_f64s(0.0); M]; N];
    for depth in 0..depth {
        let right = vectors::<S, M>(&right[depth * step + column..]);
        let left = left.column(depth);
        for k in 0..N {
            let left = simd.splat_f64s(left[k]);
            for m in 0..M {
                sums[k][m] = simd.mul_add_f64s(left, right[m], sums[k][m]);
            }
        }
    }
    sums
}

/// One column of `N` rows of the left factor, read so that it takes at most one check of bounds.
trait Left<const N: usize> {
    fn column(&self, depth: usize) -> [f64; N];
}

/// Rows that are contiguous.
struct Rows<'a, const N: usize>([&'a [f64]; N]);

/// Columns that are contiguous, so far apart.
struct Columns<'a>(&'a [f64], usize);

impl<const N: usize> Left<N> for Rows<'_, N> {
    #[inline(always)]
    fn column(&self, depth: usize) -> [f64; N] {
        let mut column = [0.0; N];
        for (value, row) in column.iter_mut().zip(&self.0) {
            *value = row[depth];
        }
        column
    }
}

impl<const N: usize> Left<N> for Columns<'_> {
    #[inline(always)]
    fn column(&self, depth: usize) -> [f64; N] {
        let mut column = [0.0; N];
        column.copy_from_slice(&self.0[depth * self.1..][..N]);
        column
    }
}

/// The first `M` vectors of a slice.
#[inline(always)]
pub(super) fn vectors<S: Simd, const M: usize>(slice: &[f64]) -> [S::f64s; M] {
    let (vectors, _) = S::as_simd_f64s(&slice[..M * S::F64_LANES]);
    std::array::from_fn(|m| vectors[m])
}

#[inline(always)]
pub(super) fn vectors_mut<S: Simd, const M: usize>(slice: &mut [f64]) -> &mut [S::f64s] {
    S::as_mut_simd_f64s(&mut slice[..M * S::F64_LANES]).0
}

struct Axpy<'a> {
    factor: f64,
    x: &'a [f64],
    y: &'a mut [f64],
}

impl Kernel for Axpy<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        accumulate(self.factor, self.x, self.y);
    }
}

/// y ← y + factor · x, for use in a kernel.
#[inline(always)]
pub(super) fn accumulate(factor: f64, x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = factor.mul_add(*x, *y);
    }
}

/// y ← y + factor · x.
pub(super) fn add_scaled(factor: f64, x: &[f64], y: &mut [f64]) {
    vectorised(Axpy { factor, x, y });
}

struct Scale<'a> {
    values: &'a mut [f64],
    factors: &'a [f64],
}

impl Kernel for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (value, factor) in self.values.iter_mut().zip(self.factors) {
            *value *= factor;
        }
    }
}

/// values ← values ∘ factors, place by place.
pub(super) fn scale(values: &mut [f64], factors: &[f64]) {
    vectorised(Scale { values, factors });
}

struct Multiply<'a> {
    left: &'a [f64],
    right: &'a [f64],
    result: &'a mut [f64],
}

impl Kernel for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let pairs = self.left.iter().zip(self.right);
        for (result, (a, b)) in self.result.iter_mut().zip(pairs) {
            *result = a * b;
        }
    }
}

/// result ← left ∘ right, place by place.
pub(super) fn multiply(left: &[f64], right: &[f64], result: &mut [f64]) {
    vectorised(Multiply {
        left,
        right,
        result,
    });
}
