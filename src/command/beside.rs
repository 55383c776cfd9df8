//! The flow on a grid beside the path of a family: flow and parametric meet here, and only here.
//!
//! Beside natural gradient the gradient flow, beside the inertial equation on parameters the inertial flow of the same friction.

use super::CommandError;
use crate::exact::{log_gaussian, normalised, start as state};
use crate::flow::{Device, Friction, InertialSettings, MethodSettings, Stepping, start};
use crate::metrics::wasserstein_to_samples;
use crate::parametric::{Rule, Runs};
use crate::problem::Problem;
use crate::scenario::{Beside, Comparison};

/// The error of a step of the flow in L1: far below what a comparison can see.
const TOLERANCE: f64 = 1e-6;

/// W2 between the generator and the flow at every record of every run of one optimizer.
pub(super) type Distances = Vec<Vec<f64>>;

/// The distances of each optimizer; none where no flow runs beside, and for rules whose steps are no time.
pub(super) fn distances(
    scenario: &Comparison,
    runs: &[Runs],
) -> Result<Vec<Option<Distances>>, CommandError> {
    let Some(beside) = &scenario.beside else {
        return Ok(runs.iter().map(|_| None).collect());
    };
    let stepping = Stepping::Adaptive {
        tolerance: TOLERANCE,
    };
    let of = |runs: &Runs| {
        let method = match runs.rule.rule {
            Rule::Natural { .. } => MethodSettings::Implicit(stepping),
            // Without its connection term the rule follows no equation of densities.
            Rule::Inertial {
                friction,
                connection: true,
                ..
            } => MethodSettings::Staggered(InertialSettings {
                stepping,
                friction: Friction::Constant(friction),
                restart: false,
                overdamped: false,
            }),
            _ => return Ok(None),
        };
        along(scenario, beside, runs, method).map(Some)
    };
    runs.iter().map(of).collect()
}

fn along(
    scenario: &Comparison,
    beside: &Beside,
    runs: &Runs,
    method: MethodSettings,
) -> Result<Distances, CommandError> {
    let grid = beside.grid.clone();
    let log_target = normalised(
        &grid,
        grid.sample(|point| beside.target.log_density(&point[..1])),
    );
    let problem = Problem {
        grid,
        log_target,
        divergence: beside.divergence,
    };
    let shape = log_gaussian([beside.mean, 0.0, 0.0], [beside.std, 1.0, 1.0]);
    let log_density = normalised(&problem.grid, problem.grid.sample(shape));
    let initial = state(&problem, &log_density);
    let failed = |source| CommandError::Flow { source, file: None };
    let mut flow = start(&problem, &initial, method, Device::CpuDouble).map_err(failed)?;
    let longest = runs.outcomes.iter().map(|run| run.records.len()).max();
    let mut distances = vec![Vec::new(); runs.outcomes.len()];
    // Time as the rules count it: the sum of their learning rates.
    let (mut time, mut made) = (0.0, 0);
    for record in 0..longest.unwrap_or(0) {
        let reached = runs.outcomes.iter().find_map(|run| run.records.get(record));
        let step = reached.map_or(made, |record| record.step);
        for number in made..step {
            let factor = runs.rule.schedule.factor(number, scenario.training.steps);
            time += factor * runs.rule.rate;
        }
        made = step;
        while flow.time() < time {
            flow.advance(time).map_err(failed)?;
        }
        let density = flow.state().map_err(failed)?.density(&problem);
        for (run, distances) in runs.outcomes.iter().zip(&mut distances) {
            let samples = run.records.get(record).and_then(|r| r.samples.as_ref());
            let distance = samples.and_then(|samples| {
                let mut sorted = samples.row(0).to_vec();
                sorted.sort_unstable_by(f64::total_cmp);
                wasserstein_to_samples(&problem.grid, &density, &sorted)
            });
            distances.push(distance.unwrap_or(f64::NAN));
        }
    }
    Ok(distances)
}
