//! Order 2 in 2-D and 3-D: against itself, the exact solution, the method in 1-D, and over long steps.

use ottoflow::divergence::DivergenceKind;
use ottoflow::exact::{convergence_order, l1_distance, normalised, start as state_of};
use ottoflow::flow::{JkoSettings, MethodSettings, Problem, State};
use ottoflow::grid::{Axis, Boundary, Field, Grid};
use ottoflow::metrics::{divergence, metrics};

use crate::setup::started;
use crate::setup::{even_problem, jko as exact_jko, reached};
use crate::solid::{axis, even_plane, hard, mild, wave};

fn jko(order: u8, step: f64, gap: f64) -> MethodSettings {
    MethodSettings::Jko(JkoSettings {
        tolerance: None,
        step,
        order,
        gap,
    })
}

/// The order that the distances between results with τ and τ/2 show, which know nothing of the error in space.
fn order_in_tau(problem: &Problem, start: &State, end: f64, steps: &[u32]) -> f64 {
    let results: Vec<State> = steps
        .iter()
        .map(|steps| reached(problem, start, jko(2, end / f64::from(*steps), 1e-8), end))
        .collect();
    let distances: Vec<(f64, f64)> = results
        .windows(2)
        .zip(steps)
        .map(|(pair, steps)| {
            let distance = l1_distance(problem, &pair[0], &pair[1]);
            (end / f64::from(*steps), distance)
        })
        .collect();
    let order = convergence_order(&distances);
    println!(
        "{}: order {order:.3}, {distances:?}",
        problem.divergence.name()
    );
    order
}

#[test]
fn steps_are_of_second_order_for_every_divergence() {
    for &kind in DivergenceKind::ALL {
        let axes = vec![
            axis(64, 1.0, Boundary::NoFlux),
            axis(48, 0.7, Boundary::NoFlux),
        ];
        let (problem, start) = mild(axes, kind);
        let order = order_in_tau(&problem, &start, 0.02, &[16, 32, 64, 128]);
        assert!((order - 2.0).abs() <= 0.15, "{}: {order}", kind.name());
    }
}

/// A problem that is constant along one axis of three, whichever it is, closed along the second and a ring along the third.
#[test]
fn a_problem_of_two_axes_is_solved_in_three_dimensions_as_in_two() {
    let closed = axis(16, 1.0, Boundary::NoFlux);
    let ring = axis(20, 2.0, Boundary::Periodic);
    let idle = axis(5, 0.3, Boundary::NoFlux);
    let wave = |x: f64, number: f64| (number * std::f64::consts::PI * x).cos();
    let log_target = |[a, b]: [f64; 2]| 0.4 * wave(a, 1.0) * wave(b, 1.0);
    let log_density = |[a, b]: [f64; 2]| 0.3 * wave(a, 2.0) - 0.4 * wave(b - 0.3, 1.0);
    let solve = |axes: Vec<Axis>, [first, second]: [usize; 2]| {
        let grid = Grid::new(axes).unwrap();
        let target = grid.sample(|x| log_target([x[first], x[second]]));
        let density = grid.sample(|x| log_density([x[first], x[second]]));
        let problem = Problem {
            log_target: normalised(&grid, target),
            grid,
            divergence: DivergenceKind::JensenShannon,
        };
        let start = state_of(&problem, &normalised(&problem.grid, density));
        reached(&problem, &start, jko(2, 0.01, 1e-8), 0.06).log_ratio
    };
    let plane = solve(vec![closed, ring], [0, 1]);
    for (axes, places) in [
        (vec![closed, ring, idle], [0, 1]),
        (vec![closed, idle, ring], [0, 2]),
        (vec![idle, closed, ring], [1, 2]),
    ] {
        let space = solve(axes, places);
        let mut error = 0.0_f64;
        for ((z, y, x), ln) in space.indexed_iter() {
            let index = [x, y, z];
            let other = plane[(0, index[places[1]], index[places[0]])];
            error = error.max((ln - other).abs());
        }
        println!("{places:?}: {error:.1e}");
        assert!(error < 1e-9, "{places:?}: {error:.1e}");
    }
}

/// Eight steps to the solution along the diagonal: what is left of the error of order 1.
#[test]
fn the_exact_solution_is_met_more_closely_than_by_order_1() {
    let (problem, start, kernel) = wave(2, 128);
    let end = 0.02;
    let truth = kernel.state(&problem.grid, end);
    let [first, second] = [1, 2].map(|order| {
        let found = reached(&problem, &start, jko(order, end / 8.0, 1e-8), end);
        l1_distance(&problem, &found, &truth)
    });
    println!("{first:.2e} {second:.2e}");
    assert!(second < 0.2 * first, "{first:.2e} {second:.2e}");
}

/// A problem that is constant along y, over several steps, against order 2 in 1-D with the same cells.
#[test]
fn a_problem_of_one_axis_is_solved_as_in_one_dimension() {
    let kind = DivergenceKind::JensenShannon;
    let (tau, end) = (0.01, 0.05);
    let errors = [32, 64].map(|cells| {
        let (plane, start) = even_plane(cells, true);
        let after = reached(&plane, &start, jko(2, tau, 1e-8), end);
        let (line, start) = even_problem(kind, cells);
        let reference = reached(&line, &start, exact_jko(2, tau), end);
        let spread = State {
            time: after.time,
            log_ratio: Field::from_shape_fn(after.log_ratio.dim(), |(_, _, i)| {
                reference.log_ratio[(0, 0, i)]
            }),
        };
        let moved = l1_distance(&line, &reference, &start);
        l1_distance(&plane, &after, &spread) / moved
    });
    println!("{errors:?}");
    let [coarse, fine] = errors;
    assert!(fine < 1e-3 && fine < 0.35 * coarse, "{errors:?}");
}

/// From a narrow start far from the target, where movements cross: mass, certificates, and the end.
#[test]
fn mass_and_certificates_hold_in_the_hard_case() {
    let (problem, start) = hard(2, 48, 1e-2, 0.08);
    let mut method = started(&problem, &start, jko(2, 4e-3, 1e-2));
    let first = metrics(&problem, &start).mass;
    while method.time() < 0.04 {
        let transport = method.advance(0.04).unwrap().transport.unwrap();
        assert!(transport.gap >= 0.0 && transport.cost > 0.0);
        let now = metrics(&problem, &method.state().unwrap()).mass;
        assert!((now / first - 1.0).abs() <= 1e-12, "{}", now / first - 1.0);
    }
    let found = divergence(&problem, &method.state().unwrap());
    let flow = reached(&problem, &start, crate::setup::implicit(2, 1e-4), 0.04);
    let flow = divergence(&problem, &flow);
    println!("{found} {flow}");
    assert!((found / flow - 1.0).abs() < 0.02, "{found} {flow}");
}
