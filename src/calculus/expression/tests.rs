//! A graph is evaluated in `f32` and held against the scalar reading, bit for bit.

use std::collections::HashMap;

use super::{Condition, ELEMENTARY, Expression, Node, Unary, literal, node, trace};
use crate::calculus::{Real, elementary};

/// Evaluates a graph at one argument.
struct Evaluation {
    argument: f32,
    values: HashMap<Expression, f32>,
}

impl Evaluation {
    fn value(&mut self, expression: Expression) -> f32 {
        if let Some(value) = self.values.get(&expression) {
            return *value;
        }
        let value = match node(expression.0) {
            Node::Argument(_) => self.argument,
            Node::Constant(bits) => f32::from_bits(bits),
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
                let holds = self.holds(mask);
                self.value(if holds { accepted } else { rejected })
            }
            Node::Less(..) => panic!("a comparison is no number"),
        };
        self.values.insert(expression, value);
        value
    }

    fn holds(&mut self, condition: Condition) -> bool {
        match node(condition.0) {
            Node::Less(left, right) => self.value(left) < self.value(right),
            other => panic!("{other:?} is no comparison"),
        }
    }
}

fn unary(operation: Unary, x: f32) -> f32 {
    match operation {
        Unary::Negate => -x,
        Unary::SquareRoot => Real::sqrt(x),
        Unary::Absolute => Real::abs(x),
        Unary::Mantissa => x.split_exponent().0,
        Unary::Exponent => x.split_exponent().1,
        Unary::PowerOfTwo => x.power_of_two(),
        Unary::NearestInteger => x.round_ties_even(),
        Unary::Exp => elementary::exp(x),
        Unary::ExpM1 => elementary::exp_m1(x),
        Unary::Ln => elementary::ln(x),
        Unary::Ln1p => elementary::ln_1p(x),
        Unary::Ln1pRegular => elementary::ln_1p_regular(x),
        Unary::Softplus => elementary::softplus(x),
        Unary::ExpRemainder => elementary::exp_remainder(x),
        Unary::Tanh => elementary::tanh(x),
    }
}

fn argument() -> Expression {
    Expression(super::intern(Node::Argument(0)))
}

#[test]
fn graphs_of_the_elementary_functions_have_the_bits_of_f32() {
    let exceptional = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        f32::INFINITY,
        -f32::INFINITY,
        f32::NAN,
        f32::MAX,
    ];
    // Every 65 537th of all bit patterns.
    let scattered = (0..=u32::MAX / 65_537).map(|index| f32::from_bits(index * 65_537));
    let arguments: Vec<f32> = exceptional.into_iter().chain(scattered).collect();
    for (operation, function) in ELEMENTARY {
        let graph = function(argument());
        for &argument in &arguments {
            let mut evaluation = Evaluation {
                argument,
                values: HashMap::new(),
            };
            let (found, expected) = (evaluation.value(graph), unary(operation, argument));
            let same = found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan();
            assert!(
                same,
                "{operation:?}({argument:e}) = {found:e}, expected {expected:e}"
            );
        }
    }
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
    let larger = argument().maximum(Expression::constant(2.0));
    for (argument, expected) in [(1.0, 2.0), (3.0, 3.0)] {
        assert_eq!(
            Evaluation {
                argument,
                values: HashMap::new()
            }
            .value(larger),
            expected
        );
    }
}

#[test]
fn literals_are_exact() {
    for value in [
        0.1_f32,
        -2.5,
        1e-45,
        f32::MIN_POSITIVE,
        f32::MAX,
        16_777_216.0,
    ] {
        let text = literal(value);
        let digits = text.trim_matches(['(', ')']).trim_end_matches('f');
        assert_eq!(digits.parse::<f32>(), Ok(value), "{text}");
    }
    assert_eq!(literal(f32::INFINITY), "of_from_bits(0x7f800000u)");
}
