//! What a method cannot do it says, with the place and the remedy, and its state stays.

use ottoflow::divergence::DivergenceKind;
use ottoflow::exact;
use ottoflow::flow::{Device, FlowError, MethodSettings, Problem, State, start};
use ottoflow::grid::{Boundary, Field};

use crate::setup::{
    adaptive, box_of, explicit, explicit_bound, implicit, jko, smooth_problem, started,
};

fn error(problem: &Problem, state: &State, settings: MethodSettings, device: Device) -> FlowError {
    match start(problem, state, settings, device) {
        Ok(_) => panic!("{settings:?} must not start"),
        Err(error) => error,
    }
}

/// Two Gaussians on [−6, 14]: ln π falls to below −160.
fn narrow_gaussian() -> (Problem, State) {
    let grid = box_of(1, 100, -6.0, 14.0, Boundary::NoFlux);
    let log_target = exact::normalised(
        &grid,
        grid.sample(exact::log_gaussian([8.0, 0.0, 0.0], [0.5, 1.0, 1.0])),
    );
    let log_density = exact::normalised(
        &grid,
        grid.sample(exact::log_gaussian([0.0, 0.0, 0.0], [0.5, 1.0, 1.0])),
    );
    let problem = Problem {
        grid,
        log_target,
        divergence: DivergenceKind::JensenShannon,
    };
    let state = exact::start(&problem, &log_density);
    (problem, state)
}

#[test]
fn an_explicit_step_above_the_monotone_bound_is_refused_with_the_bound() {
    let (problem, state) = smooth_problem(
        DivergenceKind::Kl,
        box_of(2, 16, 0.0, 1.0, Boundary::Periodic),
    );
    let bound = explicit_bound(&problem, &state);
    let refused = error(
        &problem,
        &state,
        explicit(1, Some(1.01 * bound)),
        Device::CpuDouble,
    );
    assert!(
        matches!(refused, FlowError::StepTooLarge { bound: stated, .. } if stated == bound),
        "{refused}"
    );
    assert!(
        refused.to_string().contains("take a smaller step"),
        "{refused}"
    );
    assert!(
        start(
            &problem,
            &state,
            explicit(1, Some(bound)),
            Device::CpuDouble
        )
        .is_ok()
    );
}

#[test]
fn a_target_beyond_the_range_of_f32_is_refused_with_the_cell() {
    let (problem, state) = narrow_gaussian();
    let refused = error(&problem, &state, explicit(1, None), Device::CpuSingle);
    match &refused {
        FlowError::Range { quantity, cell, .. } => {
            assert_eq!((*quantity, cell.index), ("ln π", (0, 0, 0)));
            assert!((cell.center[0] + 5.9).abs() < 1e-12);
        }
        other => panic!("{other}"),
    }
    assert!(refused.to_string().contains("floor"), "{refused}");
}

