use super::{Check, CheckError, Measure, Measurement, line, problem, state};
use crate::calculus::Real;
use crate::divergence::DivergenceKind;
use crate::exact::{Mode, convergence_order, log_gaussian};
use crate::flow::{Device, FlowError, MethodSettings, Stepping, start};
use crate::grid::Boundary;
use crate::metrics::metrics;
use crate::problem::{Problem, State};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "energy-identity",
        claim: "dJ/dt = −‖A‖² for J = 2·JSD, at second order",
        reference: "docs/mathematics.md, eq. 4; Otto, Comm. PDE 26, 2001",
        measure: Measure::OnReference(energy_identity),
    },
    Check {
        name: "adversarial-loss-identity",
        claim: "for J' = E[ln(1 − D*)] the same ratio is not 1 but tends to ½ at equilibrium",
        reference: "docs/mathematics.md, §8",
        measure: Measure::OnReference(adversarial_loss),
    },
];

/// The change of a functional over one short step around the state, per time, over −‖A‖² at the middle of the step.
fn ratio(
    problem: &Problem,
    start_state: &State,
    step: f64,
    functional: impl Fn(&State) -> f64,
) -> Result<f64, FlowError> {
    let settings = MethodSettings::Implicit(Stepping::Fixed {
        step: step / 8.0,
        order: 2,
    });
    let mut method = start(problem, start_state, settings, Device::CpuDouble)?;
    let mut at = |time: f64| super::flow_to(method.as_mut(), time);
    let middle = at(0.5 * step)?;
    let end = at(step)?;
    let slope = (functional(&end) - functional(start_state)) / step;
    let norm = metrics(problem, &middle).connection_norm;
    Ok(slope / -(norm * norm))
}

fn energy_identity() -> Result<Measurement, CheckError> {
    let problem = problem(
        line(-6.0, 6.0, 400, Boundary::NoFlux)?,
        DivergenceKind::JensenShannon,
        log_gaussian([0.0; 3], [1.0; 3]),
    );
    let begin = state(&problem, log_gaussian([0.7, 0.0, 0.0], [0.9, 1.0, 1.0]));
    let mut errors = Vec::new();
    for step in [0.1, 0.05, 0.025, 0.0125] {
        let ratio = ratio(&problem, &begin, step, |state| {
            metrics(&problem, state).divergence
        })?;
        errors.push((step, (ratio - 1.0).abs()));
    }
    let order = convergence_order(&errors);
    let last = errors.last().map_or(f64::NAN, |(_, error)| *error);
    let measured = format!("|dJ/dt ÷ −‖A‖² − 1| = {last:.1e} at dt = 0.0125, order {order:.2}");
    Ok(Measurement::new(
        measured,
        "order 2 ± 0.15, ≤ 1e-3",
        (order - 2.0).abs() <= 0.15 && last <= 1e-3,
    ))
}

fn adversarial_loss() -> Result<Measurement, CheckError> {
    let problem = problem(
        line(-8.0, 8.0, 800, Boundary::NoFlux)?,
        DivergenceKind::JensenShannon,
        log_gaussian([0.0; 3], [1.0; 3]),
    );
    let mode = Mode::Hermite {
        degree: 1,
        mean: 0.0,
        std: 1.0,
    };
    // E_ρ[ln(1 − D*)] = ∫ ρ ln(ρ/(ρ+π)) = −∫ ρ ln(1 + 1/r)
    let loss = |state: &State| {
        let cells = state.log_ratio.iter().zip(&problem.log_target);
        let term =
            |(ratio, target): (&f64, &f64)| -Real::exp(target + ratio) * Real::softplus(-ratio);
        cells.map(term).sum::<f64>() * problem.grid.cell_volume()
    };
    let mut ratios = Vec::new();
    // He₁ is unbounded: keep 1 + ε He₁ positive on the box.
    for epsilon in [0.1, 0.03, 0.01] {
        let begin = mode.perturbation(&problem, epsilon);
        ratios.push(ratio(&problem, &begin, 1e-2, loss)?);
    }
    let listed: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.4}")).collect();
    let last = ratios.last().copied().unwrap_or(f64::NAN);
    let measured = format!("{} as ρ → π", listed.join(", "));
    Ok(Measurement::new(
        measured,
        "0.5 ± 0.001",
        (last - 0.5).abs() <= 1e-3,
    ))
}
