//! A disk that fills up costs no committed frame.

use std::path::Path;
use std::process::Command;

use ottoflow::output::hdf5::{OutputError, Precision, Status, Trajectory, repair};
use tempfile::tempdir;

use crate::alone;
use crate::sample::{self, assert_holds_sample};

/// The child of the next test: writes until the disk is full, prints how many frames were committed, then ends the file.
#[test]
#[ignore = "runs only as a child process with a limit on file sizes"]
fn child_that_fills_its_disk() {
    let path = std::env::var("OTTOFLOW_TEST_PATH").unwrap();
    let grid = sample::grid(&[64, 64]);
    let mut writer = sample::create(Path::new(&path), &grid, Precision::F64);
    let mut frame = 0;
    let error = loop {
        match sample::write(&mut writer, &grid, frame) {
            Ok(()) => frame += 1,
            Err(error) => break error,
        }
    };
    let text = error.to_string();
    for word in ["a.h5", "File too large", "free space"] {
        assert!(text.contains(word), "{word:?} is not in {text:?}");
    }
    let again = sample::write(&mut writer, &grid, frame).unwrap_err();
    assert!(matches!(again, OutputError::Broken { .. }));
    println!("committed {frame}");
    // A full disk may have no room for the status either: then that is said, and the file stays as it is.
    if let Err(error) = writer.finish(Status::Failed) {
        assert!(error.to_string().contains("File too large"), "{error}");
    }
}

/// A limit on the size of files gives the same error path as a full disk, without one.
#[test]
fn when_the_disk_fills_up_the_error_says_so_and_the_committed_frames_stay() {
    let _alone = alone();
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 1000; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "full::child_that_fills_its_disk"])
        .args(["--ignored", "--nocapture"])
        .env("OTTOFLOW_TEST_PATH", &path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("committed "));
    let committed: usize = line.unwrap().parse().unwrap();
    assert!(committed > 3);
    let grid = sample::grid(&[64, 64]);
    assert_holds_sample(&Trajectory::open(&path).unwrap(), &grid, committed);
    // Ending the file repairs it where the full disk allows; otherwise this does.
    assert_eq!(repair(&path).unwrap().frames, committed);
    assert_holds_sample(&Trajectory::open(&path).unwrap(), &grid, committed);
    assert!(repair(&path).unwrap().nothing_to_do());
}
