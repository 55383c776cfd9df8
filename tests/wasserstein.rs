//! The Wasserstein distance in more than one dimension, against quantiles, a linear program and laws of the metric.

use microlp::{ComparisonOp, OptimizationDirection, Problem, SolveOutcome, Variable};
use ottoflow::grid::{Axis, Boundary, Field, Grid};
use ottoflow::metrics::{TransportToTarget, wasserstein_1d};
use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn grid(cells: &[usize], boundary: Boundary) -> Grid {
    let axis = |&cells: &usize| Axis {
        lower: 0.0,
        upper: 1.0,
        cells,
        boundary,
    };
    Grid::new(cells.iter().map(axis).collect()).unwrap()
}

fn distance(grid: &Grid, first: &Field, second: &Field) -> f64 {
    let transport = TransportToTarget::new(grid, second).unwrap();
    transport.distance(first).unwrap()
}

fn bump(x: f64, mean: f64, std: f64) -> f64 {
    (-0.5 * ((x - mean) / std).powi(2)).exp()
}

/// Of two densities that are products, W2² is the sum over the axes, which quantiles give exactly for constant cells.
#[test]
fn of_products_its_square_is_the_sum_over_the_axes() {
    type Factor = fn(f64) -> f64;
    let first: [Factor; 3] = [
        |x| bump(x, 0.35, 0.08),
        |y| bump(y, 0.3, 0.06) + 0.5 * bump(y, 0.7, 0.1),
        |z| 1.0 + z,
    ];
    let second: [Factor; 3] = [
        |x| bump(x, 0.6, 0.11),
        |y| 0.1 + bump(y, 0.5, 0.15),
        |z| 2.0 - z,
    ];
    let error = |dimension: usize, cells: usize| {
        let density = |factors: [Factor; 3]| {
            move |at: [f64; 3]| (0..dimension).map(|axis| factors[axis](at[axis])).product()
        };
        let whole = grid(&vec![cells; dimension], Boundary::NoFlux);
        let found = distance(
            &whole,
            &whole.sample(density(first)),
            &whole.sample(density(second)),
        );
        let line = grid(&[cells], Boundary::NoFlux);
        let squares = (0..dimension).map(|axis| {
            let along = |factor: Factor| line.sample(move |at| factor(at[0]));
            let exact = wasserstein_1d(&line, &along(first[axis]), &along(second[axis]));
            exact.unwrap().powi(2)
        });
        found / squares.sum::<f64>().sqrt() - 1.0
    };
    for (dimension, sizes) in [(1, [64, 128]), (2, [32, 64]), (3, [16, 32])] {
        let errors = sizes.map(|cells| error(dimension, cells));
        println!("{dimension}-D, {sizes:?}: {errors:?}");
        let spacing = 1.0 / sizes[1] as f64;
        assert!(errors[1].abs() < 4.0 * spacing * spacing, "{errors:?}");
        assert!(errors[1].abs() < 0.4 * errors[0].abs(), "{errors:?}");
    }
}

/// A translation by d costs |d|, and the shorter way around where the sides are joined; in 3-D too, and by less than a cell.
#[test]
fn a_translation_costs_its_length() {
    for (cells, shift) in [
        (vec![96, 96], [0.003, 0.001, 0.0]),
        (vec![96, 96], [0.3, -0.2, 0.0]),
        (vec![96, 96], [0.8, 0.1, 0.0]),
        (vec![28, 28, 28], [0.02, 0.0, 0.75]),
    ] {
        let grid = grid(&cells, Boundary::Periodic);
        // Narrow, so that no mass is better off on the other way around.
        let width = if cells.len() == 3 { 0.06 } else { 0.05 };
        let around = |x: f64, mean: f64| {
            (-2..=2)
                .map(|turn| bump(x, mean + f64::from(turn), width))
                .sum::<f64>()
        };
        let density = |shift: [f64; 3]| {
            grid.sample(|at| {
                (0..cells.len())
                    .map(|axis| around(at[axis], 0.5 + shift[axis]))
                    .product()
            })
        };
        let found = distance(&grid, &density([0.0; 3]), &density(shift));
        let shortest = shift.map(|d| d - f64::round(d));
        let exact = shortest.iter().map(|d| d * d).sum::<f64>().sqrt();
        println!("{cells:?} {shift:?}: {found} {exact}");
        assert!((found / exact - 1.0).abs() < 1e-2, "{found} and {exact}");
    }
}

