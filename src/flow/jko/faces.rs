//! The origins of many faces at a time: what [`Distribution::place`] finds for one, in loops that become vector instructions.

use super::distribution::{Distribution, SLIGHT};
use super::spline::{EIGHT_NODES, FOUR_NODES, NEARLY_PARABOLIC, Place, SMOOTH, Slopes, begin, end};

/// Cells that are treated together.
pub(super) const TILE: usize = 128;
/// Their faces.
const FACES: usize = TILE + 1;
/// 2⁵²: added to a whole number below it, its last bits are the number.
const WHOLE: f64 = 4_503_599_627_370_496.0;

/// Where successive faces come from, and the distribution there; lengths in cells.
pub(super) struct Faces {
    pub cell: [isize; FACES],
    left: [f64; FACES],
    right: [f64; FACES],
    before: [f64; FACES],
    after: [f64; FACES],
    inverse: [f64; FACES],
    /// The slopes and the mass of the cell that the place is in.
    slope_left: [f64; FACES],
    slope_right: [f64; FACES],
    pub mass: [f64; FACES],
    /// The density at the place, as mass a cell.
    pub density: [f64; FACES],
    /// Whether the distance could be gone.
    pub inside: [bool; FACES],
    /// What lies between the place and the face, for one of the two cells beside it.
    through: [f64; FACES],
}

impl Faces {
    pub fn new() -> Self {
        let zeros = [0.0; FACES];
        Self {
            cell: [0; FACES],
            left: zeros,
            right: zeros,
            before: zeros,
            after: zeros,
            inverse: zeros,
            slope_left: zeros,
            slope_right: zeros,
            mass: zeros,
            density: zeros,
            inside: [false; FACES],
            through: zeros,
        }
    }

    /// Finds the places at `scale` · `forces` from the faces to the right of `first` and of the cells that follow it, which may be
    /// −1 at the left side of the box.
    #[inline(always)]
    pub fn locate(&mut self, origin: &Distribution, first: isize, scale: f64, forces: &[f64]) {
        let cells = origin.cells() as isize;
        let count = cells as f64;
        let many = forces.len().min(FACES);
        for (k, force) in forces.iter().enumerate().take(many) {
            let distance = scale * force;
            let length = distance.abs().min(count);
            let whole = length.floor();
            let part = length - whole;
            let face = first + k as isize;
            let steps = ((whole + WHOLE).to_bits() & ((1 << 52) - 1)) as isize;
            let leftward = distance < 0.0;
            self.cell[k] = if leftward {
                face - steps
            } else {
                face + 1 + steps
            };
            self.left[k] = if leftward { 1.0 - part } else { part };
            self.right[k] = if leftward { part } else { 1.0 - part };
            self.inside[k] = length == distance.abs();
        }
        for k in 0..many {
            let cell = self.cell[k];
            let mut index = cell;
            if !(0..cells).contains(&cell) {
                if origin.periodic {
                    index = cell.rem_euclid(cells);
                } else {
                    let side = if cell < 0 { begin(0) } else { end(cells - 1) };
                    index = side.cell;
                    (self.cell[k], self.left[k], self.right[k]) =
                        (side.cell, side.left, side.right);
                    self.inside[k] = false;
                }
            }
            let index = index.unsigned_abs();
            self.slope_left[k] = origin.lefts[index];
            self.slope_right[k] = origin.rights[index];
            self.mass[k] = origin.masses[index];
        }
        for k in 0..many {
            let slopes = self.slopes(k);
            let place = slopes.place(0, self.left[k], self.right[k]);
            self.before[k] = place.before;
            self.after[k] = place.after;
            self.inverse[k] = place.inverse;
            self.density[k] = self.mass[k] * slopes.density(place);
            let own = self.cell[k] == first + k as isize;
            self.through[k] = self.mass[k] * if own { place.after } else { -place.before };
        }
    }

    #[inline(always)]
    fn slopes(&self, k: usize) -> Slopes {
        Slopes {
            left: self.slope_left[k],
            right: self.slope_right[k],
        }
    }

    /// The place of one face.
    #[inline(always)]
    pub fn place(&self, k: usize) -> Place {
        Place {
            cell: self.cell[k],
            left: self.left[k],
            right: self.right[k],
            before: self.before[k],
            after: self.after[k],
            inverse: self.inverse[k],
        }
    }

