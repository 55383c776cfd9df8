use rayon::prelude::*;

use super::equations;
use super::faces::{Beside, FaceField, Faces};
use super::ledger::Cells;

/// The share of the mass around a face that may leave it in one evaluation, at order 1 and 2: what convexity needs, and half of it
/// where two evaluations are combined with weights of both signs.
pub(super) const LARGEST_OUTFLOW: [f64; 2] = [1.0, 0.5];
/// The share of h/dt that the viscosity of shocks may add to the speed of the flow.
pub(super) const SHOCK_REACH: f64 = 0.5;

/// What is transported: momentum, and the densities that carry it; and what the explicit pressure follows from.
#[derive(Clone, Copy)]
pub(super) struct Carried<'a> {
    /// The mass flux and momentum of each face.
    pub momentum: &'a FaceField,
    /// ρ in each cell before and after `momentum` has moved it; the same where it has not.
    pub before: &'a [f64],
    pub after: &'a [f64],
    /// Sound speed √ψ' in each cell.
    pub sound: &'a [f64],
    /// ℓ before.
    pub log_ratio: &'a [f64],
    /// The time that momentum is transported for.
    pub duration: f64,
    /// 1 or 2.
    pub order: u8,
}

impl<'a> Carried<'a> {
    /// Momentum whose cells stay as they are meanwhile, as at order 2.
    pub fn in_place(cells: &'a Cells, momentum: &'a FaceField, duration: f64) -> Self {
        Self {
            momentum,
            before: &cells.density,
            after: &cells.density,
            sound: &cells.sound,
            log_ratio: &cells.log_ratio,
            duration,
            order: 2,
        }
    }

    /// The density of the dual cell of two cells that momentum is divided by.
    #[inline(always)]
    pub fn by(&self, cell: usize, next: usize) -> f64 {
        let both = |density: &[f64]| [density[cell], density[next]];
        equations::carrying(both(self.before), both(self.after))
    }
}

/// The transport of momentum by its own mass flux (docs/mathematics.md, eq. 39–42), with scratch memory.
///
/// The dual cell around a face has the mean density of its two cells; the mass fluxes between dual cells are means of those between
/// cells, so that dual masses change as the masses do. With it kinetic energy is lost to the viscosity only.
#[derive(Clone, Debug)]
pub(super) struct Transport {
    velocity: FaceField,
    /// Mass flux and viscosity (as a mass flux) between dual cells of one component, along each axis.
    flux: FaceField,
    viscosity: FaceField,
    /// The share of its outflow that each dual cell can afford.
    share: Vec<f64>,
}

impl Transport {
    pub fn new(faces: &Faces) -> Self {
        Self {
            velocity: faces.zeros(),
            flux: faces.zeros(),
            viscosity: faces.zeros(),
            share: vec![1.0; faces.len()],
        }
    }

    /// Adds `factor` times the rate of change of momentum by transport to `target`. Returns the share of the mass around faces that more
    /// wanted to leave than is there: 0 unless the step is too long for the speed.
    pub fn add(
        &mut self,
        faces: &Faces,
        carried: Carried<'_>,
        factor: f64,
        target: &mut FaceField,
    ) -> f64 {
        for axis in 0..faces.dimension() {
            self.set_velocity(faces, carried, axis);
        }
        let mut crowded = 0.0;
        for (axis, target) in target.iter_mut().enumerate() {
            for direction in 0..faces.dimension() {
                self.set_fluxes(faces, carried, axis, direction);
            }
            crowded += self.set_shares(faces, carried, axis);
            self.update(faces, axis, factor, target);
        }
        crowded
    }

    fn set_velocity(&mut self, faces: &Faces, carried: Carried<'_>, axis: usize) {
        let n = faces.row();
        let momentum = &carried.momentum[axis];
        let rows = self.velocity[axis].par_chunks_mut(n).enumerate();
        rows.for_each(|(row, velocity)| {
            let beside = faces.beside(row, axis);
            for (i, velocity) in velocity.iter_mut().enumerate() {
                let cell = row * n + i;
                let density = carried.by(cell, beside.at(i, 1));
                *velocity = equations::velocity(momentum[cell], density);
            }
        });
    }

