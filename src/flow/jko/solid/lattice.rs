//! The lattice of the quadratic B-splines: one a node, about twice as far apart as the cells (docs/mathematics.md, eq. 25).
//!
//! Axes are those of memory, slowest first: (z, y, x) in 3-D. In 2-D they are (y, –, x), so that the slowest axis can be cut into
//! slabs in both; an axis that is missing has one node and the spline 1.

use crate::calculus::Real;
use crate::grid::{Axis, Boundary, Grid};

/// A place or a vector, in the order of the axes of the lattice; 0 along a missing axis.
pub(super) type Point = [f64; 3];

/// The nodes along one axis: node k is at (k + ½) · spacing from the lower side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LatticeAxis {
    pub count: usize,
    pub spacing: f64,
    pub periodic: bool,
    pub missing: bool,
}

/// The three splines that do not vanish at a place on an axis: those of the nodes `cell` − 1, `cell`, `cell` + 1.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Local {
    pub cell: usize,
    /// Values, and derivatives by the place as it was given.
    pub values: [f64; 3],
    pub slopes: [f64; 3],
    pub curvatures: [f64; 3],
}

/// The splines at a place with u the share of its lattice cell left of it: (1 − u)²/2, ½ + u(1 − u), u²/2.
#[inline(always)]
pub(super) fn splines<R: Real>(u: R) -> [R; 3] {
    let half = R::constant(0.5);
    let v = R::constant(1.0) - u;
    [half * v * v, half + u * v, half * u * u]
}

/// Their derivatives by u.
#[inline(always)]
pub(super) fn slopes<R: Real>(u: R) -> [R; 3] {
    let v = R::constant(1.0) - u;
    [-v, v - u, u]
}

impl LatticeAxis {
    const MISSING: Self = Self {
        count: 1,
        spacing: 1.0,
        periodic: false,
        missing: true,
    };

    /// Half as many nodes as cells, rounded up.
    fn new(axis: &Axis) -> Self {
        let count = axis.cells.div_ceil(2);
        Self {
            count,
            spacing: (axis.upper - axis.lower) / count as f64,
            periodic: axis.boundary == Boundary::Periodic,
            missing: false,
        }
    }

    pub fn length(&self) -> f64 {
        self.count as f64 * self.spacing
    }

    /// The node that a number stands for beyond the sides: the splines are periodic or even about closed sides.
    #[inline(always)]
    pub fn fold(&self, node: isize) -> usize {
        let count = self.count as isize;
        let folded = if (0..count).contains(&node) {
            node
        } else if self.periodic {
            node.rem_euclid(count)
        } else {
            let node = node.rem_euclid(2 * count);
            node.min(2 * count - 1 - node)
        };
        folded.unsigned_abs()
    }

    /// The node so many after a node, or before; none beyond a closed side.
    #[inline(always)]
    pub fn beside_by(&self, node: usize, by: isize) -> Option<usize> {
        let beside = node as isize + by;
        let inside = (0..self.count as isize).contains(&beside);
        (inside || self.periodic).then(|| self.fold(beside))
    }

    /// The nodes that count beside a place: two of them where the axis is missing do not.
    #[inline(always)]
    pub fn beside(&self) -> std::ops::Range<usize> {
        if self.missing { 1..2 } else { 0..3 }
    }

    /// The place inside the box that stands for one anywhere, and the sign that derivatives take.
    #[inline(always)]
    pub fn inside(&self, place: f64) -> (f64, f64) {
        let length = self.length();
        if (0.0..=length).contains(&place) {
            (place, 1.0)
        } else if self.periodic {
            (place.rem_euclid(length), 1.0)
        } else {
            let turned = place.rem_euclid(2.0 * length);
            if turned <= length {
                (turned, 1.0)
            } else {
                (2.0 * length - turned, -1.0)
            }
        }
    }

    /// The splines at a place.
    #[inline(always)]
    pub fn local(&self, place: f64) -> Local {
        if self.missing {
            return Local {
                values: [0.0, 1.0, 0.0],
                ..Local::default()
            };
        }
        let (place, sign) = self.inside(place);
        let scaled = place * (1.0 / self.spacing);
        let cell = (scaled as usize).min(self.count - 1);
        let u = scaled - cell as f64;
        let slope = sign / self.spacing;
        let curvature = slope * slope;
        Local {
            cell,
            values: splines(u),
            slopes: slopes(u).map(|by_share| by_share * slope),
            curvatures: [curvature, -2.0 * curvature, curvature],
        }
    }
}

/// The nodes of all axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lattice {
    pub axes: [LatticeAxis; 3],
}

impl Lattice {
    pub fn new(grid: &Grid) -> Self {
        let axes = match grid.axes() {
            [x] => [
                LatticeAxis::MISSING,
                LatticeAxis::MISSING,
                LatticeAxis::new(x),
            ],
            [x, y] => [
                LatticeAxis::new(y),
                LatticeAxis::MISSING,
                LatticeAxis::new(x),
            ],
            [x, y, z, ..] => [z, y, x].map(LatticeAxis::new),
            [] => [LatticeAxis::MISSING; 3],
        };
        Self { axes }
    }

    pub fn counts(&self) -> [usize; 3] {
        self.axes.map(|axis| axis.count)
    }

    pub fn len(&self) -> usize {
        self.counts().iter().product()
    }

