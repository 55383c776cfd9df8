//! Densities from files: pictures, samples and datasets, with their errors.

use std::path::Path;

use image::{GrayImage, Luma, RgbImage};
use ndarray::{Array1, Array2, Array3, Array4};
use ottoflow::density::{
    Density, DensityError, DensityProblem, File, Formula, Image, OneOrEach, Samples,
};
use ottoflow::grid::{Axis, Boundary, Grid};
use tempfile::TempDir;

fn axis(lower: f64, upper: f64, cells: usize) -> Axis {
    Axis {
        lower,
        upper,
        cells,
        boundary: Boundary::NoFlux,
    }
}

/// A grid with these cell counts on [−2, 2] along each axis.
fn grid(cells: &[usize]) -> Grid {
    Grid::new(cells.iter().map(|&cells| axis(-2.0, 2.0, cells)).collect()).unwrap()
}

fn error(density: &Density, grid: &Grid) -> DensityError {
    error_in(density, grid, Path::new(""))
}

fn error_in(density: &Density, grid: &Grid, folder: &Path) -> DensityError {
    density.normalised(grid, folder).unwrap_err()
}

fn formula(expression: &str) -> Density {
    Density::Formula(Formula {
        expression: expression.to_owned(),
        floor: None,
    })
}

#[test]
fn the_top_row_of_a_picture_is_at_the_largest_y() {
    let folder = TempDir::new().unwrap();
    // Columns grow to the right, rows downwards: the corner values name the place.
    let picture = GrayImage::from_fn(4, 3, |column, row| Luma([(10 * (row + 1) + column) as u8]));
    picture.save(folder.path().join("a.png")).unwrap();
    let density = Density::Image(Image {
        path: "a.png".into(),
        floor: None,
    });
    let same = density
        .log_density(&grid(&[4, 3]), folder.path())
        .unwrap()
        .mapv(f64::exp);
    for ((_, j, i), value) in same.indexed_iter() {
        let grey = 10.0 * (3.0 - j as f64) + i as f64;
        assert!((value - grey / 255.0).abs() < 1e-6, "{i}, {j}: {value}");
    }
}

#[test]
fn a_picture_is_interpolated_on_finer_and_averaged_on_coarser_grids() {
    let folder = TempDir::new().unwrap();
    let ramp = GrayImage::from_fn(48, 48, |column, _| Luma([5 * column as u8 + 10]));
    ramp.save(folder.path().join("ramp.png")).unwrap();
    let density = Density::Image(Image {
        path: "ramp.png".into(),
        floor: None,
    });
    // The grey value is linear in the column, c = 48 (x + 2)/4 − ½, so both rules give it at the cell centre, inside the picture.
    for cells in [16, 24, 96, 144] {
        let grid = grid(&[cells, 5]);
        let found = density.log_density(&grid, folder.path()).unwrap();
        for i in cells / 8..cells - cells / 8 {
            let x = grid.axes()[0].center(i);
            let expected = (5.0 * (12.0 * (x + 2.0) - 0.5) + 10.0) / 255.0;
            let value = found[[0, 2, i]].exp();
            assert!(
                (value - expected).abs() < 2e-3 * expected,
                "{cells}, {i}: {value}, {expected}"
            );
        }
    }
}

#[test]
fn pictures_that_do_not_fit_are_refused() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    RgbImage::new(4, 4).save(path("colour.png")).unwrap();
    GrayImage::new(4, 4).save(path("black.png")).unwrap();
    std::fs::write(path("text.png"), "not a picture").unwrap();
    let of = |name: &str| {
        Density::Image(Image {
            path: name.into(),
            floor: None,
        })
    };
    let plane = grid(&[4, 4]);
    let problem = |name: &str| error_in(&of(name), &plane, folder.path()).problem;
    assert_eq!(
        problem("colour.png"),
        DensityProblem::NotGrey {
            path: path("colour.png"),
            found: "colour".to_owned()
        }
    );
    assert_eq!(problem("black.png"), DensityProblem::ZeroMass);
    assert!(matches!(
        problem("text.png"),
        DensityProblem::Unreadable { .. }
    ));
    assert!(matches!(
        problem("none.png"),
        DensityProblem::Unreadable { .. }
    ));
    let wrong = error(&of("colour.png"), &grid(&[4]));
    assert_eq!(wrong.key, "kind");
    assert_eq!(
        wrong.problem,
        DensityProblem::Dimension {
            found: 1,
            expected: "2"
        }
    );
}

