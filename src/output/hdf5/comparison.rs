//! The file of a comparison: one group an optimizer under `optimizers/` (docs/file-format.md).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use hdf5::file::LibraryVersion;
use hdf5::plist::file_create::{AttrCreationOrder, LinkCreationOrder};
use hdf5::{Extent, File, Group, Result};

use super::arrays::{
    Array, Attachment, add_number, add_text, make, make_scale, new_group, write_attachments,
};
use super::claim::claim;
use super::error::OutputError;
use super::layout::{Header, Precision, Status};
use super::writer::write_status;
use super::{FORMAT, FORMAT_VERSION};

/// An array of one optimizer.
#[derive(Clone, Debug)]
pub struct ComparisonArray<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is.
    pub long_name: &'a str,
    /// Its axes: `seed`, `record_step`, `sample`, `coordinate`.
    pub axes: &'a [&'static str],
    /// Its numbers, the last axis fastest.
    pub values: Vec<f64>,
}

/// All numbers of one optimizer.
#[derive(Clone, Debug)]
pub struct OptimizerGroup<'a> {
    /// The name of the group.
    pub name: &'a str,
    /// The axes: name, meaning and coordinates.
    pub scales: Vec<(&'static str, &'static str, Vec<f64>)>,
    /// The arrays.
    pub arrays: Vec<ComparisonArray<'a>>,
}

/// An open file of a comparison.
///
/// The file is made, with its header, before the runs; dropping the writer without [`ComparisonWriter::finish`] leaves the status
/// `interrupted`.
#[derive(Debug)]
pub struct ComparisonWriter {
    path: PathBuf,
    file: File,
    optimizers: Group,
}

impl ComparisonWriter {
    /// Makes the file at `path` with its header.
    ///
    /// # Errors
    /// [`OutputError::Exists`] unless overwriting is allowed, [`OutputError::Locked`] while another process writes the file,
    /// [`OutputError::Open`] and [`OutputError::Write`] from the disk.
    pub fn create(path: &Path, header: &Header, overwrite: bool) -> Result<Self, OutputError> {
        claim(path, overwrite)?;
        let file = File::with_options()
            .with_fapl(|access| access.libver_bounds(LibraryVersion::V110, LibraryVersion::V110))
            .with_fcpl(|creation| {
                creation
                    .link_creation_order(LinkCreationOrder::Indexed)
                    .attr_creation_order(AttrCreationOrder::Indexed)
            })
            .create(path)
            .map_err(|error| OutputError::opening_hdf5(path, "create", &error))?;
        let optimizers = fill(&file, header)
            .map_err(|error| OutputError::writing(path, "the header", &error))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            optimizers,
        })
    }

    /// Writes one optimizer.
    ///
    /// # Errors
    /// [`OutputError::Mismatch`] for an array whose length is not the product of its axes, [`OutputError::Write`] from the disk.
    pub fn write(&self, group: &OptimizerGroup) -> Result<(), OutputError> {
        for array in &group.arrays {
            let length: usize = shape(group, array).iter().product();
            if array.values.len() != length {
                return Err(OutputError::Mismatch {
                    path: self.path.clone(),
                    found: format!("{} numbers in {}", array.values.len(), array.name),
                    expected: format!("{length} along {}", array.axes.join(", ")),
                });
            }
        }
        write_group(&self.optimizers, group)
            .and_then(|()| self.file.flush())
            .map_err(|error| OutputError::writing(&self.path, group.name, &error))
    }

    /// Writes the status and closes the file.
    ///
    /// # Errors
    /// [`OutputError::Write`] from the disk.
    pub fn finish(self, status: Status) -> Result<(), OutputError> {
        let Self {
            path,
            file,
            optimizers,
        } = self;
        drop(optimizers);
        file.close()
            .and_then(|()| write_status(&path, status))
            .map_err(|error| OutputError::writing(&path, "the status", &error))
    }
}

fn fill(file: &File, header: &Header) -> Result<Group> {
    let created = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    add_text(file, "format", FORMAT)?;
    add_number(file, "format_version", &FORMAT_VERSION)?;
    for (name, text) in [
        ("title", header.title.as_str()),
        ("scenario", header.scenario.as_str()),
        ("program_version", env!("CARGO_PKG_VERSION")),
        ("backend", header.backend.as_str()),
        ("device", header.device.as_str()),
        ("precision", Precision::F64.name()),
        ("status", Status::Interrupted.name()),
        ("created", created.as_str()),
    ] {
        add_text(file, name, text)?;
    }
    new_group(file, "optimizers")
}

fn shape(group: &OptimizerGroup, array: &ComparisonArray) -> Vec<usize> {
    let length = |axis: &&str| {
        let scale = group.scales.iter().find(|(name, ..)| name == axis);
        scale.map_or(0, |(_, _, values)| values.len())
    };
    array.axes.iter().map(length).collect()
}

fn write_group(parent: &Group, group: &OptimizerGroup) -> Result<()> {
    let own = new_group(parent, group.name)?;
    let mut attachments: HashMap<&'static str, Vec<Attachment>> = HashMap::new();
    for (name, long_name, values) in &group.scales {
        let array = Array {
            name,
            long_name,
            precision: Precision::F64,
            axes: &[],
            extents: vec![Extent::from(values.len())],
            chunk: None,
            compressed: false,
        };
        let scale = make(&own, &array, &mut attachments)?;
        scale.write_raw(values)?;
        make_scale(&scale, name)?;
    }
    for array in &group.arrays {
        let shape = shape(group, array);
        let compressed = !array.values.is_empty();
        let made = Array {
            name: array.name,
            long_name: array.long_name,
            precision: Precision::F64,
            axes: array.axes,
            extents: shape.iter().map(|&length| Extent::from(length)).collect(),
            chunk: compressed.then(|| shape.clone()),
            compressed,
        };
        make(&own, &made, &mut attachments)?.write_raw(&array.values)?;
    }
    write_attachments(&own, &attachments)
}

/// Whether a file holds a comparison and not a trajectory.
pub(super) fn is_comparison(file: &File) -> bool {
    file.link_exists("optimizers") && !file.link_exists("time")
}

/// Refuses the file of a comparison where a trajectory is needed.
pub(super) fn refuse(path: &Path, file: &File) -> std::result::Result<(), OutputError> {
    match is_comparison(file) {
        false => Ok(()),
        true => Err(OutputError::Comparison {
            path: path.to_owned(),
        }),
    }
}
