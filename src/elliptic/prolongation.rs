//! Corrections up a level.

use super::equations::{interpolated, share};
use super::tiles::Pass;
use super::transfer::{Across, Row, Transfer, pairs};

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
                    out[i] += interpolated(
                        own[cell],
                        [along, along_y, along_z],
                        [own[x.other(i)], other_y[cell], other_z[cell]],
                    );
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
                    ),
                    share(
                        weights[cell][1],
                        east[cell][1],
                        inverse[cell][1],
                        inverse[next][0],
                    ),
                ];
                let beside = [own[west], own[next]];
                for side in 0..2 {
                    let along_y = across(&row.across_y, cell, side);
                    out[cell][side] += if Z {
                        let along_z = across(&row.across_z, cell, side);
                        interpolated(
                            own[cell],
                            [along[side], along_y, along_z],
                            [beside[side], other_y[cell], other_z[cell]],
                        )
                    } else {
                        interpolated(
                            own[cell],
                            [along[side], along_y],
                            [beside[side], other_y[cell]],
                        )
                    };
                }
            }
        }
    }
}
