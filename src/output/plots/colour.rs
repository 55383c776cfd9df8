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
