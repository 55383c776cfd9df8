//! The equations of transport over any reading of a number (docs/mathematics.md, eq. 39–42): the loops of the CPU and the shader take them from
//! here.

use crate::calculus::Real;

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

/// m = ρ_D u, from the velocity that [`velocity`] found.
#[inline(always)]
pub(super) fn momentum<R: Real>(velocity: R, density: R) -> R {
    velocity * density
}

/// F, the mass flux between two dual cells (eq. 39).
#[inline(always)]
pub(super) fn mass_flux<R: Real>(momentum: R, other: R) -> R {
    R::constant(0.5) * (momentum + other)
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
    let mass = before.maximum(R::constant(0.5) * after);
    R::select(jump.less(zero), mass * sound.minimum(reach), zero)
}

/// ν [u]/δ: the viscosity that belongs to the whole difference.
#[inline(always)]
pub(super) fn viscosity<R: Real>(strength: R, jump: R, change: R) -> R {
    let zero = R::constant(0.0);
    let some = zero.less(change.abs());
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

/// q (eq. 40): the flux of momentum between two dual cells, with the velocities and shares on both sides.
#[inline(always)]
pub(super) fn momentum_flux<R: Real>(flux: R, viscosity: R, velocity: [R; 2], shares: [R; 2]) -> R {
    let half = R::constant(0.5);
    let [left, right] = velocity;
    let mean = flux * half * (left + right);
    let smoothed = half * viscosity * (right - left);
    shares[0].minimum(shares[1]) * (mean - smoothed)
}