fn samples(path: &str, bandwidth: Option<OneOrEach<f64>>) -> Density {
    Density::Samples(Samples {
        path: path.into(),
        bandwidth,
        floor: None,
    })
}

#[test]
fn samples_are_a_mean_of_gaussians() {
    let folder = TempDir::new().unwrap();
    std::fs::write(
        folder.path().join("a.csv"),
        "# two points\nx, y\n0.5, -1\n-1.0, 0.25\n",
    )
    .unwrap();
    let points = ndarray::arr2(&[[0.5, -1.0], [-1.0, 0.25]]);
    ndarray_npy::write_npy(folder.path().join("a.npy"), &points).unwrap();
    ndarray_npy::write_npy(folder.path().join("b.npy"), &points.mapv(|x| x as f32)).unwrap();
    let expected = formula("exp(-2*(x-0.5)^2 - 8*(y+1)^2) + exp(-2*(x+1)^2 - 8*(y-0.25)^2)");
    let grid = grid(&[11, 13]);
    let expected = expected.normalised(&grid, folder.path()).unwrap();
    for name in ["a.csv", "a.npy", "b.npy"] {
        let density = samples(name, Some(OneOrEach::Each(vec![0.5, 0.25])));
        let found = density.normalised(&grid, folder.path()).unwrap();
        assert!(
            found
                .iter()
                .zip(&expected)
                .all(|(a, b)| (a - b).abs() < 1e-12),
            "{name}"
        );
    }
}

#[test]
fn a_column_of_numbers_is_samples_in_1d_and_scott_chooses_the_bandwidth() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("a.csv"), "-1\n0\n0.5\n1.5\n").unwrap();
    let list = Array1::from(vec![-1.0, 0.0, 0.5, 1.5]);
    ndarray_npy::write_npy(folder.path().join("a.npy"), &list).unwrap();
    // The variance with n − 1 is 3.25/3 around the mean 0.25; Scott: σ n^(−1/5).
    let width = (3.25f64 / 3.0).sqrt() * 4f64.powf(-0.2);
    let grid = grid(&[15]);
    let expected = samples("a.csv", Some(OneOrEach::One(width)));
    let expected = expected.normalised(&grid, folder.path()).unwrap();
    for name in ["a.csv", "a.npy"] {
        let found = samples(name, None)
            .normalised(&grid, folder.path())
            .unwrap();
        assert!(
            found
                .iter()
                .zip(&expected)
                .all(|(a, b)| (a - b).abs() < 1e-13),
            "{name}"
        );
    }
}

#[test]
fn samples_that_do_not_fit_are_refused() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let problem = |name: &str, content: &str, bandwidth: Option<f64>| {
        std::fs::write(path(name), content).unwrap();
        let density = samples(name, bandwidth.map(OneOrEach::One));
        let error = error_in(&density, &grid(&[4, 4]), folder.path());
        error.problem
    };
    let cell = |line, column, found: &str| DensityProblem::Cell {
        path: path("a.csv"),
        line,
        column,
        found: found.to_owned(),
    };
    assert_eq!(
        problem("a.csv", "x,y\n1,2\n1,two\n", Some(0.1)),
        cell(3, 2, "two")
    );
    assert_eq!(problem("a.csv", "1,NaN\n", Some(0.1)), cell(1, 2, "NaN"));
    assert_eq!(problem("a.csv", "1,2\n,2\n", Some(0.1)), cell(2, 1, ""));
    assert_eq!(
        problem("a.csv", "", Some(0.1)),
        DensityProblem::NoSamples {
            path: path("a.csv")
        }
    );
    assert_eq!(
        problem("a.csv", "x,y\n", Some(0.1)),
        DensityProblem::NoSamples {
            path: path("a.csv")
        }
    );
    assert_eq!(
        problem("a.csv", "1\n2\n", Some(0.1)),
        DensityProblem::SampleDimension {
            path: path("a.csv"),
            found: 1,
            expected: 2
        }
    );
    assert!(matches!(
        problem("a.csv", "1,2\n3\n", Some(0.1)),
        DensityProblem::Unreadable { .. }
    ));
    assert!(matches!(
        problem("a.npy", "no array", Some(0.1)),
        DensityProblem::Unreadable { .. }
    ));
    assert_eq!(
        problem("a.dat", "1,2\n", Some(0.1)),
        DensityProblem::Extension {
            found: "dat".to_owned()
        }
    );
    assert_eq!(
        problem("a.csv", "1,2\n1,3\n", None),
        DensityProblem::NoVariation { axis: "x" }
    );
    assert_eq!(
        problem("a.csv", "1,2\n", None),
        DensityProblem::NoVariation { axis: "x" }
    );
}

