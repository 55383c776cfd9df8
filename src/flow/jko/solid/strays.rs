//! Ways of a plan for mass that no foot is near: from cells of the start to those that it costs least to reach (docs/mathematics.md, eq. 34).

use super::lattice::{Centres, Lattice, Point, squared_distance};
use super::points::Points;
use super::spline::Spline;
use crate::calculus::Real;

/// By how much a way must be dearer than the cheapest for a share e times as small, and beyond which multiple of it is left out.
const SOFTNESS: f64 = 1e-3;
const DEAREST: f64 = 20.0;
/// The least and the largest factor of a sweep.
const FACTORS: [f64; 2] = [0.1, 10.0];

/// Ways of mass that no foot is near.
#[derive(Clone, Debug, Default)]
pub(super) struct Strays {
    /// Where the mass of each way comes from.
    pub places: Vec<Point>,
    /// |x − y|²/(2τ) of each.
    pub costs: Vec<f64>,
    /// Where each leads to among `reached`.
    ends: Vec<u32>,
    /// The places that ways lead to, in order.
    reached: Vec<u32>,
    /// π V r of each of these by the dual.
    goals: Vec<f64>,
}

impl Strays {
    /// The ways of the masses of the start times `unserved`, each divided among the places in the cells beside its cheapest one, and the
    /// masses on them. `s` is that of each place, `target` its π V and `goal` its mass by the dual.
    pub fn new(
        (lattice, centres, points): (&Lattice, &Centres, &Points),
        tau: f64,
        start: impl Fn(usize) -> f64,
        unserved: &Spline,
        (s, target, goal): (
            impl Fn(usize) -> f64,
            impl Fn(usize) -> f64,
            impl Fn(usize) -> f64,
        ),
    ) -> (Self, Vec<f64>) {
        let mut ways = Self::default();
        let mut masses: Vec<f64> = Vec::new();
        let mut near: Vec<(usize, f64)> = Vec::new();
        for from in 0..centres.len() {
            let place = centres.place(from);
            let mass = start(from) * unserved.value(&place);
            if mass <= 0.0 || mass.is_nan() {
                continue;
            }
            let cost = |to: usize| squared_way(lattice, &points.place(to), &place) / (2.0 * tau);
            let total = |to: usize| s(to) + cost(to);
            near.clear();
            beside(
                lattice,
                centres,
                lowest(lattice, centres, from, total),
                |cell| {
                    let further = points.further(cell);
                    near.extend(
                        std::iter::once(cell)
                            .chain(further)
                            .map(|to| (to, total(to))),
                    );
                },
            );
            let least = near
                .iter()
                .fold(f64::INFINITY, |least, (_, total)| least.min(*total));
            near.retain(|(_, total)| *total <= least + DEAREST * SOFTNESS);
            let share =
                |(to, total): &(usize, f64)| target(*to) * Real::exp((least - total) / SOFTNESS);
            let sum: f64 = near.iter().map(share).sum();
            for way in &near {
                ways.places.push(place);
                ways.costs.push(cost(way.0));
                ways.ends.push(way.0 as u32);
                masses.push(mass * share(way) / sum);
            }
        }
        ways.reached.clone_from(&ways.ends);
        ways.reached.sort_unstable();
        ways.reached.dedup();
        ways.goals = ways.reached.iter().map(|to| goal(*to as usize)).collect();
        let mut number = vec![0; points.len()];
        for (end, to) in ways.reached.iter().enumerate() {
            number[*to as usize] = end as u32;
        }
        for end in &mut ways.ends {
            *end = number[*end as usize];
        }
        (ways, masses)
    }

    /// The place that each way leads to.
    pub fn ends(&self) -> impl Iterator<Item = usize> {
        let ends = self.ends.iter().map(|end| self.reached[*end as usize]);
        ends.map(|place| place as usize)
    }

    /// Scales what comes to each place that ways lead to, from its foot and on them, to its mass by the dual.
    pub fn scale(&self, from_feet: &mut [f64], on_ways: &mut [f64]) {
        let from_foot = self.reached.iter().map(|place| from_feet[*place as usize]);
        let mut sums: Vec<f64> = from_foot.collect();
        for (end, mass) in self.ends.iter().zip(&*on_ways) {
            sums[*end as usize] += mass;
        }
        for (sum, goal) in sums.iter_mut().zip(&self.goals) {
            let factor = (goal / *sum).clamp(FACTORS[0], FACTORS[1]);
            *sum = if factor.is_nan() { 1.0 } else { factor };
        }
        for (place, factor) in self.reached.iter().zip(&sums) {
            from_feet[*place as usize] *= factor;
        }
        for (end, mass) in self.ends.iter().zip(on_ways) {
            *mass *= sums[*end as usize];
        }
    }
}

/// The cell with the least value that is reached downhill from a cell.
fn lowest(
    lattice: &Lattice,
    centres: &Centres,
    from: usize,
    value: impl Fn(usize) -> f64,
) -> usize {
    let mut lowest = (from, value(from));
    loop {
        let mut next = lowest;
        beside(lattice, centres, lowest.0, |cell| {
            let value = value(cell);
            if value < next.1 {
                next = (cell, value);
            }
        });
        if next.0 == lowest.0 {
            return lowest.0;
        }
        lowest = next;
    }
}

/// The square of the distance of two places, the shorter way around.
fn squared_way(lattice: &Lattice, to: &Point, from: &Point) -> f64 {
    let mut image = *from;
    for (axis, along) in lattice.axes.iter().enumerate() {
        if along.periodic {
            let length = along.length();
            image[axis] += length * ((to[axis] - from[axis]) / length).round();
        }
    }
    squared_distance(to, &image)
}

/// Visits a cell and all that touch it.
fn beside(lattice: &Lattice, centres: &Centres, cell: usize, mut visit: impl FnMut(usize)) {
    let (counts, index) = (centres.counts(), centres.index(cell));
    let along = |axis: usize, step: isize| -> Option<usize> {
        let (count, along) = (counts[axis] as isize, &lattice.axes[axis]);
        let beside = index[axis] as isize + step;
        let inside = (0..count).contains(&beside);
        let there = if along.missing {
            step == 0
        } else {
            inside || along.periodic
        };
        there.then(|| beside.rem_euclid(count).unsigned_abs())
    };
    for a in -1..=1 {
        for b in -1..=1 {
            for c in -1..=1 {
                if let (Some(z), Some(y), Some(x)) = (along(0, a), along(1, b), along(2, c)) {
                    visit(centres.number([z, y, x]));
                }
            }
        }
    }
}
