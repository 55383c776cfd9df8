//! The eigenvalues of the metrics over their numbers, at the first and at the last of the times that are known.

use super::chart::{LineChart, Series};
use super::colour::category_colour;
use super::comparison::{ComparisonView, OptimizerView, quantile};
use super::drawing::{GREY, Stroke};
use super::scale::Scale;

/// Eigenvalues below this share of the largest are rounding.
const DEPTH: f64 = 1e-14;

/// Median over the seeds of each eigenvalue at one time.
fn medians(runs: &[Vec<Vec<f64>>], time: usize) -> Vec<(f64, f64)> {
    let spectra: Vec<&Vec<f64>> = runs.iter().filter_map(|run| run.get(time)).collect();
    let size = spectra.first().map_or(0, |spectrum| spectrum.len());
    let median = |index: usize| {
        let mut values: Vec<f64> = spectra.iter().map(|spectrum| spectrum[index]).collect();
        values.retain(|value| value.is_finite());
        values.sort_unstable_by(f64::total_cmp);
        (!values.is_empty()).then(|| ((index + 1) as f64, quantile(&values, 0.5)))
    };
    (0..size).filter_map(median).collect()
}

/// Solid the metric sample, dashed otto: of the start in grey, which all optimizers share, and of each optimizer at the last time. None without spectra.
pub(super) fn chart<'a>(view: &ComparisonView<'a>) -> Option<LineChart<'a>> {
    let mut series = Vec::new();
    let mut add = |own: &OptimizerView, time: usize, label: &str, colour| {
        for (number, runs) in own.metric_spectra.iter().enumerate() {
            let points = medians(runs, time);
            if points.is_empty() {
                continue;
            }
            series.push(Series {
                label: format!("{label}, {}", ["sample", "otto"][number]),
                points,
                stroke: match number {
                    0 => Stroke::solid(colour, 2.0),
                    _ => Stroke::dashed(colour, 2.0),
                },
                fill: None,
                band: None,
            });
        }
    };
    let last_of = |own: &OptimizerView| own.spectrum_steps.len().checked_sub(1);
    let first = view.optimizers.iter().find(|own| last_of(own).is_some())?;
    if first.spectrum_steps.first() == Some(&0.0) {
        add(first, 0, "at the start", GREY);
    }
    for (i, own) in view.optimizers.iter().enumerate() {
        if let Some(last) = last_of(own).filter(|last| own.spectrum_steps[*last] > 0.0) {
            add(own, last, own.name, category_colour(i));
        }
    }
    let points = || series.iter().flat_map(|series| &series.points);
    let highest = points().map(|point| point.1).fold(0.0, f64::max);
    let positive = points()
        .map(|point| point.1)
        .filter(|value| *value > DEPTH * highest);
    let lowest = positive.fold(f64::INFINITY, f64::min);
    let most = points().map(|point| point.0).fold(1.0, f64::max);
    if !lowest.is_finite() {
        return None;
    }
    Some(LineChart {
        title: view.title,
        subtitle: "eigenvalues of the metrics on parameters after the first and the last of the chosen steps, median over the seeds",
        x_title: "number of the eigenvalue",
        y_title: "eigenvalue",
        x: Scale::logarithmic(1.0, most.max(2.0)),
        y: Scale::logarithmic(lowest / 1.5, 1.5 * highest),
        series,
    })
}
