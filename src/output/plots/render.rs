//! From a [`Drawing`] to an SVG or PNG file, both painted by the same function with plotters.

use std::sync::OnceLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use image::{ExtendedColorType, ImageEncoder, RgbImage, codecs::png::PngEncoder};
use ndarray::Array2;
use plotters::backend::RGBPixel;
use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, register_font};

use super::PlotError;
use super::colour::image_colour;
use super::drawing::{Anchor, Drawing, Image, Mark, Position, Stroke, Text};

/// The font that is embedded for PNG, with the families an SVG viewer may use in its place.
const FAMILY: &str = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif";
/// Plotters places marks at whole units; this many to the point keep curves smooth.
const UNITS: f64 = 4.0;
/// A PNG has this many pixels to the point, for sharp print.
const PIXELS: f64 = 2.0;
/// How far, in points, a simplified curve may be from the curve.
const TOLERANCE: f64 = 0.1;
/// The most cells to the point of an image embedded in an SVG: even noise, which does not compress, then stays well
/// below 1.5 MB a picture.
const EMBEDDED_CELLS: f64 = 0.9;

/// Where a backend puts text, found from its source: font size for an em of 1, and the depth of the base line below
/// the upper anchor as a share of the em.
struct TextMetrics {
    size: f64,
    base_line: f64,
}

/// plotters-svg divides the size by 1.24 and moves the text down by 0.76 em.
const SVG_TEXT: TextMetrics = TextMetrics {
    size: 1.24,
    base_line: 0.76,
};
/// ab_glyph measures fonts from ascent to descent, 2384/2048 em in DejaVu Sans; plotters puts the base line half of it
/// below the anchor.
const BITMAP_TEXT: TextMetrics = TextMetrics {
    size: 1.164,
    base_line: 0.582,
};

fn register_fonts() -> Result<(), PlotError> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let registered = REGISTERED.get_or_init(|| {
        [
            (FontStyle::Normal, dejavu::sans::regular()),
            (FontStyle::Bold, dejavu::sans::bold()),
        ]
        .into_iter()
        .all(|(style, bytes)| register_font(FAMILY, style, bytes).is_ok())
    });
    if *registered {
        Ok(())
    } else {
        Err(PlotError::Font)
    }
}

fn font(size: f64, bold: bool) -> FontDesc<'static> {
    let style = if bold {
        FontStyle::Bold
    } else {
        FontStyle::Normal
    };
    FontDesc::new(FontFamily::Name(FAMILY), size, style)
}

/// The length of a line of text in points.
pub(super) fn text_width(content: &str, size: f64, bold: bool) -> Result<f64, PlotError> {
    register_fonts()?;
    let (width, _) = font(size * BITMAP_TEXT.size * UNITS, bold)
        .box_size(content)
        .map_err(|_| PlotError::Font)?;
    Ok(f64::from(width) / UNITS)
}

/// The bytes of an SVG file.
pub(super) fn svg(drawing: &Drawing) -> Result<Vec<u8>, PlotError> {
    let (width, height) = extent(drawing, UNITS);
    let mut painted = String::new();
    {
        let area = SVGBackend::with_string(&mut painted, (width, height)).into_drawing_area();
        paint(&area, &drawing.marks, &SVG_TEXT)?;
    }
    // Plotters' opening tag makes a unit a pixel; this one makes a point a pixel and puts the images beneath.
    let marks = painted.split_once('\n').map_or("", |(_, marks)| marks);
    let mut document = format!(
        "<svg width=\"{}\" height=\"{}\" viewBox=\"0 0 {width} {height}\" stroke-linejoin=\"round\" \
         xmlns=\"http://www.w3.org/2000/svg\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#FFFFFF\"/>\n",
        drawing.width, drawing.height,
    );
    for image in &drawing.images {
        let longest = image.area.width.max(image.area.height);
        let pixels = colours(
            &reduced(&image.values, longest * EMBEDDED_CELLS),
            image.limits,
        );
        document += &format!(
            "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" \
             style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{}\"/>\n",
            units(image.area.left),
            units(image.area.top),
            units(image.area.right()) - units(image.area.left),
            units(image.area.bottom()) - units(image.area.top),
            BASE64_STANDARD.encode(encode(&pixels)?),
        );
    }
    document += marks;
    Ok(document.into_bytes())
}

