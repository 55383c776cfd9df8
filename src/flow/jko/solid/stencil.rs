//! Symmetric matrices that couple nodes at most two apart along each axis: those of quadratic splines, on every level of the multigrid.
//!
//! Of the two entries of a pair of nodes one is kept, at the node that comes first: offsets after that of the diagonal. What a node lacks is
//! read at its neighbours. The diagonal is what the row sums leave, which are known to their last digits however small they are beside the entries. So
//! entries of f32, none of them above the exact ones, make a matrix that no vector sees less of than of the exact one: beside a diagonal that makes up for
//! it, an entry a_ij that is smaller by e adds e (x_i − x_j)² to the energy.

use super::assembly::{Assembly, Shape};
use super::deposit::{Masses, Order, Places, by_slabs, moments};
use super::lattice::{Lattice, LatticeAxis};
use super::number::Number;
use super::pack::{LocalPack, Pack};
use super::passes;
use super::rows::Product;
use crate::backend::cpu::vectorised;

/// Offsets −2 … 2 along an axis.
pub(super) const WIDTH: usize = 5;
/// Numbers in a quarter of a line of a cache, and the length from which on runs are padded.
const QUARTER: usize = 4;
const LONG: usize = 64;

/// What places add to a matrix: each its mass times B_k B_l, and Σ_ab `flux`_ab ∂_a B_k ∂_b B_l.
pub(super) trait Weigh: Sync {
    /// Whether any `flux` is not zero.
    const FLUX: bool;

    fn places(&self) -> Places<'_>;

    fn masses(&self) -> &[f64];

    /// The fluxes (00, 11, 22, 01, 02, 12) of several places, at most [`PLACES`](super::pack::PLACES). To be `#[inline(always)]`.
    fn flux<const MIDDLE: usize>(&self, numbers: &[u32], local: &[LocalPack; 3]) -> [Pack; 6];
}

/// 2 to this is what a typical large entry is brought to: in f32 there is room for some 10²⁰ times as much, and for 10⁻⁵⁶ of it.
const LEVEL: i32 = 60;
/// What sizes are taken for at least and at most.
const SIZES: [f64; 2] = [1e-250, 1e250];

/// The largest power of two that is no more than a positive number.
pub(super) fn power_of_two(size: f64) -> f64 {
    let [least, most] = SIZES;
    let exponent = size.max(least).min(most).to_bits() & f64::INFINITY.to_bits();
    f64::from_bits(exponent)
}

/// The power of two that a matrix with entries of up to about `size` is multiplied by.
pub(super) fn scale_of(size: f64) -> f64 {
    2.0_f64.powi(LEVEL) / power_of_two(size)
}

/// A symmetric matrix with the numbers of a row of nodes together: offset by offset, from that after the diagonal on, each a run along x.
#[derive(Clone, Debug)]
pub(super) struct Stencil<N = f32> {
    pub lattice: Lattice,
    /// Offsets of a node, (d0 − 2, d1 − 2, d2 − 2) with d2 fastest, and those that are kept.
    pub offsets: usize,
    pub kept: usize,
    /// Numbers from one offset to the next.
    pub run: usize,
    /// What the matrix has been multiplied by.
    pub scale: f64,
    /// With one slab before the first and one after the last; none while it is released.
    values: Vec<N>,
    /// Row sums.
    pub excess: Vec<f64>,
    /// What these leave, once [`Stencil::set_diagonal`] has been called.
    pub diagonal: Vec<f64>,
}

/// Offsets along the middle axis.
pub(super) fn middle_width(lattice: &Lattice) -> usize {
    if lattice.axes[1].missing { 1 } else { WIDTH }
}

