//! Problems that the tests of several methods share.

use ottoflow::divergence::DivergenceKind;
use ottoflow::exact;
use ottoflow::flow::{Method, Problem, State};
use ottoflow::grid::{Axis, Boundary, Grid};

/// The same axis once to three times.
pub fn box_of(dimension: usize, cells: usize, lower: f64, upper: f64, boundary: Boundary) -> Grid {
    let axis = Axis {
        lower,
        upper,
        cells,
        boundary,
    };
    Grid::new(vec![axis; dimension]).unwrap()
}

/// Two waves on a torus or in a box: smooth, r between about 0.2 and 5.
pub fn waves(divergence: DivergenceKind, grid: Grid) -> (Problem, State) {
    let wave = |phase: f64, x: [f64; 3]| -> f64 {
        let terms = grid.axes().iter().zip(x).map(|(axis, x)| {
            let unit = (x - axis.lower) / (axis.upper - axis.lower);
            (std::f64::consts::TAU * unit + phase).cos()
        });
        terms.sum()
    };
    let log_target = exact::normalised(&grid, grid.sample(|x| 0.7 * wave(0.3, x)));
    let log_density = exact::normalised(&grid, grid.sample(|x| -0.5 * wave(1.1, x)));
    let problem = Problem {
        grid,
        log_target,
        divergence,
    };
    let state = exact::start(&problem, &log_density);
    (problem, state)
}

pub fn advance_to(method: &mut dyn Method, until: f64) {
    while method.time() < until {
        method.advance(until).unwrap();
    }
}
