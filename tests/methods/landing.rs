//! Output times are met exactly, whatever the steps.

use ottoflow::divergence::DivergenceKind;
use ottoflow::grid::Boundary;

use crate::setup::{
    adaptive, box_of, explicit, explicit_bound, implicit, jko, smooth_problem, started,
};

/// Not representable, close together, far apart.
const TIMES: [f64; 6] = [0.1 / 3.0, 0.05, 0.05 + 1e-9, 0.1, 0.3, 1.0 / 3.0];

#[test]
fn every_method_lands_on_output_times_to_the_last_bit_with_steps_no_longer_than_asked() {
    let (problem, start) = smooth_problem(
        DivergenceKind::JensenShannon,
        box_of(1, 20, 0.0, 1.0, Boundary::NoFlux),
    );
    let bound = explicit_bound(&problem, &start);
    let cases = [
        (explicit(1, None), f64::INFINITY),
        (explicit(3, Some(0.7 * bound)), 0.7 * bound),
        (implicit(1, 0.007), 0.007),
        (implicit(2, 0.007), 0.007),
        (adaptive(1e-4), f64::INFINITY),
        (jko(1, 0.007), 0.007),
        (jko(2, 0.007), 0.007),
    ];
    for (settings, longest) in cases {
        let mut method = started(&problem, &start, settings);
        for until in TIMES {
            let mut before = method.time();
            while method.time() < until {
                let advance = method.advance(until).unwrap();
                assert_eq!(advance.time, method.time(), "{settings:?}");
                assert!(advance.time <= until, "{settings:?} passed {until}");
                assert!(
                    advance.step <= longest * (1.0 + 1e-9),
                    "{settings:?}: step {}",
                    advance.step
                );
                let covered = advance.steps as f64 * advance.step;
                let error = (before + covered - advance.time).abs();
                assert!(
                    error <= 1e-9 * advance.time,
                    "{settings:?}: {} steps of {}",
                    advance.steps,
                    advance.step
                );
                before = advance.time;
            }
            assert_eq!(method.time().to_bits(), until.to_bits(), "{settings:?}");
            assert_eq!(method.state().unwrap().time.to_bits(), until.to_bits());
        }
    }
}

#[test]
fn methods_claim_the_order_they_were_asked_for() {
    let (problem, start) = smooth_problem(
        DivergenceKind::Kl,
        box_of(1, 20, 0.0, 1.0, Boundary::NoFlux),
    );
    let cases = [
        (explicit(1, None), 1, [true; 3]),
        (explicit(2, None), 2, [true; 3]),
        (explicit(3, None), 3, [true; 3]),
        (implicit(1, 0.1), 1, [true; 3]),
        (implicit(2, 0.1), 2, [true, false, false]),
        (adaptive(1e-4), 2, [true, false, false]),
        (jko(1, 0.1), 1, [false, true, false]),
        (jko(2, 0.1), 2, [false, false, false]),
    ];
    for (settings, order, structure) in cases {
        let claims = started(&problem, &start, settings).claims();
        let claimed = [
            claims.keeps_bounds,
            claims.decreases_own_divergence,
            claims.decreases_divergences,
        ];
        assert_eq!((claims.order, claimed), (order, structure), "{settings:?}");
        assert!(claims.conserves_mass, "{settings:?}");
    }
}
