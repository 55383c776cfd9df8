//! `ottoflow run`: what it writes, where, and what it says.

use std::path::Path;

use ottoflow::grid::Field;
use ottoflow::output::hdf5::{Status, Trajectory};
use ottoflow::scenario;

use crate::{Folder, Outcome, names, ottoflow, ottoflow_without_driver, shipped, words};

fn densities(file: &Path) -> Vec<Field> {
    let trajectory = Trajectory::open(file).unwrap();
    (0..trajectory.frames())
        .map(|frame| trajectory.field("density", frame).unwrap())
        .collect()
}

/// Every number of two trajectories, bit by bit.
fn assert_same_numbers(first: &Path, second: &Path) {
    let (a, b) = (
        Trajectory::open(first).unwrap(),
        Trajectory::open(second).unwrap(),
    );
    assert_eq!(a.times(), b.times());
    assert_eq!(a.steps().unwrap(), b.steps().unwrap());
    assert_eq!(a.metric_names(), b.metric_names());
    for name in a.metric_names() {
        assert_eq!(a.metric(name).unwrap(), b.metric(name).unwrap(), "{name}");
    }
    assert_eq!(densities(first), densities(second));
}

/// The value of a row of the summary.
fn row<'a>(outcome: &'a Outcome, name: &str) -> &'a str {
    let line = outcome
        .stdout
        .lines()
        .find(|line| line.starts_with(&format!("{name}  ")));
    let line = line.unwrap_or_else(|| panic!("no {name:?} in {}", outcome.stdout));
    line[name.len()..].trim()
}

#[test]
fn a_run_leaves_a_trajectory_and_pictures_and_prints_a_summary() {
    let folder = Folder::empty();
    let scenario = shipped("one-to-two.toml");
    let arguments = ["run", scenario.to_str().unwrap(), "--plots", "pictures"];
    let outcome = ottoflow(folder.path(), &arguments);
    outcome.assert_done();

    assert_eq!(names(folder.path()), ["one-to-two.h5", "pictures"]);
    let trajectory = Trajectory::open(&folder.path().join("one-to-two.h5")).unwrap();
    assert_eq!(trajectory.status(), Status::Complete);
    assert_eq!(trajectory.frames(), 21);
    assert_eq!(trajectory.times()[20], 2.0);
    assert_eq!(trajectory.attributes().title, "One Gaussian to two");

    assert_eq!(row(&outcome, "scenario"), "One Gaussian to two");
    assert_eq!(row(&outcome, "cells"), "400");
    assert!(row(&outcome, "steps").starts_with("200, "));
    assert!(row(&outcome, "time").starts_with("0 → 2 in "));
    assert!(row(&outcome, "computed on").starts_with("CPU, "));
    assert_eq!(row(&outcome, "trajectory"), "one-to-two.h5");
    let mass_error: f64 = row(&outcome, "mass error").parse().unwrap();
    assert!(mass_error.abs() < 1e-13);

    let pictures = [
        "decay.png",
        "decay.svg",
        "density.png",
        "density.svg",
        "space-time.png",
        "space-time.svg",
    ];
    assert_eq!(names(&folder.path().join("pictures")), pictures);
    for picture in pictures {
        assert!(
            outcome.stdout.contains(&format!("pictures/{picture}")),
            "{picture}"
        );
    }
}

/// A run of less than ten seconds says where it computes and nothing more.
#[test]
fn progress_of_a_short_run_is_one_line_where_stderr_is_no_terminal() {
    let folder = Folder::with_small();
    let outcome = ottoflow(folder.path(), &words("run small.toml --backend cpu"));
    outcome.assert_done();
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{}", outcome.stderr);
    assert!(
        lines[0].starts_with("Small: explicit on CPU, "),
        "{}",
        lines[0]
    );
    assert!(lines[0].ends_with(" (f64)"), "{}", lines[0]);
}

#[test]
fn quiet_leaves_stderr_empty_and_the_summary_on_stdout() {
    let folder = Folder::with_small();
    let outcome = ottoflow(folder.path(), &words("run small.toml --quiet"));
    outcome.assert_done();
    assert_eq!(outcome.stderr, "");
    assert_eq!(row(&outcome, "trajectory"), "small.h5");
}

#[test]
fn the_default_file_has_the_whole_stem_of_the_scenario() {
    let folder = Folder::with_small();
    let path = folder.path();
    std::fs::create_dir(path.join("elsewhere")).unwrap();
    std::fs::rename(
        path.join("small.toml"),
        path.join("elsewhere/step-0.1.toml"),
    )
    .unwrap();
    let line = "run elsewhere/step-0.1.toml --backend cpu";
    ottoflow(path, &words(line)).assert_done();
    assert_eq!(names(path), ["elsewhere", "step-0.1.h5"]);
    assert_eq!(names(&path.join("elsewhere")), ["step-0.1.toml"]);
}

