//! The symmetric operator on one level of cells: (A x)_i = e_i x_i + Σ_j a_ij (x_i − x_j).

use super::equations::{first_jacobi, inverse_diagonal, jacobi};
use super::stencil::{Finish, Stencil};
use super::tiles::{Pass, Tiles, dot, largest};

/// Couplings and excess of one level. Every axis is a ring; a face that lets nothing pass has coupling 0.
#[derive(Clone, Debug)]
pub(super) struct Operator {
    /// Cell counts (x, y, z).
    pub(super) cells: [usize; 3],
    /// a between each cell and the next along x, y, z; the z array is empty on flat grids.
    pub(super) faces: [Vec<f64>; 3],
    /// e, the sum of each row.
    pub(super) excess: Vec<f64>,
    /// 1/(e_i + Σ_j a_ij).
    pub(super) inverse_diagonal: Vec<f64>,
    pub(super) tiles: Tiles,
}

impl Operator {
    /// The operator with the given couplings and no excess yet.
    pub(super) fn new(cells: [usize; 3], faces: [Vec<f64>; 3]) -> Self {
        let [nx, ny, nz] = cells;
        Self {
            cells,
            faces,
            excess: vec![0.0; nx * ny * nz],
            inverse_diagonal: vec![0.0; nx * ny * nz],
            tiles: Tiles::new(ny * nz, nx),
        }
    }

    /// Number of cells.
    pub(super) fn len(&self) -> usize {
        self.excess.len()
    }

    pub(super) fn is_flat(&self) -> bool {
        self.faces[2].is_empty()
    }

    /// First cells of the rows before and after a row along y, and along z.
    #[inline(always)]
    pub(super) fn neighbours(&self, first: usize) -> [usize; 4] {
        let [nx, ny, nz] = self.cells;
        let row = first / nx;
        let (j, k) = (row % ny, row / ny);
        let start = |j: usize, k: usize| (k * ny + j) * nx;
        [
            start(if j == 0 { ny - 1 } else { j - 1 }, k),
            start(if j + 1 == ny { 0 } else { j + 1 }, k),
            start(j, if k == 0 { nz - 1 } else { k - 1 }),
            start(j, if k + 1 == nz { 0 } else { k + 1 }),
        ]
    }

    /// out_i ← finish(i, (A x)_i) for each cell i of the row that starts at `first`.
    #[inline(always)]
    fn sweep_row(&self, x: &[f64], first: usize, out: &mut [f64], finish: impl Finish) {
        if self.is_flat() {
            self.stencil::<false>(x, first).sweep(out, finish);
        } else {
            self.stencil::<true>(x, first).sweep(out, finish);
        }
    }

    #[inline(always)]
    fn stencil<'a, const Z: bool>(&'a self, x: &'a [f64], first: usize) -> Stencil<'a, Z> {
        let n = self.cells[0];
        let [south, north, below, above] = self.neighbours(first);
        let [face_x, face_y, face_z] = &self.faces;
        let face_z = if Z { face_z } else { face_y };
        Stencil {
            excess: row(&self.excess, first, n),
            here: row(x, first, n),
            south: row(x, south, n),
            north: row(x, north, n),
            below: row(x, below, n),
            above: row(x, above, n),
            face_east: row(face_x, first, n),
            face_south: row(face_y, south, n),
            face_north: row(face_y, first, n),
            face_below: row(face_z, if Z { below } else { first }, n),
            face_above: row(face_z, first, n),
        }
    }

    /// Sets 1/(e_i + Σ_j a_ij) from the excess.
    pub(super) fn set_diagonal(&mut self) {
        let mut inverse = std::mem::take(&mut self.inverse_diagonal);
        self.tiles
            .run(&mut inverse, &InverseDiagonal { operator: self });
        self.inverse_diagonal = inverse;
    }

    /// out ← ω D⁻¹ b, one step of Jacobi from x = 0.
    pub(super) fn first_step(&self, damping: f64, b: &[f64], out: &mut [f64]) {
        self.tiles.run(
            out,
            &FirstStep {
                operator: self,
                damping,
                b,
            },
        );
    }

    /// out ← x + ω D⁻¹ (b − A x), one step of Jacobi.
    pub(super) fn step(&self, damping: f64, b: &[f64], x: &[f64], out: &mut [f64]) {
        self.tiles.run(
            out,
            &Step {
                operator: self,
                damping,
                b,
                x,
            },
        );
    }

    /// out ← b − A x.
    pub(super) fn residual(&self, b: &[f64], x: &[f64], out: &mut [f64]) {
        self.tiles.run(
            out,
            &Residual {
                operator: self,
                b,
                x,
            },
        );
    }

    /// out ← |b − A x|_i / (|b_i| + d_i |x_i| + |Σ_j a_ij x_j|), d the diagonal: each cell's residual relative to its own terms; the largest
    /// in each tile.
    pub(super) fn relative_residual(
        &self,
        b: &[f64],
        x: &[f64],
        out: &mut [f64],
        largest: &mut [f64],
    ) {
        self.tiles.summarise(
            out,
            largest,
            &RelativeResidual {
                operator: self,
                b,
                x,
            },
        );
    }

    /// out ← A x; the sums of x_i (A x)_i in each tile.
    pub(super) fn apply(&self, x: &[f64], out: &mut [f64], sums: &mut [f64]) {
        self.tiles
            .summarise(out, sums, &Apply { operator: self, x });
    }
}

