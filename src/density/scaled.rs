use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::calculus::Real;

/// A number m·eˢ whose exponent does not run out: exp(−1800) is not 0.
///
/// Numbers of ordinary size have s = 0, and their arithmetic is that of `f64`, rounding included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scaled {
    significand: f64,
    exponent: f64,
}

/// Significands between the inverse of this number and itself are ordinary: a product of two of them is a normal number.
const LARGE: f64 = 1.0e150;
/// Arguments of exp up to this size have an ordinary value.
const LARGE_LOGARITHM: f64 = 345.0;

impl Scaled {
    pub(super) const ZERO: Self = Self::plain(0.0);

    const fn plain(significand: f64) -> Self {
        Self {
            significand,
            exponent: 0.0,
        }
    }

    /// m·eˢ with an ordinary significand.
    fn new(significand: f64, exponent: f64) -> Self {
        let size = significand.abs();
        if size == 0.0 || !size.is_finite() {
            Self::plain(significand)
        } else if (1.0 / LARGE..=LARGE).contains(&size) {
            Self {
                significand,
                exponent,
            }
        } else {
            Self {
                significand: significand.signum(),
                exponent: exponent + Real::ln(size),
            }
        }
    }

    /// The number as an `f64`, which may be 0 or infinite where it is too small or too large.
    pub(super) fn value(self) -> f64 {
        if self.exponent == 0.0 {
            self.significand
        } else {
            self.significand * Real::exp(self.exponent)
        }
    }

    pub(super) fn is_nan(self) -> bool {
        self.significand.is_nan() || self.exponent.is_nan()
    }

    pub(super) fn is_negative(self) -> bool {
        self.significand < 0.0
    }

    /// ln of the number as an `f64`.
    pub(super) fn log(self) -> f64 {
        Real::ln(self.significand) + self.exponent
    }

    /// The two significands at one common exponent.
    fn aligned(self, other: Self) -> (f64, f64, f64) {
        if self.exponent == other.exponent || other.significand == 0.0 {
            return (self.significand, other.significand, self.exponent);
        }
        if self.significand == 0.0 {
            return (0.0, other.significand, other.exponent);
        }
        let exponent = self.exponent.max(other.exponent);
        let shifted = |number: Self| number.significand * Real::exp(number.exponent - exponent);
        (shifted(self), shifted(other), exponent)
    }

    fn less(self, other: Self) -> bool {
        (self - other).is_negative()
    }

    /// A function of an `f64`.
    fn map(self, function: fn(f64) -> f64) -> Self {
        Self::from(function(self.value()))
    }

    pub(super) fn exp(self) -> Self {
        let argument = self.value();
        if argument.abs() <= LARGE_LOGARITHM || !argument.is_finite() {
            Self::plain(Real::exp(argument))
        } else {
            Self {
                significand: 1.0,
                exponent: argument,
            }
        }
    }

    pub(super) fn ln(self) -> Self {
        Self::from(self.log())
    }

    pub(super) fn sqrt(self) -> Self {
        Self::new(self.significand.sqrt(), 0.5 * self.exponent)
    }

    pub(super) fn abs(self) -> Self {
        Self {
            significand: self.significand.abs(),
            ..self
        }
    }

    pub(super) fn sin(self) -> Self {
        self.map(f64::sin)
    }

    pub(super) fn cos(self) -> Self {
        self.map(f64::cos)
    }

    pub(super) fn tan(self) -> Self {
        self.map(f64::tan)
    }

    pub(super) fn tanh(self) -> Self {
        self.map(Real::tanh)
    }

    pub(super) fn sinh(self) -> Self {
        let growth = self.value().abs();
        let size = if growth <= LARGE_LOGARITHM {
            // (e − 1/e)/2 in terms of e − 1 keeps its digits near 0.
            let excess = Real::exp_m1(growth);
            Self::plain(0.5 * (excess + excess / (excess + 1.0)))
        } else {
            Self::plain(growth).exp() * Self::plain(0.5)
        };
        if self.is_negative() { -size } else { size }
    }

    pub(super) fn cosh(self) -> Self {
        let growth = self.abs().exp();
        (growth + Self::plain(1.0) / growth) * Self::plain(0.5)
    }

    pub(super) fn minimum(self, other: Self) -> Self {
        if self.is_nan() || self.less(other) {
            self
        } else {
            other
        }
    }

    pub(super) fn maximum(self, other: Self) -> Self {
        if self.is_nan() || other.less(self) {
            self
        } else {
            other
        }
    }

