//! The distribution function within a cell: the monotone rational quadratic spline through its values at the two faces, with the densities
//! of the faces as slopes (Gregory, Delbourgo, Piecewise rational quadratic interpolation to monotonic data, IMA J. Numer. Anal. 2,
//! 1982; docs/mathematics.md, eq. 19).

/// Nodes and weights of Gauss and Legendre on [0, 1], exact to degree 7 and 15.
pub(super) const FOUR_NODES: [[f64; 2]; 4] = [
    [0.069_431_844_202_973_71, 0.173_927_422_568_726_92],
    [0.330_009_478_207_571_87, 0.326_072_577_431_273_1],
    [0.669_990_521_792_428_1, 0.326_072_577_431_273_1],
    [0.930_568_155_797_026_3, 0.173_927_422_568_726_92],
];
pub(super) const EIGHT_NODES: [[f64; 2]; 8] = [
    [0.019_855_071_751_231_884, 0.050_614_268_145_188_13],
    [0.101_666_761_293_186_63, 0.111_190_517_226_687_24],
    [0.237_233_795_041_835_5, 0.156_853_322_938_943_65],
    [0.408_282_678_752_175_1, 0.181_341_891_689_180_98],
    [0.591_717_321_247_825, 0.181_341_891_689_180_98],
    [0.762_766_204_958_164_5, 0.156_853_322_938_943_65],
    [0.898_333_238_706_813_4, 0.111_190_517_226_687_24],
    [0.980_144_928_248_768_1, 0.050_614_268_145_188_13],
];

/// Where |left + right − 2| of the slopes is below these, the density is so near to a parabola that four, or eight, nodes integrate it to
/// 1e-12.
pub(super) const NEARLY_PARABOLIC: f64 = 0.02;
pub(super) const SMOOTH: f64 = 0.5;

/// Where the excess of the slopes times the width is above this, the density has layers that nodes miss, and a closed form its digits.
const STEEP: f64 = 0.5;

/// A place in the box: a cell and what of its width and of its mass lies to either side, each with all its digits.
///
/// On a ring cells go on counting beyond the seam.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Place {
    pub cell: isize,
    /// Shares of the cell's width to the left and to the right of the place.
    pub left: f64,
    pub right: f64,
    /// Shares of the cell's mass.
    pub before: f64,
    pub after: f64,
    /// 1 over the denominator of the spline.
    pub inverse: f64,
}

/// The left and the right face of a cell.
pub(super) fn begin(cell: isize) -> Place {
    Place {
        cell,
        left: 0.0,
        right: 1.0,
        before: 0.0,
        after: 1.0,
        inverse: 1.0,
    }
}

pub(super) fn end(cell: isize) -> Place {
    Place {
        cell,
        left: 1.0,
        right: 0.0,
        before: 1.0,
        after: 0.0,
        inverse: 1.0,
    }
}

/// The slopes of F at the left and right face of a cell over its mean slope.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slopes {
    pub left: f64,
    pub right: f64,
}

impl Slopes {
    /// The place in a cell with these shares of its width on both sides.
    #[inline(always)]
    pub fn place(self, cell: isize, left: f64, right: f64) -> Place {
        let product = left * right;
        let inverse = 1.0 / (1.0 + (self.left + self.right - 2.0) * product);
        Place {
            cell,
            left,
            right,
            before: (left * left + self.left * product) * inverse,
            after: (right * right + self.right * product) * inverse,
            inverse,
        }
    }

    /// The density over its mean in the cell.
    #[inline(always)]
    pub fn density(self, place: Place) -> f64 {
        let (s, t) = (place.left, place.right);
        let numerator = self.right * s * s + 2.0 * s * t + self.left * t * t;
        numerator * place.inverse * place.inverse
    }

    /// The share of the cell's mass between two places, negative where they are exchanged. Only their distance is a difference.
    #[inline(always)]
    pub fn share(self, from: Place, to: Place) -> f64 {
        let distance = if from.left + to.left < 1.0 {
            to.left - from.left
        } else {
            from.right - to.right
        };
        let mean = self.left * from.right * to.right
            + from.left * to.right
            + to.left * from.right
            + self.right * from.left * to.left;
        distance * mean * from.inverse * to.inverse
    }

    /// ∫ (1 − s) dF over the part of the cell to the right of a place, in units of its mass and width.
    pub fn lever_right(self, place: Place) -> f64 {
        let excess = self.left + self.right - 2.0;
        if excess * place.right > STEEP {
            return (place.right * place.after - self.area_right(place)).max(0.0);
        }
        if excess.abs() < NEARLY_PARABOLIC {
            return self.quadrature(&FOUR_NODES, [0.0, place.right]);
        }
        if excess.abs() < SMOOTH {
            return self.quadrature(&EIGHT_NODES, [0.0, place.right]);
        }
        let middle = 0.5 * place.right;
        self.quadrature(&EIGHT_NODES, [0.0, middle])
            + self.quadrature(&EIGHT_NODES, [middle, place.right])
    }

    /// ∫ t dF over distances t from the right face.
    #[inline(always)]
    pub fn quadrature<const N: usize>(self, nodes: &[[f64; 2]; N], [from, to]: [f64; 2]) -> f64 {
        let mut sum = 0.0;
        for [node, weight] in nodes {
            let right = from + (to - from) * node;
            sum += weight * right * self.density(self.place(0, 1.0 - right, right));
        }
        sum * (to - from)
    }

    /// ∫ (1 − F) over the part of the cell to the right of a place, in closed form where the slopes exceed 2 together: with c = left +
    /// right − 2 the integrand is (t² + right t(1 − t))/(1 + c t(1 − t)).
    fn area_right(self, place: Place) -> f64 {
        let (s, t) = (place.left, place.right);
        let excess = self.left + self.right - 2.0;
        let root = (excess / (4.0 + excess)).sqrt();
        // 1 − root without cancellation.
        let gap = 4.0 / (4.0 + excess) / (1.0 + root);
        // ∫₀ᵗ 1/(1 + c u(1 − u)) du.
        let logarithms =
            ((gap + 2.0 * root * t) / gap).ln() - ((gap + 2.0 * root * s) / (1.0 + root)).ln();
        let reciprocal = logarithms / (excess.sqrt() * (4.0 + excess).sqrt());
        let terms = (self.right - 1.0) * t
            + 0.5 * place.inverse.ln()
            + 0.5 * (self.left - self.right) * reciprocal;
        terms / excess
    }

    /// The share of the width up to the place with this share of the mass to its left: (s² + left s t)/(1 + (left + right − 2) s t) =
    /// share with t = 1 − s, in the form of the root without cancellation.
    pub fn position(self, share: f64) -> f64 {
        let share = share.clamp(0.0, 1.0);
        let curvature = share * (self.left + self.right - 2.0);
        let (square, linear) = (1.0 - self.left + curvature, self.left - curvature);
        let root = (linear * linear + 4.0 * square * share).max(0.0).sqrt();
        let position = 2.0 * share / (linear + root).max(f64::MIN_POSITIVE);
        position.clamp(0.0, 1.0)
    }

    /// As seen from the other side.
    pub fn mirrored(self) -> Self {
        Self {
            left: self.right,
            right: self.left,
        }
    }

    /// ∫ s dF over the part of the cell to the left of a place.
    #[cfg(test)]
    pub fn lever_left(self, place: Place) -> f64 {
        let mirror = Place {
            left: place.right,
            right: place.left,
            before: place.after,
            after: place.before,
            ..place
        };
        self.mirrored().lever_right(mirror)
    }
}
