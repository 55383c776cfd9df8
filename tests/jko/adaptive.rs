//! Steps by a tolerance: the error follows it, every step keeps the laws, and a start that no long step can leave is left by short ones.

use ottoflow::divergence::DivergenceKind;
use ottoflow::exact::l1_distance;
use ottoflow::flow::{Advance, FlowError, JkoSettings, MethodSettings, Problem, State};
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

fn second(tolerance: f64, largest: f64, gap: f64) -> MethodSettings {
    MethodSettings::Jko(JkoSettings {
        step: largest,
        tolerance: Some(tolerance),
        order: 2,
        gap,
    })
}

/// All steps of order 2 to a time: their number, the state, and how many were rejected. Mass is kept, and each step is certified.
fn certified(
    problem: &Problem,
    state: &State,
    (tolerance, gap): (f64, f64),
    times: &[f64],
) -> (usize, State, usize) {
    let mut method = started(problem, state, second(tolerance, 1.0, gap));
    let first = metrics(problem, state);
    let (mut steps, mut rejected) = (0, 0);
    for until in times {
        let mut last = f64::INFINITY;
        while method.time() < *until {
            let advance = method.advance(*until).unwrap();
            assert!(advance.step <= 2.0 * last * (1.0 + 1e-9), "grows twofold");
            let transport = advance.transport.unwrap();
            // τ̂ is at least half of τ: the gap is held against W2²/(2τ̂).
            let allowed = gap * transport.cost / advance.step + 1e-15 * first.divergence;
            assert!(transport.gap <= allowed, "{transport:?}");
            (last, steps, rejected) = (advance.step, steps + 1, rejected + advance.rejected);
        }
        assert_eq!(method.time(), *until, "steps land on output times");
    }
    let state = method.state().unwrap();
    let mass = metrics(problem, &state).mass / first.mass;
    assert!((mass - 1.0).abs() <= 1e-12, "{mass}");
    (steps, state, rejected)
}

/// The error of a step is of third order in τ, that of all together of second: 10^⅔ for each factor of 10.
#[test]
fn at_order_2_the_error_falls_with_the_power_two_thirds_of_the_tolerance() {
    for &kind in DivergenceKind::ALL {
        let (problem, start) = even_problem(kind, 48);
        let end = 0.1;
        let truth = reached(&problem, &start, implicit(2, end / 8192.0), end);
        let runs = [1e-4, 1e-5, 1e-6].map(|tolerance| {
            let (steps, state, _) = certified(&problem, &start, (tolerance, 1e-8), &[0.03, end]);
            (l1_distance(&problem, &state, &truth), steps)
        });
        println!("{}: {runs:?}", kind.name());
        let slope = (runs[0].0 / runs[2].0).log10() / 2.0;
        assert!(
            (slope - 2.0 / 3.0).abs() <= 0.15,
            "{}: {slope}",
            kind.name()
        );
    }
}

/// Against one that is far more accurate.
#[test]
fn at_order_2_a_step_errs_by_no_more_than_the_tolerance() {
    for &kind in DivergenceKind::ALL {
        let (problem, state) = even_problem(kind, 48);
        for tolerance in [1e-3, 1e-4, 1e-5] {
            let mut method = started(&problem, &state, second(tolerance, 1.0, 1e-8));
            let mut largest = 0.0_f64;
            while method.time() < 0.1 {
                let before = method.state().unwrap();
                method.advance(1.0).unwrap();
                let after = method.state().unwrap();
                let length = after.time - before.time;
                let from = State {
                    time: 0.0,
                    ..before
                };
                let truth = reached(&problem, &from, jko(2, length / 64.0), length);
                largest = largest.max(l1_distance(&problem, &after, &truth));
            }
            println!("{}, {tolerance:e}: {largest:e}", kind.name());
            assert!(largest <= tolerance, "{}: {largest:e}", kind.name());
        }
    }
}

/// The same accuracy in fewer steps, by a tolerance as by a fixed step.
#[test]
fn at_order_2_a_tolerance_takes_fewer_solves_than_at_order_1() {
    let (problem, start) = gaussian_to_two(DivergenceKind::JensenShannon, 200);
    let end = 2.0;
    let truth = reached(&problem, &start, implicit(2, end / 16384.0), end);
    let (steps, state, rejected) = certified(&problem, &start, (1e-5, 1e-8), &[end]);
    let error = l1_distance(&problem, &state, &truth);
    let (first, state) = lawful(&problem, &start, adaptive(1e-5, 1.0), &[end]);
    let first_error = l1_distance(&problem, &state, &truth);
    println!(
        "{steps} steps, {rejected} rejected: {error:e}; {} steps: {first_error:e}",
        first.len()
    );
    assert!(error < first_error && steps + rejected < first.len());
}

/// In 2-D, along the diagonal of a periodic square, and from a spot that no long step can leave.
#[test]
fn at_order_2_in_2_d_steps_follow_the_tolerance_and_the_certificate() {
    let (problem, state) = crate::solid::hard(2, 48, 1e-2, 0.05);
    let log_ratios: Vec<f64> = state.log_ratio.iter().copied().collect();
    let start = emptied(&state, |cell| log_ratios[cell] < -8.0);
    let (steps, after, rejected) = certified(&problem, &start, (0.1, 1e-2), &[0.01]);
    println!("{steps} steps, {rejected} rejected");
    assert!(divergence(&problem, &after) < 0.95 * divergence(&problem, &start));
    let errors = [1e-3, 1e-4].map(|tolerance| {
        let (problem, start, _) = crate::solid::wave(2, 32);
        let truth = reached(&problem, &start, implicit(2, 0.02 / 512.0), 0.02);
        let (steps, state, _) = certified(&problem, &start, (tolerance, 1e-8), &[0.02]);
        (l1_distance(&problem, &state, &truth), steps)
    });
    println!("{errors:?}");
    assert!(errors[1].0 < 0.5 * errors[0].0, "{errors:?}");
}