/// The bytes of a PNG file.
pub(super) fn png(drawing: &Drawing) -> Result<Vec<u8>, PlotError> {
    let (width, height) = extent(drawing, UNITS);
    let mut canvas = RgbImage::from_pixel(width, height, image::Rgb([255; 3]));
    for image in &drawing.images {
        place(&mut canvas, image);
    }
    {
        let buffer: &mut [u8] = &mut canvas;
        let backend = BitMapBackend::<RGBPixel>::with_buffer_and_format(buffer, (width, height))
            .map_err(drawing_error)?;
        paint(&backend.into_drawing_area(), &drawing.marks, &BITMAP_TEXT)?;
    }
    let (width, height) = extent(drawing, PIXELS);
    encode(&image::imageops::thumbnail(&canvas, width, height))
}

fn extent(drawing: &Drawing, scale: f64) -> (u32, u32) {
    let length = |points: f64| (points * scale).round() as u32;
    (length(drawing.width), length(drawing.height))
}

fn units(points: f64) -> i32 {
    (points * UNITS).round() as i32
}

/// Shows an image in its part of the canvas, each cell as a block.
fn place(canvas: &mut RgbImage, image: &Image) {
    let (left, right) = (units(image.area.left), units(image.area.right()));
    let (top, bottom) = (units(image.area.top), units(image.area.bottom()));
    if left < 0 || top < 0 || right <= left || bottom <= top {
        return;
    }
    // Cells smaller than a pixel of the file are averaged rather than skipped.
    let pixels = f64::from((right - left).max(bottom - top)) * PIXELS / UNITS;
    let source = colours(&reduced(&image.values, pixels), image.limits);
    let (columns, rows) = source.dimensions();
    let cell = |i: i32, length: i32, count: u32| {
        (i64::from(i) * i64::from(count) / i64::from(length)) as u32
    };
    for y in top..bottom {
        let row = cell(y - top, bottom - top, rows);
        for x in left..right {
            let column = cell(x - left, right - left, columns);
            let colour = source.get_pixel_checked(column, row);
            let target = canvas.get_pixel_mut_checked(x as u32, y as u32);
            if let (Some(colour), Some(target)) = (colour, target) {
                *target = *colour;
            }
        }
    }
}

/// Averages blocks of cells until neither side has more than `limit`.
fn reduced(values: &Array2<f64>, limit: f64) -> Array2<f64> {
    let (rows, columns) = values.dim();
    let limit = (limit as usize).max(1);
    let (tall, wide) = (rows.div_ceil(limit).max(1), columns.div_ceil(limit).max(1));
    if tall == 1 && wide == 1 {
        return values.clone();
    }
    let blocks = values.axis_chunks_iter(ndarray::Axis(0), tall);
    let averages: Vec<f64> = blocks
        .flat_map(|block| {
            let cells = block.axis_chunks_iter(ndarray::Axis(1), wide);
            cells
                .map(|cells| cells.mean().unwrap_or(f64::NAN))
                .collect::<Vec<_>>()
        })
        .collect();
    let shape = (rows.div_ceil(tall), columns.div_ceil(wide));
    Array2::from_shape_fn(shape, |(row, column)| averages[row * shape.1 + column])
}

fn colours(values: &Array2<f64>, limits: (f64, f64)) -> RgbImage {
    let (rows, columns) = values.dim();
    RgbImage::from_fn(columns as u32, rows as u32, |column, row| {
        let RGBColor(red, green, blue) =
            image_colour(values[(row as usize, column as usize)], limits);
        image::Rgb([red, green, blue])
    })
}

fn encode(pixels: &RgbImage) -> Result<Vec<u8>, PlotError> {
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes)
        .write_image(
            pixels,
            pixels.width(),
            pixels.height(),
            ExtendedColorType::Rgb8,
        )
        .map_err(drawing_error)?;
    Ok(bytes)
}

fn drawing_error(error: impl std::fmt::Display) -> PlotError {
    PlotError::Drawing(error.to_string())
}

fn paint<Backend: DrawingBackend>(
    area: &DrawingArea<Backend, Shift>,
    marks: &[Mark],
    metrics: &TextMetrics,
) -> Result<(), PlotError> {
    let place = |points: &[Position]| -> Vec<(i32, i32)> {
        let mut placed: Vec<_> = points.iter().map(|&(x, y)| (units(x), units(y))).collect();
        placed.dedup();
        placed
    };
    for mark in marks {
        match mark {
            Mark::Path { points, stroke } => paint_path(area, place(&simplified(points)), stroke),
            Mark::Polygon { points, colour } => area.draw(&Polygon::new(place(points), *colour)),
            Mark::Text(text) => paint_text(area, text, metrics),
        }
        .map_err(drawing_error)?;
    }
    area.present().map_err(drawing_error)
}