#[test]
fn an_existing_file_is_kept_without_force_and_replaced_with_it() {
    let folder = Folder::with_small();
    let file = folder.path().join("small.h5");
    std::fs::write(&file, "the only copy of a thesis").unwrap();
    let outcome = ottoflow(folder.path(), &words("run small.toml --backend cpu"));
    outcome.assert_failed(
        2,
        &["small.h5: the file exists; replace it with --force, or choose another with -o"],
    );
    assert_eq!(
        std::fs::read(&file).unwrap(),
        b"the only copy of a thesis".to_vec()
    );
    ottoflow(
        folder.path(),
        &words("run small.toml --backend cpu --force"),
    )
    .assert_done();
    assert_eq!(Trajectory::open(&file).unwrap().status(), Status::Complete);
}

#[test]
fn overrides_are_run_and_stored_and_the_stored_scenario_runs_to_the_same_bits() {
    let folder = Folder::with_small();
    let line = "run small.toml --backend cpu -o first.h5 --set grid.cells=[80] --set time.end=0.25 --set flow.divergence=kl";
    ottoflow(folder.path(), &words(line)).assert_done();
    let first = folder.path().join("first.h5");
    let trajectory = Trajectory::open(&first).unwrap();
    assert_eq!(trajectory.grid().shape(), (1, 1, 80));
    assert_eq!(trajectory.times(), [0.0, 0.1, 0.2, 0.25]);
    let text = &trajectory.attributes().scenario;
    let stored = scenario::parse(text, "stored.toml", Path::new(""), &[]).unwrap();
    assert_eq!(stored.flow.divergence.name(), "kl");
    assert_eq!(stored.time.end, 0.25);

    std::fs::write(folder.path().join("stored.toml"), text).unwrap();
    ottoflow(
        folder.path(),
        &words("run stored.toml --backend cpu -o second.h5"),
    )
    .assert_done();
    assert_same_numbers(&first, &folder.path().join("second.h5"));
}

/// Grids above the size from which the work is shared among the threads.
#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let folder = Folder::empty();
    let ring = shipped("ring-2d.toml");
    let ring = ring.to_str().unwrap();
    let explicit = "--set grid.cells=[256,200] --set time.end=0.01 --set output.every=0.005";
    let implicit =
        r#"--set grid.cells=[160,130] --set time={method="implicit",end=0.02,tolerance=1e-3}"#;
    for (number, (precision, overrides)) in
        [("f64", explicit), ("f32", explicit), ("f64", implicit)]
            .into_iter()
            .enumerate()
    {
        let files = ["1", "2", "3"].map(|threads| {
            let file = format!("{number}-{threads}.h5");
            let mut arguments = vec!["run", ring, "--backend", "cpu", "-o", &file];
            arguments.extend(["--threads", threads, "--precision", precision]);
            arguments.extend(words(overrides));
            let outcome = ottoflow(folder.path(), &arguments);
            outcome.assert_done();
            assert!(
                row(&outcome, "computed on").starts_with(&format!("CPU, {threads} threads")),
                "{}",
                outcome.stdout
            );
            folder.path().join(file)
        });
        assert_same_numbers(&files[0], &files[1]);
        assert_same_numbers(&files[0], &files[2]);
    }
}

#[test]
fn single_precision_is_computed_stored_and_close_to_double() {
    let folder = Folder::with_small();
    for precision in ["f64", "f32"] {
        let line =
            format!("run small.toml --backend cpu --precision {precision} -o {precision}.h5");
        ottoflow(folder.path(), &words(&line)).assert_done();
    }
    let [double, single] = ["f64.h5", "f32.h5"].map(|name| folder.path().join(name));
    assert_eq!(
        Trajectory::open(&single).unwrap().attributes().precision,
        "f32"
    );
    assert_eq!(
        Trajectory::open(&double).unwrap().attributes().precision,
        "f64"
    );
    let (double, single) = (densities(&double), densities(&single));
    let largest = double
        .iter()
        .zip(&single)
        .map(|(a, b)| (a - b).mapv(f64::abs).sum() * 0.125)
        .fold(0.0, f64::max);
    assert!(largest > 1e-9, "{largest:e}: single precision is not used");
    assert!(largest < 1e-5, "{largest:e}");
}

#[test]
fn without_an_adapter_auto_takes_the_cpu_and_says_so() {
    let folder = Folder::with_small();
    let outcome = ottoflow_without_driver(folder.path(), &words("run small.toml"));
    outcome.assert_done();
    assert!(
        outcome.stderr.starts_with("Small: explicit on CPU, "),
        "{}",
        outcome.stderr
    );
    let trajectory = Trajectory::open(&folder.path().join("small.h5")).unwrap();
    assert_eq!(trajectory.attributes().backend, "cpu");
}

