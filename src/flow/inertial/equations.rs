//! The equations of transport and of the explicit pressure over any reading of a number (docs/mathematics.md, eq. 39–42 and 46): the loops of the
//! CPU and the shader take them from here.

use crate::calculus::Real;

/// ρ̃ − ρ_D relative to ρ_D, and the change of the velocity from face to face relative to the speed of sound, beyond which something is not
/// resolved: then the difference is more than the error of means.
const LARGEST_MISMATCH: f64 = 0.25;
const LARGEST_JUMP: f64 = 0.25;

/// A difference of velocities relative to them that is rounding of f64.
const EVEN: f64 = 1e-13;

/// The density of a dual cell that momentum is divided by, from that of its two cells before and after momentum has moved it.
#[inline(always)]
pub(super) fn carrying<R: Real>(before: [R; 2], after: [R; 2]) -> R {
    let half = R::constant(0.5);
    let before = before[0] + before[1];
    half * before.maximum(half * (after[0] + after[1]))
}

/// u = m/ρ_D; 0 where there is nothing.
#[inline(always)]
pub(super) fn velocity<R: Real>(momentum: R, density: R) -> R {
    let zero = R::constant(0.0);
    R::select(zero.less(density), momentum / density, zero)
}

/// F, the mass flux between two dual cells (eq. 39), from those of two parallel faces.
#[inline(always)]
pub(super) fn mass_flux<R: Real>(passing: R, other: R) -> R {
    R::constant(0.5) * (passing + other)
}

/// The limited slope of van Leer (J. Comput. Phys. 14 (1974) 361–370): the harmonic mean of two differences of the same sign.
#[inline(always)]
fn limited<R: Real>(before: R, after: R) -> R {
    let zero = R::constant(0.0);
    let product = before * after;
    let mean = R::constant(2.0) * product / (before + after);
    R::select(zero.less(product), mean, zero)
}

/// [u] of order 2 (eq. 40) from the difference of u across a side and those before and after it; `open` is 1 where a slope counts, 0 at
/// walls.
#[inline(always)]
pub(super) fn jump<R: Real>([before, change, after]: [R; 3], open: [R; 2]) -> R {
    let zero = R::constant(0.0);
    let slopes = open[0] * limited(before, change) + open[1] * limited(change, after);
    let jump = change - R::constant(0.5) * slopes;
    R::select(zero.less(jump * change), jump, zero)
}

/// What shocks add to ν on a side along the flow's own axis (eq. 41), from ρ before and after; `reach` is h/(2τ').
#[inline(always)]
pub(super) fn shock<R: Real>(jump: R, [before, after]: [R; 2], sound: R, reach: R) -> R {
    let zero = R::constant(0.0);
    let mass = present(before, after);
    R::select(jump.less(zero), mass * sound.minimum(reach), zero)
}

/// ρ of a cell that counts, from that before and after momentum has moved it.
#[inline(always)]
pub(super) fn present<R: Real>(before: R, after: R) -> R {
    before.maximum(R::constant(0.5) * after)
}

/// ν [u]/δ: the viscosity that belongs to the whole difference, from the velocities on both sides as well. A difference that is rounding is none: as a mass flux
/// its viscosity would count in full.
#[inline(always)]
pub(super) fn viscosity<R: Real>(strength: R, jump: R, change: R, [left, right]: [R; 2]) -> R {
    let zero = R::constant(0.0);
    let rounding = R::constant(EVEN) * (left.abs() + right.abs());
    let some = rounding.less(change.abs());
    R::select(some, strength * (jump / change), zero)
}

/// What leaves a dual cell through its sides before and after it along one axis.
#[inline(always)]
pub(super) fn outflow<R: Real>(spacing: R, flux: [R; 2], viscosity: [R; 2]) -> R {
    let before = flux[0].abs().maximum(viscosity[0]) - flux[0];
    let after = flux[1].abs().maximum(viscosity[1]) + flux[1];
    R::constant(0.5) / spacing * (after + before)
}

