//! 1-D: ρ(x) at chosen times over the target.

use plotters::style::RGBColor;

use super::chart::{LineChart, Series};
use super::colour::sequence_colour;
use super::drawing::{Drawing, Stroke};
use super::frames::{choose, time_label};
use super::scale::Scale;
use super::{PlotError, TrajectoryView};
use crate::grid::Field;

const CURVES: usize = 7;
const TARGET: RGBColor = RGBColor(90, 90, 90);
const TARGET_FILL: RGBColor = RGBColor(236, 236, 236);

pub(super) fn compose(view: &TrajectoryView) -> Result<Drawing, PlotError> {
    let Some(axis) = view.grid.axes().first() else {
        return Err(PlotError::NoFrame);
    };
    let centers = axis.centers();
    let points = |field: &Field| centers.iter().copied().zip(field.iter().copied()).collect();
    let frames = choose(view.times, view.divergence, CURVES);
    let mut series = vec![Series {
        label: "target π".into(),
        points: points(view.target),
        stroke: Stroke::dashed(TARGET, 2.5),
        fill: Some(TARGET_FILL),
        band: None,
    }];
    for (i, &frame) in frames.iter().enumerate() {
        series.push(Series {
            label: time_label(view.times[frame]),
            points: points(&view.density(frame)?),
            stroke: Stroke::solid(sequence_colour(i, frames.len()), 2.0),
            fill: None,
            band: None,
        });
    }
    let highest = series
        .iter()
        .flat_map(|series: &Series| series.points.iter().map(|point| point.1))
        .filter(|value| value.is_finite())
        .fold(0.0, f64::max);
    let chart = LineChart {
        title: view.title,
        subtitle: view.subtitle,
        x_title: "x",
        y_title: "density ρ(x, t)",
        x: Scale::linear(axis.lower, axis.upper),
        y: Scale::linear(0.0, if highest > 0.0 { 1.05 * highest } else { 1.0 }),
        series,
    };
    chart.drawing()
}
