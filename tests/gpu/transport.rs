//! The transport of momentum on the device: what f32 changes stays within what its roundings come to, and what the method keeps it keeps.

use ottoflow::backend::gpu::Gpu;
use ottoflow::divergence::DivergenceKind;
use ottoflow::exact;
use ottoflow::flow::{
    Device, InertialSettings, Method, MethodSettings, Problem, State, Stepping, start,
};
use ottoflow::grid::{Boundary, Field, Grid};
use ottoflow::metrics::divergence;

use crate::gpu;
use crate::motion::{FAR, distances, momentum, speed, sum};
use crate::pressure;
use crate::rounding::{ROUNDOFF, SECOND_ORDER};
use crate::shared::{box_of, waves};

/// Errors of one flux of momentum, in u (F + ρ min(√ψ', h/2τ')) max |u| (docs/precision.md, "Explicit terms on a GPU").
const FLUX: f64 = 35.0;
/// How far runs of the tests may come apart in L1 of ρ, and of momentum over the largest velocity.
const APART: f64 = 1e-6;

/// A start in motion: density, velocity, and what is moved towards.
struct Case {
    name: String,
    problem: Problem,
    state: State,
    velocity: Vec<Field>,
    /// Length of a step, which crosses less than half a cell.
    step: f64,
}

impl Case {
    fn begin(&self, gpu: Option<&Gpu>, settings: InertialSettings) -> Box<dyn Method> {
        let device = gpu.map_or(Device::CpuDouble, |gpu| Device::Gpu(gpu.clone()));
        let settings = MethodSettings::Staggered(settings);
        let mut method = start(&self.problem, &self.state, settings, device).unwrap();
        method.set_velocity(&self.velocity).unwrap();
        method
    }

    fn fixed(&self, friction: f64, order: u8) -> InertialSettings {
        InertialSettings::fixed(friction, self.step, order)
    }
}

/// A velocity with compression, shear and rotation, 0 at walls; all axes unlike.
fn stirred(grid: &Grid, speed: f64) -> Vec<Field> {
    let component = |axis: usize| {
        grid.sample(move |point| {
            let wave = |number: usize, phase: f64| -> f64 {
                (std::f64::consts::TAU * point[number] + phase).sin()
            };
            let across = (axis + 1) % 3;
            speed * wave(axis, 0.0) * (1.0 + 0.5 * wave(across, 0.7 + axis as f64))
        })
    };
    (0..grid.dimension()).map(component).collect()
}

/// Waves on the unit interval, in the unit square and cube, with walls and without.
fn smooth(kind: DivergenceKind) -> Vec<Case> {
    let boundaries = [Boundary::NoFlux, Boundary::Periodic];
    let sizes = [(1, 100), (2, 32), (3, 10)];
    let cases = boundaries.into_iter().flat_map(|boundary| {
        sizes.map(|(dimension, cells)| {
            let grid = box_of(dimension, cells, 0.0, 1.0, boundary);
            let (problem, state) = waves(kind, grid);
            Case {
                name: format!("{kind:?} {dimension}-D {boundary:?}"),
                velocity: stirred(&problem.grid, 0.8),
                step: 0.2 / cells as f64,
                problem,
                state,
            }
        })
    });
    cases.collect()
}

/// Every divergence, on one of the six.
fn smooth_cases() -> Vec<Case> {
    let kinds = DivergenceKind::ALL.iter().enumerate();
    let case = |(number, kind): (usize, &DivergenceKind)| smooth(*kind).swap_remove(number % 6);
    kinds.map(case).collect()
}

/// These, gas that meets empty cells, and a shock.
fn cases() -> Vec<Case> {
    let cases = smooth_cases().into_iter().chain(vacuum());
    cases.chain([shock()]).collect()
}

fn uniform(name: &str, grid: Grid, log_density: Field) -> Case {
    let problem = Problem {
        log_target: exact::log_uniform(&grid),
        divergence: DivergenceKind::Kl,
        grid,
    };
    let state = exact::start(&problem, &exact::normalised(&problem.grid, log_density));
    Case {
        name: format!("{name} {}-D", problem.grid.dimension()),
        velocity: vec![Field::zeros(problem.grid.shape()); problem.grid.dimension()],
        step: 0.1 / problem.grid.axes()[0].cells as f64,
        problem,
        state,
    }
}

/// Gas of 4 times the density behind an oblique diaphragm, which bursts into a shock.
fn shock() -> Case {
    let grid = box_of(2, 40, -0.5, 0.5, Boundary::NoFlux);
    let log_density = grid.sample(|[x, y, _]| {
        if x + 0.4 * y < 0.0 {
            1.6f64.ln()
        } else {
            0.4f64.ln()
        }
    });
    uniform("shock", grid, log_density)
}

/// Gas in the middle of an empty box.
fn vacuum() -> Vec<Case> {
    let cases = [(1, 160), (2, 40), (3, 12)].map(|(dimension, cells)| {
        let grid = box_of(dimension, cells, -0.5, 0.5, Boundary::NoFlux);
        let log_density = grid.sample(|point| {
            let inside = point.iter().all(|place| place.abs() < 0.25);
            if inside { 0.0 } else { f64::NEG_INFINITY }
        });
        uniform("vacuum", grid, log_density)
    });
    cases.into()
}

