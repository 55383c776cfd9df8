//! Cholesky's factorisation and its solves, on the products of [`super::panels`].

use super::kernels::{ROWS, TILE, accumulate, vectors_mut};
use super::panels::Panels;
use super::row_products::dot;
use crate::backend::cpu::{Kernel, Simd, WithSimd, vectorised};

/// The matrix was not positive definite, or not finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NotPositive {
    /// The first row whose pivot failed.
    pub row: usize,
    /// The pivot.
    pub pivot: f64,
}

/// Cholesky's factorisation, with memory that is kept from one matrix to the next.
#[derive(Clone, Debug)]
pub struct Cholesky {
    /// The rows of U that are done.
    done: Panels,
}

impl Default for Cholesky {
    fn default() -> Self {
        Self {
            done: Panels::new(0, 0),
        }
    }
}

impl Cholesky {
    /// A = UᵀU in place: `matrix` has `size` rows, a whole number of tiles; its upper triangle is read, and written with U. Below the diagonal
    /// no number is meant, before or after.
    ///
    /// # Errors
    /// The first pivot that is not positive; the matrix is then half factored.
    pub fn factor(&mut self, matrix: &mut [f64], size: usize) -> Result<(), NotPositive> {
        if self.done.rows() != size {
            self.done = Panels::new(size, size);
        }
        let done = &mut self.done;
        vectorised(Factorisation { done, matrix, size })
    }
}

struct Factorisation<'a> {
    done: &'a mut Panels,
    matrix: &'a mut [f64],
    size: usize,
}

impl WithSimd for Factorisation<'_> {
    type Output = Result<(), NotPositive>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let Self { done, matrix, size } = self;
        let width = 2 * S::F64_LANES;
        // A matrix without rows has no tile.
        let tiles = matrix.chunks_exact_mut((TILE * size).max(1));
        for (tile, rows) in tiles.enumerate() {
            let first = tile * TILE;
            // A panel of columns serves all groups of rows.
            for column in (first..size).step_by(width) {
                let above = (column + width - first).min(TILE);
                for row in (0..above).step_by(ROWS) {
                    let sums = done.products(simd, 0..first, first + row, column);
                    subtract(simd, sums, &mut rows[row * size..], size, column);
                }
            }
            for (group, rows) in rows.chunks_exact_mut(ROWS * size).enumerate() {
                let diagonal = first + group * ROWS;
                for column in (diagonal - diagonal % width..size).step_by(width) {
                    let sums = done.products(simd, first..diagonal, diagonal, column);
                    subtract(simd, sums, rows, size, column);
                }
                factor_group(rows, diagonal, size)?;
                for (k, row) in rows.chunks_exact(size).enumerate() {
                    done.set(diagonal + k, tile, &row[first..]);
                }
            }
        }
        Ok(())
    }
}

/// Subtracts sums from rows of a matrix, from a column on.
#[inline(always)]
fn subtract<S: Simd>(
    simd: S,
    sums: [[S::f64s; 2]; ROWS],
    rows: &mut [f64],
    size: usize,
    column: usize,
) {
    for (k, sums) in sums.iter().enumerate() {
        let results = vectors_mut::<S, 2>(&mut rows[k * size + column..]);
        for m in 0..2 {
            results[m] = simd.sub_f64s(results[m], sums[m]);
        }
    }
}

/// The factorisation of a group of rows from the diagonal on, when the rows above are done.
#[inline(always)]
fn factor_group(rows: &mut [f64], diagonal: usize, size: usize) -> Result<(), NotPositive> {
    for k in 0..ROWS {
        let (upper, lower) = rows.split_at_mut((k + 1) * size);
        let own = &mut upper[k * size + diagonal..];
        let pivot = own[k];
        // A pivot that is not a number fails this comparison as well.
        if !(pivot > 0.0 && pivot.is_finite()) {
            return Err(NotPositive {
                row: diagonal + k,
                pivot,
            });
        }
        let scale = 1.0 / pivot.sqrt();
        for value in own.iter_mut() {
            *value *= scale;
        }
        for (below, row) in lower.chunks_exact_mut(size).enumerate() {
            accumulate(-own[k + 1 + below], own, &mut row[diagonal..]);
        }
    }
    Ok(())
}

/// x ← U⁻ᵀx.
pub fn solve_transposed(factor: &[f64], size: usize, x: &mut [f64]) {
    vectorised(SolveTransposed { factor, size, x });
}

struct SolveTransposed<'a> {
    factor: &'a [f64],
    size: usize,
    x: &'a mut [f64],
}

impl Kernel for SolveTransposed<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let x = &mut self.x[..self.size];
        for (row, line) in self.factor.chunks_exact(self.size).enumerate() {
            let value = x[row] / line[row];
            x[row] = value;
            accumulate(-value, &line[row + 1..], &mut x[row + 1..]);
        }
    }
}

/// x ← U⁻¹x.
pub fn solve_upper(factor: &[f64], size: usize, x: &mut [f64]) {
    for row in (0..size).rev() {
        let line = &factor[row * size..][..size];
        // Whole tiles first, then what is between the diagonal and the next tile.
        let tile = (row + 1).next_multiple_of(TILE).min(size);
        let near: f64 = (row + 1..tile).map(|column| line[column] * x[column]).sum();
        x[row] = (x[row] - near - dot(&line[tile..], &x[tile..size])) / line[row];
    }
}
