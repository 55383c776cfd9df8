//! The arithmetic of a step cell by cell and face by face, as functions that run in vector lanes.

use std::marker::PhantomData;

use crate::backend::cpu::Elementwise;
use crate::calculus::Real;
use crate::divergence::Divergence;

/// Of ℓ, ℓ of the next cell, π h and ℓ at the start: f' of the next cell less that of this one; π h r; ψ'; and the growth of r since the
/// start, r/r₀ − 1.
pub(super) struct CellTerms<D>(PhantomData<D>);

impl<D: Divergence> Elementwise<4, 4> for CellTerms<D> {
    #[inline(always)]
    fn values<R: Real>([own, beside, target, initial]: [R; 4]) -> [R; 4] {
        let ratio = own.exp();
        [
            D::first_variation_change(own, beside),
            target * ratio,
            D::slope_from_ratio(ratio),
            (own - initial).exp_m1(),
        ]
    }
}

/// Of ℓ, ψ' and an increment of f': the relative change of r that belongs to it, and ℓ after that change.
pub(super) struct Tangent;

impl Elementwise<3, 2> for Tangent {
    #[inline(always)]
    fn values<R: Real>([log_ratio, slope, increment]: [R; 3]) -> [R; 2] {
        let relative = increment / slope;
        [relative, log_ratio + relative.ln_1p()]
    }
}

/// Of ℓ before and after: f' after less that before.
pub(super) struct Change<D>(PhantomData<D>);

impl<D: Divergence> Elementwise<2, 1> for Change<D> {
    #[inline(always)]
    fn values<R: Real>([from, to]: [R; 2]) -> [R; 1] {
        [D::first_variation_change(from, to)]
    }
}

/// e^(a + b).
pub(super) struct ExpSum;

impl Elementwise<2, 1> for ExpSum {
    #[inline(always)]
    fn values<R: Real>([a, b]: [R; 2]) -> [R; 1] {
        [(a + b).exp()]
    }
}
