//! Expressions in x, y and z: the grammar through `winnow`, values through [`Scaled`].
//!
//! The usual rules hold: −x^2 is −(x²), 2^3^2 is 2^(3²), 8/2*4 is (8/2)·4. (The expression crates at hand read exp(-x^2) as
//! exp((−x)²) or divide integers, and all of them lose exp(-1800).)

use thiserror::Error;
use winnow::ascii::{digit0, digit1, multispace0};
use winnow::combinator::{
    Infix, Prefix, alt, cut_err, delimited, dispatch, expression, fail, opt, preceded, separated,
};
use winnow::error::ContextError;
use winnow::prelude::*;
use winnow::stream::Location;
use winnow::token::{any, one_of, take_while};
use winnow::{LocatingSlice, ModalResult};

use super::error::nearest;
use super::scaled::Scaled;

/// An expression that cannot be read.
#[derive(Clone, Debug, PartialEq, Error)]
#[allow(missing_docs)]
pub enum ExpressionError {
    #[error("character {position} of the expression: found {found}, expected {expected}")]
    Syntax {
        position: usize,
        found: String,
        expected: &'static str,
    },
    #[error(
        "character {position} of the expression: found the unknown {kind} {found:?}, expected one of {valid}{}",
        suggestion(nearest)
    )]
    Unknown {
        position: usize,
        kind: &'static str,
        found: String,
        valid: String,
        nearest: Option<&'static str>,
    },
    #[error(
        "character {position} of the expression: {name} has {found} arguments, expected {expected}"
    )]
    Arguments {
        position: usize,
        name: &'static str,
        found: usize,
        expected: usize,
    },
    #[error("the expression is nested more than {0} deep")]
    TooDeep(usize),
}

fn suggestion(nearest: &Option<&'static str>) -> String {
    nearest
        .map(|name| format!("; did you mean {name:?}?"))
        .unwrap_or_default()
}

/// The functions of an expression.
#[derive(Clone, Copy, Debug)]
enum Function {
    OfOne(fn(Scaled) -> Scaled),
    OfTwo(fn(Scaled, Scaled) -> Scaled),
}

const FUNCTIONS: [(&str, Function); 13] = [
    ("sin", Function::OfOne(Scaled::sin)),
    ("cos", Function::OfOne(Scaled::cos)),
    ("tan", Function::OfOne(Scaled::tan)),
    ("exp", Function::OfOne(Scaled::exp)),
    ("log", Function::OfOne(Scaled::ln)),
    ("ln", Function::OfOne(Scaled::ln)),
    ("sqrt", Function::OfOne(Scaled::sqrt)),
    ("abs", Function::OfOne(Scaled::abs)),
    ("sinh", Function::OfOne(Scaled::sinh)),
    ("cosh", Function::OfOne(Scaled::cosh)),
    ("tanh", Function::OfOne(Scaled::tanh)),
    ("min", Function::OfTwo(Scaled::minimum)),
    ("max", Function::OfTwo(Scaled::maximum)),
];
const CONSTANTS: [(&str, f64); 2] = [("pi", std::f64::consts::PI), ("e", std::f64::consts::E)];
/// More deeply nested expressions are refused: the grammar is recursive.
const MAXIMAL_DEPTH: usize = 200;

/// A syntax tree ready to be evaluated.
#[derive(Debug)]
pub(super) enum Expression {
    Number(Scaled),
    Variable(usize),
    OfOne(fn(Scaled) -> Scaled, Box<Expression>),
    OfTwo(fn(Scaled, Scaled) -> Scaled, Box<[Expression; 2]>),
}

/// A grammatical part whose names may still be wrong.
type Part = Result<Expression, ExpressionError>;
/// Text that knows its place, with what its reading depends on.
type Input<'a> = winnow::Stateful<LocatingSlice<&'a str>, Scope<'a>>;

/// The whole text and the names of the variables.
#[derive(Clone, Copy, Debug)]
struct Scope<'a> {
    text: &'a str,
    variables: &'a [&'static str],
}

impl Expression {
    /// Reads an expression in the variables of these names.
    pub(super) fn parse(text: &str, variables: &[&'static str]) -> Part {
        check_depth(text)?;
        let input = Input {
            input: LocatingSlice::new(text),
            state: Scope { text, variables },
        };
        sum.parse(input)
            .unwrap_or_else(|error| Err(syntax_error(text, error.offset())))
    }

    /// The value at a point, one coordinate for each variable.
    pub(super) fn evaluate(&self, point: &[f64]) -> Scaled {
        match self {
            Self::Number(number) => *number,
            Self::Variable(axis) => point.get(*axis).map_or(Scaled::ZERO, |&x| x.into()),
            Self::OfOne(function, argument) => function(argument.evaluate(point)),
            Self::OfTwo(function, arguments) => {
                let [left, right] = &**arguments;
                function(left.evaluate(point), right.evaluate(point))
            }
        }
    }
}

/// Bounds the depth of the recursion by counting what nests: parentheses, signs and powers.
fn check_depth(text: &str) -> Result<(), ExpressionError> {
    let (mut open, mut run, mut after_operand) = (0_usize, 0_usize, false);
    for character in text.chars().filter(|character| !character.is_whitespace()) {
        match character {
            '(' => open += 1,
            ')' => open = open.saturating_sub(1),
            '^' => run += 1,
            '-' if !after_operand => run += 1,
            '+' | '-' | '*' | '/' | ',' => run = 0,
            _ => (),
        }
        after_operand = ends_operand(character);
        if open + run > MAXIMAL_DEPTH {
            return Err(ExpressionError::TooDeep(MAXIMAL_DEPTH));
        }
    }
    Ok(())
}

fn ends_operand(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, ')' | '.' | '_')
}