/// Numbers from one offset to the next.
pub(super) fn run_of(lattice: &Lattice) -> usize {
    // Long runs begin an odd number of quarters apart: powers of two would share few places in the caches.
    match lattice.axes[2].count {
        nodes @ ..LONG => nodes,
        nodes => (nodes.div_ceil(QUARTER) | 1) * QUARTER,
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

impl<N: Number> Stencil<N> {
    pub fn new(lattice: Lattice) -> Self {
        let offsets = WIDTH * middle_width(&lattice) * WIDTH;
        let mut stencil = Self {
            lattice,
            offsets,
            kept: offsets / 2,
            run: run_of(&lattice),
            scale: 1.0,
            values: Vec::new(),
            excess: vec![0.0; lattice.len()],
            diagonal: vec![0.0; lattice.len()],
        };
        stencil.hold();
        stencil
    }

    /// Takes the memory of its numbers, if it has been released.
    pub fn hold(&mut self) {
        if self.values.is_empty() {
            self.values = vec![N::default(); (self.lattice.axes[0].count + 2) * self.slab()];
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
    pub fn rows(&self) -> &[N] {
        let slab = self.slab();
        &self.values[slab..][..self.lattice.axes[0].count * slab]
    }

    pub fn rows_mut(&mut self) -> &mut [N] {
        let slab = self.slab();
        &mut self.values[slab..][..self.lattice.axes[0].count * slab]
    }

    /// Adds a multiple of the entries of a row of nodes at any offset.
    pub fn add_entries(&self, weight: f64, row: [usize; 2], offset: usize, to: &mut [f64]) {
        let axes = &self.lattice.axes;
        let nodes = axes[2].count;
        let number = |[slow, middle]: [usize; 2]| slow * axes[1].count + middle;
        let run = |row: [usize; 2], kept: usize| {
            &self.rows()[number(row) * self.row() + kept * self.run..][..nodes]
        };
        let centre = self.offsets / 2;
        if offset > centre {
            return add_run(weight, run(row, offset - centre - 1), 0, &axes[2], to);
        }
        if offset == centre {
            let own = &self.diagonal[number(row) * nodes..][..nodes];
            return add_run(weight, own, 0, &axes[2], to);
        }
        // a_ij is a_ji, which is kept at the other node.
        let width = middle_width(&self.lattice);
        let across = offset / WIDTH;
        let (slow, middle) = (across / width, across % width);
        let slow = axes[0].beside_by(row[0], slow as isize - 2);
        let middle = axes[1].beside_by(row[1], middle as isize - (width / 2) as isize);
        if let (Some(slow), Some(middle)) = (slow, middle) {
            let from = run([slow, middle], centre - offset - 1);
            let shift = (offset % WIDTH) as isize - 2;
            add_run(weight, from, shift, &axes[2], to);
        }
    }

    /// The entries of a row of nodes at all offsets, each offset with as many numbers as one that is kept.
    pub fn expand(&self, number: usize, out: &mut [f64]) {
        let axes = &self.lattice.axes;
        let row = [number / axes[1].count, number % axes[1].count];
        out.fill(0.0);
        for (offset, out) in out.chunks_mut(self.run).enumerate() {
            self.add_entries(1.0, row, offset, &mut out[..axes[2].count]);
        }
    }

    /// Takes on a matrix with the entries of all offsets, and its row sums; returns the diagonal among the entries.
    pub fn take(&mut self, all: &[f32], excess: &[f32]) -> Vec<f64> {
        let (nodes, run, kept) = (self.lattice.axes[2].count, self.run, self.row());
        let (whole, centre) = (self.offsets * run, self.offsets / 2 * run);
        for (row, all) in self.rows_mut().chunks_mut(kept).zip(all.chunks(whole)) {
            for (value, single) in row.iter_mut().zip(&all[centre + run..]) {
                *value = N::down(f64::from(*single));
            }
        }
        for (excess, single) in self.excess.iter_mut().zip(excess) {
            *excess = f64::from(*single);
        }
        self.set_diagonal();
        let own = all.chunks(whole).flat_map(|all| &all[centre..][..nodes]);
        own.map(|single| f64::from(*single)).collect()
    }

    /// Sums what all places add (eq. 30), multiplied by a power of two, but for the diagonal; `padded` as for [`moments`].
    pub fn assemble(&mut self, order: &Order, weigh: &impl Weigh, scale: f64, padded: &mut [f64]) {
        self.hold();
        self.scale = scale;
        let (lattice, shape) = (self.lattice, self.shape());
        by_slabs(&lattice, &mut self.values, shape.slab, |slab, numbers| {
            let matrix = &shape;
            if lattice.axes[1].missing {
                vectorised(Assembly::<_, _, 1, 9, 12> {
                    matrix,
                    order,
                    slab,
                    weigh,
                    scale,
                    numbers,
                });
            } else {
                vectorised(Assembly::<_, _, 3, 27, 28> {
                    matrix,
                    order,
                    slab,
                    weigh,
                    scale,
                    numbers,
                });
            }
        });
        // Splines sum to 1, and their slopes to 0.
        let masses = Masses::Of(weigh.masses());
        let excess = &mut self.excess;
        moments(&lattice, order, weigh.places(), masses, padded, excess);
        passes::each(excess, |_, excess| *excess *= scale);
    }

    /// Makes the diagonal, once all other entries and the row sums are there.
    pub fn set_diagonal(&mut self) {
        let ones = vec![1.0; self.lattice.axes[2].count];
        let mut diagonal = std::mem::take(&mut self.diagonal);
        let excess = &self.excess;
        self.others((&ones, 0), &mut diagonal, |node, others| {
            excess[node] - others
        });
        self.diagonal = diagonal;
    }

    /// Multiplies the diagonal by 1 + `relative` and adds `absolute`.
    pub fn lift_diagonal(&mut self, relative: f64, absolute: f64) {
        for (diagonal, excess) in self.diagonal.iter_mut().zip(&mut self.excess) {
            let lift = relative * *diagonal + absolute;
            *diagonal += lift;
            *excess += lift;
        }
    }

    /// What `take(node, product)` makes of the product with all but the diagonal; rows of x are `pitch` numbers apart.
    fn others(
        &self,
        (x, pitch): (&[f64], usize),
        out: &mut [f64],
        take: impl Fn(usize, f64) -> f64 + Sync,
    ) {
        passes::chunks(out, self.lattice.slab(), |slab, out| {
            vectorised(Product {
                matrix: self,
                x,
                pitch,
                slab,
                out,
                take: &take,
            });
        });
    }

    /// A·x into `out`.
    pub fn apply(&self, x: &[f64], out: &mut [f64]) {
        self.apply_and(x, out, |_, product| product);
    }

    /// What `take(node, product)` makes of A·x into `out`.
    pub fn apply_and(&self, x: &[f64], out: &mut [f64], take: impl Fn(usize, f64) -> f64 + Sync) {
        let diagonal = &self.diagonal;
        self.others((x, self.lattice.axes[2].count), out, |node, others| {
            take(node, others + diagonal[node] * x[node])
        });
    }
}

/// Adds a multiple of the entries of a row of nodes: number x is at x + `shift` in `from`.
#[inline(always)]
fn add_run<N: Number>(weight: f64, from: &[N], shift: isize, axis: &LatticeAxis, to: &mut [f64]) {
    let nodes = to.len();
    let (skipped, beyond) = match shift {
        0.. => (0, shift.unsigned_abs().min(nodes)),
        _ => (shift.unsigned_abs().min(nodes), 0),
    };
    let inner = nodes - skipped - beyond;
    let pairs = to[skipped..][..inner].iter_mut().zip(&from[beyond..]);
    for (to, from) in pairs {
        *to += weight * from.wide();
    }
    if axis.periodic {
        for x in (0..skipped).chain(nodes - beyond..nodes) {
            to[x] += weight * from[axis.fold(x as isize + shift)].wide();
        }
    }
}
