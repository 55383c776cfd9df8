//! The distribution function F of the density that a step starts from, on the line or the ring: a spline in each cell, so that F is
//! once differentiable and increasing.
//!
//! Masses are always those between two places, summed from positive parts, and never differences of F: a tail of mass 1e-100 keeps its
//! digits.

use super::faces::{TILE, levers_right};
use super::parts::in_parts;
use super::spline::{Place, Slopes, begin, end};
use crate::backend::cpu::{Kernel, vectorised};
use crate::grid::{Axis, Boundary};

/// Beyond so many cells the first moment is taken from sums over all cells: what cancels there is small beside the distance.
const NEAR: isize = 16;
/// The growth of a cell's mass up to which differences are more accurate than the two masses.
pub(super) const SLIGHT: f64 = 0.1;

/// F in every cell. Lengths are in cells.
pub(super) struct Distribution {
    pub periodic: bool,
    pub masses: Vec<f64>,
    /// The densities of the two faces of each cell over its mean density.
    pub lefts: Vec<f64>,
    pub rights: Vec<f64>,
    /// The mean position of the mass in each cell, from its left face.
    means: Vec<f64>,
    /// Σ mass and Σ mass · mean position over the cells before each: for levers over many cells only.
    sums: Vec<[f64; 2]>,
    summed: bool,
}

impl Distribution {
    pub fn new(axis: &Axis) -> Self {
        Self {
            periodic: axis.boundary == Boundary::Periodic,
            masses: vec![0.0; axis.cells],
            lefts: vec![0.0; axis.cells],
            rights: vec![0.0; axis.cells],
            means: vec![0.0; axis.cells],
            sums: vec![[0.0; 2]; axis.cells + 1],
            summed: false,
        }
    }

    /// Takes on masses of the cells and densities of the faces to their right, as mass a cell; all positive. On a line the last face is
    /// the side and not read.
    pub fn set(&mut self, masses: &[f64], faces: &[f64]) {
        let last = masses.len() - 1;
        in_parts(
            [&mut self.masses, &mut self.lefts, &mut self.rights].map(Vec::as_mut_slice),
            &|first, [own, lefts, rights]| {
                own.copy_from_slice(&masses[first..first + own.len()]);
                let before = if first == 0 { last } else { first - 1 };
                lefts[0] = faces[before] / own[0];
                rights[0] = faces[first] / own[0];
                let (own, faces) = (&own[1..], &faces[first..]);
                for k in 0..own.len() {
                    lefts[k + 1] = faces[k] / own[k];
                    rights[k + 1] = faces[k + 1] / own[k];
                }
            },
            &|(), ()| (),
        );
        if !self.periodic {
            // The density goes on at a closed side as it comes from the other face.
            self.lefts[0] = 1.0 / self.rights[0];
            self.rights[last] = 1.0 / self.lefts[last];
        }
        self.summed = false;
    }

    #[inline(always)]
    fn index(&self, cell: isize) -> usize {
        let count = self.masses.len() as isize;
        let index = if (0..count).contains(&cell) {
            cell
        } else {
            cell.rem_euclid(count)
        };
        index.unsigned_abs()
    }

    /// The place at a distance, in cells, from the face to the right of a cell; at most one turn on a ring, inside the box on a line.
    /// The second value tells whether the distance could be gone.
    #[inline]
    pub fn place(&self, cell: usize, distance: f64) -> (Place, bool) {
        let count = self.masses.len() as f64;
        let within = distance.abs() <= count;
        let distance = distance.clamp(-count, count);
        let whole = distance.abs().floor();
        let part = distance.abs() - whole;
        let (steps, face) = (whole as isize, cell as isize);
        let (own, left, right) = if distance < 0.0 {
            (face - steps, 1.0 - part, part)
        } else {
            (face + 1 + steps, part, 1.0 - part)
        };
        if !self.periodic && own < 0 {
            return (self.first(), false);
        }
        if !self.periodic && own >= self.masses.len() as isize {
            return (self.last(), false);
        }
        let slopes = self.slopes(self.index(own));
        (slopes.place(own, left, right), within)
    }

    /// Number of cells.
    pub fn cells(&self) -> usize {
        self.masses.len()
    }

