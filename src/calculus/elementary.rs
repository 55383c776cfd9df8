//! exp, ln and their companions as one polynomial each, for every reading of [`Real`].
//!
//! Argument reduction follows Tang, "Table-driven implementation of the exponential function" (ACM TOMS 15, 1989) without the table,
//! and the ln(1+f) = 2 artanh(f/(2+f)) reduction of Ng's portable library. The coefficients are Chebyshev fits made for this
//! program at 60 digits. No operation is fused, so the bits are the same on every instruction set.
//!
//! Largest error found in units in the last place of the true value (`tests/elementary`, 10⁷ arguments each for exp and ln, 2·10⁶ for
//! the others, from the subnormals to the largest numbers), and the bound that the tests hold:
//!
//! | | `f64` | `f32` | bound |
//! |---|---|---|---|
//! | `exp` | 0.86 | 0.86 | 1 |
//! | `ln` | 0.84 | 0.83 | 1 |
//! | `exp_m1` | 1.35 | 1.31 | 2 |
//! | `ln_1p` | 1.31 | 1.38 | 2 |
//! | `ln_1p_regular` | 2.21 | 2.37 | 2.5 |
//! | `softplus` | 1.41 | 1.55 | 2 |
//! | `exp_remainder` | 2.67 | 2.69 | 4 |
//! | `tanh` | 2.50 | 2.50 | 4 |

use super::{Precision, Real};

/// Everything about a format that the reductions need.
struct Format {
    /// ln 2 split so that n·high is exact for every exponent n.
    ln_2_high: f64,
    ln_2_low: f64,
    /// Below this the result of exp is zero; above `exp_overflow` it is infinite.
    exp_underflow: f64,
    exp_overflow: f64,
    /// The smallest normal number, and the power of two that lifts the subnormals above it.
    smallest_normal: f64,
    lift: f64,
    lift_exponent: f64,
    /// eʳ = 1 + r + r²·P(r) on |r| ≤ ln 2 / 2.
    exp: &'static [f64],
    /// ln((1+s)/(1−s)) = 2s + s·z·Q(z), z = s², on |s| ≤ (√2−1)/(√2+1).
    ln: &'static [f64],
    /// eˣ − 1 − x = x²·S(x) on |x| ≤ 1.
    exp_remainder: &'static [f64],
}

const SINGLE: Format = Format {
    ln_2_high: 0.693145751953125,
    ln_2_low: 1.428_606_820_31e-6,
    exp_underflow: -104.0,
    exp_overflow: 88.722_839_355_468_75,
    smallest_normal: f32::MIN_POSITIVE as f64,
    lift: 16_777_216.0,
    lift_exponent: 24.0,
    exp: &[
        0.5,
        0.166_666_667,
        0.041_666_464_6,
        0.008_333_310_89,
        0.001_393_368_59,
        0.000_198_910_307,
    ],
    ln: &[0.666_666_666, 0.400_001_22, 0.285_507_997, 0.233_310_408],
    exp_remainder: &TAYLOR_SINGLE,
};

const DOUBLE: Format = Format {
    ln_2_high: 0.693_147_180_369_123_8,
    ln_2_low: 1.908_214_929_270_587_7e-10,
    exp_underflow: -745.2,
    exp_overflow: 709.782_712_893_383_9,
    smallest_normal: f64::MIN_POSITIVE,
    lift: 18_014_398_509_481_984.0,
    lift_exponent: 54.0,
    exp: &[
        0.5,
        0.166_666_666_666_666_69,
        0.041_666_666_666_666_664,
        0.008_333_333_333_330_051,
        0.001_388_888_888_888_654_5,
        0.000_198_412_698_631_059_68,
        2.480_158_731_718_188_6e-5,
        2.755_726_837_868_419_2e-6,
        2.755_728_291_148_268e-7,
        2.510_042_415_700_506_7e-8,
        2.091_126_423_919_608_3e-9,
    ],
    ln: &[
        0.666_666_666_666_667,
        0.399_999_999_998_992,
        0.285_714_286_261_145_2,
        0.222_222_111_121_049_48,
        0.181_828_907_780_261_3,
        0.153_316_666_765_971_75,
        0.146_171_283_998_073,
    ],
    exp_remainder: &TAYLOR_DOUBLE,
};

