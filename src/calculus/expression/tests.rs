//! A graph is evaluated in both formats and held against the scalar reading, bit for bit.

use std::collections::HashMap;
use std::fmt::{Debug, LowerExp};

use super::{Expression, Format, Node, Unary, elementary, node, trace, trace_array};
use crate::calculus::{Real, elementary as functions};

/// Evaluates a graph at one argument.
struct Evaluation<F> {
    argument: F,
    values: HashMap<u32, F>,
}

impl<F: Format> Evaluation<F> {
    fn new(argument: F) -> Self {
        Self {
            argument,
            values: HashMap::new(),
        }
    }

    fn value(&mut self, number: u32) -> F {
        if let Some(value) = self.values.get(&number) {
            return *value;
        }
        let value = match node(number) {
            Node::Argument(_) => self.argument,
            Node::Constant(bits) => F::of_bits(bits),
            Node::Unary(operation, operand) => unary(operation, self.value(operand)),
            Node::Binary(operator, left, right) => {
                let (left, right) = (self.value(left), self.value(right));
                match operator {
                    '+' => left + right,
                    '-' => left - right,
                    '*' => left * right,
                    _ => left / right,
                }
            }
            Node::Select(mask, accepted, rejected) => {
                let holds = self.holds(mask.0);
                self.value(if holds { accepted } else { rejected })
            }
            Node::Less(..) => panic!("a comparison is no number"),
        };
        self.values.insert(number, value);
        value
    }

    fn holds(&mut self, condition: u32) -> bool {
        match node(condition) {
            Node::Less(left, right) => self.value(left) < self.value(right),
            other => panic!("{other:?} is no comparison"),
        }
    }
}

fn unary<F: Format>(operation: Unary, x: F) -> F {
    match operation {
        Unary::Negate => -x,
        Unary::SquareRoot => Real::sqrt(x),
        Unary::Absolute => Real::abs(x),
        Unary::Mantissa => x.split_exponent().0,
        Unary::Exponent => x.split_exponent().1,
        Unary::PowerOfTwo => x.power_of_two(),
        Unary::NearestInteger => x.nearest_integer(),
        Unary::Exp => functions::exp(x),
        Unary::ExpM1 => functions::exp_m1(x),
        Unary::Ln => functions::ln(x),
        Unary::Ln1p => functions::ln_1p(x),
        Unary::Ln1pRegular => functions::ln_1p_regular(x),
        Unary::Softplus => functions::softplus(x),
        Unary::ExpRemainder => functions::exp_remainder(x),
        Unary::Tanh => functions::tanh(x),
    }
}

fn argument<F>() -> Expression<F> {
    Expression::of(Node::Argument(0))
}

/// Exceptional numbers and some scattered over all bit patterns, `step` apart.
fn check<F: Format + LowerExp + Debug>(last: u64, step: u64) {
    let exceptional = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        f64::INFINITY,
        -f64::INFINITY,
        f64::NAN,
        F::LARGEST,
    ];
    let scattered = (0..=last / step).map(|number| F::of_bits(number * step));
    let arguments = exceptional.map(F::constant).into_iter().chain(scattered);
    for argument_value in arguments {
        for (operation, function) in elementary::<F>() {
            let graph = function(argument());
            let found = Evaluation::new(argument_value).value(graph.0);
            let expected = unary(operation, argument_value);
            let both_nan = found.to_f64().is_nan() && expected.to_f64().is_nan();
            assert!(
                found.bits() == expected.bits() || both_nan,
                "{operation:?}({argument_value:e}) = {found:e}, expected {expected:e}"
            );
        }
    }
}

#[test]
fn graphs_of_the_elementary_functions_have_the_bits_of_f32() {
    check::<f32>(u32::MAX.into(), 65_537);
}

#[test]
fn graphs_of_the_elementary_functions_have_the_bits_of_f64() {
    check::<f64>(u64::MAX, 281_474_976_710_677);
}

#[test]
fn equal_subexpressions_are_printed_once() {
    let function = trace("twice", &["x", "y"], |arguments| {
        let [x, y] = [arguments[0], arguments[1]];
        (x * y).exp() + (x * y).exp()
    });
    let expected = "fn of_twice(x: f32, y: f32) -> f32 {\n    let of_0 = x * y;\n    let of_1 = of_exp(of_0);\n    let of_2 = of_1 + of_1;\n    return of_2;\n}\n";
    assert_eq!(
        (function.name.as_str(), function.wgsl.as_str()),
        ("of_twice", expected)
    );
}

#[test]
fn the_text_does_not_depend_on_what_was_traced_before() {
    let law = |arguments: &[Expression]| (arguments[0] + Real::constant(3.25)).ln() * arguments[0];
    let first = std::thread::spawn(move || trace("law", &["x"], law))
        .join()
        .unwrap();
    let second = std::thread::spawn(move || {
        let _ = trace("other", &["x"], |arguments| {
            arguments[0] * Real::constant(3.25)
        });
        trace("law", &["x"], law)
    });
    assert_eq!(first, second.join().unwrap());
}

#[test]
fn selection_takes_the_accepted_value_where_the_mask_holds() {
    let larger = argument::<f32>().maximum(Expression::constant(2.0));
    for (argument, expected) in [(1.0_f32, 2.0_f32), (3.0, 3.0)] {
        assert_eq!(Evaluation::new(argument).value(larger.0), expected);
    }
}

#[test]
fn several_results_are_an_array() {
    let function = trace_array::<f64, 2>("both", &["x", "y"], |arguments| {
        let product = arguments[0] * arguments[1];
        [product, product + Real::constant(0.5)]
    });
    let expected = "fn of_both(x: f64, y: f64) -> array<f64, 2> {\n    let of_0 = x * y;\n    let of_1 = of_0 + 0.5lf;\n    return array<f64, 2>(of_0, of_1);\n}\n";
    assert_eq!(function.wgsl, expected);
}

#[test]
fn literals_are_exact() {
    fn check<F: Format + std::str::FromStr + Debug>(values: &[F], suffix: &str)
    where
        F::Err: Debug + PartialEq,
    {
        for value in values {
            let text = value.literal();
            let digits = text.trim_matches(['(', ')']).trim_end_matches(suffix);
            assert_eq!(digits.parse::<F>(), Ok(*value), "{text}");
        }
    }
    let single = [0.1, -2.5, 1e-45, f32::MIN_POSITIVE, f32::MAX, 16_777_216.0];
    check(&single, "f");
    let double = [0.1, -2.5, 5e-324, f64::MIN_POSITIVE, f64::MAX, 1e300];
    check(&double, "lf");
    assert_eq!(f32::INFINITY.literal(), "of_from_bits(0x7f800000u)");
    let infinite = "of_from_bits(0x7ff0000000000000lu)";
    assert_eq!(f64::INFINITY.literal(), infinite);
}
