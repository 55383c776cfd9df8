//! 2-D and 3-D against known solutions, invariants, and the 1-D solver.

use std::f64::consts::PI;

use ottoflow::elliptic::{Elliptic, EllipticError};
use ottoflow::grid::{Boundary, Field, Grid};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use Boundary::{NoFlux, Periodic};

use crate::problems::{cube, grid, largest, mean, mixture, noise_field, solve, steep_slope};

/// x_i + s ψ'_i Σ_j sqrt(π_j/π_i)/h² (x_i − x_j), straight from its definition.
fn apply(grid: &Grid, log_target: &Field, scale: f64, slope: &Field, x: &Field) -> Field {
    let (nz, ny, nx) = grid.shape();
    Field::from_shape_fn(grid.shape(), |(k, j, i)| {
        let cell = [i, j, k];
        let cells = [nx, ny, nz];
        let mut sum = 0.0;
        for (axis, properties) in grid.axes().iter().enumerate() {
            for step in [-1, 1] {
                let mut neighbour = cell;
                let moved = cell[axis] as isize + step;
                if properties.boundary == NoFlux && !(0..cells[axis] as isize).contains(&moved) {
                    continue;
                }
                neighbour[axis] = moved.rem_euclid(cells[axis] as isize) as usize;
                let other = (neighbour[2], neighbour[1], neighbour[0]);
                let rate = (0.5 * (log_target[other] - log_target[(k, j, i)])).exp()
                    / properties.spacing().powi(2);
                sum += rate * (x[(k, j, i)] - x[other]);
            }
        }
        x[(k, j, i)] + scale * slope[(k, j, i)] * sum
    })
}

#[test]
fn cosines_are_damped_by_their_eigenvalue() {
    let cases = [
        grid(&[(0.0, 1.0, 48, NoFlux), (0.0, 2.0, 65, Periodic)]),
        grid(&[
            (0.0, 1.0, 15, Periodic),
            (0.0, 1.0, 16, NoFlux),
            (0.0, 0.5, 9, Periodic),
        ]),
    ];
    for grid in cases {
        let mut eigenvalue = 0.0;
        let mut waves = [0.0; 3];
        for (wave, axis) in waves.iter_mut().zip(grid.axes()) {
            *wave = match axis.boundary {
                NoFlux => PI / axis.upper,
                Periodic => 2.0 * PI / axis.upper,
            };
            eigenvalue += (2.0 * (0.5 * *wave * axis.spacing()).sin() / axis.spacing()).powi(2);
        }
        let rhs = grid.sample(|center| {
            center
                .iter()
                .zip(waves)
                .map(|(x, k)| (k * x).cos())
                .product()
        });
        for scale in [1e-8, 1e-2, 1.0, 1e6] {
            let slope = Field::from_elem(grid.shape(), 2.0);
            let (x, report) = solve(
                &grid,
                &Field::zeros(grid.shape()),
                scale,
                &slope,
                &rhs,
                1e-11,
            );
            let exact = &rhs / (1.0 + 2.0 * scale * eigenvalue);
            let error = largest(&(&x - &exact)) / largest(&exact);
            assert!(error < 1e-9, "scale {scale:e}: error {error:e}");
            assert!(
                report.residual < 1e-9,
                "scale {scale:e}: residual {:e}",
                report.residual
            );
        }
    }
}

