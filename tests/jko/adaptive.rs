//! Steps by a tolerance: the error follows it, every step keeps the laws, and a start that no long step can leave is left by short ones.

use ottoflow::divergence::DivergenceKind;
use ottoflow::exact::l1_distance;
use ottoflow::flow::{
    Advance, Device, FlowError, JkoSettings, MethodSettings, Problem, State, start,
};
use ottoflow::metrics::{divergence, metrics};

use crate::setup::{even_problem, gaussian_to_two, implicit, jko, reached, started};

fn adaptive(tolerance: f64, largest: f64) -> MethodSettings {
    MethodSettings::Jko(JkoSettings {
        step: largest,
        tolerance: Some(tolerance),
        order: 1,
        gap: 1e-8,
    })
}

/// All steps to a time, each held to the JKO inequality and to mass; the steps and the state.
fn lawful(
    problem: &Problem,
    state: &State,
    settings: MethodSettings,
    times: &[f64],
) -> (Vec<Advance>, State) {
    let mut method = started(problem, state, settings);
    let first = metrics(problem, state);
    let (mut before, mut sum) = (first.divergence, 0.0);
    let mut steps: Vec<Advance> = Vec::new();
    for until in times {
        while method.time() < *until {
            let from = method.time();
            let advance = method.advance(*until).unwrap();
            let state = method.state().unwrap();
            let now = metrics(problem, &state);
            let transport = advance.transport.unwrap();
            let paid = transport.cost / (2.0 * advance.step);
            let name = format!("{} step {}", problem.divergence.name(), steps.len());
            assert!(
                now.divergence + paid <= before + transport.gap + 1e-12 * before,
                "{name}: {} + {paid} > {before}",
                now.divergence
            );
            assert!(now.divergence <= before * (1.0 + 1e-12), "{name}: J rose");
            assert!((now.mass / first.mass - 1.0).abs() <= 1e-12, "{name}");
            assert!(
                (advance.time - from - advance.step).abs() <= 1e-12 * until,
                "{name}"
            );
            assert_eq!(advance.time, method.time(), "{name}");
            (before, sum) = (now.divergence, sum + paid);
            steps.push(advance);
        }
        assert_eq!(method.time(), *until, "steps land on output times");
    }
    assert!(sum <= first.divergence);
    (steps, method.state().unwrap())
}

#[test]
fn the_error_falls_with_the_tolerance_and_every_step_keeps_the_laws() {
    for &kind in DivergenceKind::ALL {
        let (problem, start) = even_problem(kind, 48);
        let end = 0.1;
        let truth = reached(&problem, &start, implicit(2, end / 4096.0), end);
        let mut errors = Vec::new();
        for tolerance in [1e-3, 1e-4, 1e-5] {
            let (steps, state) = lawful(&problem, &start, adaptive(tolerance, end), &[0.03, end]);
            errors.push((l1_distance(&problem, &state, &truth), steps.len()));
        }
        println!("{}: {errors:?}", kind.name());
        // The error of a step is of second order in τ, that of all together of first: √10 for each factor of 10.
        for pair in errors.windows(2) {
            let ratio = pair[0].0 / pair[1].0;
            assert!((2.0..5.5).contains(&ratio), "{}: {errors:?}", kind.name());
        }
    }
}

/// The tolerance is met by the pair of steps that is kept: against one that is far more accurate.
#[test]
fn two_steps_together_err_by_no_more_than_the_tolerance() {
    for &kind in DivergenceKind::ALL {
        let (problem, state) = even_problem(kind, 48);
        for tolerance in [1e-3, 1e-4] {
            let mut method = started(&problem, &state, adaptive(tolerance, 1.0));
            for _ in 0..4 {
                let before = method.state().unwrap();
                method.advance(1.0).unwrap();
                method.advance(1.0).unwrap();
                let after = method.state().unwrap();
                let length = after.time - before.time;
                let problem_from = State {
                    time: 0.0,
                    ..before
                };
                let truth = reached(&problem, &problem_from, implicit(2, length / 64.0), length);
                let error = l1_distance(&problem, &after, &truth);
                assert!(
                    error <= 1.3 * tolerance,
                    "{}: {error:e} over {length:e}, tolerance {tolerance:e}",
                    kind.name()
                );
            }
        }
    }
}

