use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write;
use std::marker::PhantomData;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::{Precision, Real, elementary};

mod format;

pub use format::Format;

/// A number of a format that is only written down: every operation adds a node to a graph, and [`trace`] prints the graph as WGSL.
///
/// Equal nodes are one node, so common subexpressions are evaluated once. The graph belongs to the thread and only grows; tracing the
/// same function again adds nothing to it.
#[derive(Clone, Copy, Debug)]
pub struct Expression<F = f32>(u32, PhantomData<F>);

/// The outcome of a comparison of two [`Expression`]s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Condition(u32);

/// A function in WGSL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// The name to call it by: that given to [`trace`] behind the prefix `of_`, so that it is no reserved word.
    pub name: String,
    /// Its declaration. The functions of [`elementary_functions`] must stand beside it in the shader.
    pub wgsl: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Unary {
    Negate,
    SquareRoot,
    Absolute,
    Mantissa,
    Exponent,
    PowerOfTwo,
    NearestInteger,
    Exp,
    ExpM1,
    Ln,
    Ln1p,
    Ln1pRegular,
    Softplus,
    ExpRemainder,
    Tanh,
}

impl Unary {
    /// What stands before the parenthesis in WGSL.
    fn symbol(self) -> &'static str {
        match self {
            Self::Negate => "-",
            Self::SquareRoot => "sqrt",
            Self::Absolute => "abs",
            Self::Mantissa => "of_mantissa",
            Self::Exponent => "of_exponent",
            Self::PowerOfTwo => "of_power_of_two",
            Self::NearestInteger => "round",
            Self::Exp => "of_exp",
            Self::ExpM1 => "of_exp_m1",
            Self::Ln => "of_ln",
            Self::Ln1p => "of_ln_1p",
            Self::Ln1pRegular => "of_ln_1p_regular",
            Self::Softplus => "of_softplus",
            Self::ExpRemainder => "of_exp_remainder",
            Self::Tanh => "of_tanh",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Node {
    Argument(usize),
    /// The bits of a number of the format at hand.
    Constant(u64),
    Unary(Unary, u32),
    /// The operator of +, −, ×, ÷.
    Binary(char, u32, u32),
    Less(u32, u32),
    Select(Condition, u32, u32),
}

#[derive(Default)]
struct Graph {
    nodes: Vec<Node>,
    numbers: HashMap<Node, u32>,
}

thread_local! {
    static GRAPH: RefCell<Graph> = RefCell::default();
}

/// The number of the node in the graph of this thread.
fn intern(node: Node) -> u32 {
    GRAPH.with_borrow_mut(|graph| {
        let Graph { nodes, numbers } = graph;
        *numbers.entry(node).or_insert_with(|| {
            nodes.push(node);
            nodes.len() as u32 - 1
        })
    })
}

fn node(number: u32) -> Node {
    GRAPH.with_borrow(|graph| graph.nodes[number as usize])
}

impl<F> Expression<F> {
    fn of(node: Node) -> Self {
        Self(intern(node), PhantomData)
    }

    fn unary(self, operation: Unary) -> Self {
        Self::of(Node::Unary(operation, self.0))
    }

    fn binary(self, operator: char, other: Self) -> Self {
        Self::of(Node::Binary(operator, self.0, other.0))
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident, $operator:literal) => {
        impl<F> $trait for Expression<F> {
            type Output = Self;
            fn $method(self, other: Self) -> Self {
                self.binary($operator, other)
            }
        }
    };
}

operator!(Add, add, '+');
operator!(Sub, sub, '-');
operator!(Mul, mul, '*');
operator!(Div, div, '/');

impl<F> Neg for Expression<F> {
    type Output = Self;
    fn neg(self) -> Self {
        self.unary(Unary::Negate)
    }
}

impl<F: Format> Real for Expression<F> {
    type Mask = Condition;
    const PRECISION: Precision = F::PRECISION;

    fn constant(value: f64) -> Self {
        Self::of(Node::Constant(F::constant(value).bits()))
    }

    fn sqrt(self) -> Self {
        self.unary(Unary::SquareRoot)
    }

    fn abs(self) -> Self {
        self.unary(Unary::Absolute)
    }

    fn less(self, other: Self) -> Condition {
        Condition(intern(Node::Less(self.0, other.0)))
    }

    fn select(mask: Condition, accepted: Self, rejected: Self) -> Self {
        Self::of(Node::Select(mask, accepted.0, rejected.0))
    }

    fn split_exponent(self) -> (Self, Self) {
        (self.unary(Unary::Mantissa), self.unary(Unary::Exponent))
    }

    fn power_of_two(self) -> Self {
        self.unary(Unary::PowerOfTwo)
    }

    fn nearest_integer(self) -> Self {
        self.unary(Unary::NearestInteger)
    }

    fn exp(self) -> Self {
        self.unary(Unary::Exp)
    }

    fn exp_m1(self) -> Self {
        self.unary(Unary::ExpM1)
    }

    fn ln(self) -> Self {
        self.unary(Unary::Ln)
    }

    fn ln_1p(self) -> Self {
        self.unary(Unary::Ln1p)
    }

    fn ln_1p_regular(self) -> Self {
        self.unary(Unary::Ln1pRegular)
    }

    fn softplus(self) -> Self {
        self.unary(Unary::Softplus)
    }

    fn exp_remainder(self) -> Self {
        self.unary(Unary::ExpRemainder)
    }

    fn tanh(self) -> Self {
        self.unary(Unary::Tanh)
    }
}

/// Prints a function over [`Real`] as the WGSL function `of_` + `name`, with arguments and result of type `f32`.
///
/// `function` is given one expression for each of the `argument_names`, which must be identifiers of WGSL.
pub fn trace(
    name: &str,
    argument_names: &[&str],
    function: impl FnOnce(&[Expression]) -> Expression,
) -> Function {
    trace_in(name, argument_names, function)
}

/// The same in any format. Functions of two formats cannot stand in one shader: their names are the same.
pub(crate) fn trace_in<F: Format>(
    name: &str,
    argument_names: &[&str],
    function: impl FnOnce(&[Expression<F>]) -> Expression<F>,
) -> Function {
    let result = function(&arguments(argument_names));
    printed::<F>(name, argument_names, &[result.0], F::NAME)
}

/// The same for a function of several results, which are an array in WGSL.
pub(crate) fn trace_array<F: Format, const N: usize>(
    name: &str,
    argument_names: &[&str],
    function: impl FnOnce(&[Expression<F>]) -> [Expression<F>; N],
) -> Function {
    let results = function(&arguments(argument_names)).map(|result| result.0);
    let kind = format!("array<{}, {N}>", F::NAME);
    printed::<F>(name, argument_names, &results, &kind)
}

fn arguments<F>(names: &[&str]) -> Vec<Expression<F>> {
    let numbers = 0..names.len();
    let arguments = numbers.map(|number| Expression::of(Node::Argument(number)));
    arguments.collect()
}

/// The function of so many results, which `kind` holds.
fn printed<F: Format>(
    name: &str,
    argument_names: &[&str],
    results: &[u32],
    kind: &str,
) -> Function {
    let mut printer = Printer {
        argument_names,
        literal: |bits| F::of_bits(bits).literal(),
        statements: String::new(),
        printed: HashMap::new(),
    };
    let results: Vec<_> = results
        .iter()
        .map(|result| printer.print(*result))
        .collect();
    let value = match results.as_slice() {
        [result] => result.clone(),
        results => format!("{kind}({})", results.join(", ")),
    };
    let parameters: Vec<_> = argument_names
        .iter()
        .map(|argument| format!("{argument}: {}", F::NAME))
        .collect();
    let (parameters, statements) = (parameters.join(", "), printer.statements);
    let name = format!("of_{name}");
    let wgsl =
        format!("fn {name}({parameters}) -> {kind} {{\n{statements}    return {value};\n}}\n");
    Function { name, wgsl }
}

struct Printer<'a> {
    argument_names: &'a [&'a str],
    /// A constant of these bits.
    literal: fn(u64) -> String,
    statements: String,
    /// What a node that was printed before is called.
    printed: HashMap<u32, String>,
}

