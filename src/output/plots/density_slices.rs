//! 3-D: the three planes through the middle of the box, at chosen times and for the target.

use ndarray::{Axis as ArrayAxis, s};

use super::drawing::Drawing;
use super::frames::{choose, time_label};
use super::panels::{Colours, Panel, PanelPage, highest};
use super::scale::short;
use super::{PlotError, TrajectoryView};
use crate::grid::{AXIS_NAMES, Field};

/// Columns with the target.
const COLUMNS: usize = 5;
/// The axis across each plane: z, y, x.
const ACROSS: [usize; 3] = [2, 1, 0];

pub(super) fn compose(view: &TrajectoryView) -> Result<Drawing, PlotError> {
    let mut rows = vec![Vec::new(); ACROSS.len()];
    for frame in choose(view.times, view.divergence, COLUMNS - 1) {
        let density = view.density(frame)?;
        add_column(view, &mut rows, &time_label(view.times[frame]), &density);
    }
    add_column(view, &mut rows, "target π", view.target);
    let panels = || rows.iter().flatten();
    let shown = highest(panels().flat_map(|panel| &panel.values));
    let targets = rows.iter().filter_map(|row| row.last());
    let target = highest(targets.flat_map(|panel| &panel.values));
    let page = PanelPage {
        title: view.title,
        subtitle: view.subtitle,
        colours: Colours::new(shown, target),
        rows,
        rows_differ: true,
        width: 1150.0,
    };
    page.drawing()
}

fn add_column(view: &TrajectoryView, rows: &mut [Vec<Panel>], heading: &str, field: &Field) {
    let axes = view.grid.axes();
    for (i, (row, across)) in rows.iter_mut().zip(ACROSS).enumerate() {
        let middle = axes[across].cells / 2;
        // Fields have z first, grids x first.
        let plane = field.index_axis(ArrayAxis(2 - across), middle);
        let (horizontal, vertical) = match across {
            2 => (0, 1),
            1 => (0, 2),
            _ => (1, 2),
        };
        row.push(Panel {
            heading: if i == 0 {
                heading.into()
            } else {
                String::new()
            },
            values: plane.slice(s![..;-1, ..]).to_owned(),
            x: (axes[horizontal].lower, axes[horizontal].upper),
            y: (axes[vertical].lower, axes[vertical].upper),
            x_title: AXIS_NAMES[horizontal].into(),
            y_title: format!(
                "{} ({} = {})",
                AXIS_NAMES[vertical],
                AXIS_NAMES[across],
                short(axes[across].center(middle)),
            ),
            arrows: Vec::new(),
        });
    }
}
