//! Second order: the movement of the last step goes on beyond its end, and the next minimum is taken from there (docs/mathematics.md,
//! eq. 23 and 24).

use super::line::{LineStep, lowest};
use super::pace::{Continued, Pace};
use super::spline::{Place, Slopes};
use crate::calculus::Real;
use crate::divergence::Divergence;

/// The width, in cells, that a cell keeps at least.
const NARROWEST: f64 = 0.25;
/// The relative change of a cell up to which it is taken from what passed the faces.
const SLIGHT: f64 = 0.1;
/// The relative error of the mass from which on it is made good.
const LOST: f64 = 1e-14;

/// The last step as the next one needs it. Lengths are in cells, faces are counted from the left side on.
pub(super) struct Extrapolation {
    periodic: bool,
    pub pace: Pace,
    /// How far what is at each face has come in the last step.
    travelled: Vec<f64>,
    /// How far each face goes on in the extrapolation.
    moved: Vec<f64>,
    scratch: Vec<f64>,
    /// ℓ from which the next minimum is taken.
    log_ratio: Vec<f64>,
    first_mass: Option<f64>,
}

impl Extrapolation {
    pub fn new(cells: usize, periodic: bool) -> Self {
        let zeros = || vec![0.0; cells + 1];
        Self {
            periodic,
            pace: Pace::default(),
            travelled: zeros(),
            moved: zeros(),
            scratch: zeros(),
            log_ratio: vec![0.0; cells],
            first_mass: None,
        }
    }

