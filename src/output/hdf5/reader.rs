//! Reading a trajectory: finished, still being written, or left behind by a killed run.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use hdf5::{Dataset, File, Group, Hyperslab, IndexType, IterationOrder, OpenMode, SliceOrIndex};
use ndarray::ArrayD;

use super::attributes::{Attributes, read_attributes, read_text};
use super::create::boundary_name;
use super::error::{OutputError, known_names};
use super::{layout::Status, raw};
use crate::grid::{AXIS_NAMES, Axis, Boundary, Field, Grid};

/// The first bytes of every HDF5 file.
const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";

/// An open trajectory file; shows committed frames only.
#[derive(Debug)]
pub struct Trajectory {
    path: PathBuf,
    file: File,
    grid: Grid,
    attributes: Attributes,
    times: Vec<f64>,
    fields: Vec<String>,
    metrics: Vec<String>,
}

impl Trajectory {
    /// Opens the file at `path`. A file that is being written shows the frames committed so far.
    ///
    /// # Errors
    /// [`OutputError::Open`], [`OutputError::NotTrajectory`], [`OutputError::NewerFormat`], and [`OutputError::Read`] for damage.
    pub fn open(path: &Path) -> Result<Self, OutputError> {
        Self::from_file(path, open(path)?)
    }

    /// Reads what describes the frames.
    pub(super) fn from_file(path: &Path, file: File) -> Result<Self, OutputError> {
        let attributes =
            super::comparison::refuse(path, &file).and(read_attributes(path, &file))?;
        let grid = read_grid(path, &file)?;
        let mut trajectory = Self {
            path: path.to_owned(),
            file,
            grid,
            attributes,
            times: Vec::new(),
            fields: Vec::new(),
            metrics: Vec::new(),
        };
        // An array may be a frame ahead of its commit, and never should be behind it: the shortest counts.
        let mut times = trajectory.read_column(&trajectory.file, "time")?;
        let mut frames = times.iter().take_while(|time| time.is_finite()).count();
        for name in trajectory.member_names(&trajectory.file)? {
            let Some((rows, is_field)) = trajectory.classify(&name)? else {
                continue;
            };
            frames = frames.min(rows);
            match is_field {
                true => trajectory.fields.push(name),
                false => trajectory.metrics.push(name),
            }
        }
        times.truncate(frames);
        trajectory.times = times;
        Ok(trajectory)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The root attributes.
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// How the run ended; `interrupted` while it runs.
    pub fn status(&self) -> Status {
        self.attributes.status
    }

    /// The cells.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The number of committed frames.
    pub fn frames(&self) -> usize {
        self.times.len()
    }

    /// The time of every committed frame.
    pub fn times(&self) -> &[f64] {
        &self.times
    }

    /// The names of the fields, in the order in which they were declared.
    pub fn field_names(&self) -> &[String] {
        &self.fields
    }

    /// The names of the metrics, in the order in which they were declared.
    pub fn metric_names(&self) -> &[String] {
        &self.metrics
    }

    /// π in every cell, shape (z, y, x).
    ///
    /// # Errors
    /// [`OutputError::Read`].
    pub fn target(&self) -> Result<Field, OutputError> {
        let values = self
            .file
            .dataset("target")
            .and_then(|dataset| dataset.read_dyn::<f64>())
            .map_err(|error| OutputError::reading(&self.path, "target", &error))?;
        self.shaped("target", values)
    }

    /// A field in one frame, shape (z, y, x).
    ///
    /// # Errors
    /// [`OutputError::NoSuch`], [`OutputError::NoFrame`], [`OutputError::Read`].
    pub fn field(&self, name: &str, frame: usize) -> Result<Field, OutputError> {
        self.known("field", name, &self.fields)?;
        if frame >= self.frames() {
            return Err(OutputError::NoFrame {
                path: self.path.clone(),
                frame,
                frames: self.frames(),
            });
        }
        let values = self
            .file
            .dataset(name)
            .and_then(|dataset| read_row(&dataset, frame))
            .map_err(|error| {
                OutputError::reading(&self.path, format!("{name}, frame {frame}"), &error)
            })?;
        self.shaped(name, values)
    }

    /// A metric in every committed frame.
    ///
    /// # Errors
    /// [`OutputError::NoSuch`], [`OutputError::Read`].
    pub fn metric(&self, name: &str) -> Result<Vec<f64>, OutputError> {
        self.known("metric", name, &self.metrics)?;
        let mut values = self.read_column(&self.file, name)?;
        values.truncate(self.frames());
        Ok(values)
    }

    /// The columns of the group `steps` with their names: `time`, `step` and the declared ones, all of one length.
    ///
    /// # Errors
    /// [`OutputError::Read`].
    pub fn steps(&self) -> Result<Vec<(String, Vec<f64>)>, OutputError> {
        let group = self
            .file
            .group("steps")
            .map_err(|error| OutputError::reading(&self.path, "steps", &error))?;
        let mut columns = Vec::new();
        for name in self.member_names(&group)? {
            let values = self.read_column(&group, &name)?;
            columns.push((name, values));
        }
        let rows = columns.iter().map(|(_, values)| values.len()).min();
        for (_, values) in &mut columns {
            values.truncate(rows.unwrap_or(0));
        }
        Ok(columns)
    }

    /// The rows of a root array that has one row a frame, and whether it is a field; none for every other member.
    fn classify(&self, name: &str) -> Result<Option<(usize, bool)>, OutputError> {
        if name == "time" {
            return Ok(None);
        }
        // Groups are no datasets, and what users add must not stop a reader.
        let Ok(dataset) = self.file.dataset(name) else {
            return Ok(None);
        };
        let shape = dataset
            .get_shape()
            .map_err(|error| OutputError::reading(&self.path, name, &error))?;
        Ok(match shape.as_slice() {
            [rows] if dataset.is_resizable() => Some((*rows, false)),
            [rows, cells @ ..] if !cells.is_empty() && cells == self.cells() => Some((*rows, true)),
            _ => None,
        })
    }

    /// Cells along the axes of an array, slowest first.
    fn cells(&self) -> Vec<usize> {
        let axes = self.grid.axes().iter().rev();
        axes.map(|axis| axis.cells).collect()
    }

    fn member_names(&self, group: &Group) -> Result<Vec<String>, OutputError> {
        member_names(&self.path, group)
    }

    /// All rows of a one-dimensional array.
    fn read_column(&self, group: &Group, name: &str) -> Result<Vec<f64>, OutputError> {
        group
            .dataset(name)
            .and_then(|dataset| dataset.read_raw::<f64>())
            .map_err(|error| OutputError::reading(&self.path, name, &error))
    }

    /// Refuses a name that is not among the known ones.
    fn known(&self, kind: &'static str, name: &str, names: &[String]) -> Result<(), OutputError> {
        if names.iter().any(|known| known == name) {
            return Ok(());
        }
        Err(OutputError::NoSuch {
            path: self.path.clone(),
            kind,
            name: name.to_owned(),
            known: known_names(name, names),
        })
    }

    /// The values of all cells as a field.
    fn shaped(&self, name: &str, values: ArrayD<f64>) -> Result<Field, OutputError> {
        let found = values.shape().to_vec();
        values
            .into_shape_with_order(self.grid.shape())
            .map_err(|_| OutputError::Mismatch {
                path: self.path.clone(),
                found: format!("{name} of shape {found:?}"),
                expected: format!("the grid's {:?}", self.cells()),
            })
    }
}

/// Opens an HDF5 file of any content: finished, being written, or left behind by a killed writer.
pub(super) fn open(path: &Path) -> Result<File, OutputError> {
    check_signature(path, "open")?;
    let plain = File::open(path);
    plain
        .clone()
        .or_else(|_| open_running(path))
        .or_else(|_| raw::open_marked(path, false))
        .or(plain)
        .map_err(|error| OutputError::opening_hdf5(path, "open", &error))
}

/// Opens a file that is marked as being written, while it is or after its writer was killed.
fn open_running(path: &Path) -> hdf5::Result<File> {
    let mut builder = File::with_options();
    // A block that a writer is about to replace is read again after 1, 2, 4… ns; 24 times are 17 ms, the library's 100 for ever.
    builder.with_fapl(|access| access.metadata_read_attempts(24));
    builder.open_as(path, OpenMode::ReadSWMR)
}

/// The names in a group, oldest first, or by name where a program that copied the file dropped the order.
pub(super) fn member_names(path: &Path, group: &Group) -> Result<Vec<String>, OutputError> {
    group
        .member_names_by(IndexType::CreationOrder, IterationOrder::Increasing)
        .or_else(|_| group.member_names())
        .map_err(|error| OutputError::reading(path, group.name(), &error))
}

/// One row of an array along its first axis.
pub(super) fn read_row(dataset: &Dataset, row: usize) -> hdf5::Result<ArrayD<f64>> {
    let shape = dataset.get_shape()?;
    let mut selection: Vec<SliceOrIndex> = shape.iter().map(|&size| (0..size).into()).collect();
    if let Some(rows) = selection.first_mut() {
        *rows = SliceOrIndex::Index(row);
    }
    dataset.read_slice(Hyperslab::from(selection))
}

/// Refuses what is no HDF5 file, in words that say what it is.
pub(super) fn check_signature(path: &Path, action: &'static str) -> Result<(), OutputError> {
    let mut start = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(8).read_to_end(&mut start))
        .map_err(|error| OutputError::opening(path, action, &error))?;
    if start == SIGNATURE {
        return Ok(());
    }
    let found = match start.as_slice() {
        [] => "the file is empty".to_owned(),
        start => format!("the file starts with {:?}", String::from_utf8_lossy(start)),
    };
    Err(OutputError::NotTrajectory {
        path: path.to_owned(),
        found,
    })
}

/// The cells, from the scales and their attributes.
fn read_grid(path: &Path, file: &File) -> Result<Grid, OutputError> {
    let mut axes = Vec::new();
    for name in AXIS_NAMES {
        if !file.link_exists(name) {
            break;
        }
        axes.push(read_axis(file, name).map_err(|error| OutputError::reading(path, name, &error))?);
    }
    Grid::new(axes).map_err(|error| OutputError::Mismatch {
        path: path.to_owned(),
        found: format!("axes that make no grid: {error}"),
        expected: "x, y, z with lower, upper and boundary".into(),
    })
}

/// One axis from its scale.
fn read_axis(file: &File, name: &str) -> hdf5::Result<Axis> {
    let scale = file.dataset(name)?;
    let boundary = read_text(&scale, "boundary")?;
    Ok(Axis {
        lower: scale.attr("lower")?.read_scalar()?,
        upper: scale.attr("upper")?.read_scalar()?,
        cells: scale.size(),
        boundary: [Boundary::NoFlux, Boundary::Periodic]
            .into_iter()
            .find(|&known| boundary_name(known) == boundary)
            .ok_or_else(|| format!("boundary {boundary:?} found, no-flux or periodic expected"))?,
    })
}
