//! Symmetric matrices that couple nodes at most two apart along each axis: those of quadratic splines, on every level of the multigrid.
//!
//! Of the two entries of a pair of nodes one is kept, at the node that comes first: offsets from that of the diagonal on. What a node lacks is
//! read at its neighbours.

use super::assembly::{Assembly, Shape};
use super::deposit::{Order, by_slabs};
use super::lattice::{Lattice, LatticeAxis, Point};
use super::pack::{LocalPack, Pack};
use super::passes;
use super::rows::Product;
use crate::backend::cpu::vectorised;

/// Offsets −2 … 2 along an axis.
pub(super) const WIDTH: usize = 5;
/// Numbers in a line of a cache, and the length from which on runs are padded.
const LINE: usize = 8;
const LONG: usize = 64;

/// What a place adds to a matrix: `mass` B_k B_l + Σ_ab `flux`_ab ∂_a B_k ∂_b B_l, at several places.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    pub mass: Pack,
    /// 00, 11, 22, 01, 02, 12.
    pub flux: [Pack; 6],
}

/// What places add to a matrix.
pub(super) trait Weigh: Sync {
    /// Whether any `flux` is not zero.
    const FLUX: bool;

    /// Where a place is.
    fn place(&self, number: usize) -> Point;

    /// The weights of several places, at most [`PLACES`]. To be `#[inline(always)]`.
    fn weights<const MIDDLE: usize>(&self, numbers: &[u32], local: &[LocalPack; 3]) -> Weights;
}

/// A symmetric matrix with the numbers of a row of nodes together: offset by offset, from that of the diagonal on, each a run along x.
#[derive(Clone, Debug)]
pub(super) struct Stencil {
    pub lattice: Lattice,
    /// Offsets of a node, (d0 − 2, d1 − 2, d2 − 2) with d2 fastest, and those that are kept.
    pub offsets: usize,
    pub kept: usize,
    /// Numbers from one offset to the next.
    pub run: usize,
    /// With one slab before the first and one after the last; none while it is released.
    values: Vec<f64>,
    pub diagonal: Vec<f64>,
}

/// Offsets along the middle axis.
pub(super) fn middle_width(lattice: &Lattice) -> usize {
    if lattice.axes[1].missing { 1 } else { WIDTH }
}

/// Numbers from one offset to the next.
pub(super) fn run_of(lattice: &Lattice) -> usize {
    // Long runs begin an odd number of cache lines apart: powers of two would share few places in the caches.
    match lattice.axes[2].count {
        nodes @ ..LONG => nodes,
        nodes => (nodes.div_ceil(LINE) | 1) * LINE,
    }
}

/// Numbers of a matrix with all offsets.
pub(super) fn entries(lattice: &Lattice) -> usize {
    let offsets = WIDTH * middle_width(lattice) * WIDTH;
    lattice.axes[0].count * lattice.axes[1].count * run_of(lattice) * offsets
}

/// The nodes beside a lattice cell on one axis, and their offsets from each other.
pub(super) struct Beside {
    pub nodes: [usize; 3],
    pub offsets: [[usize; 3]; 3],
}

impl Beside {
    #[inline(always)]
    pub fn new(axis: &LatticeAxis, cell: usize) -> Self {
        let nodes = [0, 1, 2].map(|beside| axis.fold((cell + beside) as isize - 1));
        let offset = |from: usize, to: usize| match (axis.missing, axis.periodic) {
            (true, _) => 0,
            // On a short ring there are two ways from one node to another.
            (false, true) => 2 + to - from,
            (false, false) => 2 + nodes[to] - nodes[from],
        };
        Self {
            nodes,
            offsets: [0, 1, 2].map(|from| [0, 1, 2].map(|to| offset(from, to))),
        }
    }
}

/// A run of entries: number x is at x + `shift` in `from`.
pub(super) struct Run<'a> {
    pub from: &'a [f64],
    pub shift: isize,
}

impl Stencil {
    pub fn new(lattice: Lattice) -> Self {
        let offsets = WIDTH * middle_width(&lattice) * WIDTH;
        let kept = offsets / 2 + 1;
        let mut stencil = Self {
            lattice,
            offsets,
            kept,
            run: run_of(&lattice),
            values: Vec::new(),
            diagonal: vec![0.0; lattice.len()],
        };
        stencil.hold();
        stencil
    }

    /// Takes the memory of its numbers, if it has been released.
    pub fn hold(&mut self) {
        if self.values.is_empty() {
            self.values = vec![0.0; (self.lattice.axes[0].count + 2) * self.slab()];
        }
    }

    /// Gives the memory of its numbers back; they must be made anew before they are used.
    pub fn release(&mut self) {
        self.values = Vec::new();
    }

    fn shape(&self) -> Shape {
        Shape {
            lattice: self.lattice,
            run: self.run,
            row: self.row(),
            slab: self.slab(),
        }
    }

    /// Numbers of a slab.
    pub fn slab(&self) -> usize {
        self.lattice.axes[1].count * self.row()
    }

    /// Numbers of a row of nodes.
    pub fn row(&self) -> usize {
        self.run * self.kept
    }

