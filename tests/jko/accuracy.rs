//! The orders in τ and h, against the flow.

use ottoflow::divergence::DivergenceKind;
use ottoflow::exact::{PoissonKernel, convergence_order, l1_distance};
use ottoflow::grid::Boundary;

use crate::setup::{even_problem, implicit, jko, line, one_step, reached};

/// On one grid: for τ → 0 the steps are those of the semi-discrete flow, which other methods solve too.
#[test]
fn steps_are_of_first_order_in_tau_for_every_divergence() {
    for &divergence in DivergenceKind::ALL {
        let (problem, start) = even_problem(divergence, 48);
        let end = 0.02;
        let truth = reached(&problem, &start, implicit(2, end / 2048.0), end);
        let mut errors = Vec::new();
        for steps in [8.0, 16.0, 32.0, 64.0] {
            let step = end / steps;
            let found = reached(&problem, &start, jko(1, step), end);
            errors.push((step, l1_distance(&problem, &found, &truth)));
        }
        let order = convergence_order(&errors);
        println!("{}: order {order:.3}, {errors:?}", divergence.name());
        assert!(
            (order - 1.0).abs() <= 0.1,
            "{}: order {order}: {errors:?}",
            divergence.name()
        );
    }
}

#[test]
fn the_exact_solution_is_met_to_first_order_in_tau_below_implicit_euler() {
    let grid = line(0.0, 1.0, 800, Boundary::NoFlux);
    let exact = PoissonKernel::on(&grid, 1.25).unwrap();
    let start = exact.state(&grid, 0.0);
    let end = 0.05;
    let truth = exact.state(&grid, end);
    let problem = PoissonKernel::problem(grid);
    let mut errors = Vec::new();
    for step in [0.01, 0.005, 0.0025, 0.00125] {
        let of =
            |settings| l1_distance(&problem, &reached(&problem, &start, settings, end), &truth);
        let (found, euler) = (of(jko(1, step)), of(implicit(1, step)));
        assert!(found <= euler, "τ = {step}: {found:e}, implicit {euler:e}");
        errors.push((step, found));
    }
    let order = convergence_order(&errors);
    println!("order {order:.3}, {errors:?}");
    assert!((order - 1.0).abs() <= 0.1, "{order}: {errors:?}");
}

/// Masses of 16 parts of the box after one step of fixed τ, far longer than h.
fn parts(divergence: DivergenceKind, cells: usize) -> Vec<f64> {
    let (problem, start) = even_problem(divergence, cells);
    let (state, _) = one_step(&problem, &start, 0.02);
    let density: Vec<f64> = state.density(&problem).iter().copied().collect();
    let part = cells / 16;
    density
        .chunks(part)
        .map(|chunk| chunk.iter().sum::<f64>() / cells as f64)
        .collect()
}

#[test]
fn a_step_is_of_second_order_in_h() {
    for &divergence in DivergenceKind::ALL {
        let truth = parts(divergence, 4096);
        let errors: Vec<(f64, f64)> = [32, 64, 128, 256]
            .map(|cells| {
                let found = parts(divergence, cells);
                let pairs = found.iter().zip(&truth);
                (1.0 / cells as f64, pairs.map(|(a, b)| (a - b).abs()).sum())
            })
            .to_vec();
        let order = convergence_order(&errors);
        println!("{}: order {order:.3}, {errors:?}", divergence.name());
        assert!(
            (order - 2.0).abs() <= 0.15,
            "{}: order {order}: {errors:?}",
            divergence.name()
        );
    }
}
