//! What a comparison shows, just run or read from its file: its table and the view that its pictures are drawn from.

use crate::calculus::Real;
use crate::density::NormalMixture;
use crate::metrics::Interval;
use crate::output::console::{Alignment, Table, number};
use crate::output::hdf5::OptimizerArrays;
use crate::output::plots::{ComparisonView, DensityFunction, OptimizerView};
use crate::parametric::{EigenvalueError, Runs};
use crate::scenario::Comparison;

/// The W2 to the target that counts as arrived.
const ARRIVED: f64 = 0.1;

/// The numbers of one run of an optimizer.
#[derive(Clone, Copy)]
struct Run<'a> {
    arrays: &'a OptimizerArrays,
    /// Its place among the seeds.
    seed: usize,
}

impl<'a> Run<'a> {
    fn all(arrays: &'a OptimizerArrays) -> impl Iterator<Item = Self> {
        (0..arrays.scale("seed").len()).map(move |seed| Self { arrays, seed })
    }

    /// Those that did not fail.
    fn finished(arrays: &'a OptimizerArrays) -> impl Iterator<Item = Self> {
        Self::all(arrays).filter(|run| run.value("failed_step").is_nan())
    }

    /// The part of an array that belongs to this run; empty if there is no such array.
    fn part(self, array: &str) -> &'a [f64] {
        let values = self.arrays.values(array).unwrap_or_default();
        let length = values.len() / self.arrays.scale("seed").len().max(1);
        &values[self.seed * length..][..length]
    }

    /// A number of the run itself.
    fn value(self, array: &str) -> f64 {
        self.part(array).first().copied().unwrap_or(f64::NAN)
    }

    /// The numbers of an array at the records that the run reached: the count of modes is a number there and nowhere else.
    fn records(self, array: &str) -> &'a [f64] {
        let reached = self.part("modes").iter().filter(|count| !count.is_nan());
        let part = self.part(array);
        &part[..reached.count().min(part.len())]
    }

    /// A number of the last record.
    fn last(self, array: &str) -> f64 {
        self.records(array).last().copied().unwrap_or(f64::NAN)
    }
}

/// The numbers of the table: title, and the value of a run.
type Column = (&'static str, Box<dyn Fn(Run) -> f64>);

fn last(array: &'static str) -> Box<dyn Fn(Run) -> f64> {
    Box::new(move |run| run.last(array))
}

fn value(array: &'static str) -> Box<dyn Fn(Run) -> f64> {
    Box::new(move |run| run.value(array))
}

fn columns(scenario: &Comparison) -> Vec<Column> {
    let dimension = scenario.target.dimension();
    let mut columns: Vec<Column> = Vec::new();
    if dimension == 1 {
        columns.push(("mean", last("sample_mean")));
        columns.push(("std", last("sample_std")));
    }
    let (first, second) = match dimension {
        1 => ("W1", "W2"),
        _ => ("sliced W1", "sliced W2"),
    };
    columns.push((first, last("wasserstein_1")));
    columns.push((second, last("wasserstein")));
    if dimension == 1 && scenario.target.density().is_some() {
        columns.push(("JSD", last("jensen_shannon")));
    }
    if scenario.target.modes() > 1 {
        columns.push(("modes", last("modes")));
        columns.push(("high quality", last("high_quality")));
    }
    columns.push(("loss", last("loss_generator")));
    columns.push(("spread of the loss", value("loss_spread")));
    let share = |run: Run| {
        let (sample, otto) = (run.value("metric_trace"), run.value("metric_trace_otto"));
        (sample - otto) / sample
    };
    columns.push(("trace(G̃ − g)/trace G̃", Box::new(share)));
    columns.push(("seconds", value("seconds")));
    columns
}

/// Mean ± 95 % interval over the seeds of every number, the steps to arrive, and the paired differences.
pub(super) fn table(scenario: &Comparison, optimizers: &[OptimizerArrays]) -> String {
    let columns = columns(scenario);
    let mut titles = vec![("optimizer".to_owned(), Alignment::Left)];
    titles.extend(
        columns
            .iter()
            .map(|(title, _)| ((*title).to_owned(), Alignment::Right)),
    );
    titles.push((format!("steps to W2 < {ARRIVED}"), Alignment::Right));
    titles.push(("failed".to_owned(), Alignment::Right));
    if scenario.beside.is_some() {
        titles.push(("largest W2 to the flow".to_owned(), Alignment::Right));
    }
    let titles: Vec<(&str, Alignment)> = titles.iter().map(|(t, a)| (t.as_str(), *a)).collect();
    let mut table = Table::new(&titles);
    for arrays in optimizers {
        let mut row = vec![arrays.name().to_owned()];
        let cells = columns.iter().map(|(_, value)| {
            let values = Run::finished(arrays).map(value);
            interval(&values.collect::<Vec<_>>())
        });
        row.extend(cells);
        row.push(arrival(arrays));
        let runs = Run::all(arrays).count();
        let failed = runs - Run::finished(arrays).count();
        row.push(format!("{failed} of {runs}"));
        if scenario.beside.is_some() {
            let distances = Run::all(arrays).map(|run| run.part("flow_distance"));
            let distances = distances.filter(|distances| !distances.is_empty());
            let farthest = distances.map(|own| own.iter().copied().fold(0.0, f64::max));
            row.push(interval(&farthest.collect::<Vec<_>>()));
        }
        table.row(row);
    }
    let mut text = format!(
        "{}\nmean ± 95 % interval over {} seeds\n\n{table}",
        scenario.title, scenario.seeds
    );
    if optimizers.len() > 1 && scenario.seeds > 1 {
        text += &format!(
            "\npaired differences, on common random numbers\n\n{}",
            pairs(optimizers)
        );
    }
    if scenario.training.observations.game_spectrum {
        text += &format!(
            "\nthe game at the end, linearised: a small displacement in a plain gradient step of both players\n\n{}",
            game(optimizers)
        );
    }
    text
}

/// What the leading eigenvalue of a step of both players predicts for a small displacement, and what was measured.
fn game(optimizers: &[OptimizerArrays]) -> String {
    let mut table = Table::new(&[
        ("optimizer", Alignment::Left),
        ("growth", Alignment::Right),
        ("measured", Alignment::Right),
        ("rotation", Alignment::Right),
        ("measured", Alignment::Right),
        ("largest real part of the field", Alignment::Right),
    ]);
    for arrays in optimizers {
        let cell = |array: &'static str| {
            let values = Run::finished(arrays).map(|run| run.value(array));
            interval(&values.filter(|value| !value.is_nan()).collect::<Vec<_>>())
        };
        table.row([
            arrays.name().to_owned(),
            cell("predicted_growth"),
            cell("measured_growth"),
            cell("predicted_rotation"),
            cell("measured_rotation"),
            cell("field_eigenvalues"),
        ]);
    }
    table.to_string()
}

