//! Order 2: variable steps, mass and positivity on long runs, rings, and steps so long that faces would cross.

use ottoflow::divergence::DivergenceKind;
use ottoflow::exact::{convergence_order, l1_distance};
use ottoflow::grid::Boundary;
use ottoflow::metrics::metrics;

use crate::setup::{even_problem, gaussian_to_two, implicit, jko, line, problem, reached, started};

/// Output times at uneven distances make every few steps of another length, and two of them a step of next to nothing.
#[test]
fn uneven_output_times_leave_the_order() {
    let (problem, start) = even_problem(DivergenceKind::Kl, 400);
    let times = [0.0037, 0.0037 + 1e-9, 0.0091, 0.0123, 0.02];
    let truth = reached(&problem, &start, implicit(2, 0.02 / 4096.0), 0.02);
    let error = |step: f64| {
        let mut method = started(&problem, &start, jko(2, step));
        for until in times {
            while method.time() < until {
                method.advance(until).unwrap();
            }
        }
        let found = method.state().unwrap();
        (step, l1_distance(&problem, &found, &truth))
    };
    let errors = [2.5e-4, 1.25e-4, 6.25e-5, 3.125e-5].map(error);
    let order = convergence_order(&errors);
    println!("order {order:.3}, {errors:?}");
    assert!((order - 2.0).abs() <= 0.15, "{order}: {errors:?}");
}

#[test]
fn on_a_ring_order_2_is_kept_and_the_place_of_the_seam_does_not_matter() {
    let wave = std::f64::consts::TAU / 3.0;
    let make = |shift: f64| {
        problem(
            line(0.0, 3.0, 300, Boundary::Periodic),
            DivergenceKind::JensenShannon,
            |x| (wave * (x - shift) + 0.4).cos(),
            |x| 1.5 * (wave * (x - shift) + 2.0).sin(),
        )
    };
    let (ring, start) = make(0.0);
    let (turned, turned_start) = make(0.85);
    let end = 0.4;
    let truth = reached(&ring, &start, implicit(2, end / 2048.0), end);
    let mut errors = Vec::new();
    for steps in [8.0, 16.0, 32.0, 64.0] {
        let settings = jko(2, end / steps);
        let found = reached(&ring, &start, settings, end);
        let turned_found = reached(&turned, &turned_start, settings, end);
        let there = (0..300).map(|i| turned_found.log_ratio[[0, 0, (i + 85) % 300]]);
        let apart = found.log_ratio.iter().zip(there);
        let apart = apart.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(apart <= 1e-11, "{steps} steps: {apart:e}");
        errors.push((end / steps, l1_distance(&ring, &found, &truth)));
    }
    let order = convergence_order(&errors);
    println!("order {order:.3}, {errors:?}");
    assert!((order - 2.0).abs() <= 0.15, "{order}: {errors:?}");
}

/// From a narrow start, and with steps that go most of the way at once.
#[test]
fn mass_and_certificates_hold_where_faces_would_cross() {
    for &kind in DivergenceKind::ALL {
        for tau in [1e-3, 1e-1, 1.0, 10.0] {
            let (problem, start) = gaussian_to_two(kind, 200);
            let mut method = started(&problem, &start, jko(2, tau));
            let first = metrics(&problem, &start);
            let mut last = first.divergence;
            for _ in 0..20 {
                let advance = method.advance(100.0 * tau).unwrap();
                assert!(advance.transport.unwrap().gap >= 0.0);
                let state = method.state().unwrap();
                let now = metrics(&problem, &state);
                let error = (now.mass / first.mass - 1.0).abs();
                assert!(error <= 1e-13, "{} τ = {tau}: {error:e}", kind.name());
                assert!(state.log_ratio.iter().all(|ln| ln.is_finite()));
                last = now.divergence;
            }
            assert!(last < first.divergence, "{} τ = {tau}: {last}", kind.name());
            if tau == 10.0 {
                assert!(last <= 1e-8, "{} τ = {tau}: {last:e}", kind.name());
            }
        }
    }
}

#[test]
fn mass_is_kept_through_10000_steps() {
    let (problem, start) = gaussian_to_two(DivergenceKind::JensenShannon, 100);
    let mut method = started(&problem, &start, jko(2, 1e-3));
    let first = metrics(&problem, &start).mass;
    for _ in 0..10_000 {
        method.advance(10.0).unwrap();
    }
    let error = (metrics(&problem, &method.state().unwrap()).mass / first - 1.0).abs();
    println!("{error:e}");
    assert!(error <= 1e-13, "{error:e}");
}
