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

/// The density after each step.
fn densities<D: Divergence>(
    problem: &Problem,
    state: &State,
    settings: InertialSettings,
    accuracy: Accuracy,
) -> Vec<Field> {
    let elliptic = Elliptic::new(&problem.grid, &problem.log_target).unwrap();
    let mut method = Inertial::<D>::new(problem, state, settings, elliptic, None).unwrap();
    method.stage.euler.accuracy = accuracy;
    let mut after = |_| {
        method.advance(1e9).unwrap();
        method.state().unwrap().density(problem)
    };
    (0..STEPS).map(&mut after).collect()
}

/// Every solve leaves 10⁻⁹ in L1 of ρ at most.
fn compare<D: Divergence>(kind: DivergenceKind) {
    for (dimension, cells, boundary) in [(2, 48, Boundary::NoFlux), (3, 12, Boundary::Periodic)] {
        let (problem, state) = waves(kind, dimension, cells, boundary);
        for (friction, order) in [(0.0, 1), (0.0, 2), (0.5, 1), (0.5, 2), (1e3, 1), (1e3, 2)] {
            let settings = InertialSettings {
                stepping: Stepping::Fixed { step: 0.01, order },
                friction: Friction::Constant(friction),
                restart: false,
                overdamped: friction > 1.0,
            };
            let [rough, full] = [Accuracy::OF_A_STEP, Accuracy::FULL]
                .map(|accuracy| densities::<D>(&problem, &state, settings, accuracy));
            for (step, (rough, full)) in rough.iter().zip(&full).enumerate() {
                let distance = (rough - full).mapv(f64::abs).sum() * problem.grid.cell_volume();
                let solves = (step + 1) * usize::from(order);
                assert!(
                    distance <= 1e-9 * solves as f64,
                    "{kind:?} {dimension}-D γ = {friction}, order {order}, step {step}: {distance:.1e}"
                );
            }
        }
    }
}

#[test]
fn a_solve_leaves_no_more_than_it_may() {
    for &kind in DivergenceKind::ALL {
        with_divergence!(kind, D => compare::<D>(kind));
    }
}