/// Leaves out points that lie, within [`TOLERANCE`], on the line between those that stay (Ramer 1972, Douglas and
/// Peucker 1973). Whole units turn very short segments into visible wobbles.
fn simplified(points: &[Position]) -> Vec<Position> {
    let mut stays = vec![false; points.len()];
    let mut pieces = vec![(0, points.len().saturating_sub(1))];
    while let Some((first, last)) = pieces.pop() {
        let (Some(&from), Some(&to)) = (points.get(first), points.get(last)) else {
            continue;
        };
        (stays[first], stays[last]) = (true, true);
        let farthest = (first + 1..last)
            .map(|i| (i, distance(points[i], from, to)))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((i, distance)) = farthest
            && distance > TOLERANCE
        {
            pieces.extend([(first, i), (i, last)]);
        }
    }
    let kept = points.iter().zip(stays).filter(|&(_, stays)| stays);
    kept.map(|(&point, _)| point).collect()
}

/// The distance of a point from the segment between two others.
fn distance((x, y): Position, from: Position, to: Position) -> f64 {
    let (along_x, along_y) = (to.0 - from.0, to.1 - from.1);
    let square = along_x * along_x + along_y * along_y;
    let share = ((x - from.0) * along_x + (y - from.1) * along_y) / square;
    let share = if share.is_finite() {
        share.clamp(0.0, 1.0)
    } else {
        0.0
    };
    (x - from.0 - share * along_x).hypot(y - from.1 - share * along_y)
}

type Painted<Backend> = Result<(), DrawingAreaErrorKind<<Backend as DrawingBackend>::ErrorType>>;

fn paint_path<Backend: DrawingBackend>(
    area: &DrawingArea<Backend, Shift>,
    points: Vec<(i32, i32)>,
    stroke: &Stroke,
) -> Painted<Backend> {
    let style = stroke
        .colour
        .stroke_width(units(stroke.width).max(1) as u32);
    match stroke.dashes {
        None => area.draw(&PathElement::new(points, style)),
        Some((dash, gap)) => area.draw(&DashedPathElement::new(
            points,
            units(dash),
            units(gap),
            style,
        )),
    }
}

fn paint_text<Backend: DrawingBackend>(
    area: &DrawingArea<Backend, Shift>,
    text: &Text,
    metrics: &TextMetrics,
) -> Painted<Backend> {
    let anchor = match text.anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    let mut font = font(text.size * metrics.size * UNITS, text.bold);
    let rise = metrics.base_line * text.size;
    let (mut x, mut y) = text.position;
    if text.upwards {
        font = font.transform(FontTransform::Rotate270);
        x -= rise;
    } else {
        y -= rise;
    }
    let style = TextStyle::from(font)
        .color(&text.colour)
        .pos(Pos::new(anchor, VPos::Top));
    area.draw_text(&text.content, &style, (units(x), units(y)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture_of(character: char, bold: bool) -> Vec<u8> {
        let mut drawing = Drawing::new(20.0, 20.0);
        drawing.text(Text {
            bold,
            ..Text::new(character, (5.0, 15.0), Anchor::Start, 14.0)
        });
        png(&drawing).unwrap()
    }

    #[test]
    fn every_symbol_of_the_pictures_is_in_the_embedded_font() {
        register_fonts().unwrap();
        for bold in [false, true] {
            // A character that no font has shows what a missing one looks like.
            let missing = picture_of('\u{10fffe}', bold);
            let blank = picture_of(' ', bold);
            for symbol in "ρπλψτγε‖∂∇∫∝·×−²⁻⁰¹³⁴⁵⁶⁷⁸⁹–₂√∞≤≈".chars()
            {
                let picture = picture_of(symbol, bold);
                assert!(
                    picture != missing && picture != blank,
                    "{symbol}, bold: {bold}"
                );
            }
        }
    }

    #[test]
    fn simplified_curves_stay_within_the_tolerance() {
        let curve = |i: i32| (f64::from(i), 100.0 * (f64::from(i) / 40.0).sin());
        let points: Vec<Position> = (0..=600).map(curve).collect();
        let simple = simplified(&points);
        assert!(simple.len() < points.len() / 3, "{}", simple.len());
        for &point in &points {
            let nearest = simple
                .windows(2)
                .map(|pair| distance(point, pair[0], pair[1]));
            assert!(nearest.fold(f64::INFINITY, f64::min) <= TOLERANCE);
        }
    }

    #[test]
    fn blocks_are_averaged_down_to_the_limit() {
        let values = Array2::from_shape_fn((5, 4), |(row, column)| (row * 4 + column) as f64);
        let small = reduced(&values, 3.0);
        assert_eq!(
            small,
            ndarray::array![[2.5, 4.5], [10.5, 12.5], [16.5, 18.5]]
        );
        assert_eq!(reduced(&values, 5.0), values);
    }
}
