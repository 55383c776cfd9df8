//! Errors in units in the last place against the true value, over 10⁷ arguments for exp and ln, 2·10⁶ for the others.

use ottoflow::calculus::{Precision, Scalar, elementary};
use rayon::prelude::*;

use crate::double_double::{self, DoubleDouble, power_of_two};

const MANY: u64 = 10_000_000;
const SOME: u64 = 2_000_000;

/// A true value m·2ⁿ.
type Truth = (DoubleDouble, i32);

/// |value − truth| in units in the last place of the truth; infinity counts as the first power of two that is not a number.
fn units<T: Scalar>(value: T, (mantissa, exponent): Truth) -> f64 {
    let (digits, lowest, highest) = match T::PRECISION {
        Precision::Single => (23, -149, 128),
        Precision::Double => (52, -1074, 1024),
    };
    if value.to_f64().is_nan() || mantissa.high.is_nan() {
        return f64::INFINITY;
    }
    let (_, leading) = double_double::split(mantissa.high.abs());
    let unit = (leading + exponent - digits).max(lowest);
    let (value, shift) = match value.to_f64() {
        infinite if infinite.is_infinite() => (infinite.signum(), highest - exponent),
        finite => (finite, -exponent),
    };
    // Two infinities: beyond the largest number and rounded to it.
    if value.abs() == 1.0 && shift != -exponent && leading + exponent >= highest {
        return 0.0;
    }
    let difference = (scaled(value, shift) - mantissa.high) - mantissa.low;
    scaled(difference, exponent - unit).abs()
}

/// x·2ⁿ in two factors that are numbers.
fn scaled(x: f64, n: i32) -> f64 {
    x * power_of_two(n / 2) * power_of_two(n - n / 2)
}

