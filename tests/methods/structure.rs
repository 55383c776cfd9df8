//! Random problems with r from 1e-60 to 1e60: the comparison principle, the decay of every divergence, the conservation of mass.

use ottoflow::divergence::DivergenceKind;
use ottoflow::exact;
use ottoflow::flow::{Device, Method, MethodSettings, Problem, State};
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
    decreasing: &[&str],
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
                !decreasing.contains(name) || *now <= before + rounding,
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

/// Runs a method from the start of a case.
fn check(
    case: &Case,
    settings: MethodSettings,
    step: f64,
    steps: u32,
    decreasing: &[&str],
) -> Result<(), TestCaseError> {
    let (problem, start) = case.problem();
    let mut method = ottoflow::flow::start(&problem, &start, settings, Device::CpuDouble)
        .map_err(|error| TestCaseError::fail(error.to_string()))?;
    holds_structure(&problem, &start, method.as_mut(), step, steps, decreasing)
}

fn explicit_bound(case: &Case) -> f64 {
    let (problem, start) = case.problem();
    crate::setup::explicit_bound(&problem, &start)
}

const EVERY: [&str; 5] = [
    "jensen-shannon",
    "kl",
    "chi-squared",
    "hellinger",
    "reverse-kl",
];
/// Below the bound itself, where a cell gives away all it has and the rest is rounding.
const SHARE_OF_BOUND: f64 = 0.9;
#[test]
fn explicit_methods_keep_the_structure() {
    for order in [1, 2, 3] {
        for_cases(100, cases(LARGEST_RANGE), |case| {
            let step = SHARE_OF_BOUND * explicit_bound(&case);
            check(&case, explicit(order, Some(step)), step, 60, &EVERY)
        });
    }
}

#[test]
fn backward_euler_keeps_the_structure_at_any_step() {
    for_cases(6000, cases(LARGEST_RANGE), |case| {
        let step = explicit_bound(&case) * case.log_step.exp();
        check(&case, implicit(1, step), step, 10, &EVERY)
    });
}

#[test]
fn the_extrapolated_method_keeps_mass_and_bounds_at_any_step() {
    for_cases(6000, cases(LARGEST_RANGE), |case| {
        let step = explicit_bound(&case) * case.log_step.exp();
        check(&case, implicit(2, step), step, 10, &[])
    });
}

/// Found by longer searches: a front from r of 1e-35 or less across the box within one step, r that must grow from 1e-56, and errors of
/// single steps that add up.
#[test]
fn hard_cases_of_other_seeds_keep_the_structure() {
    let front = |axes: &[(usize, bool, f64)], target, density, log_step| Case {
        axes: axes.to_vec(),
        target,
        density,
        divergence: DivergenceKind::ChiSquared,
        log_step,
    };
    let cases = [
        front(
            &[
                (8, false, 1.1747499790902305),
                (4, true, 1.3945891690885792),
            ],
            (0.2398196571774642, false, 10334713452408254670),
            (84.50367287445414, true, 6938091685429610307),
            13.349875574388644,
        ),
        front(
            &[
                (4, true, 1.7364058302323657),
                (10, true, 0.3279948794001725),
            ],
            (5.337577221337984, false, 16682739029454740658),
            (137.06549361978614, true, 17728977268740189916),
            13.545540135390402,
        ),
        Case {
            axes: vec![(15, true, 1.859084948943009)],
            target: (0.4166372848368537, false, 8755333195543533989),
            density: (130.97556306682353, true, 2916866685795152119),
            divergence: DivergenceKind::Hellinger,
            log_step: 11.136055571539995,
        },
        Case {
            axes: vec![
                (4, false, 1.6753044343938888),
                (3, false, 1.3309397279659179),
            ],
            target: (7.812906363206577, false, 8820519598908471152),
            density: (45.67928494301966, true, 1069393898524302421),
            divergence: DivergenceKind::ReverseKl,
            log_step: 10.20803005062483,
        },
    ];
    for case in cases {
        let step = explicit_bound(&case) * case.log_step.exp();
        for (order, decreasing) in [(1, &EVERY[..4]), (2, &[])] {
            check(&case, implicit(order, step), step, 10, decreasing)
                .unwrap_or_else(|error| panic!("order {order}, {case:?}: {error}"));
        }
    }
}
