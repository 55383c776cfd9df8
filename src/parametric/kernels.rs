//! Products of small matrices in vector instructions, without allocation.
//!
//! Matrices are rows of contiguous numbers, one row a feature and one column a sample; columns are padded to whole [`TILE`]s. Sums run in
//! one fixed order and nothing is fused, so that the bits depend neither on the instruction set nor on the number of threads.

use crate::backend::cpu::{Kernel, vectorised};
use crate::calculus::Lanes;

/// Columns that are worked on together.
pub(super) const TILE: usize = 16;
/// Rows that share one pass over the columns.
const ROWS: usize = 4;
/// Independent partial sums of a dot product.
const WIDTH: usize = 8;

/// `count` rounded up to whole tiles.
pub(super) fn padded(count: usize) -> usize {
    count.next_multiple_of(TILE)
}

/// A matrix that is read entry by entry: its transpose is the same numbers with the two steps exchanged.
#[derive(Clone, Copy)]
pub(super) struct Factor<'a> {
    pub(super) values: &'a [f64],
    /// Distance from one row to the next.
    pub(super) row_step: usize,
    /// Distance from one column to the next.
    pub(super) column_step: usize,
}

impl Factor<'_> {
    #[inline(always)]
    fn at(&self, row: usize, column: usize) -> f64 {
        self.values[row * self.row_step + column * self.column_step]
    }
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

/// C ← start ± A·X: A has `rows` rows and `depth` columns, X `depth` rows, C `rows` rows; columns from `first` to `last`, whole tiles.
pub(super) struct Product<'a> {
    pub(super) left: Factor<'a>,
    pub(super) right: &'a [f64],
    /// Distance between rows of X.
    pub(super) right_step: usize,
    pub(super) rows: usize,
    pub(super) depth: usize,
    pub(super) start: Start<'a>,
    pub(super) negative: bool,
    pub(super) columns: std::ops::Range<usize>,
}

impl Product<'_> {
    /// Computes the product into `result`, whose rows are `step` apart.
    pub(super) fn into(self, result: &mut [f64], step: usize) {
        vectorised(ProductInto {
            product: self,
            result,
            step,
        });
    }
}

struct ProductInto<'a, 'b> {
    product: Product<'a>,
    result: &'b mut [f64],
    step: usize,
}

impl Kernel for ProductInto<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn call(mut self) {
        let mut row = 0;
        while row + ROWS <= self.product.rows {
            self.strip::<ROWS>(row);
            row += ROWS;
        }
        while row < self.product.rows {
            self.strip::<1>(row);
            row += 1;
        }
    }
}

impl ProductInto<'_, '_> {
    /// `N` rows of the result.
    #[inline(always)]
    fn strip<const N: usize>(&mut self, row: usize) {
        let product = &self.product;
        let mut column = product.columns.start;
        while column < product.columns.end {
            let mut sums = [Lanes::<f64, TILE>::splat(0.0); N];
            for depth in 0..product.depth {
                let x =
                    Lanes::<f64, TILE>::load(&product.right[depth * product.right_step + column..]);
                for (k, sum) in sums.iter_mut().enumerate() {
                    *sum = *sum + Lanes::splat(product.left.at(row + k, depth)) * x;
                }
            }
            for k in 0..N {
                let place = &mut self.result[(row + k) * self.step + column..];
                let sum = if product.negative { -sums[k] } else { sums[k] };
                let sum = match product.start {
                    Start::Rows(start) => Lanes::splat(start[row + k]) + sum,
                    Start::Zero => sum,
                    Start::Present => Lanes::load(place) + sum,
                };
                sum.store(place);
            }
            column += TILE;
        }
    }
}

/// C_jk = scale · Σ_b A_jb B_kb over padded columns, added to what is there: rows of both are `step` apart, C is dense by rows.
pub(super) struct RowProducts<'a> {
    pub(super) left: &'a [f64],
    pub(super) right: &'a [f64],
    pub(super) rows: (usize, usize),
    pub(super) step: usize,
}

