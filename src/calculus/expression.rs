use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::{Precision, Real, elementary};

/// A number that is only written down: every operation adds a node to a graph, and [`trace`] prints the graph as WGSL.
///
/// Equal nodes are one node, so common subexpressions are evaluated once. The graph belongs to the thread and only grows; tracing the
/// same function again adds nothing to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Expression(u32);

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
    /// The bits of an `f32`.
    Constant(u32),
    Unary(Unary, Expression),
    /// The operator of +, −, ×, ÷.
    Binary(char, Expression, Expression),
    Less(Expression, Expression),
    Select(Condition, Expression, Expression),
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

impl Expression {
    fn unary(self, operation: Unary) -> Self {
        Self(intern(Node::Unary(operation, self)))
    }

    fn binary(self, operator: char, other: Self) -> Self {
        Self(intern(Node::Binary(operator, self, other)))
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident, $operator:literal) => {
        impl $trait for Expression {
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

impl Neg for Expression {
    type Output = Self;
    fn neg(self) -> Self {
        self.unary(Unary::Negate)
    }
}

impl Real for Expression {
    type Mask = Condition;
    const PRECISION: Precision = Precision::Single;

    fn constant(value: f64) -> Self {
        Self(intern(Node::Constant(f32::constant(value).to_bits())))
    }

    fn sqrt(self) -> Self {
        self.unary(Unary::SquareRoot)
    }

    fn abs(self) -> Self {
        self.unary(Unary::Absolute)
    }

    fn less(self, other: Self) -> Condition {
        Condition(intern(Node::Less(self, other)))
    }

    fn select(mask: Condition, accepted: Self, rejected: Self) -> Self {
        Self(intern(Node::Select(mask, accepted, rejected)))
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
    let arguments: Vec<_> = (0..argument_names.len())
        .map(|index| Expression(intern(Node::Argument(index))))
        .collect();
    let result = function(&arguments);
    let mut printer = Printer {
        argument_names,
        statements: String::new(),
        printed: HashMap::new(),
    };
    let result = printer.print(result.0);
    let parameters: Vec<_> = argument_names
        .iter()
        .map(|argument| format!("{argument}: f32"))
        .collect();
    let (parameters, statements) = (parameters.join(", "), printer.statements);
    let name = format!("of_{name}");
    let wgsl = format!("fn {name}({parameters}) -> f32 {{\n{statements}    return {result};\n}}\n");
    Function { name, wgsl }
}

struct Printer<'a> {
    argument_names: &'a [&'a str],
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
            Node::Constant(bits) => return literal(f32::from_bits(bits)),
            Node::Unary(operation, operand) => {
                format!("{}({})", operation.symbol(), self.print(operand.0))
            }
            Node::Binary(operator, left, right) => {
                format!("{} {operator} {}", self.print(left.0), self.print(right.0))
            }
            Node::Less(left, right) => {
                format!("{} < {}", self.print(left.0), self.print(right.0))
            }
            Node::Select(mask, accepted, rejected) => {
                let (accepted, rejected) = (self.print(accepted.0), self.print(rejected.0));
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

/// A constant as WGSL. The language refuses constants that are not finite, so these are made from their bits at run time.
fn literal(value: f32) -> String {
    match value.is_finite() {
        true if value.is_sign_negative() => format!("({value:?}f)"),
        true => format!("{value:?}f"),
        false => format!("of_from_bits({:#x}u)", value.to_bits()),
    }
}

/// The operations on the bits of a number that [`Real`] asks for; see the scalar reading for how they work.
fn bit_operations() -> String {
    let sqrt_half = std::f32::consts::FRAC_1_SQRT_2.to_bits();
    let shift = 1.0_f32.to_bits() - sqrt_half;
    format!(
        "// A variable keeps the compiler from evaluating what WGSL allows no constant to be.
fn of_from_bits(bits: u32) -> f32 {{
    var variable = bits;
    return bitcast<f32>(variable);
}}

fn of_mantissa(x: f32) -> f32 {{
    return bitcast<f32>(((bitcast<u32>(x) + {shift:#x}u) & 0x7fffffu) + {sqrt_half:#x}u);
}}

fn of_exponent(x: f32) -> f32 {{
    return f32(i32((bitcast<u32>(x) + {shift:#x}u) >> 23u) - 127);
}}

fn of_power_of_two(n: f32) -> f32 {{
    return bitcast<f32>(u32(i32(n) + 127) << 23u);
}}
"
    )
}

/// A function of one variable with its name in WGSL.
type Elementary = (Unary, fn(Expression) -> Expression);

const ELEMENTARY: [Elementary; 8] = [
    (Unary::Exp, elementary::exp),
    (Unary::ExpM1, elementary::exp_m1),
    (Unary::Ln, elementary::ln),
    (Unary::Ln1p, elementary::ln_1p),
    (Unary::Ln1pRegular, elementary::ln_1p_regular),
    (Unary::Softplus, elementary::softplus),
    (Unary::ExpRemainder, elementary::exp_remainder),
    (Unary::Tanh, elementary::tanh),
];

/// The elementary functions of the program in WGSL, traced from [`elementary`]: `of_exp`, `of_ln`, and so on.
pub fn elementary_functions() -> String {
    let mut text = bit_operations();
    for (operation, function) in ELEMENTARY {
        let name = operation.symbol().trim_start_matches("of_");
        let traced = trace(name, &["x"], |arguments| function(arguments[0]));
        text.push('\n');
        text.push_str(&traced.wgsl);
    }
    text
}

#[cfg(test)]
mod tests;
