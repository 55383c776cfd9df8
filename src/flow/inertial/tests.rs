//! What a solve leaves, held against solves to rounding.

use std::f64::consts::PI;

use super::{Friction, Inertial, InertialSettings};
use crate::divergence::{Divergence, DivergenceKind, with_divergence};
use crate::elliptic::Elliptic;
use crate::flow::implicit::Accuracy;
use crate::flow::{Method, Problem, State, Stepping};
use crate::grid::{Axis, Boundary, Field, Grid};

const STEPS: usize = 4;

/// Two waves.
fn waves(
    divergence: DivergenceKind,
    dimension: usize,
    cells: usize,
    boundary: Boundary,
) -> (Problem, State) {
    let axis = Axis {
        lower: -1.0,
        upper: 1.0,
        cells,
        boundary,
    };
    let grid = Grid::new(vec![axis; dimension]).unwrap();
    let wave = |factor: f64, phase: f64| {
        let along = move |x: &f64| factor * (PI * x + phase).cos();
        let sum = grid.sample(move |at| at[..dimension].iter().map(along).sum());
        let mass = sum.mapv(f64::exp).sum() * grid.cell_volume();
        sum - mass.ln()
    };
    let log_target = wave(0.7, 0.3);
    let state = State {
        time: 0.0,
        log_ratio: wave(-0.5, 1.1) - &log_target,
    };
    let problem = Problem {
        log_target,
        divergence,
        grid,
    };
    (problem, state)
}

/// The density after each step, and what its solves were allowed to leave, which is 0 at full accuracy.
fn densities<D: Divergence>(
    problem: &Problem,
    state: &State,
    settings: InertialSettings,
    accuracy: Accuracy,
) -> Vec<(Field, f64)> {
    let elliptic = Elliptic::new(&problem.grid, &problem.log_target).unwrap();
    let mut method = Inertial::<D>::new(problem, state, settings, elliptic, None).unwrap();
    method.stage.euler.accuracy = accuracy;
    let mut after = |_| {
        method.advance(1e9).unwrap();
        let left = method.stage.euler.accuracy.rest.unwrap_or(0.0);
        (method.state().unwrap().density(problem), left)
    };
    (0..STEPS).map(&mut after).collect()
}

/// Solves leave what they may at most, and little beside the error of the steps in time.
fn compare<D: Divergence>(kind: DivergenceKind) {
    for (dimension, cells, boundary) in [(2, 48, Boundary::NoFlux), (3, 12, Boundary::Periodic)] {
        let (problem, state) = waves(kind, dimension, cells, boundary);
        let distance = |a: &Field, b: &Field| {
            let volume = problem.grid.cell_volume();
            (a - b).mapv(f64::abs).sum() * volume
        };
        for (friction, order) in [(0.0, 1), (0.0, 2), (0.5, 1), (0.5, 2), (1e3, 1), (1e3, 2)] {
            let of = |step: f64, accuracy: Accuracy| {
                let settings = InertialSettings {
                    stepping: Stepping::Fixed { step, order },
                    friction: Friction::Constant(friction),
                    restart: false,
                    overdamped: friction > 1.0,
                };
                densities::<D>(&problem, &state, settings, accuracy)
            };
            let [rough, full] =
                [Accuracy::OF_A_STEP, Accuracy::FULL].map(|accuracy| of(0.01, accuracy));
            let shorter = of(0.005, Accuracy::FULL);
            let mut allowed = 0.0;
            for (step, ((rough, left), (full, _))) in rough.iter().zip(&full).enumerate() {
                allowed += f64::from(order) * left;
                let distance = distance(rough, full);
                let what = format!(
                    "{kind:?} {dimension}-D γ = {friction}, order {order}, step {step}: {distance:.1e}"
                );
                assert!(distance <= allowed, "{what} of {allowed:.1e}");
            }
            for (step, (halved, _)) in shorter.iter().skip(1).step_by(2).enumerate() {
                let [left, error] =
                    [&rough[step].0, halved].map(|other| distance(other, &full[step].0));
                assert!(
                    left <= 0.01 * error + 1e-9 * f64::from(order) * (step + 1) as f64,
                    "{kind:?} {dimension}-D γ = {friction}, order {order}, step {step}: {left:.1e}, error {error:.1e}"
                );
            }
        }
    }
}

#[test]
fn a_solve_leaves_no_more_than_it_may_and_little_beside_the_error_in_time() {
    for &kind in DivergenceKind::ALL {
        with_divergence!(kind, D => compare::<D>(kind));
    }
}
