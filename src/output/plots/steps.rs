//! J and the duality gap of every step over time on a logarithmic axis: how far below J, and below its fall, the certificates are.

use super::chart::{LineChart, Series};
use super::colour::{BLUE, VERMILION};
use super::decay::{positive, value_scale};
use super::drawing::{Drawing, Stroke};
use super::frames::time_scale;
use super::{PlotError, StepsView, TrajectoryView};

/// Values below this share of the largest are beneath the lower side of the chart: gaps reach the square of rounding.
const DEPTH: f64 = 1e-36;

pub(super) fn compose(view: &TrajectoryView, steps: &StepsView) -> Result<Drawing, PlotError> {
    let curve = |label: String, values: &[f64], colour| Series {
        label,
        points: steps
            .times
            .iter()
            .copied()
            .zip(values.iter().copied())
            .collect(),
        stroke: Stroke::solid(colour, 2.2),
        fill: None,
        band: None,
    };
    let j = curve(
        format!("J ({}) after the step", view.divergence_label),
        steps.divergence,
        BLUE,
    );
    let mut gap = curve("duality gap of the step".into(), steps.gap, VERMILION);
    // A gap of 0, where nothing moves, has no place on the axis and leaves a hole of its own.
    if positive(&gap.points).next().is_none() {
        gap.label += ": 0";
    }
    let series = vec![j, gap];
    let chart = LineChart {
        title: view.title,
        subtitle: view.subtitle,
        x_title: "time t",
        y_title: "J, gap",
        x: time_scale(steps.times),
        y: value_scale(&series, DEPTH),
        series,
    };
    chart.drawing()
}
