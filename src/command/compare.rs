use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::compare_arrays::group;
use super::compare_report::{failures, table, view};
use super::place::cpu_name;
use super::run::{interruption, output_file, use_threads};
use super::{CommandError, print, tell};
use crate::output::console::{Progress, ProgressMode, duration, number, time_left};
use crate::output::hdf5::{ComparisonFile, ComparisonWriter, Header, OptimizerArrays, Status};
use crate::output::plots::draw_comparison;
use crate::parametric::{Yardstick, compare as compare_rules};
use crate::scenario::{Comparison, load_comparison, parse_comparison};

#[derive(clap::Args)]
pub(super) struct CompareArguments {
    /// The generator scenario (TOML)
    scenario: PathBuf,
    /// The file of the comparison; without it, the scenario's name with .h5 in the current folder
    #[arg(short, long, value_name = "FILE.h5")]
    output: Option<PathBuf>,
    /// Threads; without it, one for each core. The results do not depend on it
    #[arg(long, value_name = "N")]
    threads: Option<std::num::NonZeroUsize>,
    /// Override a key of the scenario, such as training.seeds=32; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Draw the pictures of the comparison into this folder
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
    /// Replace an existing file
    #[arg(long)]
    force: bool,
    /// No progress display
    #[arg(short, long)]
    quiet: bool,
}

/// Trains every optimizer of a generator scenario from all seeds, prints a table and writes all numbers.
pub(super) fn compare(arguments: &CompareArguments) -> Result<(), CommandError> {
    use_threads(arguments.threads)?;
    let scenario = load_comparison(&arguments.scenario, &arguments.set)?;
    let target = &scenario.target;
    let yardstick = Yardstick::new(target, scenario.training.evaluation)
        .map_err(|error| CommandError::Usage(format!("the target: {error}")))?;
    let file = output_file(arguments.output.as_deref(), &arguments.scenario)?;
    let interrupted = interruption(&file);
    let header = Header {
        title: scenario.title.clone(),
        scenario: scenario.text.clone(),
        backend: "cpu".to_owned(),
        device: cpu_name(),
    };
    let writer = ComparisonWriter::create(&file, &header, arguments.force)?;
    if !arguments.quiet {
        tell(&format!("{}: {}", scenario.title, size(&scenario)));
    }

    let begin = Instant::now();
    let meter = Meter::new(&scenario, arguments.quiet);
    let runs = compare_rules(
        &scenario.training,
        &scenario.optimizers,
        scenario.seeds,
        target,
        &yardstick,
        &|rule, seed, step| {
            meter.note(rule, seed, step);
            !interrupted.load(Ordering::Relaxed)
        },
    );
    drop(meter);
    let elapsed = begin.elapsed();

    let stopped = interrupted.load(Ordering::Relaxed);
    let all_failed = runs
        .iter()
        .flat_map(|runs| &runs.outcomes)
        .all(|run| run.failure.is_some());
    let distances = super::beside::distances(&scenario, &runs)?;
    let mut optimizers: Vec<OptimizerArrays> = Vec::new();
    for (runs, distances) in runs.iter().zip(&distances) {
        let group = group(runs, &scenario.training, distances.as_ref());
        writer.write(&group)?;
        optimizers.push(group.into());
    }
    writer.finish(match (stopped, all_failed) {
        (true, _) => Status::Interrupted,
        (false, true) => Status::Failed,
        (false, false) => Status::Complete,
    })?;
    for failure in failures(&runs) {
        tell(&format!("ottoflow: warning: {failure}"));
    }
    if stopped {
        return Err(CommandError::ComparisonInterrupted { file });
    }
    if all_failed {
        return Err(CommandError::AllDiverged { file });
    }
    print(table(&scenario, &optimizers).trim_end())?;
    print(&speed(&scenario, elapsed, &file))?;
    match &arguments.plots {
        Some(folder) => pictures(&scenario, &optimizers, folder),
        None => Ok(()),
    }
}

