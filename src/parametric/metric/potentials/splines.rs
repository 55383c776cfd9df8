use super::Jets;
use crate::parametric::batch::Batch;

/// Quadratic splines: so many differ from 0 in one interval.
const ORDER: usize = 3;
/// The intervals an axis of B samples in d dimensions are this times B^{1/(d + 4)}.
const INTERVALS: f64 = 1.5;

/// Products of quadratic B-splines on a regular grid, N(x) = Π_a B(x_a) (de Boor, A practical guide to splines, 1978, ch. IX).
///
/// With n intervals an axis they are (n + 2)^d functions with continuous first derivatives, that hold every x_i and x_i x_j. Within the
/// Galerkin form of −∇·(ρ∇Φ_i) = ∂_iρ (docs/parameters.md, eq. P18) the error of ∇Φ is O(h²) for the spacing h, and that of g its square.
/// Beyond the box the pieces of the outermost intervals go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Splines {
    /// Intervals of each axis.
    intervals: usize,
    /// Whether the box is that of the samples.
    follows: bool,
    /// Whether the number of intervals is that for the number of samples.
    adapts: bool,
    /// The lower corner of the box.
    lower: Vec<f64>,
    /// The spacing of each axis.
    spacing: Vec<f64>,
}

impl Splines {
    /// Splines over the bounding box of whatever samples come, with so many intervals an axis, or as many as the number of samples allows:
    /// [`Splines::intervals_for`].
    pub fn over_samples(dimension: usize, intervals: Option<usize>) -> Self {
        Self {
            intervals: intervals.unwrap_or(1).max(1),
            follows: true,
            adapts: intervals.is_none(),
            lower: vec![0.0; dimension],
            spacing: vec![1.0; dimension],
        }
    }

    /// Splines on a box that stays.
    pub fn on_box(lower: &[f64], upper: &[f64], intervals: usize) -> Self {
        let intervals = intervals.max(1);
        let lengths = lower.iter().zip(upper);
        Self {
            intervals,
            follows: false,
            adapts: false,
            lower: lower.to_vec(),
            spacing: lengths.map(|(a, b)| (b - a) / intervals as f64).collect(),
        }
    }

    /// The intervals an axis for B samples in d dimensions: 1.5 B^{1/(d + 4)}, rounded. With n intervals g lacks some n⁻⁴ of itself, and
    /// the n^d free potentials take n^d/(dB) of the fibres' variance; the sum is least where both are of one size.
    pub fn intervals_for(samples: usize, dimension: usize) -> usize {
        let power = 1.0 / (dimension as f64 + 4.0);
        ((INTERVALS * (samples as f64).powf(power)).round() as usize).max(1)
    }

    /// The intervals of each axis.
    pub fn intervals(&self) -> usize {
        self.intervals
    }

    pub(super) fn dimension(&self) -> usize {
        self.lower.len()
    }

    /// The number of splines.
    pub fn count(&self) -> usize {
        (self.intervals + ORDER - 1).pow(self.dimension() as u32)
    }

    pub(super) fn active(&self) -> usize {
        ORDER.pow(self.dimension() as u32)
    }

    /// Lays the grid over the samples, if it follows them.
    pub(super) fn lay(&mut self, samples: &Batch) {
        if self.adapts {
            self.intervals = Self::intervals_for(samples.count(), self.dimension());
        }
        if !self.follows {
            return;
        }
        for (axis, (lower, spacing)) in self.lower.iter_mut().zip(&mut self.spacing).enumerate() {
            let row = samples.row(axis);
            *lower = row.iter().copied().fold(f64::INFINITY, f64::min);
            let upper = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            *spacing = (upper - *lower) / self.intervals as f64;
            // All samples at one place: any spacing will do.
            if !(*spacing > 0.0 && spacing.is_finite()) {
                *spacing = 1.0;
            }
        }
    }

    /// The splines that differ from 0 at x.
    pub(super) fn at(&self, x: &[f64], jets: &mut Jets) {
        let (d, nodes) = (self.dimension(), self.intervals + ORDER - 1);
        // Of every axis the first spline, and the values, slopes and curvatures of the three.
        let mut first = [0; 3];
        let mut pieces = [[[0.0; ORDER]; 3]; 3];
        for axis in 0..d {
            let (place, h) = (
                (x[axis] - self.lower[axis]) / self.spacing[axis],
                self.spacing[axis],
            );
            // A place that is no number is in interval 0.
            first[axis] = (place as usize).min(self.intervals - 1);
            let t = place - first[axis] as f64;
            pieces[axis] = [
                [
                    0.5 * (1.0 - t) * (1.0 - t),
                    0.5 + t * (1.0 - t),
                    0.5 * t * t,
                ],
                [(t - 1.0) / h, (1.0 - 2.0 * t) / h, t / h],
                [1.0 / (h * h), -2.0 / (h * h), 1.0 / (h * h)],
            ];
        }
        for (number, index) in jets.indices.iter_mut().enumerate() {
            let mut offsets = [0; 3];
            let mut rest = number;
            for axis in (0..d).rev() {
                (offsets[axis], rest) = (rest % ORDER, rest / ORDER);
            }
            *index = (0..d).fold(0, |sum, axis| sum * nodes + first[axis] + offsets[axis]);
            // ∂ of order `orders[axis]` along every axis.
            let derivative = |orders: [usize; 3]| -> f64 {
                let factors = (0..d).map(|axis| pieces[axis][orders[axis]][offsets[axis]]);
                factors.product()
            };
            for axis in 0..d {
                let mut orders = [0; 3];
                orders[axis] += 1;
                jets.gradients[number * d + axis] = derivative(orders);
            }
            if let Some(hessians) = jets.hessians.as_deref_mut() {
                for place in 0..d * d {
                    let mut orders = [0; 3];
                    orders[place / d] += 1;
                    orders[place % d] += 1;
                    hessians[number * d * d + place] = derivative(orders);
                }
            }
        }
    }
}
