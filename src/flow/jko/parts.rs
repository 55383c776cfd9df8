//! Work on parts of arrays, of a size that does not depend on the number of threads.

use std::mem::take;

/// Cells that go to a thread together, and the number of cells below which threads cost more than they bring.
const PART: usize = 2048;
const SERIAL: usize = 12_288;

/// Whether arrays of this length are worth several threads.
pub(super) fn worth_threads(length: usize) -> bool {
    length >= SERIAL
}

/// Calls `work(first place, parts of the arrays)` for parts of arrays of one length, and combines what it returns in a fixed order.
pub(super) fn in_parts<const N: usize, R: Send>(
    arrays: [&mut [f64]; N],
    work: &(impl Fn(usize, [&mut [f64]; N]) -> R + Sync),
    combine: &(impl Fn(R, R) -> R + Sync),
) -> R {
    let length = arrays[0].len();
    if worth_threads(length) {
        divided(0, arrays, work, combine)
    } else {
        work(0, arrays)
    }
}

fn divided<const N: usize, R: Send>(
    first: usize,
    arrays: [&mut [f64]; N],
    work: &(impl Fn(usize, [&mut [f64]; N]) -> R + Sync),
    combine: &(impl Fn(R, R) -> R + Sync),
) -> R {
    let length = arrays[0].len();
    if length <= PART {
        return work(first, arrays);
    }
    let middle = length.div_ceil(2).next_multiple_of(PART);
    let mut halves = arrays.map(|array| array.split_at_mut(middle));
    let before = halves.each_mut().map(|(before, _)| take(before));
    let after = halves.map(|(_, after)| after);
    let (a, b) = rayon::join(
        || divided(first, before, work, combine),
        || divided(first + middle, after, work, combine),
    );
    combine(a, b)
}

const LANES: usize = 8;

/// max |a_i|; NaN is passed over.
pub(super) fn largest(a: &[f64]) -> f64 {
    let mut lanes = [0.0_f64; LANES];
    let (a, rest) = a.as_chunks::<LANES>();
    for a in a {
        for (lane, a) in lanes.iter_mut().zip(a) {
            *lane = if a.abs() > *lane { a.abs() } else { *lane };
        }
    }
    let rest = rest.iter().fold(0.0_f64, |max, a| max.max(a.abs()));
    lanes.iter().fold(rest, |max, lane| max.max(*lane))
}

/// Σ a_i b_i.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let part = |range: std::ops::Range<usize>| {
        let mut lanes = [0.0_f64; LANES];
        let (a, a_rest) = a[range.clone()].as_chunks::<LANES>();
        let (b, b_rest) = b[range].as_chunks::<LANES>();
        for (a, b) in a.iter().zip(b) {
            for lane in 0..LANES {
                lanes[lane] += a[lane] * b[lane];
            }
        }
        let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
        lanes.iter().sum::<f64>() + rest
    };
    crate::backend::reduce::over_tiles(a.len(), 0.0, part, |a, b| a + b)
}

/// Σ a_i.
pub(super) fn sum(a: &[f64]) -> f64 {
    let part = |range: std::ops::Range<usize>| {
        let mut lanes = [0.0_f64; LANES];
        let (a, rest) = a[range].as_chunks::<LANES>();
        for a in a {
            for (lane, a) in lanes.iter_mut().zip(a) {
                *lane += a;
            }
        }
        lanes.iter().sum::<f64>() + rest.iter().sum::<f64>()
    };
    crate::backend::reduce::over_tiles(a.len(), 0.0, part, |a, b| a + b)
}
