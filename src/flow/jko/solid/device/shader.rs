use super::equations::{coupled, whole};
use crate::backend::gpu::rings;
use crate::calculus::{Format, elementary_functions, trace, trace_array, trace_in};
use crate::divergence::Divergence;
use crate::elliptic::device::conjugate_gradients_shader;
use crate::flow::jko::solid::feet::{
    HALVINGS, ITERATIONS, LAST, PRECISION, ROUNDING, SINGULAR, cofactors,
};
use crate::flow::jko::solid::iterate::{direct, mismatch, moved, ratio_of, softness};
use crate::flow::jko::solid::lattice::{slopes, splines};
use crate::flow::jko::solid::multigrid::{
    evened, inverse_diagonal, largest_eigenvalue, weighted_square,
};
use crate::flow::jko::solid::stencil::WIDTH;

/// Numbers that one invocation goes through, and places of one lattice cell that are treated together.
pub(super) const RUN: usize = 64;
pub(super) const CHUNK: usize = 64;
/// Bits of a digit of a key, and its values.
pub(super) const BITS: usize = 4;
pub(super) const DIGITS: usize = 1 << BITS;
/// Numbers of a place that the matrix needs.
pub(super) const WEIGHTS: usize = 10;

/// The offsets of a node along an axis, and along the one in the middle.
fn widths(solid: bool) -> String {
    let middle = if solid { WIDTH } else { 1 };
    format!("const WIDTH: u32 = {WIDTH}u;\nconst MIDDLE: u32 = {middle}u;\n")
}

/// The shader of the Galerkin products of JKO steps in two or three dimensions.
pub fn galerkin_shader(solid: bool) -> String {
    widths(solid) + &rings() + include_str!("../../../../../shaders/galerkin.wgsl")
}

/// The shader of the linear systems of JKO steps in two or three dimensions: the template with the traced equations.
pub fn stencil_shader(solid: bool) -> String {
    let equations = [
        trace("coupled", &["sum", "coupling", "own", "beside"], |x| {
            coupled(x[0], x[1], x[2], x[3])
        }),
        trace("whole", &["sum", "excess", "own"], |x| {
            whole(x[0], x[1], x[2])
        }),
        trace("evened", &["x", "diagonal"], |x| evened(x[0], x[1])),
        trace("weighted_square", &["x", "diagonal"], |x| {
            weighted_square(x[0], x[1])
        }),
        trace("largest_eigenvalue", &["before", "after"], |x| {
            largest_eigenvalue(x[0], x[1])
        }),
        trace("inverse_diagonal", &["highest", "diagonal"], |x| {
            inverse_diagonal(x[0], x[1])
        }),
    ];
    let mut text = widths(solid);
    for equation in equations {
        text += &equation.wgsl;
    }
    text + &conjugate_gradients_shader() + include_str!("../../../../../shaders/stencil.wgsl")
}

/// The shader that sorts places by lattice cell in JKO steps.
pub fn sorting_shader() -> String {
    let constants = [("RUN", RUN), ("CHUNK", CHUNK), ("DIGITS", DIGITS)]
        .map(|(name, value)| constant(name, value));
    constants.concat() + &rings() + include_str!("../../../../../shaders/sorting.wgsl")
}

fn constant(name: &str, value: usize) -> String {
    format!("const {name}: u32 = {value}u;\n")
}

/// The shader of the loops over places of JKO steps in two or three dimensions, in f64: the templates with the traced equations.
pub fn cells_shader<D: Divergence>(solid: bool) -> String {
    let entries = ["tau", "h00", "h11", "h22", "h01", "h02", "h12"];
    let equations = [
        trace_array::<f64, 3>("splines", &["share"], |x| splines(x[0])),
        trace_array::<f64, 3>("slopes", &["share"], |x| slopes(x[0])),
        trace_array::<f64, 8>("cofactors", &entries, |x| {
            cofactors(x[0], [x[1], x[2], x[3], x[4], x[5], x[6]])
        }),
        trace_in::<f64>("ratio", &["s"], |x| ratio_of::<D, _>(x[0])),
        trace_in::<f64>("softness", &["ratio"], |x| softness::<D, _>(x[0])),
        trace_in::<f64>("mismatch", &["s", "ratio"], |x| {
            mismatch::<D, _>(x[0], x[1])
        }),
        trace_in::<f64>("moved", &["s", "ratio", "along", "share"], |x| {
            moved::<D, _>(x[0], x[1], x[2], x[3])
        }),
    ];
    let [middle, middle_width] = if solid { [3, WIDTH] } else { [1, 1] };
    let whole = [
        ("MIDDLE", middle),
        ("WIDTH", WIDTH),
        ("MIDDLE_WIDTH", middle_width),
        ("WEIGHTS", WEIGHTS),
        ("CHUNK", CHUNK),
        ("RUN", RUN),
        ("ITERATIONS", ITERATIONS),
        ("HALVINGS", HALVINGS),
    ];
    let real = [
        ("SINGULAR", SINGULAR),
        ("ROUNDING", ROUNDING),
        ("PRECISION", PRECISION),
        ("LAST", LAST),
    ];
    let mut text = elementary_functions::<f64>() + &rings();
    for equation in equations {
        text += &equation.wgsl;
    }
    for (name, value) in whole {
        text += &constant(name, value);
    }
    for (name, value) in real {
        text += &format!("const {name}: f64 = {};\n", value.literal());
    }
    text += &format!("const DIRECT: bool = {};\n", direct::<D>());
    text += include_str!("../../../../../shaders/splines.wgsl");
    text += include_str!("../../../../../shaders/characteristics.wgsl");
    text + include_str!("../../../../../shaders/push_forward.wgsl")
}