    /// Along its own axis the side between two dual cells is the cell between them, and stored there; across, it is that to the next
    /// dual cell.
    fn set_fluxes(&mut self, faces: &Faces, carried: Carried<'_>, axis: usize, direction: usize) {
        let n = faces.row();
        let velocity = &self.velocity[axis];
        let momentum = &carried.momentum[direction];
        let own = axis == direction;
        let (mobility, across) = (&faces.mobility[axis], &faces.mobility[direction]);
        let reach = SHOCK_REACH * faces.spacing[axis] / carried.duration;
        // Differences across closed sides count as none, and a wall has no slope.
        let second = carried.order == 2;
        let rows = self.flux[direction]
            .par_chunks_mut(n)
            .zip(self.viscosity[direction].par_chunks_mut(n))
            .enumerate();
        rows.for_each(|(row, (fluxes, viscosities))| {
            let along = faces.beside(row, direction);
            let onward = faces.beside(row, axis);
            for i in 0..n {
                let cell = row * n + i;
                let first = if own { -1 } else { 0 };
                let (left, right) = (along.at(i, first), along.at(i, first + 1));
                let beyond = if own { left } else { onward.at(i, 1) };
                let mut flux = equations::mass_flux(momentum[cell], momentum[beyond]);
                let change = velocity[right] - velocity[left];
                let mut jump = change;
                if second {
                    let far_left = along.at(i, first - 1);
                    let far_right = along.at(i, first + 2);
                    let before = velocity[left] - velocity[far_left];
                    let after = velocity[far_right] - velocity[right];
                    let open = |at: usize, side: usize| {
                        let mobility = if own { mobility[at] } else { across[side] };
                        f64::from(mobility > 0.0)
                    };
                    let open = [open(left, far_left), open(right, right)];
                    jump = equations::jump([before, change, after], open);
                }
                let mut strength = flux.abs();
                if own {
                    let densities = [carried.before[cell], carried.after[cell]];
                    strength += equations::shock(jump, densities, carried.sound[cell], reach);
                } else if mobility[cell] == 0.0 {
                    (flux, strength) = (0.0, 0.0);
                }
                fluxes[i] = flux;
                viscosities[i] = equations::viscosity(strength, jump, change);
            }
        });
    }

    fn set_shares(&mut self, faces: &Faces, carried: Carried<'_>, axis: usize) -> f64 {
        let n = faces.row();
        let allowed = LARGEST_OUTFLOW[usize::from(carried.order == 2)] / carried.duration;
        let (flux, viscosity) = (&self.flux, &self.viscosity);
        let rows = self.share.par_chunks_mut(n).enumerate();
        let crowded: Vec<f64> = rows
            .map(|(row, shares)| {
                let beside = faces.beside_along(row);
                let onward = beside[axis];
                let mut crowded = 0.0;
                for (i, share) in shares.iter_mut().enumerate() {
                    let cell = row * n + i;
                    let mut outflow = 0.0;
                    for direction in 0..faces.dimension() {
                        let along = &beside[direction];
                        let sides = sides(along, i, cell, axis == direction);
                        let flux = sides.map(|side| flux[direction][side]);
                        let viscosity = sides.map(|side| viscosity[direction][side]);
                        outflow += equations::outflow(faces.spacing[direction], flux, viscosity);
                    }
                    let density = carried.by(cell, onward.at(i, 1));
                    let open = faces.mobility[axis][cell] > 0.0;
                    *share = if open {
                        equations::share(outflow, allowed * density)
                    } else {
                        1.0
                    };
                    crowded += if *share < 1.0 { density } else { 0.0 };
                }
                crowded
            })
            .collect();
        crowded.into_iter().sum::<f64>() * faces.volume
    }

    fn update(&self, faces: &Faces, axis: usize, factor: f64, target: &mut [f64]) {
        let (velocity, share) = (&self.velocity[axis], &self.share);
        let (flux, viscosity) = (&self.flux, &self.viscosity);
        let carried = |direction: usize, side: usize, [left, right]: [usize; 2]| {
            equations::momentum_flux(
                flux[direction][side],
                viscosity[direction][side],
                [velocity[left], velocity[right]],
                [share[left], share[right]],
            )
        };
        add_differences(faces, axis, factor, carried, target);
    }
}

/// Adds `factor` times the differences of fluxes of momentum to a component; whether all were numbers. `flux` is that through a side between
/// two dual cells, of a direction, where the side is stored, and of the two.
pub(super) fn add_differences(
    faces: &Faces,
    axis: usize,
    factor: f64,
    flux: impl Fn(usize, usize, [usize; 2]) -> f64 + Sync,
    target: &mut [f64],
) -> bool {
    let n = faces.row();
    let rows = target.par_chunks_mut(n).enumerate();
    let finite = rows.map(|(row, target)| {
        let beside = faces.beside_along(row);
        let mut finite = true;
        for (i, target) in target.iter_mut().enumerate() {
            let cell = row * n + i;
            if faces.mobility[axis][cell] == 0.0 {
                continue;
            }
            let mut rate = 0.0;
            for (direction, spacing) in faces.spacing.iter().enumerate() {
                let along = &beside[direction];
                let [first, last] = sides(along, i, cell, axis == direction);
                let (before, after) = (along.at(i, -1), along.at(i, 1));
                rate += (flux(direction, first, [before, cell])
                    - flux(direction, last, [cell, after]))
                    / spacing;
            }
            finite &= rate.is_finite();
            *target += factor * rate;
        }
        finite
    });
    finite.reduce(|| true, |a, b| a & b)
}

/// Where the sides of the dual cell of a face are stored, before and after it along an axis: `own` if that of the face.
#[inline(always)]
fn sides(along: &Beside, i: usize, cell: usize, own: bool) -> [usize; 2] {
    if own {
        [cell, along.at(i, 1)]
    } else {
        [along.at(i, -1), cell]
    }
}
