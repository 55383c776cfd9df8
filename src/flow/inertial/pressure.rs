use std::marker::PhantomData;

use rayon::prelude::*;

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

/// Adds `factor` times the part of the pressure that the implicit one leaves out to `target` (docs/mathematics.md, eq. 46).
///
/// The implicit pressure is θ(f'_j − f'_i)/h; that which takes from the kinetic energy of dual cells what it gives to J is
/// ρ_D(f'_j − f'_i)/h. The difference fades where something is not resolved, so that shocks have the jumps of the conservative form.
/// `changes` is scratch memory, one number a cell.
pub(super) fn add_explicit_pressure<D: Divergence>(
    faces: &Faces,
    cells: &Cells,
    w: &[f64],
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
                0.5 * (density[beside.at(i, shift)] + density[beside.at(i, shift + 1)])
            };
            let velocity =
                |i: usize, shift: isize| momentum[beside.at(i, shift)] / carrying(i, shift);
            for (i, target) in target.iter_mut().enumerate() {
                let (cell, next) = (row * n + i, beside.at(i, 1));
                let whole = carrying(i, 0) * changes[i];
                let missing = mobility[cell] * (w[next] - w[cell]) - whole;
                let jump = 0.5 * (velocity(i, 1) - velocity(i, -1));
                let sound = cells.sound[cell].min(cells.sound[next]);
                let kept = resolved(missing / whole, LARGEST_MISMATCH)
                    * resolved(jump / sound, LARGEST_JUMP);
                let added = factor * kept * missing;
                // No number where there is no pressure at all, or nothing to press.
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