/// 1/(k+2)!, enough terms for |x| ≤ 1.
const TAYLOR_DOUBLE: [f64; 18] = taylor::<18>();
const TAYLOR_SINGLE: [f64; 10] = taylor::<10>();

const fn taylor<const N: usize>() -> [f64; N] {
    let mut coefficients = [0.5; N];
    let mut k = 1;
    while k < N {
        coefficients[k] = coefficients[k - 1] / (k + 2) as f64;
        k += 1;
    }
    coefficients
}

#[inline(always)]
fn format<R: Real>() -> &'static Format {
    match R::PRECISION {
        Precision::Single => &SINGLE,
        Precision::Double => &DOUBLE,
    }
}

/// Σ cₖ xᵏ by Horner's rule.
#[inline(always)]
fn polynomial<R: Real>(x: R, coefficients: &'static [f64]) -> R {
    let (last, rest) = match coefficients.split_last() {
        Some(parts) => parts,
        None => return R::constant(0.0),
    };
    let mut sum = R::constant(*last);
    for coefficient in rest.iter().rev() {
        sum = sum * x + R::constant(*coefficient);
    }
    sum
}

/// x = n ln 2 + r with |r| ≤ ln 2 / 2: returns (n, eʳ − 1).
#[inline(always)]
fn reduced_exp_m1<R: Real>(x: R) -> (R, R) {
    let format = format::<R>();
    let n = (x * R::constant(std::f64::consts::LOG2_E)).nearest_integer();
    let high = x - n * R::constant(format.ln_2_high);
    let low = n * R::constant(format.ln_2_low);
    let r = high - low;
    let tail = r * r * polynomial(r, format.exp);
    (n, high + (tail - low))
}

/// 2ⁿ·y in two factors, so that results down to the subnormals and up to the largest number are reached.
#[inline(always)]
fn scaled<R: Real>(y: R, n: R) -> R {
    let half = (n * R::constant(0.5)).nearest_integer();
    y * half.power_of_two() * (n - half).power_of_two()
}

/// Keeps x where the reduction is valid; what lies outside is replaced by the bounds, and NaN stays.
#[inline(always)]
fn clamped<R: Real>(x: R) -> R {
    let format = format::<R>();
    x.maximum(R::constant(format.exp_underflow))
        .minimum(R::constant(format.exp_overflow))
}

/// Puts back what [`clamped`] took away: beyond the largest number the result is infinite.
#[inline(always)]
fn with_overflow<R: Real>(x: R, result: R) -> R {
    let overflows = R::constant(format::<R>().exp_overflow).less(x);
    R::select(overflows, R::constant(f64::INFINITY), result)
}

/// eˣ, to 1 unit in the last place; 0 and ∞ beyond the range.
#[inline(always)]
pub fn exp<R: Real>(x: R) -> R {
    let (n, r) = reduced_exp_m1(clamped(x));
    with_overflow(x, scaled(R::constant(1.0) + r, n))
}

/// eˣ − 1, to 2 units in the last place, also near 0.
#[inline(always)]
pub fn exp_m1<R: Real>(x: R) -> R {
    let (n, r) = reduced_exp_m1(clamped(x));
    // 2ⁿ(1 + r) − 1 = 2ⁿr + (2ⁿ − 1); the power is halved so that it stays a number at the upper end.
    let half_power = (n - R::constant(1.0))
        .maximum(R::constant(-100.0))
        .power_of_two();
    let half = half_power * r + (half_power - R::constant(0.5));
    with_overflow(x, half + half)
}

/// ln(1 + f) + e ln 2 for 1 + f in [√½, √2).
#[inline(always)]
fn ln_reduced<R: Real>(f: R, e: R) -> R {
    let format = format::<R>();
    let s = f / (R::constant(2.0) + f);
    let z = s * s;
    let tail = z * polynomial(z, format.ln);
    let half_square = R::constant(0.5) * f * f;
    let correction = half_square - (s * (half_square + tail) + e * R::constant(format.ln_2_low));
    e * R::constant(format.ln_2_high) - (correction - f)
}

