//! The checks that run on every device, in its format: by the explicit method, in 2-D.

use std::f64::consts::TAU;

use super::accuracy::{periodic, space_error};
use super::structure::{divergences, outside};
use super::{Check, CheckError, Measure, Measurement, flow_to, problem, state};
use crate::calculus::Scalar;
use crate::divergence::DivergenceKind;
use crate::exact::{Mode, convergence_order};
use crate::flow::{Device, Method, MethodSettings, start};
use crate::grid::Field;
use crate::metrics::metrics;
use crate::problem::{Problem, State};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "device-equilibrium",
        claim: "the device keeps ρ = π for ever, in every divergence",
        reference: "docs/mathematics.md, eq. 8",
        measure: Measure::OnEveryDevice(equilibrium),
    },
    Check {
        name: "device-comparison-principle",
        claim: "the device keeps min r ≤ r ≤ max r and the mass, and decreases all five divergences, up to its rounding u",
        reference: "docs/mathematics.md, eq. 9 and 10; docs/precision.md",
        measure: Measure::OnEveryDevice(comparison_principle),
    },
    Check {
        name: "device-torus-decay",
        claim: "waves on the periodic square decay on the device at |k|²/2, and at |k|² for kl",
        reference: "docs/mathematics.md, eq. 6",
        measure: Measure::OnEveryDevice(torus_decay),
    },
    Check {
        name: "device-order-in-space",
        claim: "the device meets the exact Poisson-kernel solution at order 2 in h on the periodic square",
        reference: "docs/mathematics.md, §5",
        measure: Measure::OnEveryDevice(order_in_space),
    },
];

/// The explicit method in its own steps, of order 2.
fn explicit(
    problem: &Problem,
    begin: &State,
    device: &Device,
) -> Result<Box<dyn Method>, CheckError> {
    let settings = MethodSettings::Explicit {
        order: 2,
        step: None,
    };
    Ok(start(problem, begin, settings, device.clone())?)
}

/// Half the distance from 1 to the next number of the device's format.
fn unit_roundoff(device: &Device) -> f64 {
    match device {
        Device::CpuDouble => f64::UNIT_ROUNDOFF,
        Device::CpuSingle | Device::Gpu(_) => f32::UNIT_ROUNDOFF,
    }
}

/// ln π of a smooth target whose values span a factor of some 50.
fn waves([x, y, _]: [f64; 3]) -> f64 {
    (TAU * x).sin() + (TAU * (y + 2.0 * x)).cos()
}

fn equilibrium(device: &Device) -> Result<Measurement, CheckError> {
    let mut largest = 0.0_f64;
    for divergence in DivergenceKind::ALL {
        let problem = problem(periodic(2, 48)?, *divergence, waves);
        let equal = State {
            time: 0.0,
            log_ratio: Field::zeros(problem.grid.shape()),
        };
        let mut method = explicit(&problem, &equal, device)?;
        // Hundreds to thousands of steps of the longest length.
        let end = flow_to(method.as_mut(), 0.1)?;
        let farthest = |largest: f64, ln: &f64| largest.max(ln.abs());
        largest = end.log_ratio.iter().fold(largest, farthest);
    }
    let measured = format!("max |ln(ρ/π)| = {largest:.1e}");
    let holds = largest == 0.0;
    Ok(Measurement::new(measured, "0 to the last bit", holds))
}

fn comparison_principle(device: &Device) -> Result<Measurement, CheckError> {
    let unit = unit_roundoff(device);
    let (mut growth, mut beyond, mut drift) = (0.0_f64, 0.0_f64, 0.0_f64);
    for divergence in DivergenceKind::ALL {
        let problem = problem(periodic(2, 48)?, *divergence, waves);
        let begin = state(&problem, |[x, y, _]| {
            3.0 * (TAU * y).sin() * (TAU * x).cos()
        });
        let first = metrics(&problem, &begin);
        let mut method = explicit(&problem, &begin, device)?;
        let (mut before, mut steps) = (first, 0);
        for number in 1..=20 {
            let until = 2.5e-4 * f64::from(number);
            while method.time() < until {
                steps += method.advance(until)?.steps;
            }
            let now = metrics(&problem, &method.state()?);
            for (now, before) in divergences(&now).into_iter().zip(divergences(&before)) {
                growth = growth.max((now - before) / before);
            }
            beyond = beyond.max(outside(&now, &first));
            before = now;
        }
        // Two stages a step, each of which rounds a cell once.
        let allowed = 2.0 * steps as f64 * unit;
        drift = drift.max((before.mass / first.mass - 1.0).abs() / allowed);
    }
    let measured = format!(
        "growth {growth:.0e}, outside the bounds by {:.1} u, mass error {drift:.0e} u a stage, u = {unit:.0e}",
        beyond / unit
    );
    let holds = growth <= 0.0 && beyond <= 16.0 * unit && drift <= 1.0;
    let bound = "no growth, 16 u, 1 u a stage";
    Ok(Measurement::new(measured, bound, holds))
}

fn torus_decay(device: &Device) -> Result<Measurement, CheckError> {
    let mut worst = 0.0_f64;
    for divergence in [DivergenceKind::JensenShannon, DivergenceKind::Kl] {
        for wave in [[TAU, 0.0, 0.0], [TAU, TAU, 0.0]] {
            let mode = Mode::Cosine { wave };
            let problem = problem(periodic(2, 96)?, divergence, |_| 0.0);
            let predicted = mode.decay_rate(divergence);
            // Large beside the rounding of f32, small beside what would be nonlinear.
            let begin = mode.perturbation(&problem, 1e-2);
            let span = 1.0 / predicted;
            let mut method = explicit(&problem, &begin, device)?;
            let end = flow_to(method.as_mut(), span)?;
            let amplitude = |state: &State| mode.amplitude(&problem, state);
            let rate = (amplitude(&begin) / amplitude(&end)).ln() / span;
            worst = worst.max((rate / predicted - 1.0).abs());
        }
    }
    let measured = format!("rates within {:.3} % of the prediction", 100.0 * worst);
    Ok(Measurement::new(measured, "0.5 %", worst <= 0.005))
}

fn order_in_space(device: &Device) -> Result<Measurement, CheckError> {
    let mut errors = Vec::new();
    for cells in [16, 32, 64, 128] {
        let error = space_error(periodic(2, cells)?, device)?;
        errors.push((1.0 / cells as f64, error));
    }
    let order = convergence_order(&errors);
    let measured = format!("{order:.3} (16² to 128²)");
    let holds = (order - 2.0).abs() <= 0.15;
    Ok(Measurement::new(measured, "2 ± 0.15", holds))
}
