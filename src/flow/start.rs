use crate::backend::cpu::CpuSweep;
use crate::backend::gpu::{Gpu, GpuSweep};
use crate::calculus::Scalar;
use crate::divergence::{Divergence, with_divergence};
use crate::elliptic::{Elliptic, EllipticError};
use crate::problem::{Problem, State};

use super::explicit::weights;
use super::{
    Explicit, FlowError, Implicit, Inertial, InertialSettings, Jko, JkoSettings, Method, Stepping,
};

/// A method with its settings: the list of the program's methods.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MethodSettings {
    /// Forward Euler and its strong-stability-preserving compositions.
    Explicit {
        /// 1, 2 or 3.
        order: u8,
        /// Length of a step; none: from the monotonicity bound.
        step: Option<f64>,
    },
    /// Backward Euler and its extrapolation.
    Implicit(Stepping),
    /// Minimising movements.
    Jko(JkoSettings),
    /// The damped inertial equation, density and velocity staggered.
    Staggered(InertialSettings),
}

impl MethodSettings {
    /// The name in scenario files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Explicit { .. } => "explicit",
            Self::Implicit(_) => "implicit",
            Self::Jko(_) => "jko",
            Self::Staggered(_) => "staggered",
        }
    }

    /// Whether a run on a GPU keeps its state in f64 on the CPU, and has the linear systems of its steps solved, the
    /// explicit terms of momentum computed, and feet found, on the device.
    pub fn refines_on_gpu(&self) -> bool {
        !self.runs_in_single()
    }

    /// Whether the method runs in single precision.
    pub fn runs_in_single(&self) -> bool {
        matches!(self, Self::Explicit { .. })
    }
}

/// Where a flow runs and in which format.
#[derive(Clone)]
pub enum Device {
    /// The processor in f64.
    CpuDouble,
    /// The processor in f32: the twin of the GPU.
    CpuSingle,
    /// A GPU in f32; of all but explicit steps it solves the linear systems (2-D and 3-D), of inertial ones it computes the explicit terms of momentum, of
    /// JKO steps it goes over places in f64 where it can, only.
    Gpu(Gpu),
}

impl Device {
    fn gpu(&self) -> Option<&Gpu> {
        match self {
            Self::Gpu(gpu) => Some(gpu),
            Self::CpuDouble | Self::CpuSingle => None,
        }
    }
}

/// Starts the flow of a problem from a state.
///
/// # Errors
///
/// [`FlowError::Unsupported`] for a method that does not compute in single precision, and what the method finds wrong with the problem.
pub fn start(
    problem: &Problem,
    state: &State,
    settings: MethodSettings,
    device: Device,
) -> Result<Box<dyn Method>, FlowError> {
    if matches!(device, Device::CpuSingle) && !settings.runs_in_single() {
        return Err(FlowError::Unsupported {
            method: settings.name(),
        });
    }
    with_divergence!(problem.divergence, D => start_for::<D>(problem, state, settings, device))
}

fn start_for<D: Divergence>(
    problem: &Problem,
    state: &State,
    settings: MethodSettings,
    device: Device,
) -> Result<Box<dyn Method>, FlowError> {
    match settings {
        MethodSettings::Implicit(stepping) => {
            let elliptic = elliptic(problem, device.gpu())?;
            let method = Implicit::<D>::new(problem, state, stepping, elliptic)?;
            Ok(Box::new(method))
        }
        MethodSettings::Jko(settings) => {
            let method = Jko::<D>::new(problem, state, settings, device.gpu())?;
            Ok(Box::new(method))
        }
        MethodSettings::Staggered(settings) => {
            // On a line elimination is exact and a chain of quotients: what a device is faster at is the explicit terms alone.
            let solver = device.gpu().filter(|_| problem.grid.dimension() > 1);
            let elliptic = elliptic(problem, solver)?;
            let method = Inertial::<D>::new(problem, state, settings, elliptic, device.gpu())?;
            Ok(Box::new(method))
        }
        MethodSettings::Explicit { order, step } => Ok(match device {
            Device::CpuDouble => Box::new(Explicit::<D, _>::new(
                problem,
                state,
                cpu::<f64>(problem)?,
                order,
                step,
            )?),
            Device::CpuSingle => Box::new(Explicit::<D, _>::new(
                problem,
                state,
                cpu::<f32>(problem)?,
                order,
                step,
            )?),
            Device::Gpu(gpu) => {
                let weight: Vec<f32> = weights::<f32>(problem)?.iter().map(|w| *w as f32).collect();
                let sweep = GpuSweep::new::<super::Diffusion<D>>(&gpu, &problem.grid, &weight)?;
                Box::new(Explicit::<D, _>::new(problem, state, sweep, order, step)?)
            }
        }),
    }
}

/// The linear solver, on a GPU if one is given.
fn elliptic(problem: &Problem, gpu: Option<&Gpu>) -> Result<Elliptic, FlowError> {
    let Problem {
        grid, log_target, ..
    } = problem;
    let elliptic = match gpu {
        Some(gpu) => Elliptic::on_gpu(gpu, grid, log_target),
        None => Elliptic::new(grid, log_target),
    };
    elliptic.map_err(|error| match error {
        EllipticError::Gpu(error) => FlowError::Gpu(error),
        error => FlowError::Setup(error),
    })
}

fn cpu<T: Scalar>(problem: &Problem) -> Result<CpuSweep<T>, FlowError> {
    let weight = weights::<T>(problem)?;
    Ok(CpuSweep::new(
        &problem.grid,
        weight.into_iter().map(T::constant),
    ))
}
