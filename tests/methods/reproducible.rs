//! The bits of a result do not depend on the number of threads.

use ottoflow::divergence::DivergenceKind;
use ottoflow::flow::MethodSettings;
use ottoflow::grid::{Axis, Boundary, Grid};
use ottoflow::metrics::metrics;

use crate::setup::{adaptive, explicit, explicit_bound, implicit, reached, smooth_problem};

fn results(threads: usize, grid: &Grid, settings: MethodSettings, end: f64) -> Vec<u64> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    pool.install(|| {
        let (problem, start) = smooth_problem(DivergenceKind::JensenShannon, grid.clone());
        let state = reached(&problem, &start, settings, end);
        let numbers = metrics(&problem, &state);
        let numbers = numbers
            .entries()
            .into_iter()
            .map(|(_, value)| value.to_bits());
        state
            .log_ratio
            .iter()
            .map(|ln| ln.to_bits())
            .chain(numbers)
            .collect()
    })
}

#[test]
fn states_and_metrics_are_the_same_bits_on_1_2_and_3_threads() {
    let axis = |cells, boundary| Axis {
        lower: 0.0,
        upper: 1.0,
        cells,
        boundary,
    };
    // Large and odd enough for many unequal tiles.
    let plane = Grid::new(vec![
        axis(331, Boundary::Periodic),
        axis(257, Boundary::NoFlux),
    ])
    .unwrap();
    let solid = Grid::new(vec![
        axis(47, Boundary::NoFlux),
        axis(41, Boundary::Periodic),
        axis(39, Boundary::NoFlux),
    ])
    .unwrap();
    for grid in [plane, solid] {
        let (problem, start) = smooth_problem(DivergenceKind::JensenShannon, grid.clone());
        let short = 20.0 * explicit_bound(&problem, &start);
        let cases = [
            (explicit(1, None), short),
            (explicit(3, None), short),
            (implicit(1, 2e-3), 4e-3),
            (adaptive(1e-3), 1e-2),
        ];
        for (settings, end) in cases {
            let one = results(1, &grid, settings, end);
            for threads in [2, 3] {
                assert!(
                    one == results(threads, &grid, settings, end),
                    "{settings:?} on {threads} threads"
                );
            }
        }
    }
}
