//! 2-D: ρ(x, y) at chosen times, and the target, on one scale of colours.

use ndarray::{Axis as ArrayAxis, s};

use super::drawing::Drawing;
use super::frames::{choose, time_label};
use super::panels::{Colours, Panel, PanelPage, highest};
use super::{PlotError, TrajectoryView};
use crate::grid::Field;

/// Panels with the target.
const PANELS: usize = 6;

pub(super) fn compose(view: &TrajectoryView) -> Result<Drawing, PlotError> {
    let [x, y] = view.grid.axes() else {
        return Err(PlotError::NoFrame);
    };
    let mut panels = Vec::new();
    for frame in choose(view.times, view.divergence, PANELS - 1) {
        let heading = time_label(view.times[frame]);
        panels.push(panel(view, heading, &view.density(frame)?));
    }
    panels.push(panel(view, "target π".into(), view.target));
    let shown = highest(panels.iter().flat_map(|panel| &panel.values));
    let page = PanelPage {
        title: view.title,
        subtitle: view.subtitle,
        rows: in_rows(panels, (x.upper - x.lower) / (y.upper - y.lower)),
        rows_differ: false,
        colours: Colours::new(shown, highest(view.target)),
        width: 1000.0,
    };
    page.drawing()
}

/// The plane of a field in 2-D.
pub(super) fn panel(view: &TrajectoryView, heading: String, field: &Field) -> Panel {
    let limits = |axis: usize| {
        let axis = view.grid.axes().get(axis);
        axis.map_or((0.0, 1.0), |axis| (axis.lower, axis.upper))
    };
    Panel {
        heading,
        values: field
            .index_axis(ArrayAxis(0), 0)
            .slice(s![..;-1, ..])
            .to_owned(),
        x: limits(0),
        y: limits(1),
        x_title: "x".into(),
        y_title: "y".into(),
        arrows: Vec::new(),
    }
}

/// Few columns for wide boxes, many for tall ones.
pub(super) fn in_rows(mut panels: Vec<Panel>, aspect: f64) -> Vec<Vec<Panel>> {
    let columns = match aspect {
        4.0.. => 1,
        1.8.. => 2,
        ..0.55 => PANELS,
        _ => 3,
    };
    let mut rows = Vec::new();
    while panels.len() > columns {
        let rest = panels.split_off(columns);
        rows.push(std::mem::replace(&mut panels, rest));
    }
    rows.push(panels);
    rows
}
