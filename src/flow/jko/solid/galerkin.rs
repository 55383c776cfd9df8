//! The step between two levels: half as many nodes along an axis, splines in between interpolated (docs/mathematics.md, eq. 31).
//!
//! Linear interpolation between nodes is the two-scale relation of quadratic splines, (1, 3, 3, 1)/4, where the count is even; where it
//! is odd the coarse splines are a little wider and the product PᵀAP still couples two nodes at most.

use super::lattice::{Lattice, LatticeAxis};
use super::passes;
use super::stencil::WIDTH;

/// Axes shorter than this stay as they are.
const SHORT: usize = 6;

/// A node of the fine axis interpolates between two of the coarse one.
#[derive(Clone, Copy, Debug)]
struct Taps {
    /// Numbers beyond the sides are not folded.
    nodes: [isize; 2],
    weights: [f64; 2],
}

/// What an entry of the fine matrix adds to one of the coarse: of the node and the offset, with a weight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    pub node: usize,
    pub offset: usize,
    /// The offset of the coarse entry.
    pub coarse: usize,
    pub weight: f64,
}

/// Halves one axis.
#[derive(Clone, Debug)]
pub(super) struct Halving {
    pub axis: usize,
    pub fine: Lattice,
    pub coarse: Lattice,
    /// For each fine node what it takes from coarse nodes.
    pub down: Vec<[(usize, f64); 2]>,
    /// For each coarse node what it takes from fine ones.
    pub up: Vec<Vec<(usize, f64)>>,
    /// For each coarse node the terms of its entries.
    pub terms: Vec<Vec<Term>>,
}

impl Halving {
    /// None where the axis is short enough.
    pub fn new(fine: &Lattice, axis: usize) -> Option<Self> {
        let long = fine.axes[axis];
        if long.missing || long.count < SHORT {
            return None;
        }
        let mut coarse = *fine;
        let short = &mut coarse.axes[axis];
        short.count = long.count / 2;
        short.spacing = long.length() / short.count as f64;
        let short = *short;
        let taps: Vec<Taps> = (0..long.count)
            .map(|node| taps(&long, &short, node as isize))
            .collect();
        let down: Vec<_> = taps
            .iter()
            .map(|taps| [0, 1].map(|tap| (short.fold(taps.nodes[tap]), taps.weights[tap])))
            .collect();
        let mut up = vec![Vec::new(); short.count];
        let mut terms = vec![Vec::new(); short.count];
        for (node, own) in taps.iter().enumerate() {
            for (coarse, weight) in down[node] {
                up[coarse].push((node, weight));
            }
            for offset in 0..WIDTH {
                let beside = (node + offset) as isize - 2;
                if !long.periodic && !(0..long.count as isize).contains(&beside) {
                    continue;
                }
                let other = self::taps(&long, &short, beside);
                for (from, to) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    let [start, end] = [own.nodes[from], other.nodes[to]];
                    let distance = if long.periodic {
                        end - start
                    } else {
                        short.fold(end) as isize - short.fold(start) as isize
                    };
                    terms[short.fold(start)].push(Term {
                        node,
                        offset,
                        coarse: (distance + 2).unsigned_abs(),
                        weight: own.weights[from] * other.weights[to],
                    });
                }
            }
        }
        Some(Self {
            axis,
            fine: *fine,
            coarse,
            down,
            up,
            terms,
        })
    }

    /// The nodes along the axis, and how far they are apart in memory, on the fine or the coarse lattice.
    fn stride(&self, lattice: &Lattice) -> usize {
        lattice.axes[self.axis + 1..]
            .iter()
            .map(|axis| axis.count)
            .product()
    }

    /// Pᵀ of a fine field into a coarse one.
    pub fn restrict(&self, fine: &[f64], coarse: &mut [f64]) {
        let rows = Rows {
            taps: &self.up,
            stride: self.stride(&self.fine),
            read: self.down.len(),
        };
        rows.weigh(fine, coarse, |out, sum| *out = sum);
    }

    /// P of a coarse field into a fine one.
    pub fn prolong(&self, coarse: &[f64], fine: &mut [f64]) {
        self.prolonged(coarse, fine, |out, sum| *out = sum);
    }

    /// Adds P of a coarse field to a fine one.
    pub fn add_prolonged(&self, coarse: &[f64], fine: &mut [f64]) {
        self.prolonged(coarse, fine, |out, sum| *out += sum);
    }

    fn prolonged(&self, coarse: &[f64], fine: &mut [f64], take: impl Fn(&mut f64, f64) + Sync) {
        let rows = Rows {
            taps: &self.down,
            stride: self.stride(&self.fine),
            read: self.up.len(),
        };
        rows.weigh(coarse, fine, take);
    }
}

/// Weighted sums of nodes along one axis, what is next to each other in memory together.
struct Rows<'a, T> {
    /// Of each node along the axis that is written.
    taps: &'a [T],
    stride: usize,
    /// Nodes along the axis of what is read.
    read: usize,
}

