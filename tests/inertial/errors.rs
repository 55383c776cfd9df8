//! What does not fit is refused with words; what starts with a velocity has its energy.

use ottoflow::divergence::DivergenceKind;
use ottoflow::flow::{Device, FlowError, InertialSettings, MethodSettings, Stepping, start};
use ottoflow::grid::{Boundary, Field};

use crate::setup::{advance_to, box_of, gaussians, implicit, inertial, moments};

#[test]
fn velocities_that_do_not_fit_are_refused() {
    let grid = box_of(2, 8, 4.0, Boundary::NoFlux);
    let shape = grid.shape();
    let (problem, state) = gaussians(DivergenceKind::Kl, grid, 0.0, 1.0);
    let mut method = inertial(&problem, &state, InertialSettings::fixed(1.0, 0.1, 2));
    let fields = |count: usize, value: f64| vec![Field::from_elem(shape, value); count];
    for wrong in [fields(1, 0.0), fields(3, 0.0), fields(2, f64::NAN)] {
        let error = method.set_velocity(&wrong).unwrap_err();
        assert!(matches!(error, FlowError::Velocity { .. }), "{error}");
        assert!(
            error
                .to_string()
                .contains("2 components of shape (1, 8, 8)"),
            "{error}"
        );
    }
    method.set_velocity(&fields(2, 1.0)).unwrap();

    let mut flow = implicit(
        &problem,
        &state,
        Stepping::Fixed {
            step: 0.1,
            order: 1,
        },
    );
    assert!(flow.motion().is_none());
    let error = flow.set_velocity(&fields(2, 1.0)).unwrap_err();
    assert!(
        error.to_string().contains("dynamics = \"inertial\""),
        "{error}"
    );
}

#[test]
fn it_runs_in_f64_alone_and_says_so() {
    let (problem, state) = gaussians(
        DivergenceKind::Kl,
        box_of(1, 8, 4.0, Boundary::NoFlux),
        0.0,
        1.0,
    );
    let settings = MethodSettings::Staggered(InertialSettings::fixed(1.0, 0.1, 2));
    let error = start(&problem, &state, settings, Device::CpuSingle)
        .err()
        .unwrap();
    assert!(
        error
            .to_string()
            .contains("computes in f64 only, on a GPU as well: leave --precision out"),
        "{error}"
    );
    // No other method solves the inertial equation.
    assert!(!error.to_string().contains("explicit"), "{error}");
}

/// A Gaussian that is thrown flies off with the speed and the energy that it was given.
#[test]
fn an_initial_velocity_moves_the_mean_and_counts_as_energy() {
    let grid = box_of(1, 200, 6.0, Boundary::NoFlux);
    let (problem, state) = gaussians(DivergenceKind::Kl, grid, 0.0, 1.0);
    let mut method = inertial(&problem, &state, InertialSettings::fixed(0.0, 0.01, 2));
    let velocity = Field::from_elem(problem.grid.shape(), 0.5);
    method.set_velocity(&[velocity]).unwrap();
    let motion = method.motion().unwrap();
    assert!(
        (motion.kinetic_energy - 0.125).abs() <= 1e-4,
        "{}",
        motion.kinetic_energy
    );
    assert!(
        (motion.momentum[0] - 0.5).abs() <= 1e-6,
        "{:?}",
        motion.momentum
    );
    assert_eq!(motion.initial_hamiltonian, motion.kinetic_energy);
    advance_to(method.as_mut(), 0.5);
    let (mean, _) = moments(&problem, &method.state().unwrap());
    assert!((mean - 0.5 * 0.5_f64.sin()).abs() <= 1e-3, "{mean}");
}

/// A step that would carry mass over many cells at once is shortened, and the answer does not suffer.
#[test]
fn a_step_that_transport_cannot_take_is_shortened() {
    let grid = box_of(1, 200, 6.0, Boundary::NoFlux);
    let (problem, state) = gaussians(DivergenceKind::Kl, grid, 2.0, 1.0);
    let mut method = inertial(&problem, &state, InertialSettings::fixed(0.1, 0.25, 2));
    let (mut steps, mut rejected) = (0, 0);
    while method.time() < 2.0 {
        let advance = method.advance(2.0).unwrap();
        steps += advance.steps;
        rejected += advance.rejected;
    }
    assert!(
        rejected > 0 && steps > 8,
        "{steps} steps, {rejected} rejected"
    );
    let (mean, _) = moments(&problem, &method.state().unwrap());
    let law = ottoflow::exact::Oscillator::at_rest(2.0, 1.0).after(2.0, 0.1, 1.0);
    assert!(
        (mean - law.mean[0]).abs() <= 2e-2,
        "{mean} for {}",
        law.mean[0]
    );
}
