use super::{Check, CheckError, Measure, Measurement, line, problem, state};
use crate::calculus::Real;
use crate::divergence::DivergenceKind;
use crate::exact::log_gaussian;
use crate::flow::{Device, MethodSettings, Stepping, start};
use crate::grid::Boundary;
use crate::metrics::{Metrics, metrics};

pub(super) const CHECKS: &[Check] = &[Check {
    name: "comparison-principle",
    claim: "every flow keeps min r ≤ r ≤ max r and the mass, and decreases all five divergences, not only its own",
    reference: "docs/mathematics.md, eq. 3 and 9",
    measure: Measure::OnReference(comparison_principle),
}];

pub(super) fn divergences(metrics: &Metrics) -> [f64; 5] {
    [
        metrics.jensen_shannon,
        metrics.kl,
        metrics.reverse_kl,
        metrics.chi_squared,
        metrics.hellinger,
    ]
}

/// How far r is outside its range at the start, relative to the ends of that range.
pub(super) fn outside(now: &Metrics, first: &Metrics) -> f64 {
    let below = first.ratio_min / now.ratio_min - 1.0;
    below.max(now.ratio_max / first.ratio_max - 1.0).max(0.0)
}

fn comparison_principle() -> Result<Measurement, CheckError> {
    let (mut growth, mut beyond, mut mass_error) = (0.0_f64, 0.0_f64, 0.0_f64);
    for divergence in DivergenceKind::ALL {
        let target = |[x, ..]: [f64; 3]| -0.25 * x * x + Real::ln(1.2 + (3.0 * x).sin());
        let problem = problem(line(-5.0, 5.0, 200, Boundary::NoFlux)?, *divergence, target);
        let begin = state(&problem, log_gaussian([1.0, 0.0, 0.0], [0.8, 1.0, 1.0]));
        let first = metrics(&problem, &begin);
        for step in [1e-3, 1.0] {
            let settings = MethodSettings::Implicit(Stepping::Fixed { step, order: 1 });
            let mut method = start(&problem, &begin, settings, Device::CpuDouble)?;
            let mut before = first;
            for number in 1..=30 {
                method.advance(step * f64::from(number))?;
                let now = metrics(&problem, &method.state()?);
                for (now, before) in divergences(&now).into_iter().zip(divergences(&before)) {
                    growth = growth.max((now - before) / before.max(1e-12));
                }
                beyond = beyond.max(outside(&now, &first));
                mass_error = mass_error.max((now.mass / first.mass - 1.0).abs());
                before = now;
            }
        }
    }
    let measured = format!(
        "growth {growth:.0e}, outside the bounds by {beyond:.0e}, mass error {mass_error:.0e} (relative)"
    );
    let holds = growth <= 1e-12 && beyond <= 1e-12 && mass_error <= 1e-13;
    Ok(Measurement::new(measured, "1e-12, 1e-12, 1e-13", holds))
}
