use super::{Divergence, Kl};
use crate::calculus::Real;

/// KL(π‖ρ): infinite where ρ vanishes and π does not.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReverseKl;

impl Divergence for ReverseKl {
    const NAME: &'static str = "reverse-kl";
    const FORMULA: &'static str = "KL(π‖ρ) = ∫ π ln(π/ρ)";
    const REFERENCE: &'static str = "Ambrosio, Gigli, Savaré, Gradient Flows, 2nd ed. 2008, §9.3–10.4 (internal-energy functionals relative to π)";
    const ADMITS_EMPTY_CELLS: bool = false;

    /// r − 1 − ln r
    #[inline(always)]
    fn integrand<R: Real>(log_ratio: R) -> R {
        log_ratio.exp_remainder()
    }

    /// 1 − e^{−ℓ}(1 + ℓ): the integrand of the KL divergence of the exchanged pair.
    #[inline(always)]
    fn integrand_per_mass<R: Real>(log_ratio: R) -> R {
        Kl::integrand(-log_ratio)
    }

    /// 1 − e^{−ℓ}
    #[inline(always)]
    fn first_variation<R: Real>(log_ratio: R) -> R {
        -(-log_ratio).exp_m1()
    }

    /// e^{−ℓ_from}(1 − e^{ℓ_from−ℓ_to})
    #[inline(always)]
    fn first_variation_change<R: Real>(from: R, to: R) -> R {
        -((-from).exp() * (from - to).exp_m1())
    }

    /// −ln(1 − f')
    #[inline(always)]
    fn log_ratio_of_variation<R: Real>(first_variation: R) -> R {
        -(-first_variation).ln_1p()
    }

    /// ℓ
    #[inline(always)]
    fn kirchhoff<R: Real>(log_ratio: R) -> R {
        log_ratio
    }

    /// w
    #[inline(always)]
    fn log_ratio<R: Real>(kirchhoff: R) -> R {
        kirchhoff
    }

    /// ln r
    #[inline(always)]
    fn kirchhoff_from_ratio<R: Real>(ratio: R) -> R {
        ratio.ln()
    }

    /// 1/r
    #[inline(always)]
    fn slope_from_ratio<R: Real>(ratio: R) -> R {
        R::constant(1.0) / ratio
    }

    /// e^{−w}
    #[inline(always)]
    fn slope<R: Real>(kirchhoff: R) -> R {
        (-kirchhoff).exp()
    }

    /// −w
    #[inline(always)]
    fn log_slope<R: Real>(kirchhoff: R) -> R {
        -kirchhoff
    }

    /// 1 − e^{w₀−w}
    #[inline(always)]
    fn relative_change<R: Real>(kirchhoff: R, initial: R) -> R {
        -(initial - kirchhoff).exp_m1()
    }

    /// w₀ + ln(1 + change)
    #[inline(always)]
    fn displaced<R: Real>(kirchhoff: R, change: R) -> R {
        kirchhoff + change.ln_1p()
    }

    /// Newton in r for an increase, in ln r for a decrease.
    #[inline(always)]
    fn newton_update<R: Real>(kirchhoff: R, increment: R) -> R {
        let growth = increment.maximum(R::constant(0.0));
        let fall = increment.minimum(R::constant(0.0));
        Self::displaced(kirchhoff, growth) + fall
    }
}
