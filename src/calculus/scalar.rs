use std::iter::Sum;

use super::{Precision, Real};

/// A [`Real`] that is one number held in memory: `f32` or `f64`.
pub trait Scalar:
    Real<Mask = bool> + Default + PartialOrd + Send + Sync + Sum + bytemuck::Pod + 'static
{
    /// The name that users write: `f32` or `f64`.
    const NAME: &'static str;
    /// Half the distance from 1 to the next number: the bound of one rounding error.
    const UNIT_ROUNDOFF: f64;
    /// The smallest positive normal number.
    const SMALLEST: f64;
    /// The largest finite number.
    const LARGEST: f64;

    /// The same number in f64; exact.
    fn to_f64(self) -> f64;
}

macro_rules! scalar {
    ($float:ident, $bits:ident, $precision:ident, $significand:literal, $bias:literal) => {
        impl Scalar for $float {
            const NAME: &'static str = stringify!($float);
            const UNIT_ROUNDOFF: f64 = $float::EPSILON as f64 / 2.0;
            const SMALLEST: f64 = $float::MIN_POSITIVE as f64;
            const LARGEST: f64 = $float::MAX as f64;

            #[inline(always)]
            fn to_f64(self) -> f64 {
                self.into()
            }
        }

        impl Real for $float {
            type Mask = bool;
            const PRECISION: Precision = Precision::$precision;

            #[inline(always)]
            fn constant(value: f64) -> Self {
                value as $float
            }

            #[inline(always)]
            fn sqrt(self) -> Self {
                $float::sqrt(self)
            }

            #[inline(always)]
            fn abs(self) -> Self {
                $float::abs(self)
            }

            #[inline(always)]
            fn less(self, other: Self) -> bool {
                self < other
            }

            #[inline(always)]
            fn select(mask: bool, accepted: Self, rejected: Self) -> Self {
                if mask { accepted } else { rejected }
            }

            #[inline(always)]
            fn split_exponent(self) -> (Self, Self) {
                // Adding 1 − √½ in the bits makes the exponent field count from √½; an integer below 2^significand is
                // turned into a number by placing it in the significand of 2^significand, which every instruction set does.
                const SIGNIFICAND_MASK: $bits = (1 << $significand) - 1;
                const SQRT_HALF: $bits = std::$float::consts::FRAC_1_SQRT_2.to_bits();
                const ONE: $bits = (1.0 as $float).to_bits();
                const INTEGER: $float = ((1 as $bits) << $significand) as $float;
                let shifted = self.to_bits().wrapping_add(ONE - SQRT_HALF);
                let mantissa = $float::from_bits((shifted & SIGNIFICAND_MASK) + SQRT_HALF);
                let exponent = $float::from_bits((shifted >> $significand) | INTEGER.to_bits());
                (mantissa, exponent - (INTEGER + $bias as $float))
            }

            #[inline(always)]
            fn power_of_two(self) -> Self {
                const INTEGER: $float = ((3 as $bits) << ($significand - 1)) as $float;
                let biased = self + (INTEGER + $bias as $float);
                $float::from_bits(biased.to_bits() << $significand)
            }

            #[inline(always)]
            fn nearest_integer(self) -> Self {
                const INTEGER: $float = ((3 as $bits) << ($significand - 1)) as $float;
                (self + INTEGER) - INTEGER
            }
        }
    };
}

scalar!(f64, u64, Double, 52, 1023);
scalar!(f32, u32, Single, 23, 127);
