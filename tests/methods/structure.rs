//! Random problems with r from 1e-60 to 1e60: the comparison principle, the decay of every divergence, the conservation of mass.

use ottoflow::divergence::DivergenceKind;
use ottoflow::exact;
use ottoflow::flow::{Method, MethodSettings, Problem, State};
use ottoflow::grid::{Axis, Boundary, Field, Grid};
use ottoflow::metrics::{Metrics, metrics};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::setup::{EVERY_DIVERGENCE, explicit, implicit, mass};

/// ln π and ln ρ span up to this: r = ρ/π from 1e-60 to 1e60.
const LARGEST_RANGE: f64 = 138.0;

/// A random problem in a form that proptest can shrink.
#[derive(Clone, Debug)]
struct Case {
    axes: Vec<(usize, bool, f64)>,
    /// Of ln π and ln ρ: the range, whether neighbours are independent, and a seed.
    target: (f64, bool, u64),
    density: (f64, bool, u64),
    divergence: DivergenceKind,
    /// ln of the step in units of the longest monotone explicit step.
    log_step: f64,
}

fn axes() -> impl Strategy<Value = Vec<(usize, bool, f64)>> {
    let axis = |cells: std::ops::Range<usize>| (cells, any::<bool>(), 0.3..3.0_f64);
    prop_oneof![
        prop::collection::vec(axis(3..60), 1),
        prop::collection::vec(axis(3..14), 2),
        prop::collection::vec(axis(3..7), 3),
    ]
}

fn cases(largest_range: f64) -> impl Strategy<Value = Case> {
    // Mild and wild ranges alike.
    let log_field = move || {
        (0.0..1.0_f64, any::<bool>(), any::<u64>())
            .prop_map(move |(share, rough, seed)| (largest_range * share * share, rough, seed))
    };
    let divergence = prop::sample::select(EVERY_DIVERGENCE);
    (axes(), log_field(), log_field(), divergence, -3.0..14.0_f64).prop_map(
        |(axes, target, density, divergence, log_step)| Case {
            axes,
            target,
            density,
            divergence,
            log_step,
        },
    )
}