impl<T: AsRef<[(usize, f64)]> + Sync> Rows<'_, T> {
    /// Calls `take(out, sum)` for every node that is written.
    fn weigh(&self, from: &[f64], to: &mut [f64], take: impl Fn(&mut f64, f64) + Sync) {
        let (stride, read, written) = (self.stride, self.read, self.taps.len());
        if stride == 1 {
            passes::chunks(to, written, |row, to| {
                let from = &from[row * read..][..read];
                for (to, taps) in to.iter_mut().zip(self.taps) {
                    let terms = taps.as_ref().iter();
                    take(to, terms.map(|(node, weight)| weight * from[*node]).sum());
                }
            });
            return;
        }
        passes::chunks(to, stride, |row, to| {
            let first = row / written * read * stride;
            let run = |node: usize| &from[first + node * stride..][..to.len()];
            match self.taps[row % written].as_ref() {
                [(one, a), (two, b)] => {
                    let (one, two) = (run(*one), run(*two));
                    for (x, to) in to.iter_mut().enumerate() {
                        take(to, a * one[x] + b * two[x]);
                    }
                }
                [(one, a), (two, b), (three, c), (four, d)] => {
                    let [one, two, three, four] = [one, two, three, four].map(|node| run(*node));
                    for (x, to) in to.iter_mut().enumerate() {
                        take(to, a * one[x] + b * two[x] + c * three[x] + d * four[x]);
                    }
                }
                taps => {
                    for (x, to) in to.iter_mut().enumerate() {
                        let terms = taps.iter();
                        let term = |(node, weight): &(usize, f64)| {
                            weight * from[first + node * stride + x]
                        };
                        take(to, terms.map(term).sum());
                    }
                }
            }
        });
    }
}

/// The halvings of several axes as one step, with memory for fields between them.
#[derive(Clone, Debug)]
pub(super) struct Transfer {
    pub halvings: Vec<Halving>,
    fields: Vec<Vec<f64>>,
}

impl Transfer {
    /// Of all axes that are long enough.
    pub fn new(fine: &Lattice) -> Self {
        Self::of(fine, |_| true)
    }

    /// Of one axis.
    #[cfg(test)]
    pub fn along(fine: &Lattice, axis: usize) -> Self {
        Self::of(fine, |other| other == axis)
    }

    /// Of no axis.
    pub fn none() -> Self {
        let (halvings, fields) = (Vec::new(), Vec::new());
        Self { halvings, fields }
    }

    /// Of the axes that have fewer nodes on another lattice.
    pub fn between(fine: &Lattice, coarse: &Lattice) -> Self {
        Self::of(fine, |axis| coarse.axes[axis].count < fine.axes[axis].count)
    }

    fn of(fine: &Lattice, wanted: impl Fn(usize) -> bool) -> Self {
        let mut reached = *fine;
        let (mut halvings, mut fields) = (Vec::new(), Vec::new());
        for axis in (0..3).filter(|axis| wanted(*axis)) {
            if let Some(halving) = Halving::new(&reached, axis) {
                reached = halving.coarse;
                fields.push(vec![0.0; reached.len()]);
                halvings.push(halving);
            }
        }
        // The last is the coarse one's own.
        fields.pop();
        Self { halvings, fields }
    }

    /// The coarse lattice, if there is one.
    pub fn coarse(&self) -> Option<Lattice> {
        self.halvings.last().map(|halving| halving.coarse)
    }

    /// Pᵀ of a fine field into a coarse one.
    pub fn restrict(&mut self, fine: &[f64], coarse: &mut [f64]) {
        let last = self.halvings.len() - 1;
        for (number, halving) in self.halvings.iter().enumerate() {
            let (before, after) = self.fields.split_at_mut(number);
            let from = before.last().map_or(fine, |field| field);
            let to = if number == last {
                &mut *coarse
            } else {
                &mut after[0]
            };
            halving.restrict(from, to);
        }
    }

    /// P of a coarse field into a fine one.
    pub fn prolong(&mut self, coarse: &[f64], fine: &mut [f64]) {
        if let Some((halving, from)) = self.prolonged(coarse) {
            halving.prolong(from, fine);
        }
    }

    /// Adds P of a coarse field to a fine one.
    pub fn add_prolonged(&mut self, coarse: &[f64], fine: &mut [f64]) {
        if let Some((halving, from)) = self.prolonged(coarse) {
            halving.add_prolonged(from, fine);
        }
    }

    /// P of a coarse field but for the axis that is halved first, and that halving.
    fn prolonged<'a>(&'a mut self, coarse: &'a [f64]) -> Option<(&'a Halving, &'a [f64])> {
        let (first, others) = self.halvings.split_first()?;
        for (number, halving) in others.iter().enumerate().rev() {
            let (to, after) = self.fields[number..].split_first_mut()?;
            let from = after.first().map_or(coarse, |field| field);
            halving.prolong(from, to);
        }
        Some((first, self.fields.first().map_or(coarse, |field| field)))
    }
}

/// Between which nodes of the coarse axis a node of the fine one lies.
fn taps(long: &LatticeAxis, short: &LatticeAxis, node: isize) -> Taps {
    // (node + ½)·short/long − ½ in exact arithmetic.
    let (long, short) = (long.count as isize, short.count as isize);
    let doubled = (2 * node + 1) * short - long;
    let before = doubled.div_euclid(2 * long);
    let share = doubled.rem_euclid(2 * long) as f64 / (2 * long) as f64;
    Taps {
        nodes: [before, before + 1],
        weights: [1.0 - share, share],
    }
}
