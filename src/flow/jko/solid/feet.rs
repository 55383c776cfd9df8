//! The c-transform s_i = max_y φ(y) − |x_i − y|²/(2τ) and the places where the maxima are (docs/mathematics.md, eq. 26).

use super::lattice::{Centres, Point, squared_distance};
use super::passes;
use super::spline::{Jet, Spline};

/// Newton steps for one foot before it is left where it is.
const ITERATIONS: usize = 60;
/// Halvings of one Newton step.
const HALVINGS: usize = 30;
/// A fall of the maximised function that is rounding.
const ROUNDING: f64 = 1e-15;
/// A determinant of I − τD²φ below this counts as none.
const SINGULAR: f64 = 1e-12;
/// The distance, relative to the box, to which feet are found.
const PRECISION: f64 = 1e-14;

/// Where the mass of a cell comes from, and s there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Foot {
    pub place: Point,
    pub value: f64,
}

/// The inverse of I − τD²φ (00, 11, 22, 01, 02, 12), none unless it is positive definite.
#[inline(always)]
pub(super) fn inverse(tau: f64, hessian: &[f64; 6]) -> Option<[f64; 6]> {
    let [a, b, c] = [0, 1, 2].map(|i| 1.0 - tau * hessian[i]);
    let [d, e, f] = [3, 4, 5].map(|i| -tau * hessian[i]);
    let minor = a * b - d * d;
    let determinant = a * (b * c - f * f) - d * (d * c - f * e) + e * (d * f - b * e);
    let definite = a > 0.0 && minor > 0.0 && determinant > SINGULAR;
    let cofactors = [
        b * c - f * f,
        a * c - e * e,
        minor,
        e * f - d * c,
        d * f - b * e,
        d * e - a * f,
    ];
    definite.then(|| cofactors.map(|cofactor| cofactor / determinant))
}

/// The product of a symmetric matrix (00, 11, 22, 01, 02, 12) and a vector.
#[inline(always)]
pub(super) fn product(matrix: &[f64; 6], [z, y, x]: Point) -> Point {
    let [a, b, c, d, e, f] = *matrix;
    [
        a * z + d * y + e * x,
        d * z + b * y + f * x,
        e * z + f * y + c * x,
    ]
}

/// The search for feet of one potential and one τ.
pub(super) struct Search<'a> {
    pub spline: &'a Spline,
    pub tau: f64,
    /// The longest step of a Newton iteration: no jumps over structure.
    pub longest: f64,
    /// The error to which feet are found.
    pub precision: f64,
}

impl<'a> Search<'a> {
    pub fn new(spline: &'a Spline, lattice: &super::lattice::Lattice, tau: f64) -> Self {
        let over = |length: fn(&super::lattice::LatticeAxis) -> f64| {
            let axes = lattice.axes.iter().filter(|axis| !axis.missing);
            axes.map(length).fold(0.0, f64::max)
        };
        Self {
            spline,
            tau,
            longest: 2.0 * over(|axis| axis.spacing),
            precision: PRECISION * over(super::lattice::LatticeAxis::length),
        }
    }

    /// Where the mass at `x` comes from, starting at `from`: Newton's method for y = x + τ∇φ(y), going uphill.
    pub fn foot(&self, x: &Point, from: &Point) -> Foot {
        let half = 0.5 / self.tau;
        let at = |y: &Point| {
            let jet = self.spline.jet(y);
            (jet.value - half * squared_distance(x, y), jet)
        };
        let mut place = *from;
        let (mut value, mut jet) = at(&place);
        for _ in 0..ITERATIONS {
            let residual = self.residual(x, &place, &jet);
            let size = squared_distance(&residual, &[0.0; 3]).sqrt();
            if size < self.precision {
                break;
            }
            let direction = match inverse(self.tau, &jet.hessian) {
                Some(inverse) => product(&inverse, residual),
                None => residual,
            };
            let distance = squared_distance(&direction, &[0.0; 3]).sqrt();
            let mut length = (self.longest / distance).min(1.0);
            let risen = (0..HALVINGS).find_map(|_| {
                let trial = [0, 1, 2].map(|axis| place[axis] + length * direction[axis]);
                let (risen, jet) = at(&trial);
                length *= 0.5;
                (risen >= value - ROUNDING * (1.0 + value.abs())).then_some((trial, risen, jet))
            });
            let Some(found) = risen else { break };
            (place, value, jet) = found;
        }
        Foot { place, value }
    }

    #[inline(always)]
    fn residual(&self, x: &Point, y: &Point, jet: &Jet) -> Point {
        [0, 1, 2].map(|axis| x[axis] + self.tau * jet.gradient[axis] - y[axis])
    }

    /// The feet of all cells into `feet`, starting from those in `from`.
    pub fn all(&self, centres: &Centres, from: &[Foot], feet: &mut [Foot]) {
        passes::each(feet, |cell, foot| {
            *foot = self.foot(&centres.place(cell), &from[cell].place);
        });
    }
}