    #[inline(always)]
    fn slopes(&self, cell: usize) -> Slopes {
        Slopes {
            left: self.lefts[cell],
            right: self.rights[cell],
        }
    }

    /// The mass of a cell.
    pub fn mass(&self, cell: usize) -> f64 {
        self.masses[cell]
    }

    /// The left side of the box.
    pub fn first(&self) -> Place {
        begin(0)
    }

    /// The right side of the box.
    pub fn last(&self) -> Place {
        end(self.masses.len() as isize - 1)
    }

    /// The density at a place, as mass a cell.
    #[inline(always)]
    pub fn density(&self, place: Place) -> f64 {
        let cell = self.index(place.cell);
        self.masses[cell] * self.slopes(cell).density(place)
    }

    /// The mass between two places, negative where they are exchanged.
    pub fn between(&self, from: Place, to: Place) -> f64 {
        if from.cell > to.cell {
            return -self.between(to, from);
        }
        let (first, last) = (self.index(from.cell), self.index(to.cell));
        if from.cell == to.cell {
            return self.masses[first] * self.slopes(first).share(from, to);
        }
        let mut mass = self.masses[first] * from.after;
        for cell in from.cell + 1..to.cell {
            mass += self.masses[self.index(cell)];
        }
        mass + self.masses[last] * to.before
    }

    /// The mass between the origins of the two faces of a cell less the mass that it holds now, `growth` being that since the start
    /// relative to itself. Where little happens it is a sum of differences, each accurate relative to itself.
    #[inline]
    pub fn residual(&self, cell: usize, [left, right]: [Place; 2], growth: f64, mass: f64) -> f64 {
        let own = cell as isize;
        let near = |place: Place, cell: isize| place.cell == cell || place.cell == cell + 1;
        if growth.abs() < SLIGHT && near(left, own - 1) && near(right, own) {
            let entering = self.through(left, own - 1);
            let leaving = self.through(right, own);
            return entering - leaving - self.masses[cell] * growth;
        }
        self.between(left, right) - mass
    }

    /// The mass from a place in one of the two cells beside the face to the right of a cell to that face.
    #[inline(always)]
    fn through(&self, place: Place, cell: isize) -> f64 {
        let own = self.index(place.cell);
        let share = if place.cell == cell {
            place.after
        } else {
            -place.before
        };
        self.masses[own] * share
    }

    /// A bound, in cells, on how far one must go from a place, to the left for positive and to the right for negative `mass`, for that
    /// much mass to lie between.
    pub fn reach(&self, place: Place, mass: f64) -> f64 {
        if mass == 0.0 {
            return 0.0;
        }
        let leftward = mass > 0.0;
        let needed = mass.abs();
        let cell = self.index(place.cell);
        let room = if leftward { place.left } else { place.right };
        let ahead = 2.0 * needed / self.density(place);
        if ahead < room {
            let shift = if leftward { -ahead } else { ahead };
            let (left, right) = (place.left + shift, place.right - shift);
            let there = self.slopes(cell).place(place.cell, left, right);
            if self.masses[cell] * self.slopes(cell).share(place, there).abs() >= needed {
                return ahead;
            }
        }
        let mut distance = room;
        let beside = if leftward { place.before } else { place.after };
        let mut found = self.masses[cell] * beside;
        let count = self.masses.len();
        let mut next = place.cell;
        while found < needed && distance < count as f64 {
            next += if leftward { -1 } else { 1 };
            if !self.periodic && !(0..count as isize).contains(&next) {
                break;
            }
            found += self.masses[self.index(next)];
            distance += 1.0;
        }
        distance
    }

    /// Prepares [`Distribution::lever`] and [`Distribution::displacement`].
    pub fn sum_up(&mut self) {
        if self.summed {
            return;
        }
        self.summed = true;
        let (lefts, rights) = (&self.lefts, &self.rights);
        in_parts(
            [&mut self.means[..]],
            &|first, [means]| {
                let (lefts, rights) = (&lefts[first..], &rights[first..]);
                vectorised(Means {
                    lefts,
                    rights,
                    means,
                });
            },
            &|(), ()| (),
        );
        let [mut before, mut moment] = [0.0; 2];
        let cells = self.masses.iter().zip(&self.means).enumerate();
        for ((cell, (mass, mean)), sums) in cells.zip(&mut self.sums[1..]) {
            before += mass;
            moment += mass * (cell as f64 + mean);
            *sums = [before, moment];
        }
    }

