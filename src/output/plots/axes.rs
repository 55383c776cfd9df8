//! Rectangles with axes: ticks, labels, titles, and curves within.

use plotters::style::RGBColor;

use super::PlotError;
use super::drawing::{Anchor, Drawing, INK, PALE, Position, Rectangle, Stroke, Text};
use super::render::text_width;
use super::scale::{Scale, Tick};

/// Space around everything.
pub(super) const MARGIN: f64 = 20.0;
/// Size of tick labels, legends and subtitles.
pub(super) const SMALL: f64 = 14.0;
/// Size of the titles of axes.
pub(super) const MEDIUM: f64 = 15.0;
/// Space below a frame that tick labels and the title of the axis take.
pub(super) const BELOW: f64 = 50.0;
/// Space above the base line of the first line of a text of size 1.
pub(super) const ASCENT: f64 = 0.76;
const TICK: f64 = 5.0;
const MINOR_TICK: f64 = 3.0;

/// A rectangle with two axes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub area: Rectangle,
    pub x: Scale,
    pub y: Scale,
}

/// The number of labelled ticks that fit.
fn tick_count(length: f64, spacing: f64) -> usize {
    (length / spacing).round().clamp(2.0, 10.0) as usize
}

/// The length of the longest label of a vertical axis.
pub(super) fn label_width(scale: &Scale, height: f64) -> Result<f64, PlotError> {
    let mut longest = 0.0_f64;
    for tick in scale.ticks(tick_count(height, 55.0)) {
        if let Some(label) = tick.label {
            longest = longest.max(text_width(&label, SMALL, false)?);
        }
    }
    Ok(longest)
}

/// The space left of a frame that labels and the title of the vertical axis take.
pub(super) fn left_of(scale: &Scale, height: f64) -> Result<f64, PlotError> {
    Ok(label_width(scale, height)? + TICK + 4.0 + 1.6 * MEDIUM)
}

/// A tick at its place along the axis, with the length its label takes there.
struct PlacedTick {
    place: f64,
    length: f64,
    tick: Tick,
}

impl PlacedTick {
    fn mark_length(&self) -> f64 {
        if self.tick.label.is_some() {
            TICK
        } else {
            MINOR_TICK
        }
    }
}

/// Takes labels away, evenly and sparing the one at 0, until they do not overlap.
fn thinned(mut ticks: Vec<PlacedTick>) -> Vec<PlacedTick> {
    let labelled: Vec<usize> = (0..ticks.len())
        .filter(|&i| ticks[i].tick.label.is_some())
        .collect();
    let zero = labelled
        .iter()
        .position(|&i| ticks[i].tick.value == 0.0)
        .unwrap_or(0);
    let kept = |stride: usize, i: usize| i.abs_diff(zero).is_multiple_of(stride);
    let fits = |stride: usize| {
        let kept = labelled
            .iter()
            .enumerate()
            .filter(|&(i, _)| kept(stride, i));
        let kept: Vec<&PlacedTick> = kept.map(|(_, &i)| &ticks[i]).collect();
        kept.windows(2).all(|pair| {
            (pair[1].place - pair[0].place).abs() >= (pair[0].length + pair[1].length) / 2.0
        })
    };
    let stride = (1..labelled.len())
        .find(|&stride| fits(stride))
        .unwrap_or(labelled.len().max(1));
    for (i, &index) in labelled.iter().enumerate() {
        if !kept(stride, i) {
            ticks[index].tick.label = None;
        }
    }
    ticks
}

impl Frame {
    /// The place of a pair of numbers; none for what is not finite, or not positive on a logarithmic axis.
    pub fn place(&self, x: f64, y: f64) -> Option<Position> {
        let (x, y) = (self.x.fraction(x)?, self.y.fraction(y)?);
        Some((
            self.area.left + x * self.area.width,
            self.area.bottom() - y * self.area.height,
        ))
    }

    /// Pale lines across the frame at the labelled ticks.
    pub fn grid(&self, drawing: &mut Drawing) -> Result<(), PlotError> {
        let stroke = Stroke::solid(PALE, 1.0);
        let area = &self.area;
        for x in self
            .x_ticks()?
            .iter()
            .filter(|tick| tick.tick.label.is_some())
        {
            drawing.line((x.place, area.top), (x.place, area.bottom()), stroke);
        }
        for y in self
            .y_ticks()
            .iter()
            .filter(|tick| tick.tick.label.is_some())
        {
            drawing.line((area.left, y.place), (area.right(), y.place), stroke);
        }
        Ok(())
    }

    fn x_ticks(&self) -> Result<Vec<PlacedTick>, PlotError> {
        let mut ticks = Vec::new();
        for tick in self.x.ticks(tick_count(self.area.width, 85.0)) {
            if let Some(share) = self.x.fraction(tick.value) {
                let length = match &tick.label {
                    Some(label) => text_width(label, SMALL, false)? + 10.0,
                    None => 0.0,
                };
                ticks.push(PlacedTick {
                    place: self.area.left + share * self.area.width,
                    length,
                    tick,
                });
            }
        }
        Ok(thinned(ticks))
    }

    fn y_ticks(&self) -> Vec<PlacedTick> {
        let ticks = self.y.ticks(tick_count(self.area.height, 55.0)).into_iter();
        let placed = ticks.filter_map(|tick| {
            Some(PlacedTick {
                place: self.area.bottom() - self.y.fraction(tick.value)? * self.area.height,
                length: 1.1 * SMALL,
                tick,
            })
        });
        thinned(placed.collect())
    }

