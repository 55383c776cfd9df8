//! Leaves small files for the Python readers in `tests/python`, in the folder that OTTOFLOW_TRAJECTORIES names there.

use ottoflow::output::hdf5::{Precision, Status, Trajectory};

use crate::sample::{self, assert_holds_sample, python_folder};

#[test]
fn files_for_the_python_readers_are_written() {
    for (cells, precision, name) in [
        (&[7][..], Precision::F64, "1d-f64.h5"),
        (&[5, 4], Precision::F64, "2d-f64.h5"),
        (&[5, 4], Precision::F32, "2d-f32.h5"),
        (&[6, 5, 4], Precision::F64, "3d-f64.h5"),
    ] {
        let path = python_folder().join(name);
        let grid = sample::grid(cells);
        let mut writer = sample::try_create(&path, &grid, precision, true).unwrap();
        for frame in 0..6 {
            sample::write(&mut writer, &grid, frame).unwrap();
        }
        writer.finish(Status::Complete).unwrap();
        assert_holds_sample(&Trajectory::open(&path).unwrap(), &grid, 6);
    }
    let path = python_folder().join("2d-f64-open-ended.h5");
    let _ = std::fs::remove_file(&path);
    let grid = sample::grid(&[5, 4]);
    let mut writer = sample::create_open_ended(&path, &grid);
    for frame in 0..6 {
        sample::write(&mut writer, &grid, frame).unwrap();
    }
    writer.finish(Status::Complete).unwrap();
}
