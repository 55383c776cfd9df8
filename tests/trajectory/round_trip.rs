//! What is written is read back.

use ottoflow::output::hdf5::{
    Attributes, FORMAT_VERSION, FieldName, Precision, Status, Trajectory, repair,
};
use tempfile::tempdir;

use crate::sample::{self, assert_holds_sample};

#[test]
fn every_value_comes_back_in_one_two_and_three_dimensions_and_both_precisions() {
    let folder = tempdir().unwrap();
    for precision in [Precision::F64, Precision::F32] {
        for cells in [&[7][..], &[5, 4], &[6, 5, 4]] {
            let path = folder
                .path()
                .join(format!("{}-{}.h5", cells.len(), precision.name()));
            let grid = sample::grid(cells);
            let mut writer = sample::create(&path, &grid, precision);
            for frame in 0..6 {
                sample::write(&mut writer, &grid, frame).unwrap();
            }
            assert_eq!(writer.frames(), 6);
            writer.finish(Status::Complete).unwrap();

            let trajectory = Trajectory::open(&path).unwrap();
            assert_eq!(trajectory.grid(), &grid);
            assert_eq!(trajectory.status(), Status::Complete);
            assert_eq!(trajectory.target().unwrap(), sample::target(&grid));
            let names: Vec<_> = sample::all_fields(&grid)
                .into_iter()
                .map(FieldName::name)
                .collect();
            assert_eq!(trajectory.field_names(), names);
            assert_eq!(
                trajectory.metric_names(),
                ["divergence", "mass", "ratio_min"]
            );
            assert_holds_sample(&trajectory, &grid, 6);
        }
    }
}

#[test]
fn the_header_says_what_was_run_and_when() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let writer = sample::create(&path, &sample::grid(&[7]), Precision::F32);
    writer.finish(Status::Failed).unwrap();
    let trajectory = Trajectory::open(&path).unwrap();
    let header = sample::header();
    let created = trajectory.attributes().created.clone();
    assert_eq!(
        trajectory.attributes(),
        &Attributes {
            format_version: FORMAT_VERSION,
            title: header.title,
            scenario: header.scenario,
            program_version: env!("CARGO_PKG_VERSION").into(),
            backend: header.backend,
            device: header.device,
            precision: "f32".into(),
            created: created.clone(),
            status: Status::Failed,
        }
    );
    let age = std::time::SystemTime::now()
        .duration_since(humantime::parse_rfc3339(&created).unwrap())
        .unwrap();
    assert!(age.as_secs() < 60, "{created}");
}

#[test]
fn steps_are_kept_with_the_frames_and_after_the_last_one() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let grid = sample::grid(&[7]);
    let mut writer = sample::create(&path, &grid, Precision::F64);
    for frame in 0..3 {
        sample::write(&mut writer, &grid, frame).unwrap();
    }
    writer.record_step(ottoflow::output::hdf5::StepRecord {
        time: 0.75,
        step: 0.125,
        values: vec![],
    });
    writer.finish(Status::Interrupted).unwrap();

    let steps = Trajectory::open(&path).unwrap().steps().unwrap();
    let names: Vec<&str> = steps.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["time", "step", "divergence", "iterations"]);
    assert_eq!(steps[0].1, [0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75]);
    assert_eq!(steps[1].1, [0.125; 7]);
    assert!(steps[2].1.iter().all(|value| value.is_nan()));
    assert_eq!(steps[3].1[..6], [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    assert!(steps[3].1[6].is_nan());
}

#[test]
fn a_frame_of_many_chunks_comes_back() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let grid = sample::grid(&[600, 500]);
    let mut writer = sample::create_open_ended(&path, &grid);
    for frame in 0..2 {
        sample::write(&mut writer, &grid, frame).unwrap();
    }
    writer.finish(Status::Complete).unwrap();
    assert_holds_sample(&Trajectory::open(&path).unwrap(), &grid, 2);
}

#[test]
fn more_rows_than_a_chunk_of_metrics_or_steps_come_back() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let grid = sample::grid(&[3]);
    let mut writer = sample::create(&path, &grid, Precision::F64);
    for frame in 0..900 {
        sample::write(&mut writer, &grid, frame).unwrap();
    }
    writer.finish(Status::Complete).unwrap();
    let trajectory = Trajectory::open(&path).unwrap();
    assert_eq!(trajectory.frames(), 900);
    let expected: Vec<f64> = (0..900).map(|frame| sample::metric(1, frame)).collect();
    assert_eq!(trajectory.metric("mass").unwrap(), expected);
    let iterations = &trajectory.steps().unwrap()[3].1;
    assert!((0..1800).all(|step| iterations[step] == step as f64));
}

#[test]
fn a_writer_that_is_dropped_leaves_a_whole_file_marked_interrupted() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let grid = sample::grid(&[7]);
    let mut writer = sample::create(&path, &grid, Precision::F64);
    sample::write(&mut writer, &grid, 0).unwrap();
    drop(writer);
    let trajectory = Trajectory::open(&path).unwrap();
    assert_eq!(trajectory.status(), Status::Interrupted);
    assert_holds_sample(&trajectory, &grid, 1);
    drop(trajectory);
    assert!(repair(&path).unwrap().nothing_to_do());
}

#[test]
fn a_finished_file_needs_no_repair_and_is_not_touched_by_one() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let grid = sample::grid(&[5, 4]);
    let mut writer = sample::create(&path, &grid, Precision::F64);
    sample::write(&mut writer, &grid, 0).unwrap();
    writer.finish(Status::Complete).unwrap();
    let before = std::fs::read(&path).unwrap();
    let report = repair(&path).unwrap();
    assert!(report.nothing_to_do());
    assert_eq!(report.to_string(), "1 frame, nothing to repair");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn an_existing_file_is_replaced_when_asked_for() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let grid = sample::grid(&[7]);
    std::fs::write(
        &path,
        "something else, longer than a superblock".repeat(100),
    )
    .unwrap();
    let mut writer = sample::try_create(&path, &grid, Precision::F64, true).unwrap();
    sample::write(&mut writer, &grid, 0).unwrap();
    writer.finish(Status::Complete).unwrap();
    assert_holds_sample(&Trajectory::open(&path).unwrap(), &grid, 1);
}
