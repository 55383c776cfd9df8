//! Steps in 2-D and 3-D: against 1-D, against the exact solution, against other plans, and in the hard case.

use ottoflow::divergence::DivergenceKind;
use ottoflow::exact::{PoissonKernel, l1_distance, normalised, start as state_of};
use ottoflow::flow::{Advance, FlowError, JkoSettings, MethodSettings, Problem, State, Stepping};
use ottoflow::grid::{Axis, Boundary, Field, Grid};
use ottoflow::metrics::{divergence, metrics};

use crate::setup::{even_log_density, even_log_target, reached, started};

pub fn cube(dimension: usize, cells: usize, boundary: Boundary) -> Grid {
    let axis = Axis {
        lower: 0.0,
        upper: 1.0,
        cells,
        boundary,
    };
    Grid::new(vec![axis; dimension]).unwrap()
}

pub fn jko(step: f64, gap: f64) -> MethodSettings {
    MethodSettings::Jko(JkoSettings {
        tolerance: None,
        step,
        order: 1,
        gap,
    })
}

/// The exact solution along the diagonal of a periodic box, a₀ = ln 3 + 0.1.
pub fn wave(dimension: usize, cells: usize) -> (Problem, State, PoissonKernel) {
    let grid = cube(dimension, cells, Boundary::Periodic);
    let kernel = PoissonKernel::on(&grid, PoissonKernel::STEEPEST + 0.1).unwrap();
    let problem = PoissonKernel::problem(grid);
    let state = kernel.state(&problem.grid, 0.0);
    (problem, state, kernel)
}

/// Two Gaussians and a floor; at the start a narrow Gaussian beside them.
pub fn hard(dimension: usize, cells: usize, floor: f64, std: f64) -> (Problem, State) {
    let grid = cube(dimension, cells, Boundary::NoFlux);
    let square = |x: [f64; 3], centre: [f64; 3]| {
        let axes = (0..dimension).map(|axis| (x[axis] - centre[axis]).powi(2));
        axes.sum::<f64>()
    };
    let bells = grid.sample(|x| {
        let bells = [0.3, 0.7].map(|c| (-square(x, [c; 3]) / 0.02).exp());
        bells.iter().sum::<f64>().ln()
    });
    let bells = normalised(&grid, bells);
    let log_target = normalised(
        &grid,
        bells.mapv(|ln| ((1.0 - floor) * ln.exp() + floor).ln()),
    );
    let narrow = grid.sample(|x| -square(x, [0.3, 0.7, 0.3]) / (2.0 * std * std));
    let log_density = normalised(&grid, narrow);
    let problem = Problem {
        grid,
        log_target,
        divergence: DivergenceKind::JensenShannon,
    };
    let state = state_of(&problem, &log_density);
    (problem, state)
}

/// One step, or why there is none.
pub fn step(
    problem: &Problem,
    state: &State,
    tau: f64,
    gap: f64,
) -> Result<(State, Advance), FlowError> {
    let mut method = started(problem, state, jko(tau, gap));
    let advance = method.advance(state.time + tau)?;
    Ok((method.state()?, advance))
}

/// r between some 0.3 and 3, even about both sides of every axis.
pub fn mild(axes: Vec<Axis>, kind: DivergenceKind) -> (Problem, State) {
    let grid = Grid::new(axes).unwrap();
    let wave = |x: f64, number: f64| (number * std::f64::consts::PI * x).cos();
    let log_target =
        grid.sample(|[x, y, z]| 0.4 * wave(x, 1.0) * wave(y, 2.0) + 0.2 * wave(z, 2.0));
    let log_density = grid.sample(|[x, y, z]| {
        0.3 * wave(x, 2.0) - 0.4 * wave(y, 2.0) + 0.2 * wave(x, 1.0) * wave(z, 2.0)
    });
    let problem = Problem {
        log_target: normalised(&grid, log_target),
        grid,
        divergence: kind,
    };
    let log_density = normalised(&problem.grid, log_density);
    let state = state_of(&problem, &log_density);
    (problem, state)
}

