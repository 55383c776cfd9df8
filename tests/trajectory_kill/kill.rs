//! A run killed at any moment loses no committed frame.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use ottoflow::grid::Grid;
use ottoflow::output::hdf5::{OutputError, Precision, Status, Trajectory, repair};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::tempdir;

use crate::alone;
use crate::sample::{self, assert_holds_sample, python_folder};

/// What the child writes.
#[derive(Clone, Copy)]
enum Run {
    /// Frames of one small chunk, a known number of them.
    Small,
    /// The same, of unknown number.
    OpenEnded,
    /// Frames of two chunks of 576 KB.
    Large,
}

impl Run {
    const ALL: [Self; 3] = [Self::Small, Self::OpenEnded, Self::Large];

    fn grid(self) -> Grid {
        match self {
            Self::Small | Self::OpenEnded => sample::grid(&[24, 20]),
            Self::Large => sample::grid(&[400, 360]),
        }
    }
}

/// The child of the tests below: writes frames until it is killed and says so after each commit.
#[test]
#[ignore = "runs only as a child process, until it is killed"]
fn child_that_writes_until_killed() {
    let path = std::env::var("OTTOFLOW_TEST_PATH").unwrap();
    let number: usize = std::env::var("OTTOFLOW_TEST_RUN").unwrap().parse().unwrap();
    let run = Run::ALL[number];
    let grid = run.grid();
    let mut writer = match run {
        Run::Small => sample::create(Path::new(&path), &grid, Precision::F64),
        Run::OpenEnded | Run::Large => sample::create_open_ended(Path::new(&path), &grid),
    };
    for frame in 0.. {
        sample::write(&mut writer, &grid, frame).unwrap();
        println!("committed {}", frame + 1);
        std::io::stdout().flush().unwrap();
    }
}

/// A command that starts the child.
fn child(path: &Path, run: Run) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "kill::child_that_writes_until_killed"])
        .args(["--ignored", "--nocapture"])
        .env("OTTOFLOW_TEST_PATH", path)
        .env("OTTOFLOW_TEST_RUN", (run as usize).to_string())
        .stdout(Stdio::piped());
    command
}

/// Starts the child, kills it a while after so many commits and returns how many it had reported.
fn run_and_kill(path: &Path, run: Run, commits: usize, delay: Duration) -> usize {
    let mut child = child(path, run).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut committed = 0;
    let mut note = |line: String| {
        if let Some((_, count)) = line.split_once("committed ") {
            committed = count.parse().unwrap();
        }
        committed
    };
    while note(lines.next().unwrap().unwrap()) < commits {}
    std::thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap();
    // What it reported in the meantime was committed too; the kill may have torn the last line.
    for line in lines.map_while(Result::ok) {
        note(line);
    }
    committed
}

/// Asserts that every reader can open a repaired file: the plain library opens it, and all arrays have one row a frame.
fn assert_plain(path: &Path, frames: usize) {
    let file = hdf5::File::open(path).unwrap();
    for name in file.member_names().unwrap() {
        if let Ok(dataset) = file.dataset(&name)
            && dataset.is_resizable()
        {
            assert_eq!(dataset.shape()[0], frames, "{name}");
        }
    }
    let steps = file.group("VTKHDF/Steps").unwrap();
    let told: i64 = steps.attr("NSteps").unwrap().read_scalar().unwrap();
    assert_eq!(told, frames as i64);
    let offsets = steps.dataset("CellDataOffsets/density").unwrap();
    assert_eq!(offsets.shape(), [frames]);
}

#[test]
fn a_run_killed_at_any_moment_keeps_every_committed_frame() {
    let _alone = alone();
    let folder = tempdir().unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(20);
    let mut ahead = 0;
    for trial in 0.. {
        // Where a kill falls is up to the system: at least 30, and as many as it takes for one to fall inside a frame.
        if trial >= 30 && ahead > 0 {
            break;
        }
        assert!(
            trial < 1000,
            "no kill fell inside a frame: the test shows nothing"
        );
        let path = folder.path().join(format!("{trial}.h5"));
        let run = Run::ALL[trial % 3];
        let grid = run.grid();
        // A frame takes about 1 ms on the small grid and 30 ms on the large one.
        let (longest, most) = match run {
            Run::Small | Run::OpenEnded => (4_000, 40),
            Run::Large => (60_000, 4),
        };
        let delay = Duration::from_micros(random.random_range(0..longest));
        let commits = random.random_range(1..most);
        let committed = run_and_kill(&path, run, commits, delay);

        let trajectory = Trajectory::open(&path).unwrap();
        let frames = trajectory.frames();
        // The kill may fall between the commit and its report.
        assert!(
            (committed..=committed + 1).contains(&frames),
            "{frames} of {committed}"
        );
        assert_eq!(trajectory.status(), Status::Interrupted);
        assert_holds_sample(&trajectory, &grid, frames);
        assert!(trajectory.steps().unwrap()[0].1.len() >= 2 * frames);
        drop(trajectory);

        let report = repair(&path).unwrap();
        assert_eq!(report.frames, frames);
        assert!(report.header_cleared);
        ahead += usize::from(!report.cut.is_empty());
        assert_plain(&path, frames);
        let trajectory = Trajectory::open(&path).unwrap();
        assert_holds_sample(&trajectory, &grid, frames);
        drop(trajectory);
        assert!(repair(&path).unwrap().nothing_to_do());
    }
}

#[test]
fn a_killed_and_repaired_file_is_left_for_the_python_readers() {
    let _alone = alone();
    let path = python_folder().join("2d-f64-killed.h5");
    let _ = std::fs::remove_file(&path);
    let committed = run_and_kill(&path, Run::Small, 5, Duration::from_micros(700));
    assert!(repair(&path).unwrap().frames >= committed);
}

#[test]
fn a_running_file_shows_its_committed_frames_to_another_process_and_cannot_be_repaired() {
    let _alone = alone();
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let mut child = child(&path, Run::Small).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while !lines.next().unwrap().unwrap().ends_with("committed 3") {}
    let trajectory = Trajectory::open(&path).unwrap();
    assert!(trajectory.frames() >= 3);
    assert_holds_sample(&trajectory, &Run::Small.grid(), trajectory.frames());
    let error = repair(&path).unwrap_err();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(matches!(error, OutputError::Locked { .. }), "{error}");
}