    pub(super) fn power(self, exponent: Self) -> Self {
        let power = exponent.value();
        let plain = self.significand.powf(power);
        let ordinary = plain == 0.0 || (1.0 / LARGE..=LARGE).contains(&plain.abs());
        if self.significand == 0.0
            || !power.is_finite()
            || plain.is_nan()
            || (self.exponent == 0.0 && ordinary && plain != 0.0)
        {
            return Self::from(plain);
        }
        // |x|ᵖ = e^{p ln |x|}; the sign of a negative base with an integral power is that of ±1 to the same power.
        let size = Self::plain(power * self.abs().log()).exp();
        size * Self::plain(self.significand.signum().powf(power))
    }
}

impl From<f64> for Scaled {
    fn from(number: f64) -> Self {
        Self::new(number, 0.0)
    }
}

impl Add for Scaled {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let (left, right, exponent) = self.aligned(other);
        Self::new(left + right, exponent)
    }
}

impl Sub for Scaled {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Scaled {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self::new(
            self.significand * other.significand,
            self.exponent + other.exponent,
        )
    }
}

impl Div for Scaled {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        Self::new(
            self.significand / other.significand,
            self.exponent - other.exponent,
        )
    }
}

impl Neg for Scaled {
    type Output = Self;

    fn neg(self) -> Self {
        Self {
            significand: -self.significand,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Scaled;

    fn close(found: f64, expected: f64) -> bool {
        (found - expected).abs() <= 1e-14 * expected.abs().max(1.0)
    }

    #[test]
    fn ordinary_numbers_are_those_of_f64() {
        let (a, b) = (0.1, -3.7);
        let (x, y) = (Scaled::from(a), Scaled::from(b));
        assert_eq!((x + y).value(), a + b);
        assert_eq!((x - y).value(), a - b);
        assert_eq!((x * y).value(), a * b);
        assert_eq!((x / y).value(), a / b);
        assert_eq!(y.power(Scaled::from(3.0)).value(), b.powf(3.0));
        assert_eq!(y.minimum(x).value(), b);
        assert_eq!(y.maximum(x).value(), a);
    }

    #[test]
    fn exponents_do_not_run_out() {
        let tiny = Scaled::from(-1800.0).exp();
        assert_eq!(tiny.value(), 0.0);
        assert!(close(tiny.log(), -1800.0));
        assert!(close((tiny + tiny).log(), -1800.0 + 2f64.ln()));
        assert!(close((tiny * tiny).log(), -3600.0));
        assert!(close((tiny / (tiny * Scaled::from(4.0))).value(), 0.25));
        assert!(close(tiny.sqrt().log(), -900.0));
        assert!(close(tiny.power(Scaled::from(3.0)).log(), -5400.0));
        assert!(close(
            Scaled::from(1e200).power(Scaled::from(2.0)).log(),
            400.0 * 10f64.ln()
        ));
        assert!(close(
            Scaled::from(-1e200).power(Scaled::from(3.0)).abs().log(),
            600.0 * 10f64.ln()
        ));
        assert!(Scaled::from(-1e200).power(Scaled::from(3.0)).is_negative());
        assert!(close(Scaled::from(1000.0).cosh().log(), 1000.0 - 2f64.ln()));
        assert!(close(
            Scaled::from(-1000.0).sinh().abs().log(),
            1000.0 - 2f64.ln()
        ));
        assert!(Scaled::from(-1000.0).sinh().is_negative());
        assert_eq!((tiny - tiny).log(), f64::NEG_INFINITY);
        assert!((tiny - Scaled::from(1.0)).is_negative());
    }

    #[test]
    fn hyperbolic_functions_agree_with_the_library() {
        for x in [-300.0, -2.0, -1e-9, 0.0, 1e-9, 0.3, 20.0] {
            let number = Scaled::from(x);
            assert!((number.sinh().value() - x.sinh()).abs() <= 1e-15 * x.sinh().abs() * 8.0);
            assert!((number.cosh().value() - x.cosh()).abs() <= 1e-15 * x.cosh() * 8.0);
        }
    }

    #[test]
    fn what_is_not_a_number_stays_so() {
        assert!(Scaled::from(-1.0).sqrt().is_nan());
        assert!(Scaled::from(-1.0).ln().is_nan());
        assert!(Scaled::from(-1.0).power(Scaled::from(0.5)).is_nan());
        assert!((Scaled::from(0.0) / Scaled::from(0.0)).is_nan());
        assert!(Scaled::from(f64::NAN).minimum(Scaled::from(1.0)).is_nan());
        assert!(Scaled::from(1.0).maximum(Scaled::from(f64::NAN)).is_nan());
        assert_eq!(
            (Scaled::from(1.0) / Scaled::from(0.0)).value(),
            f64::INFINITY
        );
        assert_eq!(Scaled::from(0.0).ln().value(), f64::NEG_INFINITY);
    }
}