/// The number of the character at a byte, counted from 1.
fn position(text: &str, byte: usize) -> usize {
    text.get(..byte).unwrap_or(text).chars().count() + 1
}

fn syntax_error(text: &str, offset: usize) -> ExpressionError {
    let (before, rest) = text.split_at_checked(offset).unwrap_or((text, ""));
    let rest = rest.trim_start();
    let after_operand = before.trim_end().ends_with(ends_operand);
    let open = before.matches('(').count() > before.matches(')').count();
    ExpressionError::Syntax {
        position: position(text, text.len() - rest.len()),
        found: match rest.chars().next() {
            Some(character) => format!("{character:?}"),
            None => "the end".to_owned(),
        },
        expected: match (after_operand, open) {
            (false, _) => "a number, a name or an opening parenthesis",
            (true, false) => "an operator",
            (true, true) => "an operator or a closing parenthesis",
        },
    }
}

fn sum(input: &mut Input) -> ModalResult<Part> {
    use Infix::{Left, Right};
    expression(spaced(alt((number, parenthesised, named))))
        .prefix(cut_err(spaced('-').map(|_| Prefix(3, negated))))
        .infix(spaced(dispatch! {any;
            '+' => Left(1, |_, left, right| of_two(|a, b| a + b, left, right)),
            '-' => Left(1, |_, left, right| of_two(|a, b| a - b, left, right)),
            '*' => Left(2, |_, left, right| of_two(|a, b| a * b, left, right)),
            '/' => Left(2, |_, left, right| of_two(|a, b| a / b, left, right)),
            '^' => Right(4, |_, left, right| of_two(Scaled::power, left, right)),
            _ => fail,
        }))
        .parse_next(input)
}

fn negated(_input: &mut Input, part: Part) -> ModalResult<Part> {
    Ok(part.map(|part| Expression::OfOne(|x| -x, Box::new(part))))
}

fn of_two(function: fn(Scaled, Scaled) -> Scaled, left: Part, right: Part) -> ModalResult<Part> {
    Ok(left.and_then(|left| Ok(Expression::OfTwo(function, Box::new([left, right?])))))
}

fn spaced<'a, Output>(
    parser: impl ModalParser<Input<'a>, Output, ContextError>,
) -> impl ModalParser<Input<'a>, Output, ContextError> {
    delimited(multispace0, parser, multispace0)
}

fn parenthesised(input: &mut Input) -> ModalResult<Part> {
    delimited('(', sum, cut_err(')')).parse_next(input)
}

fn number(input: &mut Input) -> ModalResult<Part> {
    let power = (one_of(['e', 'E']), opt(one_of(['+', '-'])), digit1);
    (
        alt(((digit1, opt(('.', digit0))).void(), ('.', digit1).void())),
        opt(power),
    )
        .take()
        .parse_to::<f64>()
        .map(|number| Ok(Expression::Number(number.into())))
        .parse_next(input)
}

/// A variable, a constant, or a function with its arguments.
fn named(input: &mut Input) -> ModalResult<Part> {
    let position = position(input.state.text, input.current_token_start());
    let word = (
        one_of(|c: char| c.is_alphabetic() || c == '_'),
        take_while(0.., |c: char| c.is_alphanumeric() || c == '_'),
    );
    let name = word.take().parse_next(input)?;
    let arguments: Option<Vec<Part>> = opt(preceded(
        (multispace0, '('),
        (separated(1.., sum, ','), cut_err(')')).map(|(arguments, _)| arguments),
    ))
    .parse_next(input)?;
    Ok(match arguments {
        Some(arguments) => call(position, name, arguments),
        None => variable_or_constant(position, name, input.state.variables),
    })
}

fn variable_or_constant(position: usize, name: &str, variables: &[&'static str]) -> Part {
    if let Some(axis) = variables.iter().position(|&variable| variable == name) {
        return Ok(Expression::Variable(axis));
    }
    if let Some((_, value)) = CONSTANTS.iter().find(|(constant, _)| *constant == name) {
        return Ok(Expression::Number((*value).into()));
    }
    let names: Vec<&'static str> = variables
        .iter()
        .copied()
        .chain(CONSTANTS.map(|(constant, _)| constant))
        .collect();
    Err(unknown(position, "name", name, &names))
}

fn call(position: usize, name: &str, arguments: Vec<Part>) -> Part {
    let Some(&(name, function)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
        let names = FUNCTIONS.map(|(known, _)| known);
        return Err(unknown(position, "function", name, &names));
    };
    let arguments = arguments.into_iter().collect::<Result<Vec<_>, _>>()?;
    let count = arguments.len();
    let wrong_count = |expected| ExpressionError::Arguments {
        position,
        name,
        found: count,
        expected,
    };
    match function {
        Function::OfOne(function) => {
            let [argument] = <[Expression; 1]>::try_from(arguments).map_err(|_| wrong_count(1))?;
            Ok(Expression::OfOne(function, Box::new(argument)))
        }
        Function::OfTwo(function) => {
            let pair = <[Expression; 2]>::try_from(arguments).map_err(|_| wrong_count(2))?;
            Ok(Expression::OfTwo(function, Box::new(pair)))
        }
    }
}

fn unknown(
    position: usize,
    kind: &'static str,
    name: &str,
    valid: &[&'static str],
) -> ExpressionError {
    ExpressionError::Unknown {
        position,
        kind,
        found: name.to_owned(),
        valid: valid.join(", "),
        nearest: nearest(name, valid.iter().copied()),
    }
}
