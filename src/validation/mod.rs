//! The theory checked numerically: what `ottoflow validate` runs.
//!
//! A check states a claim with its reference, measures, and holds the figure against a bound that was fixed beforehand. To add one,
//! write a function and a line in the list of its file.

mod accuracy;
mod device;
mod energy;
mod flat_connection;
mod generators;
mod inertia;
mod minimising_movements;
mod parameters;
mod rates;
mod structure;

use serde::Serialize;

use crate::divergence::DivergenceKind;
use crate::exact::normalised;
use crate::flow::{Device, FlowError, Method, MethodSettings, Stepping, start};
use crate::grid::{Axis, Boundary, Field, Grid, GridError};
use crate::problem::{Problem, State};

/// Why a check could not be carried out; that is a failure of the check.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The flow failed.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// The grid of the check is none.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// The eigenvalue or a linear system failed.
    #[error(transparent)]
    Elliptic(#[from] crate::elliptic::EllipticError),
    /// The metric of a generator could not be solved.
    #[error(transparent)]
    Metric(#[from] crate::parametric::metric::MetricError),
    /// A density is none.
    #[error(transparent)]
    Density(#[from] crate::density::DensityError),
    /// A run ended before what it was to show.
    #[error("{0}")]
    Missing(&'static str),
}

/// A figure against its bound.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measurement {
    /// What was measured, in words and figures.
    pub measured: String,
    /// What it must be.
    pub bound: String,
    /// Whether it is.
    pub holds: bool,
}

impl Measurement {
    fn new(measured: impl Into<String>, bound: impl Into<String>, holds: bool) -> Self {
        Self {
            measured: measured.into(),
            bound: bound.into(),
            holds,
        }
    }
}

/// A claim of the theory and the way to measure it.
#[derive(Clone, Copy)]
pub struct Check {
    /// The name on the command line.
    pub name: &'static str,
    /// The claim.
    pub claim: &'static str,
    /// Where it is stated.
    pub reference: &'static str,
    measure: Measure,
}

/// How a check measures, and where.
#[derive(Clone, Copy)]
enum Measure {
    /// On the CPU in f64, which is the reference: by methods or to bounds that only it has.
    OnReference(fn() -> Result<Measurement, CheckError>),
    /// On any device, in its format.
    OnEveryDevice(fn(&Device) -> Result<Measurement, CheckError>),
}

/// The outcome of a check, as printed and as written to JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The name of the check.
    pub name: &'static str,
    /// The claim.
    pub claim: &'static str,
    /// Where it is stated.
    pub reference: &'static str,
    /// The figure and its bound.
    #[serde(flatten)]
    pub measurement: Measurement,
    /// Wall-clock time of the check.
    pub seconds: f64,
}

impl Check {
    /// Carries out the check on a device, or on the reference if it runs there alone; a run that fails is a check that fails.
    pub fn run(&self, device: &Device) -> Outcome {
        let begin = std::time::Instant::now();
        let failed = |error: CheckError| {
            Measurement::new(
                format!("the run failed: {error}"),
                "a run without failure",
                false,
            )
        };
        let measurement = match self.measure {
            Measure::OnReference(measure) => measure(),
            Measure::OnEveryDevice(measure) => measure(device),
        };
        let measurement = measurement.unwrap_or_else(failed);
        let seconds = begin.elapsed().as_secs_f64();
        Outcome {
            name: self.name,
            claim: self.claim,
            reference: self.reference,
            measurement,
            seconds,
        }
    }
}

/// The checks that a device can carry out, in the order in which they are printed: all on the CPU in f64.
pub fn checks(device: &Device) -> Vec<Check> {
    let all = [
        flat_connection::CHECKS,
        energy::CHECKS,
        rates::CHECKS,
        accuracy::CHECKS,
        structure::CHECKS,
        minimising_movements::CHECKS,
        inertia::CHECKS,
        parameters::CHECKS,
        generators::CHECKS,
        device::CHECKS,
    ]
    .concat();
    let runs = |check: &Check| {
        let anywhere = matches!(check.measure, Measure::OnEveryDevice(_));
        anywhere || matches!(device, Device::CpuDouble)
    };
    all.into_iter().filter(runs).collect()
}

fn line(lower: f64, upper: f64, cells: usize, boundary: Boundary) -> Result<Grid, GridError> {
    Grid::new(vec![Axis {
        lower,
        upper,
        cells,
        boundary,
    }])
}

/// The problem of a target given by ln π up to a constant.
fn problem(
    grid: Grid,
    divergence: DivergenceKind,
    log_target: impl Fn([f64; 3]) -> f64,
) -> Problem {
    let log_target = normalised(&grid, grid.sample(log_target));
    Problem {
        grid,
        log_target,
        divergence,
    }
}

/// The state of an initial density given by its logarithm up to a constant.
fn state(problem: &Problem, log_density: impl Fn([f64; 3]) -> f64) -> State {
    let log_density: Field = normalised(&problem.grid, problem.grid.sample(log_density));
    crate::exact::start(problem, &log_density)
}

fn implicit(
    problem: &Problem,
    state: &State,
    stepping: Stepping,
) -> Result<Box<dyn Method>, FlowError> {
    start(
        problem,
        state,
        MethodSettings::Implicit(stepping),
        Device::CpuDouble,
    )
}

/// Runs a method to a time and returns the state there.
fn flow_to(method: &mut dyn Method, time: f64) -> Result<State, FlowError> {
    while method.time() < time {
        method.advance(time)?;
    }
    method.state()
}
