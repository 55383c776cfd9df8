//! 2-D: where the mass goes, as arrows over ρ(x, y).

use super::density_panels::{in_rows, panel};
use super::drawing::{Drawing, INK, Position, Stroke, WHITE};
use super::frames::{choose, time_label};
use super::panels::{Colours, PanelPage, highest};
use super::scale::short;
use super::{PlotError, TrajectoryView, VelocityReader};
use crate::grid::Field;

const PANELS: usize = 6;
/// Arrows along the longer side of the box.
const ALONG: usize = 18;
/// No arrow where ρ is below this share of its highest value: there is next to nothing to move.
const VISIBLE: f64 = 0.02;
/// Length of the longest arrow in distances of two.
const LONGEST: f64 = 1.4;
/// Sides of an arrow's head in parts of its length, and half of the angle between them.
const HEAD: (f64, f64) = (0.35, 0.45);
/// Shorter arrows, in points, could not be told from dots.
const SHORTEST: f64 = 2.0;

/// An arrow in the coordinates of the grid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrow {
    pub from: Position,
    pub to: Position,
}

pub(super) fn compose(
    view: &TrajectoryView,
    velocity: &VelocityReader,
) -> Result<Drawing, PlotError> {
    let [x, y] = view.grid.axes() else {
        return Err(PlotError::NoFrame);
    };
    let mut panels = Vec::new();
    for frame in choose(view.times, view.divergence, PANELS) {
        let density = view.density(frame)?;
        let components = velocity(frame).map_err(|source| PlotError::Field {
            field: "velocity",
            frame,
            time: view.times[frame],
            source,
        })?;
        for component in &components {
            view.check_shape(component, || format!("velocity of frame {frame}"))?;
        }
        let (arrows, fastest) = arrows(view, &density, &components);
        let heading = format!(
            "{}, longest {}",
            time_label(view.times[frame]),
            short(fastest)
        );
        panels.push(super::panels::Panel {
            arrows,
            ..panel(view, heading, &density)
        });
    }
    let shown = highest(panels.iter().flat_map(|panel| &panel.values));
    let subtitle = format!("{} · arrows: velocity of the mass", view.subtitle);
    let page = PanelPage {
        title: view.title,
        subtitle: &subtitle,
        rows: in_rows(panels, (x.upper - x.lower) / (y.upper - y.lower)),
        rows_differ: false,
        colours: Colours::new(shown, highest(view.target)),
        width: 1000.0,
    };
    page.drawing()
}

/// Arrows on a lattice of cells, and the speed that the longest of them stands for.
fn arrows(view: &TrajectoryView, density: &Field, velocity: &[Field]) -> (Vec<Arrow>, f64) {
    let ([x, y], [along_x, along_y]) = (view.grid.axes(), velocity) else {
        return (Vec::new(), 0.0);
    };
    let apart = (x.upper - x.lower).max(y.upper - y.lower) / ALONG as f64;
    let places = |axis: &crate::grid::Axis| {
        let step = ((apart / axis.spacing()).round() as usize).max(1);
        ((axis.cells - 1) % step / 2..axis.cells).step_by(step)
    };
    let visible = VISIBLE * highest(density);
    let mut found = Vec::new();
    for j in places(y) {
        for i in places(x) {
            let at = (0, j, i);
            let (u, v) = (along_x[at], along_y[at]);
            if density[at] >= visible && u.hypot(v).is_finite() {
                found.push(((x.center(i), y.center(j)), (u, v)));
            }
        }
    }
    let fastest = found
        .iter()
        .map(|(_, (u, v))| u.hypot(*v))
        .fold(0.0, f64::max);
    if fastest == 0.0 {
        return (Vec::new(), 0.0);
    }
    let scale = LONGEST * apart / fastest;
    let arrow = |&(from, (u, v)): &(Position, (f64, f64))| Arrow {
        from,
        to: (
            (from.0 + scale * u).clamp(x.lower, x.upper),
            (from.1 + scale * v).clamp(y.lower, y.upper),
        ),
    };
    (found.iter().map(arrow).collect(), fastest)
}

/// Draws an arrow between two places of the page, dark on a pale edge, to be seen on any colour.
pub(super) fn draw(drawing: &mut Drawing, from: Position, to: Position) {
    let (x, y) = (to.0 - from.0, to.1 - from.1);
    let length = x.hypot(y);
    if length < SHORTEST {
        return;
    }
    let (share, angle) = HEAD;
    let barb = |angle: f64| {
        let (sine, cosine) = angle.sin_cos();
        (
            to.0 - share * (x * cosine - y * sine),
            to.1 - share * (x * sine + y * cosine),
        )
    };
    for stroke in [Stroke::solid(WHITE, 2.2), Stroke::solid(INK, 1.0)] {
        drawing.line(from, to, stroke);
        drawing.path(vec![barb(angle), to, barb(-angle)], stroke);
    }
}