/// No τ is above the largest, and τ grows from a short first one.
#[test]
fn steps_grow_to_the_largest_and_not_beyond() {
    let (problem, start) = gaussian_to_two(DivergenceKind::JensenShannon, 200);
    let (steps, _) = lawful(&problem, &start, adaptive(0.5, 0.25), &[4.0]);
    let lengths: Vec<f64> = steps.iter().map(|advance| advance.step).collect();
    let largest = lengths.iter().copied().fold(0.0, f64::max);
    println!("{lengths:?}");
    assert!(lengths[0] < 0.05, "{lengths:?}");
    assert!((0.2..=0.25).contains(&largest), "{lengths:?}");
}

fn emptied(state: &State, empty: impl Fn(usize) -> bool) -> State {
    let mut start = state.clone();
    for (cell, ln) in start.log_ratio.iter_mut().enumerate() {
        if empty(cell) {
            *ln = f64::NEG_INFINITY;
        }
    }
    start
}

/// From a block in the middle of the box, all other cells empty: by short steps that grow, and by one of any length.
#[test]
fn a_start_with_empty_cells_is_left_by_short_steps_and_by_a_long_one() {
    for kind in [DivergenceKind::JensenShannon, DivergenceKind::Kl] {
        let (problem, state) = gaussian_to_two(kind, 200);
        let start = emptied(&state, |cell| !(80..120).contains(&cell));
        for tau in [1.0, 10.0, 100.0] {
            lawful(&problem, &start, jko(1, tau), &[tau]);
        }
        let (steps, after) = lawful(&problem, &start, adaptive(0.02, 1.0), &[2.0]);
        println!("{}: {} steps", kind.name(), steps.len());
        assert!(steps[0].step < 0.02, "{}", steps[0].step);
        assert!(after.log_ratio.iter().all(|ln| ln.is_finite()));
        assert!(divergence(&problem, &after) < 0.5 * divergence(&problem, &start));
    }
}

/// In 2-D, from a spot a few cells wide beside two wide bells over a floor, all cells around it empty.
#[test]
fn a_start_with_empty_cells_in_2_d_that_a_long_step_cannot_leave_is_left_by_short_ones() {
    let (problem, state) = crate::solid::hard(2, 48, 1e-2, 0.05);
    let log_ratios: Vec<f64> = state.log_ratio.iter().copied().collect();
    let start = emptied(&state, |cell| log_ratios[cell] < -8.0);
    let settings = |tolerance| {
        MethodSettings::Jko(JkoSettings {
            step: 3e-2,
            tolerance,
            order: 1,
            gap: 1e-2,
        })
    };
    let refused = started(&problem, &start, settings(None)).advance(3e-2);
    assert!(
        matches!(refused, Err(FlowError::Uncertified { .. })),
        "{refused:?}"
    );
    let (steps, after) = lawful(&problem, &start, settings(Some(0.1)), &[0.01]);
    println!("{} steps", steps.len());
    assert!(steps[0].step < 2e-3, "{}", steps[0].step);
    assert!(divergence(&problem, &after) < 0.95 * divergence(&problem, &start));
}

#[test]
fn a_tolerance_at_order_2_is_refused() {
    let (problem, state) = even_problem(DivergenceKind::Kl, 48);
    let settings = MethodSettings::Jko(JkoSettings {
        step: 0.1,
        tolerance: Some(1e-3),
        order: 2,
        gap: 1e-8,
    });
    let error = start(&problem, &state, settings, Device::CpuDouble).err();
    assert!(matches!(error, Some(FlowError::AdaptiveSecondOrder)));
}
