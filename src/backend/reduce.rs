//! Sums whose bits do not depend on the number of threads: over fixed tiles of the index space, combined in order.

use rayon::prelude::*;

use super::cpu::{Elementwise, elementwise};

/// Cells in a tile; fixed, since it is part of the result.
const TILE: usize = 4096;
/// Cells whose terms are computed together.
const CHUNK: usize = 256;

/// Combines `part(range)` over the fixed tiles of `0..length`, in order of the tiles, starting from `initial`.
pub fn over_tiles<P: Send>(
    length: usize,
    initial: P,
    part: impl Fn(std::ops::Range<usize>) -> P + Sync,
    combine: impl FnMut(P, P) -> P,
) -> P {
    let tile = |index: usize| part(index * TILE..length.min((index + 1) * TILE));
    let tiles = length.div_ceil(TILE);
    if tiles <= 4 {
        return (0..tiles).map(tile).fold(initial, combine);
    }
    collected(tiles, &tile).into_iter().fold(initial, combine)
}

/// `part` of every tile, on all threads. Not generic over closures, so that the work of threads is compiled once for each kind of part.
fn collected<P: Send>(tiles: usize, part: &(dyn Fn(usize) -> P + Sync)) -> Vec<P> {
    (0..tiles).into_par_iter().map(part).collect()
}

/// Σ term(i) over `0..length`.
pub fn sum(length: usize, term: impl Fn(usize) -> f64 + Sync) -> f64 {
    let part = |range: std::ops::Range<usize>| range.map(&term).sum::<f64>();
    over_tiles(length, 0.0, part, |a, b| a + b)
}

/// Σ of each of the results of `F` over the places of `inputs`, which are equally long.
pub fn sums<F: Elementwise<IN, OUT>, const IN: usize, const OUT: usize>(
    inputs: [&[f64]; IN],
) -> [f64; OUT] {
    let part = |range: std::ops::Range<usize>| {
        let mut sums = [0.0; OUT];
        let mut terms = [[0.0; CHUNK]; OUT];
        for first in range.clone().step_by(CHUNK) {
            let chunk = first..range.end.min(first + CHUNK);
            let inputs = inputs.map(|input| &input[chunk.clone()]);
            elementwise::<F, IN, OUT>(inputs, terms.each_mut().map(|terms| &mut terms[..]));
            for (sum, terms) in sums.iter_mut().zip(&terms) {
                for term in &terms[..chunk.len()] {
                    *sum += term;
                }
            }
        }
        sums
    };
    let length = inputs.iter().map(|input| input.len()).min();
    over_tiles(length.unwrap_or(0), [0.0; OUT], part, |mut sums, part| {
        for (sum, part) in sums.iter_mut().zip(part) {
            *sum += part;
        }
        sums
    })
}
