use super::conjugation::conjugate_gradients_shader;
use crate::calculus::{Expression, trace};
use crate::elliptic::equations::{interpolated, inverse_diagonal, kept, outflow, product, share};

/// The shader of the solver for grids of two or three axes: the template with the traced equations.
pub fn elliptic_shader(solid: bool) -> String {
    let three = |along_z: Expression| solid.then_some(along_z);
    let equations = [
        trace(
            "outflow",
            &["x", "face_before", "face_after", "before", "after"],
            |x| outflow(x[0], [x[1], x[2]], [x[3], x[4]]),
        ),
        trace(
            "product",
            &["excess", "x", "along_x", "along_y", "along_z"],
            |x| product(x[0], x[1], [x[2], x[3]], three(x[4])),
        ),
        trace(
            "inverse_diagonal",
            &["excess", "west", "east", "south", "north", "below", "above"],
            |x| match solid {
                true => inverse_diagonal(x[0], [[x[1], x[2]], [x[3], x[4]], [x[5], x[6]]]),
                false => inverse_diagonal(x[0], [[x[1], x[2]], [x[3], x[4]]]),
            },
        ),
        trace("share", &["weight", "coupling", "own", "beyond"], |x| {
            share(x[0], x[1], x[2], x[3])
        }),
        trace(
            "kept",
            &["along_x", "along_y", "along_z"],
            |x| match solid {
                true => kept([x[0], x[1], x[2]]),
                false => kept([x[0], x[1]]),
            },
        ),
        trace(
            "interpolated",
            &[
                "own", "along_x", "along_y", "along_z", "other_x", "other_y", "other_z",
            ],
            |x| match solid {
                true => interpolated(x[0], [x[1], x[2], x[3]], [x[4], x[5], x[6]]),
                false => interpolated(x[0], [x[1], x[2]], [x[4], x[5]]),
            },
        ),
    ];
    let mut text = format!("const SOLID: bool = {solid};\n");
    for equation in equations {
        text += &equation.wgsl;
    }
    text + &conjugate_gradients_shader() + include_str!("../../../shaders/elliptic.wgsl")
}