#[inline(always)]
fn row(values: &[f64], first: usize, n: usize) -> &[f64] {
    &values[first..][..n]
}

struct InverseDiagonal<'a> {
    operator: &'a Operator,
}

impl Pass<()> for InverseDiagonal<'_> {
    #[inline(always)]
    fn tile(&self, first: usize, out: &mut [f64]) {
        let operator = self.operator;
        let n = operator.cells[0];
        for (index, out) in out.chunks_exact_mut(n).enumerate() {
            let first = first + index * n;
            let [south, _, below, _] = operator.neighbours(first);
            let [east, north, above] = &operator.faces;
            for i in 0..n {
                let west = if i == 0 { n - 1 } else { i - 1 };
                let excess = operator.excess[first + i];
                let along_x = [east[first + west], east[first + i]];
                let along_y = [north[south + i], north[first + i]];
                out[i] = if above.is_empty() {
                    inverse_diagonal(excess, [along_x, along_y])
                } else {
                    let along_z = [above[below + i], above[first + i]];
                    inverse_diagonal(excess, [along_x, along_y, along_z])
                };
            }
        }
    }
}

struct FirstStep<'a> {
    operator: &'a Operator,
    damping: f64,
    b: &'a [f64],
}

impl Pass<()> for FirstStep<'_> {
    #[inline(always)]
    fn tile(&self, first: usize, out: &mut [f64]) {
        let n = out.len();
        let inverse = row(&self.operator.inverse_diagonal, first, n);
        let b = row(self.b, first, n);
        for i in 0..n {
            out[i] = first_jacobi(self.damping, inverse[i], b[i]);
        }
    }
}

struct Step<'a> {
    operator: &'a Operator,
    damping: f64,
    b: &'a [f64],
    x: &'a [f64],
}

struct StepFinish<'a> {
    damping: f64,
    inverse: &'a [f64],
    b: &'a [f64],
    x: &'a [f64],
}

impl Finish for StepFinish<'_> {
    #[inline(always)]
    fn finish(&self, i: usize, product: f64) -> f64 {
        jacobi(self.x[i], self.damping, self.inverse[i], self.b[i], product)
    }
}

impl Pass<()> for Step<'_> {
    #[inline(always)]
    fn tile(&self, first: usize, out: &mut [f64]) {
        let n = self.operator.cells[0];
        for (index, out) in out.chunks_exact_mut(n).enumerate() {
            let first = first + index * n;
            let finish = StepFinish {
                damping: self.damping,
                inverse: row(&self.operator.inverse_diagonal, first, n),
                b: row(self.b, first, n),
                x: row(self.x, first, n),
            };
            self.operator.sweep_row(self.x, first, out, finish);
        }
    }
}

struct Residual<'a> {
    operator: &'a Operator,
    b: &'a [f64],
    x: &'a [f64],
}

struct ResidualFinish<'a> {
    b: &'a [f64],
}

impl Finish for ResidualFinish<'_> {
    #[inline(always)]
    fn finish(&self, i: usize, product: f64) -> f64 {
        self.b[i] - product
    }
}

impl Pass<()> for Residual<'_> {
    #[inline(always)]
    fn tile(&self, first: usize, out: &mut [f64]) {
        let n = self.operator.cells[0];
        for (index, out) in out.chunks_exact_mut(n).enumerate() {
            let first = first + index * n;
            let finish = ResidualFinish {
                b: row(self.b, first, n),
            };
            self.operator.sweep_row(self.x, first, out, finish);
        }
    }
}

struct Apply<'a> {
    operator: &'a Operator,
    x: &'a [f64],
}

struct ApplyFinish;

impl Finish for ApplyFinish {
    #[inline(always)]
    fn finish(&self, _: usize, product: f64) -> f64 {
        product
    }
}

impl Pass<f64> for Apply<'_> {
    #[inline(always)]
    fn tile(&self, first: usize, out: &mut [f64]) -> f64 {
        let n = self.operator.cells[0];
        let mut sum = 0.0;
        for (index, out) in out.chunks_exact_mut(n).enumerate() {
            let first = first + index * n;
            self.operator.sweep_row(self.x, first, out, ApplyFinish);
            sum += dot(out, row(self.x, first, n));
        }
        sum
    }
}

struct RelativeResidual<'a> {
    operator: &'a Operator,
    b: &'a [f64],
    x: &'a [f64],
}

struct RelativeResidualFinish<'a> {
    inverse: &'a [f64],
    b: &'a [f64],
    x: &'a [f64],
}

impl Finish for RelativeResidualFinish<'_> {
    #[inline(always)]
    fn finish(&self, i: usize, product: f64) -> f64 {
        let own = self.x[i] / self.inverse[i];
        let size = self.b[i].abs() + own.abs() + (own - product).abs();
        let residual = (self.b[i] - product).abs();
        if residual == 0.0 {
            0.0
        } else {
            residual / size
        }
    }
}

impl Pass<f64> for RelativeResidual<'_> {
    #[inline(always)]
    fn tile(&self, first: usize, out: &mut [f64]) -> f64 {
        let n = self.operator.cells[0];
        for (index, out) in out.chunks_exact_mut(n).enumerate() {
            let first = first + index * n;
            let finish = RelativeResidualFinish {
                inverse: row(&self.operator.inverse_diagonal, first, n),
                b: row(self.b, first, n),
                x: row(self.x, first, n),
            };
            self.operator.sweep_row(self.x, first, out, finish);
        }
        largest(out)
    }
}
