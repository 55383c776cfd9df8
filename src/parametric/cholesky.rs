//! Cholesky's factorisation and its solves, on the products of [`super::kernels`].

use super::kernels::{Columns, ROWS, TILE, accumulate, dot, sums, vectors_mut};
use crate::backend::cpu::{Kernel, Simd, WithSimd, vectorised};

/// The matrix was not positive definite, or not finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NotPositive {
    /// The first row whose pivot failed.
    pub row: usize,
    /// The pivot.
    pub pivot: f64,
}

/// A = UᵀU in place: `matrix` has `size` rows, a whole number of tiles; its upper triangle is read, and written with U. Below the diagonal
/// no number is meant, before or after.
///
/// # Errors
/// The first pivot that is not positive; the matrix is then half factored.
pub fn factor(matrix: &mut [f64], size: usize) -> Result<(), NotPositive> {
    vectorised(Factorisation { matrix, size })
}

struct Factorisation<'a> {
    matrix: &'a mut [f64],
    size: usize,
}

impl WithSimd for Factorisation<'_> {
    type Output = Result<(), NotPositive>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let size = self.size;
        for first in (0..size).step_by(TILE) {
            let (head, trailing) = self.matrix.split_at_mut((first + TILE) * size);
            let panel = &mut head[first * size..];
            factor_panel(panel, first, size)?;
            for begin in (first + TILE..size).step_by(TILE) {
                let rows = &mut trailing[(begin - first - TILE) * size..];
                subtract_squares(simd, panel, begin, rows, size);
            }
        }
        Ok(())
    }
}

/// The factorisation of one tile of rows, the first of which is row `first` of the matrix, from the diagonal on.
#[inline(always)]
fn factor_panel(panel: &mut [f64], first: usize, size: usize) -> Result<(), NotPositive> {
    for k in 0..TILE {
        let row = first + k;
        let (upper, lower) = panel.split_at_mut((k + 1) * size);
        let own = &mut upper[k * size..];
        let pivot = own[row];
        // A pivot that is not a number fails this comparison as well.
        if !(pivot > 0.0 && pivot.is_finite()) {
            return Err(NotPositive { row, pivot });
        }
        let scale = 1.0 / pivot.sqrt();
        // Whole tiles, so that no vector is cut.
        for value in &mut own[first..] {
            *value *= scale;
        }
        for (below, line) in lower.chunks_exact_mut(size).enumerate() {
            accumulate(-own[row + 1 + below], &own[first..], &mut line[first..]);
        }
    }
    Ok(())
}

/// Subtracts PᵀP of a tile of rows P from a tile of rows further down, that begins at row and column `begin`.
#[inline(always)]
fn subtract_squares<S: Simd>(simd: S, panel: &[f64], begin: usize, rows: &mut [f64], size: usize) {
    // Rows a power of two apart meet in the same few places of the cache: one factor is brought together.
    let mut left = [0.0; TILE * TILE];
    for (left, row) in left.chunks_exact_mut(TILE).zip(panel.chunks_exact(size)) {
        left.copy_from_slice(&row[begin..][..TILE]);
    }
    let width = 2 * S::F64_LANES;
    for row in (0..TILE).step_by(ROWS) {
        let left = Columns(&left[row..], TILE);
        for column in (begin + row - row % width..size).step_by(width) {
            let sums = sums::<S, ROWS, 2>(simd, &left, panel, (column, size), TILE);
            for (line, sums) in rows[row * size..].chunks_mut(size).zip(sums) {
                let results = vectors_mut::<S, 2>(&mut line[column..]);
                for m in 0..2 {
                    results[m] = simd.sub_f64s(results[m], sums[m]);
                }
            }
        }
    }
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
