use std::io::IsTerminal;

use thiserror::Error;

use super::tell;
use crate::flow::FlowError;
use crate::metrics::Unsettled;
use crate::output::hdf5::OutputError;
use crate::output::plots::PlotError;
use crate::scenario::ScenarioError;

/// Why a command did not do what was asked.
#[derive(Debug, Error)]
pub enum CommandError {
    /// The scenario is wrong.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The options do not go together.
    #[error("{0}")]
    Usage(String),
    /// The method could not start or go on; what was computed is in the file.
    #[error("{source}{}", kept(.file))]
    Flow {
        /// What happened.
        source: FlowError,
        /// The file with the frames up to the failure.
        file: Option<std::path::PathBuf>,
    },
    /// The distance of the target to itself could not be computed.
    #[error(transparent)]
    Distance(#[from] Unsettled),
    /// A trajectory file could not be written or read.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A picture could not be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// A file of the program's own could not be written.
    #[error("{}: {source}", path.display())]
    Write {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Results could not be printed.
    #[error("cannot write to standard output: {0}")]
    Stdout(std::io::Error),
    /// The threads could not be started.
    #[error("cannot start the threads: {0}; take fewer with --threads")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// A claim of the theory did not hold.
    #[error("validation failed: {failed}")]
    Validation {
        /// Names of the checks.
        failed: String,
    },
    /// Every run of a comparison failed.
    #[error("every run failed; {} holds what was computed", file.display())]
    AllDiverged {
        /// The file.
        file: std::path::PathBuf,
    },
    /// A comparison stopped by the user; the file is readable and holds all that was computed.
    #[error("interrupted; {} holds all that was computed", file.display())]
    ComparisonInterrupted {
        /// The file.
        file: std::path::PathBuf,
    },
    /// Stopped by the user; the file is readable and holds all that was computed.
    #[error("interrupted at time {time:.6e}; {} holds all that was computed", file.display())]
    Interrupted {
        /// The time reached.
        time: f64,
        /// The trajectory.
        file: std::path::PathBuf,
    },
}

fn kept(file: &Option<std::path::PathBuf>) -> String {
    match file {
        Some(file) => format!("; {} holds all that was computed", file.display()),
        None => String::new(),
    }
}

impl CommandError {
    /// The exit code of the contract.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Validation { .. } => 1,
            Self::Scenario(_) | Self::Usage(_) => 2,
            // Before the first frame it is the scenario that does not fit the method or the format, unless the device failed.
            Self::Flow {
                file: None,
                source: FlowError::Gpu(_),
            } => 3,
            Self::Flow { file: None, .. } => 2,
            // An existing file is a matter of options, not of the disk.
            Self::Output(OutputError::Exists { .. }) => 2,
            Self::Interrupted { .. } | Self::ComparisonInterrupted { .. } => 130,
            _ => 3,
        }
    }

    /// Prints the error on stderr: on a terminal with the place in the scenario drawn, else in one line.
    pub fn report(self) {
        match self {
            Self::Scenario(error) if std::io::stderr().is_terminal() => {
                tell(&format!("{:?}", miette::Report::new(error)));
            }
            error @ (Self::Interrupted { .. } | Self::ComparisonInterrupted { .. }) => {
                tell(&format!("ottoflow: {error}"))
            }
            error => tell(&format!("ottoflow: error: {error}")),
        }
    }
}