    /// All mass.
    pub fn total(&self) -> f64 {
        self.sums[self.masses.len()][0]
    }

    /// How far, in cells, the place with this much mass to its left is from the face to the right of a cell. By differences of F: good
    /// for a first guess.
    pub fn displacement(&self, cell: usize, mass: f64) -> f64 {
        let (count, total) = (self.masses.len(), self.total());
        let turns = if self.periodic {
            (mass / total).floor()
        } else {
            0.0
        };
        let within = mass - turns * total;
        let found = self.sums.partition_point(|[sum, _]| *sum <= within);
        let own = found.saturating_sub(1).min(count - 1);
        let share = (within - self.sums[own][0]) / self.masses[own];
        let position = self.slopes(own).position(share);
        turns * count as f64 + own as f64 + position - (cell + 1) as f64
    }

    /// ∫ |x − z| dF(z) from a place to the face x to the right of a cell, in units of mass and cells: the cost of what goes through the
    /// face to or from beyond it.
    #[cfg(test)]
    pub fn lever(&self, place: Place, face: usize) -> f64 {
        let face = face as isize;
        let own = self.index(place.cell);
        let (mass, slopes) = (self.masses[own], self.slopes(own));
        let part = if place.cell <= face {
            (face - place.cell) as f64 * place.after + slopes.lever_right(place)
        } else {
            (place.cell - face - 1) as f64 * place.before + slopes.lever_left(place)
        };
        mass * part + self.whole_between(place.cell, face)
    }

    /// Σ mass · |x − mean position| over the whole cells between a cell and the face x to the right of another, or of itself.
    #[inline]
    pub fn whole_between(&self, cell: isize, face: isize) -> f64 {
        if cell == face || cell == face + 1 {
            0.0
        } else if cell < face {
            self.whole(cell + 1, face + 1, (face + 1) as f64)
        } else {
            -self.whole(face + 1, cell, (face + 1) as f64)
        }
    }

    /// Σ mass and Σ mass · mean position up to a cell, those of further turns of a ring included.
    #[inline]
    fn up_to(&self, cell: isize) -> [f64; 2] {
        let count = self.masses.len();
        if let Some(sums) = usize::try_from(cell)
            .ok()
            .and_then(|cell| self.sums.get(cell))
        {
            return *sums;
        }
        let turns = cell.div_euclid(count as isize) as f64;
        let (total, length) = (self.sums[count], count as f64);
        let [mass, moment] = self.sums[self.index(cell)];
        // Σ over full turns k of the moment of one turn, shifted by k lengths.
        let turned = total[1] * turns + total[0] * length * turns * (turns - 1.0) / 2.0;
        [
            mass + turns * total[0],
            moment + turns * length * mass + turned,
        ]
    }

    /// Σ mass · (x − mean position) over whole cells.
    #[inline]
    fn whole(&self, from: isize, to: isize, x: f64) -> f64 {
        if to - from > NEAR {
            let (end, begin) = (self.up_to(to), self.up_to(from));
            return x * (end[0] - begin[0]) - (end[1] - begin[1]);
        }
        let term = |cell: isize| {
            let index = self.index(cell);
            self.masses[index] * (x - cell as f64 - self.means[index])
        };
        (from..to).map(term).sum()
    }
}

/// The mean positions of the mass in cells.
struct Means<'a> {
    lefts: &'a [f64],
    rights: &'a [f64],
    means: &'a mut [f64],
}

impl Kernel for Means<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let whole = [1.0; TILE];
        let mut mirrored = [Slopes::default(); TILE];
        let slopes = self.lefts.chunks(TILE).zip(self.rights.chunks(TILE));
        for ((lefts, rights), means) in slopes.zip(self.means.chunks_mut(TILE)) {
            let cells = means.len();
            for (mirrored, (left, right)) in mirrored.iter_mut().zip(lefts.iter().zip(rights)) {
                *mirrored = Slopes {
                    left: *right,
                    right: *left,
                };
            }
            levers_right(&mirrored[..cells], &whole[..cells], means);
        }
    }
}
