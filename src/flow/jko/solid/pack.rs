//! Several places at once: splines, potential and its derivatives in vector lanes.

use super::feet::{SINGULAR, cofactors};
use super::lattice::{Lattice, LatticeAxis, Point, slopes, splines};
use super::spline::Spline;
use crate::calculus::{Lanes, Real};

/// Places that are treated together.
pub(super) const PLACES: usize = 8;
/// A number for each of them.
pub(super) type Pack = Lanes<f64, PLACES>;

/// The three splines of an axis that do not vanish at each place: see [`super::lattice::Local`].
#[derive(Clone, Copy, Debug)]
pub(super) struct LocalPack {
    pub cell: [usize; PLACES],
    pub values: [Pack; 3],
    pub slopes: [Pack; 3],
    /// 1/spacing², 0 along a missing axis.
    curvature: f64,
}

/// Value, gradient and second derivatives (00, 11, 22, 01, 02, 12) at each place.
#[derive(Clone, Copy, Debug)]
pub(super) struct JetPack {
    pub value: Pack,
    pub gradient: [Pack; 3],
    pub hessian: [Pack; 6],
}

/// The number of nodes beside a place along the middle axis, as a constant for the loops: 1 in 2-D, 3 in 3-D.
macro_rules! with_middle {
    ($lattice:expr, $middle:ident => $body:expr) => {
        if $lattice.axes[1].missing {
            const $middle: usize = 1;
            $body
        } else {
            const $middle: usize = 3;
            $body
        }
    };
}
pub(super) use with_middle;

#[inline(always)]
pub(super) fn splat(value: f64) -> Pack {
    Lanes([value; PLACES])
}

/// Coordinates of places, axis by axis, the last place repeated where there are fewer.
#[inline(always)]
pub(super) fn transposed(count: usize, place: impl Fn(usize) -> Point) -> [Pack; 3] {
    let mut packs = [splat(0.0); 3];
    for lane in 0..PLACES {
        let place = place(lane.min(count - 1));
        for axis in 0..3 {
            packs[axis].0[lane] = place[axis];
        }
    }
    packs
}

impl LatticeAxis {
    /// The splines at several places.
    #[inline(always)]
    pub fn local_pack(&self, place: &Pack) -> LocalPack {
        let zero = splat(0.0);
        if self.missing {
            return LocalPack {
                cell: [0; PLACES],
                values: [zero, splat(1.0), zero],
                slopes: [zero; 3],
                curvature: 0.0,
            };
        }
        let length = self.length();
        let (mut place, mut sign) = (*place, splat(1.0));
        let mut inside = true;
        for lane in 0..PLACES {
            inside &= place.0[lane] >= 0.0 && place.0[lane] <= length;
        }
        if !inside {
            for lane in 0..PLACES {
                (place.0[lane], sign.0[lane]) = self.inside(place.0[lane]);
            }
        }
        let scale = 1.0 / self.spacing;
        let scaled = place * splat(scale);
        let (mut cell, mut first) = ([0; PLACES], zero);
        for (lane, cell) in cell.iter_mut().enumerate() {
            let number = (scaled.0[lane] as i32).clamp(0, self.count as i32 - 1);
            *cell = number as usize;
            first.0[lane] = f64::from(number);
        }
        let u = scaled - first;
        let slope = sign * splat(scale);
        let [left, own, right] = slopes(u);
        LocalPack {
            cell,
            values: splines(u),
            slopes: [left * slope, own * slope, right * slope],
            curvature: scale * scale,
        }
    }
}

impl Lattice {
    #[inline(always)]
    pub fn local_pack(&self, place: &[Pack; 3]) -> [LocalPack; 3] {
        let mut local = [self.axes[0].local_pack(&place[0]); 3];
        local[1] = self.axes[1].local_pack(&place[1]);
        local[2] = self.axes[2].local_pack(&place[2]);
        local
    }
}

