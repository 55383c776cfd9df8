//! Cholesky's factorisation and its solves, on the products of [`super::kernels`].

use super::kernels::{Factor, Product, Start, TILE, add_scaled, dot};

/// The matrix was not positive definite, or not finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NotPositive {
    /// The first row whose pivot failed.
    pub row: usize,
    /// The pivot.
    pub pivot: f64,
}

/// A = UᵀU in place: `matrix` has `size` rows, a whole number of tiles; only its upper triangle is read, and written with U.
///
/// # Errors
/// The first pivot that is not positive; the matrix is then half factored.
pub fn factor(matrix: &mut [f64], size: usize) -> Result<(), NotPositive> {
    for first in (0..size).step_by(TILE) {
        let (head, trailing) = matrix.split_at_mut((first + TILE) * size);
        let panel = &mut head[first * size..];
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
            own[row..].iter_mut().for_each(|value| *value *= scale);
            for below in k + 1..TILE {
                let start = first + below;
                let line = &mut lower[(below - k - 1) * size..][start..size];
                add_scaled(-own[start], &own[start..size], line);
            }
        }
        let panel = &*panel;
        for begin in (first + TILE..size).step_by(TILE) {
            let rows = &mut trailing[(begin - first - TILE) * size..];
            Product {
                left: Factor {
                    values: &panel[begin..],
                    row_step: 1,
                    column_step: size,
                },
                right: panel,
                right_step: size,
                rows: TILE,
                depth: TILE,
                start: Start::Present,
                negative: true,
                columns: begin..size,
            }
            .into(rows, size);
        }
    }
    Ok(())
}

/// x ← U⁻ᵀx.
pub fn solve_transposed(factor: &[f64], size: usize, x: &mut [f64]) {
    for row in 0..size {
        let line = &factor[row * size..][..size];
        let value = x[row] / line[row];
        x[row] = value;
        add_scaled(-value, &line[row + 1..], &mut x[row + 1..size]);
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
