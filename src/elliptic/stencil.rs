//! The product of the operator with a field in one row of cells: the innermost loop of the solver.

use super::equations::{outflow, product};

/// What becomes of a cell's product.
pub(super) trait Finish {
    /// The value of cell `i`, given (A x)_i. To be `#[inline(always)]`.
    fn finish(&self, i: usize, product: f64) -> f64;
}

/// All that the products of one row read; `Z` tells a 3-D grid.
pub(super) struct Stencil<'a, const Z: bool> {
    pub(super) excess: &'a [f64],
    pub(super) here: &'a [f64],
    pub(super) south: &'a [f64],
    pub(super) north: &'a [f64],
    pub(super) below: &'a [f64],
    pub(super) above: &'a [f64],
    pub(super) face_east: &'a [f64],
    pub(super) face_south: &'a [f64],
    pub(super) face_north: &'a [f64],
    pub(super) face_below: &'a [f64],
    pub(super) face_above: &'a [f64],
}

impl<const Z: bool> Stencil<'_, Z> {
    /// out_i ← finish(i, (A x)_i) along the row.
    #[inline(always)]
    pub(super) fn sweep(self, out: &mut [f64], finish: impl Finish) {
        let n = self.here.len();
        let out = &mut out[..n];
        out[0] = finish.finish(0, self.product(0, n - 1, usize::from(n > 1)));
        for (i, out) in (1..n.saturating_sub(1)).zip(&mut out[1..]) {
            *out = finish.finish(i, self.product(i, i - 1, i + 1));
        }
        if n > 1 {
            out[n - 1] = finish.finish(n - 1, self.product(n - 1, n - 2, 0));
        }
    }

    /// (A x)_i, its neighbours along x being `west` and `east`.
    #[inline(always)]
    fn product(&self, i: usize, west: usize, east: usize) -> f64 {
        let x = self.here[i];
        let along_x = outflow(
            x,
            [self.face_east[west], self.face_east[i]],
            [self.here[west], self.here[east]],
        );
        let along_y = outflow(
            x,
            [self.face_south[i], self.face_north[i]],
            [self.south[i], self.north[i]],
        );
        let along_z = Z.then(|| {
            outflow(
                x,
                [self.face_below[i], self.face_above[i]],
                [self.below[i], self.above[i]],
            )
        });
        product(self.excess[i], x, [along_x, along_y], along_z)
    }
}
