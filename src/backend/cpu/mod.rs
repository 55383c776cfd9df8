//! The stencil sweep on the CPU: blocks of slabs over the threads, rows through the widest vector instructions of the machine.
//!
//! A *slab* is what the slowest axis counts: a row in 2-D, a plane in 3-D, the whole line in 1-D. A *block* is a run of slabs with a halo
//! of one slab on either side. Each stage first fills the halos with the old values, then updates every block in place, one *tile* of columns
//! after the other: a cell is read once and written once, and its node value is computed once and kept in the first caches for its
//! neighbours.
//! A cell's result does not depend on the blocks, so neither blocks nor threads show in the bits.

mod layout;
mod log_sum;
mod map;
mod row;

pub use layout::{Aligned, aligned};
pub use log_sum::{LOG_OF_ZERO, Penalties, log_sum_along_rows};
pub use map::{Elementwise, Parametrised, Plain, apply, elementwise};
pub use row::map_nodes;

pub use pulp::{NullaryFnOnce as Kernel, Simd, WithSimd};

use pulp::Arch;
use rayon::prelude::*;

use super::Sweep;
use crate::calculus::Scalar;
use crate::grid::Grid;
use layout::{Layout, Padded, beside};
use row::{Side, fill_nodes, update};

/// Below this size the threads cost more than they bring.
const SERIAL_CELLS: usize = 1 << 14;

/// Scratch of one block; it lives as long as the fields.
struct Scratch<T> {
    /// The old values of the slab before and of the slab after the block.
    halo: [Vec<T>; 2],
    /// Node values of three successive slabs of a tile, by slab number modulo three, in [`Padded`] rows.
    nodes: [Aligned<T>; 3],
    /// For each row of the block, the old value left of the tile, which the tile before has already updated.
    left: Vec<T>,
    /// For each row of the block, the old value of the first column, for the last tile of a periodic axis.
    first: Vec<T>,
}

/// The fields of a sweep in memory, and the sweep over them.
pub struct CpuSweep<T> {
    layout: Layout,
    arch: Arch,
    /// r = ρ/π.
    ratio: Aligned<T>,
    /// Cell weights σ, up to a common factor, in [`Padded`] rows.
    weight: Aligned<T>,
    /// The value at the start of the step, for the methods of more than one stage.
    start: Vec<T>,
    scratch: Vec<Scratch<T>>,
}

impl<T: Scalar> CpuSweep<T> {
    /// Takes over the cell weights σ, x fastest; the ratio is 1 until [`CpuSweep::load`].
    pub fn new(grid: &Grid, weight: impl Iterator<Item = T>) -> Self {
        let layout = Layout::new(grid);
        let weight: Vec<T> = weight.collect();
        let ghosts = [0, layout.row - 1].map(|end| beside(end, layout.row, layout.periodic[2]));
        let (lead, stride) = (Padded::lead::<T>(), Padded::stride::<T>(layout.row));
        let mut padded = aligned(layout.slabs * layout.rows * stride, T::default());
        for (padded, row) in padded.chunks_mut(stride).zip(weight.chunks(layout.row)) {
            padded[lead - 1] = row[ghosts[0][0]];
            padded[lead..][..layout.row].copy_from_slice(row);
            padded[lead + layout.row] = row[ghosts[1][1]];
        }
        let values = |count: usize| vec![T::default(); count];
        let nodes = layout.rows * Padded::stride::<T>(layout.columns);
        let blocks = layout.slabs.div_ceil(layout.slabs_per_block);
        let scratch = (0..blocks).map(|_| Scratch {
            halo: [(); 2].map(|()| values(layout.slab_cells())),
            nodes: [(); 3].map(|()| aligned(nodes, T::default())),
            left: values(layout.slabs_per_block * layout.rows),
            first: values(layout.slabs_per_block * layout.rows),
        });
        Self {
            layout,
            arch: Arch::new(),
            ratio: aligned(layout.cells(), T::constant(1.0)),
            weight: padded,
            start: Vec::new(),
            scratch: scratch.collect(),
        }
    }

    /// The ratio in every cell, x fastest.
    pub fn ratio(&self) -> &[T] {
        &self.ratio
    }