/// What is in the file of a comparison.
pub(super) fn info(comparison: &ComparisonFile) -> Result<(), CommandError> {
    let attributes = comparison.attributes();
    let (scenario, optimizers) = stored(comparison)?;
    let mut about = super::info::about(attributes);
    let mut row = |name: &str, value: String| about.row([name.to_owned(), value]);
    row("optimizers", comparison.optimizers().join("; "));
    row("seeds", scenario.seeds.to_string());
    let records = optimizers.iter().map(|own| own.scale("record_step"));
    let longest = records.max_by_key(|steps| steps.len()).unwrap_or_default();
    let made = longest.last().copied().unwrap_or(0.0);
    row(
        "steps",
        format!(
            "{} of {}, {} records",
            number(made),
            scenario.training.steps,
            longest.len()
        ),
    );
    row(
        "samples",
        format!(
            "{} of {} coordinates in each record",
            scenario.training.evaluation,
            scenario.target.dimension()
        ),
    );
    row("generator", parameters(&scenario));
    print(about.to_string().trim_end())?;
    match optimizers.is_empty() {
        true => print("\nno optimizer: they are written when all runs have ended"),
        false => print(&format!("\n{}", table(&scenario, &optimizers).trim_end())),
    }
}

/// Draws the pictures of the file of a comparison into a folder and names them.
pub(super) fn plot(comparison: &ComparisonFile, folder: &Path) -> Result<(), CommandError> {
    let (scenario, optimizers) = stored(comparison)?;
    pictures(&scenario, &optimizers, folder)
}

/// The scenario and the numbers that a file holds.
fn stored(comparison: &ComparisonFile) -> Result<(Comparison, Vec<OptimizerArrays>), CommandError> {
    let name = "the scenario in the file";
    let scenario = parse_comparison(&comparison.attributes().scenario, name, &[])?;
    let names = comparison.optimizers().iter();
    let optimizers = names.map(|name| comparison.arrays(name));
    Ok((scenario, optimizers.collect::<Result<_, _>>()?))
}

fn pictures(
    scenario: &Comparison,
    optimizers: &[OptimizerArrays],
    folder: &Path,
) -> Result<(), CommandError> {
    for picture in draw_comparison(&view(scenario, optimizers), folder)? {
        print(&picture.display().to_string())?;
    }
    Ok(())
}

fn size(scenario: &Comparison) -> String {
    format!(
        "{} optimizers × {} seeds × {} steps of {} samples, {}",
        scenario.optimizers.len(),
        scenario.seeds,
        scenario.training.steps,
        scenario.training.batch,
        parameters(scenario)
    )
}

/// How many parameters the generator has, in words.
fn parameters(scenario: &Comparison) -> String {
    match scenario.training.generator.network.parameters() {
        1 => "1 parameter".to_owned(),
        number => format!("{number} parameters"),
    }
}

fn speed(scenario: &Comparison, elapsed: Duration, file: &Path) -> String {
    let steps = total_steps(scenario) as f64 / elapsed.as_secs_f64();
    format!(
        "\n{} in {}: {} steps/s; {}",
        size(scenario),
        duration(elapsed),
        number(steps),
        file.display()
    )
}

fn total_steps(scenario: &Comparison) -> u64 {
    scenario.optimizers.len() as u64 * scenario.seeds * scenario.training.steps
}

/// Steps of all runs together, shown as they are made.
struct Meter {
    total: u64,
    runs: u64,
    steps_of_a_run: u64,
    made: AtomicU64,
    finished: AtomicU64,
    /// Steps of each run that were counted already.
    counted: Vec<AtomicU64>,
    seeds: u64,
    progress: Mutex<Progress>,
}

impl Meter {
    fn new(scenario: &Comparison, quiet: bool) -> Self {
        let runs = scenario.optimizers.len() as u64 * scenario.seeds;
        Self {
            total: total_steps(scenario),
            runs,
            steps_of_a_run: scenario.training.steps,
            made: AtomicU64::new(0),
            finished: AtomicU64::new(0),
            counted: (0..runs).map(|_| AtomicU64::new(0)).collect(),
            seeds: scenario.seeds,
            progress: Mutex::new(Progress::new(1.0, ProgressMode::choose(quiet))),
        }
    }

    fn note(&self, rule: usize, seed: u64, step: u64) {
        let run = rule as u64 * self.seeds + seed;
        let before = self.counted[run as usize].swap(step, Ordering::Relaxed);
        let made = self.made.fetch_add(step - before, Ordering::Relaxed) + step - before;
        if step == self.steps_of_a_run {
            self.finished.fetch_add(1, Ordering::Relaxed);
        }
        // Another thread is showing progress already: nothing is lost.
        let Ok(mut progress) = self.progress.try_lock() else {
            return;
        };
        let fraction = made as f64 / self.total as f64;
        progress.note(fraction, |elapsed| {
            format!(
                "{} of {} runs ({:.0} %), {} steps/s{}",
                self.finished.load(Ordering::Relaxed),
                self.runs,
                (100.0 * fraction).floor(),
                number(made as f64 / elapsed.as_secs_f64()),
                time_left(fraction, elapsed)
            )
        });
    }
}
