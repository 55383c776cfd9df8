//! Ways of a plan for mass that no foot is near: from cells of the start to those that it costs least to reach (docs/mathematics.md, eq. 34).
//!
//! Whatever changes the masses on ways does so by the cell that they come from or by the place that they lead to. So one number for each of
//! these is kept, and the ways, up to 27 from a cell, are found again whenever they are asked for.

use rayon::prelude::*;

use super::feet::Foot;
use super::lattice::{Centres, Lattice, Point, squared_distance};
use super::passes;
use super::points::Points;
use crate::calculus::Real;

/// By how much a way must be dearer than the cheapest for a share e times as small, and beyond which multiple of it is left out.
const SOFTNESS: f64 = 1e-3;
const DEAREST: f64 = 20.0;
/// The least and the largest factor of a sweep.
const FACTORS: [f64; 2] = [0.1, 10.0];
/// Cells whose ways are found by one thread at a time, and those whose ways are held together.
const BATCH: usize = 64;
const HELD: usize = 8192;

/// What decides where ways lead to.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    pub lattice: &'a Lattice,
    pub centres: &'a Centres,
    pub points: &'a Points,
    pub tau: f64,
    pub feet: &'a [Foot],
    /// By how much s is raised at each place; nothing where it is at none.
    pub excess: &'a [f64],
    /// π V of each place.
    pub target: &'a [f64],
}

/// A way from a cell of the start.
#[derive(Clone, Copy)]
pub(super) struct Way {
    pub from: usize,
    /// The place that it leads to.
    pub to: usize,
    /// |x − y|²/(2τ).
    pub cost: f64,
    pub mass: f64,
}

/// Ways of mass that no foot is near; none of them by default.
#[derive(Clone, Debug, Default)]
pub(super) struct Strays {
    /// The cell that it costs least to reach from each cell of the start.
    lowest: Vec<u32>,
    /// By how much the shares of each place have been scaled; 0 where no way leads to.
    factors: Vec<f64>,
}

impl Ground<'_> {
    /// s at a place, raised.
    #[inline(always)]
    pub fn s(&self, place: usize) -> f64 {
        self.feet[place].value + self.excess.get(place).copied().unwrap_or(0.0)
    }

    fn cost(&self, to: usize, from: &Point) -> f64 {
        squared_way(self.lattice, &self.points.place(to), from) / (2.0 * self.tau)
    }

    /// The cell of the least s and cost that is reached downhill from a cell.
    fn lowest(&self, from: usize) -> usize {
        let place = self.centres.place(from);
        let value = |to: usize| self.s(to) + self.cost(to, &place);
        let mut lowest = (from, value(from));
        loop {
            let mut next = lowest;
            beside(self.lattice, self.centres, lowest.0, |cell| {
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

    /// Adds the ways of a mass from a cell: it is divided among the places in the cells beside its cheapest one, their shares multiplied by `factor`.
    fn add_ways(
        &self,
        (from, lowest): (usize, usize),
        mass: f64,
        factor: impl Fn(usize) -> f64,
        ways: &mut Vec<Way>,
    ) {
        let (place, first) = (self.centres.place(from), ways.len());
        let mut least = f64::INFINITY;
        beside(self.lattice, self.centres, lowest, |cell| {
            for to in std::iter::once(cell).chain(self.points.further(cell)) {
                let cost = self.cost(to, &place);
                least = least.min(self.s(to) + cost);
                ways.push(Way {
                    from,
                    to,
                    cost,
                    mass,
                });
            }
        });
        let mut sum = 0.0;
        let mut kept = first;
        for number in first..ways.len() {
            let mut way = ways[number];
            let total = self.s(way.to) + way.cost;
            if total <= least + DEAREST * SOFTNESS {
                let share = self.target[way.to] * Real::exp((least - total) / SOFTNESS);
                way.mass = share * factor(way.to);
                sum += way.mass;
                ways[kept] = way;
                kept += 1;
            }
        }
        ways.truncate(kept);
        for way in &mut ways[first..] {
            way.mass = mass * way.mass / sum;
        }
    }
}

impl Strays {
    /// The ways of masses of the start, one for each cell; none where there is none.
    pub fn new(ground: &Ground, masses: &[f64]) -> Self {
        let mut lowest = vec![0; masses.len()];
        passes::each(&mut lowest, |from, lowest| {
            if masses[from] > 0.0 {
                *lowest = ground.lowest(from) as u32;
            }
        });
        let mut strays = Self {
            lowest,
            factors: Vec::new(),
        };
        let mut factors = vec![0.0; ground.points.len()];
        strays.visit(ground, masses, |way| factors[way.to] = 1.0);
        strays.factors = factors;
        strays
    }

    /// Whether there are no ways.
    pub fn is_empty(&self) -> bool {
        self.lowest.is_empty()
    }

    /// Visits all ways, in order, with what of the masses of the start is on them.
    pub fn visit(&self, ground: &Ground, masses: &[f64], mut visit: impl FnMut(&Way)) {
        let factor = |place: usize| self.factors.get(place).copied().unwrap_or(1.0);
        let cells = self.lowest.len();
        for first in (0..cells).step_by(HELD) {
            let last = cells.min(first + HELD);
            let batches = (first..last).into_par_iter().step_by(BATCH);
            let batches = batches.map(|begin| {
                let mut ways = Vec::new();
                let cells = begin..last.min(begin + BATCH);
                for (from, mass) in cells.clone().zip(&masses[cells]) {
                    if *mass > 0.0 {
                        let lowest = self.lowest[from] as usize;
                        ground.add_ways((from, lowest), *mass, factor, &mut ways);
                    }
                }
                ways
            });
            let batches: Vec<Vec<Way>> = batches.collect();
            batches.iter().flatten().for_each(&mut visit);
        }
    }

    /// Scales what comes to each place that ways lead to, from its foot and on them, to `goal`.
    pub fn scale(
        &mut self,
        ground: &Ground,
        from_feet: &mut [f64],
        on_ways: &mut [f64],
        goal: impl Fn(usize) -> f64 + Sync,
    ) {
        let mut scales = from_feet.to_vec();
        self.visit(ground, on_ways, |way| scales[way.to] += way.mass);
        let factors = &self.factors;
        passes::each(&mut scales, |place, scale| {
            let wanted = (goal(place) / *scale).clamp(FACTORS[0], FACTORS[1]);
            let led_to = factors[place] > 0.0 && !wanted.is_nan();
            *scale = if led_to { wanted } else { 1.0 };
        });
        passes::each(from_feet, |place, mass| *mass *= scales[place]);
        let mut scaled = vec![0.0; on_ways.len()];
        self.visit(ground, on_ways, |way| {
            scaled[way.from] += way.mass * scales[way.to];
        });
        on_ways.copy_from_slice(&scaled);
        passes::each(&mut self.factors, |place, factor| *factor *= scales[place]);
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
