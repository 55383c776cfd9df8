//! Optimizers side by side: loss and W2 over the steps with bands over the seeds, and the samples at the end against the target.

use std::path::{Path, PathBuf};

use ndarray::Array2;
use plotters::style::RGBColor;

use super::chart::{LineChart, Series};
use super::colour::{category_colour, pale};
use super::drawing::{Drawing, Stroke};
use super::eigenvalues::{Border, Cloud, Plane, PlanePage};
use super::energies::around;
use super::panels::{Colours, Panel, PanelPage, highest};
use super::scale::Scale;
use super::{PlotError, metric_spectra, save};

/// The shares of the seeds between which a band lies.
const BAND: (f64, f64) = (0.1, 0.9);
/// Bins of a histogram along each axis: 1-D, 2-D.
const BINS: (usize, usize) = (120, 60);
const TARGET: RGBColor = RGBColor(90, 90, 90);
const TARGET_FILL: RGBColor = RGBColor(236, 236, 236);
/// W2 below this share of the largest is beneath the lower side of the chart.
const DEPTH: f64 = 1e-6;

/// A density at a point.
pub type DensityFunction<'a> = dyn Fn(&[f64]) -> f64 + 'a;

/// What the pictures of a comparison of optimizers are drawn from.
pub struct ComparisonView<'a> {
    /// Title of the pictures.
    pub title: &'a str,
    /// The runs in a few words.
    pub subtitle: String,
    /// The optimizers.
    pub optimizers: Vec<OptimizerView<'a>>,
    /// The number of coordinates of a sample.
    pub dimension: usize,
    /// The target density π at a point, if it has one.
    pub target: Option<Box<DensityFunction<'a>>>,
    /// The lower corner of the box that is shown.
    pub lower: Vec<f64>,
    /// Its upper corner.
    pub upper: Vec<f64>,
}

/// One optimizer of a comparison; one entry a seed that reached its end.
pub struct OptimizerView<'a> {
    /// Its name.
    pub name: &'a str,
    /// Steps made at each record.
    pub steps: Vec<f64>,
    /// The generator's loss at each record.
    pub loss: Vec<Vec<f64>>,
    /// W2 to the target at each record.
    pub wasserstein: Vec<Vec<f64>>,
    /// The samples of the last record.
    pub samples: Vec<Vec<Vec<f64>>>,
    /// The path (w, θ) at the records where the critic is wx + c and the generator has one parameter; else empty.
    pub orbits: Vec<Vec<(f64, f64)>>,
    /// Eigenvalues of the sample metric and of that of the densities, the largest first, of every seed after each number of steps.
    pub metric_spectra: [Vec<Vec<Vec<f64>>>; 2],
    /// These numbers of steps.
    pub spectrum_steps: Vec<f64>,
    /// Eigenvalues of the game's field of all seeds, real and imaginary part; empty where there are none.
    pub field: Vec<(f64, f64)>,
    /// Those of a step of both players.
    pub update: Vec<(f64, f64)>,
}

/// Draws the pictures of a comparison into `folder`, each as `NAME.svg` and `NAME.png`, and returns their paths.
///
/// `loss` and `wasserstein` over the steps; `samples` against a target with a density in 1-D and 2-D; `orbit` where a linear critic
/// plays against a generator with one parameter; `spectrum` where the game was linearised; `metric-spectra` where the eigenvalues of the
/// metrics are known.
///
/// # Errors
/// [`PlotError::NoRun`] if no run reached its end; a file that cannot be written.
pub fn draw_comparison(view: &ComparisonView, folder: &Path) -> Result<Vec<PathBuf>, PlotError> {
    if view.optimizers.iter().all(|own| own.samples.is_empty()) {
        return Err(PlotError::NoRun);
    }
    let mut paths = save(&loss(view)?, folder, "loss")?;
    paths.extend(save(&wasserstein(view)?, folder, "wasserstein")?);
    match (&view.target, view.dimension) {
        (Some(target), 1) => paths.extend(save(&samples(view, target)?, folder, "samples")?),
        (Some(target), 2) => paths.extend(save(&sample_panels(view, target)?, folder, "samples")?),
        _ => {}
    }
    if let Some(orbit) = orbit(view) {
        paths.extend(save(&orbit.drawing()?, folder, "orbit")?);
    }
    if view.optimizers.iter().any(|own| !own.field.is_empty()) {
        paths.extend(save(&game_spectrum(view)?, folder, "spectrum")?);
    }
    if let Some(chart) = metric_spectra::chart(view) {
        paths.extend(save(&chart.drawing()?, folder, "metric-spectra")?);
    }
    Ok(paths)
}