fn interval(values: &[f64]) -> String {
    Interval::of(values).map_or("–".to_owned(), |interval| interval.to_string())
}

/// The step of the first record with W2 below [`ARRIVED`], over the seeds that get there.
fn arrival(arrays: &OptimizerArrays) -> String {
    let steps = arrays.scale("record_step");
    let first = |run: Run| {
        let mut records = steps.iter().zip(run.records("wasserstein"));
        records
            .find(|(_, distance)| **distance < ARRIVED)
            .map(|(step, _)| *step)
    };
    let arrived: Vec<f64> = Run::all(arrays).filter_map(first).collect();
    match Interval::of(&arrived) {
        None => "never".to_owned(),
        Some(interval) => format!(
            "{} ({} of {})",
            number(interval.mean.round()),
            arrived.len(),
            Run::all(arrays).count()
        ),
    }
}

/// Each pair of optimizers, seed by seed: the difference of the final W2 and of the spread of the loss.
fn pairs(optimizers: &[OptimizerArrays]) -> String {
    let mut table = Table::new(&[
        ("difference", Alignment::Left),
        ("W2", Alignment::Right),
        ("spread of the loss", Alignment::Right),
    ]);
    let cell = |values: &[f64]| match Interval::of(values) {
        Some(interval) if interval.excludes_zero() => format!("{interval} *"),
        Some(interval) => format!("{interval}  "),
        None => "–  ".to_owned(),
    };
    for (number, first) in optimizers.iter().enumerate() {
        for second in &optimizers[number + 1..] {
            let paired = |value: &dyn Fn(Run) -> f64| -> Vec<f64> {
                let both = Run::finished(first).filter_map(|own| {
                    let other = Run::finished(second).find(|other| other.seed == own.seed)?;
                    Some(value(own) - value(other))
                });
                both.collect()
            };
            table.row([
                format!("{} − {}", first.name(), second.name()),
                cell(&paired(&last("wasserstein"))),
                cell(&paired(&value("loss_spread"))),
            ]);
        }
    }
    format!("{table}* the interval does not hold 0\n")
}

