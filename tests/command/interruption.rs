//! A run that is interrupted, or killed, leaves a file that opens and holds what was computed.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use ottoflow::output::hdf5::{Status, Trajectory};

use crate::{Folder, names, ottoflow, shipped, words};

/// A process that ends with the test.
struct Run(Child);

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Run {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_ottoflow"))
            .args(arguments)
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        Self(child.unwrap())
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.0.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    /// Waits until the file holds so many frames.
    fn wait_for_frames(&mut self, file: &Path, frames: usize) {
        let begin = Instant::now();
        loop {
            let found = Trajectory::open(file).map_or(0, |trajectory| trajectory.frames());
            if found >= frames {
                return;
            }
            assert!(self.0.try_wait().unwrap().is_none(), "ended on its own");
            assert!(begin.elapsed() < Duration::from_secs(60), "{found} frames");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for the end; the exit status and stderr.
    fn end(mut self) -> (ExitStatus, String) {
        let begin = Instant::now();
        let status = loop {
            match self.0.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(begin.elapsed() < Duration::from_secs(60), "it goes on"),
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let mut stderr = String::new();
        let mut pipe = self.0.stderr.take().unwrap();
        std::io::Read::read_to_string(&mut pipe, &mut stderr).unwrap();
        (status, stderr)
    }
}

/// Minutes of tiny steps, a frame every few of them.
const LONG: &str = "run small.toml --backend cpu -o long.h5 --set time.method=implicit --set time.step=1e-7 --set output.every=1e-5";

fn assert_interrupted_by(signal: &str) {
    let folder = Folder::with_small();
    let file = folder.path().join("long.h5");
    let mut run = Run::start(folder.path(), &words(LONG));
    run.wait_for_frames(&file, 3);
    run.signal(signal);
    let (status, stderr) = run.end();
    assert_eq!(status.code(), Some(130), "{stderr}");

    let trajectory = Trajectory::open(&file).unwrap();
    assert_eq!(trajectory.status(), Status::Interrupted);
    let frames = trajectory.frames();
    assert!(frames >= 3);
    // Frames at the output times, and one more at the time reached, which is that of the last step.
    let times = trajectory.times();
    for (frame, time) in times[..frames - 1].iter().enumerate() {
        assert!((time - 1e-5 * frame as f64).abs() < 1e-12, "{times:?}");
    }
    let steps = trajectory.steps().unwrap();
    let step_times = &steps.iter().find(|(name, _)| name == "time").unwrap().1;
    assert_eq!(step_times.last(), times.last());
    let density = trajectory.field("density", frames - 1).unwrap();
    let mass = density.sum() * trajectory.grid().cell_volume();
    assert!((mass - 1.0).abs() < 1e-12, "{mass}");
    let reached = format!(
        "interrupted at time {:.6e}; long.h5 holds",
        times[frames - 1]
    );
    assert!(stderr.contains(&reached), "{reached:?} in {stderr}");
    drop(trajectory);

    // Whole for every reader: nothing to repair, and opened as it is.
    hdf5::File::open(&file).unwrap();
    let outcome = ottoflow(folder.path(), &words("repair long.h5"));
    assert!(
        outcome
            .assert_done()
            .stdout
            .ends_with("nothing to repair\n")
    );
}

#[test]
fn sigint_ends_a_run_with_the_state_reached() {
    assert_interrupted_by("INT");
}

#[test]
fn sigterm_ends_a_run_with_the_state_reached() {
    assert_interrupted_by("TERM");
}

/// One step of a large problem takes seconds: the first signal waits for its end, the second does not.
#[test]
fn a_second_signal_ends_a_run_at_once() {
    let folder = Folder::empty();
    let file = folder.path().join("large.h5");
    let scenario = shipped("gaussian-3d.toml");
    let mut arguments = vec!["run", scenario.to_str().unwrap(), "-o", "large.h5"];
    arguments.extend(words(
        r#"--backend cpu --set grid.cells=[96,96,96] --set time={method="implicit",end=1.0,step=1.0}"#,
    ));
    let mut run = Run::start(folder.path(), &arguments);
    run.wait_for_frames(&file, 1);
    run.signal("INT");
    std::thread::sleep(Duration::from_millis(200));
    assert!(
        run.0.try_wait().unwrap().is_none(),
        "the step was too short for this test"
    );
    run.signal("INT");
    let begin = Instant::now();
    let (status, stderr) = run.end();
    let waited = begin.elapsed();
    assert_eq!(status.code(), Some(130), "{stderr}");
    assert!(waited < Duration::from_millis(500), "{waited:?}");
    assert!(stderr.contains("ottoflow repair large.h5"), "{stderr}");
    let trajectory = Trajectory::open(&file).unwrap();
    assert_eq!(trajectory.status(), Status::Interrupted);
    assert_eq!(trajectory.times(), [0.0]);
}

#[test]
fn a_killed_run_keeps_its_frames_and_repair_says_what_it_did() {
    let folder = Folder::with_small();
    let file = folder.path().join("long.h5");
    let mut run = Run::start(folder.path(), &words(LONG));
    run.wait_for_frames(&file, 3);
    run.signal("KILL");
    let (status, _) = run.end();
    assert_eq!(status.code(), None);

    let trajectory = Trajectory::open(&file).unwrap();
    assert_eq!(trajectory.status(), Status::Interrupted);
    let frames = trajectory.frames();
    assert!(frames >= 3);
    drop(trajectory);
    for line in [
        "info long.h5",
        "plot long.h5 -o pictures",
        "diff long.h5 long.h5",
    ] {
        ottoflow(folder.path(), &words(line)).assert_done();
    }

    let outcome = ottoflow(folder.path(), &words("repair long.h5"));
    let said = format!("long.h5: {frames} frames; cleared the mark of an open file");
    assert!(
        outcome.assert_done().stdout.starts_with(&said),
        "{}",
        outcome.stdout
    );
    hdf5::File::open(&file).unwrap();
    assert_eq!(Trajectory::open(&file).unwrap().frames(), frames);
    let outcome = ottoflow(folder.path(), &words("repair long.h5"));
    assert_eq!(
        outcome.assert_done().stdout,
        format!("long.h5: {frames} frames, nothing to repair\n")
    );
    assert_eq!(names(folder.path()), ["long.h5", "pictures", "small.toml"]);
}

#[test]
fn a_file_that_is_being_written_can_be_looked_at_and_not_be_replaced() {
    let folder = Folder::with_small();
    let file = folder.path().join("long.h5");
    let mut run = Run::start(folder.path(), &words(LONG));
    run.wait_for_frames(&file, 2);
    ottoflow(folder.path(), &words("info long.h5")).assert_done();
    let refused = "another process has the file open";
    ottoflow(folder.path(), &words("repair long.h5")).assert_failed(3, &[refused]);
    let again = format!("{LONG} --force");
    ottoflow(folder.path(), &words(&again)).assert_failed(3, &[refused]);
    run.signal("INT");
    assert_eq!(run.end().0.code(), Some(130));
}

/// A comparison that is interrupted ends soon, says so, and its file opens.
#[test]
fn an_interrupted_comparison_ends_at_once_with_130() {
    let folder = Folder::empty();
    let scenario = shipped("generators/gaussian-1d.toml");
    let arguments = [
        "compare",
        scenario.to_str().unwrap(),
        "--set",
        "training.steps=10000000",
        "-q",
        "-o",
        "long.h5",
    ];
    let file = folder.path().join("long.h5");
    let mut run = Run::start(folder.path(), &arguments);
    let begin = Instant::now();
    while !file.exists() {
        assert!(run.0.try_wait().unwrap().is_none(), "ended on its own");
        assert!(begin.elapsed() < Duration::from_secs(60), "no file");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    run.signal("INT");
    let (status, stderr) = run.end();
    assert_eq!(status.code(), Some(130), "{stderr}");
    assert!(
        stderr.contains("interrupted; long.h5 holds all that was computed"),
        "{stderr}"
    );
    let file = hdf5::File::open(file).unwrap();
    let status: hdf5::types::VarLenUnicode = file.attr("status").unwrap().read_scalar().unwrap();
    assert_eq!(status.as_str(), "interrupted");
    let array = file.dataset("optimizers/Adam/loss_generator").unwrap();
    assert_eq!(array.shape()[0], 8);
}