fn file(dataset: &str, frame: Option<usize>) -> Density {
    Density::File(File {
        path: "a.h5".into(),
        dataset: dataset.to_owned(),
        frame,
        floor: None,
    })
}

#[test]
fn a_dataset_comes_back_as_it_was_written() {
    let folder = TempDir::new().unwrap();
    let frames = Array4::from_shape_fn((3, 4, 5, 6), |(t, k, j, i)| {
        1.0 + t as f64 + 10.0 * k as f64 + 0.5 * j as f64 + 0.25 * i as f64
    });
    {
        let store = hdf5::File::create(folder.path().join("a.h5")).unwrap();
        store
            .new_dataset_builder()
            .with_data(&frames)
            .create("density")
            .unwrap();
        let still = frames
            .index_axis(ndarray::Axis(0), 0)
            .mapv(|value| value as f32);
        store
            .new_dataset_builder()
            .with_data(&still)
            .create("still")
            .unwrap();
    }
    let grid = grid(&[6, 5, 4]);
    for (density, frame) in [
        (file("density", None), 2),
        (file("density", Some(1)), 1),
        (file("still", None), 0),
    ] {
        let found = density.log_density(&grid, folder.path()).unwrap();
        let expected: Array3<f64> = frames.index_axis(ndarray::Axis(0), frame).to_owned();
        assert!(
            found
                .iter()
                .zip(&expected)
                .all(|(a, b)| (a - b.ln()).abs() < 1e-15 * 8.0)
        );
    }
}

#[test]
fn only_committed_frames_are_read() {
    let folder = TempDir::new().unwrap();
    {
        let store = hdf5::File::create(folder.path().join("a.h5")).unwrap();
        let frames = Array2::from_shape_fn((3, 4), |(t, _)| 1.0 + t as f64);
        store
            .new_dataset_builder()
            .with_data(&frames)
            .create("density")
            .unwrap();
        let time = Array1::from(vec![0.0, 1.0]);
        store
            .new_dataset_builder()
            .with_data(&time)
            .create("time")
            .unwrap();
    }
    let found = file("density", None)
        .log_density(&grid(&[4]), folder.path())
        .unwrap();
    assert_eq!(found[[0, 0, 0]], 2f64.ln());
}

#[test]
fn datasets_that_do_not_fit_are_refused() {
    let folder = TempDir::new().unwrap();
    {
        let store = hdf5::File::create(folder.path().join("a.h5")).unwrap();
        let field = Array2::from_elem((3, 4), 1.0);
        store
            .new_dataset_builder()
            .with_data(&field)
            .create("density")
            .unwrap();
        store
            .new_dataset_builder()
            .with_data(&-field)
            .create("negative")
            .unwrap();
        let empty = Array2::<f64>::zeros((0, 4));
        store
            .new_dataset_builder()
            .with_data(&empty)
            .create("empty")
            .unwrap();
    }
    let line = grid(&[4]);
    let problem = |density: Density, grid: &Grid| error_in(&density, grid, folder.path()).problem;
    let found = problem(file("densty", None), &line);
    assert!(
        found.to_string().ends_with(
            "a.h5 has no dataset \"densty\", only \"density\", \"empty\", \"negative\"; did you mean \"density\"?"
        ),
        "{found}"
    );
    assert_eq!(
        problem(file("density", None), &grid(&[5])),
        DensityProblem::DatasetShape {
            found: vec![3, 4],
            expected: vec![5],
            axes: "x"
        }
    );
    assert_eq!(
        problem(file("density", Some(3)), &line),
        DensityProblem::Frame { found: 3, last: 2 }
    );
    assert_eq!(
        problem(file("density", Some(0)), &grid(&[4, 3])),
        DensityProblem::FrameWithoutTime
    );
    assert_eq!(
        problem(file("empty", None), &line),
        DensityProblem::NoFrames
    );
    let negative = problem(file("negative", None), &line).to_string();
    assert_eq!(
        negative,
        "the density is -1.0 at x = -1.5, expected a number that is not negative"
    );
    std::fs::write(folder.path().join("a.h5"), "no HDF5").unwrap();
    assert!(matches!(
        problem(file("density", None), &line),
        DensityProblem::Unreadable { .. }
    ));
}
