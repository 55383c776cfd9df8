//! Reading the file of a comparison.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hdf5::File;

use super::attributes::{Attributes, read_attributes};
use super::comparison::{OptimizerGroup, is_comparison};
use super::error::{OutputError, known_names};
use super::reader::{Trajectory, member_names, open};

/// What a file of the program holds.
#[derive(Debug)]
pub enum Contents {
    /// Frames of a flow.
    Trajectory(Trajectory),
    /// A comparison of optimizers.
    Comparison(ComparisonFile),
}

impl Contents {
    /// Opens the file at `path`, whatever it holds.
    ///
    /// # Errors
    /// Those of [`Trajectory::open`].
    pub fn open(path: &Path) -> Result<Self, OutputError> {
        let file = open(path)?;
        match is_comparison(&file) {
            true => ComparisonFile::from_file(path, file).map(Self::Comparison),
            false => Trajectory::from_file(path, file).map(Self::Trajectory),
        }
    }
}

/// An open file of a comparison.
#[derive(Debug)]
pub struct ComparisonFile {
    path: PathBuf,
    file: File,
    attributes: Attributes,
    optimizers: Vec<String>,
}

impl ComparisonFile {
    fn from_file(path: &Path, file: File) -> Result<Self, OutputError> {
        let attributes = read_attributes(path, &file)?;
        let group = file
            .group("optimizers")
            .map_err(|error| OutputError::reading(path, "optimizers", &error))?;
        Ok(Self {
            path: path.to_owned(),
            optimizers: member_names(path, &group)?,
            attributes,
            file,
        })
    }

    /// The root attributes.
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// The names of the optimizers in the order of the scenario; none while the runs last and after a kill.
    pub fn optimizers(&self) -> &[String] {
        &self.optimizers
    }

    /// All arrays of one optimizer.
    ///
    /// # Errors
    /// [`OutputError::NoSuch`], [`OutputError::Read`].
    pub fn arrays(&self, optimizer: &str) -> Result<OptimizerArrays, OutputError> {
        if !self.optimizers.iter().any(|known| known == optimizer) {
            return Err(OutputError::NoSuch {
                path: self.path.clone(),
                kind: "optimizer",
                name: optimizer.to_owned(),
                known: known_names(optimizer, &self.optimizers),
            });
        }
        let failed = |error| OutputError::reading(&self.path, optimizer, &error);
        let parent = self.file.group("optimizers").map_err(failed)?;
        let group = parent.group(optimizer).map_err(failed)?;
        let mut arrays = OptimizerArrays {
            name: optimizer.to_owned(),
            values: BTreeMap::new(),
        };
        for name in member_names(&self.path, &group)? {
            // What users add, groups and arrays of other types, must not stop a reader.
            let Ok(dataset) = group.dataset(&name) else {
                continue;
            };
            if dataset.dtype().is_ok_and(|dtype| dtype.is::<f64>()) {
                let values = dataset.read_raw::<f64>().map_err(|error| {
                    OutputError::reading(&self.path, format!("{optimizer}/{name}"), &error)
                })?;
                arrays.values.insert(name, values);
            }
        }
        Ok(arrays)
    }
}

/// The numbers of one optimizer by name, scales and arrays alike: of a comparison that has just run, or from its file.
#[derive(Clone, Debug, PartialEq)]
pub struct OptimizerArrays {
    name: String,
    values: BTreeMap<String, Vec<f64>>,
}

impl OptimizerArrays {
    /// The name of the optimizer.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The numbers of an array or a scale, the last axis fastest; none if there is no such array.
    pub fn values(&self, array: &str) -> Option<&[f64]> {
        self.values.get(array).map(Vec::as_slice)
    }

    /// The coordinates of a scale: empty if there is no such scale.
    pub fn scale(&self, scale: &str) -> &[f64] {
        self.values(scale).unwrap_or_default()
    }
}

impl From<OptimizerGroup<'_>> for OptimizerArrays {
    fn from(group: OptimizerGroup<'_>) -> Self {
        let scales = group.scales.into_iter();
        let scales = scales.map(|(name, _, values)| (name.to_owned(), values));
        let arrays = group.arrays.into_iter();
        let arrays = arrays.map(|array| (array.name.to_owned(), array.values));
        Self {
            name: group.name.to_owned(),
            values: scales.chain(arrays).collect(),
        }
    }
}
