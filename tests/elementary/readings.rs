//! Exceptional arguments, and the same functions in the other readings: lanes, vector instructions, dual numbers.

use ottoflow::calculus::{Dual, Lanes, Real, Scalar, elementary};
use pulp::{Arch, NullaryFnOnce};

/// A function of one variable in every reading.
trait Function: Copy {
    const NAME: &'static str;
    fn at<R: Real>(x: R) -> R;
}

/// Declares the functions, and the macro `for_every_function!` that calls a generic check for each of them.
macro_rules! functions {
    ($dollar:tt $($type:ident $function:ident),+) => {
        $(
            #[derive(Clone, Copy, Default)]
            struct $type;
            impl Function for $type {
                const NAME: &'static str = stringify!($function);
                #[inline(always)]
                fn at<R: Real>(x: R) -> R {
                    elementary::$function(x)
                }
            }
        )+
        macro_rules! for_every_function {
            ($dollar check:ident, $dollar scalar:ty) => { $($dollar check::<$type, $dollar scalar>();)+ };
        }
    };
}

functions!($
    Exp exp,
    ExpM1 exp_m1,
    Ln ln,
    Ln1p ln_1p,
    Ln1pRegular ln_1p_regular,
    Softplus softplus,
    ExpRemainder exp_remainder,
    Tanh tanh
);

const INFINITY: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

/// The value of `F` in both precisions, for a value that both can hold.
fn assert_value<F: Function>(x: f64, expected: f64) {
    let same = |value: f64| value == expected || (value.is_nan() && expected.is_nan());
    let (double, single) = (F::at(x), F::at(x as f32).to_f64());
    assert!(
        same(double) && same(single),
        "{}({x}) = {double}, {single}; expected {expected}",
        F::NAME
    );
}

#[test]
fn exceptional_arguments_give_the_limits() {
    for (x, expected) in [
        (0.0, 1.0),
        (-0.0, 1.0),
        (INFINITY, INFINITY),
        (-INFINITY, 0.0),
        (800.0, INFINITY),
        (-800.0, 0.0),
        (NAN, NAN),
    ] {
        assert_value::<Exp>(x, expected);
    }
    for (x, expected) in [
        (0.0, 0.0),
        (-0.0, 0.0),
        (INFINITY, INFINITY),
        (-INFINITY, -1.0),
        (800.0, INFINITY),
        (-800.0, -1.0),
        (NAN, NAN),
    ] {
        assert_value::<ExpM1>(x, expected);
    }
    for (x, expected) in [
        (1.0, 0.0),
        (0.0, -INFINITY),
        (-0.0, -INFINITY),
        (INFINITY, INFINITY),
        (-1.0, NAN),
        (-INFINITY, NAN),
        (NAN, NAN),
    ] {
        assert_value::<Ln>(x, expected);
    }
    for (x, expected) in [
        (0.0, 0.0),
        (-0.0, 0.0),
        (-1.0, -INFINITY),
        (INFINITY, INFINITY),
        (-2.0, NAN),
        (-INFINITY, NAN),
        (NAN, NAN),
    ] {
        assert_value::<Ln1p>(x, expected);
    }
    for (x, expected) in [
        (INFINITY, INFINITY),
        (-INFINITY, 0.0),
        (800.0, 800.0),
        (-800.0, 0.0),
        (NAN, NAN),
    ] {
        assert_value::<Softplus>(x, expected);
    }
    for (x, expected) in [
        (0.0, 0.0),
        (-0.0, 0.0),
        (INFINITY, INFINITY),
        (-INFINITY, INFINITY),
        (800.0, INFINITY),
        (-800.0, 799.0),
        (NAN, NAN),
    ] {
        assert_value::<ExpRemainder>(x, expected);
    }
    for (x, expected) in [
        (0.0, 0.0),
        (-0.0, 0.0),
        (INFINITY, 1.0),
        (-INFINITY, -1.0),
        (800.0, 1.0),
        (NAN, NAN),
    ] {
        assert_value::<Tanh>(x, expected);
    }
    assert_value::<Ln1pRegular>(0.0, 0.0);
}

#[test]
fn the_ends_of_the_range_are_numbers() {
    assert!(elementary::exp(709.782_712_893_383_9_f64).is_finite());
    assert_eq!(elementary::exp(709.782_712_893_384_1_f64), INFINITY);
    assert!(elementary::exp(88.722_83_f32).is_finite());
    assert_eq!(elementary::exp(88.722_84_f32), f32::INFINITY);
    assert_eq!(elementary::exp(-745.133_f64), f64::from_bits(1));
    assert_eq!(elementary::exp(-103.97_f32), f32::from_bits(1));
    assert_eq!(elementary::ln(f64::from_bits(1)), -744.440_071_921_381_2);
    assert_eq!(elementary::ln(f64::MAX), 709.782_712_893_384);
    assert_eq!(elementary::ln_1p(f64::MAX), 709.782_712_893_384);
    assert_eq!(elementary::ln_1p(f32::MAX), 88.722_84);
}

