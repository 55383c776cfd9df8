//! The methods whose linear systems the GPU solves: what they claim on the CPU they keep, to the rounding of f64.
//!
//! State, residuals and the end of Newton's iteration are those of the CPU; what differs is the direction of its increments, which the residual
//! of the next iteration sees. Both solve the same equations, each up to what its iteration leaves: 10⁻¹⁵ of the mass a step in the implicit
//! method; in the inertial one, in L1 of ρ, a hundredth of the square of what the first step moves, at least 10⁻⁹ (docs/precision.md). From rest transport adds less
//! than that to a step; what it does in motion is in [`crate::transport`].

use ottoflow::backend::gpu::Gpu;
use ottoflow::divergence::DivergenceKind;
use ottoflow::exact::{self, log_gaussian};
use ottoflow::flow::{
    Device, FlowError, InertialSettings, JkoSettings, Method, MethodSettings, Problem, State,
    Stepping, start,
};
use ottoflow::grid::{Axis, Boundary, Field, Grid};
use ottoflow::metrics::divergence;

use crate::gpu;
use crate::shared::advance_to;

/// What the iteration of a stage of the inertial method may leave at least, in L1 of ρ, and what it leaves of the mass of an implicit step.
const LEFT_BY_A_STAGE: f64 = 1e-9;
const LEFT_BY_A_STEP: f64 = 1e-14;

fn grids() -> Vec<Grid> {
    let axis = |cells, boundary| Axis {
        lower: -3.0,
        upper: 3.0,
        cells,
        boundary,
    };
    let boxes = [
        vec![axis(24, Boundary::NoFlux), axis(21, Boundary::NoFlux)],
        vec![axis(20, Boundary::Periodic), axis(17, Boundary::NoFlux)],
        vec![
            axis(12, Boundary::NoFlux),
            axis(9, Boundary::Periodic),
            axis(10, Boundary::NoFlux),
        ],
    ];
    boxes
        .into_iter()
        .map(|axes| Grid::new(axes).unwrap())
        .collect()
}

/// Every divergence, on one of the grids.
fn cases() -> Vec<(DivergenceKind, Grid)> {
    let kinds = DivergenceKind::ALL.iter().copied();
    kinds.zip(grids().into_iter().cycle()).collect()
}

/// Every divergence on a line, where of the methods with linear systems the inertial one alone has something to compute on a GPU.
fn lines() -> Vec<(DivergenceKind, Grid)> {
    let line = |(number, kind): (usize, &DivergenceKind)| {
        let axis = Axis {
            lower: -3.0,
            upper: 3.0,
            cells: 40 + number,
            boundary: [Boundary::NoFlux, Boundary::Periodic][number % 2],
        };
        (*kind, Grid::new(vec![axis]).unwrap())
    };
    DivergenceKind::ALL.iter().enumerate().map(line).collect()
}

fn with_lines() -> Vec<(DivergenceKind, Grid)> {
    cases().into_iter().chain(lines()).collect()
}

/// What runs on a grid and lowers its energy in every step, with and without friction.
fn settings_on(grid: &Grid, frictions: [f64; 2]) -> Vec<MethodSettings> {
    let mut settings = vec![staggered(frictions[0], 1), staggered(frictions[1], 2)];
    if grid.dimension() > 1 {
        settings.extend([implicit(1), implicit(2), jko(1)]);
    }
    settings
}

/// A Gaussian beside the middle towards another one, all directions unlike.
fn problem(kind: DivergenceKind, grid: &Grid) -> (Problem, State) {
    let target = grid.sample(log_gaussian([0.2, -0.1, 0.0], [1.2, 1.0, 1.4]));
    let density = grid.sample(log_gaussian([-0.3, 0.4, 0.2], [1.0, 1.2, 1.0]));
    let problem = Problem {
        grid: grid.clone(),
        log_target: exact::normalised(grid, target),
        divergence: kind,
    };
    let state = exact::start(&problem, &exact::normalised(grid, density));
    (problem, state)
}

