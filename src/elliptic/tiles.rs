//! Passes over a field in fixed tiles of whole rows, so that no result depends on the number of threads.

use std::marker::PhantomData;
use std::ops::Range;

use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

/// Cells a tile aims at: the rows it reads from a few arrays stay in the second-level cache.
const TILE: usize = 4096;

/// Fewer cells than this are not worth waking threads for.
const SERIAL: usize = 16384;

/// What is done to one tile of one output; `S` is what is learnt on the way (a sum, a maximum).
pub(super) trait Pass<S>: Sync {
    /// Fills or updates the cells from `first` on. To be `#[inline(always)]`: it is compiled for each vector instruction set.
    fn tile(&self, first: usize, out: &mut [f64]) -> S;
}

/// What is learnt from one tile without changing anything.
pub(super) trait Reduce<S>: Sync {
    /// Reads the cells of a range. To be `#[inline(always)]`: it is compiled for each vector instruction set.
    fn tile(&self, cells: Range<usize>) -> S;
}

/// Rows of equal length, cut into tiles that depend on the shape alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiles {
    cells: usize,
    tile: usize,
}

struct Reading<'a, P> {
    pass: &'a P,
    cells: Range<usize>,
}

struct Single<'a, P> {
    pass: &'a P,
    first: usize,
    out: &'a mut [f64],
}

/// One tile's work with the type of its summary, as `pulp` wants it.
struct Summarised<T, S>(T, PhantomData<S>);

impl<S, P: Reduce<S>> NullaryFnOnce for Summarised<Reading<'_, P>, S> {
    type Output = S;
    #[inline(always)]
    fn call(self) -> S {
        self.0.pass.tile(self.0.cells)
    }
}

impl<S, P: Pass<S>> NullaryFnOnce for Summarised<Single<'_, P>, S> {
    type Output = S;
    #[inline(always)]
    fn call(self) -> S {
        self.0.pass.tile(self.0.first, self.0.out)
    }
}

impl Tiles {
    pub(super) fn new(rows: usize, row: usize) -> Self {
        Self {
            cells: rows * row,
            tile: (TILE / row).max(1) * row,
        }
    }

    /// Number of tiles.
    pub(super) fn count(&self) -> usize {
        self.cells.div_ceil(self.tile)
    }

    /// Runs a pass that learns nothing.
    pub(super) fn run(&self, out: &mut [f64], pass: &impl Pass<()>) {
        let mut nothing = vec![(); self.count()];
        self.summarise(out, &mut nothing, pass);
    }

    /// Runs a reading pass over every tile; `summaries` has one entry a tile.
    pub(super) fn reduce<S: Send, P: Reduce<S>>(&self, summaries: &mut [S], pass: &P) {
        let arch = Arch::new();
        let run = |(index, summary): (usize, &mut S)| {
            let first = index * self.tile;
            let cells = first..(first + self.tile).min(self.cells);
            *summary = arch.dispatch(Summarised(Reading { pass, cells }, PhantomData));
        };
        if self.cells < SERIAL {
            summaries.iter_mut().enumerate().for_each(run);
        } else {
            summaries.par_iter_mut().enumerate().for_each(run);
        }
    }

    /// Runs a pass over every tile of `out`; `summaries` has one entry a tile.
    pub(super) fn summarise<S: Send, P: Pass<S>>(
        &self,
        out: &mut [f64],
        summaries: &mut [S],
        pass: &P,
    ) {
        let arch = Arch::new();
        let run = |(index, (out, summary)): (usize, (&mut [f64], &mut S))| {
            let single = Single {
                pass,
                first: index * self.tile,
                out,
            };
            *summary = arch.dispatch(Summarised(single, PhantomData));
        };
        if self.cells < SERIAL {
            out.chunks_mut(self.tile)
                .zip(summaries)
                .enumerate()
                .for_each(run);
        } else {
            out.par_chunks_mut(self.tile)
                .zip(summaries)
                .enumerate()
                .for_each(run);
        }
    }
}

const LANES: usize = 8;

/// Σ a_i b_i in eight running sums, combined in fixed order.
#[inline(always)]
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

/// Σ w_i (a_i − b_i), likewise.
#[inline(always)]
pub(super) fn difference_dot(weights: &[f64], a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (weights, weights_rest) = weights.as_chunks::<LANES>();
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for ((weights, a), b) in weights.iter().zip(a).zip(b) {
        for lane in 0..LANES {
            sums[lane] += weights[lane] * (a[lane] - b[lane]);
        }
    }
    let mut sum = total(&sums);
    for ((weight, a), b) in weights_rest.iter().zip(a_rest).zip(b_rest) {
        sum += weight * (a - b);
    }
    sum
}

/// Σ a_i, likewise.
#[inline(always)]
pub(super) fn total(a: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (a, rest) = a.as_chunks::<LANES>();
    for a in a {
        for lane in 0..LANES {
            sums[lane] += a[lane];
        }
    }
    sums.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

/// max |a_i|; NaN is passed over.
#[inline(always)]
pub(super) fn largest(a: &[f64]) -> f64 {
    let mut lanes = [0.0f64; LANES];
    let (a, rest) = a.as_chunks::<LANES>();
    for a in a {
        for lane in 0..LANES {
            lanes[lane] = if a[lane].abs() > lanes[lane] {
                a[lane].abs()
            } else {
                lanes[lane]
            };
        }
    }
    let rest = rest.iter().fold(0.0f64, |max, a| max.max(a.abs()));
    lanes.iter().fold(rest, |max, &lane| max.max(lane))
}