    /// Σ 1/H² over the axes: about the largest second derivative of a spline.
    pub fn curvature(&self) -> f64 {
        let axes = self.axes.iter().filter(|axis| !axis.missing);
        axes.map(|axis| 1.0 / (axis.spacing * axis.spacing)).sum()
    }

    /// Nodes along each axis with one more before and after, where the axis is not missing.
    pub fn padded(&self) -> [usize; 3] {
        self.axes
            .map(|axis| axis.count + if axis.missing { 0 } else { 2 })
    }

    /// Nodes of one place on the slowest axis.
    pub fn slab(&self) -> usize {
        self.axes[1].count * self.axes[2].count
    }

    /// The number of the lattice cell that a place is in.
    #[inline(always)]
    pub fn cell(&self, place: &Point) -> usize {
        let cell = |axis: usize| {
            let along = &self.axes[axis];
            if along.missing {
                return 0;
            }
            // As [`LatticeAxis::local`] has it, to the bit.
            let scaled = along.inside(place[axis]).0 * (1.0 / along.spacing);
            (scaled as usize).min(along.count - 1)
        };
        self.number([cell(0), cell(1), cell(2)])
    }

    pub fn local(&self, place: &Point) -> [Local; 3] {
        [0, 1, 2].map(|axis| self.axes[axis].local(place[axis]))
    }

    /// The number of a lattice cell, which is that of its node.
    #[inline(always)]
    pub fn number(&self, node: [usize; 3]) -> usize {
        (node[0] * self.axes[1].count + node[1]) * self.axes[2].count + node[2]
    }

    pub fn node(&self, number: usize) -> [usize; 3] {
        let (row, x) = (number / self.axes[2].count, number % self.axes[2].count);
        [row / self.axes[1].count, row % self.axes[1].count, x]
    }

    /// The coefficients of the nodes up to one away along each axis.
    pub fn around(&self, coefficients: &[f64], node: [usize; 3]) -> [[[f64; 3]; 3]; 3] {
        let at =
            |axis: usize, beside: usize| self.axes[axis].fold((node[axis] + beside) as isize - 1);
        [0, 1, 2].map(|a| {
            [0, 1, 2].map(|b| {
                let row = self.number([at(0, a), at(1, b), 0]);
                [0, 1, 2].map(|c| coefficients[row + at(2, c)])
            })
        })
    }

    /// Where a node is.
    pub fn place(&self, number: usize) -> Point {
        let node = self.node(number);
        [0, 1, 2].map(|axis| {
            let LatticeAxis {
                spacing, missing, ..
            } = self.axes[axis];
            if missing {
                0.0
            } else {
                (node[axis] as f64 + 0.5) * spacing
            }
        })
    }
}

/// The centres of the cells of a grid, from the lower corner, in the order of the axes of the lattice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Centres {
    counts: [usize; 3],
    spacing: Point,
}

impl Centres {
    pub fn new(grid: &Grid) -> Self {
        let (mut counts, mut spacing) = ([1; 3], [0.0; 3]);
        for (number, axis) in grid.axes().iter().enumerate() {
            let place = match (number, grid.dimension()) {
                (1, 2) => 0,
                _ => 2 - number,
            };
            counts[place] = axis.cells;
            spacing[place] = axis.spacing();
        }
        Self { counts, spacing }
    }

    pub fn counts(&self) -> [usize; 3] {
        self.counts
    }

    /// The widths of the cells; 0 along a missing axis.
    pub fn spacing(&self) -> Point {
        self.spacing
    }

    pub fn len(&self) -> usize {
        self.counts.iter().product()
    }

    /// The centre of a cell along one axis.
    #[inline(always)]
    pub fn along(&self, axis: usize, index: usize) -> f64 {
        (index as f64 + 0.5) * self.spacing[axis]
    }

    /// Where a cell is along the axes.
    #[inline(always)]
    pub fn index(&self, cell: usize) -> [usize; 3] {
        let (row, x) = (cell / self.counts[2], cell % self.counts[2]);
        [row / self.counts[1], row % self.counts[1], x]
    }

    /// The cell at an index.
    pub fn number(&self, [z, y, x]: [usize; 3]) -> usize {
        (z * self.counts[1] + y) * self.counts[2] + x
    }

    #[inline(always)]
    pub fn place(&self, cell: usize) -> Point {
        let index = self.index(cell);
        [0, 1, 2].map(|axis| self.along(axis, index[axis]))
    }
}

impl Centres {
    /// The places of several cells from one on, the last one repeated where there are fewer.
    #[inline(always)]
    pub fn pack(&self, first: usize, count: usize) -> [super::pack::Pack; 3] {
        let [_, middle, fast] = self.counts;
        let (mut x, row) = (first % fast, first / fast);
        let (mut y, mut z) = (row % middle, row / middle);
        let mut packs = [super::pack::splat(0.0); 3];
        for lane in 0..super::pack::PLACES {
            packs[0].0[lane] = self.along(0, z);
            packs[1].0[lane] = self.along(1, y);
            packs[2].0[lane] = self.along(2, x);
            if lane + 1 < count {
                x += 1;
                if x == fast {
                    (x, y) = (0, y + 1);
                }
                if y == middle {
                    (y, z) = (0, z + 1);
                }
            }
        }
        packs
    }
}

/// The square of the distance of two places.
#[inline(always)]
pub(super) fn squared_distance(a: &Point, b: &Point) -> f64 {
    let [z, y, x] = [0, 1, 2].map(|axis| a[axis] - b[axis]);
    z * z + y * y + x * x
}
