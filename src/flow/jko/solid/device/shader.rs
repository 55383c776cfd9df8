use super::equations::{coupled, whole};
use crate::backend::gpu::rings;
use crate::calculus::trace;
use crate::elliptic::device::conjugate_gradients_shader;
use crate::flow::jko::solid::multigrid::{
    evened, inverse_diagonal, largest_eigenvalue, weighted_square,
};
use crate::flow::jko::solid::stencil::WIDTH;

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