fn boundary() -> impl Strategy<Value = Boundary> {
    prop_oneof![Just(NoFlux), Just(Periodic)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, rng_seed: RngSeed::Fixed(2), failure_persistence: None, ..ProptestConfig::default() })]

    /// Any shape, odd, even or flat, any spacing and boundary, rough ln π and ψ': the solution made beforehand comes back.
    #[test]
    fn manufactured_solutions_come_back(
        axes in prop::collection::vec((3usize..24, 0.3..3.0f64, boundary()), 2..4),
        roughness in 0.0..6.0f64,
        exponent in -8.0..4.0f64,
        seed in 0u64..1000,
    ) {
        let axes: Vec<_> = axes.into_iter().map(|(cells, length, boundary)| (0.0, length, cells, boundary)).collect();
        let grid = grid(&axes);
        let log_target = noise_field(&grid, seed) * roughness;
        let slope = noise_field(&grid, seed + 1).mapv(|u| 10f64.powf(4.0 * u - 2.0));
        let exact = noise_field(&grid, seed + 2) - 0.5;
        let scale = 10f64.powf(exponent);
        let rhs = apply(&grid, &log_target, scale, &slope, &exact);
        let (x, report) = solve(&grid, &log_target, scale, &slope, &rhs, 1e-10);
        // The right-hand side itself has rounding, which the inverse does not enlarge in the maximum norm.
        let rounding = f64::EPSILON * largest(&rhs);
        let error = largest(&(&x - &exact));
        prop_assert!(error <= 1e-9 * largest(&exact) + 20.0 * rounding, "error {error:e} after {report:?}");
    }

    /// The inverse is positive and has row sums 1: solutions stay between the bounds of the right-hand side, and their mean is its mean.
    #[test]
    fn solutions_keep_bounds_and_mean(
        axes in prop::collection::vec((3usize..20, boundary()), 2..4),
        depth in 0.0..200.0f64,
        exponent in -20.0..20.0f64,
        seed in 0u64..1000,
    ) {
        let axes: Vec<_> = axes.into_iter().map(|(cells, boundary)| (-1.0, 1.0, cells, boundary)).collect();
        let grid = grid(&axes);
        let log_target = grid.sample(|[x, y, z]| -depth * (x * x + 0.5 * y * y + z * z));
        let slope = noise_field(&grid, seed).mapv(|u| 10f64.powf(6.0 * u - 3.0));
        let rhs = noise_field(&grid, seed + 1);
        let (x, _) = solve(&grid, &log_target, 10f64.powf(exponent), &slope, &rhs, 1e-10);
        prop_assert!(x.iter().all(|x| (-1e-9..=1.0 + 1e-9).contains(x)));
        let (before, after) = (mean(&log_target, &slope, &rhs), mean(&log_target, &slope, &x));
        prop_assert!((after / before - 1.0).abs() < 1e-13, "mean {before} became {after}");
    }
}

#[test]
fn the_inverse_is_symmetric() {
    let grid = grid(&[(-5.0, 5.0, 40, NoFlux), (-5.0, 5.0, 37, Periodic)]);
    let (log_target, slope) = (mixture(&grid), steep_slope(&grid));
    let (u, v) = (noise_field(&grid, 1) - 0.5, noise_field(&grid, 2) - 0.5);
    let (inverse_u, _) = solve(&grid, &log_target, 0.7, &slope, &u, 1e-13);
    let (inverse_v, _) = solve(&grid, &log_target, 0.7, &slope, &v, 1e-13);
    let (left, right) = (
        mean(&log_target, &slope, &(&v * &inverse_u)),
        mean(&log_target, &slope, &(&u * &inverse_v)),
    );
    assert!((left / right - 1.0).abs() < 1e-10, "{left} against {right}");
}

/// What does not vary along y and z is solved as in 1-D, by another method, at every scale and along every axis.
#[test]
fn the_plane_agrees_with_the_line() {
    let log_target = |x: f64| -0.5 * x * x + (2.0 * x).cos();
    let slope = |x: f64| 10f64.powf(2.0 * (1.7 * x).sin());
    let rhs = |x: f64| 1.0 + x.sin() + 0.3 * x * x;
    for boundary in [NoFlux, Periodic] {
        let long = (-6.0, 6.0, 61, boundary);
        let line = grid(&[long]);
        for axis in 0..3 {
            let mut axes = vec![
                (0.0, 1.0, 6, NoFlux),
                (0.0, 1.5, 5, Periodic),
                (0.0, 1.0, 4, NoFlux),
            ];
            axes[axis] = long;
            let solid = grid(&axes);
            for scale in [1e-8, 1e-3, 1.0, 1e4, 1e8, 1e12] {
                let (reference, _) = solve(
                    &line,
                    &line.sample(|c| log_target(c[0])),
                    scale,
                    &line.sample(|c| slope(c[0])),
                    &line.sample(|c| rhs(c[0])),
                    1e-12,
                );
                let (x, _) = solve(
                    &solid,
                    &solid.sample(|c| log_target(c[axis])),
                    scale,
                    &solid.sample(|c| slope(c[axis])),
                    &solid.sample(|c| rhs(c[axis])),
                    1e-12,
                );
                let along = |(k, j, i): (usize, usize, usize)| [i, j, k][axis];
                for (index, value) in x.indexed_iter() {
                    let expected = reference[(0, 0, along(index))];
                    let error = (value - expected).abs() / largest(&reference);
                    assert!(
                        error < 1e-11,
                        "axis {axis}, {boundary:?}, scale {scale:e}: error {error:e}"
                    );
                }
            }
        }
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    for grid in [
        cube(2, 6.0, 301, NoFlux),
        grid(&[
            (-6.0, 6.0, 40, NoFlux),
            (-6.0, 6.0, 41, Periodic),
            (-3.0, 3.0, 38, NoFlux),
        ]),
    ] {
        let (log_target, slope) = (mixture(&grid), steep_slope(&grid));
        let rhs = noise_field(&grid, 4);
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| solve(&grid, &log_target, 0.1, &slope, &rhs, 1e-8))
        };
        let (reference, report) = run(1);
        for threads in [2, 3] {
            let (x, other) = run(threads);
            assert_eq!(report, other);
            assert!(
                reference
                    .iter()
                    .zip(&x)
                    .all(|(a, b)| a.to_bits() == b.to_bits()),
                "{threads} threads"
            );
        }
    }
}

