//! Every misuse and every full or closed disk is an error that says what to do, never a panic.

use std::fs;
use std::path::Path;

use ottoflow::grid::Field;
use ottoflow::output::hdf5::{
    Description, FieldName, Frame, MetricName, Options, OutputError, Precision, Status, StepColumn,
    Trajectory, TrajectoryWriter, repair,
};
use tempfile::tempdir;

use crate::sample::{self, assert_holds_sample};

/// Asserts that an error's text holds every one of the words.
fn assert_says(error: &OutputError, words: &[&str]) {
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{word:?} is not in {text:?}");
    }
}

fn write_one(path: &Path) {
    let grid = sample::grid(&[7]);
    let mut writer = sample::create(path, &grid, Precision::F64);
    sample::write(&mut writer, &grid, 0).unwrap();
    writer.finish(Status::Complete).unwrap();
}

#[test]
fn an_existing_file_is_refused_and_left_alone() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.h5");
    write_one(&path);
    let before = fs::read(&path).unwrap();
    let error = sample::try_create(&path, &sample::grid(&[7]), Precision::F64, false).unwrap_err();
    assert!(matches!(error, OutputError::Exists { .. }));
    assert_says(&error, &["a.h5", "--force", "-o"]);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_that_is_being_written_is_neither_replaced_nor_repaired() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let grid = sample::grid(&[7]);
    let mut writer = sample::create(&path, &grid, Precision::F64);
    sample::write(&mut writer, &grid, 0).unwrap();
    let error = sample::try_create(&path, &grid, Precision::F64, true).unwrap_err();
    assert!(matches!(error, OutputError::Locked { .. }), "{error}");
    let error = repair(&path).unwrap_err();
    assert!(matches!(error, OutputError::Locked { .. }), "{error}");
    assert_says(&error, &["another process has the file open"]);
    sample::write(&mut writer, &grid, 1).unwrap();
    writer.finish(Status::Complete).unwrap();
    assert_holds_sample(&Trajectory::open(&path).unwrap(), &grid, 2);
}