impl RowProducts<'_> {
    /// Adds the products to `result`, whose rows are `result_step` apart.
    pub(super) fn add_to(self, result: &mut [f64], result_step: usize) {
        vectorised(RowProductsInto {
            products: self,
            result,
            result_step,
        });
    }
}

struct RowProductsInto<'a, 'b> {
    products: RowProducts<'a>,
    result: &'b mut [f64],
    result_step: usize,
}

impl Kernel for RowProductsInto<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn call(mut self) {
        let (rows, columns) = self.products.rows;
        let mut j = 0;
        while j < rows {
            let height = (rows - j).min(ROWS);
            let mut k = 0;
            while k < columns {
                let width = (columns - k).min(ROWS);
                match (height, width) {
                    (ROWS, ROWS) => self.block::<ROWS, ROWS>(j, k),
                    (1, ROWS) => self.block::<1, ROWS>(j, k),
                    _ => {
                        for row in j..j + height {
                            for column in k..k + width {
                                self.block::<1, 1>(row, column);
                            }
                        }
                    }
                }
                k += width;
            }
            j += height;
        }
    }
}

impl RowProductsInto<'_, '_> {
    #[inline(always)]
    fn block<const M: usize, const N: usize>(&mut self, row: usize, column: usize) {
        let RowProducts {
            left, right, step, ..
        } = self.products;
        let mut sums = [[Lanes::<f64, WIDTH>::splat(0.0); N]; M];
        let mut b = 0;
        while b < step {
            let mut x = [Lanes::<f64, WIDTH>::splat(0.0); N];
            for n in 0..N {
                x[n] = Lanes::load(&right[(column + n) * step + b..]);
            }
            for m in 0..M {
                let a = Lanes::<f64, WIDTH>::load(&left[(row + m) * step + b..]);
                for n in 0..N {
                    sums[m][n] = sums[m][n] + a * x[n];
                }
            }
            b += WIDTH;
        }
        for (m, sums) in sums.into_iter().enumerate() {
            for (n, sum) in sums.into_iter().enumerate() {
                self.result[(row + m) * self.result_step + column + n] += sum.halved(|a, b| a + b);
            }
        }
    }
}

/// Σ a_b b_b over whole tiles.
pub(super) fn dot(left: &[f64], right: &[f64]) -> f64 {
    let mut sum = [0.0];
    RowProducts {
        left,
        right,
        rows: (1, 1),
        step: left.len(),
    }
    .add_to(&mut sum, 1);
    sum[0]
}

/// y ← y + factor · x.
struct Axpy<'a> {
    factor: f64,
    x: &'a [f64],
    y: &'a mut [f64],
}

impl Kernel for Axpy<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (y, x) in self.y.iter_mut().zip(self.x) {
            *y += self.factor * x;
        }
    }
}

/// y ← y + factor · x.
pub(super) fn add_scaled(factor: f64, x: &[f64], y: &mut [f64]) {
    vectorised(Axpy { factor, x, y });
}

struct Multiply<'a> {
    left: &'a [f64],
    right: &'a [f64],
    result: &'a mut [f64],
    add: bool,
}

impl Kernel for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let pairs = self.left.iter().zip(self.right);
        if self.add {
            for (result, (a, b)) in self.result.iter_mut().zip(pairs) {
                *result += a * b;
            }
        } else {
            for (result, (a, b)) in self.result.iter_mut().zip(pairs) {
                *result = a * b;
            }
        }
    }
}

/// result ← left ∘ right, place by place.
pub(super) fn multiply(left: &[f64], right: &[f64], result: &mut [f64]) {
    let add = false;
    vectorised(Multiply {
        left,
        right,
        result,
        add,
    });
}

/// result ← result + left ∘ right, place by place.
pub(super) fn add_product(left: &[f64], right: &[f64], result: &mut [f64]) {
    let add = true;
    vectorised(Multiply {
        left,
        right,
        result,
        add,
    });
}