pub fn axis(cells: usize, upper: f64, boundary: Boundary) -> Axis {
    Axis {
        lower: 0.0,
        upper,
        cells,
        boundary,
    }
}

/// The even problem of 1-D along x or y, constant along the other axis, on cells that are not square.
pub fn even_plane(cells: usize, along_x: bool) -> (Problem, State) {
    let long = axis(cells, 1.0, Boundary::NoFlux);
    let short = axis(7, 0.4, Boundary::Periodic);
    let axes = if along_x {
        vec![long, short]
    } else {
        vec![short, long]
    };
    let along = move |x: [f64; 3]| if along_x { x[0] } else { x[1] };
    let grid = Grid::new(axes).unwrap();
    let log_target = normalised(&grid, grid.sample(|x| even_log_target(along(x))));
    let log_density = normalised(&grid, grid.sample(|x| even_log_density(along(x))));
    let problem = Problem {
        grid,
        log_target,
        divergence: DivergenceKind::JensenShannon,
    };
    let start = state_of(&problem, &log_density);
    (problem, start)
}

/// J and W2²/(2τ) of a state reached by a step.
fn energy(problem: &Problem, state: &State, advance: &Advance) -> [f64; 2] {
    let cost = advance.transport.unwrap().cost;
    [divergence(problem, state), cost / (2.0 * advance.step)]
}

/// The sum over cells, relative to that of another state, less 1.
fn mass_error(problem: &Problem, before: &State, after: &State) -> f64 {
    let [before, after] = [before, after].map(|state| state.density(problem).sum());
    after / before - 1.0
}

/// J + W2²/(2τ) of the first step of the exact problem, τ = 0.001 and 0.004 on 32² and 64² cells, from another implementation of eq. 23
/// to 28 with sparse matrices and their products.
#[test]
fn the_minimum_is_that_of_another_implementation() {
    for (cells, tau, minimum) in [
        (32, 1e-3, 0.198_291_921_618),
        (64, 1e-3, 0.198_262_338_947),
        (32, 4e-3, 0.153_990_709_697),
        (64, 4e-3, 0.154_012_142_945),
    ] {
        let (problem, state, _) = wave(2, cells);
        let (after, _) = step(&problem, &state, tau, 1e-8).unwrap();
        let found = divergence(&problem, &after);
        assert!(
            (found / minimum - 1.0).abs() < 1e-7,
            "{cells} τ = {tau}: {found:.12}"
        );
    }
    for (floor, minima) in [
        (1e-2, [1.342_236_090, 1.327_829_933, 1.313_460_412]),
        (1e-6, [1.347_622_243, 1.333_500_472, 1.319_370_277]),
    ] {
        let (problem, mut state) = hard(2, 64, floor, 0.05);
        for minimum in minima {
            (state, _) = step(&problem, &state, 1e-3, 5e-4).unwrap();
            let found = divergence(&problem, &state);
            assert!(
                (found / minimum - 1.0).abs() < 1e-5,
                "floor {floor}: {found:.9}"
            );
        }
    }
}