/// Evenly distributed in [0, 1).
fn uniform(seed: u64, index: u64) -> f64 {
    let mut z = seed ^ (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

impl Case {
    fn grid(&self) -> Grid {
        let axis = |&(cells, periodic, spacing): &(usize, bool, f64)| Axis {
            lower: 0.0,
            upper: spacing * cells as f64,
            cells,
            boundary: if periodic {
                Boundary::Periodic
            } else {
                Boundary::NoFlux
            },
        };
        Grid::new(self.axes.iter().map(axis).collect()).unwrap()
    }

    /// Independent values in each cell, or three waves of random length and direction, scaled to the range.
    fn log_field(grid: &Grid, (range, rough, seed): (f64, bool, u64)) -> Field {
        let mut field = if rough {
            let mut index = 0;
            Field::from_shape_simple_fn(grid.shape(), || {
                index += 1;
                uniform(seed, index)
            })
        } else {
            grid.sample(|x| {
                let wave = |number: u64| {
                    let along =
                        |axis: u64| 2.0 * uniform(seed, 10 * number + axis) * x[axis as usize];
                    (along(0) + along(1) + along(2) + 7.0 * uniform(seed, 10 * number + 3)).sin()
                };
                (1..4).map(wave).sum()
            })
        };
        let low = field.iter().copied().fold(f64::INFINITY, f64::min);
        let high = field.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        field.mapv_inplace(|value| range * (value - low) / (high - low).max(f64::MIN_POSITIVE));
        exact::normalised(grid, field)
    }

    fn problem(&self) -> (Problem, State) {
        let grid = self.grid();
        let log_target = Self::log_field(&grid, self.target);
        let log_density = Self::log_field(&grid, self.density);
        let problem = Problem {
            grid,
            log_target,
            divergence: self.divergence,
        };
        let state = exact::start(&problem, &log_density);
        (problem, state)
    }
}

/// The same cases in every run.
fn for_cases(
    count: u32,
    cases: impl Strategy<Value = Case>,
    check: impl Fn(Case) -> Result<(), TestCaseError>,
) {
    let config = Config {
        cases: count,
        failure_persistence: None,
        ..Config::default()
    };
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(config, seed);
    if let Err(failure) = runner.run(&cases, check) {
        panic!("{failure}");
    }
}

fn divergences(metrics: &Metrics) -> [(&'static str, f64); 5] {
    [
        ("jensen-shannon", metrics.jensen_shannon),
        ("kl", metrics.kl),
        ("reverse-kl", metrics.reverse_kl),
        ("chi-squared", metrics.chi_squared),
        ("hellinger", metrics.hellinger),
    ]
}

/// The range of ℓ.
fn range(state: &State) -> [f64; 2] {
    let fold = |[low, high]: [f64; 2], ln: &f64| [low.min(*ln), high.max(*ln)];
    state
        .log_ratio
        .iter()
        .fold([f64::INFINITY, f64::NEG_INFINITY], fold)
}

/// Steps a method and holds every state against the first and the one before.
fn holds_structure(
    problem: &Problem,
    start: &State,
    method: &mut dyn Method,
    step: f64,
    steps: u32,
    decreasing: bool,
) -> Result<(), TestCaseError> {
    let [lowest, highest] = range(start);
    let first_mass = mass(problem, start);
    let mut before = divergences(&metrics(problem, start));
    for number in 1..=steps {
        let until = f64::from(number) * step;
        while method.time() < until {
            method
                .advance(until)
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
        }
        let state = method.state().unwrap();
        prop_assert!(
            state.log_ratio.iter().all(|ln| !ln.is_nan()),
            "NaN after step {}",
            number
        );

        let [low, high] = range(&state);
        let slack = |bound: f64| 8.0 * f64::EPSILON * (1.0 + bound.abs());
        prop_assert!(
            low >= lowest - slack(lowest),
            "step {}: ln r = {:e} below {:e}",
            number,
            low,
            lowest
        );
        prop_assert!(
            high <= highest + slack(highest),
            "step {}: ln r = {:e} above {:e}",
            number,
            high,
            highest
        );

        let change = (mass(problem, &state) / first_mass - 1.0).abs();
        prop_assert!(
            change <= 1e-13,
            "step {}: mass changed by {:e}",
            number,
            change
        );

        let now = divergences(&metrics(problem, &state));
        for ((name, now), (_, before)) in now.iter().zip(before) {
            let rounding = 1e-13 * before + 1e-15;
            prop_assert!(
                !decreasing || *now <= before + rounding,
                "step {}: {} rose from {:e} to {:e}",
                number,
                name,
                before,
                now
            );
        }
        before = now;
    }
    Ok(())
}

/// Runs a method from the start of a case; a case that the method refuses by its stated range is no counterexample.
fn check(
    case: &Case,
    settings: impl Fn(f64) -> MethodSettings,
    step: f64,
    steps: u32,
    decreasing: bool,
) -> Result<(), TestCaseError> {
    let (problem, start) = case.problem();
    let mut method = match ottoflow::flow::start(
        &problem,
        &start,
        settings(step),
        ottoflow::flow::Device::CpuDouble,
    ) {
        Ok(method) => method,
        Err(error) => return Err(TestCaseError::fail(error.to_string())),
    };
    holds_structure(&problem, &start, method.as_mut(), step, steps, decreasing)
}

fn explicit_bound(case: &Case) -> f64 {
    let (problem, start) = case.problem();
    crate::setup::explicit_bound(&problem, &start)
}

#[test]
fn explicit_methods_keep_the_structure() {
    for order in [1, 2, 3] {
        for_cases(300, cases(LARGEST_RANGE), |case| {
            let step = explicit_bound(&case);
            check(&case, |step| explicit(order, Some(step)), step, 100, true)
        });
    }
}

#[test]
fn backward_euler_keeps_the_structure_at_any_step() {
    for_cases(300, cases(LARGEST_RANGE), |case| {
        let step = explicit_bound(&case) * case.log_step.exp();
        check(&case, |step| implicit(1, step), step, 20, true)
    });
}

#[test]
fn the_extrapolated_method_keeps_mass_and_bounds_at_any_step() {
    for_cases(300, cases(LARGEST_RANGE), |case| {
        let step = explicit_bound(&case) * case.log_step.exp();
        check(&case, |step| implicit(2, step), step, 20, false)
    });
}

#[test]
fn probe_statistics() {
    use proptest::strategy::{Strategy, ValueTree};
    use std::collections::BTreeMap;
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[9; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), seed);
    let strategy = cases(LARGEST_RANGE);
    let mut table: BTreeMap<(String, usize, String), BTreeMap<String, (usize, f64)>> =
        BTreeMap::new();
    let count: usize = std::env::var("COUNT")
        .unwrap_or("200".into())
        .parse()
        .unwrap();
    for _ in 0..count {
        let case = strategy.new_tree(&mut runner).unwrap().current();
        let bound = explicit_bound(&case);
        let step = bound * case.log_step.exp();
        let mut add = |name: &str, result: Result<(), TestCaseError>| {
            let key = (
                name.to_string(),
                case.axes.len(),
                case.divergence.name().to_string(),
            );
            if let Err(e) = &result {
                println!(
                    "FAIL {name} {:?} {} target {:?} density {:?} log_step {:.1}: {e}",
                    case.axes,
                    case.divergence.name(),
                    case.target,
                    case.density,
                    case.log_step
                );
            }
            let kind = match result {
                Ok(()) => "ok".to_string(),
                Err(e) => {
                    let text = e.to_string();
                    let words: Vec<&str> = text.split_whitespace().collect();
                    words
                        .iter()
                        .filter(|w| w.chars().all(|c| c.is_alphabetic() || c == '-'))
                        .take(7)
                        .cloned()
                        .collect::<Vec<_>>()
                        .join(" ")
                }
            };
            let range = case.target.0.max(case.density.0);
            let entry = table
                .entry(key)
                .or_default()
                .entry(kind)
                .or_insert((0, f64::INFINITY));
            entry.0 += 1;
            entry.1 = entry.1.min(range);
        };
        let only = std::env::var("ONLY").unwrap_or_default();
        if only.is_empty() || only == "e" {
            for order in [1, 3] {
                add(
                    &format!("explicit {order}"),
                    check(
                        &case,
                        |step| explicit(order, Some(step)),
                        0.9 * bound,
                        100,
                        true,
                    ),
                );
            }
        }
        if only.is_empty() || only == "i" {
            add(
                "implicit 1",
                check(&case, |step| implicit(1, step), step, 20, true),
            );
            add(
                "implicit 2",
                check(&case, |step| implicit(2, step), step, 20, false),
            );
        }
    }
    for (key, values) in table {
        println!("STAT {key:?} {values:?}");
    }
}
#[test]
fn probe_one() {
    for h in [
        Case {
            axes: vec![
                (4, true, 2.701828837862347),
                (4, true, 2.490854316406787),
                (5, false, 2.664999895579063),
            ],
            target: (49.32063534266212, false, 66055640933403964),
            density: (90.17262528197642, true, 13942057249640151132),
            divergence: DivergenceKind::JensenShannon,
            log_step: 14.0,
        },
        Case {
            axes: vec![
                (4, true, 0.4839202845254657),
                (13, true, 0.32800689233795727),
            ],
            target: (131.16552047616773, false, 9521850523191077298),
            density: (78.65840617977635, false, 4414756615348599219),
            divergence: DivergenceKind::Kl,
            log_step: 8.5,
        },
    ] {
        println!("CASE");
        let step = explicit_bound(&h) * h.log_step.exp();
        println!(
            "kl {:?}",
            check(&h, |step| implicit(1, step), step, 3, true)
        );
    }
}

#[test]
fn probe_cost() {
    use crate::setup::*;
    for (kind, separation) in [
        (DivergenceKind::JensenShannon, 2.0),
        (DivergenceKind::JensenShannon, 5.0),
        (DivergenceKind::Kl, 5.0),
        (DivergenceKind::ChiSquared, 5.0),
        (DivergenceKind::Hellinger, 5.0),
    ] {
        let axis = Axis {
            lower: -8.0,
            upper: 8.0,
            cells: 96,
            boundary: Boundary::NoFlux,
        };
        let grid = Grid::new(vec![axis, axis]).unwrap();
        let a = exact::log_gaussian([separation, 1.0, 0.0], [0.8, 1.0, 1.0]);
        let b = exact::log_gaussian([-separation, 0.0, 0.0], [0.8, 0.7, 1.0]);
        let log_target = exact::normalised(&grid, grid.sample(a));
        let log_density = exact::normalised(&grid, grid.sample(b));
        let problem = Problem {
            grid,
            log_target,
            divergence: kind,
        };
        let start = exact::start(&problem, &log_density);
        let clock = std::time::Instant::now();
        let mut method = started(&problem, &start, adaptive(1e-3));
        let (mut steps, mut iterations, mut linear, mut rejected) = (0, 0, 0, 0);
        while method.time() < 1.0 && steps < 300 {
            match method.advance(1.0) {
                Ok(a) => {
                    steps += a.steps;
                    iterations += a.iterations;
                    linear += a.linear_iterations;
                    rejected += a.rejected;
                }
                Err(e) => {
                    println!("ERR {e}");
                    break;
                }
            }
        }
        println!(
            "COST {kind:?} {separation} t {} steps {steps} newton {iterations} cg {linear} rejected {rejected} seconds {:.2} mass {:e}",
            method.time(),
            clock.elapsed().as_secs_f64(),
            mass(&problem, &method.state().unwrap()) - 1.0
        );
    }
}
