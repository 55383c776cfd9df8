//! Where r is constant nothing moves, to the last bit.

use ottoflow::flow::{Device, MethodSettings, Problem, State, start};
use ottoflow::grid::{Boundary, Field, Grid};

use crate::setup::{EVERY_DIVERGENCE, adaptive, box_of, explicit, implicit, jko, smooth_problem};

const STEPS: usize = 10_000;

/// Steps a method at least 10⁴ times from r = const and holds the bits of its state against those at the start.
#[track_caller]
fn assert_still(
    problem: &Problem,
    log_ratio: f64,
    settings: MethodSettings,
    device: Device,
    step: f64,
) {
    let state = State {
        time: 0.0,
        log_ratio: Field::from_elem(problem.grid.shape(), log_ratio),
    };
    let mut method = start(problem, &state, settings, device).unwrap();
    let before = method.state().unwrap();
    let mut steps = 0;
    while steps < STEPS {
        steps += method.advance(method.time() + 500.0 * step).unwrap().steps;
    }
    let after = method.state().unwrap();
    let moved = before.log_ratio.iter().zip(&after.log_ratio);
    let moved = moved
        .filter(|(before, after)| before.to_bits() != after.to_bits())
        .count();
    assert_eq!(
        moved,
        0,
        "{settings:?}, {}: cells that moved from ln r = {log_ratio}",
        problem.divergence.name()
    );
}

fn grids() -> [Grid; 3] {
    [
        box_of(1, 40, -1.0, 2.0, Boundary::NoFlux),
        box_of(2, 9, 0.0, 1.0, Boundary::Periodic),
        box_of(3, 4, 0.0, 1.0, Boundary::NoFlux),
    ]
}

#[test]
fn explicit_methods_keep_a_constant_ratio_to_the_last_bit_through_10000_steps() {
    for &divergence in EVERY_DIVERGENCE {
        for grid in grids() {
            let (problem, _) = smooth_problem(divergence, grid);
            for device in [Device::CpuDouble, Device::CpuSingle] {
                for order in [1, 2, 3] {
                    // r = 1.349…: a constant that is not the equilibrium's mass is kept as well.
                    for log_ratio in [0.0, 0.3] {
                        assert_still(
                            &problem,
                            log_ratio,
                            explicit(order, Some(1e-5)),
                            device.clone(),
                            1e-5,
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn implicit_methods_keep_a_constant_ratio_to_the_last_bit_through_10000_steps() {
    for &divergence in EVERY_DIVERGENCE {
        for grid in grids() {
            let (problem, _) = smooth_problem(divergence, grid);
            for settings in [implicit(1, 0.1), implicit(2, 0.1), adaptive(1e-4)] {
                for log_ratio in [0.0, 0.3] {
                    assert_still(&problem, log_ratio, settings, Device::CpuDouble, 0.1);
                }
            }
        }
    }
}

#[test]
fn jko_steps_keep_a_constant_ratio_to_the_last_bit_through_10000_steps() {
    for &divergence in EVERY_DIVERGENCE {
        for boundary in [Boundary::NoFlux, Boundary::Periodic] {
            let (problem, _) = smooth_problem(divergence, box_of(1, 40, -1.0, 2.0, boundary));
            for settings in [jko(1, 0.1), jko(2, 0.1)] {
                for log_ratio in [0.0, 0.3] {
                    assert_still(&problem, log_ratio, settings, Device::CpuDouble, 0.1);
                }
            }
        }
    }
}
