use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::elementary;

/// The floating-point format behind a reading: it selects the polynomial coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// IEEE 754 binary32.
    Single,
    /// IEEE 754 binary64.
    Double,
}

/// A number that an equation can be written over.
///
/// The required methods are the operations that every reading can do exactly as IEEE 754 says, and the bit operations that the
/// elementary functions are built from. There is no branching on values: [`Real::select`] evaluates both sides, in every reading.
pub trait Real:
    Copy
    + Debug
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// The outcome of a comparison: one truth value for each number that `Self` holds.
    type Mask: Copy;

    /// The format that the numbers are held in.
    const PRECISION: Precision;

    /// The number nearest to `value` in this format.
    fn constant(value: f64) -> Self;

    /// √x, correctly rounded.
    fn sqrt(self) -> Self;

    /// |x|.
    fn abs(self) -> Self;

    /// x < y; false where one of them is not a number.
    fn less(self, other: Self) -> Self::Mask;

    /// `accepted` where the mask holds, else `rejected`.
    fn select(mask: Self::Mask, accepted: Self, rejected: Self) -> Self;

    /// Splits a positive normal number x = m·2ᵉ with m in [√½, √2): returns (m, e).
    fn split_exponent(self) -> (Self, Self);

    /// 2ⁿ for an integral n for which 2ⁿ is a normal number.
    fn power_of_two(self) -> Self;

    /// The nearest integer, ties to even, for |x| below 2²² (single) or 2⁵¹ (double).
    fn nearest_integer(self) -> Self;

    /// eˣ.
    #[inline(always)]
    fn exp(self) -> Self {
        elementary::exp(self)
    }

    /// eˣ − 1, accurate near 0.
    #[inline(always)]
    fn exp_m1(self) -> Self {
        elementary::exp_m1(self)
    }

    /// ln x.
    #[inline(always)]
    fn ln(self) -> Self {
        elementary::ln(self)
    }

    /// ln(1 + x), accurate near 0.
    #[inline(always)]
    fn ln_1p(self) -> Self {
        elementary::ln_1p(self)
    }

    /// ln(1 + x) for finite x above −1 only, cheaper than [`Real::ln_1p`].
    #[inline(always)]
    fn ln_1p_regular(self) -> Self {
        elementary::ln_1p_regular(self)
    }

    /// ln(1 + eˣ), accurate on both sides of 0.
    #[inline(always)]
    fn softplus(self) -> Self {
        elementary::softplus(self)
    }

    /// eˣ − 1 − x, accurate near 0 where it is x²/2.
    #[inline(always)]
    fn exp_remainder(self) -> Self {
        elementary::exp_remainder(self)
    }

    /// tanh(x).
    #[inline(always)]
    fn tanh(self) -> Self {
        elementary::tanh(self)
    }

    /// The larger of two numbers; NaN where `self` is.
    #[inline(always)]
    fn maximum(self, other: Self) -> Self {
        Self::select(self.less(other), other, self)
    }

    /// The smaller of two numbers; NaN where `self` is.
    #[inline(always)]
    fn minimum(self, other: Self) -> Self {
        Self::select(other.less(self), other, self)
    }
}
