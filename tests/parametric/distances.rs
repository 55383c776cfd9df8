//! W2 between a density on a grid and samples, against closed forms.

use ottoflow::grid::{Axis, Boundary, Field, Grid};
use ottoflow::metrics::{Interval, wasserstein_to_samples};

use crate::support::near;

fn grid(cells: usize, boundary: Boundary) -> Grid {
    Grid::new(vec![Axis {
        lower: 0.0,
        upper: 1.0,
        cells,
        boundary,
    }])
    .unwrap()
}

/// The uniform density and N samples in the middle of its N equal parts: W2² = 1/(12N²), also when cells and parts do not fit.
#[test]
fn samples_in_the_middle_of_equal_parts() {
    for (cells, count) in [(10, 10), (7, 10), (64, 9)] {
        let grid = grid(cells, Boundary::NoFlux);
        let density = Field::from_elem(grid.shape(), 3.0);
        let samples: Vec<f64> = (0..count)
            .map(|i| (f64::from(i) + 0.5) / f64::from(count))
            .collect();
        let found = wasserstein_to_samples(&grid, &density, &samples).unwrap();
        near(
            found,
            1.0 / (12.0_f64.sqrt() * f64::from(count)),
            1e-13,
            "W2",
        );
        // Moved by a, W2² grows by a².
        let moved: Vec<f64> = samples.iter().map(|x| x + 2.0).collect();
        let far = wasserstein_to_samples(&grid, &density, &moved).unwrap();
        near(far * far, found * found + 4.0, 1e-13, "moved");
    }
}

#[test]
fn there_is_no_distance_on_a_circle_or_without_samples() {
    let circle = grid(8, Boundary::Periodic);
    let density = Field::from_elem(circle.shape(), 1.0);
    assert_eq!(wasserstein_to_samples(&circle, &density, &[0.5]), None);
    let line = grid(8, Boundary::NoFlux);
    assert_eq!(wasserstein_to_samples(&line, &density, &[]), None);
}

/// Student's quantiles from the tables: 12.706 at one degree of freedom, 2.262 at nine.
#[test]
fn intervals_are_those_of_student() {
    let two = Interval::of(&[1.0, 3.0]).unwrap();
    near(two.mean, 2.0, 1e-15, "mean");
    near(two.half_width, 12.7062, 1e-4, "one degree of freedom");
    assert!(!two.excludes_zero());
    let ten: Vec<f64> = (0..10).map(f64::from).collect();
    let ten = Interval::of(&ten).unwrap();
    near(
        ten.half_width,
        2.262_157 * 3.027_650_4 / 10.0_f64.sqrt(),
        1e-6,
        "nine",
    );
    assert!(ten.excludes_zero());
    assert_eq!(ten.to_string(), "4.5 ± 2.2");
    assert!(Interval::of(&[1.0]).unwrap().half_width.is_nan());
    assert_eq!(Interval::of(&[1.0]).unwrap().to_string(), "1.0000");
    assert_eq!(Interval::of(&[]), None);
}
