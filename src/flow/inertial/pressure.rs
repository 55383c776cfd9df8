use std::marker::PhantomData;

use rayon::prelude::*;

use super::equations;
use super::faces::{FaceField, Faces};
use super::ledger::Cells;
use crate::backend::cpu::Elementwise;
use crate::calculus::Real;
use crate::divergence::Divergence;

/// The explicit part relative to the pressure, and the change of the velocity from face to face relative to the speed of sound, beyond which
/// something is not resolved: then the difference is more than the error of means.
const LARGEST_MISMATCH: f64 = 0.25;
const LARGEST_JUMP: f64 = 0.25;

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
    cells: &Cells,
    momentum: &FaceField,
    factor: f64,
    changes: &mut [f64],
    target: &mut FaceField,
) {
    let n = faces.row();
    let density = &cells.density;
    for (axis, target) in target.iter_mut().enumerate() {
        let (mobility, momentum) = (&faces.mobility[axis], &momentum[axis]);
        let factor = factor / faces.spacing[axis];
        let rows = target.par_chunks_mut(n).zip(changes.par_chunks_mut(n));
        rows.enumerate().for_each(|(row, (target, changes))| {
            let beside = faces.beside(row, axis);
            let ratios = [cells.log_ratio.as_slice(); 2];
            beside.fill::<VariationChange<D>, 2>(row * n, ratios, changes);
            let carrying = |i: usize, shift: isize| {
                let pair = [shift, shift + 1].map(|shift| density[beside.at(i, shift)]);
                equations::carrying(pair, pair)
            };
            let velocity = |i: usize, shift: isize| {
                equations::velocity(momentum[beside.at(i, shift)], carrying(i, shift))
            };
            for (i, target) in target.iter_mut().enumerate() {
                let (cell, next) = (row * n + i, beside.at(i, 1));
                let ratio = |cell: usize| density[cell] / faces.target[cell];
                let own = carrying(i, 0);
                let missing = mobility[cell] * 0.5 * (ratio(cell) + ratio(next)) - own;
                let jump = 0.5 * (velocity(i, 1) - velocity(i, -1));
                let sound = cells.sound[cell].min(cells.sound[next]);
                let kept = resolved(missing / own, LARGEST_MISMATCH)
                    * resolved(jump / sound, LARGEST_JUMP);
                let added = factor * kept * missing * changes[i];
                // No number where there is nothing to press.
                if mobility[cell] > 0.0 && added.is_finite() {
                    *target += added;
                }
            }
        });
    }
}

/// 1 for what is far below the largest, 0 from there on.
#[inline(always)]
fn resolved(share: f64, largest: f64) -> f64 {
    1.0 - (share / largest).powi(4).min(1.0)
}