#[test]
fn a_place_where_no_file_can_be_made_is_named_with_the_cause() {
    let folder = tempdir().unwrap();
    let grid = sample::grid(&[7]);
    let create = |path: &Path, overwrite| {
        sample::try_create(path, &grid, Precision::F64, overwrite).unwrap_err()
    };
    let error = create(&folder.path().join("missing/a.h5"), false);
    assert_says(
        &error,
        &["missing", "No such file", "make its folder first"],
    );
    let error = create(folder.path(), true);
    assert_says(&error, &["Is a directory", "name a file in it"]);
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    assert_says(&create(&file.join("a.h5"), false), &["Not a directory"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_an_error() {
    let error = sample::try_create(
        Path::new("/dev/full"),
        &sample::grid(&[7]),
        Precision::F64,
        true,
    )
    .unwrap_err();
    assert_says(&error, &["/dev/full"]);
}

#[test]
fn a_frame_other_than_declared_is_refused_and_the_writer_goes_on() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let grid = sample::grid(&[7]);
    let density = sample::field(&grid, 0, 0);
    let mut writer = TrajectoryWriter::create(
        &path,
        &Description {
            header: &sample::header(),
            grid: &grid,
            target: &density,
            fields: &[FieldName::Density],
            metrics: &[MetricName::Mass],
            step_columns: &[],
            options: Options {
                precision: Precision::F64,
                overwrite: false,
                expected_frames: None,
            },
        },
    )
    .unwrap();
    let good = Frame {
        time: 0.0,
        fields: &[(FieldName::Density, &density)],
        metrics: &[(MetricName::Mass, 1.0)],
    };
    writer.write_frame(&good).unwrap();
    let wrong_shape = Field::zeros((1, 1, 8));
    let good = Frame { time: 1.0, ..good };
    for (frame, words) in [
        (
            Frame { time: 0.0, ..good },
            &["time 0", "a time after 0"][..],
        ),
        (
            Frame {
                time: f64::NAN,
                ..good
            },
            &["time NaN"],
        ),
        (
            Frame {
                fields: &[],
                ..good
            },
            &["expected density"],
        ),
        (
            Frame {
                fields: &[(FieldName::Potential, &density)],
                ..good
            },
            &["the fields potential", "expected density"],
        ),
        (
            Frame {
                metrics: &[],
                ..good
            },
            &["the metrics", "mass"],
        ),
        (
            Frame {
                fields: &[(FieldName::Density, &wrong_shape)],
                ..good
            },
            &["density of shape (1, 1, 8)", "(1, 1, 7)"],
        ),
    ] {
        assert_says(&writer.write_frame(&frame).unwrap_err(), words);
    }
    writer.write_frame(&good).unwrap();
    writer.finish(Status::Complete).unwrap();
    assert_eq!(Trajectory::open(&path).unwrap().times(), [0.0, 1.0]);
}

#[test]
fn a_description_at_odds_with_itself_is_refused_before_a_file_is_made() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let grid = sample::grid(&[7]);
    let target = sample::target(&grid);
    let header = sample::header();
    let good = Description {
        header: &header,
        grid: &grid,
        target: &target,
        fields: &[FieldName::Density],
        metrics: &[MetricName::Mass],
        step_columns: &[],
        options: Options {
            precision: Precision::F64,
            overwrite: false,
            expected_frames: None,
        },
    };
    let small = Field::zeros((1, 1, 6));
    let twice = [FieldName::Density, FieldName::Density];
    for (description, word) in [
        (
            Description {
                target: &small,
                ..good
            },
            "target of shape",
        ),
        (
            Description {
                fields: &twice,
                ..good
            },
            "density twice",
        ),
        (
            Description {
                fields: &[FieldName::Connection(1)],
                ..good
            },
            "connection_y",
        ),
        (
            Description {
                metrics: &[MetricName::Kl, MetricName::Kl],
                ..good
            },
            "kl twice",
        ),
        (
            Description {
                step_columns: &[StepColumn::Gap, StepColumn::Gap],
                ..good
            },
            "gap twice",
        ),
    ] {
        let error = TrajectoryWriter::create(&path, &description).unwrap_err();
        assert_says(&error, &[word]);
        assert!(!path.exists());
    }
}

#[test]
fn a_file_that_is_no_trajectory_is_said_to_be_what_it_is() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.h5");
    for read in [
        |path: &Path| Trajectory::open(path).map(|_| ()),
        |path: &Path| repair(path).map(|_| ()),
    ] {
        let _ = fs::remove_file(&path);
        assert_says(
            &read(&path).unwrap_err(),
            &["No such file", "check the path"],
        );
        fs::write(&path, "").unwrap();
        assert_says(&read(&path).unwrap_err(), &["the file is empty"]);
        fs::write(&path, "x,density\n0,1\n").unwrap();
        assert_says(&read(&path).unwrap_err(), &["x,densit", "not a trajectory"]);
        fs::write(&path, b"\x89HDF\r\n\x1a\nand then nothing of the kind").unwrap();
        assert_says(&read(&path).unwrap_err(), &["a.h5"]);
        hdf5::File::create(&path).unwrap();
        assert_says(&read(&path).unwrap_err(), &["an HDF5 file without format"]);
    }
}

#[test]
fn a_file_of_a_newer_program_is_refused_with_both_versions() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.h5");
    write_one(&path);
    let file = hdf5::File::open_rw(&path).unwrap();
    file.attr("format_version")
        .unwrap()
        .write_scalar(&99i64)
        .unwrap();
    file.close().unwrap();
    let error = Trajectory::open(&path).unwrap_err();
    assert_says(&error, &["99 found", "at most 1", "newer ottoflow"]);
}

#[test]
fn an_unknown_name_or_frame_names_what_there_is() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.h5");
    write_one(&path);
    let trajectory = Trajectory::open(&path).unwrap();
    let error = trajectory.field("densty", 0).unwrap_err();
    assert_says(
        &error,
        &[
            "no field \"densty\"",
            "did you mean \"density\"?",
            "potential",
        ],
    );
    let error = trajectory.metric("entropy").unwrap_err();
    assert_says(&error, &["the file has: divergence, mass, ratio_min"]);
    let error = trajectory.field("density", 1).unwrap_err();
    assert_says(&error, &["frame 1", "holds 1"]);
}
