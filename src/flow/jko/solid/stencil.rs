//! Matrices that couple nodes at most two apart along each axis: those of quadratic splines, on every level of the multigrid.

use super::deposit::{Order, by_slabs, slab_of};
use super::feet::product;
use super::lattice::{Lattice, Local, Point};
use super::passes;

/// Offsets −2 … 2 along an axis.
pub(super) const WIDTH: usize = 5;
/// Splines that meet in a place, at most.
const LOCAL: usize = 27;

/// What a place adds to a matrix: `mass` B_k B_l + Σ_ab `flux`_ab ∂_a B_k ∂_b B_l.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weights {
    pub mass: f64,
    /// 00, 11, 22, 01, 02, 12.
    pub flux: [f64; 6],
}

/// A matrix with the numbers of a row of nodes together: offset by offset, each a run along x.
#[derive(Clone, Debug)]
pub(super) struct Stencil {
    pub lattice: Lattice,
    /// Offsets of a node.
    pub offsets: usize,
    /// With one slab before the first and one after the last.
    values: Vec<f64>,
    pub diagonal: Vec<f64>,
}

/// Offsets along the middle axis.
fn middle_width(lattice: &Lattice) -> usize {
    if lattice.axes[1].missing { 1 } else { WIDTH }
}

/// The nodes beside a lattice cell on one axis, and their offsets from each other.
struct Beside {
    nodes: [usize; 3],
    offsets: [[usize; 3]; 3],
}

