use crate::backend::gpu::rings;
use crate::calculus::trace;
use crate::elliptic::equations::{conjugation, first_jacobi, jacobi, moved, step_length};

/// Cells of a level that a workgroup takes in a reduction; fixed, since it is part of the result.
pub(crate) const STRIDE: usize = 1024;

/// Numbers that steer an iteration.
pub(super) const STEERING: usize = 9;
/// Their places: the tolerance asked for, what the iteration is about to do, iterations made, the error estimated, the first ⟨z, r⟩.
pub(super) const TOLERANCE: usize = 0;
pub(super) const PHASE: usize = 1;
pub(super) const ITERATIONS: usize = 2;
pub(super) const ERROR: usize = 3;
pub(super) const FIRST: usize = 8;
/// Those that only shaders read.
const INNER: [(&str, usize); 4] = [
    ("RESIDUAL", 4),
    ("CURVATURE", 5),
    ("CONJUGATION", 6),
    ("LENGTH", 7),
];

/// What an iteration is about to do: go on, add the last z, nothing any more, nothing for want of numbers.
pub(super) const RUNNING: f32 = 0.0;
pub(super) const FINISHING: f32 = 1.0;
pub(super) const DONE: f32 = 2.0;
pub(super) const BROKEN: f32 = 3.0;

/// What the shader of an operator begins with: relaxation and conjugate gradients, with the traced equations.
pub(crate) fn conjugate_gradients_shader() -> String {
    let equations = [
        trace("first_jacobi", &["damping", "inverse", "b"], |x| {
            first_jacobi(x[0], x[1], x[2])
        }),
        trace(
            "jacobi",
            &["x", "damping", "inverse", "b", "product"],
            |x| jacobi(x[0], x[1], x[2], x[3], x[4]),
        ),
        trace("residual", &["b", "product"], |x| x[0] - x[1]),
        trace("moved", &["y", "factor", "vector"], |x| {
            moved(x[0], x[1], x[2])
        }),
        trace("conjugation", &["image", "curvature"], |x| {
            conjugation(x[0], x[1])
        }),
        trace("step_length", &["residual", "curvature"], |x| {
            step_length(x[0], x[1])
        }),
    ];
    let mut text = format!("const STRIDE: u32 = {STRIDE}u;\n");
    let places = [
        ("TOLERANCE", TOLERANCE),
        ("PHASE", PHASE),
        ("ITERATIONS", ITERATIONS),
        ("ERROR", ERROR),
        ("FIRST", FIRST),
    ];
    for (name, place) in places.into_iter().chain(INNER) {
        text += &format!("const {name}: u32 = {place}u;\n");
    }
    let phases = [
        ("RUNNING", RUNNING),
        ("FINISHING", FINISHING),
        ("DONE", DONE),
        ("BROKEN", BROKEN),
    ];
    for (name, phase) in phases {
        text += &format!("const {name}: f32 = {phase:?}f;\n");
    }
    for equation in equations {
        text += &equation.wgsl;
    }
    text + &rings() + include_str!("../../../shaders/conjugate_gradients.wgsl")
}