    /// Sets the ratio in every cell; `ratio` has one number a cell, x fastest.
    pub fn load(&mut self, ratio: impl Iterator<Item = T>) {
        for (own, ratio) in self.ratio.iter_mut().zip(ratio) {
            *own = ratio;
        }
    }

    /// Makes `steps` steps of the stages with the given shares of the starting value; `scale` is time step / h² for x, y, z.
    pub fn run<S: Sweep>(&mut self, shares: &[f64], scale: [f64; 3], steps: usize) {
        let scale = scale.map(T::constant);
        let keep_start = shares.iter().any(|share| *share != 0.0);
        for _ in 0..steps {
            if keep_start {
                self.start.clear();
                self.start.extend_from_slice(&self.ratio);
            }
            for share in shares {
                self.stage::<S>(*share, scale);
            }
        }
    }

    fn stage<S: Sweep>(&mut self, share: f64, scale: [T; 3]) {
        let Self {
            layout,
            arch,
            ratio,
            weight,
            start,
            scratch,
        } = self;
        let (layout, arch) = (*layout, *arch);
        let block_cells = layout.slabs_per_block * layout.slab_cells();
        let serial = layout.cells() <= SERIAL_CELLS;

        let fill = |(block, scratch): (usize, &mut Scratch<T>)| {
            let first = block * layout.slabs_per_block;
            let last = layout.slabs.min(first + layout.slabs_per_block) - 1;
            let halo_of = [layout.neighbours(first)[0], layout.neighbours(last)[1]];
            for (halo, slab) in scratch.halo.iter_mut().zip(halo_of) {
                let cells = slab * layout.slab_cells();
                halo.copy_from_slice(&ratio[cells..cells + layout.slab_cells()]);
            }
        };
        if serial {
            scratch.iter_mut().enumerate().for_each(fill);
        } else {
            scratch.par_iter_mut().enumerate().for_each(fill);
        }

        let sweep = |((block, values), scratch): ((usize, &mut [T]), &mut Scratch<T>)| {
            let cells = block * block_cells;
            let start = match share {
                0.0 => None,
                _ => Some((&start[cells..cells + values.len()], T::constant(share))),
            };
            let first = block * layout.slabs_per_block;
            let sweep = std::marker::PhantomData::<S>;
            arch.dispatch(Block {
                layout,
                first,
                weight,
                start,
                values,
                scratch,
                scale,
                sweep,
            });
        };
        if serial {
            let blocks = ratio.chunks_mut(block_cells).enumerate();
            blocks.zip(scratch.iter_mut()).for_each(sweep);
        } else {
            let blocks = ratio.par_chunks_mut(block_cells).enumerate();
            blocks.zip(scratch.par_iter_mut()).for_each(sweep);
        }
    }
}

/// Runs a kernel compiled for the vector instructions of the processor. Its `call`, and what that calls, is to be `#[inline(always)]`.
/// A kernel that counts registers itself implements [`WithSimd`].
pub fn vectorised<K: WithSimd>(kernel: K) -> K::Output {
    Arch::new().dispatch(kernel)
}

/// The vector instructions that the sweeps use on this machine.
pub fn instructions() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    return match Arch::new() {
        Arch::V4(_) => "AVX-512",
        Arch::V3(_) => "AVX2",
        _ => "SSE2",
    };
    #[cfg(target_arch = "aarch64")]
    return "NEON";
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return "scalar";
}

/// One block of one stage.
struct Block<'a, T, S> {
    layout: Layout,
    /// Number of the block's first slab.
    first: usize,
    weight: &'a [T],
    /// The block's values at the start of the step and their share in the result.
    start: Option<(&'a [T], T)>,
    values: &'a mut [T],
    scratch: &'a mut Scratch<T>,
    scale: [T; 3],
    sweep: std::marker::PhantomData<S>,
}

impl<T: Scalar, S: Sweep> pulp::NullaryFnOnce for Block<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn call(mut self) {
        let Layout { row, columns, .. } = self.layout;
        for tile in 0..row.div_ceil(columns) {
            self.tile(tile * columns, row.min((tile + 1) * columns));
        }
    }
}

