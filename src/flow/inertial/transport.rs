use rayon::prelude::*;

use super::carriage::{AcrossFlux, OF_RATE, OF_SHARE, OwnFlux, Rate, Share, Velocity};
use super::equations;
use super::faces::{Beside, FaceField, Faces};
use super::ledger::Cells;
use super::rows::{Read, sweep};

/// The share of the mass around a face that may leave it in one evaluation, at order 1 and 2: what convexity needs, and half of it
/// where two evaluations are combined with weights of both signs.
pub(super) const LARGEST_OUTFLOW: [f64; 2] = [1.0, 0.5];
/// The share of h/dt that the viscosity of shocks may add to the speed of the flow.
pub(super) const SHOCK_REACH: f64 = 0.5;

/// What is transported: momentum, and the densities that carry it; and what the explicit pressure follows from.
#[derive(Clone, Copy)]
pub(super) struct Carried<'a> {
    /// The momentum of each face, and its mass flux.
    pub momentum: &'a FaceField,
    pub flux: &'a FaceField,
    /// ρ in each cell before and after `flux` has moved it; the same where it has not.
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
    pub fn in_place(
        cells: &'a Cells,
        momentum: &'a FaceField,
        flux: &'a FaceField,
        duration: f64,
    ) -> Self {
        Self {
            momentum,
            flux,
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

    /// The largest ρ in a cell and beside it.
    fn around(&self, faces: &Faces, cell: usize) -> f64 {
        let present = |cell: usize| equations::present(self.before[cell], self.after[cell]);
        let along = |axis| present(faces.previous(axis, cell)).max(present(faces.next(axis, cell)));
        (0..faces.dimension())
            .map(along)
            .fold(present(cell), f64::max)
    }
}

/// The transport of momentum by the flux of mass (docs/mathematics.md, eq. 39–42), with scratch memory.
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

    /// Adds `factor` times the rate of change of momentum by transport to `target`; `rates` is scratch memory, one number a cell. Returns the share of the mass around faces that more
    /// wanted to leave than is there: 0 unless the step is too long for the speed.
    pub fn add(
        &mut self,
        faces: &Faces,
        carried: Carried<'_>,
        factor: f64,
        rates: &mut [f64],
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
            crowded += match faces.dimension() {
                1 => self.set_shares::<{ 4 + OF_SHARE }>(faces, carried, axis),
                2 => self.set_shares::<{ 8 + OF_SHARE }>(faces, carried, axis),
                _ => self.set_shares::<{ 12 + OF_SHARE }>(faces, carried, axis),
            };
            match faces.dimension() {
                1 => self.update::<{ 8 + OF_RATE }>(faces, axis, factor, rates, target),
                2 => self.update::<{ 16 + OF_RATE }>(faces, axis, factor, rates, target),
                _ => self.update::<{ 24 + OF_RATE }>(faces, axis, factor, rates, target),
            }
        }
        crowded
    }

    fn set_velocity(&mut self, faces: &Faces, carried: Carried<'_>, axis: usize) {
        let n = faces.row();
        let rows = self.velocity[axis].par_chunks_mut(n).enumerate();
        rows.for_each(|(row, velocity)| {
            let beside = faces.beside(row, axis);
            let reads = [
                beside.read(&carried.momentum[axis], 0),
                beside.read(carried.before, 0),
                beside.read(carried.before, 1),
                beside.read(carried.after, 0),
                beside.read(carried.after, 1),
            ];
            sweep(&Velocity, reads, [velocity]);
        });
    }

    /// Along its own axis the side between two dual cells is the cell between them, and stored there; across, it is that to the next
    /// dual cell.
    fn set_fluxes(&mut self, faces: &Faces, carried: Carried<'_>, axis: usize, direction: usize) {
        let n = faces.row();
        let reach = SHOCK_REACH * faces.spacing[axis] / carried.duration;
        let (velocity, carrier) = (&self.velocity[axis], &carried.flux[direction]);
        let (mobility, across) = (&faces.mobility[axis], &faces.mobility[direction]);
        let rows = self.flux[direction]
            .par_chunks_mut(n)
            .zip(self.viscosity[direction].par_chunks_mut(n))
            .enumerate();
        rows.for_each(|(row, (fluxes, viscosities))| {
            let along = faces.beside(row, direction);
            let outputs = [fluxes, viscosities];
            if axis != direction {
                let onward = faces.beside(row, axis);
                let reads = [
                    along.read(carrier, 0),
                    onward.read(carrier, 1),
                    along.read(velocity, -1),
                    along.read(velocity, 0),
                    along.read(velocity, 1),
                    along.read(velocity, 2),
                    along.read(across, -1),
                    along.read(across, 1),
                    along.read(mobility, 0),
                ];
                match carried.order {
                    1 => sweep(&AcrossFlux::<false>, reads, outputs),
                    _ => sweep(&AcrossFlux::<true>, reads, outputs),
                }
                return;
            }
            let reads = [
                along.read(carrier, 0),
                along.read(carrier, -1),
                along.read(velocity, -2),
                along.read(velocity, -1),
                along.read(velocity, 0),
                along.read(velocity, 1),
                along.read(mobility, -1),
                along.read(mobility, 0),
                along.read(carried.before, 0),
                along.read(carried.after, 0),
                along.read(carried.sound, 0),
            ];
            match carried.order {
                1 => sweep(&OwnFlux::<false> { reach }, reads, outputs),
                _ => sweep(&OwnFlux::<true> { reach }, reads, outputs),
            }
        });
    }

    fn set_shares<const N: usize>(
        &mut self,
        faces: &Faces,
        carried: Carried<'_>,
        axis: usize,
    ) -> f64 {
        let n = faces.row();
        let function = Share {
            spacing: faces.spacings(),
            allowed: LARGEST_OUTFLOW[usize::from(carried.order == 2)] / carried.duration,
        };
        let (flux, viscosity) = (&self.flux, &self.viscosity);
        let rows = self.share.par_chunks_mut(n).enumerate();
        let crowded: Vec<f64> = rows
            .map(|(row, shares)| {
                let beside = faces.beside_along(row);
                let onward = beside[axis];
                let of_cells = [
                    onward.read(carried.before, 0),
                    onward.read(carried.before, 1),
                    onward.read(carried.after, 0),
                    onward.read(carried.after, 1),
                    onward.read(&faces.mobility[axis], 0),
                ];
                let mut reads = [of_cells[0]; N];
                let of_axes = &mut reads[..N - OF_SHARE];
                for (direction, reads) in of_axes.chunks_exact_mut(4).enumerate() {
                    let along = beside[direction];
                    let sides = sides_of(flux, viscosity, along, (direction, axis));
                    reads.copy_from_slice(&sides);
                }
                reads[N - OF_SHARE..].copy_from_slice(&of_cells);
                sweep(&function, reads, [&mut *shares]);
                let mut crowded = 0.0;
                for (i, share) in shares.iter().enumerate() {
                    if *share < 1.0 {
                        let [cell, next] = [row * n + i, onward.at(i, 1)];
                        let around = carried.around(faces, cell).max(carried.around(faces, next));
                        crowded += equations::crowded(*share, carried.by(cell, next), around);
                    }
                }
                crowded
            })
            .collect();
        crowded.into_iter().sum::<f64>() * faces.volume
    }

    fn update<const N: usize>(
        &self,
        faces: &Faces,
        axis: usize,
        factor: f64,
        rates: &mut [f64],
        target: &mut [f64],
    ) {
        let n = faces.row();
        let function = Rate {
            spacing: faces.spacings(),
        };
        let (velocity, share) = (&self.velocity[axis], &self.share);
        let (flux, viscosity) = (&self.flux, &self.viscosity);
        let rows = target.par_chunks_mut(n).zip(rates.par_chunks_mut(n));
        rows.enumerate().for_each(|(row, (target, rates))| {
            let beside = faces.beside_along(row);
            let own = [velocity, share].map(|field| beside[0].read(field, 0));
            let mut reads = [own[0]; N];
            let of_axes = &mut reads[..N - OF_RATE];
            for (direction, reads) in of_axes.chunks_exact_mut(8).enumerate() {
                let along = beside[direction];
                let sides = sides_of(flux, viscosity, along, (direction, axis));
                reads[..4].copy_from_slice(&sides);
                reads[4] = along.read(velocity, -1);
                reads[5] = along.read(share, -1);
                reads[6] = along.read(velocity, 1);
                reads[7] = along.read(share, 1);
            }
            reads[N - OF_RATE..].copy_from_slice(&own);
            sweep(&function, reads, [&mut *rates]);
            let mobility = &faces.mobility[axis][row * n..][..n];
            for ((target, rate), mobility) in target.iter_mut().zip(rates).zip(mobility) {
                if *mobility > 0.0 {
                    *target += factor * *rate;
                }
            }
        });
    }
}

/// Mass flux and viscosity of the sides of the dual cells of a row along a direction, before and after them; the faces are those of an axis.
fn sides_of<'a>(
    flux: &'a FaceField,
    viscosity: &'a FaceField,
    along: Beside,
    (direction, axis): (usize, usize),
) -> [Read<'a>; 4] {
    let [first, last] = sides(axis == direction);
    let (flux, viscosity) = (&flux[direction], &viscosity[direction]);
    [
        along.read(flux, first),
        along.read(viscosity, first),
        along.read(flux, last),
        along.read(viscosity, last),
    ]
}

/// Where the sides of the dual cell of a face are stored, before and after it, in cells along an axis: `own` if that of the face.
pub(super) fn sides(own: bool) -> [isize; 2] {
    if own { [0, 1] } else { [-1, 0] }
}