/// The logarithm of an argument that is not positive: −∞ at 0, NaN below and for NaN.
#[inline(always)]
fn ln_outside_domain<R: Real>(x: R) -> R {
    let below = x.less(R::constant(0.0));
    R::select(below, R::constant(f64::NAN), x - R::constant(f64::INFINITY))
}

/// ln x, to 1 unit in the last place.
#[inline(always)]
pub fn ln<R: Real>(x: R) -> R {
    let format = format::<R>();
    let zero = R::constant(0.0);
    let subnormal = x.less(R::constant(format.smallest_normal));
    let lifted = R::select(subnormal, x * R::constant(format.lift), x);
    let (m, e) = lifted.split_exponent();
    let e = e - R::select(subnormal, R::constant(format.lift_exponent), zero);
    let value = ln_reduced(m - R::constant(1.0), e);
    let value = R::select(x.less(R::constant(f64::INFINITY)), value, x);
    R::select(zero.less(x), value, ln_outside_domain(x))
}

/// Splits 1 + x = m·2ᵉ: m − 1, e, and whether e = 0.
///
/// Where 1 + x needs no power of two, x itself is the reduced argument, with all its digits; elsewhere |ln(1+x)| > 0.34. So the
/// digits near 0 do not rest on a correction for the rounding of 1 + x, which a shader compiler may simplify to zero.
#[inline(always)]
fn split_one_plus<R: Real>(x: R) -> (R, R, R::Mask) {
    let (m, e) = (R::constant(1.0) + x).split_exponent();
    let near_one = e.abs().less(R::constant(0.5));
    (m - R::constant(1.0), e, near_one)
}

/// ln(1 + x) for finite x above −1 only, to 2.5 units in the last place: what a sweep over cells can promise, without the cost of
/// the exceptions. NaN becomes a number.
#[inline(always)]
pub fn ln_1p_regular<R: Real>(x: R) -> R {
    let (f, e, near_one) = split_one_plus(x);
    ln_reduced(R::select(near_one, x, f), e)
}

/// ln(1 + x), to 2 units in the last place, also near 0.
#[inline(always)]
pub fn ln_1p<R: Real>(x: R) -> R {
    let one = R::constant(1.0);
    let u = one + x;
    let (f, e, near_one) = split_one_plus(x);
    // Above 2¹⁰⁰ nothing is lost that could be seen, and 2⁻ᵉ need not be a normal number.
    let lost = x - (u - one);
    let far = f + lost * (-e.minimum(R::constant(100.0))).power_of_two();
    let value = ln_reduced(R::select(near_one, x, far), e);
    let value = R::select(x.less(R::constant(f64::INFINITY)), value, x);
    R::select(R::constant(0.0).less(u), value, ln_outside_domain(u))
}

/// ln(1 + eˣ), to 2 units in the last place, on both sides of 0.
#[inline(always)]
pub fn softplus<R: Real>(x: R) -> R {
    x.maximum(R::constant(0.0)) + (-x.abs()).exp().ln_1p()
}

/// eˣ − 1 − x, to 4 units in the last place.
#[inline(always)]
pub fn exp_remainder<R: Real>(x: R) -> R {
    let near = x.abs().less(R::constant(1.0));
    let bounded = R::select(near, x, R::constant(0.0));
    let series = bounded * bounded * polynomial(bounded, format::<R>().exp_remainder);
    // ∞ − ∞ is avoided: the subtrahend stops where the exponential is infinite.
    let finite = x.minimum(R::constant(format::<R>().exp_overflow));
    R::select(near, series, x.exp_m1() - finite)
}

/// tanh x, to 4 units in the last place.
#[inline(always)]
pub fn tanh<R: Real>(x: R) -> R {
    let decay = (-(x.abs() + x.abs())).exp_m1();
    let magnitude = -decay / (decay + R::constant(2.0));
    R::select(x.less(R::constant(0.0)), -magnitude, magnitude)
}
