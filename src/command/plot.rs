use std::path::Path;

use super::{CommandError, print};
use crate::calculus::Real;
use crate::divergence::DivergenceKind;
use crate::elliptic::smallest_eigenvalue;
use crate::grid::{AXIS_NAMES, Field};
use crate::metrics::fields;
use crate::output::hdf5::{Contents, Trajectory};
use crate::output::plots::{InertiaView, StepsView, TrajectoryView, VelocityReader, draw};
use crate::problem::{Problem, State};
use crate::scenario::{self, Dynamics, Scenario};

/// Above this many cells the eigenvalue is not worth its time for a guide line.
const EIGENVALUE_CELLS: usize = 1 << 20;

/// Draws the pictures of a file, of a trajectory or of a comparison, into a folder and names them.
pub(super) fn plot(file: &Path, folder: &Path) -> Result<(), CommandError> {
    match Contents::open(file)? {
        Contents::Trajectory(trajectory) => plot_trajectory(file, &trajectory, folder),
        Contents::Comparison(comparison) => super::compare::plot(&comparison, folder),
    }
}

fn plot_trajectory(
    file: &Path,
    trajectory: &Trajectory,
    folder: &Path,
) -> Result<(), CommandError> {
    let attributes = trajectory.attributes();
    let target = trajectory.target()?;
    // The file keeps the scenario that made it; one that this version cannot read costs the guide line, not the pictures.
    let name = file.display().to_string();
    let scenario = scenario::parse(&attributes.scenario, &name, Path::new(""), &[]).ok();
    let kind = scenario.as_ref().map(|scenario| scenario.flow.divergence);
    let method = scenario
        .as_ref()
        .map_or("", |scenario| scenario.method().name());
    let divergence = trajectory.metric("divergence")?;
    let connection_norm = trajectory.metric("connection_norm")?;
    let subtitle = [
        kind.map_or("", DivergenceKind::name),
        method,
        &attributes.device,
        &attributes.precision,
    ]
    .into_iter()
    .filter(|part| !part.is_empty())
    .collect::<Vec<_>>()
    .join(" · ");
    let columns = trajectory.steps()?;
    let column = |name: &str| {
        let found = columns.iter().find(|(other, _)| other == name);
        found.map(|(_, values)| values.as_slice())
    };
    let steps = column("gap").zip(column("divergence")).zip(column("time"));
    let steps = steps.map(|((gap, divergence), times)| StepsView {
        times,
        divergence,
        gap,
    });
    // The metrics of inertia come together or not at all.
    let names = trajectory.metric_names();
    let metric = |name: &str| {
        let known = names.iter().any(|known| known == name);
        known.then(|| trajectory.metric(name)).transpose()
    };
    let kinetic_energy = metric("kinetic_energy")?;
    let hamiltonian = metric("hamiltonian")?;
    let dissipated_work = metric("dissipated_work")?;
    let (mean, mean_velocity) = (metric("mean_x")?, metric("momentum_x")?);
    let inertia = || {
        Some(InertiaView {
            kinetic_energy: kinetic_energy.as_deref()?,
            hamiltonian: hamiltonian.as_deref()?,
            dissipated_work: dissipated_work.as_deref()?,
            mean: mean.as_deref()?,
            mean_velocity: mean_velocity.as_deref()?,
        })
    };
    let label = kind.map_or("J", |kind| kind.formula().split(" =").next().unwrap_or("J"));
    let velocity = scenario
        .as_ref()
        .and_then(|scenario| velocity(trajectory, &target, scenario));
    let view = TrajectoryView {
        title: &attributes.title,
        subtitle: &subtitle,
        grid: trajectory.grid(),
        times: trajectory.times(),
        target: &target,
        density: &|frame| Ok(trajectory.field("density", frame)?),
        velocity: velocity
            .as_ref()
            .map(|velocity| velocity as &VelocityReader),
        divergence_label: label,
        divergence: &divergence,
        connection_norm: &connection_norm,
        predicted_rate: kind.and_then(|kind| predicted_rate(trajectory, &target, kind)),
        steps,
        inertia: inertia(),
    };
    let pictures = draw(&view, folder)?;
    for picture in pictures {
        print(&picture.display().to_string())?;
    }
    Ok(())
}

/// The velocities in the file if they are there; else, of a gradient flow, those that follow from its densities.
fn velocity<'a>(
    trajectory: &'a Trajectory,
    target: &Field,
    scenario: &Scenario,
) -> Option<Box<VelocityReader<'a>>> {
    let axes = 0..trajectory.grid().dimension();
    let names: Vec<String> = AXIS_NAMES[axes.clone()]
        .iter()
        .map(|axis| format!("velocity_{axis}"))
        .collect();
    if names
        .iter()
        .all(|name| trajectory.field_names().contains(name))
    {
        return Some(Box::new(move |frame| {
            let component = |name: &String| Ok(trajectory.field(name, frame)?);
            names.iter().map(component).collect()
        }));
    }
    if scenario.flow.dynamics != Dynamics::Gradient {
        return None;
    }
    let problem = Problem {
        grid: trajectory.grid().clone(),
        log_target: target.mapv(Real::ln),
        divergence: scenario.flow.divergence,
    };
    Some(Box::new(move |frame| {
        let density = trajectory.field("density", frame)?;
        let state = State {
            time: trajectory.times()[frame],
            log_ratio: density.mapv(Real::ln) - &problem.log_target,
        };
        let component = |axis| fields::velocity(&problem, &state, axis);
        Ok(axes.clone().map(component).collect())
    }))
}

/// 2ψ'(1)λ: near equilibrium J decays at this rate, λ the first eigenvalue of −π⁻¹∇·(π∇·) (docs/mathematics.md, eq. 6).
fn predicted_rate(trajectory: &Trajectory, target: &Field, kind: DivergenceKind) -> Option<f64> {
    if trajectory.grid().len() > EIGENVALUE_CELLS {
        return None;
    }
    let log_target = target.mapv(Real::ln);
    let eigenvalue = smallest_eigenvalue(trajectory.grid(), &log_target).ok()?;
    Some(2.0 * kind.slope_at_equilibrium() * eigenvalue)
}