pub fn begin(
    gpu: Option<&Gpu>,
    (problem, state): &(Problem, State),
    settings: MethodSettings,
) -> Box<dyn Method> {
    let device = gpu.map_or(Device::CpuDouble, |gpu| Device::Gpu(gpu.clone()));
    start(problem, state, settings, device).unwrap()
}

fn staggered(friction: f64, order: u8) -> MethodSettings {
    MethodSettings::Staggered(InertialSettings::fixed(friction, 0.05, order))
}

fn implicit(order: u8) -> MethodSettings {
    let step = 0.05;
    MethodSettings::Implicit(Stepping::Fixed { step, order })
}

fn jko(order: u8) -> MethodSettings {
    MethodSettings::Jko(JkoSettings {
        step: 0.05,
        tolerance: None,
        order,
        gap: 1e-6,
    })
}

/// ‖ρ − ρ'‖ in L1.
pub fn distance(problem: &Problem, a: &State, b: &State) -> f64 {
    let (a, b) = (a.density(problem), b.density(problem));
    let sum: f64 = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).sum();
    sum * problem.grid.cell_volume()
}

fn mass(problem: &Problem, state: &State) -> f64 {
    state.density(problem).sum() * problem.grid.cell_volume()
}

/// One step at a time, to a time that is not reached.
fn step(method: &mut dyn Method) {
    method.advance(1e9).unwrap();
}

/// Backward Euler does not increase the distance in L1 of two solutions, so that what the steps leave adds up with factor one.
#[test]
fn implicit_steps_are_those_of_the_cpu() {
    let Some(gpu) = gpu() else { return };
    for (kind, grid) in cases() {
        let start = problem(kind, &grid);
        let [mut device, mut cpu] = [Some(&gpu), None].map(|gpu| begin(gpu, &start, implicit(1)));
        for number in 1..=3 {
            step(device.as_mut());
            step(cpu.as_mut());
            let (a, b) = (device.state().unwrap(), cpu.state().unwrap());
            let distance = distance(&start.0, &a, &b);
            let bound = f64::from(2 * number) * LEFT_BY_A_STEP;
            println!("{kind:?} {:?} step {number}: {distance:.1e}", grid.shape());
            assert!(
                distance <= bound,
                "{kind:?} {:?}: {distance:e}",
                grid.shape()
            );
        }
    }
}

/// One step of order 1 is one stage, one of order 2 two stages, of which the second has the divergence of the first one's momentum, that is its
/// error, in the share (1 − g)/g < 2.5 (docs/mathematics.md, eq. 45).
#[test]
fn a_step_of_the_inertial_method_is_that_of_the_cpu() {
    let Some(gpu) = gpu() else { return };
    for (kind, grid) in with_lines() {
        let start = problem(kind, &grid);
        for (order, errors) in [(1, 1.0), (2, 3.5)] {
            for friction in [0.0, 1e3] {
                let settings = staggered(friction, order);
                let [mut device, mut cpu] =
                    [Some(&gpu), None].map(|gpu| begin(gpu, &start, settings));
                step(device.as_mut());
                step(cpu.as_mut());
                let (a, b) = (device.state().unwrap(), cpu.state().unwrap());
                let distance = distance(&start.0, &a, &b);
                println!("{kind:?} {:?} order {order}: {distance:.1e}", grid.shape());
                let left = 0.01 * self::distance(&start.0, &start.1, &b).powi(2);
                let bound = 2.0 * errors * left.max(LEFT_BY_A_STAGE);
                assert!(
                    distance <= bound,
                    "{kind:?} {:?}: {distance:e}",
                    grid.shape()
                );
            }
        }
    }
}

