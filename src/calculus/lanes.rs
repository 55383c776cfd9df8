use std::ops::{Add, Div, Mul, Neg, Sub};

use super::{Precision, Real, Scalar};

/// `N` numbers that take every operation together, lane by lane.
///
/// Lanes are walked by loops, not by `std::array::from_fn`, which as a function of its own would be left out of the caller's instructions.
/// There are no intrinsics here: inside a function compiled for a vector instruction set (`backend::cpu` chooses it at run time)
/// each operation becomes one vector instruction or a few, on SSE2, AVX2, AVX-512 and NEON alike, with the bits of the scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(transparent)]
pub struct Lanes<T, const N: usize>(pub [T; N]);

impl<T: Scalar, const N: usize> Lanes<T, N> {
    /// The same number in every lane.
    #[inline(always)]
    pub fn splat(value: T) -> Self {
        Self([value; N])
    }

    /// The first `N` numbers of a slice that holds at least as many.
    #[inline(always)]
    pub fn load(slice: &[T]) -> Self {
        let mut lanes = [T::default(); N];
        lanes.copy_from_slice(&slice[..N]);
        Self(lanes)
    }

    /// Writes the lanes to the first `N` places of a slice.
    #[inline(always)]
    pub fn store(self, slice: &mut [T]) {
        slice[..N].copy_from_slice(&self.0);
    }

    /// All lanes combined into one number, the first half with the second until one is left; `N` is a power of two.
    #[inline(always)]
    pub fn halved(self, combine: impl Fn(T, T) -> T) -> T {
        let mut values = self.0;
        let mut width = N / 2;
        while width > 0 {
            for lane in 0..width {
                values[lane] = combine(values[lane], values[lane + width]);
            }
            width /= 2;
        }
        values[0]
    }

    #[inline(always)]
    fn map(self, operation: impl Fn(T) -> T) -> Self {
        let mut result = self;
        for lane in 0..N {
            result.0[lane] = operation(self.0[lane]);
        }
        result
    }

    #[inline(always)]
    fn zip(self, other: Self, operation: impl Fn(T, T) -> T) -> Self {
        let mut result = self;
        for lane in 0..N {
            result.0[lane] = operation(self.0[lane], other.0[lane]);
        }
        result
    }
}

macro_rules! lane_operator {
    ($trait:ident, $method:ident, $operator:tt) => {
        impl<T: Scalar, const N: usize> $trait for Lanes<T, N> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                self.zip(other, |a, b| a $operator b)
            }
        }
    };
}

lane_operator!(Add, add, +);
lane_operator!(Sub, sub, -);
lane_operator!(Mul, mul, *);
lane_operator!(Div, div, /);

impl<T: Scalar, const N: usize> Neg for Lanes<T, N> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        self.map(|a| -a)
    }
}

impl<T: Scalar, const N: usize> Real for Lanes<T, N> {
    type Mask = [bool; N];
    const PRECISION: Precision = T::PRECISION;

    #[inline(always)]
    fn constant(value: f64) -> Self {
        Self::splat(T::constant(value))
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        self.map(T::sqrt)
    }

    #[inline(always)]
    fn abs(self) -> Self {
        self.map(T::abs)
    }

    #[inline(always)]
    fn less(self, other: Self) -> [bool; N] {
        let mut mask = [false; N];
        for (lane, mask) in mask.iter_mut().enumerate() {
            *mask = self.0[lane].less(other.0[lane]);
        }
        mask
    }

    #[inline(always)]
    fn select(mask: [bool; N], accepted: Self, rejected: Self) -> Self {
        let mut result = rejected;
        for (lane, mask) in mask.into_iter().enumerate() {
            result.0[lane] = T::select(mask, accepted.0[lane], rejected.0[lane]);
        }
        result
    }

    #[inline(always)]
    fn split_exponent(self) -> (Self, Self) {
        let mantissa = self.map(|x| x.split_exponent().0);
        let exponent = self.map(|x| x.split_exponent().1);
        (mantissa, exponent)
    }

    #[inline(always)]
    fn power_of_two(self) -> Self {
        self.map(T::power_of_two)
    }

    #[inline(always)]
    fn nearest_integer(self) -> Self {
        self.map(T::nearest_integer)
    }
}
