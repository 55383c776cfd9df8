//! 1-D: ρ(x, t) as an image, time to the right, with the target as a strip beside it.

use ndarray::{Array1, Array2, ArrayView1, s};

use super::axes::{BELOW, Frame, MARGIN, SMALL, left_of};
use super::chart::{CHART_SIZE, heading};
use super::drawing::{Anchor, Drawing, Image, Rectangle, Text};
use super::frames::time_scale;
use super::panels::{Colours, highest};
use super::scale::Scale;
use super::{PlotError, TrajectoryView};
use crate::grid::Field;

/// Columns of the image.
const COLUMNS: usize = 400;
const STRIP_WIDTH: f64 = 26.0;
const STRIP_GAP: f64 = 10.0;

pub(super) fn compose(view: &TrajectoryView) -> Result<Drawing, PlotError> {
    let Some(axis) = view.grid.axes().first() else {
        return Err(PlotError::NoFrame);
    };
    let time = time_scale(view.times);
    let position = Scale::linear(axis.lower, axis.upper);
    let values = image(view, &time)?;
    let colours = Colours::new(highest(&values), highest(view.target));

    let mut drawing = Drawing::new(CHART_SIZE.0, CHART_SIZE.1);
    let top = heading(&mut drawing, view.title, view.subtitle)? + SMALL;
    let height = (drawing.height - MARGIN - BELOW - top).max(100.0);
    let left = MARGIN + left_of(&position, height)?;
    let beside = STRIP_GAP + STRIP_WIDTH + colours.bar_space(height)? + MARGIN;
    let area = Rectangle {
        left,
        top,
        width: (drawing.width - left - beside).max(100.0),
        height,
    };
    let strip = Rectangle {
        left: area.right() + STRIP_GAP,
        width: STRIP_WIDTH,
        ..area
    };
    let target = Array2::from_shape_fn((axis.cells, 1), |(row, _)| {
        view.target[(0, 0, axis.cells - 1 - row)]
    });
    for (values, area) in [(values, area), (target, strip)] {
        drawing.images.push(Image {
            values,
            limits: colours.limits(),
            area,
        });
    }
    let frame = Frame {
        area,
        x: time,
        y: position,
    };
    frame.x_axis(&mut drawing, Some("time t"))?;
    frame.y_axis(&mut drawing, Some("x"))?;
    drawing.outline(&strip);
    for (label, over) in [("ρ(x, t)", &area), ("π", &strip)] {
        let position = (over.left + over.width / 2.0, top - 0.45 * SMALL);
        drawing.text(Text::new(label, position, Anchor::Middle, SMALL));
    }
    colours.bar(&mut drawing, &strip, "density")?;
    Ok(drawing)
}

/// One column for each of evenly spaced places on the time axis, between two frames linear in time; row 0 is the
/// largest x. Only the frames that are needed are read, each once.
fn image(view: &TrajectoryView, time: &Scale) -> Result<Array2<f64>, PlotError> {
    let cells = view.target.len();
    let mut values = Array2::zeros((cells, COLUMNS));
    let mut kept: Vec<(usize, Array1<f64>)> = Vec::new();
    let last = view.times.len() - 1;
    for column in 0..COLUMNS {
        let time = time.value((column as f64 + 0.5) / COLUMNS as f64);
        let after = view.times.partition_point(|&frame| frame <= time);
        let (earlier, later) = (after.saturating_sub(1), after.min(last));
        kept.retain(|&(frame, _)| frame >= earlier);
        for frame in [earlier, later] {
            if !kept.iter().any(|&(found, _)| found == frame) {
                kept.push((frame, line(&view.density(frame)?)));
            }
        }
        let (start, end) = (view.times[earlier], view.times[later]);
        let share = if end > start {
            ((time - start) / (end - start)).clamp(0.0, 1.0)
        } else {
            0.0
        };
        let of = |frame: usize| {
            kept.iter()
                .find(|&&(found, _)| found == frame)
                .map(|(_, line)| line)
        };
        if let (Some(earlier), Some(later)) = (of(earlier), of(later)) {
            let blend = earlier * (1.0 - share) + later * share;
            let upside_down: ArrayView1<f64> = blend.slice(s![..;-1]);
            values.column_mut(column).assign(&upside_down);
        }
    }
    Ok(values)
}

fn line(field: &Field) -> Array1<f64> {
    field.iter().copied().collect()
}
