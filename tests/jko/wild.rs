//! Random problems with r from 1e-60 to 1e60: every step is certified, keeps mass and lowers J.

use ottoflow::divergence::DivergenceKind;
use ottoflow::exact::normalised;
use ottoflow::flow::{FlowError, Problem, State};
use ottoflow::grid::{Boundary, Field};
use ottoflow::metrics::divergence;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::setup::{jko, line, started};

/// ln π and ln ρ span up to this.
const LARGEST_RANGE: f64 = 138.0;

struct Wild {
    problem: Problem,
    start: State,
    tau: f64,
}

/// How wild: the range of ln π and ln ρ, and whether neighbouring cells are independent.
#[derive(Clone, Copy)]
struct Wildness {
    range: f64,
    rough: bool,
}

fn wild(
    random: &mut ChaCha8Rng,
    divergence: DivergenceKind,
    Wildness { range, rough }: Wildness,
) -> Wild {
    let cells = random.random_range(3..60);
    let boundary = [Boundary::NoFlux, Boundary::Periodic][random.random_range(0..2)];
    let grid = line(0.0, random.random_range(0.3..3.0), cells, boundary);
    let mut field = || {
        let share: f64 = random.random();
        let phases: [f64; 3] = random.random();
        let values: Vec<f64> = (0..cells)
            .map(|i| {
                let x = (i as f64 + 0.5) / cells as f64 * std::f64::consts::TAU;
                let smooth =
                    (x + 6.3 * phases[0]).sin() + phases[2] * (2.0 * x + 6.3 * phases[1]).sin();
                let noise: f64 = random.random();
                if rough { noise } else { 0.25 * smooth }
            })
            .collect();
        Field::from_shape_fn((1, 1, cells), |(_, _, i)| range * share * share * values[i])
    };
    let (log_target, log_density) = (field(), field());
    let log_target = normalised(&grid, log_target);
    let log_ratio = normalised(&grid, log_density) - &log_target;
    let h = grid.axes()[0].spacing();
    let tau = h * h * random.random_range(-6.0..14.0_f64).exp();
    Wild {
        problem: Problem {
            grid,
            log_target,
            divergence,
        },
        start: State {
            time: 0.0,
            log_ratio,
        },
        tau,
    }
}

/// Three steps of many problems, each held to its claims; returns the problems of which a step could not be certified. At order 2 J need not
/// fall, and steps that grow from a first short one are more than three.
fn refused(order: u8, wildness: Wildness, count: usize) -> Vec<String> {
    let mut random = ChaCha8Rng::from_seed([7; 32]);
    let mut refused = Vec::new();
    let (mut steps, mut iterations, mut most) = (0, 0, 0);
    for number in 0..count {
        let kind = DivergenceKind::ALL[number % 5];
        let Wild {
            problem,
            start,
            tau,
        } = wild(&mut random, kind, wildness);
        let mut method = started(&problem, &start, jko(order, tau));
        let (mut before, mut state) = (divergence(&problem, &start), start.clone());
        let mass = start.density(&problem).sum();
        while method.time() < 3.0 * tau {
            let name = format!("{number} {} from {:e}", kind.name(), method.time());
            let advance = match method.advance(3.0 * tau) {
                Ok(advance) => advance,
                Err(error @ FlowError::Uncertified { .. }) => {
                    assert_eq!(method.state().unwrap(), state, "{name}: the state stays");
                    refused.push(format!("{name}: {error}"));
                    break;
                }
                Err(error) => panic!("{name}: {error}"),
            };
            (steps, iterations) = (steps + 1, iterations + advance.iterations);
            most = most.max(advance.iterations);
            state = method.state().unwrap();
            let transport = advance.transport.unwrap();
            let after = divergence(&problem, &state);
            if order == 1 {
                let paid = transport.cost / (2.0 * advance.step);
                assert!(
                    after + paid <= before + transport.gap + 1e-9 * paid + 1e-13 * before + 1e-15,
                    "{name}: {after:e} + {paid:e} > {before:e}"
                );
                assert!(after <= before * (1.0 + 1e-13) + 1e-15, "{name}: J rose");
            }
            assert!(transport.cost >= 0.0 && transport.gap >= 0.0, "{name}");
            assert!(state.log_ratio.iter().all(|ln| ln.is_finite()), "{name}");
            let kept = state.density(&problem).sum() / mass - 1.0;
            assert!(kept.abs() <= 1e-13, "{name}: mass {kept:e}");
            before = after;
        }
    }
    println!(
        "order {order}: {steps} steps, {:.1} iterations each, {most} at most; {} refused: {:#?}",
        iterations as f64 / f64::from(steps),
        refused.len(),
        &refused[..refused.len().min(12)]
    );
    refused
}

#[test]
fn steps_of_smooth_problems_are_certified_keep_mass_and_lower_j() {
    let wildness = Wildness {
        range: 20.0,
        rough: false,
    };
    assert_eq!(refused(1, wildness, 1000), Vec::<String>::new());
}

#[test]
fn steps_of_rough_problems_are_certified_keep_mass_and_lower_j() {
    let wildness = Wildness {
        range: 10.0,
        rough: true,
    };
    assert_eq!(refused(1, wildness, 1000), Vec::<String>::new());
}

/// With r from 1e-60 to 1e60 not every step can be certified (CHANGELOG, Known limits): those that are hold their claims, the others
/// are errors that leave the state as it was.
#[test]
fn steps_of_the_wildest_problems_hold_their_claims_or_are_refused() {
    for (rough, most) in [(false, 20), (true, 75)] {
        let range = LARGEST_RANGE;
        let share = refused(1, Wildness { range, rough }, 200).len();
        println!("rough {rough}: {share} of 200 refused");
        assert!(share <= most, "rough {rough}: {share} of 200 refused");
    }
}

/// Order 2 begins each minimum at an extrapolated density.
#[test]
fn steps_of_order_2_hold_their_claims_too() {
    for rough in [false, true] {
        let range = if rough { 10.0 } else { 20.0 };
        assert_eq!(
            refused(2, Wildness { range, rough }, 300),
            Vec::<String>::new()
        );
    }
    for (rough, most) in [(false, 15), (true, 40)] {
        let range = LARGEST_RANGE;
        let share = refused(2, Wildness { range, rough }, 100).len();
        assert!(share <= most, "rough {rough}: {share} of 100 refused");
    }
}
