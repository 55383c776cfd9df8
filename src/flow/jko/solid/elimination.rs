//! Elimination for the coarsest level of the multigrid.

use super::stencil::Stencil;

/// Cholesky's factorisation of a small matrix, scaled by its diagonal.
#[derive(Clone, Debug)]
pub(super) struct Elimination {
    size: usize,
    /// Added to the scaled matrix, and the least pivot: what rounding leaves of its entries.
    regularisation: f64,
    /// Whether nothing is added for constants: their row sums are exact.
    pub keeps_constants: bool,
    scale: Vec<f64>,
    factor: Vec<f64>,
}

impl Elimination {
    pub fn new(size: usize, regularisation: f64) -> Self {
        Self {
            size,
            regularisation,
            keeps_constants: false,
            scale: vec![1.0; size],
            factor: vec![0.0; size * size],
        }
    }

    pub fn factorise(&mut self, matrix: &Stencil, unit: &mut [f64], column: &mut [f64]) {
        let n = self.size;
        for (scale, diagonal) in self.scale.iter_mut().zip(&matrix.diagonal) {
            *scale = 1.0 / diagonal.max(f64::MIN_POSITIVE).sqrt();
        }
        for j in 0..n {
            unit.fill(0.0);
            unit[j] = self.scale[j];
            matrix.apply(unit, column);
            for (i, value) in column.iter().enumerate() {
                self.factor[i * n + j] = self.scale[i] * value;
            }
            self.factor[j * n + j] += self.regularisation;
        }
        if self.keeps_constants {
            // 1 in the scaled matrix.
            let total: f64 = matrix.diagonal.iter().sum();
            let share = self.regularisation / total;
            for (i, row) in self.factor.chunks_exact_mut(n).enumerate() {
                for (value, scale) in row.iter_mut().zip(&self.scale) {
                    *value -= share / (scale * self.scale[i]);
                }
            }
        }
        for j in 0..n {
            for i in j..n {
                let [own, other] = [i, j].map(|row| &self.factor[row * n..][..j]);
                let known: f64 = own.iter().zip(other).map(|(a, b)| a * b).sum();
                let left = self.factor[i * n + j] - known;
                self.factor[i * n + j] = if i == j {
                    left.max(self.regularisation).sqrt()
                } else {
                    left / self.factor[j * n + j]
                };
            }
        }
    }

    /// The lower triangular G whose GᵀG is the inverse of the matrix, row by row.
    pub fn inverse_factor(&self) -> Vec<f64> {
        let n = self.size;
        let mut inverse = vec![0.0; n * n];
        for column in 0..n {
            for row in column..n {
                let known: f64 = (column..row)
                    .map(|k| self.factor[row * n + k] * inverse[k * n + column])
                    .sum();
                let own = if row == column {
                    self.scale[column]
                } else {
                    0.0
                };
                inverse[row * n + column] = (own - known) / self.factor[row * n + row];
            }
        }
        inverse
    }

    pub fn solve(&self, rhs: &[f64], solution: &mut [f64]) {
        let n = self.size;
        for i in 0..n {
            let row = &self.factor[i * n..][..n];
            let known: f64 = (0..i).map(|j| row[j] * solution[j]).sum();
            solution[i] = (self.scale[i] * rhs[i] - known) / row[i];
        }
        for i in (0..n).rev() {
            let known: f64 = (i + 1..n)
                .map(|j| self.factor[j * n + i] * solution[j])
                .sum();
            solution[i] = (solution[i] - known) / self.factor[i * n + i];
        }
        for (value, scale) in solution.iter_mut().zip(&self.scale) {
            *value *= scale;
        }
    }
}
