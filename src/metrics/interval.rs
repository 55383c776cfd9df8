use std::fmt;

use statrs::distribution::{ContinuousCDF, StudentsT};

/// The probability that the interval is made for.
pub const CONFIDENCE: f64 = 0.95;

/// A mean with half the width of its 95 % confidence interval, by Student's distribution (Student, Biometrika 6, 1908).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// Half the width; not a number for fewer than two values.
    pub half_width: f64,
}

impl Interval {
    /// The interval of independent values; none for none.
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
        let freedom = count - 1.0;
        let half_width = match StudentsT::new(0.0, 1.0, freedom) {
            Ok(student) => {
                let quantile = student.inverse_cdf(0.5 + 0.5 * CONFIDENCE);
                quantile * (squares / freedom / count).sqrt()
            }
            // No freedom is left by one value.
            Err(_) => f64::NAN,
        };
        Some(Self { mean, half_width })
    }

    /// Whether 0 is outside.
    pub fn excludes_zero(&self) -> bool {
        self.mean.abs() > self.half_width
    }
}

/// Mean and half width with as many decimals as the half width has at two digits, at most six.
impl fmt::Display for Interval {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let Self { mean, half_width } = self;
        if !(half_width.is_finite() && *half_width > 0.0) {
            return write!(formatter, "{mean:.4}");
        }
        let decimals = (1.0 - half_width.log10().floor()).clamp(0.0, 6.0) as usize;
        write!(formatter, "{mean:.decimals$} ± {half_width:.decimals$}")
    }
}
