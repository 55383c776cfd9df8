//! What every step keeps: the JKO inequality, mass, symmetry; and that the tails count.

use ottoflow::divergence::DivergenceKind;
use ottoflow::exact::l1_distance;
use ottoflow::flow::State;
use ottoflow::grid::{Boundary, Field};
use ottoflow::metrics::{divergence, metrics, wasserstein_1d};

use crate::setup::{gaussian_to_two, jko, line, one_step, problem, started};

#[test]
fn every_step_lowers_j_by_its_transport_cost_and_all_together_by_no_more_than_j() {
    for &kind in DivergenceKind::ALL {
        for tau in [1e-3, 1e-1, 10.0] {
            let (problem, start) = gaussian_to_two(kind, 400);
            let mut method = started(&problem, &start, jko(1, tau));
            let first = metrics(&problem, &start);
            let (mut before, mut sum) = (first.divergence, 0.0);
            for step in 1..=20 {
                let transport = method.advance(f64::from(step) * tau).unwrap().transport;
                let transport = transport.unwrap();
                let now = metrics(&problem, &method.state().unwrap());
                let paid = transport.cost / (2.0 * tau);
                assert!(
                    now.divergence + paid <= before * (1.0 + 1e-12),
                    "{} τ = {tau}, step {step}: {} + {paid} > {before}",
                    kind.name(),
                    now.divergence
                );
                assert!(
                    transport.gap >= 0.0 && transport.gap <= 1e-8 * paid + 1e-15 * before,
                    "{} τ = {tau}, step {step}: gap {:e}",
                    kind.name(),
                    transport.gap
                );
                assert!((now.mass / first.mass - 1.0).abs() <= 1e-13);
                sum += paid;
                before = now.divergence;
            }
            assert!(sum <= first.divergence, "{} τ = {tau}: {sum}", kind.name());
        }
    }
}

/// W2² of a step against the distance of the two densities as the metrics compute it, whose cells are constant: O(h²) apart.
#[test]
fn the_transport_cost_is_the_distance_of_the_two_densities() {
    for tau in [0.01, 1.0] {
        let errors = [200, 400, 800].map(|cells| {
            let (problem, start) = gaussian_to_two(DivergenceKind::JensenShannon, cells);
            let (state, transport) = one_step(&problem, &start, tau);
            let [before, after] = [&start, &state].map(|state| state.density(&problem));
            let distance = wasserstein_1d(&problem.grid, &before, &after).unwrap();
            (transport.cost.sqrt() / distance - 1.0).abs()
        });
        println!("τ = {tau}: {errors:?}");
        assert!(
            errors[2] < 1e-3 && errors[2] < 0.4 * errors[1],
            "τ = {tau}: {errors:?}"
        );
    }
}

fn rotated(state: &State, by: usize) -> State {
    let n = state.log_ratio.len();
    let values: Vec<f64> = state.log_ratio.iter().copied().collect();
    State {
        time: state.time,
        log_ratio: Field::from_shape_fn((1, 1, n), |(_, _, i)| values[(i + n - by) % n]),
    }
}

#[test]
fn on_a_ring_the_place_of_the_seam_does_not_matter() {
    for &kind in DivergenceKind::ALL {
        let wave = std::f64::consts::TAU / 3.0;
        let make = |shift: f64| {
            problem(
                line(0.0, 3.0, 60, Boundary::Periodic),
                kind,
                |x| (wave * (x - shift) + 0.4).cos() + 0.3 * (2.0 * wave * (x - shift)).sin(),
                |x| 2.0 * (wave * (x - shift) + 2.0).sin(),
            )
        };
        for tau in [0.01, 1.0] {
            let (problem, start) = make(0.0);
            let (moved_problem, moved_start) = make(17.0 * 0.05);
            let (state, transport) = one_step(&problem, &start, tau);
            let (moved, moved_transport) = one_step(&moved_problem, &moved_start, tau);
            let distance = l1_distance(&moved_problem, &rotated(&state, 17), &moved);
            assert!(distance <= 1e-12, "{} τ = {tau}: {distance:e}", kind.name());
            let costs = transport.cost / moved_transport.cost - 1.0;
            assert!(costs.abs() <= 1e-10, "{} τ = {tau}: {costs:e}", kind.name());
        }
    }
}

/// Half of a ring against the line: a problem that is even about two opposite points has no flux there.
#[test]
fn an_even_problem_on_a_ring_is_one_on_a_line() {
    for &kind in DivergenceKind::ALL {
        let (line_problem, line_start) = crate::setup::even_problem(kind, 100);
        let grid = line(-1.0, 1.0, 200, Boundary::Periodic);
        let even = |f: fn(f64) -> f64| move |x: f64| f(x);
        let (ring_problem, ring_start) = problem(
            grid,
            kind,
            even(crate::setup::even_log_target),
            even(crate::setup::even_log_density),
        );
        let (on_line, _) = one_step(&line_problem, &line_start, 0.02);
        let (on_ring, _) = one_step(&ring_problem, &ring_start, 0.02);
        let half = on_ring.log_ratio.iter().skip(100);
        let apart = half.zip(&on_line.log_ratio).map(|(a, b)| (a - b).abs());
        let apart = apart.fold(0.0, f64::max);
        // The density at a closed side is extrapolated, on the ring it is a face like any other.
        assert!(apart <= 1e-5, "{}: {apart:e}", kind.name());
    }
}

#[test]
fn empty_cells_are_filled() {
    for kind in [DivergenceKind::JensenShannon, DivergenceKind::Kl] {
        let (problem, mut start) = gaussian_to_two(kind, 200);
        for (i, ln) in start.log_ratio.iter_mut().enumerate() {
            if !(80..120).contains(&i) {
                *ln = f64::NEG_INFINITY;
            }
        }
        for tau in [1e-3, 0.1] {
            let (state, transport) = one_step(&problem, &start, tau);
            assert!(transport.cost > 0.0);
            let [before, after] = [&start, &state].map(|state| divergence(&problem, state));
            assert!(
                after + transport.cost / (2.0 * tau) <= before,
                "{}",
                kind.name()
            );
            let [mass, kept] = [&start, &state].map(|state| state.density(&problem).sum());
            assert!(
                (kept / mass - 1.0).abs() <= 1e-13,
                "{} {mass} {kept}",
                kind.name()
            );
            assert!(state.log_ratio.iter().all(|ln| ln.is_finite()));
        }
    }
}
