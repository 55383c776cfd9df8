//! Iteration counts of the 2-D and 3-D solver.

use ottoflow::grid::Boundary::{NoFlux, Periodic};
use ottoflow::grid::{Field, Grid};

use crate::problems::{cube, grid, mean, mixture, noise_field, solve, steep_slope};

/// Iterations for an error of 1e-8 with a rough right-hand side of mean zero, at s a/c = `stiffness` where ψ' = 1.
fn iterations(grid: &Grid, log_target: &Field, slope: &Field, stiffness: f64) -> usize {
    let noise = noise_field(grid, 3);
    let rhs = &noise - mean(log_target, slope, &noise);
    let scale = stiffness * grid.axes()[0].spacing().powi(2);
    solve(grid, log_target, scale, slope, &rhs, 1e-8)
        .1
        .iterations
}

fn assert_counts_stay(
    name: &str,
    coarse: &Grid,
    fine: &Grid,
    problem: impl Fn(&Grid) -> (Field, Field),
    bound: usize,
) {
    for stiffness in [1e-3, 1.0, 1e3, 1e6, 1e12] {
        let count = |grid: &Grid| {
            let (log_target, slope) = problem(grid);
            iterations(grid, &log_target, &slope, stiffness)
        };
        let (few, many) = (count(coarse), count(fine));
        assert!(
            many <= bound && few <= bound,
            "{name} at {stiffness:e}: {few}, then {many} iterations"
        );
        // A fifth more, in whole iterations.
        assert!(
            many <= (6 * few).div_ceil(5),
            "{name} at {stiffness:e}: {few} grew to {many} iterations"
        );
    }
}

fn uniform(grid: &Grid) -> (Field, Field) {
    (Field::zeros(grid.shape()), Field::ones(grid.shape()))
}

fn uniform_and_steep(grid: &Grid) -> (Field, Field) {
    (Field::zeros(grid.shape()), steep_slope(grid))
}

fn mixture_and_one(grid: &Grid) -> (Field, Field) {
    (mixture(grid), Field::ones(grid.shape()))
}

fn mixture_and_steep(grid: &Grid) -> (Field, Field) {
    (mixture(grid), steep_slope(grid))
}

#[test]
fn iteration_counts_do_not_grow_in_2d() {
    for (x, y) in [(NoFlux, NoFlux), (Periodic, Periodic), (Periodic, NoFlux)] {
        let make = |cells| grid(&[(-1.0, 1.0, cells, x), (-1.0, 1.0, cells, y)]);
        assert_counts_stay(
            &format!("uniform, {x:?}, {y:?}"),
            &make(128),
            &make(512),
            uniform,
            7,
        );
    }
    let (coarse, fine) = (cube(2, 6.0, 128, NoFlux), cube(2, 6.0, 512, NoFlux));
    assert_counts_stay("uniform, steep ψ'", &coarse, &fine, uniform_and_steep, 10);
    assert_counts_stay("mixture", &coarse, &fine, mixture_and_one, 10);
    assert_counts_stay("mixture, steep ψ'", &coarse, &fine, mixture_and_steep, 10);
}

#[test]
fn iteration_counts_do_not_grow_in_3d() {
    for boundary in [NoFlux, Periodic] {
        let (coarse, fine) = (cube(3, 1.0, 16, boundary), cube(3, 1.0, 64, boundary));
        assert_counts_stay(
            &format!("uniform, {boundary:?}"),
            &coarse,
            &fine,
            uniform,
            8,
        );
    }
    let (coarse, fine) = (cube(3, 6.0, 16, NoFlux), cube(3, 6.0, 64, NoFlux));
    assert_counts_stay("mixture", &coarse, &fine, mixture_and_one, 10);
}

/// Narrow cells are merged across first: a ratio of spacings of 100 costs nothing.
#[test]
fn narrow_cells_cost_no_iterations() {
    let narrow = grid(&[(0.0, 1.0, 128, NoFlux), (0.0, 100.0, 128, NoFlux)]);
    let (log_target, slope) = uniform(&narrow);
    for stiffness in [1.0, 1e3, 1e6] {
        let count = iterations(&narrow, &log_target, &slope, stiffness);
        assert!(count <= 8, "stiffness {stiffness:e}: {count} iterations");
    }
}
