use super::Divergence;
use crate::calculus::Real;

/// The squared Hellinger distance ∫ (√ρ − √π)².
#[derive(Clone, Copy, Debug, Default)]
pub struct Hellinger;

impl Divergence for Hellinger {
    const NAME: &'static str = "hellinger";
    const FORMULA: &'static str = "∫ (√ρ − √π)²";
    const REFERENCE: &'static str = "Liese, Vajda, On divergences and informations in statistics and information theory, IEEE Trans. Inf. Theory 52, 2006";
    const ADMITS_EMPTY_CELLS: bool = true;

    /// (√r − 1)²
    #[inline(always)]
    fn integrand<R: Real>(log_ratio: R) -> R {
        let excess = (log_ratio * R::constant(0.5)).exp_m1();
        excess * excess
    }

    /// (1 − 1/√r)²
    #[inline(always)]
    fn integrand_per_mass<R: Real>(log_ratio: R) -> R {
        Self::integrand(-log_ratio)
    }

    /// 1 − r^{−1/2}
    #[inline(always)]
    fn first_variation<R: Real>(log_ratio: R) -> R {
        -(log_ratio * R::constant(-0.5)).exp_m1()
    }

    /// e^{−ℓ_from/2}(1 − e^{(ℓ_from−ℓ_to)/2})
    #[inline(always)]
    fn first_variation_change<R: Real>(from: R, to: R) -> R {
        let half = R::constant(0.5);
        -((-from * half).exp() * ((from - to) * half).exp_m1())
    }

    /// −2 ln(1 − f')
    #[inline(always)]
    fn log_ratio_of_variation<R: Real>(first_variation: R) -> R {
        R::constant(-2.0) * (-first_variation).ln_1p()
    }

    /// √r
    #[inline(always)]
    fn kirchhoff<R: Real>(log_ratio: R) -> R {
        (log_ratio * R::constant(0.5)).exp()
    }

    /// 2 ln w
    #[inline(always)]
    fn log_ratio<R: Real>(kirchhoff: R) -> R {
        R::constant(2.0) * kirchhoff.ln()
    }

    /// √r
    #[inline(always)]
    fn kirchhoff_from_ratio<R: Real>(ratio: R) -> R {
        ratio.sqrt()
    }

    /// 1/(2√r)
    #[inline(always)]
    fn slope_from_ratio<R: Real>(ratio: R) -> R {
        R::constant(0.5) / ratio.sqrt()
    }

    /// 1/(2w)
    #[inline(always)]
    fn slope<R: Real>(kirchhoff: R) -> R {
        R::constant(0.5) / kirchhoff
    }

    /// −ln(2w)
    #[inline(always)]
    fn log_slope<R: Real>(kirchhoff: R) -> R {
        -(kirchhoff + kirchhoff).ln()
    }

    /// (w² − w₀²)/(2w)
    #[inline(always)]
    fn relative_change<R: Real>(kirchhoff: R, initial: R) -> R {
        (kirchhoff - initial) * (kirchhoff + initial) / (kirchhoff + kirchhoff)
    }

    /// √(w₀² + 2 w₀ change)
    #[inline(always)]
    fn displaced<R: Real>(kirchhoff: R, change: R) -> R {
        (kirchhoff * (kirchhoff + change + change)).sqrt()
    }

    /// Newton in r = w² for an increase, since w² overshoots from a w near 0, and in w for a decrease.
    #[inline(always)]
    fn newton_update<R: Real>(kirchhoff: R, increment: R) -> R {
        let growth = increment.maximum(R::constant(0.0));
        let fall = increment.minimum(R::constant(0.0));
        Self::displaced(kirchhoff, growth) + fall
    }
}
