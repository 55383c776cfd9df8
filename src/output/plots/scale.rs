//! Scales of axes: from numbers to shares of a length, and tidy ticks with their labels.

use crate::output::console::number;

/// A linear or logarithmic axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    /// Ends of the axis; base-10 logarithms where `logarithmic`.
    lower: f64,
    upper: f64,
    logarithmic: bool,
}

/// A tick of an axis; a minor one has no label.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub value: f64,
    pub label: Option<String>,
}

impl Scale {
    /// A linear axis; ends that are not finite or not apart are moved until they are.
    pub fn linear(lower: f64, upper: f64) -> Self {
        let (lower, upper) = apart(lower, upper);
        Self {
            lower,
            upper,
            logarithmic: false,
        }
    }

    /// A logarithmic axis; ends that are not positive or not apart are moved until they are.
    pub fn logarithmic(lower: f64, upper: f64) -> Self {
        let (lower, upper) = apart(lower.log10(), upper.log10());
        Self {
            lower,
            upper,
            logarithmic: true,
        }
    }

    /// The values at the two ends.
    pub fn limits(&self) -> (f64, f64) {
        (self.value(0.0), self.value(1.0))
    }

    /// Where a value lies between the ends (0 to 1; outside of that when it is off the axis); none for what has no
    /// place: not finite, or not positive on a logarithmic axis.
    pub fn fraction(&self, value: f64) -> Option<f64> {
        let coordinate = if self.logarithmic {
            value.log10()
        } else {
            value
        };
        let fraction = (coordinate - self.lower) / (self.upper - self.lower);
        fraction.is_finite().then_some(fraction)
    }

    /// The value at a fraction of the length.
    pub fn value(&self, fraction: f64) -> f64 {
        let coordinate = self.lower + fraction * (self.upper - self.lower);
        if self.logarithmic {
            10f64.powf(coordinate)
        } else {
            coordinate
        }
    }

    /// The power of ten that the labels of a linear axis leave out and its title must name, where they would be long.
    fn factor(&self) -> Option<i32> {
        let largest = self.lower.abs().max(self.upper.abs());
        let tiny = largest < 1e-3;
        // A long number with a small distance, 100001 to 100009, is no shorter with a power of ten.
        let huge = largest >= 1e5 && self.upper - self.lower >= 1e5;
        (!self.logarithmic && (tiny || huge)).then(|| first_digit(largest))
    }

    /// The title of an axis with this scale: `x`, or `x (×10⁻⁹)` where the labels leave out a power of ten.
    pub fn titled(&self, title: &str) -> String {
        match self.factor() {
            Some(exponent) => format!("{title} (×{})", power_of_ten(exponent)),
            None => title.into(),
        }
    }

    /// About `count` labelled ticks within the ends, and unlabelled ones between decades.
    pub fn ticks(&self, count: usize) -> Vec<Tick> {
        let count = count.max(2);
        if !self.logarithmic {
            let label = |value, step| plain_label(value, step, self.factor().unwrap_or(0));
            return linear_ticks(self.lower, self.upper, count, label);
        }
        let ticks = if self.upper - self.lower >= 2.0 {
            decade_ticks(self.lower, self.upper, count)
        } else {
            mantissa_ticks(self.lower, self.upper)
        };
        if ticks.iter().filter(|tick| tick.label.is_some()).count() >= 2 {
            ticks
        } else {
            let (lower, upper) = self.limits();
            linear_ticks(lower, upper, count, scientific_label)
        }
    }
}

/// The ends themselves if they are finite and apart, otherwise an interval around what is known of them.
fn apart(lower: f64, upper: f64) -> (f64, f64) {
    let (lower, upper) = match (lower.is_finite(), upper.is_finite()) {
        (true, true) => (lower.min(upper), lower.max(upper)),
        (true, false) => (lower, lower),
        (false, true) => (upper, upper),
        (false, false) => (0.0, 1.0),
    };
    let distance = upper - lower;
    // Too close, and the ticks drown in rounding; beyond the second bounds their powers of ten do not exist.
    if distance > 1e-9 * lower.abs().max(upper.abs()) && (1e-290..1e290).contains(&distance) {
        return (lower, upper);
    }
    let (lower, upper) = (lower.clamp(-1e290, 1e290), upper.clamp(-1e290, 1e290));
    let reach = 0.5 * lower.abs().max(1.0);
    (lower - reach, upper + reach)
}