/// 32 768 arguments: exceptional ones, and both signs of a logarithmic scale over all magnitudes.
fn arguments<T: Scalar>() -> Vec<T> {
    let exceptional = [
        0.0,
        -0.0,
        INFINITY,
        -INFINITY,
        NAN,
        T::SMALLEST,
        T::SMALLEST / 8.0,
        T::LARGEST,
        -T::LARGEST,
        1.0,
        -1.0,
    ];
    let (lower, upper) = (T::SMALLEST.ln() - 5.0, T::LARGEST.ln());
    let scattered = (0..).map(|index| {
        let share = f64::from(index) * 0.618_033_988_749_894_9 % 1.0;
        // Half of them where the functions are not merely 0, 1 or infinite.
        let magnitude = if index % 4 < 2 {
            (lower + share * (upper - lower)).exp()
        } else {
            share * 200.0
        };
        if index % 2 == 0 {
            magnitude
        } else {
            -magnitude
        }
    });
    exceptional
        .into_iter()
        .chain(scattered)
        .take(1 << 15)
        .map(T::constant)
        .collect()
}

/// The bits of a number, with one pattern for all NaN: which of them an operation returns is left open by IEEE 754.
fn bits<T: Scalar>(values: &[T]) -> Vec<u64> {
    values
        .iter()
        .map(|value| {
            if value.to_f64().is_nan() {
                u64::MAX
            } else {
                value.to_f64().to_bits()
            }
        })
        .collect()
}

fn scalar_values<F: Function, T: Scalar>() -> Vec<T> {
    arguments().into_iter().map(F::at).collect()
}

fn assert_lanes<F: Function, T: Scalar>() {
    let values = arguments::<T>();
    let lanes = values
        .chunks(16)
        .flat_map(|chunk| F::at(Lanes::<T, 16>::load(chunk)).0);
    assert_eq!(
        bits(&lanes.collect::<Vec<T>>()),
        bits(&scalar_values::<F, T>()),
        "{}",
        F::NAME
    );
}

#[test]
fn lanes_have_the_bits_of_scalars() {
    for_every_function!(assert_lanes, f64);
    for_every_function!(assert_lanes, f32);
}

struct Loop<'a, F, T>(&'a mut [T], F);

impl<F: Function, T: Scalar> NullaryFnOnce for Loop<'_, F, T> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        for value in self.0 {
            *value = F::at(*value);
        }
    }
}

/// Every instruction set that this machine has, the widest first.
fn instruction_sets() -> Vec<Arch> {
    #[cfg(target_arch = "x86_64")]
    let narrower = pulp::x86::V3::try_new().map(Arch::V3);
    #[cfg(not(target_arch = "x86_64"))]
    let narrower = None;
    [Some(Arch::new()), narrower, Some(Arch::Scalar)]
        .into_iter()
        .flatten()
        .collect()
}

fn assert_vectors<F: Function + Default, T: Scalar>() {
    for arch in instruction_sets() {
        let mut values = arguments::<T>();
        arch.dispatch(Loop(&mut values, F::default()));
        assert_eq!(
            bits(&values),
            bits(&scalar_values::<F, T>()),
            "{} with {arch:?}",
            F::NAME
        );
    }
}

#[test]
fn vector_instructions_have_the_bits_of_scalars() {
    for_every_function!(assert_vectors, f64);
    for_every_function!(assert_vectors, f32);
}

fn derivative<F: Function>(x: f64) -> f64 {
    F::at(Dual::variable(x)).derivative
}

fn assert_close(name: &str, x: f64, found: f64, expected: f64) {
    let error = (found - expected).abs();
    assert!(
        error <= 8.0 * f64::EPSILON * expected.abs(),
        "{name}'({x}) = {found}, expected {expected}"
    );
}

#[test]
fn derivatives_are_their_closed_forms() {
    for step in -400..=400 {
        let x = f64::from(step) / 16.0;
        assert_close("exp", x, derivative::<Exp>(x), x.exp());
        assert_close("exp_m1", x, derivative::<ExpM1>(x), x.exp());
        assert_close(
            "softplus",
            x,
            derivative::<Softplus>(x),
            1.0 / (1.0 + (-x).exp()),
        );
        assert_close(
            "exp_remainder",
            x,
            derivative::<ExpRemainder>(x),
            x.exp_m1(),
        );
        let positive = x.exp();
        assert_close("ln", positive, derivative::<Ln>(positive), 1.0 / positive);
        let shifted = positive - 1.0;
        assert_close(
            "ln_1p",
            shifted,
            derivative::<Ln1p>(shifted),
            1.0 / (1.0 + shifted),
        );
        assert_close(
            "ln_1p_regular",
            shifted,
            derivative::<Ln1pRegular>(shifted),
            1.0 / (1.0 + shifted),
        );
    }
    for step in -16..=16 {
        let x = f64::from(step) / 16.0;
        assert_close(
            "tanh",
            x,
            derivative::<Tanh>(x),
            1.0 / (x.cosh() * x.cosh()),
        );
    }
}

#[test]
fn derivatives_follow_the_chain_rule() {
    // d/dx ln(1 + e^{x²}) = 2x/(1 + e^{−x²})
    for step in -20..=20 {
        let x = f64::from(step) / 8.0;
        let variable = Dual::variable(x);
        let found = (variable * variable).softplus().derivative;
        assert_close(
            "softplus∘square",
            x,
            found,
            2.0 * x / (1.0 + (-x * x).exp()),
        );
    }
}
