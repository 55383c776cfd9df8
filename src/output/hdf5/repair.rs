//! Making a file that a killed run left behind one that every reader opens.

use std::fmt;
use std::fs;
use std::path::Path;

use hdf5::{Dataset, File, Group};

use super::create::set_vtk_steps;
use super::error::OutputError;
use super::raw;
use super::reader::{Trajectory, check_signature, read_row};

/// What [`repair`] found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepairReport {
    /// The frames in the file.
    pub frames: usize,
    /// Whether the header still said that the file was open for writing.
    pub header_cleared: bool,
    /// Arrays that were longer than the committed frames, and by how many rows.
    pub cut: Vec<(String, usize)>,
    /// The number of frames that ParaView was told, where it was another.
    pub vtk_steps: Option<usize>,
}

impl RepairReport {
    /// Whether the file was whole and was left alone.
    pub fn nothing_to_do(&self) -> bool {
        !self.header_cleared && self.cut.is_empty() && self.vtk_steps.is_none()
    }
}

impl fmt::Display for RepairReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.frames {
            1 => write!(f, "1 frame")?,
            frames => write!(f, "{frames} frames")?,
        }
        if self.nothing_to_do() {
            return write!(f, ", nothing to repair");
        }
        if self.header_cleared {
            write!(f, "; cleared the mark of an open file")?;
        }
        for (name, rows) in &self.cut {
            write!(f, "; cut {name} by {rows}")?;
        }
        if let Some(steps) = self.vtk_steps {
            write!(f, "; set the frames for ParaView from {steps}")?;
        }
        Ok(())
    }
}

/// Clears what a killed writer left in the header and cuts every array to the committed frames. Harmless when repeated.
///
/// # Errors
/// [`OutputError::Locked`] while the file is being written, those of [`Trajectory::open`], and [`OutputError::Write`].
pub fn repair(path: &Path) -> Result<RepairReport, OutputError> {
    check_signature(path, "repair")?;
    check_unused(path)?;
    let opening = |error: hdf5::Error| OutputError::opening_hdf5(path, "repair", &error);
    let (file, marked) = match File::open(path) {
        Ok(file) => (file, false),
        Err(_) => (raw::open_marked(path, false).map_err(opening)?, true),
    };
    // A file that is no trajectory, or one that needs nothing, is not touched.
    let report = examine(path, file, marked)?;
    if report.nothing_to_do() {
        return Ok(report);
    }
    let file = raw::open_marked(path, true).map_err(opening)?;
    if marked {
        // The killed writer may have written blocks beyond the end that the header records.
        raw::cover_whole_file(&file)
            .map_err(|error| OutputError::writing(path, "the header", &error))?;
    }
    let report = examine(path, file.clone(), marked)?;
    cut(&file, &report).map_err(|error| OutputError::writing(path, "shorter arrays", &error))?;
    file.close()
        .map_err(|error| OutputError::writing(path, "the repaired file", &error))?;
    Ok(report)
}

/// Refuses a file that a living process writes.
fn check_unused(path: &Path) -> Result<(), OutputError> {
    let file =
        fs::File::open(path).map_err(|error| OutputError::opening(path, "repair", &error))?;
    match file.try_lock() {
        Err(fs::TryLockError::WouldBlock) => Err(OutputError::Locked {
            path: path.to_owned(),
        }),
        Ok(()) | Err(fs::TryLockError::Error(_)) => Ok(()),
    }
}

/// What there is to do.
fn examine(path: &Path, file: File, marked: bool) -> Result<RepairReport, OutputError> {
    let reading = |error: hdf5::Error| OutputError::reading(path, "the arrays", &error);
    let root = file.clone();
    let trajectory = Trajectory::from_file(path, file)?;
    let names: Vec<&String> = trajectory
        .field_names()
        .iter()
        .chain(trajectory.metric_names())
        .collect();
    let mut frames = trajectory.frames();
    while frames > 0 && !readable(&root, &names, frames - 1) {
        frames -= 1;
    }
    let mut lengths = Vec::new();
    for name in names {
        lengths.push((name.clone(), frames));
    }
    // All names there are links to one list.
    if let Some(name) = trajectory.field_names().first() {
        lengths.push((format!("VTKHDF/Steps/CellDataOffsets/{name}"), frames));
    }
    let steps = trajectory.steps()?;
    let rows = steps.first().map_or(0, |(_, values)| values.len());
    for (name, _) in &steps {
        lengths.push((format!("steps/{name}"), rows));
    }
    lengths.push(("time".to_owned(), frames));
    let mut report = RepairReport {
        frames,
        header_cleared: marked,
        cut: Vec::new(),
        vtk_steps: None,
    };
    for (name, length) in lengths {
        let found = rows_of(&root, &name).map_err(reading)?;
        if found > length {
            report.cut.push((name, found - length));
        }
    }
    let told: i64 = root
        .group("VTKHDF/Steps")
        .and_then(|group| group.attr("NSteps"))
        .and_then(|attribute| attribute.read_scalar())
        .map_err(reading)?;
    if told != frames as i64 {
        report.vtk_steps = Some(usize::try_from(told).unwrap_or(0));
    }
    Ok(report)
}

/// Whether every array gives its values in a frame.
fn readable(group: &Group, names: &[&String], row: usize) -> bool {
    names.iter().all(|name| {
        let values = group
            .dataset(name)
            .and_then(|dataset| read_row(&dataset, row));
        values.is_ok()
    })
}

/// The length of an array along its first axis.
fn rows_of(group: &Group, name: &str) -> hdf5::Result<usize> {
    let shape = group.dataset(name)?.get_shape()?;
    Ok(shape.first().copied().unwrap_or(0))
}

/// Carries out a report.
fn cut(file: &File, report: &RepairReport) -> hdf5::Result<()> {
    // `time` is last in the list, and ParaView's count comes after it: it must never be below the rows of `time`.
    for (name, surplus) in &report.cut {
        let dataset: Dataset = file.dataset(name)?;
        let mut shape = dataset.get_shape()?;
        if let Some(rows) = shape.first_mut() {
            *rows -= surplus;
        }
        dataset.resize(&shape)?;
    }
    if report.vtk_steps.is_some() {
        set_vtk_steps(file, report.frames)?;
    }
    file.flush()
}
