//! The transport of momentum on a GPU: velocities are taken in f64 on the host, fluxes of momentum in f32 on the device, and their differences are
//! added in f64 on the host.
//!
//! A flux is one number for both dual cells beside its side, so that momentum is conserved to the rounding of f64, whatever f32 made of it; at
//! rest all fluxes are 0. What f32 changes is counted in docs/precision.md, "Transport on a GPU".

mod shader;

use bytemuck::{Pod, Zeroable};
use rayon::prelude::*;

use super::equations;
use super::faces::{FaceField, Faces};
use super::transport::{Carried, LARGEST_OUTFLOW, SHOCK_REACH, add_differences};
use crate::backend::gpu::{Gpu, GpuError, Kernels, Memory, Program, Values, WORKGROUP};

pub use shader::transport_shader;

/// What the mass of the box is on the device: far above the smallest normal number, 2⁻¹²⁶, so that cells with 2⁻²²² of the mass are
/// numbers still; and so far below the largest, 2¹²⁸, that the square of the largest velocity times it is one.
const MASS: f64 = (1_u128 << 96) as f64;
/// The largest velocity on the device, in cells a step. Only dual cells with next to no mass can be as fast: a step in which others are is
/// rejected.
const LARGEST_VELOCITY: f64 = 4096.0;

/// `Component` of the shader.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Component {
    cells: [u32; 3],
    axis: u32,
    spacing: [f32; 3],
    moved: u32,
    reach: f32,
    allowed: f32,
    second: u32,
    unused: u32,
}

/// The transport of momentum on one device.
///
/// There the unit of time is the time that momentum is transported for, that of length the shortest spacing, and that of mass the [`MASS`]th
/// part of a mass of 1.
#[derive(Clone, Debug)]
pub(super) struct DeviceTransport {
    memory: Memory,
    velocity: Values,
    /// ρ before, speed of sound, ρ after.
    of_cell: Values,
    /// For each component the fluxes of momentum, then the mass of what is crowded, by workgroups.
    fluxes: Vec<Values>,
    /// All components, at order 1 and 2.
    programs: [Program; 2],
    /// The unit of length.
    spacing: f64,
    /// What goes to the device, and what comes back.
    sent: Vec<f32>,
    received: Vec<f32>,
}

impl DeviceTransport {
    /// Sets the kernels up for the faces of a grid of two or three axes.
    ///
    /// # Errors
    ///
    /// Fields that the device has no room for; a failure of it.
    pub fn new(gpu: &Gpu, faces: &Faces) -> Result<Self, GpuError> {
        let (dimension, cells) = (faces.dimension(), faces.len());
        let groups = cells.div_ceil(WORKGROUP);
        let memory = Memory::new(gpu, 3 * cells + groups)?;
        let velocity = memory.zeros(dimension * cells)?;
        let of_cell = memory.zeros(3 * cells)?;
        let open: Vec<f32> = (0..cells).map(|cell| opening(faces, cell)).collect();
        let open = memory.values(&open)?;
        let viscosities = memory.zeros(dimension * cells)?;
        let shares = memory.zeros(cells)?;
        let length = dimension * cells + groups;
        let fluxes: Result<Vec<_>, _> = (0..dimension).map(|_| memory.zeros(length)).collect();
        let fluxes = fluxes?;

        let kernels = Kernels::new(gpu, "transport", transport_shader(dimension))?;
        let weigh = kernels.kernel("weigh")?;
        let ration = kernels.kernel("ration")?;
        let carry = kernels.kernel("carry")?;
        let mut programs = [Program::new(gpu), Program::new(gpu)];
        for (second, program) in programs.iter_mut().enumerate() {
            for (axis, fluxes) in fluxes.iter().enumerate() {
                let component = Component::new(faces, axis, second);
                let sides = [(4, fluxes), (5, &viscosities)];
                let state = [(1, &velocity), (2, &of_cell), (3, &open)];
                let operands = [state[0], state[1], state[2], sides[0], sides[1]];
                program.add(&weigh, &component, &operands, groups)?;
                let operands = [state[1], state[2], sides[0], sides[1], (6, &shares)];
                program.add(&ration, &component, &operands, groups)?;
                let operands = [state[0], sides[0], sides[1], (6, &shares)];
                program.add(&carry, &component, &operands, groups)?;
            }
        }
        Ok(Self {
            memory,
            velocity,
            of_cell,
            fluxes,
            programs,
            spacing: faces.shortest(),
            sent: vec![0.0; 3 * cells],
            received: vec![0.0; length],
        })
    }

