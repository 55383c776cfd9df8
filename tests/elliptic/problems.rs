//! Grids, targets and right-hand sides that the tests share.

use ottoflow::elliptic::{Elliptic, Report};
use ottoflow::grid::{Boundary, Field, Grid};

pub use crate::grids::{grid, largest, noise_field};

pub fn cube(dimension: usize, half: f64, cells: usize, boundary: Boundary) -> Grid {
    grid(&vec![(-half, half, cells, boundary); dimension])
}

pub fn solve(
    grid: &Grid,
    log_target: &Field,
    scale: f64,
    slope: &Field,
    rhs: &Field,
    tolerance: f64,
) -> (Field, Report) {
    let mut solution = Field::zeros(grid.shape());
    let mut elliptic = Elliptic::new(grid, log_target).unwrap();
    let report = elliptic
        .solve(scale, slope, rhs, tolerance, &mut solution)
        .unwrap();
    (solution, report)
}

/// Two Gaussians, ln π down to about −60 in the corners.
pub fn mixture(grid: &Grid) -> Field {
    grid.sample(|[x, y, z]| {
        let gaussian = |mx: f64, my: f64, std: f64| {
            -0.5 * ((x - mx).powi(2) + (y - my).powi(2) + z * z) / (std * std)
        };
        let (a, b) = (gaussian(-2.5, -1.0, 1.1), gaussian(2.5, 1.0, 1.3));
        let max = a.max(b);
        max + ((a - max).exp() + (b - max).exp()).ln()
    })
}

/// 1/(1 + r) with r from 1e-6 to 1e6, smooth.
pub fn steep_slope(grid: &Grid) -> Field {
    grid.sample(|[x, y, z]| 1.0 / (1.0 + 10f64.powf(6.0 * (1.3 * x + 0.4 * y + 0.2 * z).sin())))
}

/// A weighted mean, weights π/ψ'.
pub fn mean(log_target: &Field, slope: &Field, values: &Field) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for ((l, k), v) in log_target.iter().zip(slope).zip(values) {
        sum += l.exp() / k * v;
        total += l.exp() / k;
    }
    sum / total
}
