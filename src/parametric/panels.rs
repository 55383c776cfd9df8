//! Matrices by tiles of columns, so that products of columns read memory in order.

use std::ops::Range;

use super::kernels::{ROWS, TILE, vectors};
use crate::backend::cpu::{Aligned, Simd, aligned};

/// For each tile of columns [`TILE`] numbers a row, row after row.
#[derive(Clone, Debug)]
pub(super) struct Panels {
    rows: usize,
    values: Aligned<f64>,
}

impl Panels {
    /// A matrix of zeros; `columns` are whole tiles.
    pub(super) fn new(rows: usize, columns: usize) -> Self {
        Self {
            rows,
            values: aligned(rows * columns, 0.0),
        }
    }

    /// The number of rows.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Takes whole tiles of a row over, from a tile on.
    pub(super) fn set(&mut self, row: usize, tile: usize, numbers: &[f64]) {
        let panels = self.values.chunks_exact_mut(self.rows * TILE).skip(tile);
        for (panel, numbers) in panels.zip(numbers.chunks_exact(TILE)) {
            panel[row * TILE..][..TILE].copy_from_slice(numbers);
        }
    }

    /// Inner products, over some rows, of the columns from `own` on with two vectors of columns from `other` on. Neither crosses a tile.
    #[inline(always)]
    pub(super) fn products<S: Simd>(
        &self,
        simd: S,
        rows: Range<usize>,
        own: usize,
        other: usize,
    ) -> [[S::f64s; 2]; ROWS] {
        let mut sums = [[simd.splat_f64s(0.0); 2]; ROWS];
        let (first, count) = (rows.start * TILE, rows.len() * TILE);
        let left = &self.values[own / TILE * self.rows * TILE + first..][..count];
        let right = &self.values[other / TILE * self.rows * TILE + first..][..count];
        let (own, other) = (own % TILE, other % TILE);
        for (left, right) in left.chunks_exact(TILE).zip(right.chunks_exact(TILE)) {
            let left = &left[own..][..ROWS];
            let right = vectors::<S, 2>(&right[other..]);
            for k in 0..ROWS {
                let left = simd.splat_f64s(left[k]);
                for m in 0..2 {
                    sums[k][m] = simd.mul_add_f64s(left, right[m], sums[k][m]);
                }
            }
        }
        sums
    }
}
