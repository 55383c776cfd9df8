use std::ops::{Add, Div, Mul, Neg, Sub};

use super::{Precision, Real};

/// A number with its derivative with respect to one variable (forward differentiation).
///
/// The derivatives of the elementary functions are their closed forms, not those of the polynomials.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dual<R> {
    /// f(x)
    pub value: R,
    /// f'(x)
    pub derivative: R,
}

impl<R: Real> Dual<R> {
    /// The variable itself at `value`: its derivative is 1.
    pub fn variable(value: R) -> Self {
        let derivative = R::constant(1.0);
        Self { value, derivative }
    }

    /// g(f(x)) from the value of g and g' at f(x).
    #[inline(always)]
    fn chain(self, value: R, slope: R) -> Self {
        let derivative = slope * self.derivative;
        Self { value, derivative }
    }
}

impl<R: Real> Add for Dual<R> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self {
            value: self.value + other.value,
            derivative: self.derivative + other.derivative,
        }
    }
}

impl<R: Real> Sub for Dual<R> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self {
            value: self.value - other.value,
            derivative: self.derivative - other.derivative,
        }
    }
}

impl<R: Real> Mul for Dual<R> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self {
            value: self.value * other.value,
            derivative: self.derivative * other.value + self.value * other.derivative,
        }
    }
}

impl<R: Real> Div for Dual<R> {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        Self {
            value,
            derivative: (self.derivative - value * other.derivative) / other.value,
        }
    }
}

impl<R: Real> Neg for Dual<R> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self {
            value: -self.value,
            derivative: -self.derivative,
        }
    }
}

impl<R: Real> Real for Dual<R> {
    type Mask = R::Mask;
    const PRECISION: Precision = R::PRECISION;

    #[inline(always)]
    fn constant(value: f64) -> Self {
        Self {
            value: R::constant(value),
            derivative: R::constant(0.0),
        }
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        let root = self.value.sqrt();
        self.chain(root, R::constant(0.5) / root)
    }

    #[inline(always)]
    fn abs(self) -> Self {
        let negative = self.value.less(R::constant(0.0));
        Self::select(negative, -self, self)
    }

    #[inline(always)]
    fn less(self, other: Self) -> R::Mask {
        self.value.less(other.value)
    }

    #[inline(always)]
    fn select(mask: R::Mask, accepted: Self, rejected: Self) -> Self {
        Self {
            value: R::select(mask, accepted.value, rejected.value),
            derivative: R::select(mask, accepted.derivative, rejected.derivative),
        }
    }

    #[inline(always)]
    fn split_exponent(self) -> (Self, Self) {
        let (mantissa, exponent) = self.value.split_exponent();
        let scale = mantissa / self.value;
        let exponent = Self {
            value: exponent,
            derivative: R::constant(0.0),
        };
        (self.chain(mantissa, scale), exponent)
    }

    #[inline(always)]
    fn power_of_two(self) -> Self {
        let power = self.value.power_of_two();
        self.chain(power, power * R::constant(std::f64::consts::LN_2))
    }

    #[inline(always)]
    fn nearest_integer(self) -> Self {
        Self {
            value: self.value.nearest_integer(),
            derivative: R::constant(0.0),
        }
    }

    #[inline(always)]
    fn exp(self) -> Self {
        let value = self.value.exp();
        self.chain(value, value)
    }

    #[inline(always)]
    fn exp_m1(self) -> Self {
        self.chain(self.value.exp_m1(), self.value.exp())
    }

    #[inline(always)]
    fn ln(self) -> Self {
        self.chain(self.value.ln(), R::constant(1.0) / self.value)
    }

    #[inline(always)]
    fn ln_1p(self) -> Self {
        let one = R::constant(1.0);
        self.chain(self.value.ln_1p(), one / (one + self.value))
    }

    #[inline(always)]
    fn ln_1p_regular(self) -> Self {
        self.ln_1p()
    }

    #[inline(always)]
    fn softplus(self) -> Self {
        let one = R::constant(1.0);
        let sigmoid = one / (one + (-self.value).exp());
        self.chain(self.value.softplus(), sigmoid)
    }

    #[inline(always)]
    fn exp_remainder(self) -> Self {
        self.chain(self.value.exp_remainder(), self.value.exp_m1())
    }

    #[inline(always)]
    fn tanh(self) -> Self {
        let value = self.value.tanh();
        self.chain(value, R::constant(1.0) - value * value)
    }
}