/// A problem that is constant along y, on cells that are not square, against the method in 1-D with the same cells.
#[test]
fn a_problem_of_one_axis_is_solved_as_in_one_dimension() {
    use crate::setup::{line, problem};
    let tau = 0.02;
    for along_x in [true, false] {
        let errors = [32, 64].map(|cells| {
            let (plane, start) = even_plane(cells, along_x);
            let (after, advance) = step(&plane, &start, tau, 1e-8).unwrap();
            let cost = advance.transport.unwrap().cost;

            let kind = DivergenceKind::JensenShannon;
            let grid = line(0.0, 1.0, cells, Boundary::NoFlux);
            let (line, start) = problem(grid, kind, even_log_target, even_log_density);
            let (reference, transport) = crate::setup::one_step(&line, &start, tau);
            let spread = State {
                time: after.time,
                log_ratio: Field::from_shape_fn(after.log_ratio.dim(), |(_, j, i)| {
                    reference.log_ratio[(0, 0, if along_x { i } else { j })]
                }),
            };
            let error = l1_distance(&plane, &after, &spread);
            let moved = l1_distance(&line, &reference, &start);
            (error / moved, cost / transport.cost - 1.0)
        });
        println!("{errors:?}");
        let [(coarse, _), (fine, cost)] = errors;
        assert!(fine < 1e-3 && fine < 0.35 * coarse, "{errors:?}");
        assert!(cost.abs() < 2e-3, "{errors:?}");
    }
}

/// The exact problem runs along the diagonal: one step of it against the step in 1-D, on so many cells that their error is none here.
#[test]
fn a_step_along_the_diagonal_is_that_in_one_dimension() {
    for tau in [1e-3, 4e-3] {
        let side = 0.5_f64.sqrt();
        let grid = crate::setup::line(0.0, side, 2048, Boundary::Periodic);
        let kernel = PoissonKernel::on(&grid, PoissonKernel::STEEPEST + 0.1).unwrap();
        let line = PoissonKernel::problem(grid);
        // The mass of 1 on a shorter box is that of π.
        let start = kernel.state(&line.grid, 0.0);
        let (reference, _) = crate::setup::one_step(&line, &start, tau);
        let reference: Vec<f64> = reference.log_ratio.iter().map(|ln| ln.exp()).collect();
        let errors = [32, 64].map(|cells| {
            let (problem, start, _) = wave(2, cells);
            let (after, _) = step(&problem, &start, tau, 1e-8).unwrap();
            let errors = after.log_ratio.indexed_iter().map(|((_, j, i), ln)| {
                // A face of the line.
                let face = (i + j + 1) * 2048 / cells % 2048;
                let there = 0.5 * (reference[(face + 2047) % 2048] + reference[face]);
                (ln.exp() - there).abs()
            });
            errors.sum::<f64>() / (cells * cells) as f64
        });
        println!("τ = {tau}: {errors:?}");
        let limits = if tau < 2e-3 {
            [4e-4, 1e-4]
        } else {
            [1e-3, 4e-4]
        };
        assert!(
            errors[0] < limits[0] && errors[1] < limits[1],
            "τ = {tau}: {errors:?}"
        );
    }
}

#[test]
fn steps_are_of_first_order_in_tau() {
    for (dimension, cells, end) in [(2, 64, 0.008), (3, 24, 0.008)] {
        let (problem, start, kernel) = wave(dimension, cells);
        let exact = kernel.state(&problem.grid, end);
        let errors = [2, 4, 8].map(|steps| {
            let settings = jko(end / f64::from(steps), 1e-8);
            l1_distance(&problem, &reached(&problem, &start, settings, end), &exact)
        });
        println!("{dimension}-D: {errors:?}");
        let order = (errors[1] / errors[2]).log2();
        assert!(
            (order - 1.0).abs() <= 0.15,
            "{dimension}-D: {errors:?}, order {order}"
        );
    }
}

#[test]
fn every_step_keeps_mass_and_lowers_j_by_its_transport_cost() {
    let closed = |cells| axis(cells, 1.0, Boundary::NoFlux);
    let ring = |cells| axis(cells, 2.0, Boundary::Periodic);
    let boxes = [
        vec![closed(24), ring(17)],
        vec![closed(3), closed(4)],
        vec![ring(3), closed(5)],
        vec![closed(12), ring(9), closed(10)],
    ];
    for axes in boxes {
        for &kind in DivergenceKind::ALL {
            let (problem, mut state) = mild(axes.clone(), kind);
            for tau in [1e-3, 1e-2, 1e-2] {
                let (after, advance) = step(&problem, &state, tau, 1e-6).unwrap();
                let before = divergence(&problem, &state);
                let [now, paid] = energy(&problem, &after, &advance);
                let gap = advance.transport.unwrap().gap;
                let what = format!("{} {:?} τ = {tau}", kind.name(), problem.grid.shape());
                assert!(
                    now + paid <= before + gap,
                    "{what}: {now} + {paid} > {before} + {gap:e}"
                );
                assert!(
                    paid > 0.0 && (0.0..=1e-6 * paid + 1e-15).contains(&gap),
                    "{what}: gap {gap:e}"
                );
                let error = mass_error(&problem, &state, &after);
                assert!(error.abs() <= 1e-13, "{what}: {error:e}");
                state = after;
            }
        }
    }
}

