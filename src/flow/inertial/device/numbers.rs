//! What the device is given as numbers once and for all, and what bounds those that it is given anew.

use bytemuck::{Pod, Zeroable};

use crate::flow::inertial::faces::Faces;
use crate::flow::inertial::transport::{LARGEST_OUTFLOW, SHOCK_REACH};

/// What the mass of the box is on the device: far above the smallest normal number, 2⁻¹²⁶, so that cells with 2⁻²²² of the mass are
/// numbers still; and so far below the largest, 2¹²⁸, that the square of the largest velocity times it is one.
pub(super) const MASS: f64 = (1_u128 << 96) as f64;
/// The largest velocity on the device, in cells a step. Only dual cells with next to no mass can be as fast: a step in which others are is
/// rejected.
pub(super) const LARGEST_VELOCITY: f64 = 4096.0;
/// The largest speed of sound, in cells a step: beside it no velocity counts, and the viscosity of shocks counts no more than half a cell.
pub(super) const LARGEST_SOUND: f64 = (1_u64 << 40) as f64;
/// The largest |ℓ|: of empty cells.
pub(super) const LARGEST_RATIO: f64 = 1e6;
/// The largest ratio of σ in two cells, so that a mass times it is a number. Beside such a jump of π nothing is resolved.
const LARGEST_TILT: f64 = (1_u64 << 30) as f64;

/// `Component` of the shader.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct Component {
    cells: [u32; 3],
    axis: u32,
    spacing: [f32; 3],
    moved: u32,
    reach: f32,
    allowed: f32,
    second: u32,
    unused: u32,
}

impl Component {
    pub fn new(faces: &Faces, axis: usize, order: u8) -> Self {
        let unit = faces.shortest();
        let mut spacing = [1.0; 3];
        for (single, spacing) in spacing.iter_mut().zip(&faces.spacing) {
            *single = (spacing / unit) as f32;
        }
        let second = order == 2;
        // At order 2 mass moves with momentum: ρ before and after are the same.
        let moved = if second { 0 } else { 2 * faces.len() };
        Self {
            cells: faces.cells.map(|count| count as u32),
            axis: axis as u32,
            spacing,
            moved: moved as u32,
            reach: (SHOCK_REACH * faces.spacing[axis] / unit) as f32,
            allowed: LARGEST_OUTFLOW[usize::from(second)] as f32,
            second: u32::from(second),
            unused: 0,
        }
    }
}

/// A bit for each axis along which the face of a cell is open, as a number.
pub(super) fn opening(faces: &Faces, cell: usize) -> f32 {
    let axes = faces.mobility.iter().enumerate();
    let bits = axes.map(|(axis, mobility)| u8::from(mobility[cell] > 0.0) << axis);
    f32::from(bits.sum::<u8>())
}

/// [`Faces::tilt`] of every face of an axis; 0 where it is closed.
pub(super) fn tilts(faces: &Faces, axis: usize) -> Vec<f32> {
    let of_face = |cell: usize| {
        if faces.mobility[axis][cell] == 0.0 {
            return [0.0; 2];
        }
        let tilt = faces.tilt(axis, [cell, faces.next(axis, cell)]);
        tilt.map(|tilt| tilt.min(LARGEST_TILT) as f32)
    };
    (0..faces.len()).flat_map(of_face).collect()
}