/// 64 well-mixed bits for each index (the finaliser of SplitMix64).
fn bits(index: u64) -> u64 {
    let mut z = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// In [0, 1).
fn uniform(index: u64) -> f64 {
    (bits(index) >> 11) as f64 * power_of_two(-53)
}

/// ± 2ᵉ·(1…2) with e uniform in the range.
fn scattered(index: u64, exponents: std::ops::Range<i32>) -> f64 {
    let width = f64::from(exponents.end - exponents.start);
    let exponent = exponents.start + (uniform(3 * index) * width) as i32;
    let magnitude = (1.0 + uniform(3 * index + 1)) * power_of_two(exponent);
    if bits(3 * index + 2) & 1 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

/// Half of the arguments evenly between the bounds, half on a logarithmic scale around 0, down to the subnormals.
fn around_zero<T: Scalar>(lower: f64, upper: f64) -> impl Fn(u64) -> T + Sync {
    let exponents = match T::PRECISION {
        Precision::Single => -149..7,
        Precision::Double => -1074..10,
    };
    move |index| match index % 2 {
        0 => T::constant(lower + (upper - lower) * uniform(index)),
        _ => T::constant(scattered(index, exponents.clone()).clamp(lower, upper)),
    }
}

/// A third over all positive numbers, a third in [½, 2], a third closer and closer to 1.
fn positive<T: Scalar>(index: u64) -> T {
    let (exponents, digits) = match T::PRECISION {
        Precision::Single => (-149..128, 24),
        Precision::Double => (-1074..1024, 53),
    };
    match index % 3 {
        0 => T::constant(scattered(index, exponents).abs()),
        1 => T::constant(0.5 + 1.5 * uniform(index)),
        _ => T::constant(1.0 + scattered(index, -digits..-1)),
    }
}

/// Half over all numbers above −1 up to the largest, half of them in [−1, 1].
fn above_minus_one<T: Scalar>(index: u64) -> T {
    let exponents = match T::PRECISION {
        Precision::Single => -149..127,
        Precision::Double => -1074..1023,
    };
    match index % 2 {
        0 => T::constant(1.0 - 2.0 * uniform(index)),
        _ => {
            let x = scattered(index, exponents);
            T::constant(if x <= -1.0 { -x } else { x })
        }
    }
}

/// The function stays within the bound of units in the last place; prints the largest error and where it is.
fn check<T: Scalar>(
    name: &str,
    (count, bound): (u64, f64),
    function: fn(T) -> T,
    argument: impl Fn(u64) -> T + Sync,
    truth: fn(f64) -> Truth,
) {
    let worst = (0..count)
        .into_par_iter()
        .map(|index| {
            let x = argument(index);
            (units(function(x), truth(x.to_f64())), x.to_f64())
        })
        .reduce(|| (0.0, 0.0), |a, b| if b.0 > a.0 { b } else { a });
    println!("{name} {}: {:.3} units at {:e}", T::NAME, worst.0, worst.1);
    assert!(worst.0 <= bound, "{name} {}: {worst:?} > {bound}", T::NAME);
}

/// A reference in `f64`, 2⁻²⁹ units of `f32` from the truth.
macro_rules! plain {
    ($function:expr) => {
        |x| (($function)(x).into(), 0)
    };
}

#[test]
fn exp_errs_by_at_most_one_unit() {
    check(
        "exp",
        (MANY, 1.0),
        elementary::exp::<f64>,
        around_zero(-746.0, 710.0),
        |x| double_double::exp(x.into()),
    );
    check(
        "exp",
        (MANY, 1.0),
        elementary::exp::<f32>,
        around_zero(-104.5, 89.0),
        plain!(f64::exp),
    );
}

#[test]
fn ln_errs_by_at_most_one_unit() {
    check(
        "ln",
        (MANY, 1.0),
        elementary::ln::<f64>,
        positive,
        plain!(double_double::ln),
    );
    check(
        "ln",
        (MANY, 1.0),
        elementary::ln::<f32>,
        positive,
        plain!(f64::ln),
    );
}

#[test]
fn exp_m1_errs_by_at_most_two_units() {
    check(
        "exp_m1",
        (SOME, 2.0),
        elementary::exp_m1::<f64>,
        around_zero(-100.0, 700.0),
        plain!(|x: f64| double_double::exp_m1(x.into())),
    );
    check(
        "exp_m1",
        (SOME, 2.0),
        elementary::exp_m1::<f32>,
        around_zero(-100.0, 89.0),
        plain!(f64::exp_m1),
    );
}

#[test]
fn ln_1p_errs_by_at_most_two_units() {
    check(
        "ln_1p",
        (SOME, 2.0),
        elementary::ln_1p::<f64>,
        above_minus_one,
        plain!(|x: f64| double_double::ln_1p(x.into())),
    );
    check(
        "ln_1p",
        (SOME, 2.0),
        elementary::ln_1p::<f32>,
        above_minus_one,
        plain!(f64::ln_1p),
    );
}

#[test]
fn ln_1p_regular_errs_by_at_most_two_and_a_half_units_on_its_domain() {
    check(
        "ln_1p_regular",
        (SOME, 2.5),
        elementary::ln_1p_regular::<f64>,
        above_minus_one,
        plain!(|x: f64| double_double::ln_1p(x.into())),
    );
    check(
        "ln_1p_regular",
        (SOME, 2.5),
        elementary::ln_1p_regular::<f32>,
        above_minus_one,
        plain!(f64::ln_1p),
    );
}

#[test]
fn softplus_errs_by_at_most_two_units() {
    check(
        "softplus",
        (SOME, 2.0),
        elementary::softplus::<f64>,
        around_zero(-700.0, 1000.0),
        double_double::softplus,
    );
    check(
        "softplus",
        (SOME, 2.0),
        elementary::softplus::<f32>,
        around_zero(-104.0, 120.0),
        double_double::softplus,
    );
}

#[test]
fn exp_remainder_errs_by_at_most_four_units() {
    check(
        "exp_remainder",
        (SOME, 4.0),
        elementary::exp_remainder::<f64>,
        around_zero(-1000.0, 700.0),
        double_double::exp_remainder,
    );
    check(
        "exp_remainder",
        (SOME, 4.0),
        elementary::exp_remainder::<f32>,
        around_zero(-100.0, 88.0),
        double_double::exp_remainder,
    );
}

#[test]
fn tanh_errs_by_at_most_four_units() {
    check(
        "tanh",
        (SOME, 4.0),
        elementary::tanh::<f64>,
        around_zero(-30.0, 30.0),
        plain!(double_double::tanh),
    );
    check(
        "tanh",
        (SOME, 4.0),
        elementary::tanh::<f32>,
        around_zero(-15.0, 15.0),
        plain!(double_double::tanh),
    );
}
