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
        let stride = self.stride(&self.fine);
        let (long, short) = (self.down.len(), self.up.len());
        passes::each(coarse, |place, out| {
            let (outer, inner) = (place / stride, place % stride);
            let first = outer / short * long * stride + inner;
            let terms = self.up[outer % short].iter();
            *out = terms
                .map(|(node, weight)| weight * fine[first + node * stride])
                .sum();
        });
    }

    /// P of a coarse field into a fine one.
    pub fn prolong(&self, coarse: &[f64], fine: &mut [f64]) {
        let stride = self.stride(&self.fine);
        let (long, short) = (self.down.len(), self.up.len());
        passes::each(fine, |place, out| {
            let (outer, inner) = (place / stride, place % stride);
            let first = outer / long * short * stride + inner;
            let terms = self.down[outer % long].iter();
            *out = terms
                .map(|(node, weight)| weight * coarse[first + node * stride])
                .sum();
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
        for (number, halving) in self.halvings.iter().enumerate().rev() {
            let (before, after) = self.fields.split_at_mut(number);
            let from = after.first().map_or(coarse, |field| field);
            let to = match before.last_mut() {
                Some(field) => field,
                None => &mut *fine,
            };
            halving.prolong(from, to);
        }
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
