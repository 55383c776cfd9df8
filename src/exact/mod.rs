//! Exact solutions and laws of the flow, read by the tests and by `ottoflow validate`.
//!
//! - [`PoissonKernel`]: a nonlinear solution of the Jensen–Shannon flow in 1-D, 2-D and 3-D.
//! - [`Mode`]: eigenfunctions of −π⁻¹∇·(π∇·) and the rates at which small perturbations of π decay.
//! - [`convergence_order`], [`l1_distance`]: how far a computed solution is from an exact one, and how fast it gets nearer.

mod modes;
mod oscillator;
mod poisson_kernel;
mod riemann;

pub use modes::Mode;
pub use oscillator::Oscillator;
pub use poisson_kernel::PoissonKernel;
pub use riemann::Riemann;

use crate::calculus::Real;
use crate::grid::{Field, Grid};
use crate::problem::{Problem, State};

/// ln π of the uniform density.
pub fn log_uniform(grid: &Grid) -> Field {
    Field::from_elem(grid.shape(), -Real::ln(grid.volume()))
}

/// ln of a Gaussian density up to a constant, −Σ (x − mean)²/(2 std²), as a function of the cell centre.
///
/// Axes that the grid lacks have x = 0: give them the mean 0.
pub fn log_gaussian(mean: [f64; 3], std: [f64; 3]) -> impl Fn([f64; 3]) -> f64 {
    move |x| {
        let squares = (0..3).map(|axis| {
            let scaled = (x[axis] - mean[axis]) / std[axis];
            -0.5 * scaled * scaled
        });
        squares.sum()
    }
}

/// ln of a density with the constant added that makes Σ density · cell volume = 1.
pub fn normalised(grid: &Grid, mut log_density: Field) -> Field {
    let largest = log_density
        .iter()
        .copied()
        .fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = log_density.iter().map(|ln| Real::exp(ln - largest)).sum();
    let log_mass = largest + Real::ln(sum * grid.cell_volume());
    log_density.mapv_inplace(|ln| ln - log_mass);
    log_density
}

/// The state at time 0 whose density is given by its logarithm.
pub fn start(problem: &Problem, log_density: &Field) -> State {
    State {
        time: 0.0,
        log_ratio: log_density - &problem.log_target,
    }
}

/// ∫ |ρ₁ − ρ₂| of two states of one problem.
pub fn l1_distance(problem: &Problem, first: &State, second: &State) -> f64 {
    let cells = problem.log_target.iter();
    let pairs = first.log_ratio.iter().zip(&second.log_ratio);
    let sum: f64 = cells
        .zip(pairs)
        .map(|(target, (first, second))| {
            (Real::exp(target + first) - Real::exp(target + second)).abs()
        })
        .sum();
    sum * problem.grid.cell_volume()
}

/// The order p of errors ≈ C·sizeᵖ: the slope of ln error over ln size by least squares.
///
/// `errors` are pairs (size, error) with positive numbers; NaN for fewer than two different sizes.
pub fn convergence_order(errors: &[(f64, f64)]) -> f64 {
    let count = errors.len() as f64;
    let points = errors.iter().map(|(size, error)| (size.ln(), error.ln()));
    let (sum_x, sum_y) = points
        .clone()
        .fold((0.0, 0.0), |(sum_x, sum_y), (x, y)| (sum_x + x, sum_y + y));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (covariance, variance) = points.fold((0.0, 0.0), |(covariance, variance), (x, y)| {
        let dx = x - mean_x;
        (covariance + dx * (y - mean_y), variance + dx * dx)
    });
    covariance / variance
}
