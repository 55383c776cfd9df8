use super::Divergence;
use crate::calculus::Real;

/// KL(ρ‖π): its flow is the Fokker–Planck equation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kl;

impl Divergence for Kl {
    const NAME: &'static str = "kl";
    const FORMULA: &'static str = "KL(ρ‖π) = ∫ ρ ln(ρ/π)";
    const REFERENCE: &'static str = "Jordan, Kinderlehrer, Otto, The variational formulation of the Fokker–Planck equation, SIAM J. Math. Anal. 29, 1998";
    const ADMITS_EMPTY_CELLS: bool = true;

    /// r ln r − r + 1 = r (e^{−ℓ} − 1 + ℓ)
    #[inline(always)]
    fn integrand<R: Real>(log_ratio: R) -> R {
        let negative = log_ratio.less(R::constant(0.0));
        // For ℓ < 0 the product r·e^{−ℓ} would overflow: 1 − r(1 − ℓ) there, and the remainder near 0.
        let near = log_ratio.abs().less(R::constant(1.0));
        let bounded = R::select(
            negative,
            R::select(near, log_ratio, R::constant(0.0)),
            log_ratio,
        );
        let remainder = bounded.exp() * (-bounded).exp_remainder();
        let floor = log_ratio.maximum(R::constant(-1.0e4));
        let tail = R::constant(1.0) - floor.exp() * (R::constant(1.0) - floor);
        R::select(negative, R::select(near, remainder, tail), remainder)
    }

    /// e^{−ℓ} − 1 + ℓ
    #[inline(always)]
    fn integrand_per_mass<R: Real>(log_ratio: R) -> R {
        (-log_ratio).exp_remainder()
    }

    /// ℓ
    #[inline(always)]
    fn first_variation<R: Real>(log_ratio: R) -> R {
        log_ratio
    }

    /// ℓ_to − ℓ_from
    #[inline(always)]
    fn first_variation_change<R: Real>(from: R, to: R) -> R {
        to - from
    }

    /// f'
    #[inline(always)]
    fn log_ratio_of_variation<R: Real>(first_variation: R) -> R {
        first_variation
    }

    /// r
    #[inline(always)]
    fn kirchhoff<R: Real>(log_ratio: R) -> R {
        log_ratio.exp()
    }

    /// ln w
    #[inline(always)]
    fn log_ratio<R: Real>(kirchhoff: R) -> R {
        kirchhoff.ln()
    }

    /// r
    #[inline(always)]
    fn kirchhoff_from_ratio<R: Real>(ratio: R) -> R {
        ratio
    }

    /// 1
    #[inline(always)]
    fn slope_from_ratio<R: Real>(_ratio: R) -> R {
        R::constant(1.0)
    }

    /// 1
    #[inline(always)]
    fn slope<R: Real>(_kirchhoff: R) -> R {
        R::constant(1.0)
    }

    /// 0
    #[inline(always)]
    fn log_slope<R: Real>(_kirchhoff: R) -> R {
        R::constant(0.0)
    }

    /// w − w₀
    #[inline(always)]
    fn relative_change<R: Real>(kirchhoff: R, initial: R) -> R {
        kirchhoff - initial
    }

    /// w₀ + change
    #[inline(always)]
    fn displaced<R: Real>(kirchhoff: R, change: R) -> R {
        kirchhoff + change
    }

    /// The equation is linear in w: one increment solves it.
    #[inline(always)]
    fn newton_update<R: Real>(kirchhoff: R, increment: R) -> R {
        kirchhoff + increment
    }
}