    /// Of each cell, the mass between the places of its two faces less the mass that it holds now, `growth` being that since the start
    /// relative to itself. Where little happens it is a sum of differences, each accurate relative to itself.
    ///
    /// Place 0 is that of the face to the left of the first cell, whose number is `first`.
    #[inline(always)]
    pub fn residuals(
        &self,
        origin: &Distribution,
        first: usize,
        growth: &[f64],
        mass: &[f64],
        residual: &mut [f64],
    ) {
        let cells = mass.len();
        let own = &origin.masses[first..first + cells];
        let mut slight = [false; TILE];
        for k in 0..cells {
            let face = (first + k) as isize - 1;
            let near = |place: usize, face: isize| {
                self.cell[place] == face || self.cell[place] == face + 1
            };
            slight[k] = growth[k].abs() < SLIGHT && near(k, face) && near(k + 1, face + 1);
            residual[k] = (self.through[k] - self.through[k + 1]) - own[k] * growth[k];
        }
        for k in 0..cells {
            if !slight[k] {
                residual[k] = self.between(origin, k) - mass[k];
            }
        }
    }

    /// The mass between two successive places, negative where they are exchanged.
    #[inline(always)]
    fn between(&self, origin: &Distribution, k: usize) -> f64 {
        let (from, to) = (self.cell[k], self.cell[k + 1]);
        if to == from + 1 {
            self.mass[k] * self.after[k] + self.mass[k + 1] * self.before[k + 1]
        } else if to == from {
            let share = self.slopes(k).share(self.place(k), self.place(k + 1));
            self.mass[k] * share
        } else {
            origin.between(self.place(k), self.place(k + 1))
        }
    }

    /// [`Distribution::lever`] of every place, for the face that it belongs to; `first` is the number of the first face.
    #[inline(always)]
    pub fn levers(&self, origin: &Distribution, first: usize, levers: &mut [f64]) {
        let many = levers.len().min(FACES);
        let mut towards = [Slopes::default(); FACES];
        let mut length = [0.0; FACES];
        for k in 0..many {
            let rightward = self.cell[k] <= (first + k) as isize;
            let slopes = self.slopes(k);
            towards[k] = if rightward { slopes } else { slopes.mirrored() };
            length[k] = if rightward {
                self.right[k]
            } else {
                self.left[k]
            };
        }
        levers_right(&towards[..many], &length[..many], levers);
        for (k, lever) in levers.iter_mut().enumerate().take(many) {
            let (cell, face) = (self.cell[k], (first + k) as isize);
            let (beyond, share) = if cell <= face {
                ((face - cell) as f64, self.after[k])
            } else {
                ((cell - face - 1) as f64, self.before[k])
            };
            let own = self.mass[k] * (beyond * share + *lever);
            *lever = own + origin.whole_between(cell, face);
        }
    }

    /// [`Distribution::reach`] from every place for the mass `passed`.
    #[inline(always)]
    pub fn reaches(&self, origin: &Distribution, passed: &[f64], reaches: &mut [f64]) {
        let many = reaches.len().min(FACES);
        let mut found = [true; FACES];
        for k in 0..many {
            let needed = passed[k].abs();
            let leftward = passed[k] > 0.0;
            let ahead = 2.0 * needed / self.density[k];
            let room = if leftward {
                self.left[k]
            } else {
                self.right[k]
            };
            let shift = if leftward { -ahead } else { ahead };
            let slopes = self.slopes(k);
            let there = slopes.place(0, self.left[k] + shift, self.right[k] - shift);
            let between = self.mass[k] * slopes.share(self.place(k), there).abs();
            found[k] = needed == 0.0 || (ahead < room && between >= needed);
            reaches[k] = if needed == 0.0 { 0.0 } else { ahead };
        }
        for k in 0..many {
            if !found[k] {
                reaches[k] = origin.reach(self.place(k), passed[k]);
            }
        }
    }
}

/// [`Slopes::lever_right`] from places at these distances from the right face.
#[inline(always)]
pub(super) fn levers_right(slopes: &[Slopes], distances: &[f64], levers: &mut [f64]) {
    let mut most = 0.0_f64;
    for slopes in slopes {
        let excess = (slopes.left + slopes.right - 2.0).abs();
        most = if excess < most { most } else { excess };
    }
    let places = slopes.iter().zip(distances).zip(&mut *levers);
    if most < NEARLY_PARABOLIC {
        for ((slopes, distance), lever) in places {
            *lever = slopes.quadrature(&FOUR_NODES, [0.0, *distance]);
        }
        return;
    }
    for ((slopes, distance), lever) in places {
        *lever = slopes.quadrature(&EIGHT_NODES, [0.0, *distance]);
    }
    if most < SMOOTH {
        return;
    }
    for ((slopes, distance), lever) in slopes.iter().zip(distances).zip(levers) {
        if (slopes.left + slopes.right - 2.0).abs() >= SMOOTH {
            *lever = slopes.lever_right(slopes.place(0, 1.0 - distance, *distance));
        }
    }
}