/// In one step of order 1 f32 comes in twice: in the explicit pressure before mass moves, of which the implicit stage hands on no more than it is
/// given in the norm of energy, and in the fluxes of momentum after, by at most what was counted, from each into both faces beside it.
#[test]
fn a_transport_is_that_of_the_cpu_within_the_roundings_counted() {
    let Some(gpu) = gpu() else { return };
    for case in smooth_cases() {
        let settings = case.fixed(0.0, 1);
        let [mut device, mut cpu] = [Some(&gpu), None].map(|gpu| case.begin(gpu, settings));
        let before = speed(cpu.as_ref());
        device.advance(FAR).unwrap();
        cpu.advance(FAR).unwrap();
        // Pressure comes first, so that the velocities that are transported are those of neither start nor end, but less than twice as large.
        let fastest = 2.0 * before.max(speed(cpu.as_ref()));
        let problem = &case.problem;
        let forces = pressure::allowed(problem, &case.state, before);
        let pressed = case.step * sum(problem, forces.into_iter().flatten());
        let axes = problem
            .grid
            .axes()
            .iter()
            .zip(momentum(problem, cpu.as_mut()));
        let bound: f64 = axes
            .map(|(axis, momentum)| {
                let carried = 2.0 * sum(problem, momentum.iter().map(|m| m.abs()));
                let h = axis.spacing();
                // The mass is 1; each side counts in the two faces beside it and for each component.
                let moved = problem.grid.dimension() as f64 * carried + 0.5 * h / case.step;
                2.0 * SECOND_ORDER * FLUX * ROUNDOFF * fastest * moved * case.step / h
            })
            .sum();
        let bound = bound + 2.0 * pressed;
        let [density, momentum] = distances(problem, device.as_mut(), cpu.as_mut());
        println!(
            "{}: {density:.1e}, {momentum:.1e} of {bound:.1e}",
            case.name
        );
        assert!(momentum <= bound, "{}: {momentum:e} > {bound:e}", case.name);
        assert!(momentum > 0.0, "{}: nothing was computed in f32", case.name);
        // The linear systems and the pressure alone: the mass had moved.
        let courant = case.step / problem.grid.axes()[0].spacing();
        let allowed = 2e-9 + 4.0 * courant * pressed;
        assert!(density <= allowed, "{}: {density:e}", case.name);
    }
}

#[test]
fn runs_stay_together() {
    let Some(gpu) = gpu() else { return };
    for case in cases() {
        for (order, friction) in [(1, 0.0), (2, 2.0)] {
            let settings = case.fixed(friction, order);
            let [mut device, mut cpu] = [Some(&gpu), None].map(|gpu| case.begin(gpu, settings));
            let mut fastest = 0.0_f64;
            for _ in 0..5 {
                let times = [&mut device, &mut cpu].map(|run| run.advance(FAR).unwrap().time);
                assert_eq!(times[0], times[1], "{}: other steps", case.name);
                fastest = fastest.max(speed(cpu.as_ref()));
            }
            let [density, momentum] = distances(&case.problem, device.as_mut(), cpu.as_mut());
            println!(
                "{} order {order} γ = {friction}: {density:.1e}, {momentum:.1e} (u to {fastest:.1})",
                case.name
            );
            assert!(density <= APART, "{}: {density:e}", case.name);
            let allowed = APART * fastest.max(1.0);
            assert!(momentum <= allowed, "{}: {momentum:e}", case.name);
        }
    }
}

/// What is crowded is found where it is found on the CPU.
#[test]
fn steps_too_long_for_the_velocity_are_rejected_as_on_the_cpu() {
    let Some(gpu) = gpu() else { return };
    for mut case in smooth(DivergenceKind::Kl).into_iter().take(3) {
        case.step *= 20.0;
        for order in [1, 2] {
            let runs = [Some(&gpu), None].map(|gpu| {
                let mut method = case.begin(gpu, case.fixed(0.0, order));
                let advance = method.advance(FAR).unwrap();
                (advance.rejected, advance.time)
            });
            assert!(runs[1].0 > 0, "{} order {order}: {runs:?}", case.name);
            assert_eq!(runs[0], runs[1], "{} order {order}", case.name);
        }
    }
}

