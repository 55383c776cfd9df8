use super::projection::Projection;
use crate::parametric::eigenvalues::{EigenvalueError, symmetric_eigenvalues};
use crate::parametric::generator::Generator;
use crate::parametric::kernels::add_scaled;
use crate::parametric::row_products::RowProducts;

/// The eigenvalues of both metrics at one θ, the largest first; as many as there are parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricSpectrum {
    /// Those of G̃.
    pub sample: Vec<f64>,
    /// Those of g, by the projection of the metric `otto`.
    pub otto: Vec<f64>,
}

impl MetricSpectrum {
    /// The spectra at the generator's samples, after `forward`. Of B samples in d coordinates at most B·d eigenvalues of G̃ are not 0, and
    /// of g no more than the rank of the projection.
    ///
    /// # Errors
    /// [`EigenvalueError`] if the Jacobian is not finite.
    pub fn new(generator: &mut dyn Generator, parameters: &[f64]) -> Result<Self, EigenvalueError> {
        let samples = generator.samples().clone();
        let (full, count) = (samples.values().len(), samples.count());
        let mut jacobian = vec![0.0; parameters.len() * full];
        generator.jacobian(parameters, &mut jacobian);
        let mut projection = Projection::default();
        projection.prepare(&samples);
        let width = projection.width();
        let mut projected = vec![0.0; parameters.len() * width];
        let pairs = jacobian
            .chunks_exact(full)
            .zip(projected.chunks_exact_mut(width));
        pairs.for_each(|(row, projected)| projection.project(row, projected));
        Ok(Self {
            sample: of_rows(&jacobian, full, count)?,
            otto: of_rows(&projected, width, count)?,
        })
    }
}

/// The eigenvalues of XXᵀ/count for the rows of X, by the smaller of XXᵀ and XᵀX.
fn of_rows(rows: &[f64], width: usize, count: usize) -> Result<Vec<f64>, EigenvalueError> {
    let height = rows.len() / width;
    let size = height.min(width);
    let mut matrix = vec![0.0; size * size];
    if height <= width {
        RowProducts {
            left: rows,
            right: rows,
            rows: (height, height),
            step: width,
        }
        .add_to(&mut matrix, size);
    } else {
        for row in rows.chunks_exact(width) {
            for (value, line) in row.iter().zip(matrix.chunks_exact_mut(width)) {
                add_scaled(*value, row, line);
            }
        }
    }
    let share = 1.0 / count as f64;
    let mut values = symmetric_eigenvalues(&matrix, size)?;
    // Below 0 is rounding: the matrix is a sum of squares.
    values
        .iter_mut()
        .for_each(|value| *value = share * value.max(0.0));
    values.reverse();
    values.resize(height, 0.0);
    Ok(values)
}