/// Any plan from the same start costs at least what the step does, less the gap: steps of other lengths to other targets are such plans.
#[test]
fn no_other_plan_is_better_than_the_gap_says() {
    let tau = 0.01;
    let axes = vec![
        axis(32, 1.0, Boundary::NoFlux),
        axis(30, 1.0, Boundary::Periodic),
    ];
    for &kind in DivergenceKind::ALL {
        let (problem, start) = mild(axes.clone(), kind);
        for allowed in [0.5, 1e-2, 1e-8] {
            let (after, advance) = step(&problem, &start, tau, allowed).unwrap();
            let [own, paid] = energy(&problem, &after, &advance);
            let gap = advance.transport.unwrap().gap;
            let mut least = f64::INFINITY;
            for (number, length) in [1e-6, 0.5, 0.9, 0.99, 0.999, 1.0, 1.001, 1.01, 1.1, 2.0]
                .iter()
                .enumerate()
            {
                let bent = problem.log_target.clone()
                    + problem.grid.sample(|[x, y, _]| {
                        let angle = 7.0 * x + 5.0 * y + number as f64;
                        0.03 * (number % 4) as f64 * angle.sin()
                    });
                let other = Problem {
                    log_target: normalised(&problem.grid, bent),
                    ..problem.clone()
                };
                let begun = State {
                    time: 0.0,
                    log_ratio: &start.log_ratio + &problem.log_target - &other.log_target,
                };
                let (reached, advance) = step(&other, &begun, length * tau, 1e-6).unwrap();
                let reached = State {
                    time: reached.time,
                    log_ratio: &reached.log_ratio + &other.log_target - &problem.log_target,
                };
                let cost = advance.transport.unwrap().cost / (2.0 * tau);
                least = least.min(divergence(&problem, &reached) + cost);
            }
            println!(
                "{} {allowed}: gap {gap:e}, others {:e}",
                kind.name(),
                least - own - paid
            );
            assert!(
                gap >= 0.0 && least >= own + paid - gap - 1e-14,
                "{}: {least} {own} {paid} {gap}",
                kind.name()
            );
        }
    }
}

#[test]
fn the_hard_case_falls_as_the_flow_does() {
    for (floor, count) in [(1e-2, 40), (1e-6, 4)] {
        let (problem, start) = hard(2, 64, floor, 0.05);
        let mut method = started(&problem, &start, jko(1e-3, 5e-4));
        let first = divergence(&problem, &start);
        let mut before = first;
        for number in 1..=count {
            let advance = method.advance(1e-3 * f64::from(number)).unwrap();
            let state = method.state().unwrap();
            let [now, paid] = energy(&problem, &state, &advance);
            let gap = advance.transport.unwrap().gap;
            assert!(
                now + paid <= before + gap,
                "{number}: {now} {paid} {before}"
            );
            assert!(
                gap <= 3e-6 * first && advance.iterations <= 15,
                "{number}: gap {gap:e} in {}",
                advance.iterations
            );
            assert!(mass_error(&problem, &start, &state).abs() <= 1e-12);
            before = now;
        }
        if count == 40 {
            let flow = MethodSettings::Implicit(Stepping::Adaptive { tolerance: 1e-3 });
            let flow = metrics(&problem, &reached(&problem, &start, flow, 0.04)).divergence;
            println!("J {before} flow {flow}");
            assert!((before / flow - 1.0).abs() < 0.02, "{before} {flow}");
        }
    }
}

