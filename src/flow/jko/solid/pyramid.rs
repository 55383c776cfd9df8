//! The largest coefficients of boxes of nodes, of two along each axis, of four and so on: what bounds u away from a foot without a look at every node.

use super::feet::Foot;
use super::global::Rivals;
use super::lattice::{Lattice, Point};
use super::neighbourhood::{NEAR, own_cell};
use super::passes;

/// Boxes of one size.
struct Level {
    counts: [usize; 3],
    highest: Vec<f64>,
}

/// Coefficients with those beside closed sides, and their maxima over boxes.
pub(super) struct Pyramid<'a> {
    fine: &'a Lattice,
    values: &'a [f64],
    /// Nodes beyond a side.
    beyond: [usize; 3],
    /// From one node to all.
    counts: [usize; 3],
    levels: Vec<Level>,
}

/// For which place and foot a bound is asked for, and which image of the box is looked at.
struct Query<'a> {
    rivals: &'a Rivals<'a>,
    x: &'a Point,
    /// The cell of the foot, and the node that is nearest to the place.
    own: [isize; 3],
    nearest: [isize; 3],
    /// Nodes of the turns along each axis.
    turned: [isize; 3],
}

impl Query<'_> {
    /// A coefficient less that of |x − y|²/(2τ) at a node.
    fn lowered(&self, value: f64, node: [isize; 3]) -> f64 {
        let axes = &self.rivals.lattice.axes;
        let solid = (0..3).filter(|axis| !axes[*axis].missing);
        solid.fold(value, |value, axis| {
            let place = (node[axis] as f64 + 0.5) * axes[axis].spacing;
            value - self.rivals.parabola(&axes[axis], self.x[axis] - place)
        })
    }
}

impl<'a> Pyramid<'a> {
    pub fn new(fine: &'a Lattice, values: &'a [f64]) -> Self {
        let beyond = fine
            .axes
            .map(|axis| usize::from(!axis.missing && !axis.periodic));
        let counts = [0, 1, 2].map(|axis| fine.axes[axis].count + 2 * beyond[axis]);
        let mut pyramid = Self {
            fine,
            values,
            beyond,
            counts,
            levels: Vec::new(),
        };
        let mut finer = counts;
        while finer != [1; 3] {
            let counts = finer.map(|count| count.div_ceil(2));
            let mut highest = vec![f64::NEG_INFINITY; counts.iter().product()];
            passes::each(&mut highest, |number, highest| {
                let (row, c) = (number / counts[2], number % counts[2]);
                let place = [row / counts[1], row % counts[1], c];
                for child in children(place, finer) {
                    *highest = highest.max(pyramid.highest(pyramid.levels.len(), child));
                }
            });
            pyramid.levels.push(Level { counts, highest });
            finer = counts;
        }
        pyramid
    }

    /// Boxes along each axis whose sides are 2 to the `level`.
    fn counts(&self, level: usize) -> [usize; 3] {
        match level.checked_sub(1) {
            None => self.counts,
            Some(above) => self.levels[above].counts,
        }
    }

    /// The largest coefficient in a box.
    fn highest(&self, level: usize, [a, b, c]: [usize; 3]) -> f64 {
        let Some(above) = level.checked_sub(1) else {
            let node = self.node([a, b, c]);
            let folded = [0, 1, 2].map(|axis| self.fine.axes[axis].fold(node[axis]));
            return self.values[self.fine.number(folded)];
        };
        let Level { counts, highest } = &self.levels[above];
        highest[(a * counts[1] + b) * counts[2] + c]
    }

    /// The number of a node, beyond sides too, from where it is among all.
    fn node(&self, place: [usize; 3]) -> [isize; 3] {
        [0, 1, 2].map(|axis| place[axis] as isize - self.beyond[axis] as isize)
    }

    /// The bound beyond the neighbourhood of the foot, or the value at the foot if that is more, for any place. A box is looked into only where its largest
    /// coefficient would be more than what is known, were it at the node of the box that is nearest to the place: the most promising ones first.
    pub fn beyond(&self, rivals: &Rivals, x: &Point, foot: &Foot) -> f64 {
        let axes = &self.fine.axes;
        let mut query = Query {
            rivals,
            x,
            own: own_cell(self.fine, &foot.place),
            nearest: [0, 1, 2].map(|axis| match axes[axis].missing {
                true => 0,
                false => (x[axis] / axes[axis].spacing - 0.5).round() as isize,
            }),
            turned: [0; 3],
        };
        let turns = axes.map(|axis| if axis.periodic { -1..=1 } else { 0..=0 });
        let mut highest = foot.value;
        for a in turns[0].clone() {
            for b in turns[1].clone() {
                for c in turns[2].clone() {
                    let turns = [a, b, c];
                    query.turned = [0, 1, 2].map(|axis| turns[axis] * axes[axis].count as isize);
                    let all = self.levels.len();
                    if self.bound(&query, all, [0; 3]) > highest {
                        self.look_into(&query, all, [0; 3], &mut highest);
                    }
                }
            }
        }
        highest
    }

    /// What no node of a box is above; of one node, what it is.
    fn bound(&self, query: &Query, level: usize, place: [usize; 3]) -> f64 {
        let nearest = [0, 1, 2].map(|axis| {
            let side = 1 << level;
            let first = place[axis] * side;
            let last = (first + side - 1).min(self.counts[axis] - 1);
            let moved = query.turned[axis] - self.beyond[axis] as isize;
            let [first, last] = [first, last].map(|node| node as isize + moved);
            query.nearest[axis].clamp(first, last)
        });
        query.lowered(self.highest(level, place), nearest)
    }

    /// Raises `highest` to the most at any node of a box.
    fn look_into(&self, query: &Query, level: usize, place: [usize; 3], highest: &mut f64) {
        let Some(finer) = level.checked_sub(1) else {
            let node = self.node(place);
            let away = |axis: usize| (node[axis] + query.turned[axis] - query.own[axis]).abs();
            if (0..3).any(|axis| away(axis) >= NEAR) {
                *highest = highest.max(self.bound(query, 0, place));
            }
            return;
        };
        let mut inside = [(f64::NEG_INFINITY, place); 8];
        let parts = children(place, self.counts(finer));
        for (part, child) in inside.iter_mut().zip(parts) {
            *part = (self.bound(query, finer, child), child);
        }
        inside.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (bound, child) in inside {
            if bound > *highest {
                self.look_into(query, finer, child, highest);
            }
        }
    }
}

/// The boxes of half the side in a box.
fn children(place: [usize; 3], counts: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    let along = move |axis: usize| 2 * place[axis]..(2 * place[axis] + 2).min(counts[axis]);
    along(0).flat_map(move |a| along(1).flat_map(move |b| along(2).map(move |c| [a, b, c])))
}