impl Beside {
    fn new(axis: &super::lattice::LatticeAxis, cell: usize) -> Self {
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

/// The splines at a place: values, and derivatives along each axis.
struct Splines {
    values: [f64; LOCAL],
    slopes: [[f64; LOCAL]; 3],
}

impl Splines {
    #[inline(always)]
    fn new(lattice: &Lattice, local: &[Local; 3]) -> Self {
        let mut splines = Self {
            values: [0.0; LOCAL],
            slopes: [[0.0; LOCAL]; 3],
        };
        let mut place = 0;
        for a in lattice.axes[0].beside() {
            let (v0, s0) = (local[0].values[a], local[0].slopes[a]);
            for b in lattice.axes[1].beside() {
                let (v1, s1) = (local[1].values[b], local[1].slopes[b]);
                for c in 0..3 {
                    let (v2, s2) = (local[2].values[c], local[2].slopes[c]);
                    splines.values[place] = v0 * v1 * v2;
                    splines.slopes[0][place] = s0 * v1 * v2;
                    splines.slopes[1][place] = v0 * s1 * v2;
                    splines.slopes[2][place] = v0 * v1 * s2;
                    place += 1;
                }
            }
        }
        splines
    }

    /// Adds what one place contributes to the block of its lattice cell.
    #[inline(always)]
    fn add<const SIZE: usize>(&self, weights: &Weights, block: &mut [[f64; LOCAL]; LOCAL]) {
        let [g0, g1, g2] = &self.slopes;
        for k in 0..SIZE {
            let mass = weights.mass * self.values[k];
            let [f0, f1, f2] = product(&weights.flux, [g0[k], g1[k], g2[k]]);
            let row = &mut block[k];
            for l in 0..SIZE {
                let flux = f0 * g0[l] + f1 * g1[l] + f2 * g2[l];
                row[l] += mass * self.values[l] + flux;
            }
        }
    }
}

impl Stencil {
    pub fn new(lattice: Lattice) -> Self {
        let offsets = WIDTH * middle_width(&lattice) * WIDTH;
        let slabs = lattice.axes[0].count + 2;
        Self {
            lattice,
            offsets,
            values: vec![0.0; slabs * lattice.slab() * offsets],
            diagonal: vec![0.0; lattice.len()],
        }
    }

    /// Numbers of a slab.
    fn slab(&self) -> usize {
        self.lattice.slab() * self.offsets
    }

    /// Numbers of a row of nodes.
    pub fn row(&self) -> usize {
        self.lattice.axes[2].count * self.offsets
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

    /// Which of the offsets is (d0 − 2, d1 − 2, d2 − 2).
    pub fn offset(&self, [slow, middle, fast]: [usize; 3]) -> usize {
        (slow * middle_width(&self.lattice) + middle) * WIDTH + fast
    }

    fn centre(&self) -> usize {
        self.offsets / 2
    }

    /// Sums what the places of all cells add (eq. 30).
    pub fn assemble(
        &mut self,
        order: &Order,
        place: impl Fn(usize) -> Point + Sync,
        weights: impl Fn(usize) -> Weights + Sync,
    ) {
        let (lattice, slab_length, offsets) = (self.lattice, self.slab(), self.offsets);
        let middle_width = middle_width(&lattice);
        let row = self.row();
        let nodes = lattice.axes[2].count;
        by_slabs(&lattice, &mut self.values, slab_length, |slab, numbers| {
            let mut block = [[0.0; LOCAL]; LOCAL];
            for within in 0..lattice.slab() {
                let cell = slab * lattice.slab() + within;
                let places = order.of(cell);
                if places.is_empty() {
                    continue;
                }
                for row in &mut block {
                    row.fill(0.0);
                }
                for &number in places {
                    let number = number as usize;
                    let splines = Splines::new(&lattice, &lattice.local(&place(number)));
                    let weights = weights(number);
                    if offsets == WIDTH * WIDTH {
                        splines.add::<9>(&weights, &mut block);
                    } else {
                        splines.add::<LOCAL>(&weights, &mut block);
                    }
                }
                let node = lattice.node(cell);
                let [slow, middle, fast] =
                    [0, 1, 2].map(|axis| Beside::new(&lattice.axes[axis], node[axis]));
                for (from, block) in local_nodes(&lattice).zip(&block) {
                    let [a, b, c] = from;
                    let first = slab_of(&lattice, slab, a) * slab_length
                        + middle.nodes[b] * row
                        + fast.nodes[c];
                    for (to, value) in local_nodes(&lattice).zip(block) {
                        let outer =
                            slow.offsets[a][to[0]] * middle_width + middle.offsets[b][to[1]];
                        let offset = outer * WIDTH + fast.offsets[c][to[2]];
                        numbers[first + offset * nodes] += value;
                    }
                }
            }
        });
        self.read_diagonal();
    }

    /// Adds a multiple of a matrix on the same lattice.
    pub fn add(&mut self, factor: f64, other: &Self) {
        let other = other.rows();
        passes::each(self.rows_mut(), |place, value| {
            *value += factor * other[place]
        });
        self.read_diagonal();
    }

    /// Multiplies the diagonal by 1 + `relative` and adds `absolute`.
    pub fn lift_diagonal(&mut self, relative: f64, absolute: f64) {
        let (nodes, row, centre) = (self.lattice.axes[2].count, self.row(), self.centre());
        for row in self.rows_mut().chunks_mut(row) {
            for value in &mut row[centre * nodes..][..nodes] {
                *value += relative * *value + absolute;
            }
        }
        self.read_diagonal();
    }

    pub fn read_diagonal(&mut self) {
        let (nodes, slab, row) = (self.lattice.axes[2].count, self.slab(), self.row());
        let centre = self.centre() * nodes;
        let rows = self.values[slab..].chunks(row);
        for (diagonal, row) in self.diagonal.chunks_mut(nodes).zip(rows) {
            diagonal.copy_from_slice(&row[centre..][..nodes]);
        }
    }

    /// A·x into `out`.
    pub fn apply(&self, x: &[f64], out: &mut [f64]) {
        let rows = self.rows();
        let axes = &self.lattice.axes;
        let nodes = axes[2].count;
        let middle_width = middle_width(&self.lattice);
        let neighbour = |axis: usize, node: usize, offset: usize| {
            let beside = (node + offset) as isize - 2;
            let inside = (0..axes[axis].count as isize).contains(&beside);
            (inside || axes[axis].periodic).then(|| axes[axis].fold(beside))
        };
        passes::chunks(out, nodes, |row, out| {
            out.fill(0.0);
            let values = &rows[row * self.row()..][..self.row()];
            let (slow, middle) = (row / axes[1].count, row % axes[1].count);
            for (a, slow) in (0..WIDTH).map(|a| (a, neighbour(0, slow, a))) {
                let Some(slow) = slow else { continue };
                for b in 0..middle_width {
                    let beside = match middle_width {
                        1 => Some(0),
                        _ => neighbour(1, middle, b),
                    };
                    let Some(middle) = beside else { continue };
                    let from = &x[(slow * axes[1].count + middle) * nodes..][..nodes];
                    let first = (a * middle_width + b) * WIDTH * nodes;
                    let run = &values[first..][..WIDTH * nodes];
                    add_run(run, from, out, axes[2].periodic);
                }
            }
        });
    }
}

/// The nodes beside a lattice cell, 0 to 2 along each axis, in the order of the splines.
fn local_nodes(lattice: &Lattice) -> impl Iterator<Item = [usize; 3]> + use<> {
    let [slow, middle, fast] = lattice.axes.map(|axis| axis.beside());
    slow.flat_map(move |a| {
        let fast = fast.clone();
        middle
            .clone()
            .flat_map(move |b| fast.clone().map(move |c| [a, b, c]))
    })
}

/// Adds the products of five offsets along x with a row of nodes.
#[inline(always)]
fn add_run(run: &[f64], from: &[f64], out: &mut [f64], periodic: bool) {
    let nodes = from.len();
    for (offset, values) in run.chunks_exact(nodes).enumerate() {
        let (before, after) = (2_usize.saturating_sub(offset), offset.saturating_sub(2));
        let inner = nodes.saturating_sub(before + after);
        if inner > 0 {
            let (out, values) = (&mut out[before..][..inner], &values[before..][..inner]);
            for ((out, value), from) in out.iter_mut().zip(values).zip(&from[after..][..inner]) {
                *out += value * from;
            }
        }
        if periodic {
            let ends = (0..before.min(nodes)).chain((before + inner).max(before.min(nodes))..nodes);
            for x in ends {
                out[x] += values[x] * from[(x + offset + 2 * nodes - 2) % nodes];
            }
        }
    }
}
