//! The assembly of a matrix from places, one slab of the lattice at a time (docs/mathematics.md, eq. 30): summed in f64 for the rows of nodes at hand.

use super::deposit::{Order, slab_of};
use super::iterate::gathered;
use super::lattice::Lattice;
use super::number::Number;
use super::pack::{LocalPack, PLACES, splat, transposed};
use super::stencil::{Beside, WIDTH, Weigh, middle_width};
use crate::backend::cpu::Kernel;

/// Numbers of a vector: entries are computed by so many.
const VECTOR: usize = 4;

/// The entries that the places of one lattice cell make, those below the diagonal left out by whole vectors; rows padded to whole ones.
struct Block<const NODES: usize, const ROW: usize>([[f64; ROW]; NODES]);

impl<const NODES: usize, const ROW: usize> Block<NODES, ROW> {
    /// Adds the products of the splines at one place.
    #[inline(always)]
    fn add(&mut self, splines: &[[f64; ROW]; 4], mass: f64, flux: Option<&[f64; 6]>) {
        let [v, g0, g1, g2] = splines
            .each_ref()
            .map(|numbers| numbers.as_chunks::<VECTOR>().0);
        for (k, row) in self.0.iter_mut().enumerate() {
            let row: &mut [[f64; VECTOR]] = row.as_chunks_mut().0;
            let [own, s0, s1, s2] = splines.each_ref().map(|numbers| numbers[k]);
            let own = mass * own;
            let Some(&[a, b, c, d, e, f]) = flux else {
                for part in k / VECTOR..ROW / VECTOR {
                    for l in 0..VECTOR {
                        row[part][l] += own * v[part][l];
                    }
                }
                continue;
            };
            if NODES == 9 {
                let (f0, f2) = (a * s0 + e * s2, e * s0 + c * s2);
                for part in k / VECTOR..ROW / VECTOR {
                    for l in 0..VECTOR {
                        row[part][l] += own * v[part][l] + (f0 * g0[part][l] + f2 * g2[part][l]);
                    }
                }
                continue;
            }
            let f0 = a * s0 + d * s1 + e * s2;
            let f1 = d * s0 + b * s1 + f * s2;
            let f2 = e * s0 + f * s1 + c * s2;
            for part in k / VECTOR..ROW / VECTOR {
                for l in 0..VECTOR {
                    row[part][l] +=
                        own * v[part][l] + (f0 * g0[part][l] + f1 * g1[part][l] + f2 * g2[part][l]);
                }
            }
        }
    }
}

/// What the places of one slab add to the rows of three.
pub(super) struct Assembly<'a, W, N, const MIDDLE: usize, const NODES: usize, const ROW: usize> {
    pub matrix: &'a Shape,
    pub order: &'a Order,
    pub slab: usize,
    pub weigh: &'a W,
    pub scale: f64,
    pub numbers: &'a mut [N],
}

impl<W: Weigh, N: Number, const MIDDLE: usize, const NODES: usize, const ROW: usize> Kernel
    for Assembly<'_, W, N, MIDDLE, NODES, ROW>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let lattice = &self.matrix.lattice;
        let cells = self.slab * lattice.slab()..(self.slab + 1) * lattice.slab();
        let mut block = Block::<NODES, ROW>([[0.0; ROW]; NODES]);
        let mut window = Window::<N, MIDDLE>::new(self.matrix, self.slab, self.numbers);
        let mut left = None;
        let mut splines = [[[0.0; ROW]; 4]; PLACES];
        let (at, masses, scale) = (self.weigh.places(), self.weigh.masses(), splat(self.scale));
        for places in self.order.of(cells).chunks(PLACES) {
            let packed = transposed(places.len(), |lane| at.at(places[lane] as usize));
            let local = lattice.local_pack(&packed);
            let mass = scale * gathered(places.len(), |lane| masses[places[lane] as usize]);
            let flux = self.weigh.flux::<MIDDLE>(places, &local);
            let flux = flux.map(|entry| scale * entry);
            tensors::<MIDDLE, ROW>(&local, W::FLUX, &mut splines);
            for (lane, splines) in splines.iter().enumerate().take(places.len()) {
                let cell = [0, 1, 2].map(|axis| local[axis].cell[lane]);
                if left != Some(cell) {
                    if let Some(cell) = left.replace(cell) {
                        window.scatter(cell, &block);
                    }
                    block.0 = [[0.0; ROW]; NODES];
                }
                let flux = flux.map(|entry| entry.0[lane]);
                block.add(splines, mass.0[lane], W::FLUX.then_some(&flux));
            }
        }
        if let Some(cell) = left {
            window.scatter(cell, &block);
        }
        window.pass((lattice.axes[1].count + MIDDLE / 2) as isize);
    }
}