    /// The rows of nodes, one after the other.
    pub fn rows(&self) -> &[f64] {
        let slab = self.slab();
        &self.values[slab..][..self.lattice.axes[0].count * slab]
    }

    pub fn rows_mut(&mut self) -> &mut [f64] {
        let slab = self.slab();
        &mut self.values[slab..][..self.lattice.axes[0].count * slab]
    }

    /// The entries of a row of nodes at any offset; none where there are no nodes.
    pub fn entries(&self, row: [usize; 2], offset: usize) -> Option<Run<'_>> {
        let axes = &self.lattice.axes;
        let centre = self.offsets / 2;
        let numbers = |[slow, middle]: [usize; 2], kept: usize| {
            let row = (slow * axes[1].count + middle) * self.row();
            &self.rows()[row + kept * self.run..][..axes[2].count]
        };
        if let Some(kept) = offset.checked_sub(centre) {
            let from = numbers(row, kept);
            return Some(Run { from, shift: 0 });
        }
        // a_ij is a_ji, which is kept at the other node.
        let width = middle_width(&self.lattice);
        let across = offset / WIDTH;
        let other = [
            axes[0].beside_by(row[0], (across / width) as isize - 2)?,
            axes[1].beside_by(row[1], (across % width) as isize - (width / 2) as isize)?,
        ];
        Some(Run {
            from: numbers(other, centre - offset),
            shift: (offset % WIDTH) as isize - 2,
        })
    }

    /// Calls `write(place, value)` for the entries of a row of nodes at all offsets, each offset with as many numbers as one that is kept.
    pub fn expand(&self, number: usize, mut write: impl FnMut(usize, f64)) {
        let axes = &self.lattice.axes;
        let row = [number / axes[1].count, number % axes[1].count];
        for offset in 0..self.offsets {
            let entries = self.entries(row, offset);
            for x in 0..axes[2].count {
                let value = entries.as_ref().and_then(|run| {
                    let node = axes[2].beside_by(x, run.shift)?;
                    Some(run.from[node])
                });
                write(offset * self.run + x, value.unwrap_or(0.0));
            }
        }
    }

    /// Takes on a matrix with the entries of all offsets.
    pub fn take(&mut self, all: &[f32]) {
        let (kept, before) = (self.row(), (self.offsets - self.kept) * self.run);
        let rows = self.rows_mut().chunks_mut(kept);
        for (row, all) in rows.zip(all.chunks(before + kept)) {
            for (value, single) in row.iter_mut().zip(&all[before..]) {
                *value = f64::from(*single);
            }
        }
        self.read_diagonal();
    }

    /// Sums what all places add (eq. 30).
    pub fn assemble(&mut self, order: &Order, weigh: &impl Weigh) {
        self.hold();
        let (lattice, shape) = (self.lattice, self.shape());
        by_slabs(&lattice, &mut self.values, shape.slab, |slab, numbers| {
            let matrix = &shape;
            if lattice.axes[1].missing {
                vectorised(Assembly::<_, 1, 9, 12> {
                    matrix,
                    order,
                    slab,
                    weigh,
                    numbers,
                });
            } else {
                vectorised(Assembly::<_, 3, 27, 28> {
                    matrix,
                    order,
                    slab,
                    weigh,
                    numbers,
                });
            }
        });
        self.read_diagonal();
    }

    /// Multiplies the diagonal by 1 + `relative` and adds `absolute`.
    pub fn lift_diagonal(&mut self, relative: f64, absolute: f64) {
        let (nodes, row) = (self.lattice.axes[2].count, self.row());
        for row in self.rows_mut().chunks_mut(row) {
            for value in &mut row[..nodes] {
                *value += relative * *value + absolute;
            }
        }
        self.read_diagonal();
    }

    /// Adds to the entry of every node on the diagonal.
    pub fn shift_diagonal(&mut self, shifts: &[f64]) {
        let (nodes, row) = (self.lattice.axes[2].count, self.row());
        let rows = self.rows_mut().chunks_mut(row);
        for (row, shifts) in rows.zip(shifts.chunks(nodes)) {
            for (value, shift) in row.iter_mut().zip(shifts) {
                *value += shift;
            }
        }
        self.read_diagonal();
    }

    pub fn read_diagonal(&mut self) {
        let (nodes, slab, row) = (self.lattice.axes[2].count, self.slab(), self.row());
        let rows = self.values[slab..].chunks(row);
        for (diagonal, row) in self.diagonal.chunks_mut(nodes).zip(rows) {
            diagonal.copy_from_slice(&row[..nodes]);
        }
    }

    /// A·x into `out`.
    pub fn apply(&self, x: &[f64], out: &mut [f64]) {
        self.apply_and(x, out, |_, product| product);
    }

    /// What `take(node, product)` makes of A·x into `out`.
    pub fn apply_and(&self, x: &[f64], out: &mut [f64], take: impl Fn(usize, f64) -> f64 + Sync) {
        passes::chunks(out, self.lattice.slab(), |slab, out| {
            vectorised(Product {
                matrix: self,
                x,
                slab,
                out,
                take: &take,
            });
        });
    }
}
