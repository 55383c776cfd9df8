//! J, kinetic energy and their sum over time, beside what friction leaves of it.

use super::chart::{LineChart, Series};
use super::colour::{BLUE, GREEN, VERMILION};
use super::drawing::{Drawing, INK, Stroke};
use super::frames::time_scale;
use super::scale::Scale;
use super::{InertiaView, PlotError, TrajectoryView};

pub(super) fn compose(view: &TrajectoryView, inertia: &InertiaView) -> Result<Drawing, PlotError> {
    let curve = |label: String, values: &[f64], stroke| Series {
        label,
        points: view
            .times
            .iter()
            .copied()
            .zip(values.iter().copied())
            .collect(),
        stroke,
        fill: None,
        band: None,
    };
    let start = inertia.hamiltonian.first().copied().unwrap_or(0.0);
    let left: Vec<f64> = inertia
        .dissipated_work
        .iter()
        .map(|work| start - work)
        .collect();
    let hamiltonian = Stroke::solid(GREEN, 2.2);
    let series = vec![
        curve(
            format!("J ({})", view.divergence_label),
            view.divergence,
            Stroke::solid(BLUE, 2.2),
        ),
        curve(
            "kinetic energy".into(),
            inertia.kinetic_energy,
            Stroke::solid(VERMILION, 2.2),
        ),
        curve("H, their sum".into(), inertia.hamiltonian, hamiltonian),
        curve(
            "H(0) − work of friction".into(),
            &left,
            Stroke::dashed(INK, 1.2),
        ),
    ];
    let y = around(
        series
            .iter()
            .flat_map(|series| series.points.iter().map(|point| point.1)),
        Some(0.0),
    );
    let chart = LineChart {
        title: view.title,
        subtitle: view.subtitle,
        x_title: "time t",
        y_title: "energy",
        x: time_scale(view.times),
        y,
        series,
    };
    chart.drawing()
}

/// A linear axis with a little room around the values, from `lowest` where it is given.
pub(super) fn around(values: impl Iterator<Item = f64>, lowest: Option<f64>) -> Scale {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
    if low > high {
        return Scale::linear(0.0, 1.0);
    }
    let low = lowest.map_or(low, |lowest| lowest.min(low));
    let room = match 0.05 * (high - low) {
        room if room > 0.0 => room,
        _ => 0.5 * high.abs().max(1e-6),
    };
    let below = if lowest == Some(low) { 0.0 } else { room };
    Scale::linear(low - below, high + room)
}
