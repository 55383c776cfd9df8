//! Functions of the numbers in and beside the cells of a row, through the vector instructions of the processor.

use super::faces::{Beside, wrapped};
use crate::backend::cpu::{Parametrised, apply};

/// What a function reads for each cell of a row: a number of the cell, or of one some places on along an axis.
#[derive(Clone, Copy)]
pub(super) struct Read<'a> {
    row: &'a [f64],
    /// Places on along the row itself, on a ring.
    shift: isize,
}

impl Beside {
    /// Reads a field `shift` (−2 to 2) places on from each cell of the row.
    #[inline(always)]
    pub fn read<'a>(&self, field: &'a [f64], shift: isize) -> Read<'a> {
        let (start, shift) = self.start(shift);
        let row = &field[start..][..self.cells()];
        Read { row, shift }
    }
}

/// The results of a function for each cell of a row, from what it reads.
pub(super) fn sweep<F: Parametrised<N, M>, const N: usize, const M: usize>(
    function: &F,
    reads: [Read<'_>; N],
    mut outputs: [&mut [f64]; M],
) {
    let n = reads[0].row.len();
    let shifts = || reads.iter().map(|read| read.shift);
    let before = shifts().min().unwrap_or_default().min(0).unsigned_abs();
    let after = shifts().max().unwrap_or_default().max(0).unsigned_abs();
    let inner = before..n.saturating_sub(after).max(before);
    if inner.end <= n {
        let inputs = reads
            .map(|read| &read.row[inner.start.wrapping_add_signed(read.shift)..][..inner.len()]);
        let outputs = outputs.each_mut().map(|output| &mut output[inner.clone()]);
        apply(function, inputs, outputs);
    }
    for i in (0..before.min(n)).chain(inner.end..n) {
        let inputs = reads.map(|read| read.row[wrapped(i, read.shift, n)]);
        for (output, value) in outputs.iter_mut().zip(function.values(inputs)) {
            output[i] = value;
        }
    }
}
