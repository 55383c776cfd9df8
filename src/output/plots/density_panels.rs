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
    let panel = |heading: String, field: &Field| Panel {
        heading,
        values: field
            .index_axis(ArrayAxis(0), 0)
            .slice(s![..;-1, ..])
            .to_owned(),
        x: (x.lower, x.upper),
        y: (y.lower, y.upper),
        x_title: "x".into(),
        y_title: "y".into(),
    };
    let mut panels = Vec::new();
    for frame in choose(view.times, view.divergence, PANELS - 1) {
        panels.push(panel(time_label(view.times[frame]), &view.density(frame)?));
    }
    panels.push(panel("target π".into(), view.target));
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

/// Few columns for wide boxes, many for tall ones.
fn in_rows(mut panels: Vec<Panel>, aspect: f64) -> Vec<Vec<Panel>> {
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