impl<T: Scalar, S: Sweep> Block<'_, T, S> {
    /// Updates the columns `x0..x1` of the block, slab after slab, each when the node values of the next are there.
    #[inline(always)]
    fn tile(&mut self, x0: usize, x1: usize) {
        let count = self.values.len() / self.layout.slab_cells();
        for number in 0..count + 2 {
            self.fill(number, count, x0, x1);
            if number >= 2 {
                for row in 0..self.layout.rows {
                    self.update(number - 2, row, x0, x1);
                }
            }
        }
    }

    /// Node values of a slab into its slot, `number` modulo three: 0 is the halo before the block, 1 its first slab, `count` + 1 the halo
    /// after it. Of its own slabs it keeps the old values that later tiles need.
    #[inline(always)]
    fn fill(&mut self, number: usize, count: usize, x0: usize, x1: usize) {
        let Layout {
            row,
            rows,
            periodic,
            ..
        } = self.layout;
        let Scratch {
            halo,
            nodes,
            left,
            first,
        } = &mut *self.scratch;
        let (lead, stride) = (
            Padded::lead::<T>(),
            Padded::stride::<T>(self.layout.columns),
        );
        for index in 0..rows {
            let own = (number >= 1 && number <= count).then(|| (number - 1) * rows + index);
            let values = match own {
                Some(own) => &self.values[own * row..][..row],
                None => &halo[number.min(1)][index * row..][..row],
            };
            let mut ghosts = [
                values[beside(x0, row, periodic[2])[0]],
                values[beside(x1 - 1, row, periodic[2])[1]],
            ];
            let mut soon: [&[T]; 2] = [&[], &[]];
            if let Some(own) = own {
                // The tiles before have already updated what lies to the left, and the first column.
                if x0 == 0 {
                    first[own] = values[0];
                    left[own] = ghosts[0];
                }
                ghosts[0] = std::mem::replace(&mut left[own], values[x1 - 1]);
                if x1 == row && periodic[2] {
                    ghosts[1] = first[own];
                }
                let next = (own + rows) * row;
                let next_weight =
                    ((self.first + number) * rows + index) * Padded::stride::<T>(row) + lead;
                soon = [
                    self.values.get(next + x0..next + x1).unwrap_or_default(),
                    self.weight
                        .get(next_weight + x0..next_weight + x1)
                        .unwrap_or_default(),
                ];
            }
            let nodes = &mut nodes[number % 3][index * stride + lead - 1..];
            fill_nodes::<T, S>(&values[x0..x1], ghosts, nodes, soon);
        }
    }

    /// Updates one row of the tile from the node values of its own slab and of the slabs beside.
    #[inline(always)]
    fn update(&mut self, slab: usize, row: usize, x0: usize, x1: usize) {
        let layout = self.layout;
        let [x, y, z] = self.scale;
        let width = x1 - x0 + 2;
        let lead = Padded::lead::<T>();
        let [weight_stride, node_stride] = [layout.row, layout.columns].map(Padded::stride::<T>);
        let [before, after] = layout.neighbours(self.first + slab);
        let [above, below] = beside(row, layout.rows, layout.periodic[1]);
        let nodes = &self.scratch.nodes;
        let side = |slab: usize, slot: usize, row: usize| Side {
            weight: &self.weight[(slab * layout.rows + row) * weight_stride + lead - 1 + x0..]
                [..width],
            nodes: &nodes[slot % 3][row * node_stride + lead - 1..][..width],
        };
        let own = side(self.first + slab, slab + 1, row);
        let cells = (slab * layout.rows + row) * layout.row;
        let cells = cells + x0..cells + x1;
        let start = self
            .start
            .map(|(start, share)| (&start[cells.clone()], share));
        let values = &mut self.values[cells];
        match (layout.slabs, layout.rows) {
            (1, _) => update::<T, S, 0>(values, start, own, [], x, []),
            (_, 1) => {
                let sides = [side(before, slab, 0), side(after, slab + 2, 0)];
                update::<T, S, 2>(values, start, own, sides, x, [y, y]);
            }
            _ => {
                let number = self.first + slab;
                let sides = [
                    side(number, slab + 1, above),
                    side(number, slab + 1, below),
                    side(before, slab, row),
                    side(after, slab + 2, row),
                ];
                update::<T, S, 4>(values, start, own, sides, x, [y, y, z, z]);
            }
        }
    }
}
