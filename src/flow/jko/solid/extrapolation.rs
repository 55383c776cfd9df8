//! Second order: what has come to a place in the last step goes on from there (docs/mathematics.md, eq. 23 and 24).

use super::feet::Foot;
use super::lattice::{Centres, Lattice, Point};
use super::passes;
use crate::flow::jko::pace::{Continued, Pace};

/// Rounds of the search for where a way began, and the change of a place, relative to the cells, at which it ends.
const ROUNDS: usize = 50;
const SETTLED: f64 = 1e-12;

/// The last step as the next one needs it.
pub(super) struct Extrapolation {
    pub pace: Pace,
    /// The share of the last movement by which the step at hand goes on.
    share: f64,
    /// How far what is at each centre has come in the last step, and in the one before.
    travelled: Vec<Point>,
    before: Vec<Point>,
    /// Where the mass of each cell is taken to before the step.
    pub places: Vec<Point>,
}

impl Extrapolation {
    pub fn new(cells: usize) -> Self {
        let zeros = || vec![[0.0; 3]; cells];
        Self {
            pace: Pace::default(),
            share: 0.0,
            travelled: zeros(),
            before: zeros(),
            places: zeros(),
        }
    }

    /// Sets the places of all masses for a step; returns τ of the minimum that is to be taken from there.
    pub fn prepare(&mut self, centres: &Centres, step: f64) -> f64 {
        let first = Continued {
            share: 0.0,
            tau: step,
        };
        let Continued { share, tau } = self.pace.continued(step).unwrap_or(first);
        self.share = share;
        let travelled = &self.travelled;
        passes::each(&mut self.places, |cell, place| {
            let centre = centres.place(cell);
            *place = [0, 1, 2].map(|axis| centre[axis] + share * travelled[cell][axis]);
        });
        tau
    }

    /// Takes on how far all has come in the step that was just made, to the centres from the feet, or not at all without feet.
    pub fn record(
        &mut self,
        lattice: &Lattice,
        centres: &Centres,
        step: f64,
        feet: Option<&[Foot]>,
    ) {
        self.pace.record(step);
        let Some(feet) = feet else {
            self.travelled.fill([0.0; 3]);
            return;
        };
        std::mem::swap(&mut self.travelled, &mut self.before);
        let way = Way {
            lattice,
            centres,
            before: &self.before,
            share: self.share,
        };
        passes::each(&mut self.travelled, |cell, travelled| {
            *travelled = way.of(&centres.place(cell), &feet[cell].place);
        });
    }
}

/// The way of a whole step: its last part, from a foot, and the one before it by which the movement went on.
struct Way<'a> {
    lattice: &'a Lattice,
    centres: &'a Centres,
    before: &'a [Point],
    share: f64,
}

impl Way<'_> {
    /// D(x) = x − y + share · D'(x − D(x)), D' the way that was come in the step before.
    fn of(&self, x: &Point, foot: &Point) -> Point {
        let last = [0, 1, 2].map(|axis| x[axis] - foot[axis]);
        if self.share == 0.0 {
            return last;
        }
        let mut whole = last;
        for _ in 0..ROUNDS {
            let began = [0, 1, 2].map(|axis| x[axis] - whole[axis]);
            let earlier = self.at(&began);
            let next = [0, 1, 2].map(|axis| last[axis] + self.share * earlier[axis]);
            let settled =
                (0..3).all(|axis| (next[axis] - whole[axis]).abs() <= SETTLED * self.spacing(axis));
            whole = next;
            if settled {
                break;
            }
        }
        whole
    }

    fn spacing(&self, axis: usize) -> f64 {
        2.0 * self.centres.along(axis, 0)
    }

    /// The way that was come to a place in the step before: linear between centres, mirrored at closed sides.
    fn at(&self, place: &Point) -> Point {
        let counts = self.centres.counts();
        let ends = [0, 1, 2].map(|axis| {
            let along = &self.lattice.axes[axis];
            if along.missing {
                return [(0, 1.0, 1.0), (0, 1.0, 0.0)];
            }
            let (inside, turned) = along.inside(place[axis]);
            let scaled = inside / self.spacing(axis) - 0.5;
            let first = scaled.floor();
            let (count, number) = (counts[axis] as isize, first as isize);
            let share = scaled - first;
            [(number, 1.0 - share), (number + 1, share)].map(|(number, share)| {
                if along.periodic {
                    (number.rem_euclid(count).unsigned_abs(), 1.0, share)
                } else {
                    let sign = if (0..count).contains(&number) {
                        turned
                    } else {
                        -turned
                    };
                    (number.clamp(0, count - 1).unsigned_abs(), sign, share)
                }
            })
        });
        let mut sum = [0.0; 3];
        for (z, sign_z, weight_z) in ends[0] {
            for (y, sign_y, weight_y) in ends[1] {
                for (x, sign_x, weight_x) in ends[2] {
                    let weight = weight_z * weight_y * weight_x;
                    let way = self.before[(z * counts[1] + y) * counts[2] + x];
                    sum[0] += weight * sign_z * way[0];
                    sum[1] += weight * sign_y * way[1];
                    sum[2] += weight * sign_x * way[2];
                }
            }
        }
        sum
    }
}