/// Needs an adapter, if only in software; `OTTOFLOW_WITHOUT_GPU=1` skips it aloud.
#[test]
fn the_gpu_is_used_when_asked_for() {
    if std::env::var_os("OTTOFLOW_WITHOUT_GPU").is_some_and(|value| value == "1") {
        println!("skipped: OTTOFLOW_WITHOUT_GPU=1");
        return;
    }
    let folder = Folder::with_small();
    let outcome = ottoflow(folder.path(), &words("run small.toml --backend gpu"));
    outcome.assert_done();
    let trajectory = Trajectory::open(&folder.path().join("small.h5")).unwrap();
    let attributes = trajectory.attributes();
    assert_eq!(
        (attributes.backend.as_str(), attributes.precision.as_str()),
        ("gpu", "f32")
    );
    assert_eq!(
        row(&outcome, "computed on"),
        format!("{} in f32", attributes.device)
    );
    assert_eq!(trajectory.status(), Status::Complete);
    assert_eq!(trajectory.frames(), 6);
}

/// The methods that solve linear systems keep their state in f64, and have the systems solved, and the explicit terms of momentum computed, on
/// the device.
#[test]
fn the_gpu_does_its_part_of_implicit_and_inertial_steps() {
    if std::env::var_os("OTTOFLOW_WITHOUT_GPU").is_some_and(|value| value == "1") {
        println!("skipped: OTTOFLOW_WITHOUT_GPU=1");
        return;
    }
    let folder = Folder::empty();
    for (scenario, settings, cells) in [
        ("ring-2d.toml", "time.method=implicit", "grid.cells=[20,16]"),
        (
            "inertial-2d.toml",
            "time.method=staggered",
            "grid.cells=[20,16]",
        ),
        ("harmonic.toml", "time.method=staggered", "grid.cells=[40]"),
    ] {
        let scenario = shipped(scenario);
        let mut arguments = vec!["run", scenario.to_str().unwrap(), "--backend", "gpu"];
        arguments.extend(["--set", settings, "--set", cells]);
        arguments.extend(["--set", "time.end=0.1", "--set", "time.step=0.05"]);
        arguments.extend(["--set", "output.every=0.1", "-o", "a.h5", "--force"]);
        let outcome = ottoflow(folder.path(), &arguments);
        outcome.assert_done();
        let trajectory = Trajectory::open(&folder.path().join("a.h5")).unwrap();
        let attributes = trajectory.attributes();
        assert_eq!(
            (attributes.backend.as_str(), attributes.precision.as_str()),
            ("gpu", "f64")
        );
        assert_eq!(trajectory.status(), Status::Complete);
    }
}

#[test]
fn every_field_that_is_asked_for_is_in_the_file() {
    let folder = Folder::empty();
    let ring = shipped("ring-2d.toml");
    let fields = r#"output.fields=["potential","connection","discriminator","velocity"]"#;
    let mut arguments = vec!["run", ring.to_str().unwrap(), "--backend", "cpu"];
    arguments.extend(["--set", fields, "--set", "grid.cells=[20,16]"]);
    arguments.extend(["--set", "time.end=0.01", "-o", "a.h5"]);
    ottoflow(folder.path(), &arguments).assert_done();
    let trajectory = Trajectory::open(&folder.path().join("a.h5")).unwrap();
    let mut found = trajectory.field_names().to_vec();
    found.sort();
    let expected = [
        "connection_x",
        "connection_y",
        "density",
        "discriminator",
        "potential",
        "velocity_x",
        "velocity_y",
    ];
    assert_eq!(found, expected);
    for name in expected {
        let last = trajectory.field(name, trajectory.frames() - 1).unwrap();
        assert!(last.iter().all(|value| value.is_finite()), "{name}");
        assert!(last.iter().any(|value| *value != 0.0), "{name}");
    }
}

/// Nobody reads stderr: no reason to stop.
#[cfg(unix)]
/// In 2-D the distance is computed where it is asked for, and falls to the target's from the start on.
#[test]
fn the_distance_to_the_target_in_2d_is_there_on_request() {
    let folder = Folder::empty();
    let scenario = shipped("ring-2d.toml");
    let run = |asked: &str, file: &str| {
        let set = format!("output.wasserstein={asked}");
        let arguments = ["run", scenario.to_str().unwrap(), "-o", file];
        let fewer = ["--set", "grid.cells=[32,32]", "--set", "output.every=1.0"];
        let all = [&arguments[..], &fewer, &["--set", &set]].concat();
        ottoflow(folder.path(), &all).assert_done();
        Trajectory::open(&folder.path().join(file)).unwrap()
    };
    let with = run("true", "with.h5");
    let with = with.metric("wasserstein").unwrap();
    assert!(
        with.is_sorted_by(|before, after| after < before),
        "{with:?}"
    );
    assert!(with[0] > 1.0 && with[with.len() - 1] > 0.0, "{with:?}");
    let without = run("false", "without.h5");
    assert!(!without.metric_names().contains(&"wasserstein".to_owned()));
}

#[test]
fn a_closed_stderr_does_not_stop_a_run() {
    use std::process::{Command, Stdio};
    let folder = Folder::with_small();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_ottoflow"))
        .args(words("run small.toml --backend cpu"))
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(writer)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let trajectory = Trajectory::open(&folder.path().join("small.h5")).unwrap();
    assert_eq!(trajectory.status(), Status::Complete);
}