/// The share of sorted numbers below a value, by interpolation.
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = sorted[place.floor() as usize];
    below + (place - place.floor()) * (sorted[place.ceil() as usize] - below)
}

/// Median and band over the seeds at every record that has numbers.
fn series(view: &OptimizerView, curves: &[Vec<f64>], colour: RGBColor) -> Series {
    let (mut points, mut band) = (Vec::new(), Vec::new());
    for (record, step) in view.steps.iter().enumerate() {
        let mut values: Vec<f64> = curves
            .iter()
            .filter_map(|curve| curve.get(record).copied())
            .filter(|value| value.is_finite())
            .collect();
        if values.is_empty() {
            continue;
        }
        values.sort_unstable_by(f64::total_cmp);
        points.push((*step, quantile(&values, 0.5)));
        band.push((*step, quantile(&values, BAND.0), quantile(&values, BAND.1)));
    }
    Series {
        label: view.name.to_owned(),
        points,
        stroke: Stroke::solid(colour, 2.2),
        fill: None,
        band: Some((band, pale(colour))),
    }
}

fn all_series(
    view: &ComparisonView,
    curves: impl for<'a> Fn(&'a OptimizerView) -> &'a [Vec<f64>],
) -> Vec<Series> {
    let optimizers = view.optimizers.iter().enumerate();
    optimizers
        .map(|(i, own)| series(own, curves(own), category_colour(i)))
        .collect()
}

/// The lowest and the highest number of all bands.
fn range(series: &[Series]) -> (f64, f64) {
    let bands = series.iter().filter_map(|series| series.band.as_ref());
    let ends = bands
        .flat_map(|(band, _)| band)
        .map(|(_, low, high)| (*low, *high));
    ends.fold((f64::INFINITY, f64::NEG_INFINITY), |all, own| {
        (all.0.min(own.0), all.1.max(own.1))
    })
}

fn steps(view: &ComparisonView) -> Scale {
    let last = view.optimizers.iter().filter_map(|own| own.steps.last());
    Scale::linear(0.0, last.copied().fold(1.0, f64::max))
}

fn subtitle(view: &ComparisonView) -> String {
    format!("{}: median, and the band of the middle 80 %", view.subtitle)
}

fn loss(view: &ComparisonView) -> Result<Drawing, PlotError> {
    let series = all_series(view, |own| &own.loss);
    let (low, high) = range(&series);
    let margin = 0.05 * (high - low);
    LineChart {
        title: view.title,
        subtitle: &subtitle(view),
        x_title: "steps",
        y_title: "loss of the generator",
        x: steps(view),
        y: Scale::linear(low - margin, high + margin),
        series,
    }
    .drawing()
}

fn wasserstein(view: &ComparisonView) -> Result<Drawing, PlotError> {
    let series = all_series(view, |own| &own.wasserstein);
    let (low, high) = range(&series);
    LineChart {
        title: view.title,
        subtitle: &subtitle(view),
        x_title: "steps",
        y_title: if view.dimension == 1 {
            "W2 to the target"
        } else {
            "sliced W2 to the target"
        },
        x: steps(view),
        y: Scale::logarithmic(low.max(DEPTH * high) / 1.5, 1.5 * high),
        series,
    }
    .drawing()
}

/// The eigenvalues of every optimizer in its colour.
fn clouds<'a>(
    view: &'a ComparisonView,
    values: impl Fn(&'a OptimizerView<'a>) -> &'a [(f64, f64)],
) -> Vec<Cloud<'a>> {
    let optimizers = view.optimizers.iter().enumerate();
    optimizers
        .map(|(i, own)| Cloud {
            label: own.name,
            colour: category_colour(i),
            points: values(own),
        })
        .collect()
}

/// The eigenvalues of the field beside the axis that bounds stability, and those of a step beside the unit circle.
fn game_spectrum(view: &ComparisonView) -> Result<Drawing, PlotError> {
    PlanePage {
        title: view.title,
        subtitle: &format!("eigenvalues of the game at the end, {}", view.subtitle),
        planes: [
            Plane {
                heading: "of the field: stable left of the axis",
                border: Border::Axis,
                clouds: clouds(view, |own| &own.field),
            },
            Plane {
                heading: "of a gradient step of both players: stable in the circle",
                border: Border::Circle,
                clouds: clouds(view, |own| &own.update),
            },
        ],
    }
    .drawing()
}

