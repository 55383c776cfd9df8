use std::path::{Path, PathBuf};

use hdf5::{Hyperslab, SliceOrIndex};
use ndarray::ArrayD;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{DensityError, DensityKind, DensityProblem, logarithm};
use crate::grid::{Field, Grid};

/// A dataset of an HDF5 file, such as a trajectory of this program, whose shape is that of the grid.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct File {
    /// The HDF5 file, relative to the scenario file.
    pub path: PathBuf,
    /// The dataset: density values along (z, y, x), without the axes the grid does not have; a time axis may come first.
    pub dataset: String,
    /// Which frame of a dataset with a time axis, counted from 0; the last one if not given.
    pub frame: Option<usize>,
    /// Share of a uniform background that is mixed in, at least 0 and below 1.
    pub floor: Option<f64>,
}

impl DensityKind for File {
    fn floor(&self) -> Option<f64> {
        self.floor
    }

    fn check(&self, _dimension: usize) -> Result<(), DensityError> {
        Ok(())
    }

    fn log_density(&self, grid: &Grid, folder: &Path) -> Result<Field, DensityError> {
        let path = folder.join(&self.path);
        let unreadable = |error: hdf5::Error| DensityProblem::Unreadable {
            path: path.clone(),
            reason: error.to_string(),
        };
        let file = hdf5::File::open(&path).map_err(|error| unreadable(error).at("path"))?;
        let dataset = match file.dataset(&self.dataset) {
            Ok(dataset) => dataset,
            Err(_) => return Err(self.no_dataset(&file, path).at("dataset")),
        };
        let selection = self.selection(&dataset.shape(), &file, grid)?;
        let values: ArrayD<f64> = dataset
            .read_slice(selection)
            .map_err(|error| unreadable(error).at("dataset"))?;
        let field = Field::from_shape_vec(grid.shape(), values.into_iter().collect())
            .map_err(|error| unreadable(error.to_string().into()).at("dataset"))?;
        logarithm(field, grid).map_err(|error| error.inside("dataset"))
    }
}

impl File {
    fn no_dataset(&self, file: &hdf5::File, path: PathBuf) -> DensityProblem {
        let datasets = file.datasets().unwrap_or_default();
        let name = |dataset: &hdf5::Dataset| dataset.name().trim_start_matches('/').to_owned();
        let mut valid: Vec<String> = datasets.iter().map(name).collect();
        valid.sort();
        DensityProblem::NoDataset {
            path,
            found: self.dataset.clone(),
            valid,
        }
    }

    /// The part of a dataset of this shape that is the density.
    fn selection(
        &self,
        shape: &[usize],
        file: &hdf5::File,
        grid: &Grid,
    ) -> Result<Hyperslab, DensityError> {
        let expected: Vec<usize> = grid.axes().iter().rev().map(|axis| axis.cells).collect();
        let mut selection = vec![SliceOrIndex::from(..); expected.len()];
        if shape == expected {
            if self.frame.is_some() {
                return Err(DensityProblem::FrameWithoutTime.at("frame"));
            }
        } else if shape.len() == expected.len() + 1 && shape[1..] == expected {
            // In a trajectory that was cut off, the rows of `time` count the frames that are whole.
            let committed = file.dataset("time").map_or(usize::MAX, |time| time.size());
            let Some(last) = shape[0].min(committed).checked_sub(1) else {
                return Err(DensityProblem::NoFrames.at("dataset"));
            };
            let found = self.frame.unwrap_or(last);
            if found > last {
                return Err(DensityProblem::Frame { found, last }.at("frame"));
            }
            selection.insert(0, SliceOrIndex::Index(found));
        } else {
            return Err(DensityProblem::DatasetShape {
                found: shape.to_owned(),
                expected,
                axes: ["x", "y, x", "z, y, x"][grid.dimension() - 1],
            }
            .at("dataset"));
        }
        Ok(Hyperslab::from(selection))
    }
}
