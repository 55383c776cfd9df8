use super::Divergence;
use crate::calculus::Real;

/// χ²(ρ‖π) = ∫ (ρ−π)²/π: its flow is a porous-medium equation in r.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChiSquared;

impl Divergence for ChiSquared {
    const NAME: &'static str = "chi-squared";
    const FORMULA: &'static str = "χ²(ρ‖π) = ∫ (ρ−π)²/π";
    const REFERENCE: &'static str = "Chewi, Le Gouic, Lu, Maunu, Rigollet, SVGD as a kernelized Wasserstein gradient flow of the chi-squared divergence, NeurIPS 2020";
    const ADMITS_EMPTY_CELLS: bool = true;

    /// (r − 1)²
    #[inline(always)]
    fn integrand<R: Real>(log_ratio: R) -> R {
        let excess = log_ratio.exp_m1();
        excess * excess
    }

    /// (r − 1)(1 − 1/r)
    #[inline(always)]
    fn integrand_per_mass<R: Real>(log_ratio: R) -> R {
        -(log_ratio.exp_m1() * (-log_ratio).exp_m1())
    }

    /// 2(r − 1)
    #[inline(always)]
    fn first_variation<R: Real>(log_ratio: R) -> R {
        R::constant(2.0) * log_ratio.exp_m1()
    }

    /// 2e^{ℓ_from}(e^{ℓ_to−ℓ_from} − 1)
    #[inline(always)]
    fn first_variation_change<R: Real>(from: R, to: R) -> R {
        R::constant(2.0) * from.exp() * (to - from).exp_m1()
    }

    /// ln(1 + f'/2)
    #[inline(always)]
    fn log_ratio_of_variation<R: Real>(first_variation: R) -> R {
        let halved = first_variation * R::constant(0.5);
        halved.maximum(R::constant(-1.0)).ln_1p()
    }

    /// r²
    #[inline(always)]
    fn kirchhoff<R: Real>(log_ratio: R) -> R {
        (log_ratio + log_ratio).exp()
    }

    /// ½ ln w
    #[inline(always)]
    fn log_ratio<R: Real>(kirchhoff: R) -> R {
        R::constant(0.5) * kirchhoff.ln()
    }

    /// r²
    #[inline(always)]
    fn kirchhoff_from_ratio<R: Real>(ratio: R) -> R {
        ratio * ratio
    }

    /// 2r
    #[inline(always)]
    fn slope_from_ratio<R: Real>(ratio: R) -> R {
        ratio + ratio
    }

    /// 2√w
    #[inline(always)]
    fn slope<R: Real>(kirchhoff: R) -> R {
        let root = kirchhoff.sqrt();
        root + root
    }

    /// ln(2√w) = ½ ln(4w), and ln 2 + ½ ln w where 4w might overflow.
    #[inline(always)]
    fn log_slope<R: Real>(kirchhoff: R) -> R {
        let (one, half) = (R::constant(1.0), R::constant(0.5));
        let large = one.less(kirchhoff);
        let fourfold = R::select(large, kirchhoff, R::constant(4.0) * kirchhoff);
        let added = R::select(large, R::constant(std::f64::consts::LN_2), R::constant(0.0));
        half * fourfold.ln() + added
    }

    /// 2√w(√w − √w₀)
    #[inline(always)]
    fn relative_change<R: Real>(kirchhoff: R, initial: R) -> R {
        let root = kirchhoff.sqrt();
        (root + root) * (root - initial.sqrt())
    }

    /// (√w₀ + change/(2√w₀))²
    #[inline(always)]
    fn displaced<R: Real>(kirchhoff: R, change: R) -> R {
        let root = kirchhoff.sqrt();
        let moved = root + change / (root + root);
        moved * moved
    }

    /// Newton in r = √w for an increase, since √w grows slower than its tangent, and in w for a decrease.
    #[inline(always)]
    fn newton_update<R: Real>(kirchhoff: R, increment: R) -> R {
        let growth = increment.maximum(R::constant(0.0));
        let fall = increment.minimum(R::constant(0.0));
        Self::displaced(kirchhoff, growth) + fall
    }
}
