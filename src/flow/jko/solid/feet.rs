//! The c-transform s_i = max_y φ(y) − |x_i − y|²/(2τ) and the places where the maxima are (docs/mathematics.md, eq. 26).

use bytemuck::{Pod, Zeroable};

use super::lattice::{Lattice, LatticeAxis, Point, squared_distance};
use super::pack::{PLACES, Pack, inverse_pack, product_pack, splat, transposed, with_middle};
use super::passes::{self, Fill};
use super::points::Points;
use super::spline::{Jet, Spline};
use crate::calculus::Real;

/// Newton steps for one foot before it is left where it is.
pub(super) const ITERATIONS: usize = 60;
/// Halvings of one Newton step.
pub(super) const HALVINGS: usize = 30;
/// A fall of the maximised function that is rounding.
pub(super) const ROUNDING: f64 = 1e-15;
/// A determinant of I − τD²φ below this counts as none.
pub(super) const SINGULAR: f64 = 1e-12;
/// The distance, relative to the box, to which feet are found.
pub(super) const PRECISION: f64 = 1e-14;
/// Newton steps in vector lanes before what is not found is searched for by itself.
const ROUNDS: usize = 24;
/// A step below this, relative to the box, is the last: its square is rounding.
pub(super) const LAST: f64 = 1e-9;

/// Where the mass of a cell comes from, and s there.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
pub(super) struct Foot {
    pub place: Point,
    pub value: f64,
}

/// The cofactors of I − τD²φ (00, 11, 22, 01, 02, 12), its first entry, and its determinant: it is definite where that, the first entry and the cofactor 22
/// are positive.
#[inline(always)]
pub(super) fn cofactors<R: Real>(tau: R, hessian: [R; 6]) -> [R; 8] {
    let one = R::constant(1.0);
    let [a, b, c, d, e, f] = hessian;
    let [a, b, c] = [one - tau * a, one - tau * b, one - tau * c];
    let [d, e, f] = [-tau * d, -tau * e, -tau * f];
    let [bc, minor, de] = [b * c - f * f, a * b - d * d, e * f - d * c];
    let df = d * f - b * e;
    let determinant = a * bc + d * de + e * df;
    [
        bc,
        a * c - e * e,
        minor,
        de,
        df,
        d * e - a * f,
        a,
        determinant,
    ]
}

/// The inverse of I − τD²φ (00, 11, 22, 01, 02, 12), none unless it is positive definite.
#[inline(always)]
fn inverse(tau: f64, hessian: &[f64; 6]) -> Option<[f64; 6]> {
    let [cofactors @ .., first, determinant] = cofactors(tau, *hessian);
    let definite = first > 0.0 && cofactors[2] > 0.0 && determinant > SINGULAR;
    definite.then(|| cofactors.map(|cofactor: f64| cofactor / determinant))
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
    spline: &'a Spline,
    lattice: &'a Lattice,
    tau: f64,
    /// The longest step of a Newton iteration: no jumps over structure.
    longest: f64,
    /// The longest side of the box.
    size: f64,
}

/// The longest step of a Newton iteration, and the longest side of the box.
pub(super) fn reach(lattice: &Lattice) -> [f64; 2] {
    let over = |length: fn(&LatticeAxis) -> f64| {
        let axes = lattice.axes.iter().filter(|axis| !axis.missing);
        axes.map(length).fold(0.0, f64::max)
    };
    [2.0 * over(|axis| axis.spacing), over(LatticeAxis::length)]
}

impl<'a> Search<'a> {
    pub fn new(spline: &'a Spline, lattice: &'a Lattice, tau: f64) -> Self {
        let [longest, size] = reach(lattice);
        Self {
            spline,
            lattice,
            tau,
            longest,
            size,
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
            if size < PRECISION * self.size {
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

    /// The feet of all places into `feet`, starting from those in `from`.
    pub fn all(&self, points: &Points, from: &[Foot], feet: &mut [Foot]) {
        with_middle!(self.lattice, MIDDLE => {
            passes::fill(feet, &Feet::<MIDDLE> { search: self, points, from });
        });
    }

    /// The feet of several places by the same method as long as no step has to be halved, and which of them were found.
    #[inline(always)]
    fn pack<const MIDDLE: usize>(&self, x: &[Pack; 3], from: &[Pack; 3]) -> Found {
        let (half, tau, zero) = (splat(0.5 / self.tau), splat(self.tau), splat(0.0));
        let (longest, shortest) = (splat(self.longest), LAST * self.size);
        let mut found = Found {
            place: *from,
            value: splat(f64::NEG_INFINITY),
            here: [true; PLACES],
        };
        for round in 1..=ROUNDS {
            let place = &mut found.place;
            let jet = self
                .spline
                .jet_pack::<MIDDLE>(&self.lattice.local_pack(place));
            let (inverse, _) = inverse_pack(self.tau, &jet.hessian);
            let mut residual = *x;
            let mut distance = zero;
            for axis in 0..3 {
                let offset = x[axis] - place[axis];
                distance = distance + offset * offset;
                residual[axis] = offset + tau * jet.gradient[axis];
            }
            let value = jet.value - half * distance;
            let step = product_pack(&inverse, residual);
            let (mut square, mut gain) = (zero, zero);
            for axis in 0..3 {
                square = square + step[axis] * step[axis];
                gain = gain + step[axis] * residual[axis];
            }
            let (mut going, mut share) = (false, splat(1.0));
            for lane in 0..PLACES {
                let allowed = ROUNDING * (1.0 + found.value.0[lane].abs());
                let risen = value.0[lane] >= found.value.0[lane] - allowed;
                found.here[lane] &= risen && square.0[lane].is_finite();
                going |= found.here[lane] && square.0[lane] > shortest * shortest;
            }
            let length = square.sqrt();
            share = Real::select(longest.less(length), longest / length, share);
            for axis in 0..3 {
                // What is lost stays where it is.
                let moved = place[axis] + share * step[axis];
                place[axis] = Real::select(found.here, moved, place[axis]);
            }
            found.value = value;
            if !going || round == ROUNDS {
                found.value = value + half * gain;
                for lane in 0..PLACES {
                    found.here[lane] &= square.0[lane] <= shortest * shortest;
                }
                break;
            }
        }
        found
    }
}

/// Several feet, and which of them were found.
struct Found {
    place: [Pack; 3],
    value: Pack,
    here: [bool; PLACES],
}

/// The loop over all feet.
struct Feet<'a, const MIDDLE: usize> {
    search: &'a Search<'a>,
    points: &'a Points,
    from: &'a [Foot],
}

impl<const MIDDLE: usize> Fill<Foot> for Feet<'_, MIDDLE> {
    #[inline(always)]
    fn fill(&self, first: usize, out: &mut [Foot]) {
        let Self {
            search,
            points,
            from,
        } = self;
        let x = points.pack(first, out.len());
        let begin = transposed(out.len(), |lane| from[first + lane].place);
        let found = search.pack::<MIDDLE>(&x, &begin);
        for (lane, foot) in out.iter_mut().enumerate() {
            *foot = if found.here[lane] {
                Foot {
                    place: [0, 1, 2].map(|axis| found.place[axis].0[lane]),
                    value: found.value.0[lane],
                }
            } else {
                search.foot(&points.place(first + lane), &from[first + lane].place)
            };
        }
    }
}
