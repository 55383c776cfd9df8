//! Images with axes and a colour bar, alone or in rows and columns with one common scale of colours.

use ndarray::Array2;

use super::PlotError;
use super::arrows::{self, Arrow};
use super::axes::{BELOW, Frame, MARGIN, MEDIUM, SMALL, label_width, left_of};
use super::chart::heading;
use super::colour::image_colour;
use super::drawing::{Anchor, Drawing, INK, Image, Rectangle, Stroke, Text};
use super::scale::Scale;

/// Densities above this many times the highest value of the target share the last colour, so that a narrow start does
/// not leave the target in the dark.
const HEADROOM: f64 = 2.0;
const BAR_WIDTH: f64 = 18.0;
const BAR_GAP: f64 = 22.0;
const PANEL_GAP: f64 = 28.0;
const MAXIMUM_HEIGHT: f64 = 420.0;
/// Boxes longer than this many times their other side are not drawn to scale.
const MAXIMUM_ASPECT: f64 = 8.0;

/// The scale of colours common to the images of a picture, from 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Colours {
    upper: f64,
    /// Whether higher values exist.
    clipped: bool,
}

impl Colours {
    /// For the highest density and the highest value of the target.
    pub fn new(highest: f64, target: f64) -> Self {
        if target > 0.0 && highest > HEADROOM * target {
            return Self {
                upper: HEADROOM * target,
                clipped: true,
            };
        }
        Self {
            upper: if highest > 0.0 { highest } else { 1.0 },
            clipped: false,
        }
    }

    pub fn limits(&self) -> (f64, f64) {
        (0.0, self.upper)
    }

    fn scale(&self) -> Scale {
        Scale::linear(0.0, self.upper)
    }

    /// The width that the bar takes, with its labels and title.
    pub fn bar_space(&self, height: f64) -> Result<f64, PlotError> {
        Ok(BAR_GAP + BAR_WIDTH + 9.0 + label_width(&self.scale(), height)? + 1.6 * MEDIUM)
    }

    /// Draws the bar to the right of `beside`; an arrow head stands for higher values.
    pub fn bar(
        &self,
        drawing: &mut Drawing,
        beside: &Rectangle,
        title: &str,
    ) -> Result<(), PlotError> {
        let tip = if self.clipped { 0.8 * BAR_WIDTH } else { 0.0 };
        let area = Rectangle {
            left: beside.right() + BAR_GAP,
            top: beside.top + tip,
            width: BAR_WIDTH,
            height: beside.height - tip,
        };
        drawing.images.push(Image {
            values: Array2::from_shape_fn((256, 1), |(row, _)| {
                self.upper * (255 - row) as f64 / 255.0
            }),
            limits: self.limits(),
            area,
        });
        if self.clipped {
            let corners = vec![
                (area.left, area.top),
                (area.left + BAR_WIDTH / 2.0, beside.top),
                (area.right(), area.top),
            ];
            drawing.polygon(corners.clone(), image_colour(self.upper, self.limits()));
            drawing.path(corners, Stroke::solid(INK, 1.0));
        }
        let frame = Frame {
            area,
            x: Scale::linear(0.0, 1.0),
            y: self.scale(),
        };
        frame.right_axis(drawing, title)
    }
}

/// The largest finite value, at least 0.
pub(super) fn highest<'a>(values: impl IntoIterator<Item = &'a f64>) -> f64 {
    let finite = values
        .into_iter()
        .copied()
        .filter(|value| value.is_finite());
    finite.fold(0.0, f64::max)
}

/// A plane of numbers over two axes.
#[derive(Clone, Debug)]
pub(super) struct Panel {
    pub heading: String,
    /// Row 0 is the uppermost.
    pub values: Array2<f64>,
    pub x: (f64, f64),
    pub y: (f64, f64),
    pub x_title: String,
    pub y_title: String,
    /// Drawn over the plane.
    pub arrows: Vec<Arrow>,
}

