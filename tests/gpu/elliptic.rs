//! The implicit operator on the device: iterative refinement, held to what the solver of the CPU is held to.

use ottoflow::backend::gpu::Gpu;
use ottoflow::elliptic::{Elliptic, EllipticError, Report};
use ottoflow::grid::{Boundary, Field, Grid};

use crate::gpu;
use crate::grids::{grid, largest, noise_field};

use Boundary::{NoFlux, Periodic};

/// Odd and even axes, rings and closed sides, cells of unequal sides, one axis of few cells.
fn grids() -> Vec<Grid> {
    vec![
        grid(&[(-6.0, 6.0, 64, NoFlux), (-6.0, 6.0, 64, NoFlux)]),
        grid(&[(-6.0, 6.0, 61, Periodic), (-5.0, 5.0, 37, NoFlux)]),
        grid(&[(-6.0, 6.0, 40, NoFlux), (-1.0, 1.0, 51, Periodic)]),
        grid(&[(-6.0, 6.0, 3, Periodic), (-6.0, 6.0, 300, Periodic)]),
        grid(&[
            (-4.0, 4.0, 17, NoFlux),
            (-4.0, 4.0, 16, Periodic),
            (-4.0, 4.0, 9, NoFlux),
        ]),
        grid(&[
            (-4.0, 4.0, 20, Periodic),
            (-1.0, 1.0, 5, NoFlux),
            (-4.0, 4.0, 13, Periodic),
        ]),
    ]
}

/// A target of two bumps with a depth of 59 in the corners, near what the device takes, and slopes over four orders of magnitude.
fn problem(grid: &Grid) -> (Field, Field) {
    let log_target = grid.sample(|[x, y, z]| {
        let bump = |place: f64| (-0.7 * ((x - place).powi(2) + y * y + z * z)).exp();
        (bump(-2.0) + bump(2.0)).max(1e-300).ln().max(-59.0)
    });
    let slope = noise_field(grid, 7).mapv(|u| 10f64.powf(4.0 * u - 2.0));
    (log_target, slope)
}

fn solve(
    elliptic: &mut Elliptic,
    scale: f64,
    slope: &Field,
    rhs: &Field,
    tolerance: f64,
) -> (Field, Report) {
    let mut x = Field::zeros(rhs.dim());
    let report = elliptic.solve(scale, slope, rhs, tolerance, &mut x);
    (x, report.unwrap())
}

fn both(gpu: &Gpu, grid: &Grid, log_target: &Field) -> [Elliptic; 2] {
    [
        Elliptic::new(grid, log_target).unwrap(),
        Elliptic::on_gpu(gpu, grid, log_target).unwrap(),
    ]
}

/// The error is what was asked for, whatever f32 holds of it, at every scale; as many iterations a digit are made as on the CPU, but that each
/// round starts anew.
#[test]
fn solutions_are_those_of_the_cpu_at_any_tolerance() {
    let Some(gpu) = gpu() else { return };
    for grid in grids() {
        let (log_target, slope) = problem(&grid);
        let [mut cpu, mut device] = both(&gpu, &grid, &log_target);
        let rhs = noise_field(&grid, 1) - 0.5;
        for scale in [1e-6, 1e-2, 1e3] {
            let (exact, reference) = solve(&mut cpu, scale, &slope, &rhs, 1e-12);
            for tolerance in [1e-2, 1e-4, 1e-11] {
                let (x, report) = solve(&mut device, scale, &slope, &rhs, tolerance);
                let error = largest(&(&x - &exact)) / largest(&exact);
                println!(
                    "{:?} {scale:e} {tolerance:e}: error {error:.1e}, {} iterations, {} on the CPU to 1e-12",
                    grid.shape(),
                    report.iterations,
                    reference.iterations
                );
                assert!(
                    error <= tolerance,
                    "{:?} {scale:e} {tolerance:e}: {error:e}",
                    grid.shape()
                );
                assert!(report.iterations <= reference.iterations + 10, "{report:?}");
            }
        }
    }
}

/// Σ π x/ψ' = Σ π b/ψ' to the rounding of f64, however far from the solution x is.
#[test]
fn what_the_operator_conserves_is_kept_in_double_precision() {
    let Some(gpu) = gpu() else { return };
    for grid in grids() {
        let (log_target, slope) = problem(&grid);
        let [_, mut device] = both(&gpu, &grid, &log_target);
        let rhs = noise_field(&grid, 2);
        let (x, _) = solve(&mut device, 10.0, &slope, &rhs, 1e-2);
        let sum = |field: &Field| -> f64 {
            let weights = log_target.iter().zip(&slope);
            let terms = weights
                .zip(field)
                .map(|((ln, slope), x)| ln.exp() / slope * x);
            terms.sum()
        };
        let (before, after) = (sum(&rhs), sum(&x));
        assert!((after / before - 1.0).abs() < 1e-13, "{before} {after}");
    }
}

