//! Eigenvalues of small dense matrices, by faer on one thread.

use faer::Mat;
use faer::prelude::Reborrow;
use thiserror::Error;

/// Why there are no eigenvalues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EigenvalueError {
    /// An entry is not a number.
    #[error("entry ({row}, {column}) of the matrix is not finite; the run was about to diverge")]
    NotFinite {
        /// Its row.
        row: usize,
        /// Its column.
        column: usize,
    },
    /// The iteration did not end.
    #[error("the iteration for the eigenvalues of a matrix of {size} rows did not converge")]
    NoConvergence {
        /// The number of rows.
        size: usize,
    },
}

/// Real and imaginary part.
pub type Complex = [f64; 2];

/// A square matrix by rows, checked.
fn matrix(entries: &[f64], size: usize) -> Result<Mat<f64>, EigenvalueError> {
    match entries.iter().position(|entry| !entry.is_finite()) {
        None => Ok(Mat::from_fn(size, size, |row, column| {
            entries[row * size + column]
        })),
        Some(place) => Err(EigenvalueError::NotFinite {
            row: place / size,
            column: place % size,
        }),
    }
}

/// The eigenvalues of a square matrix by rows, in no order.
///
/// # Errors
/// [`EigenvalueError`].
pub fn eigenvalues(entries: &[f64], size: usize) -> Result<Vec<Complex>, EigenvalueError> {
    let values = matrix(entries, size)?.eigenvalues();
    let values = values.map_err(|_| EigenvalueError::NoConvergence { size })?;
    Ok(values.iter().map(|value| [value.re, value.im]).collect())
}

/// The eigenvalues of a symmetric matrix of which the upper triangle is given by rows, the smallest first.
///
/// # Errors
/// [`EigenvalueError`].
pub fn symmetric_eigenvalues(entries: &[f64], size: usize) -> Result<Vec<f64>, EigenvalueError> {
    matrix(entries, size)?
        .self_adjoint_eigenvalues(faer::Side::Upper)
        .map_err(|_| EigenvalueError::NoConvergence { size })
}

/// The eigenvalue of the largest modulus, of a pair the one above the real axis, and the real part of its vector, of length 1.
///
/// # Errors
/// [`EigenvalueError`].
pub fn leading(entries: &[f64], size: usize) -> Result<(Complex, Vec<f64>), EigenvalueError> {
    let failed = EigenvalueError::NoConvergence { size };
    let decomposition = matrix(entries, size)?.eigen().map_err(|_| failed)?;
    let values = decomposition.S().column_vector();
    let modulus = |place: usize| values[place].re.hypot(values[place].im);
    let largest = (0..size).max_by(|a, b| {
        let (own, other) = (values[*a], values[*b]);
        let by_modulus = modulus(*a).total_cmp(&modulus(*b));
        by_modulus.then(own.im.total_cmp(&other.im))
    });
    let place = largest.ok_or(failed)?;
    let vectors = decomposition.U();
    let mut vector: Vec<f64> = (0..size)
        .map(|row| vectors.rb().get(row, place).re)
        .collect();
    let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    vector.iter_mut().for_each(|x| *x /= length);
    Ok(([values[place].re, values[place].im], vector))
}
