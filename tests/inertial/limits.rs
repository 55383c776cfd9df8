//! From Hamiltonian to gradient flow: what strong friction leaves.

use ottoflow::divergence::DivergenceKind;
use ottoflow::exact::{self, convergence_order, l1_distance, log_gaussian};
use ottoflow::flow::{InertialSettings, Problem, Stepping};
use ottoflow::grid::{Axis, Boundary, Grid};
use ottoflow::metrics::divergence;

use crate::setup::{advance_to, box_of, gaussians, implicit, inertial, moments, overdamped};

/// How fast the mean of a slightly displaced Gaussian decays between the times 1 and 4.
fn rate(problem: &ottoflow::flow::Problem, mut method: Box<dyn ottoflow::flow::Method>) -> f64 {
    let [early, late] = [1.0, 4.0].map(|time| {
        advance_to(method.as_mut(), time);
        moments(problem, &method.state().unwrap()).0
    });
    (early / late).ln() / 3.0
}

/// The steps are the same for all γ: 0.1 in time t/γ, which at γ = 10⁸ is 10¹⁶ times the time in which friction acts.
#[test]
fn relaxation_is_that_of_the_gradient_flow_for_any_strong_friction() {
    for cells in [100, 200] {
        for order in [1, 2] {
            let grid = box_of(1, cells, 8.0, Boundary::NoFlux);
            let (problem, state) = gaussians(DivergenceKind::JensenShannon, grid, 0.01, 1.0);
            let flow = rate(
                &problem,
                implicit(&problem, &state, Stepping::Fixed { step: 0.1, order }),
            );
            for exponent in [1, 2, 3, 4, 5, 6, 8] {
                let friction = 10f64.powi(exponent);
                let settings = overdamped(friction, 0.1, order);
                let ratio = rate(&problem, inertial(&problem, &state, settings)) / flow;
                assert!(
                    (ratio - 1.0).abs() <= 0.01,
                    "{cells} cells, order {order}, γ = {friction:e}: {ratio:.4}"
                );
            }
        }
    }
}

#[test]
fn the_distance_to_the_gradient_flow_falls_with_the_square_of_1_over_friction() {
    for &kind in DivergenceKind::ALL {
        let grid = box_of(1, 120, 5.0, Boundary::NoFlux);
        let (problem, state) = gaussians(kind, grid, 0.3, 0.8);
        let mut flow = implicit(
            &problem,
            &state,
            Stepping::Fixed {
                step: 0.01,
                order: 1,
            },
        );
        advance_to(flow.as_mut(), 0.5);
        let flow = flow.state().unwrap();
        let distances = [40.0, 80.0, 160.0, 320.0].map(|friction| {
            let mut method = inertial(&problem, &state, overdamped(friction, 0.01, 1));
            advance_to(method.as_mut(), 0.5);
            let distance = l1_distance(&problem, &method.state().unwrap(), &flow);
            (friction, distance)
        });
        let slope = -convergence_order(&distances);
        assert!(
            (slope - 2.0).abs() <= 0.2,
            "{kind:?}: {slope:.2} {distances:?}"
        );
    }
}

/// The vanishing gradient (docs/mathematics.md, §4): six decades of time, through tails that hold next to nothing but let all mass pass.
#[test]
fn far_densities_meet_when_those_of_the_gradient_flow_do() {
    for (distance, expected) in [(2.0, 0.2380), (4.0, 7.091), (8.0, 9.274e5)] {
        let grid = Grid::new(vec![Axis {
            lower: -6.0,
            upper: 14.0,
            cells: 800,
            boundary: Boundary::NoFlux,
        }])
        .unwrap();
        let gaussian = |mean: f64, std: f64| {
            let density = log_gaussian([mean, 0.0, 0.0], [std, 1.0, 1.0]);
            exact::normalised(&grid, grid.sample(density))
        };
        let problem = Problem {
            log_target: gaussian(8.0, 1.25),
            divergence: DivergenceKind::JensenShannon,
            grid: grid.clone(),
        };
        let state = exact::start(&problem, &gaussian(8.0 - distance, 1.0));
        let settings = InertialSettings {
            stepping: Stepping::Adaptive { tolerance: 1e-4 },
            ..overdamped(1e3, 1.0, 2)
        };
        let mut method = inertial(&problem, &state, settings);
        let mut before = (0.0, divergence(&problem, &state));
        let meeting = loop {
            let time = method.advance(1e12).unwrap().time;
            let now = divergence(&problem, &method.state().unwrap());
            if now <= 0.5 {
                break before.0 + (before.1 - 0.5) / (before.1 - now) * (time - before.0);
            }
            before = (time, now);
        };
        assert!(
            (meeting / expected - 1.0).abs() <= 5e-3,
            "{distance}: {meeting:.4e}"
        );
    }
}

/// At γ = 10⁸ what is left of inertia is below the accuracy of either solver: the step is backward Euler's.
#[test]
fn at_vanishing_inertia_a_step_is_that_of_backward_euler() {
    for &kind in DivergenceKind::ALL {
        for boundary in [Boundary::NoFlux, Boundary::Periodic] {
            let (problem, state) = crate::setup::waves(kind, box_of(1, 80, 1.0, boundary));
            let mut flow = implicit(
                &problem,
                &state,
                Stepping::Fixed {
                    step: 0.01,
                    order: 1,
                },
            );
            let mut method = inertial(&problem, &state, overdamped(1e8, 0.01, 1));
            advance_to(flow.as_mut(), 0.2);
            advance_to(method.as_mut(), 0.2);
            let distance = l1_distance(&problem, &method.state().unwrap(), &flow.state().unwrap());
            assert!(distance <= 1e-12, "{kind:?} {boundary:?}: {distance:.1e}");
        }
    }
}
