//! dH/dt = −γ ∫ρ|u|², up to what the method states that it loses itself.

use ottoflow::divergence::DivergenceKind;
use ottoflow::exact::convergence_order;
use ottoflow::flow::InertialSettings;
use ottoflow::grid::Boundary;

use crate::setup::{advance_to, box_of, gaussians, inertial, watch, waves};

#[test]
fn friction_lets_h_fall_in_every_step() {
    for &kind in DivergenceKind::ALL {
        for boundary in [Boundary::NoFlux, Boundary::Periodic] {
            for order in [1, 2] {
                for friction in [0.5, 5.0, 1e4] {
                    let (problem, state) = waves(kind, box_of(1, 100, 1.0, boundary));
                    let settings = InertialSettings::fixed(friction, 4e-3, order);
                    let mut method = inertial(&problem, &state, settings);
                    let energies = watch(&problem, method.as_mut(), 1.0);
                    let rise = energies.rise / energies.start;
                    assert!(
                        rise <= 1e-14,
                        "{kind:?} {boundary:?} order {order} γ = {friction}: {rise:.1e}"
                    );
                }
            }
        }
    }
}

/// Without friction order 1 loses energy, and never gains any.
#[test]
fn order_1_lets_h_fall_without_friction_too() {
    for &kind in DivergenceKind::ALL {
        let (problem, state) = waves(kind, box_of(1, 100, 1.0, Boundary::Periodic));
        let settings = InertialSettings::fixed(0.0, 4e-3, 1);
        let mut method = inertial(&problem, &state, settings);
        let energies = watch(&problem, method.as_mut(), 4.0);
        let rise = energies.rise / energies.start;
        assert!(rise <= 1e-14, "{kind:?}: {rise:.1e}");
    }
}

#[test]
fn the_balance_of_energy_is_kept_to_second_order() {
    let imbalance = |cells: usize, friction: f64| {
        let grid = box_of(1, cells, 6.0, Boundary::NoFlux);
        let (problem, state) = gaussians(DivergenceKind::Kl, grid, 0.5, 0.8);
        let settings = InertialSettings::fixed(friction, 3.0 / cells as f64, 2);
        let mut method = inertial(&problem, &state, settings);
        let energies = watch(&problem, method.as_mut(), 6.0);
        energies.imbalance / energies.start
    };
    for friction in [0.1, 1.0, 2.0, 10.0] {
        let errors = [100, 200, 400].map(|cells| (cells as f64, imbalance(cells, friction)));
        let slope = -convergence_order(&errors);
        assert!(errors[2].1 <= 1e-4, "γ = {friction}: {:.1e}", errors[2].1);
        // More where the error of time is all that is left.
        assert!(slope >= 1.8, "γ = {friction}: {slope:.2}");
    }
}

/// Ten periods of the mean, whose frequency is 1, and as long for a width that breathes. The walls are where no mass is: the gas that breathes
/// against a wall has shocks there.
#[test]
fn without_friction_h_stays() {
    for (mean, std, step, allowed) in [
        (1.0, 1.0, 0.01, 1e-6),
        (0.0, 0.8, 0.01, 2e-5),
        (1.0, 0.8, 0.01, 2e-5),
        (0.0, 0.6, 0.005, 1e-4),
    ] {
        let grid = box_of(1, 400, 8.0, Boundary::NoFlux);
        let (problem, state) = gaussians(DivergenceKind::Kl, grid, mean, std);
        let settings = InertialSettings::fixed(0.0, step, 2);
        let mut method = inertial(&problem, &state, settings);
        let energies = watch(&problem, method.as_mut(), 10.0 * std::f64::consts::TAU);
        let drift = energies.drift / energies.start;
        assert!(drift <= allowed, "N({mean}, {std}²): {drift:.1e}");
    }
}

/// The action of a swing over whole periods without friction: kinetic energy and J have the same mean.
#[test]
fn the_action_of_whole_periods_vanishes() {
    let grid = box_of(1, 200, 6.0, Boundary::NoFlux);
    let (problem, state) = gaussians(DivergenceKind::Kl, grid, 0.5, 1.0);
    let settings = InertialSettings::fixed(0.0, 0.02, 2);
    let mut method = inertial(&problem, &state, settings);
    advance_to(method.as_mut(), 0.5 * std::f64::consts::TAU);
    let whole = method.motion().unwrap().action.abs();
    // H = m²/2 = 1/8, of which either has the mean half; over a half period K − J sums to 0.
    assert!(whole <= 1e-4, "{whole:.1e}");
    advance_to(method.as_mut(), 0.625 * std::f64::consts::TAU);
    let part = method.motion().unwrap().action;
    // ∫ (sin² − cos²)/8 dt over the next eighth of a period: −sin(2t)/16 = −1/16.
    assert!((part + 1.0 / 16.0).abs() <= 1e-3, "{part}");
}
