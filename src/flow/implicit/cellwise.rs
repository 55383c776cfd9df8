//! What a step takes from each cell for itself, in vector lanes.

use std::marker::PhantomData;

use crate::backend::cpu::Elementwise;
use crate::calculus::Real;
use crate::divergence::Divergence;

/// ψ' below this is as good as zero: nothing moves.
const SMALLEST_SLOPE: f64 = 1e-300;

/// π/ψ'(w) · cell volume, from ln(π · cell volume): what a unit of relative change weighs.
#[inline(always)]
fn weight<D: Divergence, R: Real>(log_mass: R, w: R) -> R {
    (log_mass - D::log_slope(w)).exp()
}

/// ψ'(r − r(empty)): the whole of r as a relative change.
#[inline(always)]
fn whole<D: Divergence, R: Real>(w: R) -> R {
    D::relative_change(w, R::constant(D::kirchhoff(f64::NEG_INFINITY)))
}

/// Of w and w⁰: ψ' and ψ' (r − r⁰).
pub(super) struct Storage<D>(PhantomData<D>);

impl<D: Divergence> Elementwise<2, 2> for Storage<D> {
    #[inline(always)]
    fn values<R: Real>([w, initial]: [R; 2]) -> [R; 2] {
        let slope = D::slope(w).maximum(R::constant(SMALLEST_SLOPE));
        [slope, D::relative_change(w, initial)]
    }
}

/// w after Newton's increment.
pub(super) struct Updated<D>(PhantomData<D>);

impl<D: Divergence> Elementwise<2, 1> for Updated<D> {
    #[inline(always)]
    fn values<R: Real>([w, increment]: [R; 2]) -> [R; 1] {
        [D::newton_update(w, increment)]
    }
}

/// w after an increment that is taken as it is.
pub(super) struct Added;

impl Elementwise<2, 1> for Added {
    #[inline(always)]
    fn values<R: Real>([w, increment]: [R; 2]) -> [R; 1] {
        [w + increment]
    }
}

/// Of w, w before, w⁰ and ln(π · cell volume): the mass that w moved, that it gained over w⁰, and the relative change of r.
pub(super) struct Change<D>(PhantomData<D>);

impl<D: Divergence> Elementwise<4, 3> for Change<D> {
    #[inline(always)]
    fn values<R: Real>([w, before, initial, log_mass]: [R; 4]) -> [R; 3] {
        let zero = R::constant(0.0);
        let weight = weight::<D, R>(log_mass, w);
        let change = D::relative_change(w, before).abs();
        let relative = R::select(zero.less(change), change / whole::<D, R>(w), zero);
        [
            weight * change,
            weight * D::relative_change(w, initial),
            relative,
        ]
    }
}

/// Of a relative change, w and ln(π · cell volume): the mass that it is.
pub(super) struct MassOfChange<D>(PhantomData<D>);

impl<D: Divergence> Elementwise<3, 1> for MassOfChange<D> {
    #[inline(always)]
    fn values<R: Real>([change, w, log_mass]: [R; 3]) -> [R; 1] {
        [weight::<D, R>(log_mass, w) * change.abs()]
    }
}

/// Of w before and after and ln(π · cell volume): the mass gained, and the mass after.
pub(super) struct Gain<D>(PhantomData<D>);

impl<D: Divergence> Elementwise<3, 2> for Gain<D> {
    #[inline(always)]
    fn values<R: Real>([before, after, log_mass]: [R; 3]) -> [R; 2] {
        // Of the two units of change that of the larger r cannot overflow.
        let (low, high) = (before.minimum(after), before.maximum(after));
        let gained = weight::<D, R>(log_mass, high) * D::relative_change(high, low);
        let gained = R::select(after.less(before), -gained, gained);
        [
            gained,
            weight::<D, R>(log_mass, after) * whole::<D, R>(after),
        ]
    }
}