/// α (eq. 42), `room` being what may leave.
#[inline(always)]
pub(super) fn share<R: Real>(outflow: R, room: R) -> R {
    R::select(room.less(outflow), room / outflow, R::constant(1.0))
}

/// ρ_D of a dual cell from which more wants to leave than the step allows, else 0: from α, and from the largest ρ in its cells and beside them, `around`.
///
/// A light dual cell behind a heavy one that moves away is no reason for a shorter step: what the heavy one takes along is much for the light one in any step.
#[inline(always)]
pub(super) fn crowded<R: Real>(share: R, density: R, around: R) -> R {
    let affordable = share * density.maximum(R::constant(0.5) * around);
    R::select(affordable.less(density), density, R::constant(0.0))
}

/// q (eq. 40): the flux of momentum between two dual cells, with the velocities and shares on both sides.
#[inline(always)]
pub(super) fn momentum_flux<R: Real>(flux: R, viscosity: R, velocity: [R; 2], shares: [R; 2]) -> R {
    let half = R::constant(0.5);
    let [left, right] = velocity;
    let mean = flux * half * (left + right);
    let smoothed = half * viscosity * (right - left);
    shares[0].minimum(shares[1]) * (mean - smoothed)
}

/// h c of a face (eq. 46), from both of its cells: ρ, σ of the other over its own less 1, and √ψ'; from the velocities on the faces before and
/// after it; and from f'(r_j) − f'(r_i).
///
/// ρ̃ − ρ_D is taken from what the target changes, so that it is 0 to the last bit where the target is uniform, in any format.
#[inline(always)]
pub(super) fn explicit_pressure<R: Real>(
    density: [R; 2],
    tilt: [R; 2],
    sound: [R; 2],
    velocity: [R; 2],
    variation_change: R,
) -> R {
    let missing = missing(density, tilt);
    let kept = kept(density, missing, sound, velocity);
    let zero = R::constant(0.0);
    R::select(zero.less(kept), kept * missing * variation_change, zero)
}

/// The mass flux beyond momentum of a face (eq. 48), from both of its cells: ρ, σ of the other over its own less 1, and √ψ'; from the velocities on the face
/// before it, on it, and on the one after; and from θ.
#[inline(always)]
pub(super) fn explicit_flux<R: Real>(
    density: [R; 2],
    tilt: [R; 2],
    sound: [R; 2],
    [before, velocity, after]: [R; 3],
    mobile: R,
) -> R {
    let zero = R::constant(0.0);
    let missing = missing(density, tilt);
    let own = carrying(density, density);
    let lacking = mobile - own - missing;
    let kept = kept(density, missing, sound, [before, after])
        * resolved(lacking, R::constant(LARGEST_MISMATCH) * own);
    R::select(zero.less(kept), kept * lacking * velocity, zero)
}

/// ρ̃ − ρ_D.
#[inline(always)]
fn missing<R: Real>(density: [R; 2], tilt: [R; 2]) -> R {
    R::constant(0.5) * (density[0] * tilt[0] + density[1] * tilt[1])
}

/// χ (eq. 46).
#[inline(always)]
fn kept<R: Real>(density: [R; 2], missing: R, sound: [R; 2], velocity: [R; 2]) -> R {
    let (zero, half) = (R::constant(0.0), R::constant(0.5));
    let own = carrying(density, density);
    let jump = half * (velocity[1] - velocity[0]);
    let sound = sound[0].minimum(sound[1]);
    let kept = resolved(missing, R::constant(LARGEST_MISMATCH) * own)
        * resolved(jump, R::constant(LARGEST_JUMP) * sound);
    // Nothing presses on an empty cell.
    R::select(zero.less(density[0].minimum(density[1])), kept, zero)
}

/// 1 for what is far below the largest, 0 from there on.
#[inline(always)]
fn resolved<R: Real>(value: R, largest: R) -> R {
    let share = value / largest;
    let square = share * share;
    let (one, zero) = (R::constant(1.0), R::constant(0.0));
    R::select(value.abs().less(largest), one - square * square, zero)
}
