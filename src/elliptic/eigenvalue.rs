//! The first nonzero eigenvalue of −π⁻¹∇·(π∇): the rate at which a linearised flow relaxes.

use crate::grid::{Field, Grid};

use super::solid::{couplings, maximum};
use super::{Elliptic, EllipticError};

/// The residual, in the norm that bounds the eigenvalue's error, at which to stop. With a gap of relative width g to the next eigenvalue the
/// relative error is at most min(g, 10⁻¹²/g) ≤ 10⁻⁶.
const TOLERANCE: f64 = 1e-12;

/// Tolerance of the inner solves: they only give directions.
const SOLVE_TOLERANCE: f64 = 1e-6;

/// Iterations after which to give up.
const LARGEST_COUNT: usize = 300;

/// s · λ in the solves: large enough that the operator rules, small enough that the constant stays harmless.
const STIFFNESS: f64 = 1e6;

/// The largest s, in units of the squared length of the longest axis: for supports that are as good as disconnected.
const LARGEST_SCALE: f64 = 1e16;

/// The smallest nonzero eigenvalue λ of the discrete −π⁻¹∇·(π∇) on the grid, π = exp(`log_target`) up to a factor; relative accuracy 10⁻⁶.
///
/// Small perturbations r = 1 + εφ of the equilibrium of a flow decay like exp(−λ ψ'(1) t). For π = N(m, σ²) λ → 1/σ², on a torus of
/// length L λ → (2π/L)², on a box (π/L)², each with an error of order h².
///
/// Rayleigh–Ritz on the current vector, the residual passed through the solver of the implicit step, and the last direction
/// (A. V. Knyazev, "Toward the optimal preconditioned eigensolver", SIAM Journal on Scientific Computing 23 (2001), 517–541).
///
/// # Errors
///
/// As [`Elliptic::new`] and [`Elliptic::solve`]; [`EllipticError::NotConverged`] if the accuracy is not reached.
pub fn smallest_eigenvalue(grid: &Grid, log_target: &Field) -> Result<f64, EllipticError> {
    let mut elliptic = Elliptic::new(grid, log_target)?;
    let form = Form::new(grid, log_target);
    let longest = grid
        .axes()
        .iter()
        .map(|axis| axis.upper - axis.lower)
        .fold(0.0, f64::max);
    let slope = Field::ones(grid.shape());
    let mut vector = form.start(grid);
    let mut correction = Field::zeros(grid.shape());
    let mut direction: Option<Field> = None;
    let mut error = f64::INFINITY;
    for _ in 0..LARGEST_COUNT {
        let eigenvalue = form.energy(&vector, &vector);
        let scale = (STIFFNESS / eigenvalue).min(LARGEST_SCALE * longest * longest);
        let residual = form.apply(&vector) - eigenvalue * &vector;
        correction.fill(0.0);
        elliptic.solve(scale, &slope, &residual, SOLVE_TOLERANCE, &mut correction)?;
        error = scale * form.product(&residual, &correction) / eigenvalue;
        if error.abs() <= TOLERANCE {
            return Ok(eigenvalue);
        }
        let mut basis = vec![vector];
        for mut candidate in [Some(correction.clone()), direction.take()]
            .into_iter()
            .flatten()
        {
            if form.orthonormalise(&mut candidate, &basis) {
                basis.push(candidate);
            }
        }
        let weights = lowest_ritz_vector(&form, &basis);
        let mut change = Field::zeros(grid.shape());
        for (weight, part) in weights.iter().zip(&basis).skip(1) {
            change.scaled_add(*weight, part);
        }
        vector = weights[0] * &basis[0] + &change;
        form.orthonormalise(&mut vector, &[]);
        direction = Some(change);
    }
    Err(EllipticError::NotConverged {
        iterations: LARGEST_COUNT,
        error,
        tolerance: TOLERANCE,
    })
}

/// The two quadratic forms of the eigenvalue problem, and the operator that belongs to them.
struct Form {
    /// π over its maximum.
    weights: Field,
    /// a_ij along each axis.
    couplings: [Vec<f64>; 3],
    /// For each axis sqrt(π_next/π)/h² of every cell and of the cell after it back; 0 where nothing passes.
    rates: [Vec<[f64; 2]>; 3],
}

impl Form {
    fn new(grid: &Grid, log_target: &Field) -> Self {
        let highest = maximum(log_target);
        let couplings = couplings(grid, log_target);
        let mut form = Self {
            weights: log_target.mapv(|value| (value - highest).exp()),
            couplings,
            rates: [const { Vec::new() }; 3],
        };
        for (axis, properties) in grid.axes().iter().enumerate() {
            let inverse_square = 1.0 / properties.spacing().powi(2);
            let open = properties.boundary == crate::grid::Boundary::NoFlux;
            let mut rates = vec![[0.0; 2]; grid.len()];
            let values: Vec<f64> = log_target.iter().copied().collect();
            form.faces(axis, |cell, next, last| {
                if !(open && last) {
                    let half = 0.5 * (values[next] - values[cell]);
                    rates[cell] = [half.exp() * inverse_square, (-half).exp() * inverse_square];
                }
            });
            form.rates[axis] = rates;
        }
        form
    }

