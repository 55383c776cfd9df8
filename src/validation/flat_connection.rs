use super::{Check, CheckError, Measure, Measurement, flow_to, implicit, line, problem, state};
use crate::calculus::Real;
use crate::divergence::DivergenceKind;
use crate::exact::{l1_distance, log_gaussian};
use crate::flow::Stepping;
use crate::grid::{Boundary, Field};
use crate::metrics::metrics;
use crate::problem::{Problem, State};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "equilibrium-is-flat",
        claim: "ρ = π implies A = 0, exactly, and the flow keeps it for ever",
        reference: "docs/mathematics.md, eq. 8; Goodfellow et al. 2014, Thm 1",
        measure: Measure::OnReference(equilibrium_is_flat),
    },
    Check {
        name: "flat-is-equilibrium",
        claim: "on a connected support ‖A‖ → 0 and ρ → π, from six different starts",
        reference: "docs/mathematics.md, eq. 4",
        measure: Measure::OnReference(flat_is_equilibrium),
    },
    Check {
        name: "disconnected-supports",
        claim: "on separated supports wrong weights are flat too: A = 0, ρ ≠ π, and nothing moves (mode collapse)",
        reference: "docs/mathematics.md, §8",
        measure: Measure::OnReference(disconnected_supports),
    },
];

/// ln of ½N(−2, 1) + ½N(2, 1).
fn two_bumps([x, _, _]: [f64; 3]) -> f64 {
    let [a, b] = [-2.0, 2.0].map(|mean| -0.5 * (x - mean) * (x - mean));
    a.max(b) + Real::ln_1p(Real::exp(-(a - b).abs()))
}

fn equilibrium_is_flat() -> Result<Measurement, CheckError> {
    let mut largest = 0.0_f64;
    for divergence in DivergenceKind::ALL {
        let problem = problem(
            line(-6.0, 6.0, 200, Boundary::NoFlux)?,
            *divergence,
            two_bumps,
        );
        let equal = State {
            time: 0.0,
            log_ratio: Field::zeros(problem.grid.shape()),
        };
        largest = largest.max(metrics(&problem, &equal).connection_norm);
        let mut method = implicit(
            &problem,
            &equal,
            Stepping::Fixed {
                step: 1.0,
                order: 2,
            },
        )?;
        let end = flow_to(method.as_mut(), 1000.0)?;
        largest = end
            .log_ratio
            .iter()
            .fold(largest, |largest, ln| largest.max(ln.abs()));
    }
    let measured =
        format!("max(‖A‖, |ln(ρ/π)|) = {largest:.1e} after 1000 steps, five divergences");
    Ok(Measurement::new(
        measured,
        "0 to the last bit",
        largest == 0.0,
    ))
}

fn flat_is_equilibrium() -> Result<Measurement, CheckError> {
    let problem = problem(
        line(-8.0, 8.0, 320, Boundary::NoFlux)?,
        DivergenceKind::JensenShannon,
        two_bumps,
    );
    let narrow = log_gaussian([-2.0, 0.0, 0.0], [0.5, 1.0, 1.0]);
    let wide = log_gaussian([0.0; 3], [3.0, 1.0, 1.0]);
    let shifted = log_gaussian([3.0, 0.0, 0.0], [1.0, 1.0, 1.0]);
    let starts = [
        state(&problem, narrow),
        state(&problem, wide),
        state(&problem, shifted),
        state(&problem, |_| 0.0),
        state(&problem, |[x, ..]| Real::ln(1.1 + (2.0 * x).sin())),
        state(&problem, |[x, ..]| {
            if x.abs() < 1.0 {
                0.0
            } else {
                f64::NEG_INFINITY
            }
        }),
    ];
    let (mut connection, mut distance) = (0.0_f64, 0.0_f64);
    for start in &starts {
        let mut method = implicit(&problem, start, Stepping::Adaptive { tolerance: 1e-4 })?;
        let end = flow_to(method.as_mut(), 1e9)?;
        connection = connection.max(metrics(&problem, &end).connection_norm);
        distance = distance.max(l1(&problem, &end));
    }
    let measured = format!("‖A‖ ≤ {connection:.1e}, ‖ρ−π‖₁ ≤ {distance:.1e} at t = 1e9");
    Ok(Measurement::new(
        measured,
        "both ≤ 1e-6",
        connection <= 1e-6 && distance <= 1e-6,
    ))
}

/// ‖ρ − π‖ in L1.
fn l1(problem: &Problem, state: &State) -> f64 {
    let equal = State {
        time: state.time,
        log_ratio: Field::zeros(problem.grid.shape()),
    };
    l1_distance(problem, state, &equal)
}

fn disconnected_supports() -> Result<Measurement, CheckError> {
    // Two wells whose Gaussian tails leave e^{−1800} between them: positive, and no path.
    let wells = |[x, ..]: [f64; 3]| {
        let distance = (x.abs() - 6.0) / 0.1;
        -0.5 * distance * distance
    };
    let problem = problem(
        line(-8.0, 8.0, 640, Boundary::NoFlux)?,
        DivergenceKind::JensenShannon,
        wells,
    );
    // ρ = 1.8 π on the left and 0.2 π on the right: mass 1.
    let collapsed = State {
        time: 0.0,
        log_ratio: problem
            .grid
            .sample(|[x, ..]| Real::ln(if x < 0.0 { 1.8 } else { 0.2 })),
    };
    let begin = metrics(&problem, &collapsed);
    let mut method = implicit(&problem, &collapsed, Stepping::Adaptive { tolerance: 1e-4 })?;
    let end = flow_to(method.as_mut(), 1e12)?;
    let moved = l1_distance(&problem, &end, &collapsed);
    let distance = l1(&problem, &collapsed);
    let measured = format!(
        "‖A‖ = {:.1e}, ‖ρ−π‖₁ = {distance:.2}, J = {:.3}; moved by {moved:.1e} to t = 1e12",
        begin.connection_norm, begin.divergence
    );
    let holds = begin.connection_norm <= 1e-12 && distance > 0.5 && moved <= 1e-12;
    Ok(Measurement::new(
        measured,
        "‖A‖ ≤ 1e-12 though ‖ρ−π‖₁ > 0.5; moved ≤ 1e-12",
        holds,
    ))
}
