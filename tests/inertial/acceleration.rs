//! Inertia as acceleration: heavy ball, Nesterov's friction, restarts.

use ottoflow::divergence::DivergenceKind;
use ottoflow::exact::{self, log_gaussian};
use ottoflow::flow::{Friction, InertialSettings, Method, Problem, State, Stepping};
use ottoflow::grid::Boundary;
use ottoflow::metrics::divergence;

use crate::setup::{FAR, box_of, implicit, inertial};

fn wide() -> (Problem, State) {
    let grid = box_of(1, 160, 24.0, Boundary::NoFlux);
    let gaussian = |mean: f64, std: f64| {
        let density = log_gaussian([mean, 0.0, 0.0], [std, 1.0, 1.0]);
        exact::normalised(&grid, grid.sample(density))
    };
    let problem = Problem {
        log_target: gaussian(0.0, 4.0),
        divergence: DivergenceKind::Kl,
        grid: grid.clone(),
    };
    let state = exact::start(&problem, &gaussian(3.0, 3.0));
    (problem, state)
}

/// The time from which on J stays below 10⁻⁶.
fn time_to_rest(problem: &Problem, mut method: Box<dyn Method>, end: f64) -> f64 {
    let mut last = 0.0;
    while method.time() < end {
        method.advance(end).unwrap();
        if divergence(problem, &method.state().unwrap()) >= 1e-6 {
            last = method.time();
        }
    }
    last
}

#[test]
fn inertia_is_faster_than_the_gradient_flow_and_restarts_help() {
    let (problem, state) = wide();
    let run = |friction, restart| {
        let settings = InertialSettings {
            stepping: Stepping::Fixed {
                step: 0.1,
                order: 2,
            },
            friction,
            restart,
            overdamped: false,
        };
        time_to_rest(&problem, inertial(&problem, &state, settings), 130.0)
    };
    let flow = implicit(
        &problem,
        &state,
        Stepping::Fixed {
            step: 0.5,
            order: 2,
        },
    );
    let flow = time_to_rest(&problem, flow, 130.0);
    let ball = run(Friction::Constant(0.5), false);
    let nesterov = run(Friction::Nesterov, false);
    let restarted = run(Friction::Nesterov, true);
    println!(
        "flow {flow:.1}, heavy ball {ball:.1}, Nesterov {nesterov:.1}, restarted {restarted:.1}"
    );
    // J of the mean falls like e^{−2λt}, λ = 1/16: from about 0.4 to 10⁻⁶ within 103.
    assert!((flow - 102.0).abs() <= 6.0, "{flow}");
    assert!(ball <= 0.5 * flow, "{ball} {flow}");
    assert!(
        restarted <= 0.6 * flow && restarted < nesterov,
        "{restarted} {nesterov}"
    );
}

/// γ = 3/t: a single mode falls like (2 J₁(ωt)/(ωt)) (W. Su, S. Boyd, E. Candès 2016, §3.2), which is 0 first at ωt = 3.8317.
#[test]
fn the_mean_follows_the_bessel_function_under_nesterovs_friction() {
    let (problem, state) = wide();
    let settings = InertialSettings {
        stepping: Stepping::Fixed {
            step: 0.02,
            order: 2,
        },
        friction: Friction::Nesterov,
        restart: false,
        overdamped: false,
    };
    let mut method = inertial(&problem, &state, settings);
    let mut before = (0.0, 3.0);
    let crossing = loop {
        let time = method.advance(FAR).unwrap().time;
        let mean = method.motion().unwrap().mean[0];
        if mean <= 0.0 {
            break before.0 + before.1 / (before.1 - mean) * (time - before.0);
        }
        before = (time, mean);
    };
    let expected = 4.0 * 3.831_706;
    assert!(
        (crossing / expected - 1.0).abs() <= 2e-3,
        "{crossing} for {expected}"
    );
}
