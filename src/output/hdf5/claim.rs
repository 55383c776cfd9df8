//! What is checked before a trajectory is made: the description, and the right to the file.

use std::fs::{OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use super::error::OutputError;
use super::layout::Description;

/// Refuses a description that names an array twice, an axis that is not there or a target of another shape.
pub(super) fn check(path: &Path, description: &Description) -> Result<(), OutputError> {
    let mismatch = |found: String, expected: String| {
        Err(OutputError::Mismatch {
            path: path.to_owned(),
            found,
            expected,
        })
    };
    let grid = description.grid;
    if description.target.dim() != grid.shape() {
        return mismatch(
            format!("a target of shape {:?}", description.target.dim()),
            format!("the grid's {:?}", grid.shape()),
        );
    }
    let mut names: Vec<String> = description
        .fields
        .iter()
        .map(|field| field.name())
        .collect();
    names.extend(description.metrics.iter().map(|name| name.name().into()));
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            return mismatch(format!("{name} twice"), "each name once".into());
        }
    }
    for (index, column) in description.step_columns.iter().enumerate() {
        if description.step_columns[..index].contains(column) {
            return mismatch(
                format!("step column {} twice", column.name()),
                "each name once".into(),
            );
        }
    }
    for field in description.fields {
        if field
            .component()
            .is_some_and(|axis| axis >= grid.dimension())
        {
            return mismatch(
                format!("field {}", field.name()),
                format!("a component of a grid with {} axes", grid.dimension()),
            );
        }
    }
    Ok(())
}

/// Makes sure that the file can be written and belongs to no running writer, with the system's own words when not.
pub(super) fn claim(path: &Path, overwrite: bool) -> Result<(), OutputError> {
    let opened = if overwrite {
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
    } else {
        OpenOptions::new().write(true).create_new(true).open(path)
    };
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(OutputError::Exists {
                path: path.to_owned(),
            });
        }
        Err(error) => return Err(OutputError::opening(path, "create", &error)),
    };
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(OutputError::Locked {
            path: path.to_owned(),
        }),
        // A file system without locks is no reason not to write; the lock ends here, where the library takes its own.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}
