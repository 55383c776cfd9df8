//! Where cells lie in memory: slabs, rows, tiles, and rows with ghosts whose numbers begin a cache line.

use aligned_vec::{AVec, ConstAlign};

use crate::calculus::Scalar;
use crate::grid::{Boundary, Grid};

/// Cells that a block should hold: enough to hide the halo, few enough to balance the threads.
const BLOCK_CELLS: usize = 1 << 16;
/// Node values that stay in the first caches while a tile is swept, in the three slabs that are needed at a time.
const TILE_NODES: usize = 4096;
/// Columns below which a tile's rows are too short for the vector units.
const TILE_COLUMNS: usize = 192;

/// Bytes of a cache line, which is also the widest vector: a vector that crosses a line costs two accesses.
const LINE: usize = 64;

/// Numbers in memory from the start of a cache line on.
pub type Aligned<T> = AVec<T, ConstAlign<LINE>>;

/// `count` times `value`.
pub fn aligned<T: Scalar>(count: usize, value: T) -> Aligned<T> {
    let mut numbers = AVec::new(LINE);
    numbers.resize(count, value);
    numbers
}

/// A row of numbers with a ghost at either end, laid out so that its own numbers begin a cache line.
pub(super) struct Padded;

impl Padded {
    /// Place of the first of the row's own numbers; the ghost before it is at the place before.
    pub const fn lead<T>() -> usize {
        LINE / size_of::<T>()
    }

    /// Places from one row to the next.
    pub const fn stride<T>(columns: usize) -> usize {
        (Self::lead::<T>() + columns + 1).next_multiple_of(Self::lead::<T>())
    }
}

/// The shape of the cells as the loops see them: `slabs` × `rows` × `row`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub slabs: usize,
    pub rows: usize,
    pub row: usize,
    pub slabs_per_block: usize,
    /// Columns in a tile.
    pub columns: usize,
    /// Periodic along the slabs, along the rows of a slab, along a row.
    pub periodic: [bool; 3],
}

impl Layout {
    pub fn new(grid: &Grid) -> Self {
        let periodic = |axis: usize| {
            let axis = grid.axes().get(axis);
            axis.is_some_and(|axis| axis.boundary == Boundary::Periodic)
        };
        let (nz, ny, nx) = grid.shape();
        let (slabs, rows, periodic) = match grid.dimension() {
            1 => (1, 1, [false, false, periodic(0)]),
            2 => (ny, 1, [periodic(1), false, periodic(0)]),
            _ => (nz, ny, [periodic(2), periodic(1), periodic(0)]),
        };
        let slabs_per_block = BLOCK_CELLS.div_ceil(rows * nx).clamp(1, slabs);
        let tiles = nx.div_ceil((TILE_NODES / rows).max(TILE_COLUMNS));
        let columns = nx.div_ceil(tiles).next_multiple_of(LINE / size_of::<f32>());
        Self {
            slabs,
            rows,
            row: nx,
            slabs_per_block,
            columns,
            periodic,
        }
    }

    pub fn slab_cells(&self) -> usize {
        self.rows * self.row
    }

    pub fn cells(&self) -> usize {
        self.slabs * self.slab_cells()
    }

    /// The slabs beside `slab`; itself at a side that lets nothing through.
    pub fn neighbours(&self, slab: usize) -> [usize; 2] {
        beside(slab, self.slabs, self.periodic[0])
    }
}

/// The indices before and after `index`, wrapped when periodic, itself at a closed end.
#[inline(always)]
pub(super) fn beside(index: usize, count: usize, periodic: bool) -> [usize; 2] {
    let before = match index {
        0 if periodic => count - 1,
        0 => 0,
        _ => index - 1,
    };
    let after = match index + 1 {
        next if next < count => next,
        _ if periodic => 0,
        _ => index,
    };
    [before, after]
}
