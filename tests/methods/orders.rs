//! The declared orders in space and in time.

use ottoflow::divergence::DivergenceKind;
use ottoflow::exact::{PoissonKernel, convergence_order, l1_distance};
use ottoflow::flow::MethodSettings;
use ottoflow::grid::{Boundary, Grid};

use crate::setup::{
    EVERY_DIVERGENCE, adaptive, box_of, explicit, explicit_bound, implicit, jko, reached,
    smooth_problem,
};

/// Errors of the exact solution against the spacing h.
fn errors_in_space(
    grids: impl IntoIterator<Item = Grid>,
    end: f64,
    settings: impl Fn(f64) -> MethodSettings,
) -> Vec<(f64, f64)> {
    let error = |grid: Grid| {
        let spacing = grid.axes()[0].spacing();
        let solution = PoissonKernel::on(&grid, 1.5).unwrap();
        let start = solution.state(&grid, 0.0);
        let truth = solution.state(&grid, end);
        let problem = PoissonKernel::problem(grid);
        let found = reached(&problem, &start, settings(spacing), end);
        (spacing, l1_distance(&problem, &found, &truth))
    };
    grids.into_iter().map(error).collect()
}

#[track_caller]
fn assert_order(name: &str, errors: &[(f64, f64)], expected: f64) {
    let order = convergence_order(errors);
    println!("{name}: order {order:.3}, errors {errors:?}");
    assert!(
        (order - expected).abs() <= 0.15,
        "{name}: order {order}, expected {expected}: {errors:?}"
    );
}

fn line(cells: usize) -> Grid {
    box_of(1, cells, 0.0, 1.0, Boundary::NoFlux)
}

#[test]
fn explicit_methods_are_of_second_order_in_space_on_a_line() {
    for order in [1, 2, 3] {
        let errors = errors_in_space([32, 64, 128, 256, 512].map(line), 0.05, |_| {
            explicit(order, None)
        });
        assert_order(&format!("explicit {order}, 1-D"), &errors, 2.0);
    }
}

#[test]
fn implicit_methods_are_of_second_order_in_space_on_a_line() {
    let sizes = [32, 64, 128, 256, 512];
    let first = errors_in_space(sizes.map(line), 0.05, |h| implicit(1, h * h));
    assert_order("implicit 1, 1-D", &first, 2.0);
    let second = errors_in_space(sizes.map(line), 0.05, |h| implicit(2, 0.1 * h));
    assert_order("implicit 2, 1-D", &second, 2.0);
}

#[test]
fn explicit_is_of_second_order_in_space_along_the_diagonal_of_a_periodic_square() {
    let square = |cells| box_of(2, cells, 0.0, 1.0, Boundary::Periodic);
    let errors = errors_in_space([32, 64, 128, 256, 512].map(square), 0.004, |_| {
        explicit(3, None)
    });
    assert_order("explicit 3, 2-D", &errors, 2.0);
}

#[test]
fn implicit_is_of_second_order_in_space_along_the_diagonal_of_a_periodic_square() {
    let square = |cells| box_of(2, cells, 0.0, 1.0, Boundary::Periodic);
    let errors = errors_in_space([32, 64, 128].map(square), 0.01, |h| implicit(2, 0.02 * h));
    assert_order("implicit 2, 2-D", &errors, 2.0);
}

#[test]
fn explicit_is_of_second_order_in_space_along_the_diagonal_of_a_periodic_cube() {
    let cube = |cells| box_of(3, cells, 0.0, 1.0, Boundary::Periodic);
    let errors = errors_in_space([16, 32, 64, 128].map(cube), 0.002, |_| explicit(2, None));
    assert_order("explicit 2, 3-D", &errors, 2.0);
}

#[test]
fn implicit_is_of_second_order_in_space_along_the_diagonal_of_a_periodic_cube() {
    let cube = |cells| box_of(3, cells, 0.0, 1.0, Boundary::Periodic);
    let errors = errors_in_space([12, 16, 24, 32].map(cube), 0.004, |h| implicit(2, 0.01 * h));
    assert_order("implicit 2, 3-D", &errors, 2.0);
}

/// Against tiny steps on the same grid, so that only the error in time is seen.
#[test]
fn explicit_methods_have_their_order_in_time_for_every_divergence() {
    for &divergence in EVERY_DIVERGENCE {
        let (problem, start) = smooth_problem(divergence, line(16));
        let bound = explicit_bound(&problem, &start);
        let end = 64.0 * bound;
        let truth = reached(&problem, &start, explicit(3, Some(bound / 32.0)), end);
        for order in [1, 2, 3] {
            let error = |parts: f64| {
                let step = bound / parts;
                let found = reached(&problem, &start, explicit(order, Some(step)), end);
                (step, l1_distance(&problem, &found, &truth))
            };
            let errors = [1.0, 2.0, 4.0, 8.0].map(error);
            assert_order(
                &format!("explicit {order} in time, {}", divergence.name()),
                &errors,
                order.into(),
            );
        }
    }
}

#[test]
fn implicit_methods_have_their_order_in_time_for_every_divergence() {
    for &divergence in EVERY_DIVERGENCE {
        let (problem, start) = smooth_problem(divergence, line(32));
        let bound = explicit_bound(&problem, &start);
        let end = 0.02;
        let truth = reached(&problem, &start, explicit(3, Some(bound / 16.0)), end);
        for order in [1, 2] {
            let error = |steps: f64| {
                let found = reached(&problem, &start, implicit(order, end / steps), end);
                (end / steps, l1_distance(&problem, &found, &truth))
            };
            let errors = [64.0, 128.0, 256.0, 512.0].map(error);
            assert_order(
                &format!("implicit {order} in time, {}", divergence.name()),
                &errors,
                order.into(),
            );
        }
    }
}

/// The maps of the steps differ from those of the flow on the grid by terms of the order h²τ: the grid is fine.
#[test]
fn jko_steps_have_their_order_in_time_for_every_divergence() {
    for &divergence in EVERY_DIVERGENCE {
        let (problem, start) = smooth_problem(divergence, line(400));
        let end = 0.02;
        let truth = reached(&problem, &start, implicit(2, end / 4096.0), end);
        for order in [1, 2] {
            let error = |steps: f64| {
                let found = reached(&problem, &start, jko(order, end / steps), end);
                (end / steps, l1_distance(&problem, &found, &truth))
            };
            let errors = [32.0, 64.0, 128.0, 256.0].map(error);
            assert_order(
                &format!("jko {order} in time, {}", divergence.name()),
                &errors,
                order.into(),
            );
        }
    }
}

/// The error of one step of order 2 goes with its cube, and is held at the tolerance: over a fixed time it goes with tolerance^(2/3).
#[test]
fn the_adaptive_method_follows_its_tolerance() {
    let (problem, start) = smooth_problem(DivergenceKind::JensenShannon, line(32));
    let bound = explicit_bound(&problem, &start);
    let end = 0.1;
    let truth = reached(&problem, &start, explicit(3, Some(bound / 2.0)), end);
    let error = |tolerance: f64| {
        let found = reached(&problem, &start, adaptive(tolerance), end);
        (tolerance, l1_distance(&problem, &found, &truth))
    };
    let errors = [1e-3, 1e-4, 1e-5, 1e-6, 1e-7].map(error);
    println!(
        "adaptive: order {:.3}, errors {errors:?}",
        convergence_order(&errors)
    );
    for (tolerance, error) in errors {
        assert!(
            error <= 10.0 * tolerance,
            "tolerance {tolerance:e}: error {error:e}"
        );
    }
}
