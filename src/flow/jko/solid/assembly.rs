//! The assembly of a matrix from places, one slab of the lattice at a time (docs/mathematics.md, eq. 30).

use super::deposit::{Order, slab_of};
use super::lattice::Lattice;
use super::pack::{LocalPack, PLACES, transposed};
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
pub(super) struct Assembly<'a, W, const MIDDLE: usize, const NODES: usize, const ROW: usize> {
    pub matrix: &'a Shape,
    pub order: &'a Order,
    pub slab: usize,
    pub weigh: &'a W,
    pub numbers: &'a mut [f64],
}

impl<W: Weigh, const MIDDLE: usize, const NODES: usize, const ROW: usize> Kernel
    for Assembly<'_, W, MIDDLE, NODES, ROW>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let lattice = &self.matrix.lattice;
        let cells = self.slab * lattice.slab()..(self.slab + 1) * lattice.slab();
        let mut block = Block::<NODES, ROW>([[0.0; ROW]; NODES]);
        let mut left = None;
        let mut splines = [[[0.0; ROW]; 4]; PLACES];
        for places in self.order.of(cells).chunks(PLACES) {
            let packed = transposed(places.len(), |lane| self.weigh.place(places[lane] as usize));
            let local = lattice.local_pack(&packed);
            let weights = self.weigh.weights::<MIDDLE>(places, &local);
            tensors::<MIDDLE, ROW>(&local, W::FLUX, &mut splines);
            for (lane, splines) in splines.iter().enumerate().take(places.len()) {
                let cell = [0, 1, 2].map(|axis| local[axis].cell[lane]);
                if left != Some(cell) {
                    if let Some(cell) = left.replace(cell) {
                        self.matrix.scatter(cell, &block, self.numbers);
                    }
                    block.0 = [[0.0; ROW]; NODES];
                }
                let flux = [0, 1, 2, 3, 4, 5].map(|entry| weights.flux[entry].0[lane]);
                block.add(splines, weights.mass.0[lane], W::FLUX.then_some(&flux));
            }
        }
        if let Some(cell) = left {
            self.matrix.scatter(cell, &block, self.numbers);
        }
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

/// Where the numbers of a matrix are, offset by offset from that of the diagonal on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub lattice: Lattice,
    pub run: usize,
    /// Numbers of a row of nodes and of a slab.
    pub row: usize,
    pub slab: usize,
}

impl Shape {
    /// Adds the block of a lattice cell to the rows of three slabs.
    #[inline(always)]
    fn scatter<const NODES: usize, const ROW: usize>(
        &self,
        cell: [usize; 3],
        block: &Block<NODES, ROW>,
        numbers: &mut [f64],
    ) {
        let Self {
            lattice,
            run,
            row,
            slab,
        } = self;
        let middle_nodes = NODES / 9;
        let width = middle_width(lattice);
        let centre = WIDTH * width * WIDTH / 2;
        let slow = Beside::new(&lattice.axes[0], cell[0]);
        let middle = Beside::new(&lattice.axes[1], cell[1]);
        let fast = Beside::new(&lattice.axes[2], cell[2]);
        // A missing axis has one node beside, in the middle of three.
        let skipped = usize::from(middle_nodes == 1);
        let mut first = [0; NODES];
        for a in 0..3 {
            let first_of_slab = slab_of(lattice, cell[0], a) * slab;
            for b in 0..middle_nodes {
                for c in 0..3 {
                    first[(a * middle_nodes + b) * 3 + c] =
                        first_of_slab + middle.nodes[b + skipped] * row + fast.nodes[c];
                }
            }
        }
        // Of each pair of nodes of the block the entry above the diagonal.
        for (from, entries) in block.0.iter().enumerate() {
            let (rest, c) = (from / 3, from % 3);
            let (a, b) = (rest / middle_nodes, rest % middle_nodes);
            for across in rest..NODES / 3 {
                let (to, beside) = (across / middle_nodes, across % middle_nodes);
                let offset =
                    slow.offsets[a][to] * width + middle.offsets[b + skipped][beside + skipped];
                for last in if across == rest { c } else { 0 }..3 {
                    let other = across * 3 + last;
                    let value = entries[other];
                    let offset = offset * WIDTH + fast.offsets[c][last];
                    if offset < centre {
                        numbers[first[other] + (centre - offset) * run] += value;
                    } else if offset > centre || from == other {
                        numbers[first[from] + (offset - centre) * run] += value;
                    } else {
                        // Beyond a closed side: both are the same node.
                        numbers[first[from]] += 2.0 * value;
                    }
                }
            }
        }
    }
}