#[test]
fn it_vanishes_between_equals_only_and_is_symmetric() {
    let grid = grid(&[40, 30], Boundary::NoFlux);
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut rough = || grid.sample(|_| 0.0).mapv(|_| random.random::<f64>());
    let (first, second) = (rough(), rough());
    let itself = distance(&grid, &first, &first);
    assert!(itself < 1e-6, "{itself:e}");
    let (there, back) = (
        distance(&grid, &first, &second),
        distance(&grid, &second, &first),
    );
    assert!(
        there > 1e-3 && (there / back - 1.0).abs() < 1e-4,
        "{there} {back}"
    );
}

/// With an ε far below the square of the spacing it is the optimal transport between the masses at the cell centres.
#[test]
fn with_little_smoothing_it_is_the_optimum_of_the_linear_program() {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    for cells in [vec![7, 6], vec![3, 4, 3]] {
        let grid = grid(&cells, Boundary::NoFlux);
        let mut rough = || {
            let field = grid
                .sample(|_| 0.0)
                .mapv(|_| random.random::<f64>().powi(3));
            let total = field.sum();
            field / total
        };
        let (first, second) = (rough(), rough());
        let optimum = linear_program(&grid, &first, &second).sqrt();
        let widest = grid.axes().iter().map(Axis::spacing).fold(0.0, f64::max);
        let errors = [0.01, 0.0025].map(|share| {
            let epsilon = share * widest * widest;
            let transport = TransportToTarget::with_smoothing(&grid, &second, epsilon).unwrap();
            transport.distance(&first).unwrap() / optimum - 1.0
        });
        println!("{cells:?}: W2 {optimum}, off by {errors:?}");
        // In proportion to ε.
        let limit = (4.0 * errors[1] - errors[0]) / 3.0;
        assert!(errors[1].abs() < 3e-3 && limit.abs() < 1e-3, "{errors:?}");
    }
}

/// min Σ |x − y|² plan(x, y) with the two densities as marginals, by the simplex method.
fn linear_program(grid: &Grid, first: &Field, second: &Field) -> f64 {
    let centers: Vec<[f64; 3]> = first
        .indexed_iter()
        .map(|(index, _)| grid.center(index))
        .collect();
    let mut program = Problem::new(OptimizationDirection::Minimize);
    let square = |x: &[f64; 3], y: &[f64; 3]| (0..3).map(|axis| (x[axis] - y[axis]).powi(2)).sum();
    let plan: Vec<Vec<Variable>> = centers
        .iter()
        .map(|x| {
            let to = centers.iter();
            to.map(|y| program.add_var(square(x, y), (0.0, f64::INFINITY)))
                .collect()
        })
        .collect();
    for (from, mass) in first.iter().enumerate() {
        let row: Vec<(Variable, f64)> = plan[from].iter().map(|&share| (share, 1.0)).collect();
        program.add_constraint(&row, ComparisonOp::Eq, *mass);
    }
    // The last follows from the others.
    for (to, mass) in second.iter().enumerate().skip(1) {
        let column: Vec<(Variable, f64)> = plan.iter().map(|row| (row[to], 1.0)).collect();
        program.add_constraint(&column, ComparisonOp::Eq, *mass);
    }
    match program.solve().unwrap() {
        SolveOutcome::Solution(solution) => solution.objective(),
        SolveOutcome::Interrupted(_) => panic!("no limit was set"),
    }
}

#[test]
fn its_bits_do_not_depend_on_the_number_of_threads() {
    let grid = grid(&[70, 90], Boundary::NoFlux);
    let first = grid.sample(|at| bump(at[0], 0.3, 0.1) * bump(at[1], 0.6, 0.2));
    let second = grid.sample(|at| 1.0 + at[0]);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build()
            .unwrap()
            .install(|| distance(&grid, &first, &second).to_bits())
    };
    assert_eq!(on(1), on(3));
}

/// Where a density has no mass at all, its potential is still defined by the other.
#[test]
fn empty_cells_are_no_obstacle() {
    let grid = grid(&[64, 64], Boundary::NoFlux);
    let square = |lower: f64, upper: f64| {
        grid.sample(move |at| {
            f64::from(u8::from(
                at.iter().take(2).all(|x| *x > lower && *x < upper),
            ))
        })
    };
    let (small, large) = (square(0.25, 0.5), square(0.25, 0.75));
    // x ↦ 0.25 + 2 (x − 0.25) along both axes: 2 ∫₀¹ (s/4)² ds.
    let exact = (2.0_f64 / 48.0).sqrt();
    let found = distance(&grid, &small, &large);
    assert!((found / exact - 1.0).abs() < 5e-3, "{found} and {exact}");
}
