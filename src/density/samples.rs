use std::path::{Path, PathBuf};

use ndarray::{Array2, ArrayD, Ix2};
use schemars::JsonSchema;
use serde::Deserialize;

use super::normal::{check_positive, check_vector};
use super::wrapped::{Extent, wrapped};
use super::{DensityError, DensityKind, DensityProblem, OneOrEach, log_sum_of_exponentials};
use crate::calculus::Real;
use crate::grid::{AXIS_NAMES, Field, Grid};

/// A kernel density estimate: the mean of Gaussians around samples from a file, wrapped around periodic axes.
///
/// The cost is the number of samples times the number of cells, threefold or more for each periodic axis.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Samples {
    /// A CSV file (one sample a line, one column for each axis, an optional line of names first, comments after #) or a NPY file
    /// (shape samples × axes), relative to the scenario file.
    pub path: PathBuf,
    /// The standard deviation of the Gaussians: one number, or one for each axis. If not given, Scott's rule: the standard
    /// deviation of the samples times n^(−1/(d + 4)) along each axis.
    pub bandwidth: Option<OneOrEach<f64>>,
    /// Share of a uniform background that is mixed in, at least 0 and below 1.
    pub floor: Option<f64>,
}

impl DensityKind for Samples {
    fn floor(&self) -> Option<f64> {
        self.floor
    }

    fn check(&self, dimension: usize) -> Result<(), DensityError> {
        const KEY: &str = "bandwidth";
        match &self.bandwidth {
            None => Ok(()),
            Some(OneOrEach::One(width)) if !width.is_finite() => {
                Err(DensityProblem::NotANumber(*width).at(KEY))
            }
            Some(OneOrEach::One(width)) if *width <= 0.0 => {
                Err(DensityProblem::NotPositive(*width).at(KEY))
            }
            Some(OneOrEach::One(_)) => Ok(()),
            Some(OneOrEach::Each(widths)) => {
                check_vector(KEY, widths, dimension)?;
                check_positive(KEY, widths)
            }
        }
    }

    fn log_density(&self, grid: &Grid, folder: &Path) -> Result<Field, DensityError> {
        let dimension = grid.dimension();
        let path = folder.join(&self.path);
        let samples = read(&path)
            .and_then(|samples| checked(samples, &path, dimension))
            .map_err(|problem| problem.at("path"))?;
        let widths = match &self.bandwidth {
            Some(OneOrEach::One(width)) => vec![*width; dimension],
            Some(OneOrEach::Each(widths)) => widths.clone(),
            None => scott(&samples)?,
        };
        let along = |axis: usize| {
            let means = samples.column(axis);
            Extent::of(means.iter().map(|mean| (*mean, widths[axis])))
        };
        let extents: Vec<Extent> = (0..dimension).map(along).collect();
        wrapped(grid, &extents, |point| {
            log_sum_of_exponentials(samples.outer_iter().map(|sample| {
                let square: f64 = (0..dimension)
                    .map(|axis| (point[axis] - sample[axis]) / widths[axis])
                    .map(|distance| distance * distance)
                    .sum();
                -0.5 * square
            }))
        })
    }
}

/// Samples as rows.
fn read(path: &Path) -> Result<Array2<f64>, DensityProblem> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => read_csv(path),
        Some("npy") => read_npy(path),
        other => Err(DensityProblem::Extension {
            found: other.unwrap_or_default().to_owned(),
        }),
    }
}

fn read_csv(path: &Path) -> Result<Array2<f64>, DensityProblem> {
    let unreadable = |error: csv::Error| DensityProblem::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(unreadable)?;
    let mut values = Vec::new();
    let mut columns = 0;
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(unreadable)?;
        columns = record.len();
        if row == 0 && record.iter().all(|cell| cell.parse::<f64>().is_err()) {
            continue;
        }
        for (column, cell) in record.iter().enumerate() {
            let number = cell.parse().ok().filter(|number: &f64| number.is_finite());
            values.push(number.ok_or_else(|| DensityProblem::Cell {
                path: path.to_owned(),
                line: record.position().map_or(0, csv::Position::line),
                column: column + 1,
                found: cell.to_owned(),
            })?);
        }
    }
    let rows = values.len().checked_div(columns).unwrap_or(0);
    Array2::from_shape_vec((rows, columns), values).map_err(|error| DensityProblem::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

/// A NPY file of f64 or f32 numbers; a list of numbers is samples in 1-D.
fn read_npy(path: &Path) -> Result<Array2<f64>, DensityProblem> {
    let unreadable = |reason: String| DensityProblem::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let array: ArrayD<f64> = match ndarray_npy::read_npy(path) {
        Ok(array) => array,
        Err(error) => ndarray_npy::read_npy::<_, ArrayD<f32>>(path)
            .map(|array| array.mapv(f64::from))
            .map_err(|_| unreadable(error.to_string()))?,
    };
    let array = if array.ndim() == 1 {
        array.insert_axis(ndarray::Axis(1))
    } else {
        array
    };
    array
        .into_dimensionality::<Ix2>()
        .map_err(|error| unreadable(format!("{error}, expected samples × axes")))
}

fn checked(
    samples: Array2<f64>,
    path: &Path,
    dimension: usize,
) -> Result<Array2<f64>, DensityProblem> {
    let path = path.to_owned();
    if samples.is_empty() {
        return Err(DensityProblem::NoSamples { path });
    }
    if samples.ncols() != dimension {
        return Err(DensityProblem::SampleDimension {
            path,
            found: samples.ncols(),
            expected: dimension,
        });
    }
    match samples.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((row, _), &found)) => Err(DensityProblem::Sample { path, row, found }),
        None => Ok(samples),
    }
}

/// Scott's rule: Scott, Multivariate Density Estimation, 2nd ed. 2015, §6.3.
fn scott(samples: &Array2<f64>) -> Result<Vec<f64>, DensityError> {
    let (count, dimension) = samples.dim();
    let factor = Real::exp(-Real::ln(count as f64) / (dimension as f64 + 4.0));
    samples
        .columns()
        .into_iter()
        .zip(AXIS_NAMES)
        .map(|(column, axis)| {
            let mean = column.sum() / count as f64;
            let square: f64 = column.iter().map(|x| (x - mean) * (x - mean)).sum();
            let width = factor * (square / (count as f64 - 1.0)).sqrt();
            if width > 0.0 && width.is_finite() {
                Ok(width)
            } else {
                Err(DensityProblem::NoVariation { axis }.at("path"))
            }
        })
        .collect()
}