/// a₀ b₀ + a₁ b₁ + a₂ b₂.
#[inline(always)]
pub(super) fn dot(a: &[Pack; 3], b: &[Pack; 3]) -> Pack {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

impl Spline {
    /// Three coefficients along x in each lane, beside the places, `a` and `b` along the other axes.
    #[inline(always)]
    fn runs(&self, local: &[LocalPack; 3], [a, b]: [usize; 2]) -> [Pack; 3] {
        let mut runs = [splat(0.0); 3];
        for lane in 0..PLACES {
            let first = self.first([0, 1, 2].map(|axis| local[axis].cell[lane]), [a, b]);
            if let Some(run) = self.padded[first..].first_chunk::<3>() {
                for (runs, value) in runs.iter_mut().zip(run) {
                    runs.0[lane] = *value;
                }
            }
        }
        runs
    }

    /// Values at several places.
    #[inline(always)]
    pub fn value_pack<const MIDDLE: usize>(&self, local: &[LocalPack; 3]) -> Pack {
        let mut value = splat(0.0);
        for a in 0..3 {
            for b in 0..MIDDLE {
                let along = dot(&local[2].values, &self.runs(local, [a, b]));
                let across = match MIDDLE {
                    1 => local[0].values[a],
                    _ => local[0].values[a] * local[1].values[b],
                };
                value = value + across * along;
            }
        }
        value
    }

    /// Values and derivatives at several places.
    #[inline(always)]
    pub fn jet_pack<const MIDDLE: usize>(&self, local: &[LocalPack; 3]) -> JetPack {
        let zero = splat(0.0);
        let [mut value, mut g0, mut g1, mut g2] = [zero; 4];
        let [mut h00, mut h11, mut h22, mut h01, mut h02, mut h12] = [zero; 6];
        let bends = [0, 1, 2].map(|axis| splat(local[axis].curvature));
        let bend = |axis: usize, beside: usize| match beside {
            1 => splat(-2.0) * bends[axis],
            _ => bends[axis],
        };
        for a in 0..3 {
            let (v0, s0, c0) = (local[0].values[a], local[0].slopes[a], bend(0, a));
            for b in 0..MIDDLE {
                let run = self.runs(local, [a, b]);
                let own = dot(&local[2].values, &run);
                let slope = dot(&local[2].slopes, &run);
                let curvature = bends[2] * (run[0] + run[2] - splat(2.0) * run[1]);
                if MIDDLE == 1 {
                    value = value + v0 * own;
                    g0 = g0 + s0 * own;
                    g2 = g2 + v0 * slope;
                    h00 = h00 + c0 * own;
                    h22 = h22 + v0 * curvature;
                    h02 = h02 + s0 * slope;
                    continue;
                }
                let (v1, s1, c1) = (local[1].values[b], local[1].slopes[b], bend(1, b));
                let (vv, sv, vs) = (v0 * v1, s0 * v1, v0 * s1);
                value = value + vv * own;
                g0 = g0 + sv * own;
                g1 = g1 + vs * own;
                g2 = g2 + vv * slope;
                h00 = h00 + c0 * v1 * own;
                h11 = h11 + v0 * c1 * own;
                h22 = h22 + vv * curvature;
                h01 = h01 + s0 * s1 * own;
                h02 = h02 + sv * slope;
                h12 = h12 + vs * slope;
            }
        }
        JetPack {
            value,
            gradient: [g0, g1, g2],
            hessian: [h00, h11, h22, h01, h02, h12],
        }
    }
}

/// Inverses of I − τD²φ (00, 11, 22, 01, 02, 12), and in which lanes it is positive definite; elsewhere the identity.
#[inline(always)]
pub(super) fn inverse_pack(tau: f64, hessian: &[Pack; 6]) -> ([Pack; 6], [bool; PLACES]) {
    let [c0, c1, c2, c3, c4, c5, first, determinant] = cofactors(splat(tau), *hessian);
    let mut definite = [false; PLACES];
    for (lane, definite) in definite.iter_mut().enumerate() {
        *definite = first.0[lane] > 0.0 && c2.0[lane] > 0.0 && determinant.0[lane] > SINGULAR;
    }
    let mut inverse = [c0, c1, c2, c3, c4, c5];
    for (entry, cofactor) in [c0, c1, c2, c3, c4, c5].into_iter().enumerate() {
        let identity = splat(if entry < 3 { 1.0 } else { 0.0 });
        inverse[entry] = Real::select(definite, cofactor / determinant, identity);
    }
    (inverse, definite)
}

/// The product of symmetric matrices (00, 11, 22, 01, 02, 12) and vectors.
#[inline(always)]
pub(super) fn product_pack(matrix: &[Pack; 6], [z, y, x]: [Pack; 3]) -> [Pack; 3] {
    let [a, b, c, d, e, f] = *matrix;
    [
        a * z + d * y + e * x,
        d * z + b * y + f * x,
        e * z + f * y + c * x,
    ]
}
