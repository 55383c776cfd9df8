use super::equations::{coupled, whole};
use crate::calculus::trace;
use crate::elliptic::device::conjugate_gradients_shader;
use crate::flow::jko::solid::stencil::WIDTH;

/// The shader of the linear systems of JKO steps in two or three dimensions: the template with the traced equations.
pub fn stencil_shader(solid: bool) -> String {
    let middle = if solid { WIDTH } else { 1 };
    let equations = [
        trace("coupled", &["sum", "coupling", "own", "beside"], |x| {
            coupled(x[0], x[1], x[2], x[3])
        }),
        trace("whole", &["sum", "excess", "own"], |x| {
            whole(x[0], x[1], x[2])
        }),
    ];
    let mut text = format!("const WIDTH: u32 = {WIDTH}u;\nconst MIDDLE: u32 = {middle}u;\n");
    for equation in equations {
        text += &equation.wgsl;
    }
    text + &conjugate_gradients_shader() + include_str!("../../../../../shaders/stencil.wgsl")
}
