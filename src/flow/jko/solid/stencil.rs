//! Matrices that couple nodes at most two apart along each axis: those of quadratic splines, on every level of the multigrid.

use super::assembly::{Assembly, Shape};
use super::deposit::{Order, by_slabs};
use super::lattice::{Lattice, LatticeAxis, Point};
use super::pack::{LocalPack, Pack};
use super::passes;
use crate::backend::cpu::{Kernel, vectorised};

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
    /// Where a place is.
    fn place(&self, number: usize) -> Point;

    /// The weights of several places, at most [`PLACES`]. To be `#[inline(always)]`.
    fn weights<const MIDDLE: usize>(&self, numbers: &[u32], local: &[LocalPack; 3]) -> Weights;
}

/// A matrix with the numbers of a row of nodes together: offset by offset, each a run along x.
#[derive(Clone, Debug)]
pub(super) struct Stencil {
    pub lattice: Lattice,
    /// Offsets of a node.
    pub offsets: usize,
    /// Numbers from one offset to the next.
    pub run: usize,
    /// With one slab before the first and one after the last.
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

/// Numbers of a matrix.
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

impl Stencil {
    pub fn new(lattice: Lattice) -> Self {
        let offsets = WIDTH * middle_width(&lattice) * WIDTH;
        let slabs = lattice.axes[0].count + 2;
        let run = run_of(&lattice);
        let slab = lattice.axes[1].count * run * offsets;
        Self {
            lattice,
            offsets,
            run,
            values: vec![0.0; slabs * slab],
            diagonal: vec![0.0; lattice.len()],
        }
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
    fn slab(&self) -> usize {
        self.lattice.axes[1].count * self.row()
    }

    /// Numbers of a row of nodes.
    pub fn row(&self) -> usize {
        self.run * self.offsets
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

    /// Sums what all places add (eq. 30).
    pub fn assemble(&mut self, order: &Order, weigh: &impl Weigh) {
        let (lattice, shape) = (self.lattice, self.shape());
        by_slabs(&lattice, &mut self.values, shape.slab, |slab, numbers| {
            let matrix = &shape;
            if lattice.axes[1].missing {
                vectorised(Assembly::<_, 1, 9, 16> {
                    matrix,
                    order,
                    slab,
                    weigh,
                    numbers,
                });
            } else {
                vectorised(Assembly::<_, 3, 27, 32> {
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
        let centre = self.centre() * self.run;
        for row in self.rows_mut().chunks_mut(row) {
            for value in &mut row[centre..][..nodes] {
                *value += relative * *value + absolute;
            }
        }
        self.read_diagonal();
    }

    /// Adds to the entry of every node on the diagonal.
    pub fn shift_diagonal(&mut self, shifts: &[f64]) {
        let (nodes, row) = (self.lattice.axes[2].count, self.row());
        let centre = self.centre() * self.run;
        let rows = self.rows_mut().chunks_mut(row);
        for (row, shifts) in rows.zip(shifts.chunks(nodes)) {
            for (value, shift) in row[centre..].iter_mut().zip(shifts) {
                *value += shift;
            }
        }
        self.read_diagonal();
    }

    pub fn read_diagonal(&mut self) {
        let (nodes, slab, row) = (self.lattice.axes[2].count, self.slab(), self.row());
        let centre = self.centre() * self.run;
        let rows = self.values[slab..].chunks(row);
        for (diagonal, row) in self.diagonal.chunks_mut(nodes).zip(rows) {
            diagonal.copy_from_slice(&row[centre..][..nodes]);
        }
    }

    /// A·x into `out`.
    pub fn apply(&self, x: &[f64], out: &mut [f64]) {
        let nodes = self.lattice.axes[2].count;
        passes::chunks(out, nodes, |row, out| {
            vectorised(Row {
                matrix: self,
                x,
                row,
                out,
            });
        });
    }
}

/// The product of one row of nodes.
struct Row<'a> {
    matrix: &'a Stencil,
    x: &'a [f64],
    row: usize,
    out: &'a mut [f64],
}

impl Kernel for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self {
            matrix,
            x,
            row,
            out,
        } = self;
        let axes = &matrix.lattice.axes;
        let nodes = axes[2].count;
        let middle_width = middle_width(&matrix.lattice);
        let neighbour = |axis: usize, node: usize, offset: usize| {
            let beside = (node + offset) as isize - 2;
            let inside = (0..axes[axis].count as isize).contains(&beside);
            (inside || axes[axis].periodic).then(|| axes[axis].fold(beside))
        };
        out.fill(0.0);
        let values = &matrix.rows()[row * matrix.row()..][..matrix.row()];
        let (slow, middle) = (row / axes[1].count, row % axes[1].count);
        for a in 0..WIDTH {
            let Some(slow) = neighbour(0, slow, a) else {
                continue;
            };
            for b in 0..middle_width {
                let beside = match middle_width {
                    1 => Some(0),
                    _ => neighbour(1, middle, b),
                };
                let Some(middle) = beside else { continue };
                let from = &x[(slow * axes[1].count + middle) * nodes..][..nodes];
                let first = (a * middle_width + b) * WIDTH;
                let run = |offset: usize| &values[(first + offset) * matrix.run..][..nodes];
                add_runs(
                    [run(0), run(1), run(2), run(3), run(4)],
                    from,
                    out,
                    axes[2].periodic,
                );
            }
        }
    }
}

/// Adds the products of five offsets along x with a row of nodes.
#[inline(always)]
fn add_runs(runs: [&[f64]; WIDTH], from: &[f64], out: &mut [f64], periodic: bool) {
    let nodes = from.len();
    let inner = nodes.saturating_sub(4);
    if inner > 0 {
        let [a, b, c, d, e] = runs.map(|run| &run[2..][..inner]);
        let [fa, fb, fc, fd, fe] = [0, 1, 2, 3, 4].map(|offset| &from[offset..][..inner]);
        let out = &mut out[2..][..inner];
        for x in 0..inner {
            out[x] += a[x] * fa[x] + b[x] * fb[x] + c[x] * fc[x] + d[x] * fd[x] + e[x] * fe[x];
        }
    }
    let ends = (0..nodes.min(2)).chain((2 + inner).min(nodes)..nodes);
    for x in ends {
        for (offset, run) in runs.iter().enumerate() {
            let beside = x + offset;
            if periodic {
                out[x] += run[x] * from[(beside + 2 * nodes - 2) % nodes];
            } else if (2..nodes + 2).contains(&beside) {
                out[x] += run[x] * from[beside - 2];
            }
        }
    }
}
