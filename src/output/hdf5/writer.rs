//! Writing a trajectory frame by frame, so that a kill at any moment loses no committed frame.

use std::fs;
use std::path::{Path, PathBuf};

use hdf5::{Dataset, File, Result};

use super::arrays::variable_text;
use super::compress::write_field;
use super::create::{create, set_vtk_steps};
use super::error::OutputError;
use super::layout::{
    Description, FieldName, Frame, MetricName, Precision, Status, StepColumn, StepRecord,
};
use super::repair::repair;

/// An open trajectory file that takes frames.
///
/// The library runs in its single-writer mode, in which blocks reach the file before what refers to them. Dropping the writer without
/// [`TrajectoryWriter::finish`] leaves the status `interrupted`.
#[derive(Debug)]
pub struct TrajectoryWriter {
    path: PathBuf,
    // The arrays are declared, and so dropped, before the file that they are in.
    time: Dataset,
    fields: Vec<(FieldName, Dataset)>,
    metrics: Vec<(MetricName, Dataset)>,
    offsets: Option<Dataset>,
    step_time: Dataset,
    step_size: Dataset,
    step_columns: Vec<(StepColumn, Dataset)>,
    file: File,
    /// Held while the file is open, against a repair of a file that is being written.
    _lock: Option<fs::File>,
    shape: (usize, usize, usize),
    precision: Precision,
    pending: Vec<StepRecord>,
    frames: usize,
    steps: usize,
    last_time: f64,
    broken: bool,
}

impl TrajectoryWriter {
    /// Makes the file at `path`, without a frame.
    ///
    /// # Errors
    /// [`OutputError::Exists`] unless overwriting is allowed, [`OutputError::Locked`] while another process writes the file,
    /// [`OutputError::Mismatch`] for a description at odds with itself, [`OutputError::Open`] and [`OutputError::Write`] from the disk.
    pub fn create(path: &Path, description: &Description) -> Result<Self, OutputError> {
        let file = create(path, description)?;
        Self::start(path, file, description)
            .map_err(|error| OutputError::writing(path, "the empty file", &error))
    }

    /// Opens the arrays of a new file for appending.
    fn start(path: &Path, file: File, description: &Description) -> Result<Self> {
        file.start_swmr()?;
        let fields: Result<Vec<_>> = description
            .fields
            .iter()
            .map(|&name| Ok((name, file.dataset(&name.name())?)))
            .collect();
        let metrics: Result<Vec<_>> = description
            .metrics
            .iter()
            .map(|&name| Ok((name, file.dataset(name.name())?)))
            .collect();
        let steps = file.group("steps")?;
        let step_columns: Result<Vec<_>> = description
            .step_columns
            .iter()
            .map(|&name| Ok((name, steps.dataset(name.name())?)))
            .collect();
        let offsets = match description.fields.first() {
            None => None,
            Some(first) => {
                Some(file.dataset(&format!("VTKHDF/Steps/CellDataOffsets/{}", first.name()))?)
            }
        };
        Ok(Self {
            path: path.to_owned(),
            time: file.dataset("time")?,
            fields: fields?,
            metrics: metrics?,
            offsets,
            step_time: steps.dataset("time")?,
            step_size: steps.dataset("step")?,
            step_columns: step_columns?,
            file,
            _lock: share(path),
            shape: description.grid.shape(),
            precision: description.options.precision,
            pending: Vec::new(),
            frames: 0,
            steps: 0,
            last_time: f64::NEG_INFINITY,
            broken: false,
        })
    }

    /// The file being written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of committed frames.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Notes a step, to be written with the next frame.
    pub fn record_step(&mut self, record: StepRecord) {
        self.pending.push(record);
    }

    /// Writes and commits one frame and the steps before it. When this returns, the frame survives a kill.
    ///
    /// # Errors
    /// [`OutputError::Mismatch`] for other fields or metrics than declared, another shape or a time that does not increase: nothing is
    /// written then. [`OutputError::Write`] from the disk, after which only [`TrajectoryWriter::finish`] is of use.
    pub fn write_frame(&mut self, frame: &Frame) -> Result<(), OutputError> {
        self.check(frame)?;
        self.guarded(|writer| writer.append(frame))?;
        self.frames += 1;
        self.last_time = frame.time;
        Ok(())
    }

    /// Writes the remaining steps and the status, and closes the file. After a failed write, what is left of the file is repaired first.
    ///
    /// # Errors
    /// [`OutputError::Write`] from the disk; the committed frames stay readable.
    pub fn finish(mut self, status: Status) -> Result<(), OutputError> {
        let broken = self.broken;
        let steps = match broken {
            true => Ok(()),
            false => self.guarded(|writer| {
                writer.append_steps()?;
                writer
                    .file
                    .flush()
                    .map_err(|error| OutputError::writing(&writer.path, "steps", &error))
            }),
        };
        let path = self.path.clone();
        drop(self);
        if broken || steps.is_err() {
            repair(&path)?;
        }
        // Text of variable length may not be written in the single-writer mode, hence in a second opening.
        let state = write_status(&path, status)
            .map_err(|error| OutputError::writing(&path, "the status", &error));
        steps.and(state)
    }

    /// Runs one write; after a failed one no more are tried, for the library's caches then disagree with the file.
    fn guarded(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<(), OutputError>,
    ) -> Result<(), OutputError> {
        if self.broken {
            return Err(OutputError::Broken {
                path: self.path.clone(),
            });
        }
        let result = write(self);
        self.broken = result.is_err();
        result
    }

