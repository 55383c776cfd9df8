use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::place::{Place, begin};
use super::recorder::{Recorder, metric_names, step_columns};
use super::{CommandError, RunArguments, plot, print, tell};
use crate::calculus::Real;
use crate::flow::{Motion, rotational_share};
use crate::grid::Grid;
use crate::metrics::{Metrics, TransportToTarget, wasserstein_1d};
use crate::output::console::{Alignment, Progress, ProgressMode, Table, duration, number};
use crate::output::hdf5::{Description, FieldName, Header, Options, Status, TrajectoryWriter};
use crate::run::{Ending, RunError, Totals, run as run_method};
use crate::scenario::{self, OutputField, Scenario};

pub(super) fn run(arguments: &RunArguments) -> Result<(), CommandError> {
    use_threads(arguments.threads)?;
    let scenario = scenario::load(&arguments.scenario, &arguments.set)?;
    let method = scenario.method();
    let (problem, initial) = scenario.build()?;
    let (place, mut flow) = begin(arguments, &problem, &initial, method)?;
    let velocity = scenario.initial_velocity()?;
    let mut rotation = None;
    if let Some(velocity) = &velocity {
        let refused = |source| CommandError::Flow { source, file: None };
        flow.set_velocity(velocity).map_err(refused)?;
        rotation = rotational_share(&problem, &initial, velocity);
    }

    let file = output_file(arguments.output.as_deref(), &arguments.scenario)?;
    let fields = field_names(&scenario.output.fields, problem.grid.dimension());
    let target = problem.log_target.mapv(Real::exp);
    let exact = wasserstein_1d(&problem.grid, &target, &target).is_some();
    let transport = (scenario.output.wasserstein && !exact)
        .then(|| TransportToTarget::new(&problem.grid, &target))
        .transpose()?;
    let metrics = metric_names(
        exact || transport.is_some(),
        method,
        problem.grid.dimension(),
    );
    let header = Header {
        title: scenario.title.clone(),
        scenario: scenario.text.clone(),
        backend: place.backend.to_owned(),
        device: place.name.clone(),
    };
    let interrupted = interruption(&file);
    let writer = TrajectoryWriter::create(
        &file,
        &Description {
            header: &header,
            grid: &problem.grid,
            target: &target,
            fields: &fields,
            metrics: &metrics,
            step_columns: &step_columns(method),
            options: Options {
                precision: place.precision,
                overwrite: arguments.force,
                expected_frames: Some(scenario.output.times.len()),
            },
        },
    )?;
    if !arguments.quiet {
        tell(&format!(
            "{}: {} on {} ({})",
            scenario.title,
            method.name(),
            place.name,
            place.precision.name()
        ));
    }

    let mode = ProgressMode::choose(arguments.quiet);
    let mut recorder = Recorder::new(
        &problem,
        writer,
        Progress::new(scenario.time.end, mode),
        &fields,
        &metrics,
        transport.as_ref(),
    );
    let begin = Instant::now();
    let outcome = run_method(
        &problem,
        flow.as_mut(),
        &scenario.output.times,
        &interrupted,
        &mut recorder,
    );
    let elapsed = begin.elapsed();
    let Recorder {
        writer,
        progress,
        first,
        last,
        motion,
        ..
    } = recorder;
    progress.finish();

    let status = match &outcome {
        Ok((Ending::Complete, _)) => Status::Complete,
        Ok((Ending::Interrupted, _)) => Status::Interrupted,
        Err(_) => Status::Failed,
    };
    let finished = writer.finish(status);
    let (ending, totals) = match outcome {
        Ok(outcome) => outcome,
        Err(RunError::Flow(source)) => {
            return Err(CommandError::Flow {
                source,
                file: Some(file),
            });
        }
        Err(RunError::Observer(error)) => return Err(error.into()),
    };
    finished?;
    if ending == Ending::Interrupted {
        return Err(CommandError::Interrupted {
            time: flow.time(),
            file,
        });
    }
    if let (Some(first), Some(last)) = (first, last) {
        let grid = &problem.grid;
        print(&summary(
            &scenario,
            grid,
            &place,
            [first, last],
            (&totals, elapsed),
            (motion, rotation),
            &file,
        ))?;
    }
    if let Some(folder) = &arguments.plots {
        plot::plot(&file, folder)?;
    }
    Ok(())
}

