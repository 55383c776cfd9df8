use crate::backend::gpu::rings;
use crate::calculus::{elementary_functions, trace};
use crate::divergence::Divergence;
use crate::flow::inertial::equations::{
    carrying, crowded, explicit_pressure, jump, mass_flux, momentum_flux, outflow, present, share,
    shock, viscosity,
};

/// The shader of the explicit terms of momentum, transport and a part of the pressure, on grids of up to three axes: the template with the traced
/// equations.
pub fn explicit_shader<D: Divergence>(dimension: usize) -> String {
    let equations = [
        trace(
            "carrying",
            &["before", "before_next", "after", "after_next"],
            |x| carrying([x[0], x[1]], [x[2], x[3]]),
        ),
        trace("mass_flux", &["passing", "other"], |x| {
            mass_flux(x[0], x[1])
        }),
        trace(
            "jump",
            &["before", "change", "after", "open_before", "open_after"],
            |x| jump([x[0], x[1], x[2]], [x[3], x[4]]),
        ),
        trace(
            "shock",
            &["jump", "before", "after", "sound", "reach"],
            |x| shock(x[0], [x[1], x[2]], x[3], x[4]),
        ),
        trace(
            "viscosity",
            &["strength", "jump", "change", "left", "right"],
            |x| viscosity(x[0], x[1], x[2], [x[3], x[4]]),
        ),
        trace(
            "outflow",
            &[
                "spacing",
                "flux_before",
                "flux_after",
                "viscosity_before",
                "viscosity_after",
            ],
            |x| outflow(x[0], [x[1], x[2]], [x[3], x[4]]),
        ),
        trace("share", &["outflow", "room"], |x| share(x[0], x[1])),
        trace("present", &["before", "after"], |x| present(x[0], x[1])),
        trace("crowded", &["share", "density", "around"], |x| {
            crowded(x[0], x[1], x[2])
        }),
        trace(
            "momentum_flux",
            &[
                "flux",
                "viscosity",
                "left",
                "right",
                "share_left",
                "share_right",
            ],
            |x| momentum_flux(x[0], x[1], [x[2], x[3]], [x[4], x[5]]),
        ),
        trace("variation_change", &["own", "beside"], |x| {
            D::first_variation_change(x[0], x[1])
        }),
        trace(
            "explicit_pressure",
            &[
                "density",
                "density_next",
                "tilt",
                "tilt_next",
                "sound",
                "sound_next",
                "velocity_before",
                "velocity_after",
                "variation_change",
            ],
            |x| {
                let [density, tilt, sound, velocity] = [0, 2, 4, 6].map(|at| [x[at], x[at + 1]]);
                explicit_pressure(density, tilt, sound, velocity, x[8])
            },
        ),
    ];
    let mut text = elementary_functions::<f32>();
    text += &format!("const DIMENSION: u32 = {dimension}u;\n");
    for equation in equations {
        text += &equation.wgsl;
    }
    text + &rings() + include_str!("../../../../shaders/explicit.wgsl")
}
