//! The damped inertial equation: exact laws, energy, equilibrium, the limit of strong friction, shocks, acceleration.

use super::{Check, CheckError, Measure, Measurement, flow_to, implicit, line, problem, state};
use crate::divergence::DivergenceKind;
use crate::exact::{Oscillator, Riemann, convergence_order, l1_distance, log_gaussian};
use crate::flow::{Device, Friction, InertialSettings, Method, MethodSettings, Stepping, start};
use crate::grid::Boundary;
use crate::metrics::divergence;
use crate::problem::{Problem, State};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "inertial-gaussian",
        claim: "a Gaussian under kl obeys m'' + γm' + m = 0 and s'' + γs' + s − 1/s = 0, to second order in h",
        reference: "docs/mathematics.md, eq. 44",
        measure: Measure::OnReference(gaussian),
    },
    Check {
        name: "inertial-energy",
        claim: "H = J + kinetic energy falls in every step under friction, by its work up to an error of second order",
        reference: "docs/mathematics.md, eq. 43",
        measure: Measure::OnReference(energy),
    },
    Check {
        name: "inertial-equilibrium",
        claim: "ρ = π at rest stays to the last bit over 10⁴ steps, for every divergence",
        reference: "docs/mathematics.md, eq. 37",
        measure: Measure::OnReference(equilibrium),
    },
    Check {
        name: "overdamped-limit",
        claim: "in time t/γ the distance to the gradient flow falls like 1/γ², with steps that do not depend on γ",
        reference: "docs/mathematics.md, §6, \"The damped inertial equation\"",
        measure: Measure::OnReference(overdamped_limit),
    },
    Check {
        name: "inertial-shock",
        claim: "a shock runs at the speed of Rankine and Hugoniot",
        reference: "docs/mathematics.md, §6, \"The damped inertial equation\"",
        measure: Measure::OnReference(shock),
    },
    Check {
        name: "acceleration",
        claim: "J stays below 10⁻⁶ earlier with inertia than under the gradient flow, and under Nesterov's friction with restarts",
        reference: "docs/mathematics.md, §6; Su, Boyd, Candès 2016; O'Donoghue, Candès 2015",
        measure: Measure::OnReference(acceleration),
    },
];

fn inertial(
    problem: &Problem,
    state: &State,
    settings: InertialSettings,
) -> Result<Box<dyn Method>, CheckError> {
    let settings = MethodSettings::Staggered(settings);
    Ok(start(problem, state, settings, Device::CpuDouble)?)
}

/// A Gaussian towards N(0, 1) on [−6, 6].
fn gaussians(
    kind: DivergenceKind,
    cells: usize,
    mean: f64,
    std: f64,
) -> Result<(Problem, State), CheckError> {
    let grid = line(-6.0, 6.0, cells, Boundary::NoFlux)?;
    let problem = problem(grid, kind, log_gaussian([0.0; 3], [1.0; 3]));
    let state = state(&problem, log_gaussian([mean, 0.0, 0.0], [std, 1.0, 1.0]));
    Ok((problem, state))
}

fn moments(problem: &Problem, state: &State) -> [f64; 2] {
    let density = state.density(problem);
    let volume = problem.grid.cell_volume();
    let moment = |value: &dyn Fn(f64) -> f64| -> f64 {
        let cells = density.indexed_iter();
        cells
            .map(|(index, density)| density * volume * value(problem.grid.center(index)[0]))
            .sum()
    };
    let mean = moment(&|x| x);
    [mean, moment(&|x| (x - mean).powi(2)).sqrt()]
}

fn gaussian() -> Result<Measurement, CheckError> {
    let (mut worst, mut slopes) = (0.0_f64, Vec::new());
    for friction in [0.1, 1.0, 2.0, 10.0] {
        let mut errors = Vec::new();
        for cells in [100, 200, 400] {
            let (problem, begin) = gaussians(DivergenceKind::Kl, cells, 0.4, 0.8)?;
            let settings = InertialSettings::fixed(friction, 6.0 / cells as f64, 2);
            let mut method = inertial(&problem, &begin, settings)?;
            let mut error = 0.0_f64;
            for part in 1..=10 {
                let time = 0.5 * f64::from(part);
                let end = flow_to(method.as_mut(), time)?;
                let law = Oscillator::at_rest(0.4, 0.8).after(time, friction, 1.0);
                let [mean, std] = moments(&problem, &end);
                error = error
                    .max((mean - law.mean[0]).abs())
                    .max((std - law.std[0]).abs());
            }
            errors.push((cells as f64, error));
        }
        worst = worst.max(errors[2].1);
        slopes.push(-convergence_order(&errors));
    }
    let far = slopes
        .iter()
        .fold(0.0_f64, |far, slope| far.max((slope - 2.0).abs()));
    let listed: Vec<String> = slopes.iter().map(|slope| format!("{slope:.2}")).collect();
    let measured = format!(
        "error {worst:.1e} at 400 cells, slopes {} at γ = 0.1, 1, 2, 10",
        listed.join(", ")
    );
    Ok(Measurement::new(
        measured,
        "1e-4, 2 ± 0.15",
        worst <= 1e-4 && far <= 0.15,
    ))
}