/// A flag that SIGINT and SIGTERM raise; a second signal ends the process at once, as a kill would.
pub(super) fn interruption(file: &Path) -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&flag);
    let name = file.display().to_string();
    let handler = ctrlc::set_handler(move || {
        if raised.swap(true, Ordering::Relaxed) {
            tell(&format!(
                "ottoflow: ended at once; `ottoflow repair {name}` makes the frames so far readable everywhere"
            ));
            std::process::exit(130);
        }
    });
    // Without a handler the run cannot be stopped gently, but it can still be run.
    if let Err(error) = handler {
        tell(&format!(
            "ottoflow: warning: interruption will lose the step in progress: {error}"
        ));
    }
    flag
}

/// Takes so many threads for all that follows; without a number, one for each core.
pub(super) fn use_threads(threads: Option<NonZeroUsize>) -> Result<(), CommandError> {
    if let Some(threads) = threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.get());
        pool.build_global()?;
    }
    Ok(())
}

/// The file that was asked for, or the scenario's stem with .h5 in the current folder.
pub(super) fn output_file(asked: Option<&Path>, scenario: &Path) -> Result<PathBuf, CommandError> {
    let file = asked.map_or_else(
        || {
            let mut name = scenario.file_stem().unwrap_or_default().to_owned();
            name.push(".h5");
            PathBuf::from(name)
        },
        Path::to_owned,
    );
    if file.is_dir() {
        let message = format!("{}: is a folder; name a file in it", file.display());
        return Err(CommandError::Usage(message));
    }
    Ok(file)
}

/// The datasets of the asked-for fields, density always first.
fn field_names(asked: &[OutputField], dimension: usize) -> Vec<FieldName> {
    let mut names = vec![FieldName::Density];
    for field in asked {
        match field {
            OutputField::Density => {}
            OutputField::Potential => names.push(FieldName::Potential),
            OutputField::Discriminator => names.push(FieldName::Discriminator),
            OutputField::Connection => names.extend((0..dimension).map(FieldName::Connection)),
            OutputField::Velocity => names.extend((0..dimension).map(FieldName::Velocity)),
        }
    }
    names
}

fn summary(
    scenario: &Scenario,
    grid: &Grid,
    place: &Place,
    [first, last]: [Metrics; 2],
    (totals, elapsed): (&Totals, Duration),
    (motion, rotation): (Option<Motion>, Option<f64>),
    file: &Path,
) -> String {
    let mut table = Table::new(&[("", Alignment::Left), ("", Alignment::Left)]);
    let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
    let cells: Vec<String> = grid
        .axes()
        .iter()
        .map(|axis| axis.cells.to_string())
        .collect();
    row("scenario", scenario.title.clone());
    if let Some(law) = &scenario.law {
        row("law to show", law.clone());
    }
    row("divergence", scenario.flow.divergence.formula().to_owned());
    row("cells", cells.join(" × "));
    row(
        "computed on",
        format!("{} in {}", place.name, place.precision.name()),
    );
    let mut steps = format!("{}", totals.steps);
    if totals.iterations > 0 {
        steps += &format!(", {} Newton iterations", totals.iterations);
    }
    if totals.linear_iterations > 0 {
        steps += &format!(", {} linear iterations", totals.linear_iterations);
    }
    if totals.rejected > 0 {
        steps += &format!(", {} rejected", totals.rejected);
    }
    row("steps", steps);
    row(
        "time",
        format!("0 → {} in {}", number(scenario.time.end), duration(elapsed)),
    );
    row(
        "J",
        format!("{} → {}", number(first.divergence), number(last.divergence)),
    );
    if let Some(share) = rotation {
        row(
            "initial velocity",
            format!("{:.3} % of its energy is rotation", 100.0 * share),
        );
    }
    if let Some(motion) = motion {
        let hamiltonian = last.divergence + motion.kinetic_energy;
        row("kinetic energy", number(motion.kinetic_energy));
        row(
            "H",
            format!(
                "{} → {}",
                number(motion.initial_hamiltonian),
                number(hamiltonian)
            ),
        );
        row("work of friction", number(motion.dissipated_work));
        let lost = motion.initial_hamiltonian - hamiltonian - motion.dissipated_work;
        row("energy balance", number(lost));
        row("action", number(motion.action));
    }
    row(
        "‖A‖",
        format!(
            "{} → {}",
            number(first.connection_norm),
            number(last.connection_norm)
        ),
    );
    let range = |metrics: &Metrics| {
        format!(
            "[{}, {}]",
            number(metrics.ratio_min),
            number(metrics.ratio_max)
        )
    };
    row("ρ/π", format!("{} → {}", range(&first), range(&last)));
    if let (Some(before), Some(after)) = (first.wasserstein, last.wasserstein) {
        row(
            "W2 to target",
            format!("{} → {}", number(before), number(after)),
        );
    }
    row("mass error", number(last.mass / first.mass - 1.0));
    row("trajectory", file.display().to_string());
    table.to_string()
}