fn linear_ticks(
    lower: f64,
    upper: f64,
    count: usize,
    label: impl Fn(f64, f64) -> String,
) -> Vec<Tick> {
    let mut step = tidy_step((upper - lower) / count as f64);
    let mut range = multiples(lower, upper, step);
    // An axis needs two numbers to be read; halves of the step give them after a few turns.
    for _ in 0..4 {
        if range.end - range.start >= 2 {
            break;
        }
        step = tidy_step(step / 2.0);
        range = multiples(lower, upper, step);
    }
    range
        .map(|i| {
            let value = i as f64 * step;
            Tick {
                value,
                label: Some(label(value, step)),
            }
        })
        .collect()
}

/// The 1, 2 or 5 times a power of ten that is nearest to `rough` by ratio.
fn tidy_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let factor = match rough / power {
        7.0.. => 10.0,
        3.2.. => 5.0,
        1.4.. => 2.0,
        _ => 1.0,
    };
    factor * power
}

/// The multiples of `step` within the ends.
fn multiples(lower: f64, upper: f64, step: f64) -> std::ops::Range<i64> {
    let slack = 1e-6;
    (lower / step - slack).ceil() as i64..(upper / step + slack).floor() as i64 + 1
}

/// The place of the first digit: 2 in 345, −1 in 0.25.
fn first_digit(value: f64) -> i32 {
    (value.log10() + 1e-9).floor() as i32
}

/// `value` / 10^`factor` with just the decimals that the step needs.
fn plain_label(value: f64, step: f64, factor: i32) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let decimals = usize::try_from(factor - first_digit(step)).unwrap_or(0);
    typeset(&format!("{:.decimals$}", value / 10f64.powi(factor)))
}

/// The value with its power of ten, and just the digits that the step needs; plain where that is short.
fn scientific_label(value: f64, step: f64) -> String {
    let exponent = first_digit(value.abs());
    if (-3..5).contains(&exponent) {
        return plain_label(value, step, 0);
    }
    let mantissa = plain_label(value, step, exponent);
    typeset(&format!("{mantissa}e{exponent}"))
}

/// Ticks at powers of ten, every so many that about `count` carry a label.
fn decade_ticks(lower: f64, upper: f64, count: usize) -> Vec<Tick> {
    let stride = ((upper - lower) / count as f64).ceil().max(1.0) as i32;
    let tidy = [1, 2, 3, 5, 10, 20, 50, 100]
        .into_iter()
        .find(|&tidy| tidy >= stride);
    let stride = tidy.unwrap_or(stride);
    let mut ticks = Vec::new();
    for exponent in lower.floor() as i32..=upper.floor() as i32 {
        let labelled = exponent % stride == 0;
        ticks.push(Tick {
            value: 10f64.powi(exponent),
            label: labelled.then(|| power_of_ten(exponent)),
        });
        if stride == 1 && upper - lower <= 10.0 {
            ticks.extend((2..10).map(|mantissa| Tick {
                value: f64::from(mantissa) * 10f64.powi(exponent),
                label: None,
            }));
        }
    }
    within(ticks, lower, upper)
}

/// Ticks at 1, 2, 5 times powers of ten for axes of less than two decades.
fn mantissa_ticks(lower: f64, upper: f64) -> Vec<Tick> {
    let mut ticks = Vec::new();
    for exponent in lower.floor() as i32..=upper.floor() as i32 {
        ticks.extend((1..10).map(|mantissa| {
            let value = f64::from(mantissa) * 10f64.powi(exponent);
            Tick {
                value,
                label: [1, 2, 5].contains(&mantissa).then(|| short(value)),
            }
        }));
    }
    within(ticks, lower, upper)
}