    /// With which τ the step from ℓ is minimised, from which ℓ, and a first guess for the solution: what the extrapolation tears open far
    /// from equilibrium is closed again by the step, so that its begin is nearer to its end.
    pub fn prepare<'a, D: Divergence>(
        &'a mut self,
        solver: &mut LineStep<D>,
        log_ratio: &'a [f64],
        step: f64,
    ) -> (f64, &'a [f64], Option<&'a [f64]>) {
        self.log_ratio.copy_from_slice(log_ratio);
        let Some(Continued { share, tau }) = self.pace.continued(step) else {
            self.moved.fill(0.0);
            return (step, &self.log_ratio, None);
        };
        self.move_faces(share);
        self.push_forward(solver);
        (tau, &self.log_ratio, Some(log_ratio))
    }

    /// Takes on how far all has come in the step by `step` that was just minimised with `tau`.
    pub fn record<D: Divergence>(&mut self, solver: &LineStep<D>, step: f64, tau: f64) {
        self.pace.record(step);
        let scale = tau / (solver.spacing * solver.spacing);
        let cells = solver.cells();
        let mut cell = 0;
        for face in 1..=cells {
            if face == cells && !self.periodic {
                break;
            }
            let mut distance = scale * solver.current.force[face - 1];
            let here = face as f64;
            distance = if self.periodic {
                distance.clamp(-(cells as f64), cells as f64)
            } else {
                distance.clamp(-here, cells as f64 - here)
            };
            self.travelled[face] = -self.origin(&mut cell, face as isize, distance);
        }
        if self.periodic {
            self.travelled[0] = self.travelled[cells];
        }
    }

    /// `moved` as a share of `travelled`, held back where cells would become too narrow: the mean of what follows if the face to the
    /// left pushes the next one on, and if the one to the right does.
    fn move_faces(&mut self, share: f64) {
        let cells = self.log_ratio.len();
        let most = 1.0 - NARROWEST;
        for (face, (moved, travelled)) in self.moved.iter_mut().zip(&self.travelled).enumerate() {
            *moved = share * travelled;
            if !self.periodic {
                *moved = moved.clamp(-most * face as f64, most * (cells - face) as f64);
            }
        }
        let pushed = &mut self.scratch;
        pushed.copy_from_slice(&self.moved);
        let turns = if self.periodic { 2 } else { 1 };
        for _ in 0..turns {
            for face in 1..=cells {
                pushed[face] = pushed[face].max(pushed[face - 1] - most);
            }
            if self.periodic {
                pushed[0] = pushed[cells];
            }
        }
        for _ in 0..turns {
            for face in (0..cells).rev() {
                self.moved[face] = self.moved[face].min(self.moved[face + 1] + most);
            }
            if self.periodic {
                self.moved[cells] = self.moved[0];
            }
        }
        for (moved, pushed) in self.moved.iter_mut().zip(pushed) {
            *moved = 0.5 * (*moved + *pushed);
        }
    }

    /// ℓ after each face has `moved` and what is between two faces with them.
    fn push_forward<D: Divergence>(&mut self, solver: &mut LineStep<D>) {
        solver.start_from(&self.log_ratio);
        let total = solver.total;
        let missing = *self.first_mass.get_or_insert(total) - total;
        let cells = self.log_ratio.len();
        let mut cell = -1;
        let mut left = if self.periodic {
            let mut seam = self.place(solver, &mut cell, 0);
            seam.cell -= cells as isize;
            seam
        } else {
            solver.origin.first()
        };
        let (mut heaviest, mut heaviest_mass) = (0, 0.0);
        for i in 0..cells {
            let right = if i + 1 < cells || self.periodic {
                self.place(solver, &mut cell, i + 1)
            } else {
                solver.origin.last()
            };
            let mass = solver.origin.mass(i);
            let growth = solver.origin.residual(i, [left, right], 0.0, mass) / mass;
            let change = if growth.abs() < SLIGHT {
                Real::ln_1p(growth)
            } else {
                let now = solver.origin.between(left, right);
                Real::ln(now.max(f64::MIN_POSITIVE)) - Real::ln(mass)
            };
            self.log_ratio[i] = (self.log_ratio[i] + change).max(lowest(solver.log_mass[i]));
            if mass * (1.0 + growth) > heaviest_mass {
                (heaviest, heaviest_mass) = (i, mass * (1.0 + growth));
            }
            left = right;
        }
        if missing.abs() > LOST * total {
            self.log_ratio[heaviest] += Real::ln_1p(missing / heaviest_mass);
        }
    }

    /// Where what comes to a face was; on a ring the first face is taken for the last.
    fn place<D: Divergence>(&self, solver: &LineStep<D>, cell: &mut isize, face: usize) -> Place {
        let cells = self.log_ratio.len();
        let distance = self.origin(cell, face as isize, 0.0);
        let before = if face == 0 { cells - 1 } else { face - 1 };
        solver.origin.place(before, distance).0
    }

    /// How far a face of the extrapolation goes on, cells beyond the seam of a ring included.
    fn moved(&self, face: isize) -> f64 {
        let cells = self.log_ratio.len() as isize;
        let index = if (0..=cells).contains(&face) {
            face
        } else {
            face.rem_euclid(cells)
        };
        self.moved[index.unsigned_abs()]
    }

    /// The slope of the extrapolation at a face; at a closed side it goes on as a mirror image.
    fn slope(&self, face: isize) -> f64 {
        let cells = self.log_ratio.len() as isize;
        if !self.periodic && face == 0 {
            return 1.0 + self.moved(1);
        }
        if !self.periodic && face == cells {
            return 1.0 - self.moved(cells - 1);
        }
        1.0 + 0.5 * (self.moved(face + 1) - self.moved(face - 1))
    }

    /// How far from a face lies the origin, before the extrapolation, of the place at `distance` from it. The faces lie where they moved
    /// to, and the map between them is the monotone spline. `cell` is where the search begins, and becomes where it ended.
    fn origin(&self, cell: &mut isize, face: isize, distance: f64) -> f64 {
        let last = self.log_ratio.len() as isize - 1;
        // Of a moved face, to the right of the place.
        let ahead = |other: isize| (other - face) as f64 + (self.moved(other) - distance);
        while (self.periodic || *cell < last) && ahead(*cell + 1) < 0.0 {
            *cell += 1;
        }
        while (self.periodic || *cell > 0) && ahead(*cell) > 0.0 {
            *cell -= 1;
        }
        let own = *cell;
        let (before, after) = (-ahead(own), ahead(own + 1));
        let width = 1.0 + (self.moved(own + 1) - self.moved(own));
        let slopes = Slopes {
            left: self.slope(own) / width,
            right: self.slope(own + 1) / width,
        };
        // From the nearer face, so that small distances keep their digits.
        if before <= after {
            (own - face) as f64 + slopes.position(before / width)
        } else {
            (own + 1 - face) as f64 - slopes.mirrored().position(after / width)
        }
    }
}
