//! Whether feet are maxima over the whole box, proven (docs/mathematics.md, eq. 32).
//!
//! Second derivatives of a quadratic spline lie between differences of its coefficients. Where τ times their largest eigenvalue stays
//! below 1 in every lattice cell, u(y) = φ(y) − |x − y|²/(2τ) is strictly concave and a stationary point is its only maximum. Elsewhere
//! u, a quadratic spline itself, is bounded by its coefficients, which no value exceeds: on a finer lattice beyond a neighbourhood of the
//! foot, and on ever finer ones within, until u is concave in what is left.

use std::ops::RangeInclusive;

use rayon::prelude::*;

use super::feet::Foot;
use super::lattice::{Centres, Lattice, LatticeAxis};
use super::neighbourhood::{NEAR, Neighbourhood, own_cell};
use super::passes;
use super::points::Points;
use super::pyramid::Pyramid;

/// Halvings of the lattice for the bounds.
const HALVINGS: usize = 2;

/// The coefficients around a lattice cell.
type Around = [[[f64; 3]; 3]; 3];

/// Whether (32) holds in every cell of the lattice that has been halved so many times: Gershgorin's bound on the hulls of the differences.
/// Where it holds in a cell it holds in the halves, whose differences are means of those of the whole.
fn concave(lattice: &Lattice, coefficients: &[f64], tau: f64, halvings: usize) -> bool {
    let mut lattices = vec![*lattice];
    for _ in 0..halvings {
        lattices.extend(lattices.last().map(finer));
    }
    let below = |cell: usize| {
        let around = lattice.around(coefficients, lattice.node(cell));
        concave_within(&lattices, &around, tau)
    };
    (0..lattice.len()).into_par_iter().all(below)
}

/// Whether (32) holds in a cell of the first of several lattices, or in all parts of it on the others.
fn concave_within(lattices: &[Lattice], around: &Around, tau: f64) -> bool {
    let Some((lattice, finer)) = lattices.split_first() else {
        return false;
    };
    if tau * eigenvalue(lattice, around) < 1.0 {
        return true;
    }
    let sides = lattice
        .axes
        .map(|axis| if axis.missing { 0..1 } else { 0..2 });
    !finer.is_empty()
        && sides[0].clone().all(|a| {
            sides[1].clone().all(|b| {
                sides[2].clone().all(|c| {
                    let mut half = *around;
                    for (axis, side) in [a, b, c].into_iter().enumerate() {
                        if !lattice.axes[axis].missing {
                            half = half_of(&half, axis, side);
                        }
                    }
                    concave_within(finer, &half, tau)
                })
            })
        })
}

/// A coefficient on half the spacing from that of its own node and of the one that it is next to: the two-scale relation (1, 3, 3, 1)/4.
fn refined(own: f64, beside: f64) -> f64 {
    0.75 * own + 0.25 * beside
}

/// Halves the spacing along an axis.
fn halve(axis: &mut LatticeAxis) {
    axis.count *= 2;
    axis.spacing *= 0.5;
}

/// The coefficients around the first (0) or the second half (1) of a cell along an axis.
fn half_of(around: &Around, axis: usize, side: usize) -> Around {
    [0, 1, 2].map(|a| {
        [0, 1, 2].map(|b| {
            [0, 1, 2].map(|c| {
                let at = |along: usize| {
                    let mut place = [a, b, c];
                    place[axis] = along;
                    around[place[0]][place[1]][place[2]]
                };
                // Numbers from the first half of the node before on.
                let fine = [a, b, c][axis] + side + 1;
                let (own, later) = (fine / 2, fine % 2);
                let beside = if later == 0 { own - 1 } else { own + 1 };
                refined(at(own), at(beside))
            })
        })
    })
}

/// The lattice with half the spacing along every axis.
fn finer(lattice: &Lattice) -> Lattice {
    let mut finer = *lattice;
    let axes = finer.axes.iter_mut();
    axes.filter(|axis| !axis.missing).for_each(halve);
    finer
}