/// H falls in every step as on the CPU; mass stays to the rounding of f64.
#[test]
fn mass_stays_and_h_falls_in_motion() {
    let Some(gpu) = gpu() else { return };
    for case in cases() {
        for (friction, order) in [(0.0, 1), (2.0, 2)] {
            let run = |gpu: Option<&Gpu>| {
                let mut method = case.begin(gpu, case.fixed(friction, order));
                let energy = |method: &mut dyn Method| {
                    let kinetic = method.motion().unwrap().kinetic_energy;
                    divergence(&case.problem, &method.state().unwrap()) + kinetic
                };
                let first = energy(method.as_mut());
                let (mut before, mut rise) = (first, f64::NEG_INFINITY);
                for _ in 0..5 {
                    method.advance(FAR).unwrap();
                    let now = energy(method.as_mut());
                    rise = rise.max((now - before) / first);
                    before = now;
                }
                let density = method.state().unwrap().density(&case.problem);
                (rise, sum(&case.problem, density.iter().copied()))
            };
            let [(rise, mass), (on_cpu, _)] = [Some(&gpu), None].map(run);
            let what = format!("{} order {order} γ = {friction}", case.name);
            println!("{what}: H changes by {rise:.1e} at most, {on_cpu:.1e} on the CPU");
            let allowed = if order == 1 {
                1e-14
            } else {
                on_cpu.max(0.0) + 1e-9
            };
            assert!(rise <= allowed, "{what}: {rise:e}, {on_cpu:e} on the CPU");
            assert!((mass - 1.0).abs() <= 1e-13, "{what}: mass {:e}", mass - 1.0);
        }
    }
}

/// Without walls and with a uniform target nothing acts on the whole: fluxes of f32 leave one dual cell for another with all their bits.
#[test]
fn momentum_is_conserved_to_double_precision() {
    let Some(gpu) = gpu() else { return };
    for (dimension, cells) in [(1, 100), (2, 40), (3, 12)] {
        let grid = box_of(dimension, cells, 0.0, 1.0, Boundary::Periodic);
        let (_, state) = waves(DivergenceKind::Kl, grid.clone());
        let log_density = exact::normalised(&grid, state.log_ratio);
        let mut case = uniform("waves", grid, log_density);
        case.velocity = stirred(&case.problem.grid, 0.8);
        for order in [1, 2] {
            let mut method = case.begin(Some(&gpu), case.fixed(0.0, order));
            let before = method.motion().unwrap().momentum;
            for _ in 0..5 {
                method.advance(FAR).unwrap();
            }
            let after = method.motion().unwrap().momentum;
            for (before, after) in before.iter().zip(&after) {
                assert!(
                    (before - after).abs() <= 1e-14,
                    "{}: {before} {after}",
                    case.name
                );
            }
        }
    }
}

/// A uniform gas that moves on a torus goes on for ever: at equal velocities no flux differs from the next.
#[test]
fn a_uniform_wind_blows_on_to_the_last_bit() {
    let Some(gpu) = gpu() else { return };
    for (dimension, cells) in [(1, 65), (2, 33), (3, 10)] {
        let grid = box_of(dimension, cells, 0.0, 1.0, Boundary::Periodic);
        let flat = Field::zeros(grid.shape());
        let mut case = uniform("wind", grid, flat);
        case.state.log_ratio.fill(0.0);
        let shape = case.problem.grid.shape();
        case.velocity = vec![Field::from_elem(shape, 0.3); dimension];
        for order in [1, 2] {
            let mut method = case.begin(Some(&gpu), case.fixed(0.0, order));
            let before = method.motion().unwrap().velocity;
            for _ in 0..5 {
                method.advance(FAR).unwrap();
            }
            let log_ratio = method.state().unwrap().log_ratio;
            let what = format!("{dimension}-D order {order}");
            assert!(log_ratio.iter().all(|ratio| *ratio == 0.0), "{what}");
            assert!(method.motion().unwrap().velocity == before, "{what}");
        }
    }
}

/// What is the same from the left and from the right stays so: IEEE 754 rounds numbers of either sign alike, fused or not.
#[test]
fn what_is_symmetric_stays_symmetric() {
    let Some(gpu) = gpu() else { return };
    for case in vacuum() {
        for order in [1, 2] {
            let asymmetry = |gpu: Option<&Gpu>| {
                let mut method = case.begin(gpu, case.fixed(0.0, order));
                for _ in 0..10 {
                    method.advance(FAR).unwrap();
                }
                let density = method.state().unwrap().density(&case.problem);
                let (nz, ny, nx) = density.dim();
                let mirrored = density.indexed_iter().map(|((k, j, i), value)| {
                    let axes = [[k, j, nx - 1 - i], [k, ny - 1 - j, i], [nz - 1 - k, j, i]];
                    axes.map(|at| (density[at] - value).abs()).into_iter().sum()
                });
                sum(&case.problem, mirrored)
            };
            let [device, cpu] = [Some(&gpu), None].map(asymmetry);
            println!(
                "{} order {order}: {device:.1e}, {cpu:.1e} on the CPU",
                case.name
            );
            assert!(device <= 1e-9, "{} order {order}: {device:e}", case.name);
        }
    }
}

#[test]
fn the_same_device_gives_the_same_bits_in_motion() {
    let Some(gpu) = gpu() else { return };
    let stepping = Stepping::Adaptive { tolerance: 1e-5 };
    for case in &smooth(DivergenceKind::Hellinger)[..3] {
        let adaptive = InertialSettings {
            stepping,
            ..case.fixed(1.0, 2)
        };
        for settings in [case.fixed(0.5, 1), adaptive] {
            let run = || {
                let mut method = case.begin(Some(&gpu), settings);
                for _ in 0..3 {
                    method.advance(FAR).unwrap();
                }
                (method.state().unwrap(), method.motion().unwrap())
            };
            assert!(run() == run(), "{}", case.name);
        }
    }
}
