//! Quadratic splines: evaluation, and interpolation at the nodes.

use super::lattice::{Lattice, Point};
use super::passes;

/// The pole of the filter that inverts the values (1, 6, 1)/8 of a quadratic spline at its nodes, 2√2 − 3, and its gain
/// (Unser, Aldroubi, Eden, B-spline signal processing, IEEE Trans. Signal Process. 41, 1993).
const POLE: f64 = 2.0 * std::f64::consts::SQRT_2 - 3.0;
const GAIN: f64 = std::f64::consts::SQRT_2;
/// Where the response of the filter has fallen below rounding.
const TAPS: usize = 22;

/// Value, gradient and second derivatives at a place.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Jet {
    pub value: f64,
    pub gradient: Point,
    /// D²φ: 00, 11, 22, 01, 02, 12.
    pub hessian: [f64; 6],
}

/// Coefficients with the nodes beside the sides repeated, so that any place reads three neighbours in a row.
#[derive(Clone, Debug)]
pub(super) struct Spline {
    lattice: Lattice,
    /// Nodes added before the first of each axis.
    margins: [usize; 3],
    strides: [usize; 2],
    pub padded: Vec<f64>,
}

impl Spline {
    pub fn new(lattice: Lattice) -> Self {
        let margins = lattice.axes.map(|axis| usize::from(!axis.missing));
        let [slow, middle, fast] =
            [0, 1, 2].map(|axis| lattice.axes[axis].count + 2 * margins[axis]);
        Self {
            lattice,
            margins,
            strides: [middle * fast, fast],
            padded: vec![0.0; slow * middle * fast],
        }
    }

    /// Takes on coefficients.
    pub fn set(&mut self, coefficients: &[f64]) {
        let Self {
            lattice,
            margins,
            strides,
            padded,
        } = self;
        let (rows, row) = (strides[0] / strides[1], strides[1]);
        let node = |axis: usize, padded: usize| {
            lattice.axes[axis].fold(padded as isize - margins[axis] as isize)
        };
        passes::chunks(padded, row, |number, padded| {
            let first = lattice.number([node(0, number / rows), node(1, number % rows), 0]);
            let own = &coefficients[first..][..lattice.axes[2].count];
            if margins[2] == 0 {
                padded.copy_from_slice(own);
                return;
            }
            padded[1..row - 1].copy_from_slice(own);
            padded[0] = own[node(2, 0)];
            padded[row - 1] = own[node(2, row - 1)];
        });
    }

    #[inline(always)]
    pub fn value(&self, place: &Point) -> f64 {
        let local = self.lattice.local(place);
        let mut value = 0.0;
        self.for_each_run(&local, |[a, b], run| {
            let [left, own, right] = local[2].values;
            let along = left * run[0] + own * run[1] + right * run[2];
            value += local[0].values[a] * local[1].values[b] * along;
        });
        value
    }

    #[inline(always)]
    pub fn jet(&self, place: &Point) -> Jet {
        let local = self.lattice.local(place);
        let mut jet = Jet::default();
        self.for_each_run(&local, |[a, b], run| {
            let along = |weights: &[f64; 3]| {
                weights[0] * run[0] + weights[1] * run[1] + weights[2] * run[2]
            };
            let [value, slope, curvature] = [
                along(&local[2].values),
                along(&local[2].slopes),
                along(&local[2].curvatures),
            ];
            let [v0, s0, c0] = [
                local[0].values[a],
                local[0].slopes[a],
                local[0].curvatures[a],
            ];
            let [v1, s1, c1] = [
                local[1].values[b],
                local[1].slopes[b],
                local[1].curvatures[b],
            ];
            jet.value += v0 * v1 * value;
            jet.gradient[0] += s0 * v1 * value;
            jet.gradient[1] += v0 * s1 * value;
            jet.gradient[2] += v0 * v1 * slope;
            jet.hessian[0] += c0 * v1 * value;
            jet.hessian[1] += v0 * c1 * value;
            jet.hessian[2] += v0 * v1 * curvature;
            jet.hessian[3] += s0 * s1 * value;
            jet.hessian[4] += s0 * v1 * slope;
            jet.hessian[5] += v0 * s1 * slope;
        });
        jet
    }

    /// Where in `padded` three coefficients along x begin, beside a lattice cell and `beside` (0, 1, 2) it along the other axes.
    #[inline(always)]
    pub fn first(&self, cell: [usize; 3], beside: [usize; 2]) -> usize {
        let slow = cell[0] + self.margins[0] + beside[0] - 1;
        // A missing axis has one node, and no margin.
        let middle = cell[1] + beside[1];
        slow * self.strides[0] + middle * self.strides[1] + cell[2]
    }

    /// The coefficients beside a place, three along x at a time.
    #[inline(always)]
    fn for_each_run(
        &self,
        local: &[super::lattice::Local; 3],
        mut visit: impl FnMut([usize; 2], &[f64; 3]),
    ) {
        let axes = &self.lattice.axes;
        for a in axes[0].beside() {
            for b in axes[1].beside() {
                let slow = local[0].cell + self.margins[0] + a - 1;
                let middle = local[1].cell + self.margins[1] + b - 1;
                let first = slow * self.strides[0] + middle * self.strides[1] + local[2].cell;
                if let Some(run) = self.padded[first..].first_chunk::<3>() {
                    visit([a, b], run);
                }
            }
        }
    }
}

/// Turns values at the nodes into coefficients, axis by axis.
pub(super) fn interpolate(lattice: &Lattice, values: &mut Vec<f64>, scratch: &mut Vec<f64>) {
    for axis in 0..3 {
        if lattice.axes[axis].missing {
            continue;
        }
        scratch.resize(values.len(), 0.0);
        let from: &[f64] = values;
        passes::chunks(scratch, lattice.axes[2].count, |row, out| {
            let first = row * lattice.axes[2].count;
            for (x, out) in out.iter_mut().enumerate() {
                let mut node = lattice.node(first + x);
                let own = node[axis] as isize;
                let (mut sum, mut weight) = (from[first + x], 1.0);
                for tap in 1..=TAPS as isize {
                    weight *= POLE;
                    for beside in [own - tap, own + tap] {
                        node[axis] = lattice.axes[axis].fold(beside);
                        sum += weight * from[lattice.number(node)];
                    }
                }
                *out = GAIN * sum;
            }
        });
        std::mem::swap(values, scratch);
    }
}
