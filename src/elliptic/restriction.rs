//! Residuals down a level: the transpose of the interpolation, gathered by the coarse cells.

use super::equations::{kept, share};
use super::tiles::Pass;
use super::transfer::{Across, Row, Transfer, pairs};

pub(super) struct Restrict<'a, const Z: bool> {
    pub(super) transfer: Transfer<'a>,
    pub(super) residual: &'a [f64],
}

impl<const Z: bool> Restrict<'_, Z> {
    /// Adds what a row gives to the coarse row beyond it.
    #[inline(always)]
    fn add_guests(&self, across: Across, j: usize, k: usize, out: &mut [f64]) {
        let x = &self.transfer.coarsening.axes[0];
        let residual = self.transfer.slice(self.residual, j, k);
        let inverse = self
            .transfer
            .slice(&self.transfer.fine.inverse_diagonal, j, k);
        let given = |i: usize| {
            share(across.weight, across.faces[i], inverse[i], across.beyond[i]) * residual[i]
        };
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
                share(
                    across.weight,
                    faces[pair][side],
                    inverse[pair][side],
                    beyond[pair][side],
                ) * residual[pair][side]
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
                let along = share(
                    x.weights[i],
                    row.east[x.face(i)],
                    row.inverse[i],
                    row.inverse[x.beyond(i)],
                );
                let (along_y, along_z) = row.away(i);
                out[coarse] += kept([along, along_y, along_z]) * residual[i];
            }
            for i in x.guests(coarse) {
                out[coarse] += share(
                    x.weights[i],
                    row.east[x.face(i)],
                    row.inverse[i],
                    row.inverse[x.beyond(i)],
                ) * residual[i];
            }
        }
        let whole = x.fine / 2;
        let (weights, east, inverse) = (
            &pairs(row.weights)[..whole],
            &pairs(row.east)[..whole],
            &pairs(row.inverse)[..whole],
        );
        let residual = &pairs(residual)[..whole];
        let across = |across: &Across, pair: usize, side: usize| {
            let (faces, beyond) = (
                &pairs(across.faces)[..whole],
                &pairs(across.beyond)[..whole],
            );
            share(
                across.weight,
                faces[pair][side],
                inverse[pair][side],
                beyond[pair][side],
            )
        };
        for coarse in interior {
            let (west, own, next) = (coarse - 1, coarse, coarse + 1);
            let (west_face, east_face) = (east[west][1], east[own][1]);
            let even = share(
                weights[own][0],
                west_face,
                inverse[own][0],
                inverse[west][1],
            );
            let odd = share(
                weights[own][1],
                east_face,
                inverse[own][1],
                inverse[next][0],
            );
            let from_west = share(
                weights[west][1],
                west_face,
                inverse[west][1],
                inverse[own][0],
            );
            let from_east = share(
                weights[next][0],
                east_face,
                inverse[next][0],
                inverse[own][1],
            );
            let kept_of = |along: f64, side: usize| {
                let along_y = across(&row.across_y, own, side);
                if Z {
                    kept([along, along_y, across(&row.across_z, own, side)])
                } else {
                    kept([along, along_y])
                }
            };
            out[own] += kept_of(even, 0) * residual[own][0]
                + kept_of(odd, 1) * residual[own][1]
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
                        self.add_guests(
                            self.transfer.across_z(fine_j, fine_k),
                            fine_j,
                            fine_k,
                            out,
                        );
                    }
                }
            }
        }
    }
}
