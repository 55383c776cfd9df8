use super::Divergence;
use crate::calculus::Real;

/// 2·JSD(π‖ρ): the divergence of the generative adversarial network with an ideal discriminator.
#[derive(Clone, Copy, Debug, Default)]
pub struct JensenShannon;

impl Divergence for JensenShannon {
    const NAME: &'static str = "jensen-shannon";
    const FORMULA: &'static str = "2·JSD(π‖ρ) = ∫ ρ ln(2ρ/(π+ρ)) + π ln(2π/(π+ρ))";
    const REFERENCE: &'static str = "Goodfellow et al., Generative Adversarial Nets, NeurIPS 2014, Theorem 1; Lin, IEEE Trans. Inf. Theory 37, 1991";
    const ADMITS_EMPTY_CELLS: bool = true;

    /// (1+r)/2 · [ℓδ + ln(1−δ²)] with δ = tanh(ℓ/2): both terms are of second order in ℓ, so no digits are lost near r = 1.
    #[inline(always)]
    fn integrand<R: Real>(log_ratio: R) -> R {
        let (one, two) = (R::constant(1.0), R::constant(2.0));
        let ln_2 = R::constant(std::f64::consts::LN_2);
        // The integrand of the reversed pair is f(1/r) = f(r)/r: evaluate at −|ℓ| and scale by r where ℓ > 0.
        let magnitude = log_ratio.abs();
        let inverse = (-magnitude).exp();
        let delta = (magnitude / two).tanh();
        let near = magnitude.less(one);
        let bounded = R::select(near, delta, R::constant(0.5));
        let near_value =
            (one + inverse) / two * (magnitude * bounded + (-(bounded * bounded)).ln_1p());
        // f(e^{−m}) = e^{−m} ln(2e^{−m}/(1+e^{−m})) + ln(2/(1+e^{−m}))
        let log_sum = inverse.ln_1p();
        let decayed = R::select(
            magnitude.less(R::constant(800.0)),
            magnitude * inverse,
            R::constant(0.0),
        );
        let far_value = (one + inverse) * (ln_2 - log_sum) - decayed;
        let value = R::select(near, near_value, far_value);
        let larger = R::constant(0.0).less(log_ratio);
        R::select(larger, value * log_ratio.exp(), value)
    }

    /// f(1/r), since f(r) = r f(1/r).
    #[inline(always)]
    fn integrand_per_mass<R: Real>(log_ratio: R) -> R {
        Self::integrand(-log_ratio)
    }

    /// ln 2 − ln(1 + e^{−ℓ})
    #[inline(always)]
    fn first_variation<R: Real>(log_ratio: R) -> R {
        // ln(2/(1+e^{−ℓ})) = −ln(1 + (e^{−ℓ} − 1)/2) keeps its digits near 0; −ℓ large is left to softplus.
        let near = log_ratio.abs().less(R::constant(1.0));
        let bounded = R::select(near, log_ratio, R::constant(0.0));
        let near_value = -((-bounded).exp_m1() * R::constant(0.5)).ln_1p();
        let far_value = R::constant(std::f64::consts::LN_2) - (-log_ratio).softplus();
        R::select(near, near_value, far_value)
    }

    /// ln((1 + 1/r_from)/(1 + 1/r_to)): of ℓ₁ < ℓ₂ it is ± ln(1 + e^{−ℓ₁}(1 − e^{ℓ₁−ℓ₂})/(1 + e^{−ℓ₂})), without cancellation.
    #[inline(always)]
    fn first_variation_change<R: Real>(from: R, to: R) -> R {
        let (low, high) = (from.minimum(to), from.maximum(to));
        let excess = -((-low).exp() * (low - high).exp_m1());
        let value = (excess / (R::constant(1.0) + (-high).exp())).ln_1p();
        R::select(to.less(from), -value, value)
    }

    /// −ln(2e^{−f'} − 1)
    #[inline(always)]
    fn log_ratio_of_variation<R: Real>(first_variation: R) -> R {
        -(R::constant(2.0) * (-first_variation).exp_m1()).ln_1p()
    }

    /// ln(1 + r)
    #[inline(always)]
    fn kirchhoff<R: Real>(log_ratio: R) -> R {
        log_ratio.softplus()
    }

    /// ln(e^w − 1) = ln(1 + 2(e^{w − ln 2} − 1)): the second form near r = 1, where it returns ℓ = 0 for the w of ℓ = 0.
    #[inline(always)]
    fn log_ratio<R: Real>(kirchhoff: R) -> R {
        let (one, two) = (R::constant(1.0), R::constant(2.0));
        let excess = kirchhoff - R::constant(std::f64::consts::LN_2);
        let near = excess.abs().less(R::constant(0.3));
        let bounded = R::select(near, excess, R::constant(0.0));
        let near_value = (two * bounded.exp_m1()).ln_1p();
        // w + ln(1 − e^{−w}) for large w, ln(expm1 w) for small.
        let large = one.less(kirchhoff);
        let small = R::select(large, one, kirchhoff);
        let large_value = kirchhoff + (-(-kirchhoff).exp()).ln_1p();
        let far_value = R::select(large, large_value, small.exp_m1().ln());
        R::select(near, near_value, far_value)
    }

    /// ln(1 + r)
    #[inline(always)]
    fn kirchhoff_from_ratio<R: Real>(ratio: R) -> R {
        ratio.ln_1p_regular()
    }

    /// 1/(1 + r)
    #[inline(always)]
    fn slope_from_ratio<R: Real>(ratio: R) -> R {
        R::constant(1.0) / (R::constant(1.0) + ratio)
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

    /// Newton in r for an increase, since e^w overshoots, and in w for a decrease, since r would turn negative.
    #[inline(always)]
    fn newton_update<R: Real>(kirchhoff: R, increment: R) -> R {
        let growth = increment.maximum(R::constant(0.0));
        let fall = increment.minimum(R::constant(0.0));
        Self::displaced(kirchhoff, growth) + fall
    }
}
