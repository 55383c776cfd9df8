use super::{Check, CheckError, Measure, Measurement, flow_to, implicit, line, problem, state};
use crate::calculus::Real;
use crate::divergence::DivergenceKind;
use crate::exact::{PoissonKernel, convergence_order, l1_distance, log_gaussian};
use crate::flow::{Device, JkoSettings, Method, MethodSettings, Stepping, start};
use crate::grid::Boundary;
use crate::metrics::{fields, metrics};
use crate::problem::{Problem, State};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "jko-inequality",
        claim: "every JKO step, however long, lowers J by at least W2²/(2τ), together by no more than J(0), with a certified duality gap",
        reference: "docs/mathematics.md, eq. 17 and 22; Jordan, Kinderlehrer, Otto 1998",
        measure: Measure::OnReference(inequality),
    },
    Check {
        name: "jko-euler-lagrange",
        claim: "the optimal map T back to the density before is x + τ∇f'(r), at second order in h",
        reference: "docs/mathematics.md, eq. 20",
        measure: Measure::OnReference(euler_lagrange),
    },
    Check {
        name: "jko-order-in-tau",
        claim: "JKO steps meet the exact solution at their order 1 or 2 in τ, there with a smaller error than implicit Euler at each τ",
        reference: "docs/mathematics.md, §5, eq. 17 and 23",
        measure: Measure::OnReference(order_in_tau),
    },
];

const GAP: f64 = 1e-8;

fn jko(
    problem: &Problem,
    state: &State,
    order: u8,
    step: f64,
) -> Result<Box<dyn Method>, CheckError> {
    let settings = MethodSettings::Jko(JkoSettings {
        step,
        tolerance: None,
        order,
        gap: GAP,
    });
    Ok(start(problem, state, settings, Device::CpuDouble)?)
}

fn problems(divergence: DivergenceKind, cells: usize) -> Result<(Problem, State), CheckError> {
    let target = |[x, ..]: [f64; 3]| -0.25 * x * x + Real::ln(1.2 + (3.0 * x).sin());
    let problem = problem(
        line(-5.0, 5.0, cells, Boundary::NoFlux)?,
        divergence,
        target,
    );
    let begin = state(&problem, log_gaussian([1.0, 0.0, 0.0], [0.8, 1.0, 1.0]));
    Ok((problem, begin))
}

fn inequality() -> Result<Measurement, CheckError> {
    let (mut excess, mut share, mut gap, mut mass) = (f64::NEG_INFINITY, 0.0_f64, 0.0_f64, 0.0_f64);
    for divergence in DivergenceKind::ALL {
        for tau in [1e-3, 1e-1, 10.0] {
            let (problem, begin) = problems(*divergence, 400)?;
            let mut method = jko(&problem, &begin, 1, tau)?;
            let first = metrics(&problem, &begin);
            let (mut before, mut sum) = (first.divergence, 0.0);
            for number in 1..=30 {
                let advance = method.advance(tau * f64::from(number))?;
                let transport = advance
                    .transport
                    .ok_or(CheckError::Missing("a JKO step without its certificate"))?;
                let now = metrics(&problem, &method.state()?);
                let paid = transport.cost / (2.0 * tau);
                excess = excess.max((now.divergence + paid) / before - 1.0);
                gap = gap.max(transport.gap / first.divergence);
                mass = mass.max((now.mass / first.mass - 1.0).abs());
                sum += paid;
                before = now.divergence;
            }
            share = share.max(sum / first.divergence);
        }
    }
    let measured = format!(
        "(J + W2²/2τ) over J before − 1 at most {excess:.0e}; Σ W2²/2τ at most {share:.2} J(0); gap at most {gap:.0e} J(0); mass error {mass:.0e}"
    );
    let holds = excess <= 1e-12 && share <= 1.0 && gap <= 1e-6 && mass <= 1e-13;
    Ok(Measurement::new(measured, "1e-12, 1, 1e-6, 1e-13", holds))
}

/// ∫ of a density up to each face, from the left.
fn distribution(density: impl Iterator<Item = f64>, spacing: f64) -> Vec<f64> {
    let mut sum = 0.0;
    let mut sums = vec![0.0];
    sums.extend(density.map(|value| {
        sum += value * spacing;
        sum
    }));
    sums
}