#[test]
fn the_same_device_gives_the_same_bits() {
    let Some(gpu) = gpu() else { return };
    for grid in [&grids()[1], &grids()[4]] {
        let (log_target, slope) = problem(grid);
        let rhs = noise_field(grid, 3) - 0.5;
        let [_, mut device] = both(&gpu, grid, &log_target);
        let first = solve(&mut device, 0.3, &slope, &rhs, 1e-9);
        // What ran before leaves no trace, nor does the order of set-ups.
        solve(&mut device, 1e4, &slope, &noise_field(grid, 4), 1e-3);
        let again = solve(&mut device, 0.3, &slope, &rhs, 1e-9);
        let [_, mut other] = both(&gpu, grid, &log_target);
        let fresh = solve(&mut other, 0.3, &slope, &rhs, 1e-9);
        assert_eq!(first, again);
        assert_eq!(first, fresh);
    }
}

/// At both ends of the scale the answer is known: b itself, and its mean.
#[test]
fn extreme_scales_give_the_right_hand_side_and_its_mean() {
    let Some(gpu) = gpu() else { return };
    for grid in [&grids()[0], &grids()[5]] {
        let (log_target, _) = problem(grid);
        let slope = Field::ones(grid.shape());
        let rhs = noise_field(grid, 5);
        let [_, mut device] = both(&gpu, grid, &log_target);
        let (x, _) = solve(&mut device, 1e-30, &slope, &rhs, 1e-10);
        assert!(largest(&(&x - &rhs)) < 1e-12);
        let weights = log_target.mapv(f64::exp);
        let mean = (&weights * &rhs).sum() / weights.sum();
        let (x, report) = solve(&mut device, 1e12, &slope, &rhs, 1e-8);
        let error = x.iter().map(|x| (x / mean - 1.0).abs()).fold(0.0, f64::max);
        assert!(error < 1e-7, "{error:e} {report:?}");
    }
}

#[test]
fn a_good_first_guess_is_used() {
    let Some(gpu) = gpu() else { return };
    let grid = &grids()[0];
    let (log_target, slope) = problem(grid);
    let rhs = noise_field(grid, 6);
    let [_, mut device] = both(&gpu, grid, &log_target);
    let (mut x, from_zero) = solve(&mut device, 1.0, &slope, &rhs, 1e-8);
    let again = device.solve(1.0, &slope, &rhs, 1e-8, &mut x).unwrap();
    assert!(again.iterations < from_zero.iterations, "{again:?}");
}

#[test]
fn what_the_device_cannot_solve_is_refused() {
    let Some(gpu) = gpu() else { return };
    let line = grid(&[(0.0, 1.0, 9, NoFlux)]);
    let error = Elliptic::on_gpu(&gpu, &line, &Field::zeros(line.shape())).unwrap_err();
    assert_eq!(error, EllipticError::LineOnGpu);
    assert!(error.to_string().contains("--backend cpu"), "{error}");

    let grid = grid(&[(0.0, 1.0, 8, NoFlux), (0.0, 1.0, 8, NoFlux)]);
    let mut log_target = Field::zeros(grid.shape());
    log_target[(0, 2, 5)] = -61.0;
    let error = Elliptic::on_gpu(&gpu, &grid, &log_target).unwrap_err();
    let expected = EllipticError::Underflow {
        cell: (0, 2, 5),
        depth: 61.0,
        limit: 60.0,
    };
    assert_eq!(error, expected);

    let mut elliptic = Elliptic::on_gpu(&gpu, &grid, &Field::zeros(grid.shape())).unwrap();
    let ones = Field::ones(grid.shape());
    let mut rhs = ones.clone();
    rhs[(0, 3, 1)] = f64::NAN;
    let mut x = Field::zeros(grid.shape());
    let error = elliptic.solve(1.0, &ones, &rhs, 1e-8, &mut x).unwrap_err();
    let named = matches!(
        error,
        EllipticError::NotFinite {
            cell: (0, 3, 1),
            ..
        }
    );
    assert!(named, "{error}");
}
