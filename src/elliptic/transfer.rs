//! Residuals down a level, corrections back up.
//!
//! A fine cell takes its correction from its own coarse cell and, along each merged axis, from the nearest other one: linear
//! interpolation where couplings are even. The weight of the other one is cut down where the coupling to it is weak, and in proportion to the
//! diagonals where they differ, so that across each face as much is given as taken and heavy cells do not swamp light ones.
//! Residuals go down by the transpose.

use super::coarsening::Coarsening;
use super::equations::share;
use super::operator::Operator;
use super::prolongation::Prolong;
use super::restriction::Restrict;
use super::tiles::Pass;

impl Coarsening {
    /// Sums of a fine field over the coarse cells.
    pub(super) fn sum(&self, fine: &[f64], coarse: &mut [f64]) {
        self.coarse_tiles.run(
            coarse,
            &Sum {
                coarsening: self,
                fine,
            },
        );
    }

    /// Takes a residual down: the transpose of [`Self::prolong`].
    pub(super) fn restrict(&self, fine: &Operator, residual: &[f64], coarse: &mut [f64]) {
        let transfer = Transfer {
            coarsening: self,
            fine,
        };
        if fine.is_flat() {
            self.coarse_tiles
                .run(coarse, &Restrict::<false> { transfer, residual });
        } else {
            self.coarse_tiles
                .run(coarse, &Restrict::<true> { transfer, residual });
        }
    }

    /// Adds the interpolated coarse correction.
    pub(super) fn prolong(&self, fine: &Operator, coarse: &[f64], x: &mut [f64]) {
        let transfer = Transfer {
            coarsening: self,
            fine,
        };
        if fine.is_flat() {
            fine.tiles.run(x, &Prolong::<false> { transfer, coarse });
        } else {
            fine.tiles.run(x, &Prolong::<true> { transfer, coarse });
        }
    }
}

/// The fine cells of the coarse ones along a merged axis, but for the single one at the end of an odd axis.
#[inline(always)]
pub(super) fn pairs(values: &[f64]) -> &[[f64; 2]] {
    values.as_chunks::<2>().0
}

/// A coarsening with the fine operator, whose couplings weight the interpolation.
#[derive(Clone, Copy)]
pub(super) struct Transfer<'a> {
    pub(super) coarsening: &'a Coarsening,
    pub(super) fine: &'a Operator,
}

/// A row of fine cells and the faces along which it gives to rows of other coarse cells; `Z` tells a 3-D grid.
#[derive(Clone, Copy)]
pub(super) struct Row<'a, const Z: bool> {
    pub(super) weights: &'a [f64],
    pub(super) inverse: &'a [f64],
    pub(super) east: &'a [f64],
    pub(super) across_y: Across<'a>,
    pub(super) across_z: Across<'a>,
}

/// The faces between a row and the row beyond it.
#[derive(Clone, Copy)]
pub(super) struct Across<'a> {
    pub(super) weight: f64,
    pub(super) faces: &'a [f64],
    pub(super) beyond: &'a [f64],
}

impl<'a> Transfer<'a> {
    #[inline(always)]
    fn start(&self, j: usize, k: usize) -> usize {
        let [x, y, _] = &self.coarsening.axes;
        (k * y.fine + j) * x.fine
    }

    #[inline(always)]
    pub(super) fn slice(&self, values: &'a [f64], j: usize, k: usize) -> &'a [f64] {
        &values[self.start(j, k)..][..self.coarsening.axes[0].fine]
    }

    #[inline(always)]
    pub(super) fn across_y(&self, j: usize, k: usize) -> Across<'a> {
        let y = &self.coarsening.axes[1];
        Across {
            weight: y.weights[j],
            faces: self.slice(&self.fine.faces[1], y.face(j), k),
            beyond: self.slice(&self.fine.inverse_diagonal, y.beyond(j), k),
        }
    }

    #[inline(always)]
    pub(super) fn across_z(&self, j: usize, k: usize) -> Across<'a> {
        let z = &self.coarsening.axes[2];
        Across {
            weight: z.weights[k],
            faces: self.slice(&self.fine.faces[2], j, z.face(k)),
            beyond: self.slice(&self.fine.inverse_diagonal, j, z.beyond(k)),
        }
    }

    #[inline(always)]
    pub(super) fn row<const Z: bool>(&self, j: usize, k: usize) -> Row<'a, Z> {
        let across_y = self.across_y(j, k);
        Row {
            weights: &self.coarsening.axes[0].weights,
            inverse: self.slice(&self.fine.inverse_diagonal, j, k),
            east: self.slice(&self.fine.faces[0], j, k),
            across_y,
            across_z: if Z { self.across_z(j, k) } else { across_y },
        }
    }

    /// The coarse cells of a row whose fine cells, and whose neighbours' fine cells, come in pairs: all but the first, where the ring closes,
    /// and the last two, where an odd axis ends in a single cell. None if the axis is not merged.
    #[inline(always)]
    pub(super) fn interior(&self) -> std::ops::Range<usize> {
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
    pub(super) fn away(&self, i: usize) -> (f64, f64) {
        let (y, z) = (&self.across_y, &self.across_z);
        let along_y = share(y.weight, y.faces[i], self.inverse[i], y.beyond[i]);
        let along_z = if Z {
            share(z.weight, z.faces[i], self.inverse[i], z.beyond[i])
        } else {
            0.0
        };
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