/// The map between two densities found from their distribution functions alone, against x + τ∇f'(r).
fn euler_lagrange() -> Result<Measurement, CheckError> {
    let tau = 0.05;
    let mut errors = Vec::new();
    for cells in [100, 200, 400, 800] {
        let (problem, begin) = problems(DivergenceKind::JensenShannon, cells)?;
        let end = flow_to(jko(&problem, &begin, 1, tau)?.as_mut(), tau)?;
        let spacing = 10.0 / cells as f64;
        let [before, after] = [&begin, &end].map(|state| state.density(&problem));
        let [sums_before, sums_after] =
            [&before, &after].map(|density| distribution(density.iter().copied(), spacing));
        let potential = fields::potential(&problem, &end);
        let potential: Vec<f64> = potential.iter().copied().collect();
        let (mut error, mut size) = (0.0, 0.0);
        for face in 1..cells {
            let sum = sums_after[face];
            let cell = sums_before
                .partition_point(|other| *other <= sum)
                .clamp(1, cells)
                - 1;
            let width = sums_before[cell + 1] - sums_before[cell];
            let origin = cell as f64 + (sum - sums_before[cell]) / width;
            let moved = (origin - face as f64) * spacing;
            let force = (potential[face] - potential[face - 1]) / spacing;
            let weight = (sums_after[face + 1] - sums_after[face - 1]) / 2.0;
            error += weight * (moved - tau * force).abs();
            size += weight * moved.abs();
        }
        errors.push((spacing, error / size));
    }
    let order = convergence_order(&errors);
    let last = errors.last().map_or(f64::NAN, |(_, error)| *error);
    let measured =
        format!("|T − x − τ∇f'| in L1(ρ) {last:.1e} of |T − x| at 800 cells, order {order:.2}");
    let holds = (order - 2.0).abs() <= 0.3 && last <= 1e-2;
    Ok(Measurement::new(measured, "order 2 ± 0.3, ≤ 1e-2", holds))
}

fn order_in_tau() -> Result<Measurement, CheckError> {
    // So fine that the error in space is far below that of order 2.
    let grid = line(0.0, 1.0, 3200, Boundary::NoFlux)?;
    let exact = PoissonKernel::on(&grid, 1.25)
        .ok_or(CheckError::Missing("no exact solution on this grid"))?;
    let (begin, end) = (exact.state(&grid, 0.0), 0.05);
    let truth = exact.state(&grid, end);
    let problem = PoissonKernel::problem(grid);
    let error = |order, step| {
        let found = flow_to(jko(&problem, &begin, order, step)?.as_mut(), end)?;
        Ok::<f64, CheckError>(l1_distance(&problem, &found, &truth))
    };
    let (mut first, mut second, mut worst) = (Vec::new(), Vec::new(), 0.0_f64);
    for step in [0.01, 0.005, 0.0025, 0.00125] {
        let stepping = Stepping::Fixed { step, order: 1 };
        let euler = flow_to(implicit(&problem, &begin, stepping)?.as_mut(), end)?;
        let euler = l1_distance(&problem, &euler, &truth);
        let found = error(1, step)?;
        first.push((step, found));
        worst = worst.max(found / euler);
        // Few steps are still under the influence of the first ones, which are shorter.
        let quarter = step / 4.0;
        second.push((quarter, error(2, quarter)?));
    }
    let orders = [&first, &second].map(|errors| convergence_order(errors));
    let last = second.last().map_or(f64::NAN, |(_, error)| *error);
    let measured = format!(
        "orders {:.3} and {:.3}; error of order 1 at most {worst:.2} of that of implicit Euler, of order 2 {last:.0e} at 160 steps",
        orders[0], orders[1]
    );
    let holds = (orders[0] - 1.0).abs() <= 0.1 && (orders[1] - 2.0).abs() <= 0.15 && worst <= 1.0;
    Ok(Measurement::new(measured, "1 ± 0.1, 2 ± 0.15, ≤ 1", holds))
}
