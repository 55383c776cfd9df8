//! Gaussians under KL(ρ‖π): mean and width obey ordinary differential equations (docs/mathematics.md, eq. 44).

use ottoflow::divergence::DivergenceKind;
use ottoflow::exact::{Oscillator, convergence_order};
use ottoflow::flow::{InertialSettings, Stepping};
use ottoflow::grid::Boundary;

use crate::setup::{advance_to, box_of, gaussians, inertial, moments};

const MEAN: f64 = 0.4;
const STD: f64 = 0.8;
const END: f64 = 5.0;

/// The largest error of mean and width at ten times.
fn error(cells: usize, friction: f64, settings: InertialSettings) -> f64 {
    let grid = box_of(1, cells, 6.0, Boundary::NoFlux);
    let (problem, state) = gaussians(DivergenceKind::Kl, grid, MEAN, STD);
    let mut method = inertial(&problem, &state, settings);
    let mut largest = 0.0_f64;
    for part in 1..=10 {
        let time = END * f64::from(part) / 10.0;
        advance_to(method.as_mut(), time);
        let (mean, std) = moments(&problem, &method.state().unwrap());
        let law = Oscillator::at_rest(MEAN, STD).after(time, friction, 1.0);
        largest = largest
            .max((mean - law.mean[0]).abs())
            .max((std - law.std[0]).abs());
    }
    largest
}

/// Steps of half a cell.
fn fixed(cells: usize, friction: f64, order: u8) -> InertialSettings {
    InertialSettings::fixed(friction, 6.0 / cells as f64, order)
}

#[test]
fn mean_and_width_obey_their_equations_to_1e_4_at_400_cells() {
    for friction in [0.1, 1.0, 2.0, 10.0] {
        let error = error(400, friction, fixed(400, friction, 2));
        assert!(error <= 1e-4, "γ = {friction}: {error:.2e}");
    }
}

#[test]
fn order_2_is_of_second_order_and_order_1_of_first() {
    for friction in [0.1, 1.0, 2.0, 10.0] {
        let errors = [100, 200, 400].map(|cells| {
            (
                cells as f64,
                error(cells, friction, fixed(cells, friction, 2)),
            )
        });
        let slope = -convergence_order(&errors);
        assert!((slope - 2.0).abs() <= 0.15, "γ = {friction}: {slope:.2}");
    }
    // At strong friction the error of time is still mixed with that of space, which is smaller.
    for friction in [0.1, 1.0, 2.0] {
        let errors = [200, 400, 800].map(|cells| {
            (
                cells as f64,
                error(cells, friction, fixed(cells, friction, 1)),
            )
        });
        let slope = -convergence_order(&errors);
        assert!((slope - 1.0).abs() <= 0.15, "γ = {friction}: {slope:.2}");
    }
}

#[test]
fn error_control_keeps_the_error_near_the_tolerance() {
    for friction in [0.1, 2.0] {
        let of = |tolerance| InertialSettings {
            stepping: Stepping::Adaptive { tolerance },
            ..InertialSettings::fixed(friction, 1.0, 2)
        };
        let [rough, fine] = [1e-3, 1e-5].map(|tolerance| error(400, friction, of(tolerance)));
        assert!(rough <= 1e-2, "γ = {friction}: {rough:.2e}");
        assert!(fine <= 2e-4, "γ = {friction}: {fine:.2e}");
    }
}