    /// Calls `visit(cell, next cell, whether the face closes the ring)` for every face along an axis.
    fn faces(&self, axis: usize, mut visit: impl FnMut(usize, usize, bool)) {
        let (nz, ny, nx) = self.weights.dim();
        let (cells, stride) = [(nx, 1), (ny, nx), (nz, nx * ny)][axis];
        for cell in 0..nx * ny * nz {
            let last = cell / stride % cells + 1 == cells;
            let next = if last {
                cell + stride - cells * stride
            } else {
                cell + stride
            };
            visit(cell, next, last);
        }
    }

    /// Σ π_i u_i v_i.
    fn product(&self, u: &Field, v: &Field) -> f64 {
        (self.weights.iter().zip(u).zip(v))
            .map(|((weight, u), v)| weight * u * v)
            .sum()
    }

    /// Σ_faces a_ij (u_i − u_j)(v_i − v_j): differences first, so that eigenvalues far below rounding of the operator keep their digits.
    fn energy(&self, u: &Field, v: &Field) -> f64 {
        let (Some(u), Some(v)) = (u.as_slice(), v.as_slice()) else {
            return f64::NAN;
        };
        let mut sum = 0.0;
        for (axis, couplings) in self
            .couplings
            .iter()
            .enumerate()
            .filter(|(_, couplings)| !couplings.is_empty())
        {
            self.faces(axis, |cell, next, _| {
                sum += couplings[cell] * (u[cell] - u[next]) * (v[cell] - v[next])
            });
        }
        sum
    }

    /// −π⁻¹∇·(π∇u), by the rates, which do not underflow.
    fn apply(&self, u: &Field) -> Field {
        let mut result = Field::zeros(u.dim());
        if let (Some(u), Some(out)) = (u.as_slice(), result.as_slice_mut()) {
            for (axis, rates) in self
                .rates
                .iter()
                .enumerate()
                .filter(|(_, rates)| !rates.is_empty())
            {
                self.faces(axis, |cell, next, _| {
                    let difference = u[cell] - u[next];
                    out[cell] += rates[cell][0] * difference;
                    out[next] -= rates[cell][1] * difference;
                });
            }
        }
        result
    }

    /// A vector with some of every eigenvector: the coordinates, unevenly, and a little of a fixed irregular sequence.
    fn start(&self, grid: &Grid) -> Field {
        const GOLDEN: f64 = 0.618_033_988_749_894_9;
        let mut vector = grid.sample(|center| {
            (grid.axes().iter().zip(center).zip([1.0, 0.8, 0.6]))
                .map(|((axis, x), share)| share * (x - axis.lower) / (axis.upper - axis.lower))
                .sum()
        });
        for (index, value) in vector.iter_mut().enumerate() {
            let index = index as f64;
            *value += 0.1 * ((GOLDEN * index * (1.0 + 1e-3 * index)).fract() - 0.5);
        }
        self.orthonormalise(&mut vector, &[]);
        vector
    }

    /// Takes the constant and the basis out of a vector and scales it to norm 1; false if nothing is left.
    fn orthonormalise(&self, vector: &mut Field, basis: &[Field]) -> bool {
        let norm = |vector: &Field| self.product(vector, vector).sqrt();
        let mass = self.weights.sum();
        // Twice, for what the first pass leaves by rounding.
        for _ in 0..2 {
            let mean = self
                .weights
                .iter()
                .zip(vector.iter())
                .map(|(w, v)| w * v)
                .sum::<f64>()
                / mass;
            *vector -= mean;
            for other in basis {
                let share = self.product(vector, other);
                vector.scaled_add(-share, other);
            }
            let length = norm(vector);
            if !(length > 0.0 && length.is_finite()) {
                return false;
            }
            *vector /= length;
        }
        true
    }
}

/// The coefficients of the lowest Ritz vector in an orthonormal basis of at most three, by Jacobi's rotations.
fn lowest_ritz_vector(form: &Form, basis: &[Field]) -> Vec<f64> {
    let n = basis.len();
    let mut matrix: Vec<Vec<f64>> = basis
        .iter()
        .map(|u| basis.iter().map(|v| form.energy(u, v)).collect())
        .collect();
    let mut vectors: Vec<Vec<f64>> = (0..n)
        .map(|i| (0..n).map(|j| f64::from(i == j)).collect())
        .collect();
    // Convergence is quadratic: ten sweeps are more than enough.
    for _ in 0..10 {
        for p in 0..n {
            for q in p + 1..n {
                if matrix[p][q] == 0.0 {
                    continue;
                }
                let ratio = (matrix[q][q] - matrix[p][p]) / (2.0 * matrix[p][q]);
                let tangent = ratio.signum() / (ratio.abs() + ratio.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                let sine = tangent * cosine;
                for row in matrix.iter_mut().chain(&mut vectors) {
                    (row[p], row[q]) = (
                        cosine * row[p] - sine * row[q],
                        sine * row[p] + cosine * row[q],
                    );
                }
                let (above, below) = matrix.split_at_mut(q);
                for (a, b) in above[p].iter_mut().zip(&mut below[0]) {
                    (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
                }
            }
        }
    }
    let lowest = (0..n)
        .min_by(|&a, &b| matrix[a][a].total_cmp(&matrix[b][b]))
        .unwrap_or(0);
    vectors.iter().map(|row| row[lowest]).collect()
}