#[test]
fn equilibrium_at_rest_stays_to_the_last_bit() {
    let Some(gpu) = gpu() else { return };
    for (kind, grid) in with_lines() {
        let (problem, _) = problem(kind, &grid);
        let rest = State {
            time: 0.0,
            log_ratio: Field::zeros(grid.shape()),
        };
        let start = (problem, rest);
        let mut settings = settings_on(&grid, [0.3, 0.3]);
        if grid.dimension() > 1 {
            settings.push(jko(2));
        }
        for settings in settings {
            let mut method = begin(Some(&gpu), &start, settings);
            for _ in 0..4 {
                step(method.as_mut());
            }
            assert_eq!(method.state().unwrap().log_ratio, start.1.log_ratio);
            if let Some(motion) = method.motion() {
                assert_eq!(motion.kinetic_energy, 0.0);
                let mut velocities = motion.velocity.iter().flatten();
                assert!(velocities.all(|velocity| *velocity == 0.0));
            }
        }
    }
}

/// Mass stays to the rounding of f64, and H, or J without inertia, falls in every step as on the CPU.
#[test]
fn mass_stays_and_energy_falls_in_every_step() {
    let Some(gpu) = gpu() else { return };
    for (kind, grid) in with_lines() {
        let start = problem(kind, &grid);
        for settings in settings_on(&grid, [0.0, 2.0]) {
            let mut method = begin(Some(&gpu), &start, settings);
            let energy = |method: &mut dyn Method| {
                let kinetic = method.motion().map_or(0.0, |motion| motion.kinetic_energy);
                divergence(&start.0, &method.state().unwrap()) + kinetic
            };
            let first = energy(method.as_mut());
            let mut before = first;
            for _ in 0..3 {
                step(method.as_mut());
                let now = energy(method.as_mut());
                let rise = (now - before) / first;
                assert!(rise <= 1e-14, "{kind:?} {settings:?}: {rise:e}");
                before = now;
            }
            let gained = mass(&start.0, &method.state().unwrap()) / mass(&start.0, &start.1);
            assert!(
                (gained - 1.0).abs() <= 1e-13,
                "{kind:?} {settings:?}: {gained}"
            );
        }
    }
}

#[test]
fn steps_by_a_tolerance_are_taken_too_and_the_same_device_gives_the_same_bits() {
    let Some(gpu) = gpu() else { return };
    let start = problem(DivergenceKind::JensenShannon, &grids()[0]);
    let stepping = Stepping::Adaptive { tolerance: 1e-4 };
    let adaptive = InertialSettings {
        stepping,
        ..InertialSettings::fixed(1.0, 0.1, 2)
    };
    let certified = JkoSettings {
        step: 0.05,
        tolerance: Some(1e-3),
        order: 1,
        gap: 1e-6,
    };
    for settings in [
        MethodSettings::Implicit(stepping),
        MethodSettings::Staggered(adaptive),
        MethodSettings::Jko(certified),
    ] {
        let run = |gpu: Option<&Gpu>| {
            let mut method = begin(gpu, &start, settings);
            advance_to(method.as_mut(), 0.2);
            method.state().unwrap()
        };
        let (first, again, cpu) = (run(Some(&gpu)), run(Some(&gpu)), run(None));
        assert_eq!(first, again);
        // The error of time is that of the tolerance in either.
        assert!(distance(&start.0, &first, &cpu) <= 1e-6);
    }
}

#[test]
fn what_does_not_run_on_a_gpu_is_refused() {
    let Some(gpu) = gpu() else { return };
    let line = Grid::new(vec![Axis {
        lower: -3.0,
        upper: 3.0,
        cells: 16,
        boundary: Boundary::NoFlux,
    }]);
    let (problem, state) = problem(DivergenceKind::Kl, &line.unwrap());
    for settings in [implicit(1), jko(1)] {
        let refused = start(&problem, &state, settings, Device::Gpu(gpu.clone()));
        let refused = refused.err().unwrap();
        assert!(matches!(refused, FlowError::Setup(_)), "{refused}");
        assert!(
            refused.to_string().contains("use --backend cpu"),
            "{refused}"
        );
    }
}