/// Coefficients on the lattice with half the spacing along every axis.
fn halved(lattice: &Lattice, coefficients: &[f64]) -> (Lattice, Vec<f64>) {
    let (mut lattice, mut values) = (*lattice, coefficients.to_vec());
    for number in 0..3 {
        let coarse = lattice;
        let axis = &mut lattice.axes[number];
        if axis.missing {
            continue;
        }
        halve(axis);
        let mut finer = vec![0.0; lattice.len()];
        passes::each(&mut finer, |place, value| {
            let mut node = lattice.node(place);
            let fine = node[number];
            node[number] = fine / 2;
            let own = values[coarse.number(node)];
            let beside = if fine % 2 == 0 { -1 } else { 1 };
            node[number] = coarse.axes[number].fold((fine / 2) as isize + beside);
            *value = refined(own, values[coarse.number(node)]);
        });
        values = finer;
    }
    (lattice, values)
}

/// A bound on the largest eigenvalue of D²φ from the coefficients around a lattice cell.
pub(super) fn eigenvalue(lattice: &Lattice, around: &Around) -> f64 {
    let axes = &lattice.axes;
    let at = |place: [usize; 3]| around[place[0]][place[1]][place[2]];
    let mut largest = f64::NEG_INFINITY;
    for axis in (0..3).filter(|axis| !axes[*axis].missing) {
        let [b, c] = [(axis + 1) % 3, (axis + 2) % 3];
        let mut high = f64::NEG_INFINITY;
        for beside in axes[b].beside() {
            for behind in axes[c].beside() {
                let value = |own: usize| {
                    let mut place = [0; 3];
                    (place[axis], place[b], place[c]) = (own, beside, behind);
                    at(place)
                };
                high = high.max(value(0) - 2.0 * value(1) + value(2));
            }
        }
        let square = axes[axis].spacing * axes[axis].spacing;
        let mut radius = 0.0;
        for (other, rest) in [(b, c), (c, b)] {
            if axes[other].missing {
                continue;
            }
            let mut mixed = 0.0_f64;
            for behind in axes[rest].beside() {
                for (own, beside) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    let value = |i: usize, j: usize| {
                        let mut place = [0; 3];
                        (place[axis], place[other], place[rest]) = (own + i, beside + j, behind);
                        at(place)
                    };
                    let difference = value(1, 1) - value(1, 0) - value(0, 1) + value(0, 0);
                    mixed = mixed.max(difference.abs());
                }
            }
            radius += mixed / (axes[axis].spacing * axes[other].spacing);
        }
        largest = largest.max(high / square + radius);
    }
    largest
}

/// For each place a bound on how much higher than its foot the maximum over the box may be; nothing where no maximum is.
pub(super) fn excess(
    lattice: &Lattice,
    (centres, points): (&Centres, &Points),
    coefficients: &[f64],
    tau: f64,
    feet: &[Foot],
) -> Vec<f64> {
    if concave(lattice, coefficients, tau, HALVINGS) {
        return Vec::new();
    }
    let (mut fine, mut values) = halved(lattice, coefficients);
    for _ in 1..HALVINGS {
        (fine, values) = halved(&fine, &values);
    }
    let rivals = Rivals {
        lattice: &fine,
        centres,
        points,
        tau,
    };
    let mut excess = vec![0.0; feet.len()];
    rivals.search(&Field::new(values, fine.counts()), feet, &mut excess);
    excess
}

/// The bound on u beyond the neighbourhoods of the feet.
pub(super) struct Rivals<'a> {
    pub lattice: &'a Lattice,
    pub centres: &'a Centres,
    pub points: &'a Points,
    pub tau: f64,
}

/// A field, its counts along the axes and its maximum.
struct Field {
    values: Vec<f64>,
    counts: [usize; 3],
    highest: f64,
}

impl Field {
    fn new(values: Vec<f64>, counts: [usize; 3]) -> Self {
        let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self {
            values,
            counts,
            highest,
        }
    }
}

