use super::wrapped::Extent;
use super::{DensityError, DensityProblem, MAXIMAL_COORDINATES};
use crate::calculus::Real;

/// ln 2π
const LN_TWO_PI: f64 = 1.8378770664093453;

/// A normal distribution N(m, LLᵀ) with at most [`MAXIMAL_COORDINATES`] coordinates.
#[derive(Clone, Debug, PartialEq)]
pub struct Normal {
    pub(super) mean: Vec<f64>,
    /// The Cholesky factor L of the covariance, lower triangular.
    pub(super) factor: Vec<Vec<f64>>,
}

impl Normal {
    /// N(m, s²·1).
    pub(super) fn round(mean: Vec<f64>, std: f64) -> Self {
        let factor = diagonal(&vec![std; mean.len()]);
        Self { mean, factor }
    }

    /// Checks the parameters against the number of axes and factors the covariance.
    pub(super) fn new(
        mean: &[f64],
        std: Option<&[f64]>,
        covariance: Option<&[Vec<f64>]>,
        dimension: usize,
    ) -> Result<Self, DensityError> {
        check_vector("mean", mean, dimension)?;
        let factor = match (std, covariance) {
            (Some(std), None) => {
                check_vector("std", std, dimension)?;
                check_positive("std", std)?;
                diagonal(std)
            }
            (None, Some(covariance)) => cholesky(covariance, dimension)?,
            (None, None) => return Err(DensityProblem::NoSpread.into()),
            (Some(_), Some(_)) => return Err(DensityProblem::TwoSpreads.into()),
        };
        Ok(Self {
            mean: mean.to_owned(),
            factor,
        })
    }

    /// −½ (x − m)ᵀ (LLᵀ)⁻¹ (x − m): ln of the density divided by its maximum.
    pub(super) fn exponent(&self, point: &[f64]) -> f64 {
        let mut square = 0.0;
        self.whitened(point, |_, value| square += value * value);
        -0.5 * square
    }

    /// Gives u = L⁻¹(x − m) coordinate by coordinate, by forward substitution.
    pub(super) fn whitened(&self, point: &[f64], mut take: impl FnMut(usize, f64)) {
        let mut solution = [0.0; MAXIMAL_COORDINATES];
        for (row, factor) in self.factor.iter().enumerate() {
            let mut value = point[row] - self.mean[row];
            for column in 0..row {
                value -= factor[column] * solution[column];
            }
            solution[row] = value / factor[row];
            take(row, solution[row]);
        }
    }

    /// The standard deviation along an axis.
    pub(super) fn std(&self, axis: usize) -> f64 {
        let row = self.factor[axis].iter();
        row.map(|entry| entry * entry).sum::<f64>().sqrt()
    }

    /// ln of the density's maximum: −Σ ln Lᵢᵢ − d/2 · ln 2π.
    pub(super) fn log_maximum(&self) -> f64 {
        let log_determinant: f64 = (0..self.factor.len())
            .map(|row| Real::ln(self.factor[row][row]))
            .sum();
        -log_determinant - 0.5 * self.factor.len() as f64 * LN_TWO_PI
    }
}

/// Where normal distributions lie along each axis.
pub(super) fn extents<'a>(normals: impl IntoIterator<Item = &'a Normal> + Clone) -> Vec<Extent> {
    let dimension = normals
        .clone()
        .into_iter()
        .next()
        .map_or(0, |normal| normal.mean.len());
    let along = |axis: usize| {
        let parts = normals.clone().into_iter();
        Extent::of(parts.map(|normal| (normal.mean[axis], normal.std(axis))))
    };
    (0..dimension).map(along).collect()
}

/// One finite number for each axis.
pub(super) fn check_vector(
    key: &str,
    vector: &[f64],
    dimension: usize,
) -> Result<(), DensityError> {
    if vector.len() != dimension {
        return Err(DensityProblem::Length {
            found: vector.len(),
            expected: dimension,
        }
        .at(key));
    }
    match vector.iter().position(|value| !value.is_finite()) {
        Some(axis) => Err(DensityProblem::NotANumber(vector[axis]).at(&format!("{key}.{axis}"))),
        None => Ok(()),
    }
}

/// Every number above 0.
pub(super) fn check_positive(key: &str, vector: &[f64]) -> Result<(), DensityError> {
    match vector.iter().position(|&value| value <= 0.0) {
        Some(axis) => Err(DensityProblem::NotPositive(vector[axis]).at(&format!("{key}.{axis}"))),
        None => Ok(()),
    }
}

fn diagonal(values: &[f64]) -> Vec<Vec<f64>> {
    let entry = |row, column| if row == column { values[row] } else { 0.0 };
    (0..values.len())
        .map(|row| (0..values.len()).map(|column| entry(row, column)).collect())
        .collect()
}

/// The Cholesky factor of a covariance given as a list of rows.
fn cholesky(matrix: &[Vec<f64>], dimension: usize) -> Result<Vec<Vec<f64>>, DensityError> {
    const KEY: &str = "covariance";
    if matrix.len() != dimension {
        return Err(DensityProblem::Rows {
            found: matrix.len(),
            expected: dimension,
        }
        .at(KEY));
    }
    for (row, values) in matrix.iter().enumerate() {
        check_vector(&format!("{KEY}.{row}"), values, dimension)?;
    }
    let mut factor = vec![vec![0.0; dimension]; dimension];
    for row in 0..dimension {
        for column in 0..=row {
            let (lower, upper) = (matrix[row][column], matrix[column][row]);
            if lower != upper {
                return Err(DensityProblem::NotSymmetric {
                    row: column,
                    column: row,
                    upper,
                    lower,
                }
                .at(KEY));
            }
            let product: f64 = (0..column)
                .map(|k| factor[row][k] * factor[column][k])
                .sum();
            let remainder = lower - product;
            factor[row][column] = if column < row {
                remainder / factor[column][column]
            } else if remainder > 0.0 {
                remainder.sqrt()
            } else {
                return Err(DensityProblem::NotPositiveDefinite.at(KEY));
            };
        }
    }
    Ok(factor)
}
