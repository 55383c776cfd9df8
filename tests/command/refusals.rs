//! Runs that cannot start, and runs that fail on their way: the exit code, the words, and what is left in the file.

use std::path::Path;

use ottoflow::output::hdf5::{Status, Trajectory};

use crate::{Folder, SMALL, names, ottoflow, ottoflow_without_driver, shipped, words};

#[test]
fn a_missing_adapter_is_a_failure_of_the_device() {
    let folder = Folder::with_small();
    let outcome = ottoflow_without_driver(folder.path(), &words("run small.toml --backend gpu"));
    let message = "no GPU: looked for a hardware or software adapter through Vulkan, Metal and Direct3D 12, found no adapter at all; install the driver of the GPU, or run on the CPU (--backend cpu)";
    outcome.assert_failed(3, &[message]);
    assert_eq!(names(folder.path()), ["small.toml"]);
}

#[test]
fn options_that_do_not_go_together_are_refused_with_a_way_out() {
    let folder = Folder::with_small();
    let implicit = r#"run small.toml --set time.method=implicit"#;
    let jko = r#"run small.toml --set time.method=jko --set time.step=0.1"#;
    let elimination = "in 1-D a linear system is eliminated cell after cell, on the CPU: there is nothing in it for a GPU; use --backend cpu";
    let double = "leave --precision out, use --precision f64, or method = \"explicit\"";
    // Not for want of an adapter.
    for method in [implicit, jko] {
        let line = format!("{method} --backend gpu");
        ottoflow_without_driver(folder.path(), &words(&line)).assert_failed(2, &[elimination]);
    }
    for (line, message) in [
        (format!("{implicit} --backend gpu"), elimination),
        (format!("{implicit} --backend gpu --precision f32"), double),
        (format!("{implicit} --precision f32"), double),
        (format!("{jko} --backend gpu"), elimination),
        (format!("{jko} --precision f32"), double),
        (
            "run small.toml --backend gpu --precision f64".into(),
            "--precision f64 runs on the CPU only; leave --precision out, or use --backend cpu",
        ),
        (
            "run small.toml -o .".into(),
            ".: is a folder; name a file in it",
        ),
    ] {
        ottoflow(folder.path(), &words(&line)).assert_failed(2, &[message]);
    }
    assert_eq!(names(folder.path()), ["small.toml"]);
}

#[test]
fn a_scenario_that_does_not_fit_its_method_is_refused_before_a_file_is_made() {
    let folder = Folder::with_small();
    let line = "run small.toml --backend cpu --set time.step=0.1";
    let parts = [
        "time.step = 1.0000e-1 is above ",
        "the largest step at which the explicit method is monotone",
        "take a smaller step, leave `step` out, or use method = \"implicit\"",
    ];
    ottoflow(folder.path(), &words(line)).assert_failed(2, &parts);

    let line = "run small.toml --backend cpu --precision f32 --set target.std=[0.1]";
    let parts = [
        "is beyond what f32 can hold",
        "at cell (",
        "`floor`",
        "method = \"implicit\"",
    ];
    ottoflow(folder.path(), &words(line)).assert_failed(2, &parts);
    assert_eq!(names(folder.path()), ["small.toml"]);
}

#[test]
fn a_wrong_scenario_is_named_with_line_and_column() {
    let folder = Folder::with_small();
    let misspelt = SMALL.replace("divergence =", "divergense =");
    let unknown = SMALL.replace("jensen-shannon", "jensen-shanon");
    let unclosed = SMALL.replace("cells = [64]", "cells = [64");
    for (name, text, parts) in [
        (
            "key.toml",
            misspelt,
            &[
                "key.toml:15:1: flow.divergense: unknown key",
                "did you mean \"divergence\"?",
            ],
        ),
        (
            "name.toml",
            unknown,
            &[
                "name.toml:15:14: flow.divergence: found \"jensen-shanon\"",
                "did you mean \"jensen-shannon\"?",
            ],
        ),
        ("syntax.toml", unclosed, &["syntax.toml:", "not valid TOML"]),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
        ottoflow(folder.path(), &["run", name]).assert_failed(2, parts);
    }
    let line = "run small.toml --set time.end=-1";
    ottoflow(folder.path(), &words(line)).assert_failed(2, &["--set time.end=-1: time.end: "]);
    let outcome = ottoflow(folder.path(), &words("run nowhere.toml"));
    outcome.assert_failed(2, &["nowhere.toml: cannot read the file"]);
}

#[test]
fn an_output_that_cannot_be_made_is_a_failure_of_the_disk() {
    let folder = Folder::with_small();
    let line = "run small.toml --backend cpu -o nowhere/a.h5";
    let parts = [
        "nowhere/a.h5: cannot create the file",
        "make its folder first",
    ];
    ottoflow(folder.path(), &words(line)).assert_failed(3, &parts);
    // A file where a folder should be.
    let line = "run small.toml --backend cpu -o small.toml/a.h5";
    let parts = ["small.toml/a.h5: cannot create the file"];
    ottoflow(folder.path(), &words(line)).assert_failed(3, &parts);
    assert_eq!(names(folder.path()), ["small.toml"]);
}

#[test]
fn pictures_that_cannot_be_drawn_leave_the_trajectory_complete() {
    let folder = Folder::with_small();
    let line = "run small.toml --backend cpu --plots small.toml/pictures";
    let outcome = ottoflow(folder.path(), &words(line));
    outcome.assert_failed(3, &["small.toml/pictures"]);
    let trajectory = Trajectory::open(&folder.path().join("small.h5")).unwrap();
    assert_eq!(trajectory.status(), Status::Complete);
    assert_eq!(trajectory.frames(), 6);
}

