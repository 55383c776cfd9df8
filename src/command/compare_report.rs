//! What a comparison shows: its table and the view that its pictures are drawn from.

use super::beside::Distances;
use crate::calculus::Real;
use crate::metrics::Interval;
use crate::output::console::{Alignment, Table, number};
use crate::output::plots::{ComparisonView, OptimizerView};
use crate::parametric::{Outcome, Record, Runs};
use crate::scenario::Comparison;

/// The W2 to the target that counts as arrived.
const ARRIVED: f64 = 0.1;

/// A number of the last record.
fn last(value: impl Fn(&Record) -> f64) -> impl Fn(&Outcome) -> f64 {
    move |run| run.records.last().map_or(f64::NAN, &value)
}

/// The numbers of the table: title, and the value of a run.
type Column = (&'static str, Box<dyn Fn(&Outcome) -> f64>);

fn columns(scenario: &Comparison) -> Vec<Column> {
    let dimension = scenario.target.dimension();
    let mut columns: Vec<Column> = Vec::new();
    if dimension == 1 {
        columns.push(("mean", Box::new(last(|r| r.quality.mean[0]))));
        columns.push(("std", Box::new(last(|r| r.quality.std[0]))));
    }
    let (first, second) = match dimension {
        1 => ("W1", "W2"),
        _ => ("sliced W1", "sliced W2"),
    };
    columns.push((first, Box::new(last(|r| r.quality.wasserstein_1))));
    columns.push((second, Box::new(last(|r| r.quality.wasserstein_2))));
    if dimension == 1 {
        let jsd = |r: &Record| r.quality.jensen_shannon.unwrap_or(f64::NAN);
        columns.push(("JSD", Box::new(last(jsd))));
    }
    if scenario.target.len() > 1 {
        columns.push(("modes", Box::new(last(|r| r.quality.modes as f64))));
        columns.push(("high quality", Box::new(last(|r| r.quality.high_quality))));
    }
    columns.push(("loss", Box::new(last(|r| r.loss_generator))));
    columns.push(("spread of the loss", Box::new(|run| run.loss_spread)));
    let share = |run: &Outcome| run.split.map_or(f64::NAN, |split| split.share());
    columns.push(("trace(G̃ − g)/trace G̃", Box::new(share)));
    columns.push(("seconds", Box::new(|run| run.seconds)));
    columns
}

/// Mean ± 95 % interval over the seeds of every number, the steps to arrive, and the paired differences.
pub(super) fn table(
    scenario: &Comparison,
    runs: &[Runs],
    distances: &[Option<Distances>],
) -> String {
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
    for (runs, distances) in runs.iter().zip(distances) {
        let mut row = vec![runs.rule.name.clone()];
        let cells = columns
            .iter()
            .map(|(_, value)| interval(&runs.at_end(value)));
        row.extend(cells);
        row.push(arrival(runs));
        let failed = runs.outcomes.iter().filter(|run| run.failure.is_some());
        row.push(format!("{} of {}", failed.count(), runs.outcomes.len()));
        let farthest = |own: &Vec<f64>| own.iter().copied().fold(0.0, f64::max);
        let farthest = distances.iter().flatten().map(farthest);
        row.push(interval(&farthest.collect::<Vec<_>>()));
        table.row(row);
    }
    let mut text = format!(
        "{}\nmean ± 95 % interval over {} seeds\n\n{table}",
        scenario.title, scenario.seeds
    );
    if runs.len() > 1 && scenario.seeds > 1 {
        text += &format!(
            "\npaired differences, on common random numbers\n\n{}",
            pairs(runs)
        );
    }
    text
}

fn interval(values: &[f64]) -> String {
    Interval::of(values).map_or("–".to_owned(), |interval| interval.to_string())
}

/// The step of the first record with W2 below [`ARRIVED`], over the seeds that get there.
fn arrival(runs: &Runs) -> String {
    let first = |run: &Outcome| {
        let arrived = |record: &&Record| record.quality.wasserstein_2 < ARRIVED;
        run.records
            .iter()
            .find(arrived)
            .map(|record| record.step as f64)
    };
    let steps: Vec<f64> = runs.outcomes.iter().filter_map(first).collect();
    match Interval::of(&steps) {
        None => "never".to_owned(),
        Some(interval) => format!(
            "{} ({} of {})",
            number(interval.mean.round()),
            steps.len(),
            runs.outcomes.len()
        ),
    }
}

/// Each pair of optimizers, seed by seed: the difference of the final W2 and of the spread of the loss.
fn pairs(runs: &[Runs]) -> String {
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
    for (number, first) in runs.iter().enumerate() {
        for second in &runs[number + 1..] {
            table.row([
                format!("{} − {}", first.rule.name, second.rule.name),
                cell(&first.paired(second, last(|r| r.quality.wasserstein_2))),
                cell(&first.paired(second, |run| run.loss_spread)),
            ]);
        }
    }
    format!("{table}* the interval does not hold 0\n")
}

/// What went wrong, one line a run.
pub(super) fn failures(runs: &[Runs]) -> Vec<String> {
    let of = |runs: &Runs| {
        let failures = runs.outcomes.iter().filter_map(|run| run.failure);
        failures
            .map(|failure| format!("{}: {failure}", runs.rule.name))
            .collect::<Vec<_>>()
    };
    runs.iter().flat_map(of).collect()
}

/// What the pictures are drawn from.
pub(super) fn view<'a>(scenario: &'a Comparison, runs: &'a [Runs]) -> ComparisonView<'a> {
    let optimizers = runs.iter().map(|runs| {
        let finished: Vec<&Outcome> = runs
            .outcomes
            .iter()
            .filter(|r| r.failure.is_none())
            .collect();
        let steps = finished.first().map_or(Vec::new(), |run| {
            run.records
                .iter()
                .map(|record| record.step as f64)
                .collect()
        });
        let curves = |value: &dyn Fn(&Record) -> f64| {
            let curve = |run: &&Outcome| run.records.iter().map(value).collect();
            finished.iter().map(curve).collect()
        };
        OptimizerView {
            name: &runs.rule.name,
            loss: curves(&|r| r.loss_generator),
            wasserstein: curves(&|r| r.quality.wasserstein_2),
            samples: finished
                .iter()
                .map(|run| &run.samples)
                .map(points)
                .collect(),
            steps,
        }
    });
    let (lower, upper) = bounds(scenario);
    ComparisonView {
        title: &scenario.title,
        subtitle: format!("{} seeds", scenario.seeds),
        optimizers: optimizers.collect(),
        dimension: scenario.target.dimension(),
        target: Box::new(|point: &[f64]| Real::exp(scenario.target.log_density(point))),
        lower,
        upper,
    }
}

/// The box around the target that the pictures show: five standard deviations beyond the outermost means.
fn bounds(scenario: &Comparison) -> (Vec<f64>, Vec<f64>) {
    let target = &scenario.target;
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

fn points(samples: &crate::parametric::Batch) -> Vec<Vec<f64>> {
    (0..samples.count())
        .map(|index| samples.sample(index).collect())
        .collect()
}
