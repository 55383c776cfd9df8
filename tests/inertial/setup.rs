//! Problems and runs that the tests of the inertial equation share.

use ottoflow::divergence::DivergenceKind;
use ottoflow::exact::{self, log_gaussian};
use ottoflow::flow::{
    Device, Friction, InertialSettings, Method, MethodSettings, Problem, State, Stepping, start,
};
use ottoflow::grid::{Boundary, Grid};
use ottoflow::metrics::divergence;

use crate::shared;
pub use crate::shared::{advance_to, waves};

/// The box from −side to side along each axis.
pub fn box_of(dimension: usize, cells: usize, side: f64, boundary: Boundary) -> Grid {
    shared::box_of(dimension, cells, -side, side, boundary)
}

/// A Gaussian of this mean (along x) and standard deviation towards N(0, 1).
pub fn gaussians(kind: DivergenceKind, grid: Grid, mean: f64, std: f64) -> (Problem, State) {
    let log_target = exact::normalised(&grid, grid.sample(log_gaussian([0.0; 3], [1.0; 3])));
    let density = log_gaussian([mean, 0.0, 0.0], [std; 3]);
    let log_density = exact::normalised(&grid, grid.sample(density));
    let problem = Problem {
        grid,
        log_target,
        divergence: kind,
    };
    let state = exact::start(&problem, &log_density);
    (problem, state)
}

pub fn inertial(problem: &Problem, state: &State, settings: InertialSettings) -> Box<dyn Method> {
    let settings = MethodSettings::Staggered(settings);
    start(problem, state, settings, Device::CpuDouble).unwrap()
}

pub fn implicit(problem: &Problem, state: &State, stepping: Stepping) -> Box<dyn Method> {
    let settings = MethodSettings::Implicit(stepping);
    start(problem, state, settings, Device::CpuDouble).unwrap()
}

/// Time in units of the friction.
pub fn overdamped(friction: f64, step: f64, order: u8) -> InertialSettings {
    InertialSettings {
        stepping: Stepping::Fixed { step, order },
        friction: Friction::Constant(friction),
        restart: false,
        overdamped: true,
    }
}

/// A time that is not reached: one step at a time.
pub const FAR: f64 = 1e9;

/// J + kinetic energy.
pub fn hamiltonian(problem: &Problem, method: &mut dyn Method) -> f64 {
    divergence(problem, &method.state().unwrap()) + method.motion().unwrap().kinetic_energy
}

/// What a run did to H.
pub struct Energies {
    pub start: f64,
    /// The largest rise in a step.
    pub rise: f64,
    /// The largest |H(0) − H(t) − work|.
    pub imbalance: f64,
    /// The largest |H(t) − H(0)|.
    pub drift: f64,
}

/// Runs to a time and watches H.
pub fn watch(problem: &Problem, method: &mut dyn Method, until: f64) -> Energies {
    let start = hamiltonian(problem, method);
    let mut energies = Energies {
        start,
        rise: 0.0,
        imbalance: 0.0,
        drift: 0.0,
    };
    let mut before = start;
    while method.time() < until {
        method.advance(until).unwrap();
        let now = hamiltonian(problem, method);
        let work = method.motion().unwrap().dissipated_work;
        energies.rise = energies.rise.max(now - before);
        energies.imbalance = energies.imbalance.max((start - now - work).abs());
        energies.drift = energies.drift.max((now - start).abs());
        before = now;
    }
    energies
}

/// Mean along x and standard deviation along it.
pub fn moments(problem: &Problem, state: &State) -> (f64, f64) {
    let density = state.density(problem);
    let volume = problem.grid.cell_volume();
    let moment = |value: &dyn Fn(f64) -> f64| -> f64 {
        let cells = density.indexed_iter();
        cells
            .map(|(index, density)| density * volume * value(problem.grid.center(index)[0]))
            .sum()
    };
    let mean = moment(&|x| x);
    (mean, moment(&|x| (x - mean).powi(2)).sqrt())
}
