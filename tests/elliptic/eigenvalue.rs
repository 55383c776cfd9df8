//! The smallest eigenvalue where it is known.

use std::f64::consts::PI;

use ottoflow::elliptic::smallest_eigenvalue;
use ottoflow::grid::Boundary::{NoFlux, Periodic};
use ottoflow::grid::Field;

use crate::problems::cube;

#[test]
fn boxes_and_tori_have_their_eigenvalue() {
    for (dimension, cells) in [(1, 200), (2, 41), (3, 16)] {
        for boundary in [NoFlux, Periodic] {
            let grid = cube(dimension, 1.5, cells, boundary);
            let h = grid.axes()[0].spacing();
            let wave = if boundary == NoFlux {
                PI / 3.0
            } else {
                2.0 * PI / 3.0
            };
            let exact = (2.0 * (0.5 * wave * h).sin() / h).powi(2);
            let eigenvalue = smallest_eigenvalue(&grid, &Field::zeros(grid.shape())).unwrap();
            assert!(
                (eigenvalue / exact - 1.0).abs() < 1e-9,
                "{dimension}-D, {boundary:?}: {eigenvalue} against {exact}"
            );
        }
    }
}

/// 1/σ² with an error that falls by four when h is halved.
#[test]
fn gaussians_have_their_eigenvalue_to_second_order() {
    let std = 0.7;
    for (dimension, cells) in [(1, 60), (2, 40), (3, 18)] {
        let error = |cells| {
            let grid = cube(dimension, 8.0 * std, cells, NoFlux);
            let log_target = grid
                .sample(|center| -0.5 * center.iter().map(|x| x * x).sum::<f64>() / (std * std));
            smallest_eigenvalue(&grid, &log_target).unwrap() * std * std - 1.0
        };
        let (coarse, fine) = (error(cells), error(2 * cells));
        let order = (coarse / fine).log2();
        assert!(
            (1.85..2.15).contains(&order),
            "{dimension}-D: errors {coarse:e}, {fine:e}"
        );
    }
}

/// Two far wells exchange mass through the barrier alone: λ = (1/m₁ + 1/m₂)/Σ 1/a over the faces between them, here 1e-21.
#[test]
fn a_high_barrier_has_its_rate() {
    let grid = cube(1, 18.0, 800, NoFlux);
    let log_target = grid.sample(|[x, ..]| {
        let (a, b) = (
            -0.5 * (x - 10.0f64).powi(2),
            -0.5 * (x + 10.0f64).powi(2) - 0.5,
        );
        a.max(b) + (-(a - b).abs()).exp().ln_1p()
    });
    let h = grid.axes()[0].spacing();
    let values: Vec<f64> = log_target.iter().copied().collect();
    let resistance: f64 = (values.windows(2).enumerate())
        .filter(|(i, _)| grid.axes()[0].center(*i).abs() < 9.0)
        .map(|(_, pair)| h * h * (-0.5 * (pair[0] + pair[1])).exp())
        .sum();
    let mass = |side: f64| -> f64 {
        (values.iter().enumerate())
            .filter(|(i, _)| side * grid.axes()[0].center(*i) > 0.0)
            .map(|(_, l)| l.exp())
            .sum()
    };
    let exact = (1.0 / mass(1.0) + 1.0 / mass(-1.0)) / resistance;
    let eigenvalue = smallest_eigenvalue(&grid, &log_target).unwrap();
    assert!(exact < 1e-20);
    assert!(
        (eigenvalue / exact - 1.0).abs() < 1e-6,
        "{eigenvalue:e} against {exact:e}"
    );
}