    /// Refuses a frame that is not what was declared.
    fn check(&self, frame: &Frame) -> Result<(), OutputError> {
        let mismatch = |found: String, expected: String| {
            Err(OutputError::Mismatch {
                path: self.path.clone(),
                found,
                expected,
            })
        };
        if !(frame.time.is_finite() && frame.time > self.last_time) {
            return mismatch(
                format!("a frame at time {}", frame.time),
                match self.frames {
                    0 => "a finite time".to_owned(),
                    _ => format!("a time after {}", self.last_time),
                },
            );
        }
        let given: Vec<_> = frame.fields.iter().map(|&(name, _)| name.name()).collect();
        let declared: Vec<_> = self.fields.iter().map(|(name, _)| name.name()).collect();
        if !same_names(&given, &declared) {
            return mismatch(
                format!("the fields {}", given.join(", ")),
                declared.join(", "),
            );
        }
        let given: Vec<_> = frame.metrics.iter().map(|&(name, _)| name.name()).collect();
        let declared: Vec<_> = self.metrics.iter().map(|(name, _)| name.name()).collect();
        if !same_names(&given, &declared) {
            return mismatch(
                format!("the metrics {}", given.join(", ")),
                declared.join(", "),
            );
        }
        for (name, field) in frame.fields {
            if field.dim() != self.shape {
                return mismatch(
                    format!("field {} of shape {:?}", name.name(), field.dim()),
                    format!("the grid's {:?}", self.shape),
                );
            }
        }
        Ok(())
    }

    /// Writes all arrays of a frame, flushes, then commits it by its time.
    fn append(&mut self, frame: &Frame) -> Result<(), OutputError> {
        let row = self.frames;
        let failed =
            |what: &str, error: &hdf5::Error| OutputError::writing(&self.path, what, error);
        for (name, dataset) in &self.fields {
            let values = frame.fields.iter().find(|(given, _)| given == name);
            if let Some((_, values)) = values {
                extend(dataset, row + 1)
                    .and_then(|_| write_field(dataset, Some(row), values, self.precision))
                    .map_err(|error| failed(&name.name(), &error))?;
            }
        }
        for (name, dataset) in &self.metrics {
            let value = frame.metrics.iter().find(|(given, _)| given == name);
            if let Some(&(_, value)) = value {
                append_rows(dataset, row, &[value]).map_err(|error| failed(name.name(), &error))?;
            }
        }
        if let Some(offsets) = &self.offsets {
            append_rows(offsets, row, &[row as i64])
                .map_err(|error| failed("VTKHDF offsets", &error))?;
        }
        self.append_steps()?;
        self.commit(row, frame.time)
            .map_err(|error| OutputError::writing(&self.path, format!("frame {row}"), &error))
    }

    /// The commit: what came before reaches the file first, the row of `time` last.
    fn commit(&self, row: usize, time: f64) -> Result<()> {
        self.file.flush()?;
        set_vtk_steps(&self.file, row + 1)?;
        append_rows(&self.time, row, &[time])?;
        self.file.flush()
    }

    /// Writes the steps noted since the last frame.
    fn append_steps(&mut self) -> Result<(), OutputError> {
        let count = self.pending.len();
        if count == 0 {
            return Ok(());
        }
        let write = |dataset: &Dataset, value: &dyn Fn(&StepRecord) -> f64| {
            let values: Vec<f64> = self.pending.iter().map(value).collect();
            append_rows(dataset, self.steps, &values)
                .map_err(|error| OutputError::writing(&self.path, dataset.name(), &error))
        };
        write(&self.step_size, &|record| record.step)?;
        for (name, dataset) in &self.step_columns {
            write(dataset, &|record| {
                let value = record.values.iter().find(|(given, _)| given == name);
                value.map_or(f64::NAN, |&(_, value)| value)
            })?;
        }
        write(&self.step_time, &|record| record.time)?;
        self.steps += count;
        self.pending.clear();
        Ok(())
    }
}

/// Whether both lists hold the same names, in any order.
fn same_names<T: Ord + Clone>(given: &[T], declared: &[T]) -> bool {
    let (mut given, mut declared) = (given.to_vec(), declared.to_vec());
    given.sort();
    declared.sort();
    given == declared
}

/// A shared lock on the file, dropped with the process: none where the file system has no locks, or where locks bind readers (Windows).
fn share(path: &Path) -> Option<fs::File> {
    if cfg!(windows) {
        return None;
    }
    let file = fs::File::open(path).ok()?;
    file.try_lock_shared().ok()?;
    Some(file)
}

/// Gives an array so many rows.
fn extend(dataset: &Dataset, rows: usize) -> Result<()> {
    let mut shape = dataset.get_shape()?;
    if let Some(first) = shape.first_mut() {
        *first = rows;
    }
    dataset.resize(&shape)
}

/// Adds rows to an array with one number a row.
fn append_rows<T: hdf5::H5Type>(dataset: &Dataset, row: usize, values: &[T]) -> Result<()> {
    extend(dataset, row + values.len())?;
    dataset.write_slice(values, row..row + values.len())
}

/// Sets the root attribute `status` of a closed file.
pub(super) fn write_status(path: &Path, status: Status) -> Result<()> {
    let file = File::open_rw(path)?;
    file.attr("status")?
        .write_scalar(&variable_text(status.name())?)?;
    file.close()
}
