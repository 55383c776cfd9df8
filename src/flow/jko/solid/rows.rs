//! Products of a matrix, but for its diagonal, with a vector, row of nodes by row of nodes.

use super::lattice::LatticeAxis;
use super::number::Number;
use super::stencil::{Stencil, WIDTH, middle_width};
use crate::backend::cpu::Kernel;

/// Nodes that are added before a row, and as many after it.
const MARGIN: usize = WIDTH / 2;

/// The product for one slab, and what `take(node, product)` makes of it.
pub(super) struct Product<'a, N, F> {
    pub matrix: &'a Stencil<N>,
    pub x: &'a [f64],
    /// Numbers from one row of x to the next; 0 where all are alike.
    pub pitch: usize,
    pub slab: usize,
    pub out: &'a mut [f64],
    pub take: &'a F,
}

impl<N: Number, F: Fn(usize, f64) -> f64> Kernel for Product<'_, N, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self {
            matrix,
            x,
            pitch,
            slab,
            out,
            take,
        } = self;
        let [slow, middle, fast] = &matrix.lattice.axes;
        let nodes = fast.count;
        let width = middle_width(&matrix.lattice);
        let centre = width / 2;
        let rows = matrix.rows();
        let margin = Margin::new(fast);
        let mut from = vec![0.0; nodes + 2 * MARGIN];
        let mut sum = vec![0.0; nodes + 2 * MARGIN];
        let run =
            |row: usize, kept: usize| &rows[row * matrix.row() + kept * matrix.run..][..nodes];
        for (number, out) in out.chunks_mut(nodes).enumerate() {
            let row = slab * middle.count + number;
            sum.fill(0.0);
            margin.extend(&x[row * pitch..][..nodes], &mut from);
            // The two runs of the row itself, then five for every row after it.
            add_along([0, 1].map(|kept| run(row, kept)), &from, &mut sum);
            for across in MARGIN * width + centre + 1..WIDTH * width {
                let by = [
                    (across / width) as isize - MARGIN as isize,
                    (across % width) as isize - centre as isize,
                ];
                let first = across * WIDTH - matrix.offsets / 2 - 1;
                let neighbour = |sign: isize| {
                    let slow = slow.beside_by(slab, sign * by[0])?;
                    let other = middle.beside_by(number, sign * by[1])?;
                    Some(slow * middle.count + other)
                };
                if let Some(after) = neighbour(1) {
                    let runs = [0, 1, 2, 3, 4].map(|offset| run(row, first + offset));
                    margin.extend(&x[after * pitch..][..nodes], &mut from);
                    add_after(runs, &from, &mut sum);
                }
                if let Some(before) = neighbour(-1) {
                    let runs = [0, 1, 2, 3, 4].map(|offset| run(before, first + offset));
                    add_before(runs, &x[before * pitch..][..nodes], &mut sum);
                }
            }
            out.copy_from_slice(&sum[MARGIN..][..nodes]);
            margin.fold(&sum, out);
            for (x, out) in out.iter_mut().enumerate() {
                *out = take(row * nodes + x, *out);
            }
        }
    }
}

/// The nodes that those in the margins stand for; none beyond closed sides.
struct Margin([[Option<usize>; MARGIN]; 2]);

impl Margin {
    fn new(axis: &LatticeAxis) -> Self {
        let node = |by: isize| axis.beside_by(0, by);
        let count = axis.count as isize;
        Self([[node(-2), node(-1)], [node(count), node(count + 1)]])
    }

    /// A row of nodes with those in the margins.
    #[inline(always)]
    fn extend(&self, row: &[f64], out: &mut [f64]) {
        let Self([before, after]) = self;
        let nodes = row.len();
        out[MARGIN..][..nodes].copy_from_slice(row);
        for place in 0..MARGIN {
            out[place] = before[place].map_or(0.0, |node| row[node]);
            out[MARGIN + nodes + place] = after[place].map_or(0.0, |node| row[node]);
        }
    }

    /// Adds what has come to the margins to the nodes that they stand for.
    #[inline(always)]
    fn fold(&self, sum: &[f64], out: &mut [f64]) {
        let Self([before, after]) = self;
        for place in 0..MARGIN {
            if let Some(node) = before[place] {
                out[node] += sum[place];
            }
            if let Some(node) = after[place] {
                out[node] += sum[MARGIN + out.len() + place];
            }
        }
    }
}

/// Adds the products of a row of nodes with itself: of the two offsets after the diagonal, in both directions. `from` and `sum` have margins.
#[inline(always)]
fn add_along<N: Number>([one, two]: [&[N]; 2], from: &[f64], sum: &mut [f64]) {
    let nodes = one.len();
    let two = &two[..nodes];
    let [here, next, second] = [0, 1, 2].map(|by| &from[MARGIN + by..][..nodes]);
    let to = &mut sum[MARGIN..][..nodes];
    for x in 0..nodes {
        to[x] += one[x].wide() * next[x] + two[x].wide() * second[x];
    }
    for (by, run) in [(1, one), (2, two)] {
        let to = &mut sum[MARGIN + by..][..nodes];
        for x in 0..nodes {
            to[x] += run[x].wide() * here[x];
        }
    }
}

/// Adds the products of the entries that a row of nodes keeps for one after it. `from` and `sum` have margins.
#[inline(always)]
fn add_after<N: Number>(runs: [&[N]; WIDTH], from: &[f64], sum: &mut [f64]) {
    let nodes = runs[0].len();
    let [a, b, c, d, e] = runs.map(|run| &run[..nodes]);
    let [fa, fb, fc, fd, fe] = [0, 1, 2, 3, 4].map(|offset| &from[offset..][..nodes]);
    let to = &mut sum[MARGIN..][..nodes];
    for x in 0..nodes {
        let three = a[x].wide() * fa[x] + b[x].wide() * fb[x] + c[x].wide() * fc[x];
        to[x] += three + d[x].wide() * fd[x] + e[x].wide() * fe[x];
    }
}

/// Adds the products of the entries that one before it keeps for a row of nodes. `sum` has margins.
#[inline(always)]
fn add_before<N: Number>(runs: [&[N]; WIDTH], from: &[f64], sum: &mut [f64]) {
    let nodes = from.len();
    const ENDS: usize = 2 * MARGIN;
    // Node x of the other row adds by `offset` to place x + `offset` here, to which all five add if it is neither of the first nor of the last.
    let inner = nodes.saturating_sub(ENDS);
    if inner > 0 {
        let run = |offset: usize| &runs[offset][ENDS - offset..][..inner];
        let [a, b, c, d, e] = [run(0), run(1), run(2), run(3), run(4)];
        let beside = |offset: usize| &from[ENDS - offset..][..inner];
        let [fa, fb, fc, fd, fe] = [beside(0), beside(1), beside(2), beside(3), beside(4)];
        let to = &mut sum[ENDS..][..inner];
        for x in 0..inner {
            let three = a[x].wide() * fa[x] + b[x].wide() * fb[x] + c[x].wide() * fc[x];
            to[x] += three + d[x].wide() * fd[x] + e[x].wide() * fe[x];
        }
    }
    for (offset, run) in runs.iter().enumerate() {
        let first = (ENDS - offset).min(nodes);
        for x in (0..first).chain(first.max(nodes.saturating_sub(offset))..nodes) {
            sum[x + offset] += run[x].wide() * from[x];
        }
    }
}
