//! A made-up run whose every value is a formula of its place, so that any reader can check any value.

use std::path::{Path, PathBuf};

use ottoflow::grid::{Axis, Boundary, Field, Grid};
use ottoflow::output::hdf5::{
    Description, FieldName, Frame, Header, MetricName, Options, OutputError, Precision, StepColumn,
    StepRecord, Trajectory, TrajectoryWriter,
};

pub const METRICS: [MetricName; 3] = [
    MetricName::Divergence,
    MetricName::Mass,
    MetricName::RatioMin,
];

pub const STEP_COLUMNS: [StepColumn; 2] = [StepColumn::Divergence, StepColumn::Iterations];

/// A grid of 1 to 3 axes with unequal spacings and both boundaries.
pub fn grid(cells: &[usize]) -> Grid {
    let axes = cells.iter().enumerate().map(|(index, &cells)| Axis {
        lower: -1.0 - index as f64,
        upper: 2.0,
        cells,
        boundary: [Boundary::NoFlux, Boundary::Periodic][index % 2],
    });
    Grid::new(axes.collect()).unwrap()
}

/// Every field that a grid can have.
pub fn all_fields(grid: &Grid) -> Vec<FieldName> {
    let mut fields = vec![
        FieldName::Density,
        FieldName::Potential,
        FieldName::Discriminator,
    ];
    fields.extend((0..grid.dimension()).map(FieldName::Connection));
    fields.extend((0..grid.dimension()).map(FieldName::Velocity));
    fields
}

/// The time of a frame: exact in binary.
pub fn time(frame: usize) -> f64 {
    0.25 * frame as f64
}

/// A field's values: 100·(number of the field) + frame + z/8 + y/64 + x/4096, exact in f32 for small grids and frames.
pub fn field(grid: &Grid, number: usize, frame: usize) -> Field {
    let start = 100.0 * number as f64 + frame as f64;
    Field::from_shape_fn(grid.shape(), |(z, y, x)| {
        start + z as f64 / 8.0 + y as f64 / 64.0 + x as f64 / 4096.0
    })
}

/// A metric's value: 1/3 makes it inexact in f32.
pub fn metric(number: usize, frame: usize) -> f64 {
    number as f64 + frame as f64 / 3.0
}

/// π: its mass is 1 only in spirit.
pub fn target(grid: &Grid) -> Field {
    field(grid, 9, 0)
}

pub fn header() -> Header {
    Header {
        title: "Täst of trajectories".into(),
        scenario: "title = \"Täst\"\n[grid]\ncells = [7]\n".into(),
        backend: "cpu".into(),
        device: "some processor".into(),
    }
}

/// Makes a file for all fields of a grid.
pub fn create(path: &Path, grid: &Grid, precision: Precision) -> TrajectoryWriter {
    try_create(path, grid, precision, false).unwrap()
}

/// Makes a file whose writer does not know how many frames come.
pub fn create_open_ended(path: &Path, grid: &Grid) -> TrajectoryWriter {
    create_with(
        path,
        grid,
        Options {
            precision: Precision::F64,
            overwrite: false,
            expected_frames: None,
        },
    )
    .unwrap()
}

pub fn try_create(
    path: &Path,
    grid: &Grid,
    precision: Precision,
    overwrite: bool,
) -> Result<TrajectoryWriter, OutputError> {
    let options = Options {
        precision,
        overwrite,
        expected_frames: Some(6),
    };
    create_with(path, grid, options)
}

fn create_with(
    path: &Path,
    grid: &Grid,
    options: Options,
) -> Result<TrajectoryWriter, OutputError> {
    TrajectoryWriter::create(
        path,
        &Description {
            header: &header(),
            grid,
            target: &target(grid),
            fields: &all_fields(grid),
            metrics: &METRICS,
            step_columns: &STEP_COLUMNS,
            options,
        },
    )
}

/// Writes frame number `frame` and two steps before it.
pub fn write(writer: &mut TrajectoryWriter, grid: &Grid, frame: usize) -> Result<(), OutputError> {
    for half in 0..2 {
        let step = 2 * frame + half;
        writer.record_step(StepRecord {
            time: 0.125 * step as f64,
            step: 0.125,
            values: vec![(StepColumn::Iterations, step as f64)],
        });
    }
    let values: Vec<Field> = (0..all_fields(grid).len())
        .map(|number| field(grid, number, frame))
        .collect();
    let fields: Vec<(FieldName, &Field)> = all_fields(grid).into_iter().zip(&values).collect();
    let metrics: Vec<(MetricName, f64)> = METRICS
        .into_iter()
        .enumerate()
        .map(|(number, name)| (name, metric(number, frame)))
        .collect();
    writer.write_frame(&Frame {
        time: time(frame),
        fields: &fields,
        metrics: &metrics,
    })
}

/// Asserts that a trajectory holds the sample run with so many frames.
pub fn assert_holds_sample(trajectory: &Trajectory, grid: &Grid, frames: usize) {
    let expected: Vec<f64> = (0..frames).map(time).collect();
    assert_eq!(trajectory.times(), expected);
    for (number, name) in all_fields(grid).into_iter().enumerate() {
        for frame in 0..frames {
            let found = trajectory.field(&name.name(), frame).unwrap();
            assert_eq!(found, field(grid, number, frame), "{name:?} {frame}");
        }
    }
    for (number, name) in METRICS.into_iter().enumerate() {
        let expected: Vec<f64> = (0..frames).map(|frame| metric(number, frame)).collect();
        assert_eq!(
            trajectory.metric(name.name()).unwrap(),
            expected,
            "{name:?}"
        );
    }
}

/// `target/test-trajectories`: files left for the Python readers in `tests/python`.
pub fn python_folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../test-trajectories");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
