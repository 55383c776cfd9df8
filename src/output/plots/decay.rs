//! J and ‖A‖ over time on a logarithmic axis, against the predicted rate.

use super::chart::{LineChart, Series};
use super::colour::{BLUE, VERMILION};
use super::drawing::{Drawing, Stroke};
use super::frames::time_scale;
use super::scale::{Scale, short};
use super::{PlotError, TrajectoryView};

/// Values below this share of the largest are beneath the lower side of the chart.
const DEPTH: f64 = 1e-18;
/// A guide touches its curve at the last value above this share of the largest: late, where the predicted rate holds,
/// but above round-off.
const TOUCH: f64 = 1e-10;
/// How far above the curve the guide runs.
const LIFT: f64 = 2.0;
const GUIDE_POINTS: usize = 400;

pub(super) fn compose(view: &TrajectoryView) -> Result<Drawing, PlotError> {
    let time = time_scale(view.times);
    let shown = |values: &[f64]| -> Vec<(f64, f64)> {
        view.times
            .iter()
            .copied()
            .zip(values.iter().copied())
            .collect()
    };
    let curves = [
        (
            format!("J ({})", view.divergence_label),
            shown(view.divergence),
            BLUE,
            1.0,
            "exp(−λt)",
        ),
        (
            "‖A‖ in L²(ρ)".into(),
            shown(view.connection_norm),
            VERMILION,
            0.5,
            "exp(−λt/2)",
        ),
    ];
    let mut series = Vec::new();
    let mut guides = Vec::new();
    for (label, points, colour, share, law) in curves {
        if let Some(rate) = view.predicted_rate
            && let Some(points) = guide(&points, share * rate, &time)
        {
            guides.push(Series {
                label: format!("∝ {law}, λ = {}", short(rate)),
                points,
                stroke: Stroke::dashed(colour, 1.5),
                fill: None,
                band: None,
            });
        }
        series.push(Series {
            label,
            points,
            stroke: Stroke::solid(colour, 2.2),
            fill: None,
            band: None,
        });
    }
    let y = value_scale(&series, DEPTH);
    series.extend(guides);
    let chart = LineChart {
        title: view.title,
        subtitle: view.subtitle,
        x_title: "time t",
        y_title: "J, ‖A‖",
        x: time,
        y,
        series,
    };
    chart.drawing()
}

/// The numbers a logarithmic axis can show.
pub(super) fn positive(points: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> {
    points
        .iter()
        .copied()
        .filter(|&(time, value)| time.is_finite() && value.is_finite() && value > 0.0)
}

fn largest(points: &[(f64, f64)]) -> f64 {
    positive(points).map(|(_, value)| value).fold(0.0, f64::max)
}

/// The axis for the values of all series above a share `depth` of the largest.
pub(super) fn value_scale(series: &[Series], depth: f64) -> Scale {
    let highest = series
        .iter()
        .map(|series| largest(&series.points))
        .fold(0.0, f64::max);
    if highest <= 0.0 {
        return Scale::logarithmic(0.1, 1.0);
    }
    let lowest = series
        .iter()
        .flat_map(|series| positive(&series.points))
        .map(|(_, value)| value)
        .fold(highest, f64::min);
    Scale::logarithmic(lowest.max(depth * highest) / 2.0, 3.0 * highest)
}

/// c·exp(−rate·t) over the time axis, through the last value well above round-off, lifted so that both can be seen.
fn guide(points: &[(f64, f64)], rate: f64, time: &Scale) -> Option<Vec<(f64, f64)>> {
    let threshold = TOUCH * largest(points);
    let (touch, value) = positive(points)
        .filter(|&(_, value)| value > threshold)
        .last()?;
    let at = |i: usize| {
        let time = time.value(i as f64 / GUIDE_POINTS as f64);
        (time, LIFT * value * (-rate * (time - touch)).exp())
    };
    Some((0..=GUIDE_POINTS).map(at).collect())
}
