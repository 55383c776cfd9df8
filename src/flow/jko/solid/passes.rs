//! Loops over arrays whose results do not depend on the number of threads, and that do not wake threads for little.

use rayon::prelude::*;

use super::pack::PLACES;
use crate::backend::cpu::{Kernel, vectorised};
use crate::backend::reduce;

/// Fewer numbers than this are not worth it.
const SERIAL: usize = 8192;
/// Cells that go to a thread together.
pub(super) const BATCH: usize = 512;

/// Fills `out` in chunks of one length: `fill(number of the chunk, chunk)`.
pub(super) fn chunks<T: Send>(out: &mut [T], length: usize, fill: impl Fn(usize, &mut [T]) + Sync) {
    if out.len() < SERIAL {
        for (number, chunk) in out.chunks_mut(length).enumerate() {
            fill(number, chunk);
        }
    } else {
        on_threads(out, length, &fill);
    }
}

/// Not generic over closures, so that the work of threads is compiled once for each type.
fn on_threads<T: Send>(out: &mut [T], length: usize, fill: &(dyn Fn(usize, &mut [T]) + Sync)) {
    let chunks = out.par_chunks_mut(length).enumerate();
    chunks.for_each(|(number, chunk)| fill(number, chunk));
}

/// Fills `out` place by place.
pub(super) fn each<T: Send>(out: &mut [T], value: impl Fn(usize, &mut T) + Sync) {
    chunks(out, BATCH, |number, chunk| {
        for (place, out) in chunk.iter_mut().enumerate() {
            value(number * BATCH + place, out);
        }
    });
}

/// A loop over cells in vector lanes.
pub(super) trait Fill<T>: Sync {
    /// Fills what belongs to the cells from `first` on, at most [`PLACES`] of them. To be `#[inline(always)]`.
    fn fill(&self, first: usize, out: &mut [T]);
}

struct Filling<'a, T, F> {
    loops: &'a F,
    first: usize,
    out: &'a mut [T],
}

impl<T, F: Fill<T>> Kernel for Filling<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (number, out) in self.out.chunks_mut(PLACES).enumerate() {
            self.loops.fill(self.first + number * PLACES, out);
        }
    }
}

/// Fills `out` by a loop in vector lanes.
pub(super) fn fill<T: Send, F: Fill<T>>(out: &mut [T], loops: &F) {
    chunks(out, BATCH, |number, out| {
        vectorised(Filling {
            loops,
            first: number * BATCH,
            out,
        });
    });
}

/// The sum of what a loop in vector lanes makes of so many cells.
pub(super) fn sum<F: Fill<f64>>(length: usize, loops: &F) -> f64 {
    let part = |range: std::ops::Range<usize>| {
        let (mut terms, mut sum) = ([0.0; BATCH], 0.0);
        for first in range.clone().step_by(BATCH) {
            let out = &mut terms[..BATCH.min(range.end - first)];
            vectorised(Filling { loops, first, out });
            for term in &terms[..BATCH.min(range.end - first)] {
                sum += term;
            }
        }
        sum
    };
    reduce::over_tiles(length, 0.0, part, |a, b| a + b)
}

/// a·b.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    reduce::sum(a.len(), |i| a[i] * b[i])
}
