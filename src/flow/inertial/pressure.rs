use std::marker::PhantomData;

use rayon::prelude::*;

use super::equations;
use super::faces::{Beside, FaceField, Faces};
use super::rows::{Read, sweep};
use super::transport::Carried;
use crate::backend::cpu::Parametrised;
use crate::calculus::Real;
use crate::divergence::Divergence;

/// What tells whether something is resolved on a face: of both of its cells ρ, σ of the other over its own less 1, and √ψ'; and the velocities on the faces
/// before and after it.
pub(super) struct Surroundings<R> {
    pub density: [R; 2],
    pub tilt: [R; 2],
    pub sound: [R; 2],
    pub beside: [R; 2],
}

impl<R: Real> Surroundings<R> {
    /// From what [`reads`] says, and two numbers more.
    #[inline(always)]
    pub fn new(inputs: [R; 13]) -> (Self, [R; 2]) {
        let [before, own, next, beyond, mobility, ..] = inputs;
        let [
            ..,
            target,
            target_next,
            sound,
            sound_next,
            earlier,
            later,
            first,
            second,
        ] = inputs;
        let one = R::constant(1.0);
        let surroundings = Self {
            density: [own, next],
            tilt: [mobility / target - one, mobility / target_next - one],
            sound: [sound, sound_next],
            beside: [
                velocity_of(earlier, [before, own]),
                velocity_of(later, [next, beyond]),
            ],
        };
        (surroundings, [first, second])
    }
}

/// For a row of faces of an axis, ρ in the cell before the two of a face, in these and in the one after; √(π_i π_j), and π in the two; √ψ' in them; the momentum of
/// the faces before and after; and two numbers more.
pub(super) fn reads<'a>(
    faces: &'a Faces,
    axis: usize,
    beside: &Beside,
    [density, sound, momentum]: [&'a [f64]; 3],
    [first, second]: [Read<'a>; 2],
) -> [Read<'a>; 13] {
    [
        beside.read(density, -1),
        beside.read(density, 0),
        beside.read(density, 1),
        beside.read(density, 2),
        beside.read(&faces.mobility[axis], 0),
        beside.read(&faces.target, 0),
        beside.read(&faces.target, 1),
        beside.read(sound, 0),
        beside.read(sound, 1),
        beside.read(momentum, -1),
        beside.read(momentum, 1),
        first,
        second,
    ]
}

/// h c of a face (docs/mathematics.md, eq. 46): from its surroundings, and ℓ in its two cells.
struct Force<D>(PhantomData<D>);

impl<D: Divergence> Parametrised<13, 1> for Force<D> {
    #[inline(always)]
    fn values<R: Real>(&self, inputs: [R; 13]) -> [R; 1] {
        let (around, [log_ratio, log_ratio_next]) = Surroundings::new(inputs);
        let change = D::first_variation_change(log_ratio, log_ratio_next);
        [equations::explicit_pressure(
            around.density,
            around.tilt,
            around.sound,
            around.beside,
            change,
        )]
    }
}

/// u on a face from its momentum and ρ in its two cells.
#[inline(always)]
pub(super) fn velocity_of<R: Real>(momentum: R, pair: [R; 2]) -> R {
    equations::velocity(momentum, equations::carrying(pair, pair))
}

/// Adds `factor` times the explicit part of the pressure to `target` (docs/mathematics.md, eq. 46): what the implicit one, which weighs a face
/// by the geometric mean of π, lacks of the one by the dual cell's mass. It fades where something is not resolved. `forces` is scratch memory,
/// one number a cell.
pub(super) fn add_explicit_pressure<D: Divergence>(
    faces: &Faces,
    carried: Carried<'_>,
    factor: f64,
    forces: &mut [f64],
    target: &mut FaceField,
) {
    let n = faces.row();
    for (axis, target) in target.iter_mut().enumerate() {
        let rows = forces.par_chunks_mut(n).enumerate();
        rows.for_each(|(row, forces)| {
            let beside = faces.beside(row, axis);
            let (density, momentum) = (carried.before, &carried.momentum[axis]);
            let log_ratios = [0, 1].map(|shift| beside.read(carried.log_ratio, shift));
            let fields = [density, carried.sound, momentum];
            let reads = reads(faces, axis, &beside, fields, log_ratios);
            sweep(&Force::<D>(PhantomData), reads, [forces]);
        });
        let forces = forces.par_iter().copied();
        add_forces(faces, axis, factor, forces, target);
    }
}

/// Adds `factor` times forces on the faces of an axis, each times the spacing, to a component of momentum. A force that is no number, of what is as good
/// as empty, counts as none.
pub(super) fn add_forces(
    faces: &Faces,
    axis: usize,
    factor: f64,
    forces: impl IndexedParallelIterator<Item = f64>,
    target: &mut [f64],
) {
    let factor = factor / faces.spacing[axis];
    let mobility = faces.mobility[axis].par_iter();
    let all = target.par_iter_mut().zip(forces).zip(mobility);
    all.for_each(|((target, force), mobility)| {
        let added = factor * force;
        if *mobility > 0.0 && added.is_finite() {
            *target += added;
        }
    });
}
