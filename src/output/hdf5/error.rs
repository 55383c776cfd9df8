//! What can go wrong with a trajectory file, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::FORMAT_VERSION;

/// Why a trajectory could not be written or read.
#[derive(Debug, Error)]
pub enum OutputError {
    /// The file is there and may not be replaced.
    #[error("{}: the file exists; replace it with --force, or choose another with -o", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Another process is writing the file.
    #[error("{}: another process has the file open; wait for it to end, or choose another file with -o", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be made or opened.
    #[error("{}: cannot {action} the file: {cause}; {remedy}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// `create`, `open` or `repair`.
        action: &'static str,
        /// What the system said.
        cause: String,
        /// What to do.
        remedy: &'static str,
    },
    /// Writing failed in an open file. Frames committed before stay readable.
    #[error("{}: cannot write {what}: {cause}; {remedy}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The array or attribute.
        what: String,
        /// What the system said.
        cause: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A write failed earlier; this writer takes nothing more.
    #[error("{}: an earlier write failed, so nothing more can be written; the frames before it are in the file", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
    },
    /// The frame or description does not fit what was declared.
    #[error("{}: {found}; expected {expected}", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// What was given.
        found: String,
        /// What was declared.
        expected: String,
    },
    /// The file is something else.
    #[error("{}: not a trajectory of ottoflow: {found}; expected an HDF5 file with the root attribute format = \"ottoflow\"", path.display())]
    NotTrajectory {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: String,
    },
    /// The file holds a comparison, not a trajectory.
    #[error("{}: holds a comparison of optimizers, a trajectory expected; `ottoflow info` and `ottoflow plot` read comparisons", path.display())]
    Comparison {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer program.
    #[error("{}: format_version {found} found, at most {FORMAT_VERSION} expected; open it with a newer ottoflow", path.display())]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// An array or attribute is missing or cannot be read.
    #[error("{}: cannot read {what}: {cause}; try `ottoflow repair`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The array or attribute.
        what: String,
        /// What the system said.
        cause: String,
    },
    /// There is no array of that name.
    #[error("{}: no {kind} {name:?}; {known}", path.display())]
    NoSuch {
        /// The file.
        path: PathBuf,
        /// `field`, `metric` or `optimizer`.
        kind: &'static str,
        /// The name asked for.
        name: String,
        /// The nearest name and all names.
        known: String,
    },
    /// There is no such frame.
    #[error("{}: frame {frame} asked for, but the file holds {frames}, counted from 0", path.display())]
    NoFrame {
        /// The file.
        path: PathBuf,
        /// The frame asked for.
        frame: usize,
        /// The number of committed frames.
        frames: usize,
    },
}

impl OutputError {
    /// An error of the system while `action` ran.
    pub(super) fn opening(path: &Path, action: &'static str, error: &io::Error) -> Self {
        Self::Open {
            path: path.to_owned(),
            action,
            cause: system_message(error),
            remedy: match error.kind() {
                io::ErrorKind::NotFound if action == "create" => "make its folder first",
                io::ErrorKind::NotFound => "check the path",
                io::ErrorKind::IsADirectory => "name a file in it",
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "choose a place with access, with -o for a new file"
                }
                _ => "check the disk, or choose another file",
            },
        }
    }

    /// An error of the library while `action` ran.
    pub(super) fn opening_hdf5(path: &Path, action: &'static str, error: &hdf5::Error) -> Self {
        let cause = cause(error);
        // A lock that another process holds is reported as errno EAGAIN from flock.
        if cause.contains("Resource temporarily unavailable") || cause.contains("unable to lock") {
            return Self::Locked {
                path: path.to_owned(),
            };
        }
        Self::Open {
            path: path.to_owned(),
            action,
            remedy: remedy(&cause),
            cause,
        }
    }

    /// An error of the library while writing `what`.
    pub(super) fn writing(path: &Path, what: impl Into<String>, error: &hdf5::Error) -> Self {
        let cause = cause(error);
        Self::Write {
            path: path.to_owned(),
            what: what.into(),
            remedy: remedy(&cause),
            cause,
        }
    }

    /// An error of the library while reading `what`.
    pub(super) fn reading(path: &Path, what: impl Into<String>, error: &hdf5::Error) -> Self {
        Self::Read {
            path: path.to_owned(),
            what: what.into(),
            cause: cause(error),
        }
    }
}

/// The message without Rust's "(os error 13)".
fn system_message(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((message, _)) => message.to_owned(),
        None => text,
    }
}

/// The innermost reason in the library's stack: the system's message where there is one.
fn cause(error: &hdf5::Error) -> String {
    let Some(stack) = error.stack() else {
        return error.to_string();
    };
    for frame in stack.iter() {
        if let Some((_, rest)) = frame.desc().split_once("error message = '")
            && let Some((message, _)) = rest.split_once('\'')
        {
            return message.to_owned();
        }
    }
    match stack.last() {
        Some(innermost) => innermost.desc().to_owned(),
        None => error.to_string(),
    }
}

/// What to do about a cause that the system named.
fn remedy(cause: &str) -> &'static str {
    if ["No space left", "quota exceeded", "File too large"]
        .iter()
        .any(|&full| cause.contains(full))
    {
        "free space there, or write to another disk with -o"
    } else if cause.contains("ermission denied") || cause.contains("Read-only") {
        "choose a place with access, with -o for a new file"
    } else {
        "check the disk, or choose another file"
    }
}

/// The nearest of the names and all of them, for an error about a name that is not there.
pub(super) fn known_names(name: &str, names: &[String]) -> String {
    let nearest = names
        .iter()
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        .filter(|&(distance, _)| distance <= 3)
        .min();
    let all = names.join(", ");
    match nearest {
        Some((_, nearest)) => format!("did you mean {nearest:?}? The file has: {all}"),
        None => format!("the file has: {all}"),
    }
}