    /// The outline, and below it ticks; with a title also their labels and the title.
    pub fn x_axis(&self, drawing: &mut Drawing, title: Option<&str>) -> Result<(), PlotError> {
        let bottom = self.area.bottom();
        for x in self.x_ticks()? {
            let end = (x.place, bottom + x.mark_length());
            drawing.line((x.place, bottom), end, Stroke::solid(INK, 1.0));
            if let (Some(label), Some(_)) = (x.tick.label, title) {
                let position = (x.place, bottom + TICK + 3.0 + ASCENT * SMALL);
                drawing.text(Text::new(label, position, Anchor::Middle, SMALL));
            }
        }
        if let Some(title) = title {
            let position = (
                self.area.left + self.area.width / 2.0,
                bottom + TICK + 3.0 + 1.45 * SMALL + ASCENT * MEDIUM,
            );
            drawing.text(Text::new(
                self.x.titled(title),
                position,
                Anchor::Middle,
                MEDIUM,
            ));
        }
        drawing.outline(&self.area);
        Ok(())
    }

    /// Ticks at the left side; with a title also their labels and the title.
    pub fn y_axis(&self, drawing: &mut Drawing, title: Option<&str>) -> Result<(), PlotError> {
        let left = self.area.left;
        for y in self.y_ticks() {
            let end = (left - y.mark_length(), y.place);
            drawing.line(end, (left, y.place), Stroke::solid(INK, 1.0));
            if let (Some(label), Some(_)) = (y.tick.label, title) {
                let position = (left - TICK - 4.0, y.place + 0.36 * SMALL);
                drawing.text(Text::new(label, position, Anchor::End, SMALL));
            }
        }
        if let Some(title) = title {
            let labels = label_width(&self.y, self.area.height)?;
            self.y_title(drawing, title, left - TICK - 4.0 - labels - 0.7 * MEDIUM);
        }
        Ok(())
    }

    /// The outline, and at its right side ticks with labels and a title: a colour bar.
    pub fn right_axis(&self, drawing: &mut Drawing, title: &str) -> Result<(), PlotError> {
        let right = self.area.right();
        for y in self.y_ticks() {
            let end = (right + y.mark_length(), y.place);
            drawing.line((right, y.place), end, Stroke::solid(INK, 1.0));
            if let Some(label) = y.tick.label {
                let position = (right + TICK + 4.0, y.place + 0.36 * SMALL);
                drawing.text(Text::new(label, position, Anchor::Start, SMALL));
            }
        }
        let labels = label_width(&self.y, self.area.height)?;
        self.y_title(drawing, title, right + TICK + 4.0 + labels + 1.4 * MEDIUM);
        drawing.outline(&self.area);
        Ok(())
    }

    fn y_title(&self, drawing: &mut Drawing, title: &str, x: f64) {
        let position = (x, self.area.top + self.area.height / 2.0);
        drawing.text(Text {
            upwards: true,
            ..Text::new(self.y.titled(title), position, Anchor::Middle, MEDIUM)
        });
    }

    /// A curve, cut at the upper and lower side, interrupted where it has no place; a point alone becomes a dot.
    pub fn curve(&self, drawing: &mut Drawing, points: &[(f64, f64)], stroke: Stroke) {
        let mut piece = Vec::new();
        let mut finish = |piece: &mut Vec<Position>| match piece.as_slice() {
            [] => {}
            &[alone] => {
                drawing.dot(alone, 1.5 * stroke.width, stroke.colour);
                piece.clear();
            }
            _ => drawing.path(std::mem::take(piece), stroke),
        };
        let mut previous: Option<Position> = None;
        for &(x, y) in points {
            let here = self.place(x, y);
            if let (Some(from), Some(to)) = (previous, here)
                && self.inside(from) != self.inside(to)
            {
                piece.push(self.crossing(from, to));
            }
            match here {
                Some(here) if self.inside(here) => piece.push(here),
                _ => finish(&mut piece),
            }
            previous = here;
        }
        finish(&mut piece);
    }

    fn inside(&self, (_, y): Position) -> bool {
        // Half a point of slack keeps curves that run along a side.
        y >= self.area.top - 0.5 && y <= self.area.bottom() + 0.5
    }

    fn crossing(&self, from: Position, to: Position) -> Position {
        let side = if from.1.min(to.1) < self.area.top {
            self.area.top
        } else {
            self.area.bottom()
        };
        let share = ((side - from.1) / (to.1 - from.1)).clamp(0.0, 1.0);
        (from.0 + share * (to.0 - from.0), side)
    }

    /// Fills what lies between a curve and the lower side.
    pub fn fill_below(&self, drawing: &mut Drawing, points: &[(f64, f64)], colour: RGBColor) {
        let mut outline: Vec<Position> = points
            .iter()
            .filter_map(|&(x, y)| self.place(x, y))
            .collect();
        if let (Some(&first), Some(&last)) = (outline.first(), outline.last()) {
            let bottom = self.area.bottom();
            outline.extend([(last.0, bottom), (first.0, bottom)]);
            drawing.polygon(outline, colour);
        }
    }

    /// Fills a band (x, lower, upper); its ends are brought into the frame.
    pub fn fill_between(&self, drawing: &mut Drawing, band: &[(f64, f64, f64)], colour: RGBColor) {
        let (lowest, highest) = self.y.limits();
        let place = |x: f64, y: f64| self.place(x, y.clamp(lowest, highest));
        let mut outline: Vec<Position> = band.iter().filter_map(|b| place(b.0, b.1)).collect();
        outline.extend(band.iter().rev().filter_map(|b| place(b.0, b.2)));
        if outline.len() > 2 {
            drawing.polygon(outline, colour);
        }
    }
}