/// The largest rise of H in a step and the largest imbalance, as shares of H(0).
fn watch(
    problem: &Problem,
    begin: &State,
    settings: InertialSettings,
    end: f64,
) -> Result<[f64; 2], CheckError> {
    let mut method = inertial(problem, begin, settings)?;
    let initial = divergence(problem, begin);
    let (mut before, mut rise, mut imbalance) = (initial, 0.0_f64, 0.0_f64);
    while method.time() < end {
        method.advance(end)?;
        let motion = method
            .motion()
            .ok_or(CheckError::Missing("the inertial method states no motion"))?;
        let now = divergence(problem, &method.state()?) + motion.kinetic_energy;
        rise = rise.max((now - before) / initial);
        imbalance = imbalance.max((initial - now - motion.dissipated_work).abs() / initial);
        before = now;
    }
    Ok([rise, imbalance])
}

/// Waves that steepen into shocks must not raise H; Gaussians, which stay smooth, show the balance.
fn energy() -> Result<Measurement, CheckError> {
    let mut largest_rise = 0.0_f64;
    for kind in DivergenceKind::ALL {
        for friction in [0.5, 5.0, 500.0] {
            let grid = line(0.0, 1.0, 100, Boundary::Periodic)?;
            let wave = |x: f64, phase: f64| (std::f64::consts::TAU * x + phase).cos();
            let problem = problem(grid, *kind, |x| 0.7 * wave(x[0], 0.3));
            let begin = state(&problem, |x| -0.5 * wave(x[0], 1.1));
            let settings = InertialSettings::fixed(friction, 2e-3, 2);
            let [rise, _] = watch(&problem, &begin, settings, 0.5)?;
            largest_rise = largest_rise.max(rise);
        }
    }
    let mut errors = Vec::new();
    for cells in [100, 200, 400] {
        let mut worst = 0.0_f64;
        for friction in [0.1, 1.0, 2.0, 10.0] {
            let (problem, begin) = gaussians(DivergenceKind::Kl, cells, 0.5, 0.8)?;
            let settings = InertialSettings::fixed(friction, 3.0 / cells as f64, 2);
            let [rise, imbalance] = watch(&problem, &begin, settings, 6.0)?;
            largest_rise = largest_rise.max(rise);
            worst = worst.max(imbalance);
        }
        errors.push((cells as f64, worst));
    }
    let slope = -convergence_order(&errors);
    let imbalance = errors[2].1;
    let measured = format!(
        "largest rise {largest_rise:.0e}; imbalance {imbalance:.1e} at 400 cells, of order {slope:.2}"
    );
    let holds = largest_rise <= 1e-13 && imbalance <= 1e-3 && (slope - 2.0).abs() <= 0.2;
    Ok(Measurement::new(measured, "1e-13; 1e-3, 2 ± 0.2", holds))
}

fn equilibrium() -> Result<Measurement, CheckError> {
    let mut changed = 0;
    for kind in DivergenceKind::ALL {
        let (problem, begin) = gaussians(*kind, 40, 0.0, 1.0)?;
        let mut method = inertial(&problem, &begin, InertialSettings::fixed(0.3, 0.1, 2))?;
        for _ in 0..10_000 {
            method.advance(1e9)?;
        }
        let end = method.state()?;
        let pairs = end.log_ratio.iter().zip(&begin.log_ratio);
        changed += pairs.filter(|(a, b)| a.to_bits() != b.to_bits()).count();
    }
    Ok(Measurement::new(
        format!("{changed} cells changed"),
        "none",
        changed == 0,
    ))
}

fn overdamped(friction: f64, step: f64) -> InertialSettings {
    InertialSettings {
        stepping: Stepping::Fixed { step, order: 1 },
        friction: Friction::Constant(friction),
        restart: false,
        overdamped: true,
    }
}

