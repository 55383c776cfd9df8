//! Where a run computes: on the GPU or on the CPU, and in which format.

use super::{Backend, CommandError, PrecisionArgument, RunArguments, tell};
use crate::backend::gpu::{AdapterKind, Gpu, Selection, adapters};
use crate::elliptic::EllipticError;
use crate::flow::{Device, FlowError, Method, MethodSettings, start};
use crate::output::hdf5::Precision;
use crate::problem::{Problem, State};

/// Where a run computes, as the user is told.
pub(super) struct Place {
    device: Device,
    pub backend: &'static str,
    pub name: String,
    pub precision: Precision,
}

/// A flow at its start, and where it runs.
pub(super) type Begun = (Place, Box<dyn Method>);

/// Starts a flow where the arguments say.
pub(super) fn begin(
    arguments: &RunArguments,
    problem: &Problem,
    initial: &State,
    method: MethodSettings,
) -> Result<Begun, CommandError> {
    let precision = arguments.precision;
    let wants_double = precision == Some(PrecisionArgument::F64);
    let wants_single = precision == Some(PrecisionArgument::F32);
    let refined = method.refines_on_gpu();
    match arguments.backend {
        Backend::Cpu => on_cpu(precision, problem, initial, method),
        Backend::Gpu if wants_double && !refined => Err(double_on_gpu()),
        // Said before an adapter is looked for, which may be missing as well.
        Backend::Gpu if wants_single && refined => {
            let method = method.name();
            Err(before_the_first_frame(FlowError::Unsupported { method }))
        }
        // What a GPU does of it is for two and three dimensions.
        Backend::Gpu
            if matches!(method, MethodSettings::Implicit(_) | MethodSettings::Jko(_))
                && problem.grid.dimension() == 1 =>
        {
            let refused = FlowError::Setup(EllipticError::LineOnGpu);
            Err(before_the_first_frame(refused))
        }
        Backend::Gpu => on_gpu(Selection::HardwareOrSoftware, problem, initial, method)
            .map_err(before_the_first_frame),
        // Whether a GPU is worth it for parts of a step has not been measured on hardware.
        Backend::Auto if !refined && !wants_double && hardware() => {
            let begun = on_gpu(Selection::Hardware, problem, initial, method);
            match or_on_cpu(begun, precision, problem, initial, method)? {
                (begun, Some(reason)) if !arguments.quiet => {
                    tell(&format!("on the CPU instead of the GPU: {reason}"));
                    Ok(begun)
                }
                (begun, _) => Ok(begun),
            }
        }
        Backend::Auto => on_cpu(precision, problem, initial, method),
    }
}

/// The device of a backend and a precision, for work that runs on all of them.
pub(super) fn device(
    backend: Backend,
    precision: Option<PrecisionArgument>,
) -> Result<Device, CommandError> {
    let double = precision == Some(PrecisionArgument::F64);
    let open = |selection| {
        let opened = Gpu::open(selection).map_err(FlowError::from);
        opened.map(Device::Gpu).map_err(before_the_first_frame)
    };
    match backend {
        Backend::Gpu if double => Err(double_on_gpu()),
        Backend::Gpu => open(Selection::HardwareOrSoftware),
        Backend::Auto if !double && hardware() => open(Selection::Hardware),
        _ => Ok(on_cpu_in(precision).0),
    }
}

fn double_on_gpu() -> CommandError {
    let message =
        "--precision f64 runs on the CPU only; leave --precision out, or use --backend cpu";
    CommandError::Usage(message.to_owned())
}

fn hardware() -> bool {
    adapters()
        .iter()
        .any(|adapter| adapter.kind == AdapterKind::Hardware)
}

/// What failed when no file was there yet.
fn before_the_first_frame(source: FlowError) -> CommandError {
    CommandError::Flow { source, file: None }
}

/// The flow on the CPU where the GPU failed or cannot hold the problem, with the reason.
fn or_on_cpu(
    begun: Result<Begun, FlowError>,
    precision: Option<PrecisionArgument>,
    problem: &Problem,
    initial: &State,
    method: MethodSettings,
) -> Result<(Begun, Option<FlowError>), CommandError> {
    match begun {
        Ok(begun) => Ok((begun, None)),
        Err(reason @ (FlowError::Range { .. } | FlowError::Gpu(_))) => {
            let begun = on_cpu(precision, problem, initial, method)?;
            Ok((begun, Some(reason)))
        }
        Err(error) => Err(before_the_first_frame(error)),
    }
}

fn on_gpu(
    selection: Selection,
    problem: &Problem,
    initial: &State,
    method: MethodSettings,
) -> Result<Begun, FlowError> {
    let gpu = Gpu::open(selection)?;
    let place = Place {
        backend: "gpu",
        name: gpu.adapter().name.clone(),
        device: Device::Gpu(gpu),
        precision: match method.refines_on_gpu() {
            true => Precision::F64,
            false => Precision::F32,
        },
    };
    let flow = start(problem, initial, method, place.device.clone())?;
    Ok((place, flow))
}

/// The CPU, as the user is told: its threads and vector instructions.
pub(super) fn cpu_name() -> String {
    format!(
        "CPU, {} threads, {}",
        rayon::current_num_threads(),
        crate::backend::cpu::instructions()
    )
}

fn on_cpu_in(precision: Option<PrecisionArgument>) -> (Device, Precision) {
    match precision {
        Some(PrecisionArgument::F32) => (Device::CpuSingle, Precision::F32),
        _ => (Device::CpuDouble, Precision::F64),
    }
}

fn on_cpu(
    precision: Option<PrecisionArgument>,
    problem: &Problem,
    initial: &State,
    method: MethodSettings,
) -> Result<Begun, CommandError> {
    let (device, precision) = on_cpu_in(precision);
    let flow = start(problem, initial, method, device.clone()).map_err(before_the_first_frame)?;
    let place = Place {
        device,
        backend: "cpu",
        name: cpu_name(),
        precision,
    };
    Ok((place, flow))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;

    /// ρ/π reaches e¹¹⁸ where both are nothing.
    const BEYOND_SINGLE: &str = include_str!("../../scenarios/two-moons-2d.toml");

    fn begun(overrides: &[String]) -> Result<(Begun, Option<FlowError>), CommandError> {
        let folder = std::path::Path::new("");
        let scenario = scenario::parse(BEYOND_SINGLE, "a.toml", folder, overrides)?;
        let (problem, initial) = scenario.build()?;
        let method = scenario.method();
        let begun = on_gpu(Selection::HardwareOrSoftware, &problem, &initial, method);
        or_on_cpu(begun, None, &problem, &initial, method)
    }

    #[test]
    fn what_the_gpu_cannot_hold_runs_on_the_cpu_and_says_why() {
        let ((place, flow), reason) = begun(&[]).unwrap();
        assert_eq!((place.backend, place.precision), ("cpu", Precision::F64));
        assert_eq!(flow.time(), 0.0);
        assert!(reason.is_some());
    }

    #[test]
    fn a_wrong_step_is_wrong_on_every_device() {
        let overrides = ["time.step=1.0", "target.floor=1e-3"].map(str::to_owned);
        let error = begun(&overrides).map(drop).unwrap_err();
        let refused = matches!(
            error,
            CommandError::Flow {
                source: FlowError::StepTooLarge { .. },
                file: None
            }
        );
        // Without an adapter it is the CPU that refuses it.
        assert!(refused, "{error}");
    }
}