/// The splines at each of several places, and if `slopes` their derivatives along each axis.
#[inline(always)]
fn tensors<const MIDDLE: usize, const ROW: usize>(
    local: &[LocalPack; 3],
    slopes: bool,
    splines: &mut [[[f64; ROW]; 4]; PLACES],
) {
    for a in 0..3 {
        for b in 0..MIDDLE {
            let (v0, s0) = (local[0].values[a], local[0].slopes[a]);
            let beside = if MIDDLE == 1 { 1 } else { b };
            let (v1, s1) = (local[1].values[beside], local[1].slopes[beside]);
            let across = if MIDDLE == 1 {
                [v0, s0, v0]
            } else {
                [v0 * v1, s0 * v1, v0 * s1]
            };
            for c in 0..3 {
                let (v2, s2) = (local[2].values[c], local[2].slopes[c]);
                let terms = [
                    across[0] * v2,
                    across[1] * v2,
                    across[2] * v2,
                    across[0] * s2,
                ];
                let wanted = if slopes { terms.len() } else { 1 };
                for (lane, splines) in splines.iter_mut().enumerate() {
                    for (splines, term) in splines.iter_mut().zip(&terms).take(wanted) {
                        splines[(a * MIDDLE + b) * 3 + c] = term.0[lane];
                    }
                }
            }
        }
    }
}

/// Where the numbers of a matrix are, offset by offset from that after the diagonal on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub lattice: Lattice,
    pub run: usize,
    /// Numbers of a row of nodes and of a slab.
    pub row: usize,
    pub slab: usize,
}

/// The sums for the rows of nodes beside the lattice cells at hand: of three slabs, and on each of so many.
struct Window<'a, N, const MIDDLE: usize> {
    matrix: &'a Shape,
    slab: usize,
    /// Where they go to.
    numbers: &'a mut [N],
    /// Row by row of each slab; what is beyond the sides has its own.
    sums: Vec<f64>,
    /// The first row of nodes that is still to go.
    first: isize,
}

impl<'a, N: Number, const MIDDLE: usize> Window<'a, N, MIDDLE> {
    fn new(matrix: &'a Shape, slab: usize, numbers: &'a mut [N]) -> Self {
        Self {
            matrix,
            slab,
            numbers,
            sums: vec![0.0; 3 * MIDDLE * matrix.row],
            first: if MIDDLE == 1 { 0 } else { -1 },
        }
    }

    /// Where a row of nodes has its sums on the slab `beside` (0, 1, 2).
    #[inline(always)]
    fn begin(&self, beside: usize, row: isize) -> usize {
        let place = (row + 1).unsigned_abs() % MIDDLE;
        (beside * MIDDLE + place) * self.matrix.row
    }

    /// Hands the rows before one on.
    #[inline(always)]
    fn pass(&mut self, until: isize) {
        let Shape {
            lattice, row, slab, ..
        } = *self.matrix;
        while self.first < until {
            for beside in 0..3 {
                let from = self.begin(beside, self.first);
                let to = slab_of(&lattice, self.slab, beside) * slab
                    + lattice.axes[1].fold(self.first) * row;
                let sums = &mut self.sums[from..][..row];
                for (number, sum) in self.numbers[to..][..row].iter_mut().zip(sums) {
                    number.gain(*sum);
                    *sum = 0.0;
                }
            }
            self.first += 1;
        }
    }

    /// Adds the block of a lattice cell.
    #[inline(always)]
    fn scatter<const NODES: usize, const ROW: usize>(
        &mut self,
        cell: [usize; 3],
        block: &Block<NODES, ROW>,
    ) {
        let Shape { lattice, run, .. } = *self.matrix;
        // A missing axis has one node beside, in the middle of three.
        let skipped = usize::from(MIDDLE == 1);
        let rows = cell[1] as isize + skipped as isize - 1;
        self.pass(rows);
        let width = middle_width(&lattice);
        let centre = WIDTH * width * WIDTH / 2;
        let slow = Beside::new(&lattice.axes[0], cell[0]);
        let middle = Beside::new(&lattice.axes[1], cell[1]);
        let fast = Beside::new(&lattice.axes[2], cell[2]);
        let mut first = [0; NODES];
        for a in 0..3 {
            for b in 0..MIDDLE {
                let begin = self.begin(a, rows + b as isize);
                for c in 0..3 {
                    first[(a * MIDDLE + b) * 3 + c] = begin + fast.nodes[c];
                }
            }
        }
        // Of each pair of nodes of the block the entry above the diagonal.
        for (from, entries) in block.0.iter().enumerate() {
            let (rest, c) = (from / 3, from % 3);
            let (a, b) = (rest / MIDDLE, rest % MIDDLE);
            for across in rest..NODES / 3 {
                let (to, beside) = (across / MIDDLE, across % MIDDLE);
                let offset =
                    slow.offsets[a][to] * width + middle.offsets[b + skipped][beside + skipped];
                for last in if across == rest { c + 1 } else { 0 }..3 {
                    let other = across * 3 + last;
                    let value = entries[other];
                    let offset = offset * WIDTH + fast.offsets[c][last];
                    if offset < centre {
                        self.sums[first[other] + (centre - offset - 1) * run] += value;
                    } else if offset > centre {
                        self.sums[first[from] + (offset - centre - 1) * run] += value;
                    }
                    // Else, beyond a closed side, both are the same node.
                }
            }
        }
    }
}