fn assert_failed_with_frames(file: &Path, times: &[f64]) {
    let trajectory = Trajectory::open(file).unwrap();
    assert_eq!(trajectory.status(), Status::Failed);
    assert_eq!(trajectory.times(), times);
    for frame in 0..times.len() {
        let density = trajectory.field("density", frame).unwrap();
        let mass = density.sum() * trajectory.grid().cell_volume();
        assert!((mass - 1.0).abs() < 1e-6, "frame {frame}: mass {mass}");
    }
}

/// Up to 0.002 the explicit method has no trouble; from there to 10¹² it would never end.
#[test]
fn a_run_that_fails_on_its_way_keeps_the_frames_before() {
    let folder = Folder::with_small();
    let text = SMALL
        .replace("end = 0.5", "end = 1e12")
        .replace("every = 0.1", "times = [0.001, 0.002]");
    std::fs::write(folder.path().join("late.toml"), text).unwrap();
    let outcome = ottoflow(folder.path(), &words("run late.toml --backend cpu"));
    let parts = [
        "would need ",
        "steps to time 1.0000e12",
        "use method = \"implicit\"",
        "late.h5 holds all that was computed",
    ];
    outcome.assert_failed(3, &parts);
    assert_failed_with_frames(&folder.path().join("late.h5"), &[0.0, 0.001, 0.002]);
}

/// The first step from a narrow start goes further than the cells beside the floor can follow.
#[test]
fn a_jko_step_that_cannot_be_certified_ends_the_run_with_its_gap() {
    let folder = Folder::empty();
    let text = r#"
title = "Narrow start"
[grid]
lower = [0.0, 0.0]
upper = [1.0, 1.0]
cells = [32, 32]
[target]
kind = "gaussian"
mean = [0.3, 0.3]
std = [0.1, 0.1]
floor = 1e-6
[initial]
kind = "gaussian"
mean = [0.75, 0.6]
std = [0.05, 0.05]
[flow]
divergence = "jensen-shannon"
[time]
method = "jko"
end = 0.2
step = 0.1
"#;
    std::fs::write(folder.path().join("narrow.toml"), text).unwrap();
    let outcome = ottoflow(folder.path(), &words("run narrow.toml --backend cpu"));
    let parts = [
        "the JKO step from time 0.000000e0 by ",
        "is certified to a duality gap of ",
        "is allowed",
        "take a smaller `step` or a larger `gap`, or give a `tolerance`",
        "narrow.h5 holds all that was computed",
    ];
    outcome.assert_failed(3, &parts);
    assert_failed_with_frames(&folder.path().join("narrow.h5"), &[0.0]);
}

/// ψ = r² with r up to e⁵⁰ is beyond f32 and well within f64.
#[test]
fn a_run_that_diverges_in_single_precision_says_where_and_runs_in_double() {
    let folder = Folder::with_small();
    let text = SMALL
        .replace("jensen-shannon", "chi-squared")
        .replace("mean = [0.5]\nstd = [0.8]", "mean = [3.0]\nstd = [0.1]")
        .replace("mean = [0.0]\nstd = [1.0]", "mean = [-7.0]\nstd = [1.0]")
        .replace("end = 0.5", "end = 1e-29\nstep = 1e-30")
        .replace("every = 0.1", "times = []");
    std::fs::write(folder.path().join("steep.toml"), text).unwrap();
    let single = "run steep.toml --backend cpu --precision f32 -o single.h5";
    let parts = [
        "the ratio r = ρ/π became ",
        "at cell (",
        "at x = ",
        "between times 0.000000e0 and 1.000000e-29",
        "use f64",
        "single.h5 holds all that was computed",
    ];
    ottoflow(folder.path(), &words(single)).assert_failed(3, &parts);
    assert_failed_with_frames(&folder.path().join("single.h5"), &[0.0]);
    let double = "run steep.toml --backend cpu --precision f64 -o double.h5";
    ottoflow(folder.path(), &words(double)).assert_done();
}

/// A limit on the size of files gives the same error path as a full disk, without one.
#[cfg(unix)]
#[test]
fn a_full_disk_ends_the_run_and_keeps_the_frames_before() {
    let folder = Folder::empty();
    let scenario = shipped("one-to-two.toml");
    let output = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 1000; exec \"$0\" \"$@\""])
        .args([env!("CARGO_BIN_EXE_ottoflow"), "run"])
        .arg(scenario)
        .args(words(
            "-o full.h5 --set grid.cells=[20000] --set time.end=0.1 --set output.every=0.01",
        ))
        .current_dir(folder.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    for part in [
        "full.h5: cannot write ",
        "File too large",
        "free space there",
    ] {
        assert!(stderr.contains(part), "{part:?} is not in {stderr:?}");
    }
    let file = folder.path().join("full.h5");
    let trajectory = Trajectory::open(&file).unwrap();
    assert_ne!(trajectory.status(), Status::Complete);
    assert!(
        (1..11).contains(&trajectory.frames()),
        "{}",
        trajectory.frames()
    );
    for frame in 0..trajectory.frames() {
        let mass =
            trajectory.field("density", frame).unwrap().sum() * trajectory.grid().cell_volume();
        assert!((mass - 1.0).abs() < 1e-12, "frame {frame}: mass {mass}");
    }
}