#[test]
fn a_ratio_beyond_the_range_of_the_format_is_refused_with_the_cell() {
    let (problem, mut state) = smooth_problem(
        DivergenceKind::ChiSquared,
        box_of(2, 8, 0.0, 1.0, Boundary::NoFlux),
    );
    // r = e⁸⁰⁰ is no f64, r = e¹⁰⁰ no f32, and r² of r = e⁴⁰⁰ no f64.
    for (log_ratio, settings, device) in [
        (800.0, explicit(1, None), Device::CpuDouble),
        (100.0, explicit(1, None), Device::CpuSingle),
        (400.0, implicit(1, 0.1), Device::CpuDouble),
    ] {
        state.log_ratio[(0, 3, 5)] = log_ratio;
        let refused = error(&problem, &state, settings, device);
        match refused {
            FlowError::Range {
                quantity,
                value,
                cell,
                ..
            } => {
                assert_eq!(
                    (quantity, value, cell.index),
                    ("ln(ρ/π)", log_ratio, (0, 3, 5))
                );
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_ratio_that_is_no_number_is_refused() {
    let (problem, mut state) = smooth_problem(
        DivergenceKind::JensenShannon,
        box_of(1, 8, 0.0, 1.0, Boundary::NoFlux),
    );
    state.log_ratio[(0, 0, 2)] = f64::NAN;
    for settings in [explicit(1, None), implicit(1, 0.1), jko(1, 0.1)] {
        let refused = error(&problem, &state, settings, Device::CpuDouble);
        assert!(matches!(refused, FlowError::Range { .. }), "{refused}");
    }
}

#[test]
fn a_hopeless_number_of_explicit_steps_is_refused_before_the_first() {
    let (problem, state) = smooth_problem(
        DivergenceKind::JensenShannon,
        box_of(1, 100, 0.0, 1.0, Boundary::NoFlux),
    );
    let mut method = started(&problem, &state, explicit(1, None));
    let before = method.state().unwrap();
    let refused = method.advance(1e12).unwrap_err();
    assert!(
        matches!(refused, FlowError::TooManySteps { end: 1e12, .. }),
        "{refused}"
    );
    assert!(
        refused.to_string().contains("method = \"implicit\""),
        "{refused}"
    );
    assert_eq!(method.state().unwrap(), before);
}

#[test]
fn the_implicit_method_in_single_precision_is_refused() {
    let (problem, state) = smooth_problem(
        DivergenceKind::JensenShannon,
        box_of(1, 8, 0.0, 1.0, Boundary::NoFlux),
    );
    let refused = error(&problem, &state, adaptive(1e-4), Device::CpuSingle);
    assert!(
        matches!(refused, FlowError::Unsupported { method: "implicit" }),
        "{refused}"
    );
}

#[test]
fn a_target_that_is_zero_in_a_cell_is_refused_with_the_cell() {
    let grid = box_of(2, 8, 0.0, 1.0, Boundary::NoFlux);
    let mut log_target = exact::log_uniform(&grid);
    log_target[(0, 1, 2)] = f64::NEG_INFINITY;
    let state = State {
        time: 0.0,
        log_ratio: Field::zeros(grid.shape()),
    };
    let problem = Problem {
        grid,
        log_target,
        divergence: DivergenceKind::JensenShannon,
    };
    let refused = error(&problem, &state, implicit(1, 0.1), Device::CpuDouble);
    assert!(matches!(refused, FlowError::Setup(_)), "{refused}");
    assert!(refused.to_string().contains("(0, 1, 2)"), "{refused}");
    let refused = error(&problem, &state, explicit(1, None), Device::CpuDouble);
    assert!(
        matches!(
            refused,
            FlowError::Range {
                quantity: "ln π",
                ..
            }
        ),
        "{refused}"
    );
}

#[test]
fn a_tolerance_below_rounding_is_an_error_that_names_it_and_keeps_the_state() {
    let (problem, mut state) = smooth_problem(
        DivergenceKind::JensenShannon,
        box_of(1, 20, 0.0, 1.0, Boundary::NoFlux),
    );
    // Beside the time 1 a step of 1e-20 cannot be seen.
    state.time = 1.0;
    let mut method = started(&problem, &state, adaptive(1e-30));
    let before = method.state().unwrap();
    let mut outcome = Ok(());
    for _ in 0..50 {
        if let Err(error) = method.advance(2.0) {
            outcome = Err(error);
            break;
        }
    }
    match outcome {
        Err(FlowError::StepTooSmall { tolerance, .. }) => assert_eq!(tolerance, 1e-30),
        other => panic!("{other:?}"),
    }
    let after = method.state().unwrap();
    let moved = exact::l1_distance(&problem, &before, &after);
    assert!(
        after.log_ratio.iter().all(|ln| ln.is_finite()) && moved < 1e-6,
        "moved by {moved:e}"
    );
}

#[test]
fn jko_steps_in_single_precision_are_refused() {
    let grid = box_of(1, 8, 0.0, 1.0, Boundary::NoFlux);
    let (problem, state) = smooth_problem(DivergenceKind::Kl, grid);
    let refused = error(&problem, &state, jko(1, 0.1), Device::CpuSingle);
    assert!(
        matches!(refused, FlowError::Unsupported { method: "jko" }),
        "{refused}"
    );
}

#[test]
fn a_jko_step_from_cells_that_its_divergence_does_not_admit_is_refused() {
    let grid = box_of(1, 8, 0.0, 1.0, Boundary::NoFlux);
    let (problem, mut state) = smooth_problem(DivergenceKind::ReverseKl, grid);
    state.log_ratio[(0, 0, 3)] = f64::NEG_INFINITY;
    let refused = error(&problem, &state, jko(1, 0.1), Device::CpuDouble);
    assert!(
        matches!(refused, FlowError::Range { quantity: "ln(ρ/π)", cell, .. } if cell.index == (0, 0, 3)),
        "{refused}"
    );
}
