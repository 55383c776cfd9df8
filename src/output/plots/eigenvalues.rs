//! Eigenvalues in the complex plane, beside the border of stability.

use plotters::style::RGBColor;

use super::PlotError;
use super::axes::{BELOW, Frame, MARGIN, SMALL, left_of};
use super::chart::heading;
use super::drawing::{Anchor, Drawing, GREY, Rectangle, Stroke, Text};
use super::energies::around;
use super::scale::Scale;

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 380.0;
const GAP: f64 = 24.0;
const RADIUS: f64 = 2.6;
/// Lines that an arc is drawn with.
const CORNERS: usize = 360;

/// Points of one colour.
pub(super) struct Cloud<'a> {
    pub label: &'a str,
    pub colour: RGBColor,
    /// Real and imaginary parts.
    pub points: &'a [(f64, f64)],
}

/// What bounds the stable eigenvalues.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Border {
    /// The imaginary axis.
    Axis,
    /// The unit circle.
    Circle,
}

/// A complex plane.
pub(super) struct Plane<'a> {
    pub heading: &'a str,
    pub border: Border,
    pub clouds: Vec<Cloud<'a>>,
}

/// Two planes side by side with one legend below.
pub(super) struct PlanePage<'a> {
    pub title: &'a str,
    pub subtitle: &'a str,
    pub planes: [Plane<'a>; 2],
}

impl PlanePage<'_> {
    pub fn drawing(&self) -> Result<Drawing, PlotError> {
        let mut drawing = Drawing::new(WIDTH, 0.0);
        let top = heading(&mut drawing, self.title, self.subtitle)? + 1.6 * SMALL;
        let slot = (WIDTH - 2.0 * MARGIN - GAP) / 2.0;
        for (number, plane) in self.planes.iter().enumerate() {
            let (x, y) = plane.scales();
            let labels = left_of(&y, HEIGHT)?;
            let frame = Frame {
                area: Rectangle {
                    left: MARGIN + number as f64 * (slot + GAP) + labels,
                    top,
                    width: slot - labels,
                    height: HEIGHT,
                },
                x,
                y,
            };
            plane.draw(&mut drawing, &frame)?;
        }
        let mut y = top + HEIGHT + BELOW + 1.2 * SMALL;
        for cloud in &self.planes[0].clouds {
            drawing.dot((MARGIN + 6.0, y), 2.0 * RADIUS, cloud.colour);
            let position = (MARGIN + 20.0, y + 0.36 * SMALL);
            drawing.text(Text::new(cloud.label, position, Anchor::Start, SMALL));
            y += 1.7 * SMALL;
        }
        drawing.height = (y + MARGIN - 0.5 * SMALL).ceil();
        Ok(drawing)
    }
}

impl Plane<'_> {
    /// Axes around all points and the nearest point of the border.
    fn scales(&self) -> (Scale, Scale) {
        let nearest = match self.border {
            Border::Axis => (0.0, 0.0),
            Border::Circle => (1.0, 0.0),
        };
        let points = || {
            let points = self.clouds.iter().flat_map(|cloud| cloud.points);
            points.copied().chain([nearest])
        };
        (
            around(points().map(|point| point.0), None),
            around(points().map(|point| point.1), None),
        )
    }

    fn draw(&self, drawing: &mut Drawing, frame: &Frame) -> Result<(), PlotError> {
        frame.grid(drawing)?;
        let stroke = Stroke::dashed(GREY, 1.4);
        match self.border {
            Border::Axis => {
                let (low, high) = frame.y.limits();
                frame.curve(drawing, &[(0.0, low), (0.0, high)], stroke);
            }
            Border::Circle => {
                let ((left, right), (low, high)) = (frame.x.limits(), frame.y.limits());
                let (from, to) = (low.max(-1.0).asin(), high.min(1.0).asin());
                // The right and the left half, as far as the frame shows them: it may hold a tiny arc beside 1.
                for side in [1.0, -1.0] {
                    let corner = |i: usize| {
                        let angle = from + (to - from) * i as f64 / CORNERS as f64;
                        (side * angle.cos(), angle.sin())
                    };
                    let inside = |(x, _): &(f64, f64)| (left..=right).contains(x);
                    let arc: Vec<(f64, f64)> = (0..=CORNERS).map(corner).filter(inside).collect();
                    frame.curve(drawing, &arc, stroke);
                }
            }
        }
        for cloud in &self.clouds {
            for (x, y) in cloud.points {
                if let Some(place) = frame.place(*x, *y) {
                    drawing.dot(place, RADIUS, cloud.colour);
                }
            }
        }
        frame.x_axis(drawing, Some("real part"))?;
        frame.y_axis(drawing, Some("imaginary part"))?;
        let area = &frame.area;
        let position = (area.left + area.width / 2.0, area.top - 0.45 * SMALL);
        drawing.text(Text::new(self.heading, position, Anchor::Middle, SMALL));
        Ok(())
    }
}
