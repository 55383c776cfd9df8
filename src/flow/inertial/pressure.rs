use std::marker::PhantomData;

use rayon::prelude::*;

use super::equations;
use super::faces::{FaceField, Faces};
use super::transport::Carried;
use crate::backend::cpu::Elementwise;
use crate::calculus::Real;
use crate::divergence::Divergence;

/// f'(r_j) − f'(r_i) of ℓ in two cells.
struct VariationChange<D>(PhantomData<D>);

impl<D: Divergence> Elementwise<2, 1> for VariationChange<D> {
    #[inline(always)]
    fn values<R: Real>([own, beside]: [R; 2]) -> [R; 1] {
        [D::first_variation_change(own, beside)]
    }
}

/// Adds `factor` times the explicit part of the pressure to `target` (docs/mathematics.md, eq. 46): what the implicit one, which weighs a face
/// by the geometric mean of π, lacks of the one by the dual cell's mass. It fades where something is not resolved. `changes` is scratch memory,
/// one number a cell.
pub(super) fn add_explicit_pressure<D: Divergence>(
    faces: &Faces,
    carried: Carried<'_>,
    factor: f64,
    changes: &mut [f64],
    target: &mut FaceField,
) {
    let n = faces.row();
    let (density, sound) = (carried.before, carried.sound);
    for (axis, target) in target.iter_mut().enumerate() {
        let momentum = &carried.momentum[axis];
        let rows = changes.par_chunks_mut(n).enumerate();
        rows.for_each(|(row, changes)| {
            let beside = faces.beside(row, axis);
            beside.fill::<VariationChange<D>, 2>(row * n, [carried.log_ratio; 2], changes);
            let velocity = |i: usize, shift: isize| {
                let pair = [shift, shift + 1].map(|shift| density[beside.at(i, shift)]);
                let own = equations::carrying(pair, pair);
                equations::velocity(momentum[beside.at(i, shift)], own)
            };
            for (i, change) in changes.iter_mut().enumerate() {
                let pair = [row * n + i, beside.at(i, 1)];
                *change = equations::explicit_pressure(
                    pair.map(|cell| density[cell]),
                    faces.tilt(axis, pair),
                    pair.map(|cell| sound[cell]),
                    [velocity(i, -1), velocity(i, 1)],
                    *change,
                );
            }
        });
        let forces = changes.par_iter().copied();
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
