//! The root attributes, which trajectories and comparisons share.

use std::path::Path;

use hdf5::File;
use hdf5::types::VarLenUnicode;

use super::error::OutputError;
use super::layout::Status;
use super::{FORMAT, FORMAT_VERSION};

/// The root attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// The layout, at most [`FORMAT_VERSION`].
    pub format_version: i64,
    /// The scenario's title.
    pub title: String,
    /// The scenario as run, in TOML.
    pub scenario: String,
    /// The version of ottoflow that wrote the file.
    pub program_version: String,
    /// `cpu` or `gpu`.
    pub backend: String,
    /// The processor or adapter.
    pub device: String,
    /// `f64` or `f32`.
    pub precision: String,
    /// When the run began: RFC 3339, UTC.
    pub created: String,
    /// How it ended; `interrupted` while it runs.
    pub status: Status,
}

/// The root attributes, once the file is known to be a trajectory of a version that this program reads.
pub(super) fn read_attributes(path: &Path, file: &File) -> Result<Attributes, OutputError> {
    let not_trajectory = |found: String| OutputError::NotTrajectory {
        path: path.to_owned(),
        found,
    };
    match read_text(file, "format") {
        Ok(format) if format == FORMAT => {}
        Ok(format) => return Err(not_trajectory(format!("its format is {format:?}"))),
        Err(_) => return Err(not_trajectory("an HDF5 file without format".into())),
    }
    let format_version = file
        .attr("format_version")
        .and_then(|attribute| attribute.read_scalar::<i64>())
        .map_err(|error| OutputError::reading(path, "the attribute format_version", &error))?;
    if format_version > FORMAT_VERSION {
        return Err(OutputError::NewerFormat {
            path: path.to_owned(),
            found: format_version,
        });
    }
    let text = |name: &str| {
        read_text(file, name)
            .map_err(|error| OutputError::reading(path, format!("the attribute {name}"), &error))
    };
    let status = text("status")?;
    let status = Status::ALL
        .into_iter()
        .find(|known| known.name() == status)
        .ok_or_else(|| OutputError::Mismatch {
            path: path.to_owned(),
            found: format!("status {status:?}"),
            expected: Status::ALL.map(Status::name).join(", "),
        })?;
    Ok(Attributes {
        format_version,
        title: text("title")?,
        scenario: text("scenario")?,
        program_version: text("program_version")?,
        backend: text("backend")?,
        device: text("device")?,
        precision: text("precision")?,
        created: text("created")?,
        status,
    })
}

/// A text attribute. The binding takes any bytes for UTF-8; those of a damaged file may be none.
pub(super) fn read_text(location: &hdf5::Location, name: &str) -> hdf5::Result<String> {
    let text = location.attr(name)?.read_scalar::<VarLenUnicode>()?;
    match std::str::from_utf8(text.as_bytes()) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(format!("not text: {error}").into()),
    }
}
