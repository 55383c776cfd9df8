use std::marker::PhantomData;

use crate::backend::Sweep;
use crate::calculus::Real;
use crate::divergence::Divergence;

/// The right-hand side of the flow in r and σ = √π (docs/mathematics.md, eq. 8):
/// ∂t r_i = Σ_faces (σ_j/σ_i)(ψ_j − ψ_i)/h², which is zero to the last bit where r is constant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Diffusion<D>(PhantomData<D>);

impl<D: Divergence> Sweep for Diffusion<D> {
    #[inline(always)]
    fn node<R: Real>(ratio: R) -> R {
        D::kirchhoff_from_ratio(ratio)
    }

    #[inline(always)]
    fn face<R: Real>(neighbour_weight: R, own_node: R, neighbour_node: R) -> R {
        neighbour_weight * (neighbour_node - own_node)
    }

    #[inline(always)]
    fn cell<R: Real>(ratio: R, own_weight: R, inflow: R) -> R {
        ratio + inflow / own_weight
    }
}
