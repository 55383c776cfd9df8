//! Every shader of the program is valid WGSL for every divergence and every kind of grid; no GPU is needed for it.

use ottoflow::backend::gpu::{Tiling, sweep_shader};
use ottoflow::calculus::{Expression, elementary_functions, trace};
use ottoflow::divergence::{Divergence, DivergenceKind};
use ottoflow::elliptic::elliptic_shader;
use ottoflow::flow::{
    Diffusion, cells_shader, explicit_shader, galerkin_shader, sorting_shader, stencil_shader,
};
use ottoflow::grid::{Axis, Boundary, Grid};
use ottoflow::with_divergence;
use wgpu::naga;
use wgpu::naga::valid::Capabilities;

/// Parses and validates a shader for any device; a failure shows the place in the text.
fn assert_valid(what: &str, wgsl: &str) {
    assert_valid_with(what, wgsl, Capabilities::empty());
}

/// The same for a device with such capabilities.
fn assert_valid_with(what: &str, wgsl: &str, capabilities: Capabilities) {
    let module = naga::front::wgsl::parse_str(wgsl)
        .unwrap_or_else(|error| panic!("{what}: {}", error.emit_to_string(wgsl)));
    let mut validator =
        naga::valid::Validator::new(naga::valid::ValidationFlags::all(), capabilities);
    validator
        .validate(&module)
        .unwrap_or_else(|error| panic!("{what}: {}", error.emit_to_string(wgsl)));
}

fn grids() -> Vec<Grid> {
    let axis = |cells, boundary| Axis {
        lower: 0.0,
        upper: 1.0,
        cells,
        boundary,
    };
    let mut grids = Vec::new();
    for x in [Boundary::NoFlux, Boundary::Periodic] {
        grids.push(vec![axis(100, x)]);
        for y in [Boundary::NoFlux, Boundary::Periodic] {
            grids.push(vec![axis(300, x), axis(200, y)]);
            for z in [Boundary::NoFlux, Boundary::Periodic] {
                grids.push(vec![axis(33, x), axis(17, y), axis(9, z)]);
            }
        }
    }
    grids
        .into_iter()
        .map(|axes| Grid::new(axes).unwrap())
        .collect()
}

#[test]
fn sweeps_are_valid_for_every_divergence_and_grid() {
    for &kind in DivergenceKind::ALL {
        for grid in grids() {
            let tiling = Tiling::new(&grid);
            let shader = with_divergence!(kind, D => sweep_shader::<Diffusion<D>>(&tiling));
            assert_valid(&format!("{} on {grid:?}", kind.name()), &shader);
        }
    }
}

#[test]
fn the_linear_solver_is_valid_in_two_and_three_dimensions() {
    for solid in [false, true] {
        assert_valid(&format!("solid: {solid}"), &elliptic_shader(solid));
    }
}

#[test]
fn the_linear_systems_of_jko_steps_are_valid_in_two_and_three_dimensions() {
    for solid in [false, true] {
        assert_valid(&format!("solid: {solid}"), &stencil_shader(solid));
        assert_valid(&format!("solid: {solid}"), &galerkin_shader(solid));
    }
}

#[test]
fn the_loops_over_places_of_jko_steps_are_valid_for_every_divergence_and_dimension() {
    assert_valid("sorting", &sorting_shader());
    let double = Capabilities::FLOAT64 | Capabilities::SHADER_INT64;
    for &kind in DivergenceKind::ALL {
        for solid in [false, true] {
            let shader = with_divergence!(kind, D => cells_shader::<D>(solid));
            assert_valid_with(&format!("{} {solid}", kind.name()), &shader, double);
        }
    }
}

#[test]
fn the_explicit_terms_of_momentum_are_valid_for_every_divergence_and_dimension() {
    for &kind in DivergenceKind::ALL {
        for dimension in [1, 2, 3] {
            let shader = with_divergence!(kind, D => explicit_shader::<D>(dimension));
            assert_valid(&format!("{} {dimension}-D", kind.name()), &shader);
        }
    }
}

#[test]
fn every_function_of_every_divergence_is_valid() {
    for &kind in DivergenceKind::ALL {
        let functions = with_divergence!(kind, D => traced::<D>());
        assert_valid(
            kind.name(),
            &format!("{}\n{functions}", elementary_functions::<f32>()),
        );
    }
}

fn traced<D: Divergence>() -> String {
    let unary =
        |name, function: fn(Expression) -> Expression| trace(name, &["x"], |x| function(x[0])).wgsl;
    let binary = |name, function: fn(Expression, Expression) -> Expression| {
        trace(name, &["x", "y"], |x| function(x[0], x[1])).wgsl
    };
    let functions = [
        unary("integrand", D::integrand),
        unary("integrand_per_mass", D::integrand_per_mass),
        unary("first_variation", D::first_variation),
        unary("kirchhoff", D::kirchhoff),
        unary("log_ratio", D::log_ratio),
        unary("kirchhoff_from_ratio", D::kirchhoff_from_ratio),
        unary("slope_from_ratio", D::slope_from_ratio),
        unary("slope", D::slope),
        binary("relative_change", D::relative_change),
        binary("newton_update", D::newton_update),
    ];
    functions.concat()
}

#[test]
fn tiles_cover_every_cell_once() {
    for grid in grids() {
        let Tiling {
            cells,
            tile,
            tiles,
            march,
            groups,
            ..
        } = Tiling::new(&grid);
        let runs = cells[2].div_ceil(march);
        assert_eq!(
            cells.iter().map(|count| *count as usize).product::<usize>(),
            grid.len()
        );
        assert_eq!(groups, tiles[0] * tiles[1] * runs);
        for axis in 0..2 {
            let covered = tile[axis] * tiles[axis];
            assert!(
                covered >= cells[axis] && covered - tile[axis] < cells[axis],
                "{grid:?}"
            );
        }
    }
}

#[test]
fn tiles_keep_within_the_limits_that_every_adapter_grants() {
    let limits = wgpu::Limits::downlevel_defaults();
    for grid in grids() {
        let Tiling { tile, .. } = Tiling::new(&grid);
        let plane = (tile[0] + 2) * (tile[1] + 2);
        assert!(tile[0] * tile[1] <= limits.max_compute_invocations_per_workgroup);
        assert!(2 * 2 * 4 * plane <= limits.max_compute_workgroup_storage_size);
    }
}
