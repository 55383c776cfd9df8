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
