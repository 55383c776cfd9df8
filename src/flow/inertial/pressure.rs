use std::marker::PhantomData;

use rayon::prelude::*;

use super::equations;
use super::faces::{FaceField, Faces};
use super::rows::sweep;
use super::transport::Carried;
use crate::backend::cpu::Parametrised;
use crate::calculus::Real;
use crate::divergence::Divergence;

/// h c of a face (docs/mathematics.md, eq. 46): from ρ in the cell before its own two, in these and in the one after; √(π_i π_j); of its two cells π, √ψ' and ℓ;
/// and the momentum of the faces before and after.
struct Force<D>(PhantomData<D>);

impl<D: Divergence> Parametrised<13, 1> for Force<D> {
    #[inline(always)]
    fn values<R: Real>(&self, inputs: [R; 13]) -> [R; 1] {
        let [before, own, next, beyond, mobility, target, target_next, ..] = inputs;
        let [
            ..,
            sound,
            sound_next,
            log_ratio,
            log_ratio_next,
            momentum_before,
            momentum_after,
        ] = inputs;
        let one = R::constant(1.0);
        [equations::explicit_pressure(
            [own, next],
            [mobility / target - one, mobility / target_next - one],
            [sound, sound_next],
            [
                velocity_of(momentum_before, [before, own]),
                velocity_of(momentum_after, [next, beyond]),
            ],
            D::first_variation_change(log_ratio, log_ratio_next),
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
            let reads = [
                beside.read(density, -1),
                beside.read(density, 0),
                beside.read(density, 1),
                beside.read(density, 2),
                beside.read(&faces.mobility[axis], 0),
                beside.read(&faces.target, 0),
                beside.read(&faces.target, 1),
                beside.read(carried.sound, 0),
                beside.read(carried.sound, 1),
                beside.read(carried.log_ratio, 0),
                beside.read(carried.log_ratio, 1),
                beside.read(momentum, -1),
                beside.read(momentum, 1),
            ];
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
