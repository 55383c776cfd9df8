//! The phase picture: the mean of the density against its velocity.

use super::chart::{LineChart, Series};
use super::colour::BLUE;
use super::drawing::{Drawing, Stroke};
use super::energies::around;
use super::{InertiaView, PlotError, TrajectoryView};

pub(super) fn compose(view: &TrajectoryView, inertia: &InertiaView) -> Result<Drawing, PlotError> {
    let points: Vec<(f64, f64)> = inertia
        .mean
        .iter()
        .copied()
        .zip(inertia.mean_velocity.iter().copied())
        .collect();
    let chart = LineChart {
        title: view.title,
        subtitle: view.subtitle,
        x_title: "mean of x",
        y_title: "velocity of the mean",
        x: around(points.iter().map(|point| point.0), None),
        y: around(points.iter().map(|point| point.1), None),
        series: vec![Series {
            label: "mean of ρ, along x".into(),
            points,
            stroke: Stroke::solid(BLUE, 2.2),
            fill: None,
            band: None,
        }],
    };
    chart.drawing()
}