impl Panel {
    /// Width over height.
    fn aspect(&self) -> f64 {
        let aspect = (self.x.1 - self.x.0) / (self.y.1 - self.y.0);
        aspect.clamp(1.0 / MAXIMUM_ASPECT, MAXIMUM_ASPECT)
    }
}

/// Rows of panels with a common scale of colours. Panels of one column have one x axis below the last of them unless
/// the rows differ (`rows_differ`); panels of one row have one y axis at the left.
#[derive(Clone, Debug)]
pub(super) struct PanelPage<'a> {
    pub title: &'a str,
    pub subtitle: &'a str,
    pub rows: Vec<Vec<Panel>>,
    pub rows_differ: bool,
    pub colours: Colours,
    pub width: f64,
}

impl PanelPage<'_> {
    pub fn drawing(self) -> Result<Drawing, PlotError> {
        let mut drawing = Drawing::new(self.width, 0.0);
        let mut top = heading(&mut drawing, self.title, self.subtitle)?;
        let first_top = top + 1.5 * SMALL;
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(1).max(1);
        let mut left = 0.0_f64;
        for panel in self.rows.iter().filter_map(|row| row.first()) {
            left =
                left.max(MARGIN + left_of(&Scale::linear(panel.y.0, panel.y.1), MAXIMUM_HEIGHT)?);
        }
        let bar = self.colours.bar_space(MAXIMUM_HEIGHT)?;
        let gaps = PANEL_GAP * (columns - 1) as f64;
        let slot = ((self.width - MARGIN - bar - left - gaps) / columns as f64).max(40.0);
        let last_row = self.rows.len().saturating_sub(1);
        let mut bounds: Option<Rectangle> = None;
        for (i, row) in self.rows.into_iter().enumerate() {
            let headed = row.iter().any(|panel| !panel.heading.is_empty());
            if headed {
                top += 1.5 * SMALL;
            }
            let aspect = row.first().map_or(1.0, Panel::aspect);
            let height = (slot / aspect).min(MAXIMUM_HEIGHT);
            let labelled = self.rows_differ || i == last_row;
            for (j, panel) in row.into_iter().enumerate() {
                let area = Rectangle {
                    left: left + j as f64 * (slot + PANEL_GAP) + (slot - height * aspect) / 2.0,
                    top,
                    width: height * aspect,
                    height,
                };
                let limits = self.colours.limits();
                draw_panel(&mut drawing, panel, area, limits, (labelled, j == 0))?;
                let right = bounds
                    .map_or(0.0, |bounds: Rectangle| bounds.right())
                    .max(area.right());
                bounds = Some(Rectangle {
                    left,
                    top: first_top,
                    width: right - left,
                    height: area.bottom() - first_top,
                });
            }
            top += height + if labelled { BELOW + 8.0 } else { PANEL_GAP };
        }
        drawing.height = (top - 8.0 + MARGIN).ceil();
        if let Some(bounds) = bounds {
            self.colours.bar(&mut drawing, &bounds, "density")?;
        }
        Ok(drawing)
    }
}

fn draw_panel(
    drawing: &mut Drawing,
    panel: Panel,
    area: Rectangle,
    limits: (f64, f64),
    (x_labels, y_labels): (bool, bool),
) -> Result<(), PlotError> {
    let frame = Frame {
        area,
        x: Scale::linear(panel.x.0, panel.x.1),
        y: Scale::linear(panel.y.0, panel.y.1),
    };
    drawing.images.push(Image {
        values: panel.values,
        limits,
        area,
    });
    for Arrow { from, to } in panel.arrows {
        if let (Some(from), Some(to)) = (frame.place(from.0, from.1), frame.place(to.0, to.1)) {
            arrows::draw(drawing, from, to);
        }
    }
    if !panel.heading.is_empty() {
        let position = (area.left + area.width / 2.0, area.top - 0.45 * SMALL);
        drawing.text(Text::new(panel.heading, position, Anchor::Middle, SMALL));
    }
    frame.x_axis(drawing, x_labels.then_some(panel.x_title.as_str()))?;
    frame.y_axis(drawing, y_labels.then_some(panel.y_title.as_str()))
}
