//! Corrections up a level.

use super::tiles::Pass;
use super::transfer::{Across, Row, Transfer, pairs, share};

pub(super) struct Prolong<'a, const Z: bool> {
    pub(super) transfer: Transfer<'a>,
    pub(super) coarse: &'a [f64],
}

impl<const Z: bool> Pass<()> for Prolong<'_, Z> {
    #[inline(always)]
    fn tile(&self, first: usize, out: &mut [f64]) {
        let [x, y, z] = &self.transfer.coarsening.axes;
        for (index, out) in out.chunks_exact_mut(x.fine).enumerate() {
            let position = first / x.fine + index;
            let (j, k) = (position % y.fine, position / y.fine);
            let row: Row<Z> = self.transfer.row(j, k);
            let coarse =
                |j: usize, k: usize| &self.coarse[(k * y.coarse + j) * x.coarse..][..x.coarse];
            let own = coarse(y.own(j), z.own(k));
            let other_y = coarse(y.other(j), z.own(k));
            let other_z = coarse(y.own(j), z.other(k));
            let interior = self.transfer.interior();
            for cell in (0..interior.start).chain(interior.end..x.coarse) {
                for i in x.children(cell) {
                    let along = share(
                        x.weights[i],
                        row.east[x.face(i)],
                        row.inverse[i],
                        row.inverse[x.beyond(i)],
                    );
                    let (along_y, along_z) = row.away(i);
                    out[i] += own[cell]
                        + along * (own[x.other(i)] - own[cell])
                        + along_y * (other_y[cell] - own[cell])
                        + along_z * (other_z[cell] - own[cell]);
                }
            }
            let whole = x.fine / 2;
            let (weights, east, inverse) = (
                &pairs(row.weights)[..whole],
                &pairs(row.east)[..whole],
                &pairs(row.inverse)[..whole],
            );
            let out = &mut out.as_chunks_mut::<2>().0[..whole];
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
            for cell in interior {
                let (west, next) = (cell - 1, cell + 1);
                let along = [
                    share(
                        weights[cell][0],
                        east[west][1],
                        inverse[cell][0],
                        inverse[west][1],
                    ) * (own[west] - own[cell]),
                    share(
                        weights[cell][1],
                        east[cell][1],
                        inverse[cell][1],
                        inverse[next][0],
                    ) * (own[next] - own[cell]),
                ];
                for side in 0..2 {
                    let mut correction = own[cell]
                        + along[side]
                        + across(&row.across_y, cell, side) * (other_y[cell] - own[cell]);
                    if Z {
                        correction +=
                            across(&row.across_z, cell, side) * (other_z[cell] - own[cell]);
                    }
                    out[cell][side] += correction;
                }
            }
        }
    }
}
