//! Grids, problems and methods that the law tests share.

use ottoflow::calculus::Real;
use ottoflow::divergence::DivergenceKind;
use ottoflow::flow::{
    Device, JkoSettings, Method, MethodSettings, Problem, State, Stepping, start,
};

pub use crate::shared::{advance_to, box_of, waves as smooth_problem};

pub const EVERY_DIVERGENCE: &[DivergenceKind] = DivergenceKind::ALL;

pub fn explicit(order: u8, step: Option<f64>) -> MethodSettings {
    MethodSettings::Explicit { order, step }
}

pub fn implicit(order: u8, step: f64) -> MethodSettings {
    MethodSettings::Implicit(Stepping::Fixed { step, order })
}

pub fn adaptive(tolerance: f64) -> MethodSettings {
    MethodSettings::Implicit(Stepping::Adaptive { tolerance })
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

/// Starts a method in f64 on the CPU.
pub fn started(problem: &Problem, state: &State, settings: MethodSettings) -> Box<dyn Method> {
    start(problem, state, settings, Device::CpuDouble).unwrap()
}

/// The state that a method reaches from another one.
pub fn reached(problem: &Problem, state: &State, settings: MethodSettings, until: f64) -> State {
    let mut method = started(problem, state, settings);
    advance_to(method.as_mut(), until);
    method.state().unwrap()
}

/// The longest monotone explicit step from a state: h²/(ψ' Σ_faces √(π_j/π_i)), by the error that a longer one gives.
pub fn explicit_bound(problem: &Problem, state: &State) -> f64 {
    let too_large = start(problem, state, explicit(1, Some(1e300)), Device::CpuDouble);
    match too_large.err() {
        Some(ottoflow::flow::FlowError::StepTooLarge { bound, .. }) => bound,
        other => panic!("a step of 1e300 must be too large, found {other:?}"),
    }
}

/// Σ ρ · cell volume, with a compensated sum.
pub fn mass(problem: &Problem, state: &State) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0_f64);
    for (target, log_ratio) in problem.log_target.iter().zip(&state.log_ratio) {
        let term = Real::exp(target + log_ratio) - lost;
        let next = sum + term;
        lost = (next - sum) - term;
        sum = next;
    }
    sum * problem.grid.cell_volume()
}
