use ottoflow::divergence::DivergenceKind;
use ottoflow::exact::{self, normalised};
use ottoflow::flow::{
    Device, JkoSettings, Method, MethodSettings, Problem, State, Stepping, Transport, start,
};
use ottoflow::grid::{Axis, Boundary, Grid};

pub fn line(lower: f64, upper: f64, cells: usize, boundary: Boundary) -> Grid {
    let axis = Axis {
        lower,
        upper,
        cells,
        boundary,
    };
    Grid::new(vec![axis]).unwrap()
}

pub fn jko(order: u8, step: f64) -> MethodSettings {
    let gap = 1e-8;
    let tolerance = None;
    MethodSettings::Jko(JkoSettings {
        step,
        tolerance,
        order,
        gap,
    })
}

pub fn implicit(order: u8, step: f64) -> MethodSettings {
    MethodSettings::Implicit(Stepping::Fixed { step, order })
}

/// The problem and the state whose densities have these logarithms.
pub fn problem(
    grid: Grid,
    divergence: DivergenceKind,
    log_target: impl Fn(f64) -> f64,
    log_density: impl Fn(f64) -> f64,
) -> (Problem, State) {
    let log_target = normalised(&grid, grid.sample(|[x, ..]| log_target(x)));
    let log_density = normalised(&grid, grid.sample(|[x, ..]| log_density(x)));
    let problem = Problem {
        grid,
        log_target,
        divergence,
    };
    let state = exact::start(&problem, &log_density);
    (problem, state)
}

/// Densities that are even about both ends of [0, 1], with r between 0.3 and 3.
pub fn even_log_target(x: f64) -> f64 {
    0.5 * (std::f64::consts::PI * x).cos()
}

pub fn even_log_density(x: f64) -> f64 {
    let angle = std::f64::consts::PI * x;
    0.3 * angle.cos() - 0.4 * (2.0 * angle).cos()
}

pub fn even_problem(divergence: DivergenceKind, cells: usize) -> (Problem, State) {
    let grid = line(0.0, 1.0, cells, Boundary::NoFlux);
    problem(grid, divergence, even_log_target, even_log_density)
}

/// From one Gaussian to two on [−6, 10].
pub fn gaussian_to_two(divergence: DivergenceKind, cells: usize) -> (Problem, State) {
    let log_target = |x: f64| {
        let bell = |mean: f64, std: f64| (-0.5 * ((x - mean) / std).powi(2)).exp() / std;
        (0.4 * bell(0.0, 0.8) + 0.6 * bell(4.0, 1.0)).ln()
    };
    let grid = line(-6.0, 10.0, cells, Boundary::NoFlux);
    problem(grid, divergence, log_target, |x| {
        -0.5 * ((x - 1.0) / 1.2).powi(2)
    })
}

pub fn started(problem: &Problem, state: &State, settings: MethodSettings) -> Box<dyn Method> {
    start(problem, state, settings, Device::CpuDouble).unwrap()
}

pub fn reached(problem: &Problem, state: &State, settings: MethodSettings, until: f64) -> State {
    let mut method = started(problem, state, settings);
    while method.time() < until {
        method.advance(until).unwrap();
    }
    method.state().unwrap()
}

/// One JKO step: the state after it and what it moved.
pub fn one_step(problem: &Problem, state: &State, tau: f64) -> (State, Transport) {
    let mut method = started(problem, state, jko(1, tau));
    let advance = method.advance(state.time + tau).unwrap();
    (method.state().unwrap(), advance.transport.unwrap())
}
