//! Sums whose bits do not depend on the number of threads: over fixed tiles of the index space, combined in order.

use rayon::prelude::*;

/// Cells in a tile; fixed, since it is part of the result.
const TILE: usize = 4096;

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
