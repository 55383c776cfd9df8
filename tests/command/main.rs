//! The program as a user sees it: what it writes, prints and answers, with which exit code.

mod comparison;
mod files;
mod garbage;
#[cfg(unix)]
mod interruption;
mod refusals;
mod run;
mod validation;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use assert_cmd::Command;
use tempfile::TempDir;

/// A flow that both methods and all formats can run in no time.
const SMALL: &str = r#"title = "Small"
[grid]
lower = [-4.0]
upper = [4.0]
cells = [64]
[target]
kind = "gaussian"
mean = [0.0]
std = [1.0]
[initial]
kind = "gaussian"
mean = [0.5]
std = [0.8]
[flow]
divergence = "jensen-shannon"
[time]
method = "explicit"
end = 0.5
[output]
every = 0.1
"#;

/// What a process left behind.
struct Outcome {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Outcome {
    /// The exit code and every part of stderr as expected; prints both if not.
    fn assert_failed(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "{part:?} is not in {:?}",
                self.stderr
            );
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
    }

    fn assert_done(&self) -> &Self {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self
    }
}

/// The arguments of a line without spaces inside arguments.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// The program in a folder, with these arguments.
fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ottoflow"));
    command
        .current_dir(folder)
        .args(arguments)
        .timeout(Duration::from_secs(60));
    command
}

fn outcome(mut command: Command) -> Outcome {
    let output = command.output().unwrap();
    Outcome {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs the program in a folder.
fn ottoflow(folder: &Path, arguments: &[&str]) -> Outcome {
    outcome(command(folder, arguments))
}

/// As [`ottoflow`], on a machine without a driver for any adapter.
fn ottoflow_without_driver(folder: &Path, arguments: &[&str]) -> Outcome {
    let mut command = command(folder, arguments);
    command.envs(["VK_DRIVER_FILES", "VK_ICD_FILENAMES"].map(|name| (name, "/nowhere.json")));
    outcome(command)
}

/// A new folder, for one test at a time: a child process inherits the files that the library has open for another test, and with
/// them their locks.
struct Folder {
    folder: TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Folder {
    fn empty() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        Self {
            folder: tempfile::tempdir().unwrap(),
            _alone: ALONE.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// With the small scenario in it.
    fn with_small() -> Self {
        let folder = Self::empty();
        std::fs::write(folder.path().join("small.toml"), SMALL).unwrap();
        folder
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// A scenario of the repository.
fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("scenarios")
        .join(name)
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