fn within(mut ticks: Vec<Tick>, lower: f64, upper: f64) -> Vec<Tick> {
    ticks.retain(|tick| {
        let logarithm = tick.value.log10();
        logarithm >= lower - 1e-9 && logarithm <= upper + 1e-9
    });
    ticks
}

/// A number as a book prints it: `0.25`, `−3`, `9.274×10⁵`.
pub(super) fn short(value: f64) -> String {
    typeset(&number(value))
}

fn power_of_ten(exponent: i32) -> String {
    typeset(&format!("1e{exponent}"))
}

/// Turns `-1.5e-3` into `−1.5×10⁻³` and `1e4` into `10⁴`.
fn typeset(plain: &str) -> String {
    let Some((mantissa, exponent)) = plain.split_once('e') else {
        return plain.replace('-', "−");
    };
    let raised: String = exponent
        .chars()
        .map(|character| match character {
            '-' => '⁻',
            '0' => '⁰',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            '4' => '⁴',
            '5' => '⁵',
            '6' => '⁶',
            '7' => '⁷',
            '8' => '⁸',
            '9' => '⁹',
            other => other,
        })
        .collect();
    match mantissa {
        "1" => format!("10{raised}"),
        "-1" => format!("−10{raised}"),
        _ => format!("{}×10{raised}", mantissa.replace('-', "−")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, count: usize) -> Vec<String> {
        let ticks = scale.ticks(count).into_iter();
        ticks.filter_map(|tick| tick.label).collect()
    }

    #[test]
    fn linear_labels_show_just_the_digits_of_the_step() {
        assert_eq!(
            labels(Scale::linear(0.0, 0.5), 5),
            ["0", "0.1", "0.2", "0.3", "0.4", "0.5"]
        );
        assert_eq!(labels(Scale::linear(-6.0, 10.0), 4), ["−5", "0", "5", "10"]);
    }

    #[test]
    fn long_labels_leave_a_power_of_ten_to_the_title() {
        for (upper, title) in [(4e6, "x (×10⁶)"), (4e-7, "x (×10⁻⁷)")] {
            let scale = Scale::linear(0.0, upper);
            assert_eq!(labels(scale, 2), ["0", "2", "4"]);
            assert_eq!(scale.titled("x"), title);
        }
        assert_eq!(Scale::linear(0.0, 4.0).titled("x"), "x");
        assert_eq!(
            labels(Scale::linear(100_000.0, 100_004.0), 2),
            ["100000", "100002", "100004"]
        );
    }

    #[test]
    fn logarithmic_labels_are_powers_of_ten_or_tidy_numbers() {
        assert_eq!(
            labels(Scale::logarithmic(1e-3, 2.0), 6),
            ["10⁻³", "10⁻²", "10⁻¹", "10⁰"]
        );
        assert_eq!(
            labels(Scale::logarithmic(1e-12, 1.0), 4),
            ["10⁻¹²", "10⁻⁹", "10⁻⁶", "10⁻³", "10⁰"]
        );
        assert_eq!(
            labels(Scale::logarithmic(0.1, 1.0), 5),
            ["0.1", "0.2", "0.5", "1"]
        );
        assert_eq!(
            labels(Scale::logarithmic(0.61, 0.69), 4),
            ["0.62", "0.64", "0.66", "0.68"]
        );
        assert_eq!(
            labels(Scale::logarithmic(6.1e-9, 6.9e-9), 4),
            ["6.2×10⁻⁹", "6.4×10⁻⁹", "6.6×10⁻⁹", "6.8×10⁻⁹"]
        );
    }

    #[test]
    fn ends_that_make_no_axis_are_moved_apart() {
        for (lower, upper) in [
            (2.0, 2.0),
            (f64::NAN, 1.0),
            (f64::INFINITY, f64::NAN),
            (0.0, 0.0),
        ] {
            for scale in [
                Scale::linear(lower, upper),
                Scale::logarithmic(lower, upper),
            ] {
                let (lower, upper) = scale.limits();
                assert!(lower < upper && scale.ticks(5).len() >= 2, "{scale:?}");
            }
        }
    }
}
