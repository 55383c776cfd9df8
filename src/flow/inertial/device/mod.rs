//! The explicit terms of momentum on a GPU: velocities and mass fluxes are taken in f64 on the host, fluxes of momentum and forces in f32 on the
//! device, and they are added in f64 on the host.
//!
//! A flux is one number for both dual cells beside its side, so that momentum is conserved to the rounding of f64, whatever f32 made of it; at
//! rest all fluxes are 0, and so are all forces at equilibrium and under a uniform target. What f32 changes is counted in docs/precision.md,
//! "Explicit terms on a GPU".

mod numbers;
mod shader;

use rayon::prelude::*;

use super::equations;
use super::explicit::Terms;
use super::faces::{FaceField, Faces};
use super::pressure::add_forces;
use super::transport::{Carried, sides};
use crate::backend::gpu::{Gpu, GpuError, Kernels, Memory, Program, Values, WORKGROUP};
use crate::divergence::Divergence;
use numbers::{Component, LARGEST_RATIO, LARGEST_SOUND, LARGEST_VELOCITY, MASS, opening, tilts};

pub use shader::explicit_shader;

/// The explicit terms of momentum on one device.
///
/// There the unit of time is the time that momentum is transported for, that of length the shortest spacing, and that of mass the [`MASS`]th
/// part of a mass of 1.
#[derive(Clone, Debug)]
pub(super) struct DeviceTerms {
    memory: Memory,
    /// Velocities, then mass fluxes.
    velocity: Values,
    /// ρ before, speed of sound, and ρ after or ℓ.
    of_cell: Values,
    /// For each component the fluxes of momentum, the mass of what is crowded, by workgroups, and the forces.
    results: Vec<Values>,
    programs: Programs,
    /// The unit of length.
    spacing: f64,
    /// What goes to the device, and what comes back.
    sent: Vec<f32>,
    received: Vec<f32>,
}

/// The kernels of all components, in order.
#[derive(Clone, Debug)]
struct Programs {
    /// At order 1.
    transport: Program,
    pressure: Program,
    /// At order 2.
    both: Program,
}

impl DeviceTerms {
    /// Sets the kernels up for the faces of a grid.
    ///
    /// # Errors
    ///
    /// Fields that the device has no room for; a failure of it.
    pub fn new<D: Divergence>(gpu: &Gpu, faces: &Faces) -> Result<Self, GpuError> {
        let (dimension, cells) = (faces.dimension(), faces.len());
        let groups = cells.div_ceil(WORKGROUP);
        let length = (dimension + 1) * cells + groups;
        let memory = Memory::new(gpu, length.max(2 * dimension * cells))?;
        let velocity = memory.zeros(2 * dimension * cells)?;
        let of_cell = memory.zeros(3 * cells)?;
        let open: Vec<f32> = (0..cells).map(|cell| opening(faces, cell)).collect();
        let open = memory.values(&open)?;
        let viscosities = memory.zeros(dimension * cells)?;
        let shares = memory.zeros(cells)?;
        let results: Result<Vec<_>, _> = (0..dimension).map(|_| memory.zeros(length)).collect();
        let results = results?;

        let kernels = Kernels::new(gpu, "explicit", explicit_shader::<D>(dimension))?;
        let weigh = kernels.kernel("weigh")?;
        let ration = kernels.kernel("ration")?;
        let carry = kernels.kernel("carry")?;
        let press = kernels.kernel("press")?;
        let state = [(1, &velocity), (2, &of_cell), (3, &open)];
        let [velocities, of_cells, openings] = state;
        let add_transport = |program: &mut Program, axis: usize, order: u8| {
            let component = Component::new(faces, axis, order);
            let sides = [(4, &results[axis]), (5, &viscosities)];
            let operands = [velocities, of_cells, openings, sides[0], sides[1]];
            program.add(&weigh, &component, &operands, groups)?;
            let operands = [of_cells, openings, sides[0], sides[1], (6, &shares)];
            program.add(&ration, &component, &operands, groups)?;
            let operands = [velocities, sides[0], sides[1], (6, &shares)];
            program.add(&carry, &component, &operands, groups)
        };
        let add_pressure = |program: &mut Program, axis: usize| {
            let component = Component::new(faces, axis, 2);
            let tilts = memory.values(&tilts(faces, axis))?;
            let forces = [(4, &results[axis]), (7, &tilts)];
            let operands = [velocities, of_cells, openings, forces[0], forces[1]];
            program.add(&press, &component, &operands, groups)
        };
        let mut programs = Programs {
            transport: Program::new(gpu),
            pressure: Program::new(gpu),
            both: Program::new(gpu),
        };
        for axis in 0..dimension {
            add_transport(&mut programs.transport, axis, 1)?;
            add_pressure(&mut programs.pressure, axis)?;
            add_transport(&mut programs.both, axis, 2)?;
        }
        programs.both.extend(&programs.pressure);
        Ok(Self {
            memory,
            velocity,
            of_cell,
            results,
            programs,
            spacing: faces.shortest(),
            sent: vec![0.0; (2 * dimension).max(3) * cells],
            received: vec![0.0; length],
        })
    }