    /// As [`super::transport::Transport::add`]. A flux that is no number counts as all mass that wants to leave: the step is too long.
    ///
    /// # Errors
    ///
    /// A failure of the device.
    pub fn add(
        &mut self,
        faces: &Faces,
        carried: Carried<'_>,
        factor: f64,
        target: &mut FaceField,
    ) -> Result<f64, GpuError> {
        let velocity = carried.duration / self.spacing;
        self.hand_over(faces, carried, velocity)?;
        self.programs[usize::from(carried.order == 2)].submit(1);
        let mass = MASS * faces.volume;
        let flux = mass * (velocity * velocity);
        let mut crowded = 0.0;
        for (axis, target) in target.iter_mut().enumerate() {
            self.memory
                .read_into(&self.fluxes[axis], &mut self.received)?;
            let sides = faces.dimension() * faces.len();
            let groups = self.received[sides..].iter();
            crowded += groups.map(|mass| f64::from(*mass)).sum::<f64>() / MASS;
            let received = &self.received[..sides];
            let fluxes = |direction: usize, side: usize, _: [usize; 2]| {
                f64::from(received[direction * faces.len() + side])
            };
            if !add_differences(faces, axis, factor / flux, fluxes, target) {
                crowded = f64::INFINITY;
            }
        }
        Ok(crowded)
    }

    /// Writes velocities, densities and speeds of sound to the device; `unit` is what velocities are multiplied by.
    fn hand_over(
        &mut self,
        faces: &Faces,
        carried: Carried<'_>,
        unit: f64,
    ) -> Result<(), GpuError> {
        let (row, cells) = (faces.row(), faces.len());
        for (axis, sent) in self
            .sent
            .chunks_mut(cells)
            .enumerate()
            .take(faces.dimension())
        {
            let momentum = &carried.momentum[axis];
            let rows = sent.par_chunks_mut(row).enumerate();
            rows.for_each(|(number, sent)| {
                let beside = faces.beside(number, axis);
                for (i, sent) in sent.iter_mut().enumerate() {
                    let cell = number * row + i;
                    let density = carried.by(cell, beside.at(i, 1));
                    let velocity = unit * equations::velocity(momentum[cell], density);
                    *sent = velocity.clamp(-LARGEST_VELOCITY, LARGEST_VELOCITY) as f32;
                }
            });
        }
        let velocities = &self.sent[..faces.dimension() * cells];
        self.memory.write(&self.velocity, velocities)?;

        let mass = MASS * faces.volume;
        // No side of a cell sees more of it.
        let largest = SHOCK_REACH * longest(faces) / self.spacing;
        let fields: [(&[f64], f64, f64); 3] = [
            (carried.before, mass, f64::INFINITY),
            (carried.sound, unit, largest),
            (carried.after, mass, f64::INFINITY),
        ];
        let count = if moves(carried.order) { 3 } else { 2 };
        let sent = self.sent.chunks_mut(cells).zip(fields).take(count);
        for (sent, (field, unit, largest)) in sent {
            let cells = sent.par_iter_mut().zip(field);
            cells.for_each(|(sent, value)| *sent = (unit * value).min(largest) as f32);
        }
        self.memory
            .write(&self.of_cell, &self.sent[..count * cells])
    }
}

impl Component {
    fn new(faces: &Faces, axis: usize, second: usize) -> Self {
        let order = if second == 1 { 2 } else { 1 };
        let unit = faces.shortest();
        let mut spacing = [1.0; 3];
        for (single, spacing) in spacing.iter_mut().zip(&faces.spacing) {
            *single = (spacing / unit) as f32;
        }
        let moved = if moves(order) { 2 * faces.len() } else { 0 };
        Self {
            cells: faces.cells.map(|count| count as u32),
            axis: axis as u32,
            spacing,
            moved: moved as u32,
            reach: (SHOCK_REACH * faces.spacing[axis] / unit) as f32,
            allowed: LARGEST_OUTFLOW[second] as f32,
            second: second as u32,
            unused: 0,
        }
    }
}

/// Whether mass has moved before momentum is transported: ρ before and after are the same otherwise.
fn moves(order: u8) -> bool {
    order == 1
}

fn longest(faces: &Faces) -> f64 {
    faces.spacing.iter().copied().fold(0.0, f64::max)
}

/// A bit for each axis along which the face of a cell is open, as a number.
fn opening(faces: &Faces, cell: usize) -> f32 {
    let axes = faces.mobility.iter().enumerate();
    let bits = axes.map(|(axis, mobility)| u8::from(mobility[cell] > 0.0) << axis);
    f32::from(bits.sum::<u8>())
}
