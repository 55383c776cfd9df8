//! The elementary functions to about 30 digits, as unevaluated sums of two numbers: the truth that `f64` is measured against.

use std::ops::{Add, Mul, Neg};

/// high + low with |low| ≤ ulp(high)/2.
#[derive(Clone, Copy, Debug)]
pub struct DoubleDouble {
    pub high: f64,
    pub low: f64,
}

const fn double(high: f64, low: f64) -> DoubleDouble {
    DoubleDouble { high, low }
}

/// ln 2 to 120 bits: the first two parts have 32 bits, so that their products with an exponent are exact.
const LN_2: [f64; 3] = [
    0.693_147_180_369_123_8,
    1.908_214_928_843_070_3e-10,
    4.275_175_589_747_649e-20,
];

fn sum(a: f64, b: f64) -> DoubleDouble {
    let high = a + b;
    let part = high - a;
    double(high, (a - (high - part)) + (b - part))
}

impl From<f64> for DoubleDouble {
    fn from(high: f64) -> Self {
        double(high, 0.0)
    }
}

impl Add for DoubleDouble {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let (high, low) = (sum(self.high, other.high), sum(self.low, other.low));
        let carried = sum(high.high, high.low + low.high);
        sum(carried.high, carried.low + low.low)
    }
}

impl Mul for DoubleDouble {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let high = self.high * other.high;
        let low = self.high.mul_add(other.high, -high);
        sum(high, low + (self.high * other.low + self.low * other.high))
    }
}

impl Neg for DoubleDouble {
    type Output = Self;
    fn neg(self) -> Self {
        double(-self.high, -self.low)
    }
}

/// The quotient, by one correction of the rounded quotient.
fn quotient(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble {
    let first = a.high / b.high;
    let rest = a + -(b * first.into());
    sum(first, (rest.high + rest.low) / b.high)
}

/// n ln 2.
fn times_ln_2(n: f64) -> DoubleDouble {
    let [first, second, third] = LN_2;
    DoubleDouble::from(n * first) + (n * second).into() + DoubleDouble::from(n) * third.into()
}

/// Below this, functions that are x to first order are x to all digits, and products of low parts underflow.
const TINY: f64 = 1e-150;

/// 2ⁿ, also where it is subnormal.
pub fn power_of_two(n: i32) -> f64 {
    match n {
        ..-1074 => 0.0,
        -1074..-1022 => f64::from_bits(1 << (n + 1074)),
        -1022..1024 => f64::from_bits(((n + 1023) as u64) << 52),
        _ => f64::INFINITY,
    }
}

/// x = m·2ⁿ with 1 ≤ m < 2 for positive x: returns (m, n).
pub fn split(x: f64) -> (f64, i32) {
    if x < f64::MIN_POSITIVE {
        let (mantissa, exponent) = split(x * power_of_two(54));
        return (mantissa, exponent - 54);
    }
    let mantissa = f64::from_bits((x.to_bits() & ((1 << 52) - 1)) | (1023 << 52));
    (mantissa, ((x.to_bits() >> 52) as i32) - 1023)
}

/// x = n ln 2 + r: returns (eʳ − 1, n), from a Taylor series at r/2⁹ doubled nine times.
fn reduced_exp_m1(x: DoubleDouble) -> (DoubleDouble, i32) {
    let n = (x.high * std::f64::consts::LOG2_E).round_ties_even();
    let r = x + -times_ln_2(n);
    let small = double(r.high / 512.0, r.low / 512.0);
    let mut series = DoubleDouble::from(1.0);
    for k in (2..=9).rev() {
        series = DoubleDouble::from(1.0) + small * quotient(series, f64::from(k).into());
    }
    let mut value = small * series;
    for _ in 0..9 {
        value = value + value + value * value;
    }
    (value, n as i32)
}

/// eˣ = m·2ⁿ: returns (m, n).
pub fn exp(x: DoubleDouble) -> (DoubleDouble, i32) {
    let (value, n) = reduced_exp_m1(x);
    (DoubleDouble::from(1.0) + value, n)
}

/// eˣ − 1 for |x| below 700.
pub fn exp_m1(x: DoubleDouble) -> DoubleDouble {
    if x.high.abs() < TINY {
        return x;
    }
    let (value, n) = reduced_exp_m1(x);
    let power = DoubleDouble::from(power_of_two(n));
    power * value + (power + (-1.0).into())
}

/// ln(1 + x) for |x| ≤ ½, by one Newton correction with [`exp_m1`].
fn ln_1p_small(x: DoubleDouble) -> DoubleDouble {
    if x.high.abs() < TINY {
        return x;
    }
    let guess = x.high.ln_1p();
    let decay = exp_m1((-guess).into());
    // (1 + x)e^{−guess} − 1, every term of the size of x.
    let excess = x + decay + x * decay;
    let square = excess * excess;
    DoubleDouble::from(guess) + excess + -double(square.high / 2.0, square.low / 2.0)
}

/// ln x for x > 0.
pub fn ln(x: f64) -> DoubleDouble {
    let (mut mantissa, mut exponent) = split(x);
    if mantissa > std::f64::consts::SQRT_2 {
        (mantissa, exponent) = (mantissa / 2.0, exponent + 1);
    }
    times_ln_2(f64::from(exponent)) + ln_1p_small((mantissa - 1.0).into())
}

/// ln(1 + x) for x > −1.
pub fn ln_1p(x: DoubleDouble) -> DoubleDouble {
    if x.high.abs() <= 0.5 {
        return ln_1p_small(x);
    }
    let total = x + 1.0.into();
    ln(total.high) + (total.low / total.high).into()
}

/// ln(1 + eˣ) = m·2ⁿ: returns (m, n).
pub fn softplus(x: f64) -> (DoubleDouble, i32) {
    let (mantissa, n) = exp((-x.abs()).into());
    if x < -400.0 {
        return (mantissa, n);
    }
    let power = power_of_two(n);
    let decay = double(mantissa.high * power, mantissa.low * power);
    (ln_1p(decay) + x.max(0.0).into(), 0)
}

/// eˣ − 1 − x = m·2ⁿ: returns (m, n).
pub fn exp_remainder(x: f64) -> (DoubleDouble, i32) {
    if x.abs() > 1e-3 {
        return (exp_m1(x.into()) + (-x).into(), 0);
    }
    let mut series = DoubleDouble::from(1.0);
    for k in (3..=11).rev() {
        series = DoubleDouble::from(1.0) + quotient(series * x.into(), f64::from(k).into());
    }
    let (mantissa, n) = split(x.abs());
    (
        series * DoubleDouble::from(mantissa) * mantissa.into(),
        2 * n - 1,
    )
}

/// tanh x.
pub fn tanh(x: f64) -> DoubleDouble {
    if x.abs() > 40.0 {
        return x.signum().into();
    }
    if x.abs() < TINY {
        return x.into();
    }
    let decay = exp_m1((-2.0 * x.abs()).into());
    let magnitude = quotient(-decay, decay + 2.0.into());
    if x < 0.0 { -magnitude } else { magnitude }
}
