//! Headings, legends, and the line chart.

use plotters::style::RGBColor;

use super::PlotError;
use super::axes::{ASCENT, BELOW, Frame, MARGIN, SMALL, left_of};
use super::drawing::{Anchor, Drawing, GREY, INK, Rectangle, Stroke, Text};
use super::render::text_width;
use super::scale::Scale;

/// Size of titles.
const LARGE: f64 = 19.0;

/// Breaks a text into lines no longer than `width`.
fn wrap(content: &str, size: f64, bold: bool, width: f64) -> Result<Vec<String>, PlotError> {
    let mut lines: Vec<String> = Vec::new();
    for word in content.split_whitespace() {
        if let Some(line) = lines.last_mut() {
            let longer = format!("{line} {word}");
            if text_width(&longer, size, bold)? <= width {
                *line = longer;
                continue;
            }
        }
        lines.push(word.into());
    }
    Ok(lines)
}

/// Writes title and subtitle at the top of the page; returns where the space below them begins.
pub(super) fn heading(
    drawing: &mut Drawing,
    title: &str,
    subtitle: &str,
) -> Result<f64, PlotError> {
    let mut top = MARGIN;
    let width = drawing.width - 2.0 * MARGIN;
    for (content, size, bold, colour) in [(title, LARGE, true, INK), (subtitle, SMALL, false, GREY)]
    {
        for line in wrap(content, size, bold, width)? {
            let position = (MARGIN, top + ASCENT * size);
            drawing.text(Text {
                bold,
                colour,
                ..Text::new(line, position, Anchor::Start, size)
            });
            top += 1.35 * size;
        }
    }
    Ok(top + 10.0)
}

/// One curve of a chart.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub label: String,
    pub points: Vec<(f64, f64)>,
    pub stroke: Stroke,
    /// Colour of the area below the curve.
    pub fill: Option<RGBColor>,
    /// A band (x, lower, upper) behind all curves, and its colour.
    pub band: Option<Band>,
}

/// A band (x, lower, upper) and its colour.
pub(super) type Band = (Vec<(f64, f64, f64)>, RGBColor);

/// Several labelled curves over common axes, with the legend beside them.
#[derive(Clone, Debug)]
pub(super) struct LineChart<'a> {
    pub title: &'a str,
    pub subtitle: &'a str,
    pub x_title: &'a str,
    pub y_title: &'a str,
    pub x: Scale,
    pub y: Scale,
    /// In the order of the legend.
    pub series: Vec<Series>,
}

/// Size of a chart.
pub(super) const CHART_SIZE: (f64, f64) = (900.0, 600.0);
const SAMPLE: f64 = 34.0;

impl LineChart<'_> {
    pub fn drawing(&self) -> Result<Drawing, PlotError> {
        let mut drawing = Drawing::new(CHART_SIZE.0, CHART_SIZE.1);
        let top = heading(&mut drawing, self.title, self.subtitle)?;
        let height = (drawing.height - MARGIN - BELOW - top).max(100.0);
        let left = MARGIN + left_of(&self.y, height)?;
        let mut legend = 0.0_f64;
        for series in &self.series {
            legend = legend.max(SAMPLE + 8.0 + text_width(&series.label, SMALL, false)?);
        }
        let frame = Frame {
            area: Rectangle {
                left,
                top,
                width: (drawing.width - MARGIN - legend - 16.0 - left).max(100.0),
                height,
            },
            x: self.x,
            y: self.y,
        };
        frame.grid(&mut drawing)?;
        for series in &self.series {
            if let Some(colour) = series.fill {
                frame.fill_below(&mut drawing, &series.points, colour);
            }
        }
        // Earlier ones cover later ones.
        for (band, colour) in self.series.iter().rev().filter_map(|s| s.band.as_ref()) {
            frame.fill_between(&mut drawing, band, *colour);
        }
        for series in self.series.iter().rev() {
            frame.curve(&mut drawing, &series.points, series.stroke);
        }
        frame.x_axis(&mut drawing, Some(self.x_title))?;
        frame.y_axis(&mut drawing, Some(self.y_title))?;
        self.legend(&mut drawing, frame.area.right() + 16.0, top);
        Ok(drawing)
    }

    fn legend(&self, drawing: &mut Drawing, left: f64, top: f64) {
        for (i, series) in self.series.iter().enumerate() {
            let y = top + SMALL / 2.0 + 1.7 * SMALL * i as f64;
            if let Some(colour) = series.fill {
                let (right, bottom) = (left + SAMPLE, y + 8.0);
                drawing.polygon(
                    vec![(left, y), (right, y), (right, bottom), (left, bottom)],
                    colour,
                );
            }
            drawing.line((left, y), (left + SAMPLE, y), series.stroke);
            let position = (left + SAMPLE + 8.0, y + 0.36 * SMALL);
            drawing.text(Text::new(
                series.label.clone(),
                position,
                Anchor::Start,
                SMALL,
            ));
        }
    }
}