    /// As [`super::explicit::Explicit::add`]. A flux that is no number counts as all mass that wants to leave: the step is too long.
    ///
    /// # Errors
    ///
    /// A failure of the device.
    pub fn add(
        &mut self,
        faces: &Faces,
        carried: Carried<'_>,
        terms: Terms,
        target: &mut FaceField,
    ) -> Result<f64, GpuError> {
        let velocity = carried.duration / self.spacing;
        self.hand_over(faces, carried, velocity)?;
        let program = match terms {
            Terms::Transport(_) => &self.programs.transport,
            Terms::Pressure(_) => &self.programs.pressure,
            Terms::Both(..) => &self.programs.both,
        };
        program.submit(1);
        let mass = MASS * faces.volume;
        let flux = mass * (velocity * velocity);
        let sides = faces.dimension() * faces.len();
        let forces = self.received.len() - faces.len();
        let range = match terms {
            Terms::Transport(_) => 0..forces,
            Terms::Pressure(_) => forces..self.received.len(),
            Terms::Both(..) => 0..self.received.len(),
        };
        let mut crowded = 0.0;
        for (axis, target) in target.iter_mut().enumerate() {
            let read = &mut self.received[range.clone()];
            self.memory
                .read_from(&self.results[axis], range.start, read)?;
            let received = &self.received;
            if let Some(factor) = terms.transport() {
                let groups = received[sides..forces].iter();
                crowded += groups.map(|mass| f64::from(*mass)).sum::<f64>() / MASS;
                let fluxes = |direction: usize, side: usize| {
                    f64::from(received[direction * faces.len() + side])
                };
                if !add_differences(faces, axis, factor / flux, fluxes, target) {
                    crowded = f64::INFINITY;
                }
            }
            if let Some(factor) = terms.pressure() {
                let forces = received[forces..].par_iter();
                let forces = forces.map(|force| f64::from(*force));
                add_forces(faces, axis, factor / mass, forces, target);
            }
        }
        Ok(crowded)
    }

    /// Writes velocities, mass fluxes, densities, speeds of sound and ratios to the device; `unit` is what velocities are multiplied by.
    fn hand_over(
        &mut self,
        faces: &Faces,
        carried: Carried<'_>,
        unit: f64,
    ) -> Result<(), GpuError> {
        let (row, cells) = (faces.row(), faces.len());
        let mass = MASS * faces.volume;
        let (velocities, fluxes) = self.sent.split_at_mut(faces.dimension() * cells);
        let axes = velocities.chunks_mut(cells).zip(fluxes.chunks_mut(cells));
        for (axis, (velocities, fluxes)) in axes.enumerate() {
            let (momentum, flux) = (&carried.momentum[axis], &carried.flux[axis]);
            let rows = velocities
                .par_chunks_mut(row)
                .zip(fluxes.par_chunks_mut(row));
            rows.enumerate().for_each(|(number, (velocities, fluxes))| {
                let beside = faces.beside(number, axis);
                for (i, (sent, sent_flux)) in velocities.iter_mut().zip(fluxes).enumerate() {
                    let cell = number * row + i;
                    let density = carried.by(cell, beside.at(i, 1));
                    let velocity = unit * equations::velocity(momentum[cell], density);
                    *sent = velocity.clamp(-LARGEST_VELOCITY, LARGEST_VELOCITY) as f32;
                    *sent_flux = (unit * (mass * flux[cell])) as f32;
                }
            });
        }
        let sent = &self.sent[..2 * faces.dimension() * cells];
        self.memory.write(&self.velocity, sent)?;

        let third = match carried.order {
            1 => (carried.after, mass, f64::INFINITY),
            _ => (carried.log_ratio, 1.0, LARGEST_RATIO),
        };
        let fields = [
            (carried.before, mass, f64::INFINITY),
            (carried.sound, unit, LARGEST_SOUND),
            third,
        ];
        let sent = self.sent.chunks_mut(cells).zip(fields);
        for (sent, (field, unit, largest)) in sent {
            let cells = sent.par_iter_mut().zip(field);
            cells
                .for_each(|(sent, value)| *sent = (unit * value).min(largest).max(-largest) as f32);
        }
        self.memory.write(&self.of_cell, &self.sent[..3 * cells])
    }
}

/// Adds `factor` times the differences of fluxes of momentum to a component; whether all were numbers. `flux` is that through a side between
/// two dual cells, of a direction, where the side is stored.
fn add_differences(
    faces: &Faces,
    axis: usize,
    factor: f64,
    flux: impl Fn(usize, usize) -> f64 + Sync,
    target: &mut [f64],
) -> bool {
    let n = faces.row();
    let rows = target.par_chunks_mut(n).enumerate();
    let finite = rows.map(|(row, target)| {
        let beside = faces.beside_along(row);
        let mut finite = true;
        for (i, target) in target.iter_mut().enumerate() {
            if faces.mobility[axis][row * n + i] == 0.0 {
                continue;
            }
            let mut rate = 0.0;
            for (direction, spacing) in faces.spacing.iter().enumerate() {
                let sides = sides(axis == direction);
                let [before, after] = sides.map(|side| beside[direction].at(i, side));
                rate += (flux(direction, before) - flux(direction, after)) / spacing;
            }
            finite &= rate.is_finite();
            *target += factor * rate;
        }
        finite
    });
    finite.reduce(|| true, |a, b| a & b)
}