impl Rivals<'_> {
    fn search(&self, coefficients: &Field, feet: &[Foot], excess: &mut [f64]) {
        for axis in (0..3).filter(|axis| !self.lattice.axes[*axis].missing) {
            let mut reached = None;
            for other in (0..3).filter(|other| *other != axis) {
                if !self.lattice.axes[other].missing {
                    let field = reached.as_ref().unwrap_or(coefficients);
                    reached = Some(self.maximise(field, other));
                }
            }
            let field = reached.as_ref().unwrap_or(coefficients);
            passes::each(&mut excess[..self.centres.len()], |cell, excess| {
                let highest = self.beyond(field, axis, cell, &feet[cell]);
                *excess = excess.max(highest - feet[cell].value);
            });
        }
        let cells = self.centres.len();
        let pyramid = Pyramid::new(self.lattice, &coefficients.values);
        passes::each(&mut excess[cells..], |number, excess| {
            let (x, foot) = (self.points.place(cells + number), &feet[cells + number]);
            let highest = pyramid.beyond(self, &x, foot);
            *excess = excess.max(highest - foot.value);
        });
        passes::each(excess, |cell, excess| {
            let foot = &feet[cell];
            let near = Neighbourhood::new(self.lattice, &coefficients.values, &foot.place);
            let x = self.points.place(cell);
            *excess = excess.max(near.excess(&x, self.tau, &foot.place, foot.value));
        });
    }

    /// The maximum over the nodes of one axis of the field and the coefficient of −(x − y)²/(2τ), at the centres of the cells.
    fn maximise(&self, field: &Field, axis: usize) -> Field {
        let counts = field.counts;
        let mut reached = counts;
        reached[axis] = self.centres.counts()[axis];
        let stride: usize = counts[axis + 1..].iter().product();
        let along = &self.lattice.axes[axis];
        let mut values = vec![0.0; reached.iter().product()];
        passes::each(&mut values, |number, value| {
            let (outer, inner) = (number / stride, number % stride);
            let x = self.centres.along(axis, outer % reached[axis]);
            let first = outer / reached[axis] * counts[axis] * stride + inner;
            let at = |node: usize| field.values[first + node * stride];
            let nearest = (x / along.spacing).floor();
            let distance = x - (nearest + 0.5) * along.spacing;
            let known = at(along.fold(nearest as isize)) - self.parabola(along, distance);
            *value = self.highest(axis, x, [known, field.highest], |_| true, at);
        });
        Field::new(values, reached)
    }

    /// The coefficient of y²/(2τ): y² has the coefficients y_k² − h²/4.
    pub fn parabola(&self, along: &LatticeAxis, distance: f64) -> f64 {
        0.5 / self.tau * (distance * distance - 0.25 * along.spacing * along.spacing)
    }

    /// The maximum of `known` and of what is at the nodes of one axis that are admitted, with those beside the sides, and on a ring one
    /// turn away. Nodes so far that no value up to `most` could be more than `known` there are not looked at.
    #[inline(always)]
    fn highest(
        &self,
        axis: usize,
        x: f64,
        [known, most]: [f64; 2],
        admitted: impl Fn(isize) -> bool,
        value: impl Fn(usize) -> f64,
    ) -> f64 {
        let along = &self.lattice.axes[axis];
        let square = 2.0 * self.tau * (most - known) + 0.25 * along.spacing * along.spacing;
        if square < 0.0 {
            return known;
        }
        let nodes = self.within(axis, x, square);
        let mut highest = known;
        for node in nodes.filter(|node| admitted(*node)) {
            let distance = x - (node as f64 + 0.5) * along.spacing;
            let term = value(along.fold(node)) - self.parabola(along, distance);
            highest = highest.max(term);
        }
        highest
    }

    /// The nodes of an axis, with those beside the sides, and on a ring one turn away, whose distance has no larger square.
    #[inline(always)]
    fn within(&self, axis: usize, x: f64, square: f64) -> RangeInclusive<isize> {
        let along = &self.lattice.axes[axis];
        let count = along.count as isize;
        if along.missing {
            return 0..=0;
        }
        let [first, last] = if along.periodic {
            [-count, 2 * count - 1]
        } else {
            [-1, count]
        };
        let (at, reach) = (x / along.spacing - 0.5, square.sqrt() / along.spacing);
        if reach.is_finite() {
            first.max((at - reach).floor() as isize)..=last.min((at + reach).ceil() as isize)
        } else {
            first..=last
        }
    }

    /// The bound beyond the neighbourhood of the foot along one axis, or the value at the foot if that is more.
    fn beyond(&self, field: &Field, axis: usize, cell: usize, foot: &Foot) -> f64 {
        let (counts, values) = (field.counts, &field.values);
        let own = own_cell(self.lattice, &foot.place)[axis];
        let mut index = self.centres.index(cell);
        let at = self.centres.along(axis, index[axis]);
        index[axis] = 0;
        let start = (index[0] * counts[1] + index[1]) * counts[2] + index[2];
        let stride: usize = counts[axis + 1..].iter().product();
        // A cell beyond has splines of the last cell of the neighbourhood, but of none before it.
        let admitted = |node: isize| (node - own).abs() >= NEAR;
        let known = [foot.value, field.highest];
        self.highest(axis, at, known, admitted, |node| {
            values[start + node * stride]
        })
    }
}