fn overdamped_limit() -> Result<Measurement, CheckError> {
    let (mut slopes, mut last) = (Vec::new(), 0.0_f64);
    for kind in DivergenceKind::ALL {
        let (problem, begin) = gaussians(*kind, 150, 0.3, 0.8)?;
        let stepping = Stepping::Fixed {
            step: 0.01,
            order: 1,
        };
        let flow = flow_to(implicit(&problem, &begin, stepping)?.as_mut(), 0.5)?;
        let mut distances = Vec::new();
        for friction in [40.0, 80.0, 160.0, 320.0, 1e6] {
            let mut method = inertial(&problem, &begin, overdamped(friction, 0.01))?;
            let end = flow_to(method.as_mut(), 0.5)?;
            distances.push((friction, l1_distance(&problem, &end, &flow)));
        }
        last = last.max(distances.pop().map_or(f64::NAN, |(_, distance)| distance));
        slopes.push(-convergence_order(&distances));
    }
    let listed: Vec<String> = slopes.iter().map(|slope| format!("{slope:.2}")).collect();
    let measured = format!(
        "slopes {} for the divergences; distance {last:.0e} at γ = 10⁶",
        listed.join(", ")
    );
    let holds = slopes.iter().all(|slope| (slope - 2.0).abs() <= 0.2) && last <= 1e-9;
    Ok(Measurement::new(measured, "2 ± 0.2; 1e-9", holds))
}

fn shock() -> Result<Measurement, CheckError> {
    let mut errors = Vec::new();
    for ratio in [4.0_f64, 100.0] {
        let exact = Riemann::new(2.0 * ratio / (1.0 + ratio), 2.0 / (1.0 + ratio));
        let grid = line(-0.5, 0.5, 400, Boundary::NoFlux)?;
        let axis = grid.axes()[0];
        let problem = problem(grid, DivergenceKind::Kl, |_| 0.0);
        let begin = state(&problem, |x| match x[0] < 0.0 {
            true => exact.left.ln(),
            false => exact.right.ln(),
        });
        let step = 0.25 / 400.0 / exact.shock;
        let mut method = inertial(&problem, &begin, InertialSettings::fixed(0.0, step, 2))?;
        let level = 0.5 * (exact.middle + exact.right);
        let mut places = Vec::new();
        for time in [0.1 / exact.shock, 0.35 / exact.shock] {
            let density = flow_to(method.as_mut(), time)?.density(&problem);
            let falls = |i: &usize| density[[0, 0, i - 1]] >= level && density[[0, 0, *i]] < level;
            let front = (1..axis.cells).rev().find(falls);
            let front = front.ok_or(CheckError::Missing("there is no shock"))?;
            let (a, b) = (density[[0, 0, front - 1]], density[[0, 0, front]]);
            let place = axis.center(front - 1) + axis.spacing() * (a - level) / (a - b);
            places.push((time, place));
        }
        let speed = (places[1].1 - places[0].1) / (places[1].0 - places[0].0);
        errors.push((speed / exact.shock - 1.0).abs());
    }
    let measured = format!(
        "speeds within {:.2} % and {:.2} % at ratios of density 4 and 100",
        100.0 * errors[0],
        100.0 * errors[1]
    );
    let holds = errors.iter().all(|error| *error <= 0.01);
    Ok(Measurement::new(measured, "1 %", holds))
}

/// The time from which on J stays below 10⁻⁶.
fn time_to_rest(problem: &Problem, mut method: Box<dyn Method>) -> Result<f64, CheckError> {
    const END: f64 = 130.0;
    let mut last = 0.0;
    while method.time() < END {
        method.advance(END)?;
        if divergence(problem, &method.state()?) >= 1e-6 {
            last = method.time();
        }
    }
    Ok(last)
}

fn acceleration() -> Result<Measurement, CheckError> {
    let grid = line(-24.0, 24.0, 160, Boundary::NoFlux)?;
    let target = log_gaussian([0.0; 3], [4.0, 1.0, 1.0]);
    let problem = problem(grid, DivergenceKind::Kl, target);
    let begin = state(&problem, log_gaussian([3.0, 0.0, 0.0], [3.0, 1.0, 1.0]));
    let run = |friction, restart| {
        let settings = InertialSettings {
            stepping: Stepping::Fixed {
                step: 0.1,
                order: 2,
            },
            friction,
            restart,
            overdamped: false,
        };
        time_to_rest(&problem, inertial(&problem, &begin, settings)?)
    };
    let stepping = Stepping::Fixed {
        step: 0.5,
        order: 2,
    };
    let flow = time_to_rest(&problem, implicit(&problem, &begin, stepping)?)?;
    let ball = run(Friction::Constant(0.5), false)?;
    let nesterov = run(Friction::Nesterov, false)?;
    let restarted = run(Friction::Nesterov, true)?;
    let of_nesterov = if nesterov < 130.0 {
        format!("{nesterov:.0}")
    } else {
        "not before 130".to_owned()
    };
    let measured = format!(
        "flow {flow:.0}, heavy ball {ball:.0}, Nesterov {of_nesterov}, restarted {restarted:.0}"
    );
    let holds = ball <= 0.5 * flow && restarted <= 0.5 * flow && restarted < nesterov;
    Ok(Measurement::new(
        measured,
        "heavy ball and restarted: half of the flow's time",
        holds,
    ))
}
