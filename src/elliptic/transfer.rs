//! Residuals down a level, corrections back up.
//!
//! A fine cell takes its correction from its own coarse cell and, along each merged axis, from the nearest other one: linear
//! interpolation where couplings are even. The weight of the other one is cut down where the coupling to it is weak, and in proportion to the
//! diagonals where they differ, so that across each face as much is given as taken and heavy cells do not swamp light ones.
//! Residuals go down by the transpose.

use super::coarsening::Coarsening;
use super::operator::Operator;
use super::tiles::Pass;

/// A coupling counts in full from this share of the diagonal on: what each face has where space is isotropic in 3-D.
const FULL_SHARE: f64 = 1.0 / 6.0;

impl Coarsening {
    /// Sums of a fine field over the coarse cells.
    pub(super) fn sum(&self, fine: &[f64], coarse: &mut [f64]) {
        self.coarse_tiles.run(coarse, &Sum { coarsening: self, fine });
    }

    /// Takes a residual down: the transpose of [`Self::prolong`].
    pub(super) fn restrict(&self, fine: &Operator, residual: &[f64], coarse: &mut [f64]) {
        let transfer = Transfer { coarsening: self, fine };
        if fine.is_flat() {
            self.coarse_tiles.run(coarse, &Restrict::<false> { transfer, residual });
        } else {
            self.coarse_tiles.run(coarse, &Restrict::<true> { transfer, residual });
        }
    }

    /// Adds the interpolated coarse correction.
    pub(super) fn prolong(&self, fine: &Operator, coarse: &[f64], x: &mut [f64]) {
        let transfer = Transfer { coarsening: self, fine };
        if fine.is_flat() {
            fine.tiles.run(x, &Prolong::<false> { transfer, coarse });
        } else {
            fine.tiles.run(x, &Prolong::<true> { transfer, coarse });
        }
    }
}

/// Share of the other coarse cell in a fine cell's correction, from the geometric weight, the coupling of the face to it, and the inverse
/// diagonals of the cells on both sides of the face.
#[inline(always)]
fn share(weight: f64, coupling: f64, own: f64, beyond: f64) -> f64 {
    let by_coupling = coupling * own * (1.0 / FULL_SHARE);
    let by_diagonal = own / beyond;
    let relative = if by_coupling < by_diagonal { by_coupling } else { by_diagonal };
    weight * if relative < 1.0 { relative } else { 1.0 }
}

#[inline(always)]
fn pairs(values: &[f64]) -> &[[f64; 2]] {
    values.as_chunks::<2>().0
}

#[derive(Clone, Copy)]
struct Transfer<'a> {
    coarsening: &'a Coarsening,
    fine: &'a Operator,
}

/// A row of fine cells and the faces along which it gives to rows of other coarse cells; `Z` tells a 3-D grid.
#[derive(Clone, Copy)]
struct Row<'a, const Z: bool> {
    weights: &'a [f64],
    inverse: &'a [f64],
    east: &'a [f64],
    across_y: Across<'a>,
    across_z: Across<'a>,
}

/// The faces between a row and the row beyond it.
#[derive(Clone, Copy)]
struct Across<'a> {
    weight: f64,
    faces: &'a [f64],
    beyond: &'a [f64],
}

impl<'a> Transfer<'a> {
    #[inline(always)]
    fn start(&self, j: usize, k: usize) -> usize {
        let [x, y, _] = &self.coarsening.axes;
        (k * y.fine + j) * x.fine
    }

    #[inline(always)]
    fn slice(&self, values: &'a [f64], j: usize, k: usize) -> &'a [f64] {
        &values[self.start(j, k)..][..self.coarsening.axes[0].fine]
    }

    #[inline(always)]
    fn across_y(&self, j: usize, k: usize) -> Across<'a> {
        let y = &self.coarsening.axes[1];
        Across {
            weight: y.weights[j],
            faces: self.slice(&self.fine.faces[1], y.face(j), k),
            beyond: self.slice(&self.fine.inverse_diagonal, y.beyond(j), k),
        }
    }

    #[inline(always)]
    fn across_z(&self, j: usize, k: usize) -> Across<'a> {
        let z = &self.coarsening.axes[2];
        Across {
            weight: z.weights[k],
            faces: self.slice(&self.fine.faces[2], j, z.face(k)),
            beyond: self.slice(&self.fine.inverse_diagonal, j, z.beyond(k)),
        }
    }

    #[inline(always)]
    fn row<const Z: bool>(&self, j: usize, k: usize) -> Row<'a, Z> {
        let across_y = self.across_y(j, k);
        Row {
            weights: &self.coarsening.axes[0].weights,
            inverse: self.slice(&self.fine.inverse_diagonal, j, k),
            east: self.slice(&self.fine.faces[0], j, k),
            across_y,
            across_z: if Z { self.across_z(j, k) } else { across_y },
        }
    }

    /// The coarse cells that have their correction to a row's interior alone, in pairs of fine cells: all but the first, and the last two, where an
    /// odd axis ends.
    #[inline(always)]
    fn interior(&self) -> std::ops::Range<usize> {
        let x = &self.coarsening.axes[0];
        match x.merged && x.coarse > 3 {
            true => 1..x.coarse - 2,
            false => 0..0,
        }
    }
}