/// A long first step presses tails against the sides: the last row of cells takes in what was many cells wide, and is divided.
#[test]
fn tails_pressed_against_a_side_are_certified() {
    let (problem, start) = hard(2, 64, 1e-6, 0.05);
    let mut method = started(&problem, &start, jko(1e-2, 1e-4));
    let mut before = divergence(&problem, &start);
    for number in 1..=3 {
        let advance = method.advance(1e-2 * f64::from(number)).unwrap();
        let state = method.state().unwrap();
        let [now, paid] = energy(&problem, &state, &advance);
        let transport = advance.transport.unwrap();
        assert!(now + paid <= before + transport.gap && now < before);
        assert!(
            transport.gap <= 1e-4 * paid,
            "{number}: {:.1e}",
            transport.gap
        );
        assert!(mass_error(&problem, &start, &state).abs() <= 1e-12);
        before = now;
    }
}

/// First steps as long as the way to the target, which press tails against the sides.
#[test]
fn long_steps_from_the_hard_start_are_certified_to_some_percent() {
    let (problem, start) = hard(2, 64, 1e-2, 0.05);
    let mut method = started(&problem, &start, jko(1e-2, 2e-2));
    let mut before = divergence(&problem, &start);
    for number in 1..=3 {
        let advance = method.advance(1e-2 * f64::from(number)).unwrap();
        let state = method.state().unwrap();
        let [now, paid] = energy(&problem, &state, &advance);
        assert!(now + paid <= before + advance.transport.unwrap().gap && now < before);
        assert!(advance.iterations <= 25, "{number}: {}", advance.iterations);
        assert!(mass_error(&problem, &start, &state).abs() <= 1e-12);
        before = now;
    }
}

/// The same step to a gap that the cells cannot give: the certificate says so, and the step is refused.
#[test]
fn a_step_that_cannot_be_certified_is_refused() {
    let (problem, start) = hard(2, 64, 1e-2, 0.05);
    let mut method = started(&problem, &start, jko(1e-2, 1e-6));
    let refused = method.advance(1e-2);
    assert!(
        matches!(refused, Err(FlowError::Uncertified { .. })),
        "{refused:?}"
    );
    assert_eq!(method.state().unwrap(), start);
}

#[test]
fn a_constant_ratio_stays_to_the_last_bit() {
    for dimension in [2, 3] {
        let (mut problem, _, _) = wave(dimension, 8);
        problem.log_target = normalised(&problem.grid, problem.grid.sample(|[x, y, z]| x + y * z));
        for ratio in [0.0, 0.3] {
            let start = State {
                time: 0.0,
                log_ratio: Field::from_elem(problem.grid.shape(), ratio),
            };
            let (after, advance) = step(&problem, &start, 0.1, 1e-8).unwrap();
            assert_eq!(after.log_ratio, start.log_ratio);
            assert_eq!(advance.transport.unwrap().cost, 0.0);
        }
    }
}

#[test]
fn steps_are_the_same_bits_on_1_and_2_threads() {
    let cases = [hard(2, 101, 1e-2, 0.05), hard(3, 23, 1e-2, 0.12)];
    for (problem, start) in &cases {
        let [one, two] = [1, 2].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let (state, advance) = pool.install(|| step(problem, start, 1e-3, 0.1).unwrap());
            let transport = advance.transport.unwrap();
            let bits: Vec<u64> = state.log_ratio.iter().map(|ln| ln.to_bits()).collect();
            (
                bits,
                advance.iterations,
                transport.cost.to_bits(),
                transport.gap.to_bits(),
            )
        });
        assert!(one == two, "{:?}", problem.grid.shape());
    }
}