/// What went wrong, one line a run.
pub(super) fn failures(runs: &[Runs]) -> Vec<String> {
    let of = |runs: &Runs| {
        let failures = runs.outcomes.iter().filter_map(|run| run.failure);
        let failures = failures.map(|failure| failure.to_string());
        let games = runs.outcomes.iter().filter_map(|run| {
            let error = run.game.as_ref()?.as_ref().err()?;
            Some(format!("seed {}: no spectrum: {error}", run.seed))
        });
        let metrics = runs.outcomes.iter().flat_map(|run| {
            let failed = |(step, spectrum): &(u64, Result<_, EigenvalueError>)| {
                let error = spectrum.as_ref().err()?;
                Some(format!(
                    "seed {}: no spectrum of the metrics at step {step}: {error}",
                    run.seed
                ))
            };
            run.metric_spectra.iter().filter_map(failed)
        });
        let all = failures.chain(games).chain(metrics);
        all.map(|what| format!("{}: {what}", runs.rule.name))
            .collect::<Vec<_>>()
    };
    runs.iter().flat_map(of).collect()
}

/// What the pictures are drawn from.
pub(super) fn view<'a>(
    scenario: &'a Comparison,
    optimizers: &'a [OptimizerArrays],
) -> ComparisonView<'a> {
    let dimension = scenario.target.dimension();
    let optimizers = optimizers.iter().map(|arrays| {
        let curves = |array: &str| {
            let curve = |run: Run| run.records(array).to_vec();
            Run::finished(arrays).map(curve).collect()
        };
        let points = |run: Run| {
            let points = run.part("samples").chunks_exact(dimension);
            points.map(<[f64]>::to_vec).collect()
        };
        OptimizerView {
            name: arrays.name(),
            steps: arrays.scale("record_step").to_vec(),
            loss: curves("loss_generator"),
            wasserstein: curves("wasserstein"),
            samples: Run::finished(arrays).map(points).collect(),
            orbits: Run::finished(arrays).map(orbit).collect(),
            metric_spectra: ["metric_eigenvalues", "metric_eigenvalues_otto"]
                .map(|array| metric_spectra(arrays, array)),
            spectrum_steps: arrays.scale("spectrum_step").to_vec(),
            field: eigenvalues(arrays, "field_eigenvalues"),
            update: eigenvalues(arrays, "update_eigenvalues"),
        }
    });
    let (lower, upper) = scenario.target.density().map(bounds).unwrap_or_default();
    ComparisonView {
        title: &scenario.title,
        subtitle: format!("{} seeds", scenario.seeds),
        optimizers: optimizers.collect(),
        dimension,
        target: scenario.target.density().map(|density| {
            let target = |point: &[f64]| Real::exp(density.log_density(point));
            Box::new(target) as Box<DensityFunction>
        }),
        lower,
        upper,
    }
}

/// The eigenvalues of all runs that have them, real and imaginary part.
fn eigenvalues(arrays: &OptimizerArrays, array: &str) -> Vec<(f64, f64)> {
    let parts = Run::finished(arrays).flat_map(|run| run.part(array).chunks_exact(2));
    let values = parts.map(|part| (part[0], part[1]));
    values.filter(|value| value.0.is_finite()).collect()
}

/// The eigenvalues of a metric of every run that reached its end, after every number of steps.
fn metric_spectra(arrays: &OptimizerArrays, array: &str) -> Vec<Vec<Vec<f64>>> {
    let size = arrays.scale("metric_eigenvalue").len().max(1);
    let of_run = |run: Run| {
        run.part(array)
            .chunks_exact(size)
            .map(<[f64]>::to_vec)
            .collect()
    };
    Run::finished(arrays).map(of_run).collect()
}

/// The path (w, θ) of a linear critic t = wx + c and a generator with one parameter; empty for all other players.
fn orbit(run: Run) -> Vec<(f64, f64)> {
    let length = |scale: &str| run.arrays.scale(scale).len();
    if (length("generator_parameter"), length("critic_parameter")) != (1, 2) {
        return Vec::new();
    }
    let slopes = run.part("critic_parameters").chunks_exact(2).map(|w| w[0]);
    slopes
        .zip(run.part("generator_parameters").iter().copied())
        .filter(|(w, theta)| w.is_finite() && theta.is_finite())
        .collect()
}

/// The box around the target that the pictures show: five standard deviations beyond the outermost means.
fn bounds(target: &NormalMixture) -> (Vec<f64>, Vec<f64>) {
    let ends = |axis: usize| {
        let ends = (0..target.len()).map(|component| {
            let reach = 5.0 * target.largest_std(component);
            let mean = target.mean(component)[axis];
            (mean - reach, mean + reach)
        });
        ends.fold((f64::INFINITY, f64::NEG_INFINITY), |all, own| {
            (all.0.min(own.0), all.1.max(own.1))
        })
    };
    (0..target.dimension()).map(ends).unzip()
}