impl<const Z: bool> Row<'_, Z> {
    /// Shares of the cells beyond along y and z.
    #[inline(always)]
    fn away(&self, i: usize) -> (f64, f64) {
        let (y, z) = (&self.across_y, &self.across_z);
        let along_y = share(y.weight, y.faces[i], self.inverse[i], y.beyond[i]);
        let along_z = if Z { share(z.weight, z.faces[i], self.inverse[i], z.beyond[i]) } else { 0.0 };
        (along_y, along_z)
    }
}

struct Sum<'a> {
    coarsening: &'a Coarsening,
    fine: &'a [f64],
}

impl Pass<()> for Sum<'_> {
    #[inline(always)]
    fn tile(&self, first: usize, out: &mut [f64]) {
        let [x, y, z] = &self.coarsening.axes;
        for (index, out) in out.chunks_exact_mut(x.coarse).enumerate() {
            let row = first / x.coarse + index;
            let (j, k) = (row % y.coarse, row / y.coarse);
            out.fill(0.0);
            for fine_k in z.children(k) {
                for fine_j in y.children(j) {
                    let fine = &self.fine[(fine_k * y.fine + fine_j) * x.fine..][..x.fine];
                    if x.merged {
                        let (whole, rest) = fine.as_chunks::<2>();
                        for (out, [even, odd]) in out.iter_mut().zip(whole) {
                            *out += even + odd;
                        }
                        for last in rest {
                            out[x.coarse - 1] += last;
                        }
                    } else {
                        for (out, fine) in out.iter_mut().zip(fine) {
                            *out += fine;
                        }
                    }
                }
            }
        }
    }
}

struct Restrict<'a, const Z: bool> {
    transfer: Transfer<'a>,
    residual: &'a [f64],
}

impl<const Z: bool> Restrict<'_, Z> {
    /// Adds what a row gives to the coarse row beyond it.
    #[inline(always)]
    fn add_guests(&self, across: Across, j: usize, k: usize, out: &mut [f64]) {
        let x = &self.transfer.coarsening.axes[0];
        let residual = self.transfer.slice(self.residual, j, k);
        let inverse = self.transfer.slice(&self.transfer.fine.inverse_diagonal, j, k);
        let given = |i: usize| share(across.weight, across.faces[i], inverse[i], across.beyond[i]) * residual[i];
        if !x.merged {
            for (i, out) in out.iter_mut().enumerate() {
                *out += given(i);
            }
            return;
        }
        let (faces, beyond) = (pairs(across.faces), pairs(across.beyond));
        let whole = faces.len();
        let (inverse, residual) = (&pairs(inverse)[..whole], &pairs(residual)[..whole]);
        let beyond = &beyond[..whole];
        for (pair, out) in out[..whole].iter_mut().enumerate() {
            let part = |side: usize| {
                share(across.weight, faces[pair][side], inverse[pair][side], beyond[pair][side]) * residual[pair][side]
            };
            *out += part(0) + part(1);
        }
        if x.fine % 2 == 1 {
            out[whole] += given(x.fine - 1);
        }
    }

    /// Adds what a row of children keeps, and what it passes on along x.
    #[inline(always)]
    fn add_children(&self, j: usize, k: usize, out: &mut [f64]) {
        let x = &self.transfer.coarsening.axes[0];
        let row: Row<Z> = self.transfer.row(j, k);
        let residual = self.transfer.slice(self.residual, j, k);
        let interior = self.transfer.interior();
        for coarse in (0..interior.start).chain(interior.end..x.coarse) {
            for i in x.children(coarse) {
                let along = share(x.weights[i], row.east[x.face(i)], row.inverse[i], row.inverse[x.beyond(i)]);
                let (along_y, along_z) = row.away(i);
                out[coarse] += (1.0 - along - along_y - along_z) * residual[i];
            }
            for i in x.guests(coarse) {
                out[coarse] +=
                    share(x.weights[i], row.east[x.face(i)], row.inverse[i], row.inverse[x.beyond(i)]) * residual[i];
            }
        }
        let whole = x.fine / 2;
        let (weights, east, inverse) = (&pairs(row.weights)[..whole], &pairs(row.east)[..whole], &pairs(row.inverse)[..whole]);
        let residual = &pairs(residual)[..whole];
        let across = |across: &Across, pair: usize, side: usize| {
            let (faces, beyond) = (&pairs(across.faces)[..whole], &pairs(across.beyond)[..whole]);
            share(across.weight, faces[pair][side], inverse[pair][side], beyond[pair][side])
        };
        for coarse in interior {
            let (west, own, next) = (coarse - 1, coarse, coarse + 1);
            let (west_face, east_face) = (east[west][1], east[own][1]);
            let even = share(weights[own][0], west_face, inverse[own][0], inverse[west][1]);
            let odd = share(weights[own][1], east_face, inverse[own][1], inverse[next][0]);
            let from_west = share(weights[west][1], west_face, inverse[west][1], inverse[own][0]);
            let from_east = share(weights[next][0], east_face, inverse[next][0], inverse[own][1]);
            let mut kept = [1.0 - even, 1.0 - odd];
            for (side, kept) in kept.iter_mut().enumerate() {
                *kept -= across(&row.across_y, own, side);
                if Z {
                    *kept -= across(&row.across_z, own, side);
                }
            }
            out[own] += kept[0] * residual[own][0]
                + kept[1] * residual[own][1]
                + from_west * residual[west][1]
                + from_east * residual[next][0];
        }
    }
}

