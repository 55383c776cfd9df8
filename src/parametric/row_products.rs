//! Inner products of rows, over samples.

use crate::backend::cpu::{Simd, WithSimd, vectorised};
use crate::calculus::Lanes;

/// Independent partial sums of an inner product.
const WIDTH: usize = 8;

/// C_jk = Σ_b A_jb B_kb over padded columns, added to what is there: rows of both are `step` apart, C is dense by rows.
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

impl WithSimd for RowProductsInto<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        match S::F64_LANES {
            8 => self.blocks::<S, 4, 1>(simd),
            4 => self.blocks::<S, 2, 2>(simd),
            2 => self.blocks::<S, 2, 4>(simd),
            _ => self.blocks::<S, 1, 8>(simd),
        }
    }
}

impl RowProductsInto<'_, '_> {
    /// All products, in squares of `N` rows each; a partial sum is of `K` vectors.
    #[inline(always)]
    fn blocks<S: Simd, const N: usize, const K: usize>(&mut self, simd: S) {
        let (rows, columns) = self.products.rows;
        for j in (0..rows).step_by(N) {
            for k in (0..columns).step_by(N) {
                let (last_row, last_column) = (rows.min(j + N), columns.min(k + N));
                match (last_row - j == N, last_column - k == N) {
                    (true, true) => self.block::<S, N, N, K>(simd, j, k),
                    (true, false) => {
                        for column in k..last_column {
                            self.block::<S, N, 1, K>(simd, j, column);
                        }
                    }
                    (false, true) => {
                        for row in j..last_row {
                            self.block::<S, 1, N, K>(simd, row, k);
                        }
                    }
                    (false, false) => {
                        for row in j..last_row {
                            for column in k..last_column {
                                self.block::<S, 1, 1, K>(simd, row, column);
                            }
                        }
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn block<S: Simd, const M: usize, const N: usize, const K: usize>(
        &mut self,
        simd: S,
        row: usize,
        column: usize,
    ) {
        let RowProducts {
            left, right, step, ..
        } = self.products;
        let lefts: [&[S::f64s]; M] =
            std::array::from_fn(|m| S::as_simd_f64s(&left[(row + m) * step..][..step]).0);
        let rights: [&[S::f64s]; N] =
            std::array::from_fn(|n| S::as_simd_f64s(&right[(column + n) * step..][..step]).0);
        let mut sums = [[[simd.splat_f64s(0.0); K]; N]; M];
        for b in (0..step / S::F64_LANES).step_by(K) {
            for h in 0..K {
                for m in 0..M {
                    let a = lefts[m][b + h];
                    for n in 0..N {
                        sums[m][n][h] = simd.mul_add_f64s(a, rights[n][b + h], sums[m][n][h]);
                    }
                }
            }
        }
        for (m, sums) in sums.iter().enumerate() {
            for (n, sum) in sums.iter().enumerate() {
                let sum = Lanes::<f64, WIDTH>::load(bytemuck::cast_slice(sum));
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
