use std::f64::consts::TAU;

use super::{Check, CheckError, Measure, Measurement, flow_to, implicit, line, problem, state};
use crate::divergence::DivergenceKind;
use crate::exact::{Mode, log_gaussian};
use crate::flow::Stepping;
use crate::grid::Boundary;
use crate::metrics::{divergence, metrics};
use crate::problem::Problem;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "hermite-decay",
        claim: "modes 1 + ε Heₙ of a Gaussian target decay at n/(2σ²), n = 1, 2, 3, and at n/σ² for kl",
        reference: "docs/mathematics.md, eq. 6",
        measure: Measure::OnReference(hermite),
    },
    Check {
        name: "torus-decay",
        claim: "cos(kx) on the torus decays at k²/2, and at k² for kl",
        reference: "docs/mathematics.md, eq. 6",
        measure: Measure::OnReference(torus),
    },
    Check {
        name: "vanishing-gradient",
        claim: "from N(8−d, 1) to N(8, 1.25²), J = 0.5 is reached at 0.2380, 7.091, 495.3, 9.274e5 for d = 2, 4, 6, 8",
        reference: "docs/mathematics.md, §4; Arjovsky, Bottou 2017",
        measure: Measure::OnReference(vanishing_gradient),
    },
];

/// The rate at which the part along a mode decays between two times, over the predicted one.
fn measured_over_predicted(
    problem: &Problem,
    mode: &Mode,
    epsilon: f64,
) -> Result<f64, CheckError> {
    let predicted = mode.decay_rate(problem.divergence);
    let begin = mode.perturbation(problem, epsilon);
    let span = 1.0 / predicted;
    let mut method = implicit(
        problem,
        &begin,
        Stepping::Fixed {
            step: span / 200.0,
            order: 2,
        },
    )?;
    let end = flow_to(method.as_mut(), span)?;
    let rate = (mode.amplitude(problem, &begin) / mode.amplitude(problem, &end)).ln() / span;
    Ok(rate / predicted)
}

fn worst(ratios: &[f64]) -> f64 {
    ratios
        .iter()
        .fold(0.0, |worst: f64, ratio| worst.max((ratio - 1.0).abs()))
}

fn hermite() -> Result<Measurement, CheckError> {
    let mut ratios = Vec::new();
    for divergence in [DivergenceKind::JensenShannon, DivergenceKind::Kl] {
        for degree in 1..=3 {
            let std = 1.5;
            let mode = Mode::Hermite {
                degree,
                mean: 0.0,
                std,
            };
            let target = log_gaussian([0.0; 3], [std, 1.0, 1.0]);
            let problem = problem(
                line(-12.0, 12.0, 600, Boundary::NoFlux)?,
                divergence,
                target,
            );
            ratios.push(measured_over_predicted(&problem, &mode, 1e-4)?);
        }
    }
    let measured = format!(
        "rates within {:.2} % of the prediction",
        100.0 * worst(&ratios)
    );
    Ok(Measurement::new(measured, "1 %", worst(&ratios) <= 0.01))
}

fn torus() -> Result<Measurement, CheckError> {
    let mut ratios = Vec::new();
    for divergence in [DivergenceKind::JensenShannon, DivergenceKind::Kl] {
        for waves in [1.0, 2.0, 3.0] {
            let mode = Mode::Cosine {
                wave: [TAU * waves, 0.0, 0.0],
            };
            let problem = problem(line(0.0, 1.0, 256, Boundary::Periodic)?, divergence, |_| {
                0.0
            });
            ratios.push(measured_over_predicted(&problem, &mode, 1e-4)?);
        }
    }
    let measured = format!(
        "rates within {:.3} % of the prediction",
        100.0 * worst(&ratios)
    );
    Ok(Measurement::new(measured, "0.5 %", worst(&ratios) <= 0.005))
}

fn vanishing_gradient() -> Result<Measurement, CheckError> {
    let (mut errors, mut mass_error) = (Vec::new(), 0.0_f64);
    for (separation, expected) in [(2.0, 0.2380), (4.0, 7.091), (6.0, 495.3), (8.0, 9.274e5)] {
        let target = log_gaussian([8.0, 0.0, 0.0], [1.25, 1.0, 1.0]);
        let problem = problem(
            line(-6.0, 14.0, 800, Boundary::NoFlux)?,
            DivergenceKind::JensenShannon,
            target,
        );
        let begin = state(
            &problem,
            log_gaussian([8.0 - separation, 0.0, 0.0], [1.0; 3]),
        );
        let mass = metrics(&problem, &begin).mass;
        let mut method = implicit(&problem, &begin, Stepping::Adaptive { tolerance: 1e-4 })?;
        let mut before = (0.0, divergence(&problem, &begin));
        let crossing = loop {
            let advance = method.advance(1e12)?;
            let now = (advance.time, divergence(&problem, &method.state()?));
            if now.1 <= 0.5 {
                break before.0 + (before.1 - 0.5) / (before.1 - now.1) * (now.0 - before.0);
            }
            if now.0 >= 1e12 {
                return Err(CheckError::Missing("J stayed above 0.5 to time 1e12"));
            }
            before = now;
        };
        errors.push((crossing / expected - 1.0).abs());
        let end = flow_to(method.as_mut(), 1e12)?;
        mass_error = mass_error.max((metrics(&problem, &end).mass / mass - 1.0).abs());
    }
    let listed: Vec<String> = errors
        .iter()
        .map(|error| format!("{:.2}", 100.0 * error))
        .collect();
    let measured = format!(
        "times off by {} %; on to t = 1e12 with mass error {mass_error:.0e}",
        listed.join(", ")
    );
    let holds = errors.iter().all(|error| *error <= 5e-3) && mass_error <= 1e-12;
    Ok(Measurement::new(measured, "0.5 %; 1e-12", holds))
}