/// The path of the first seed in the plane of the two players: all seeds together would hide where one turns.
fn orbit<'a>(view: &ComparisonView<'a>) -> Option<LineChart<'a>> {
    let optimizers = view.optimizers.iter().enumerate();
    let paths = optimizers.filter_map(|(i, own)| Some((i, own, own.orbits.first()?)));
    let series: Vec<Series> = paths
        .filter(|(_, _, path)| !path.is_empty())
        .map(|(i, own, path)| Series {
            label: own.name.to_owned(),
            points: path.clone(),
            stroke: Stroke::solid(category_colour(i), 1.6),
            fill: None,
            band: None,
        })
        .collect();
    let points = || series.iter().flat_map(|series| &series.points);
    points().next()?;
    Some(LineChart {
        title: view.title,
        subtitle: "path of the first seed; the equilibrium is at slope 0",
        x_title: "slope w of the critic",
        y_title: "parameter θ of the generator",
        x: around(points().map(|point| point.0), None),
        y: around(points().map(|point| point.1), None),
        series,
    })
}

/// Histograms of the samples of all seeds over the target, in 1-D.
fn samples(view: &ComparisonView, target: &DensityFunction) -> Result<Drawing, PlotError> {
    let (lower, upper) = (view.lower[0], view.upper[0]);
    let width = (upper - lower) / BINS.0 as f64;
    let centers: Vec<f64> = (0..BINS.0)
        .map(|i| lower + (i as f64 + 0.5) * width)
        .collect();
    let target = centers.iter().map(|x| (*x, target(&[*x]))).collect();
    let mut series = vec![Series {
        label: "target π".into(),
        points: target,
        stroke: Stroke::dashed(TARGET, 2.5),
        fill: Some(TARGET_FILL),
        band: None,
    }];
    for (i, own) in view.optimizers.iter().enumerate() {
        let mut counts = vec![0_usize; BINS.0];
        let mut total = 0_usize;
        for point in own.samples.iter().flatten() {
            total += 1;
            let bin = (point[0] - lower) / width;
            if bin >= 0.0 && bin < BINS.0 as f64 {
                counts[bin as usize] += 1;
            }
        }
        let scale = 1.0 / (total.max(1) as f64 * width);
        let density = counts.iter().map(|count| *count as f64 * scale);
        series.push(Series {
            label: own.name.to_owned(),
            points: centers.iter().copied().zip(density).collect(),
            stroke: Stroke::solid(category_colour(i), 2.0),
            fill: None,
            band: None,
        });
    }
    let values = series
        .iter()
        .flat_map(|series| series.points.iter().map(|p| p.1));
    let top = values.fold(0.0, f64::max);
    LineChart {
        title: view.title,
        subtitle: &format!("samples of {} at the end", view.subtitle),
        x_title: "x",
        y_title: "density",
        x: Scale::linear(lower, upper),
        y: Scale::linear(0.0, if top > 0.0 { 1.05 * top } else { 1.0 }),
        series,
    }
    .drawing()
}

/// Histograms of the samples of the first seed beside the target, in 2-D: all seeds together would hide which modes one run misses.
fn sample_panels(view: &ComparisonView, target: &DensityFunction) -> Result<Drawing, PlotError> {
    let n = BINS.1;
    let width = |axis: usize| (view.upper[axis] - view.lower[axis]) / n as f64;
    let center = |axis: usize, i: usize| view.lower[axis] + (i as f64 + 0.5) * width(axis);
    let panel = |heading: String, values: Array2<f64>| Panel {
        heading,
        values,
        x: (view.lower[0], view.upper[0]),
        y: (view.lower[1], view.upper[1]),
        x_title: "x".into(),
        y_title: "y".into(),
        arrows: Vec::new(),
    };
    let target = Array2::from_shape_fn((n, n), |(row, column)| {
        target(&[center(0, column), center(1, n - 1 - row)])
    });
    let top = highest(&target);
    let mut panels = vec![panel("target π".into(), target)];
    for own in &view.optimizers {
        let mut values = Array2::zeros((n, n));
        let points = own.samples.first().map_or(&[][..], Vec::as_slice);
        let share = 1.0 / (points.len().max(1) as f64 * width(0) * width(1));
        for point in points {
            let [x, y] = [0, 1].map(|axis| (point[axis] - view.lower[axis]) / width(axis));
            let inside = |place: f64| place >= 0.0 && place < n as f64;
            if inside(x) && inside(y) {
                values[(n - 1 - y as usize, x as usize)] += share;
            }
        }
        panels.push(panel(own.name.to_owned(), values));
    }
    let shown = highest(panels.iter().flat_map(|panel| &panel.values));
    let mut rows = Vec::new();
    while !panels.is_empty() {
        let rest = panels.split_off(panels.len().min(3));
        rows.push(std::mem::replace(&mut panels, rest));
    }
    PanelPage {
        title: view.title,
        subtitle: "samples of the first seed at the end",
        rows,
        rows_differ: false,
        colours: Colours::new(shown, top),
        width: 1000.0,
    }
    .drawing()
}
