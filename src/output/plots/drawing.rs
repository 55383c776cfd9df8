//! What a picture is made of, before any file format: a list of marks on a page measured in points.
//!
//! A page has its origin at the upper left corner, x to the right, y downwards; 1 point is 1 pixel of a picture shown
//! at its natural size.

use ndarray::Array2;
use plotters::style::RGBColor;

/// A place on the page (x, y) in points.
pub(super) type Position = (f64, f64);

/// Nearly black: text and frames.
pub(super) const INK: RGBColor = RGBColor(38, 38, 38);
/// The page.
pub(super) const WHITE: RGBColor = RGBColor(255, 255, 255);
/// Secondary text.
pub(super) const GREY: RGBColor = RGBColor(100, 100, 100);
/// Grid lines.
pub(super) const PALE: RGBColor = RGBColor(228, 228, 228);

/// A rectangle on the page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rectangle {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Rectangle {
    pub fn right(&self) -> f64 {
        self.left + self.width
    }

    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stroke {
    pub colour: RGBColor,
    pub width: f64,
    /// Lengths of dash and gap.
    pub dashes: Option<(f64, f64)>,
}

impl Stroke {
    pub fn solid(colour: RGBColor, width: f64) -> Self {
        Self {
            colour,
            width,
            dashes: None,
        }
    }

    pub fn dashed(colour: RGBColor, width: f64) -> Self {
        Self {
            colour,
            width,
            dashes: Some((4.0 * width, 2.5 * width)),
        }
    }
}

/// Which point of a text stands at its position, along the line of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A line of text.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub content: String,
    /// A point of the base line.
    pub position: Position,
    pub anchor: Anchor,
    /// Size of the em square.
    pub size: f64,
    pub bold: bool,
    pub colour: RGBColor,
    /// Written upwards instead of to the right.
    pub upwards: bool,
}

impl Text {
    /// Plain text in ink.
    pub fn new(content: impl Into<String>, position: Position, anchor: Anchor, size: f64) -> Self {
        Self {
            content: content.into(),
            position,
            anchor,
            size,
            bold: false,
            colour: INK,
            upwards: false,
        }
    }
}

/// Anything but an image; later marks cover earlier ones.
#[derive(Clone, Debug)]
pub(super) enum Mark {
    Path {
        points: Vec<Position>,
        stroke: Stroke,
    },
    Polygon {
        points: Vec<Position>,
        colour: RGBColor,
    },
    Text(Text),
}

/// Numbers shown as colours; images lie beneath all marks.
#[derive(Clone, Debug)]
pub(super) struct Image {
    /// Row 0 is the uppermost.
    pub values: Array2<f64>,
    /// The values of the first and the last colour.
    pub limits: (f64, f64),
    pub area: Rectangle,
}

/// One picture.
#[derive(Clone, Debug)]
pub(super) struct Drawing {
    pub width: f64,
    pub height: f64,
    pub images: Vec<Image>,
    pub marks: Vec<Mark>,
}

impl Drawing {
    /// An empty page.
    pub fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            images: Vec::new(),
            marks: Vec::new(),
        }
    }

    pub fn path(&mut self, points: Vec<Position>, stroke: Stroke) {
        self.marks.push(Mark::Path { points, stroke });
    }

    pub fn line(&mut self, from: Position, to: Position, stroke: Stroke) {
        self.path(vec![from, to], stroke);
    }

    pub fn polygon(&mut self, points: Vec<Position>, colour: RGBColor) {
        self.marks.push(Mark::Polygon { points, colour });
    }

    pub fn dot(&mut self, (x, y): Position, radius: f64, colour: RGBColor) {
        let corner = |i: usize| {
            let (sine, cosine) = (i as f64 * std::f64::consts::TAU / 16.0).sin_cos();
            (x + radius * cosine, y + radius * sine)
        };
        self.polygon((0..16).map(corner).collect(), colour);
    }

    pub fn text(&mut self, text: Text) {
        self.marks.push(Mark::Text(text));
    }

    /// The four sides of a rectangle.
    pub fn outline(&mut self, area: &Rectangle) {
        let (left, top, right, bottom) = (area.left, area.top, area.right(), area.bottom());
        let stroke = Stroke::solid(INK, 1.0);
        // Half a width longer at both ends, so that no corner is left notched.
        let half = stroke.width / 2.0;
        for y in [top, bottom] {
            self.line((left - half, y), (right + half, y), stroke);
        }
        for x in [left, right] {
            self.line((x, top - half), (x, bottom + half), stroke);
        }
    }
}
