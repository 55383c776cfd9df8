//! Colours that people with any kind of colour vision can tell apart.

use plotters::style::RGBColor;
use plotters::style::colors::colormaps::ViridisRGB;

/// Blue of the set of Okabe and Ito (2008), "Color universal design".
pub(super) const BLUE: RGBColor = RGBColor(0, 114, 178);
/// Vermilion of the set of Okabe and Ito.
pub(super) const VERMILION: RGBColor = RGBColor(213, 94, 0);
/// Bluish green of the set of Okabe and Ito.
pub(super) const GREEN: RGBColor = RGBColor(0, 158, 115);
/// What is not a number.
const MISSING: RGBColor = RGBColor(200, 200, 200);

/// Viridis: dark blue for the lower limit to yellow for the upper; its lightness rises evenly.
pub(super) fn image_colour(value: f64, (lower, upper): (f64, f64)) -> RGBColor {
    let share = (value - lower) / (upper - lower);
    if share.is_nan() {
        MISSING
    } else {
        ViridisRGB::get_color(share.clamp(0.0, 1.0))
    }
}

/// Colour `i` of `count` in an ordered sequence of lines, dark to light; the palest yellows, hard to see on white,
/// are left out.
pub(super) fn sequence_colour(i: usize, count: usize) -> RGBColor {
    let last = count.saturating_sub(1).max(1);
    ViridisRGB::get_color(0.88 * i.min(last) as f64 / last as f64)
}

/// Colour `i` of a set of categories: that of Okabe and Ito without yellow, over and over.
pub(super) fn category_colour(i: usize) -> RGBColor {
    const SET: [RGBColor; 6] = [
        BLUE,
        VERMILION,
        RGBColor(0, 158, 115),
        RGBColor(204, 121, 167),
        RGBColor(230, 159, 0),
        RGBColor(86, 180, 233),
    ];
    SET[i % SET.len()]
}

/// A colour that is mostly white, for areas behind a curve of the colour.
pub(super) fn pale(RGBColor(red, green, blue): RGBColor) -> RGBColor {
    let mixed = |part: u8| 255 - (255 - part) / 5;
    RGBColor(mixed(red), mixed(green), mixed(blue))
}
