use super::super::batch::Batch;
use super::super::cholesky::{Cholesky, solve_transposed, solve_upper};
use super::super::kernels::padded;
use super::potentials::{Potentials, Table};

/// What is added to the diagonal of SSᵀ, relative to the entry: it keeps potentials of every scale, and makes nearly dependent ones harmless.
const REGULARISATION: f64 = 1e-10;

/// The projection on the gradients of a space of potentials: with S the matrix of ∇ψ_k at the samples and SSᵀ = UᵀU, Q = U⁻ᵀS.
///
/// SSᵀ is the stiffness matrix of the Poisson equation (docs/parameters.md, eq. P2) in Galerkin's form (eq. P18), factored once; a potential that no
/// sample sees has an empty row, and a potential that is spanned by others nothing of its own.
#[derive(Clone, Debug)]
pub(super) struct Gradients {
    potentials: Potentials,
    table: Table,
    cholesky: Cholesky,
    /// U by rows, padded.
    factor: Vec<f64>,
    size: usize,
}

impl Gradients {
    pub(super) fn new(potentials: Potentials) -> Self {
        Self {
            potentials,
            table: Table::default(),
            cholesky: Cholesky::default(),
            factor: Vec::new(),
            size: 0,
        }
    }

    /// Factors SSᵀ at these samples; with `curved` Hessians are at hand too.
    pub(super) fn prepare(&mut self, samples: &Batch, curved: bool) {
        self.table.fill(&mut self.potentials, samples, curved);
        self.size = padded(self.potentials.count());
        self.factor.resize(self.size * self.size, 0.0);
        self.factor.fill(0.0);
        self.table.add_gram(&mut self.factor, self.size);
        for row in 0..self.size {
            let entry = &mut self.factor[row * (self.size + 1)];
            *entry = match *entry > 0.0 {
                true => *entry * (1.0 + REGULARISATION),
                false => 1.0,
            };
        }
        if self.cholesky.factor(&mut self.factor, self.size).is_err() {
            // Samples that are not numbers: nothing is a gradient.
            self.table.clear();
            self.factor.fill(0.0);
            let diagonal = self.factor.iter_mut().step_by(self.size + 1);
            diagonal.for_each(|entry| *entry = 1.0);
        }
    }

    /// The number of potentials.
    pub(super) fn count(&self) -> usize {
        self.potentials.count()
    }

    /// The number of potentials with the padding.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The derivatives of the potentials at the samples.
    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    /// result ← Qv.
    pub(super) fn project(&self, vector: &[f64], result: &mut [f64]) {
        self.table.add_weak(vector, result);
        solve_transposed(&self.factor, self.size, result);
    }

    /// values ← Qᵀα.
    pub(super) fn spread(&self, vector: &[f64], values: &mut [f64]) {
        let mut coefficients = vector[..self.size].to_vec();
        solve_upper(&self.factor, self.size, &mut coefficients);
        self.table.add_gradient(&coefficients, values);
    }

    /// coefficients ← (SSᵀ)⁻¹ of themselves: from the weak form of a field to the potential of its projection.
    pub(super) fn solve(&self, coefficients: &mut [f64]) {
        solve_transposed(&self.factor, self.size, coefficients);
        solve_upper(&self.factor, self.size, coefficients);
    }

    /// `result` ← QKQᵀ for a square symmetric K over the coordinates of the samples, all entries given.
    pub(super) fn project_gram(&self, square: &[f64], result: &mut [f64], size: usize) {
        let full = self.table.length();
        let mut image = vec![0.0; self.count() * full];
        self.table.add_rows(square, &mut image);
        let rows = result.chunks_exact_mut(size);
        for (row, image) in rows.zip(image.chunks_exact(full)) {
            self.table.add_weak(image, row);
            solve_transposed(&self.factor, self.size, row);
        }
        // What stands there is SKQᵀ.
        for row in 0..size {
            for column in 0..row {
                result.swap(row * size + column, column * size + row);
            }
        }
        for row in result.chunks_exact_mut(size) {
            solve_transposed(&self.factor, self.size, row);
        }
    }
}