/// At both ends of the scale the answer is known: b itself, and its mean.
#[test]
fn extreme_scales_give_the_right_hand_side_and_its_mean() {
    for grid in [cube(2, 6.0, 100, NoFlux), cube(3, 6.0, 20, NoFlux)] {
        let (log_target, slope) = (mixture(&grid), steep_slope(&grid));
        let rhs = noise_field(&grid, 5);
        let (x, _) = solve(&grid, &log_target, 1e-30, &slope, &rhs, 1e-10);
        assert!(largest(&(&x - &rhs)) < 1e-12);
        let mean = mean(&log_target, &slope, &rhs);
        let (x, _) = solve(&grid, &log_target, 1e30, &slope, &rhs, 1e-10);
        let error = x.iter().map(|x| (x / mean - 1.0).abs()).fold(0.0, f64::max);
        assert!(error < 1e-12, "{error:e}");
    }
}

/// With the loosest tolerance a solve is one cycle of multigrid. Where ψ' spans twelve powers of ten and the right-hand side is rough it leaves less than a quarter.
#[test]
fn one_cycle_is_near_the_solution() {
    for grid in [cube(2, 6.0, 64, NoFlux), cube(3, 6.0, 16, Periodic)] {
        let (log_target, slope) = (mixture(&grid), steep_slope(&grid));
        for scale in [1e-4, 1e-2, 1.0] {
            let rhs = noise_field(&grid, 5);
            let [(rough, report), (exact, _)] = [1.0, 1e-11]
                .map(|tolerance| solve(&grid, &log_target, scale, &slope, &rhs, tolerance));
            let error = largest(&(&rough - &exact)) / largest(&exact);
            assert_eq!(report.iterations, 0);
            assert!(error <= 0.25, "scale {scale:e}: {error:.1e}");
        }
    }
}

#[test]
fn a_good_first_guess_is_used() {
    let grid = cube(2, 6.0, 64, NoFlux);
    let (log_target, slope) = (mixture(&grid), steep_slope(&grid));
    let rhs = noise_field(&grid, 6);
    let mut elliptic = Elliptic::new(&grid, &log_target).unwrap();
    let mut x = Field::zeros(grid.shape());
    let from_zero = elliptic.solve(1.0, &slope, &rhs, 1e-8, &mut x).unwrap();
    let again = elliptic.solve(1.0, &slope, &rhs, 1e-8, &mut x).unwrap();
    assert!(from_zero.iterations >= 5);
    assert_eq!(again.iterations, 0);
}

#[test]
fn bad_input_is_named() {
    let grid = cube(2, 1.0, 8, NoFlux);
    let mut log_target = Field::zeros(grid.shape());
    log_target[(0, 2, 5)] = -691.0;
    let error = Elliptic::new(&grid, &log_target).unwrap_err();
    assert!(matches!(
        error,
        EllipticError::Underflow {
            cell: (0, 2, 5),
            ..
        }
    ));
    assert!(error.to_string().contains("`floor`"), "{error}");

    let mut elliptic = Elliptic::new(&grid, &Field::zeros(grid.shape())).unwrap();
    let ones = Field::ones(grid.shape());
    let mut rhs = ones.clone();
    rhs[(0, 3, 1)] = f64::NAN;
    let error = elliptic
        .solve(1.0, &ones, &rhs, 1e-8, &mut Field::zeros(grid.shape()))
        .unwrap_err();
    assert!(
        matches!(
            error,
            EllipticError::NotFinite {
                cell: (0, 3, 1),
                ..
            }
        ),
        "{error}"
    );
    let mut slope = ones.clone();
    slope[(0, 4, 4)] = f64::NAN;
    let error = elliptic
        .solve(1.0, &slope, &ones, 1e-8, &mut Field::zeros(grid.shape()))
        .unwrap_err();
    assert!(
        matches!(
            error,
            EllipticError::Slope {
                cell: (0, 4, 4),
                ..
            }
        ),
        "{error}"
    );
    let error = elliptic
        .solve(1.0, &ones, &ones, 1e-8, &mut Field::zeros((1, 8, 9)))
        .unwrap_err();
    assert!(
        matches!(
            error,
            EllipticError::Shape {
                name: "solution",
                ..
            }
        ),
        "{error}"
    );
}
