//! The explicit pressure on the device: each force is that of the CPU within what its roundings come to, and depths that f32 does not reach do no harm.

use ottoflow::backend::gpu::Gpu;
use ottoflow::divergence::{Divergence, DivergenceKind};
use ottoflow::exact::{self, log_gaussian};
use ottoflow::flow::{Device, InertialSettings, Method, MethodSettings, Problem, State, start};
use ottoflow::grid::Boundary;
use ottoflow::with_divergence;

use crate::gpu;
use crate::motion::{FAR, distances, momentum};
use crate::rounding::{ROUNDOFF, SECOND_ORDER, neighbours};
use crate::shared::{box_of, waves};

/// Errors of one force, in u P |f'_j − f'_i|/h, and of it for each speed of sound that the gas moves at (docs/precision.md, "Explicit terms on a
/// GPU").
const FORCE: f64 = 120.0;
const FORCE_IN_MOTION: f64 = 16.0;

/// What the explicit pressure on every face of every axis may be wrong by, for a density that moves no faster than this.
pub fn allowed(problem: &Problem, state: &State, speed: f64) -> Vec<Vec<f64>> {
    with_divergence!(problem.divergence, D => allowed_for::<D>(problem, state, speed))
}

fn allowed_for<D: Divergence>(problem: &Problem, state: &State, speed: f64) -> Vec<Vec<f64>> {
    let log_ratio: Vec<f64> = state.log_ratio.iter().copied().collect();
    let log_target: Vec<f64> = problem.log_target.iter().copied().collect();
    let slope = |cell: usize| D::slope(D::kirchhoff(log_ratio[cell]));
    let of_axis = |axis: usize| {
        let of_face = |cell: usize| {
            let (_, next) = neighbours(&problem.grid, cell).nth(2 * axis + 1).unwrap();
            let steepness: f64 = 0.5 * (log_target[next] - log_target[cell]);
            let weight = |cell: usize, steepness: f64| {
                (log_target[cell] + log_ratio[cell]).exp() * steepness.exp_m1().abs()
            };
            let pressed = 0.5 * (weight(cell, steepness) + weight(next, -steepness));
            let change = D::first_variation_change(log_ratio[cell], log_ratio[next]);
            let rounded = |cell: usize| slope(cell) * log_ratio[cell].abs();
            let sound = slope(cell).min(slope(next)).sqrt();
            let own = (FORCE + FORCE_IN_MOTION * speed / sound) * change.abs();
            let errors = own + rounded(cell) + rounded(next);
            SECOND_ORDER * ROUNDOFF * pressed * errors / problem.grid.axes()[axis].spacing()
        };
        (0..problem.grid.len()).map(of_face).collect()
    };
    (0..problem.grid.dimension()).map(of_axis).collect()
}

fn begin(
    gpu: Option<&Gpu>,
    problem: &Problem,
    state: &State,
    step: f64,
    order: u8,
) -> Box<dyn Method> {
    let device = gpu.map_or(Device::CpuDouble, |gpu| Device::Gpu(gpu.clone()));
    let settings = InertialSettings::fixed(0.0, step, order);
    start(problem, state, MethodSettings::Staggered(settings), device).unwrap()
}

/// In a step from rest that is too short for anything to answer, momentum becomes the pressure times the step, of which the explicit part is
/// computed on the device.
#[test]
fn a_force_is_that_of_the_cpu_within_the_roundings_counted() {
    let Some(gpu) = gpu() else { return };
    let step = 1e-7;
    for &kind in DivergenceKind::ALL {
        for (dimension, cells) in [(1, 100), (2, 24), (3, 10)] {
            let grid = box_of(dimension, cells, 0.0, 1.0, Boundary::NoFlux);
            let (problem, state) = waves(kind, grid);
            let [device, cpu] = [Some(&gpu), None].map(|gpu| {
                let mut method = begin(gpu, &problem, &state, step, 1);
                method.advance(FAR).unwrap();
                momentum(&problem, method.as_mut())
            });
            let (mut worst, mut differs) = (0.0_f64, false);
            let faces = device.iter().flatten().zip(cpu.iter().flatten());
            let allowed = allowed(&problem, &state, 0.0);
            for ((device, cpu), allowed) in faces.zip(allowed.iter().flatten()) {
                // Momentum is reported by way of the velocity, in f64.
                let bound = step * allowed + 1e-15 * cpu.abs();
                let difference = (device - cpu).abs();
                assert!(
                    difference <= bound,
                    "{kind:?} {dimension}-D: {difference:e} > {bound:e}"
                );
                differs |= difference > 1e-15 * cpu.abs();
                worst = worst.max(difference / bound.max(f64::MIN_POSITIVE));
            }
            println!("{kind:?} {dimension}-D: {worst:.1e} of the bound");
            assert!(
                differs,
                "{kind:?} {dimension}-D: nothing was computed in f32"
            );
        }
    }
}

/// π down to e⁻²⁸⁰ of its maximum, r down to e⁻⁷⁰ or up to e¹⁴⁰: what f32 cannot hold is too little to be seen.
#[test]
fn tails_deeper_than_f32_do_no_harm() {
    let Some(gpu) = gpu() else { return };
    for &kind in DivergenceKind::ALL {
        let grid = box_of(1, 240, -12.0, 12.0, Boundary::NoFlux);
        let gaussian = |mean: f64, std: f64| {
            let density = log_gaussian([mean, 0.0, 0.0], [std; 3]);
            exact::normalised(&grid, grid.sample(density))
        };
        let problem = Problem {
            log_target: gaussian(0.0, 0.5),
            divergence: kind,
            grid: grid.clone(),
        };
        // Where r may grow without bound only divergences of slow growth have a finite pressure.
        let std = if kind == DivergenceKind::JensenShannon {
            0.7
        } else {
            0.45
        };
        let state = exact::start(&problem, &gaussian(0.1, std));
        for order in [1, 2] {
            let [mut device, mut cpu] =
                [Some(&gpu), None].map(|gpu| begin(gpu, &problem, &state, 1e-3, order));
            for _ in 0..5 {
                let times = [&mut device, &mut cpu].map(|run| run.advance(FAR).unwrap().time);
                assert_eq!(times[0], times[1], "{kind:?} order {order}: other steps");
            }
            let [density, momentum] = distances(&problem, device.as_mut(), cpu.as_mut());
            println!("{kind:?} order {order}: {density:.1e}, {momentum:.1e}");
            // A distance that is no number fails too.
            assert!(density <= 1e-7, "{kind:?} order {order}: {density:e}");
            assert!(momentum <= 1e-7, "{kind:?} order {order}: {momentum:e}");
        }
    }
}