impl<const Z: bool> Pass<()> for Restrict<'_, Z> {
    #[inline(always)]
    fn tile(&self, first: usize, out: &mut [f64]) {
        let [x, y, z] = &self.transfer.coarsening.axes;
        for (index, out) in out.chunks_exact_mut(x.coarse).enumerate() {
            let row = first / x.coarse + index;
            let (j, k) = (row % y.coarse, row / y.coarse);
            out.fill(0.0);
            for fine_k in z.children(k) {
                for fine_j in y.children(j) {
                    self.add_children(fine_j, fine_k, out);
                }
                for fine_j in y.guests(j) {
                    self.add_guests(self.transfer.across_y(fine_j, fine_k), fine_j, fine_k, out);
                }
            }
            if Z {
                for fine_k in z.guests(k) {
                    for fine_j in y.children(j) {
                        self.add_guests(self.transfer.across_z(fine_j, fine_k), fine_j, fine_k, out);
                    }
                }
            }
        }
    }
}

struct Prolong<'a, const Z: bool> {
    transfer: Transfer<'a>,
    coarse: &'a [f64],
}

impl<const Z: bool> Pass<()> for Prolong<'_, Z> {
    #[inline(always)]
    fn tile(&self, first: usize, out: &mut [f64]) {
        let [x, y, z] = &self.transfer.coarsening.axes;
        for (index, out) in out.chunks_exact_mut(x.fine).enumerate() {
            let position = first / x.fine + index;
            let (j, k) = (position % y.fine, position / y.fine);
            let row: Row<Z> = self.transfer.row(j, k);
            let coarse = |j: usize, k: usize| &self.coarse[(k * y.coarse + j) * x.coarse..][..x.coarse];
            let own = coarse(y.own(j), z.own(k));
            let other_y = coarse(y.other(j), z.own(k));
            let other_z = coarse(y.own(j), z.other(k));
            let interior = self.transfer.interior();
            for cell in (0..interior.start).chain(interior.end..x.coarse) {
                for i in x.children(cell) {
                    let along = share(x.weights[i], row.east[x.face(i)], row.inverse[i], row.inverse[x.beyond(i)]);
                    let (along_y, along_z) = row.away(i);
                    out[i] += own[cell]
                        + along * (own[x.other(i)] - own[cell])
                        + along_y * (other_y[cell] - own[cell])
                        + along_z * (other_z[cell] - own[cell]);
                }
            }
            let whole = x.fine / 2;
            let (weights, east, inverse) = (&pairs(row.weights)[..whole], &pairs(row.east)[..whole], &pairs(row.inverse)[..whole]);
            let out = &mut out.as_chunks_mut::<2>().0[..whole];
            let across = |across: &Across, pair: usize, side: usize| {
                let (faces, beyond) = (&pairs(across.faces)[..whole], &pairs(across.beyond)[..whole]);
                share(across.weight, faces[pair][side], inverse[pair][side], beyond[pair][side])
            };
            for cell in interior {
                let (west, next) = (cell - 1, cell + 1);
                let along = [
                    share(weights[cell][0], east[west][1], inverse[cell][0], inverse[west][1]) * (own[west] - own[cell]),
                    share(weights[cell][1], east[cell][1], inverse[cell][1], inverse[next][0]) * (own[next] - own[cell]),
                ];
                for side in 0..2 {
                    let mut correction = own[cell]
                        + along[side]
                        + across(&row.across_y, cell, side) * (other_y[cell] - own[cell]);
                    if Z {
                        correction += across(&row.across_z, cell, side) * (other_z[cell] - own[cell]);
                    }
                    out[cell][side] += correction;
                }
            }
        }
    }
}