impl Printer<'_> {
    /// Writes the statements that the node needs, and returns what it is called after them.
    fn print(&mut self, number: u32) -> String {
        if let Some(printed) = self.printed.get(&number) {
            return printed.clone();
        }
        let formula = match node(number) {
            Node::Argument(index) => return self.argument_names[index].to_owned(),
            Node::Constant(bits) => return (self.literal)(bits),
            Node::Unary(operation, operand) => {
                format!("{}({})", operation.symbol(), self.print(operand))
            }
            Node::Binary(operator, left, right) => {
                format!("{} {operator} {}", self.print(left), self.print(right))
            }
            Node::Less(left, right) => {
                format!("{} < {}", self.print(left), self.print(right))
            }
            Node::Select(mask, accepted, rejected) => {
                let (accepted, rejected) = (self.print(accepted), self.print(rejected));
                format!("select({rejected}, {accepted}, {})", self.print(mask.0))
            }
        };
        let name = format!("of_{}", self.printed.len());
        // Writing to a String cannot fail.
        let _ = writeln!(self.statements, "    let {name} = {formula};");
        self.printed.insert(number, name.clone());
        name
    }
}

/// A function of one variable with its name in WGSL.
type Elementary<F> = (Unary, fn(Expression<F>) -> Expression<F>);

fn elementary<F: Format>() -> [Elementary<F>; 8] {
    [
        (Unary::Exp, elementary::exp),
        (Unary::ExpM1, elementary::exp_m1),
        (Unary::Ln, elementary::ln),
        (Unary::Ln1p, elementary::ln_1p),
        (Unary::Ln1pRegular, elementary::ln_1p_regular),
        (Unary::Softplus, elementary::softplus),
        (Unary::ExpRemainder, elementary::exp_remainder),
        (Unary::Tanh, elementary::tanh),
    ]
}

/// The elementary functions of the program in WGSL, traced from [`elementary`](mod@elementary) in one format: `of_exp`, `of_ln`, and so on.
pub fn elementary_functions<F: Format>() -> String {
    let mut text = F::bit_operations();
    for (operation, function) in elementary::<F>() {
        let name = operation.symbol().trim_start_matches("of_");
        let traced = trace_in(name, &["x"], |arguments| function(arguments[0]));
        text.push('\n');
        text.push_str(&traced.wgsl);
    }
    text
}

#[cfg(test)]
mod tests;
