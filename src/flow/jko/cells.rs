//! The arithmetic of a step cell by cell and face by face, as functions that run in vector lanes.

use std::marker::PhantomData;

use crate::backend::cpu::Elementwise;
use crate::calculus::Real;
use crate::divergence::Divergence;

/// Below this difference of ℓ the mobility of a face is the geometric mean of ρ to a relative 1e-9.
const ALIKE: f64 = 1e-4;

/// Of a face with ℓ and ln(π h) on both sides: its density, as mass a cell. It is the mobility with which small steps are those of the
/// flow, ρ (f'(r_j) − f'(r_i)) = sqrt(π_i π_j)(ψ(r_j) − ψ(r_i)).
pub(super) struct FaceDensity<D>(PhantomData<D>);

impl<D: Divergence> Elementwise<4, 1> for FaceDensity<D> {
    #[inline(always)]
    fn values<R: Real>([own, beside, log_mass, log_mass_beside]: [R; 4]) -> [R; 1] {
        let half = R::constant(0.5);
        let alike = (own - beside).abs().less(R::constant(ALIKE));
        let mean = half * (own + beside);
        let target = (half * (log_mass + log_mass_beside)).exp();
        // No `map` over an array: as a function of its own it would be left out of the caller's vector instructions.
        let a = D::kirchhoff_from_ratio(own.exp());
        let b = D::kirchhoff_from_ratio(beside.exp());
        let ratio = (b - a) / D::first_variation_change(own, beside);
        [target * R::select(alike, mean.exp(), ratio)]
    }
}

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
