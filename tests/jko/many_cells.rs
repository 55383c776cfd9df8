//! Fine grids: the number of iterations does not grow with that of the cells, and no bit depends on the threads.

use ottoflow::divergence::DivergenceKind;
use ottoflow::flow::{Problem, State};
use ottoflow::grid::Boundary;

use crate::setup::{gaussian_to_two, jko, line, problem, started};

/// Iterations of each of three steps by τ, and the bits of the state after them.
fn three_steps(problem: &Problem, start: &State, order: u8, tau: f64) -> (Vec<usize>, Vec<u64>) {
    let mut method = started(problem, start, jko(order, tau));
    let iterations = (0..3).map(|_| method.advance(100.0 * tau).unwrap().iterations);
    let iterations = iterations.collect();
    let state = method.state().unwrap();
    (
        iterations,
        state.log_ratio.iter().map(|ln| ln.to_bits()).collect(),
    )
}

#[test]
fn iterations_do_not_grow_with_the_number_of_cells() {
    for cells in [400, 1_601, 6_400, 25_600] {
        let (problem, start) = gaussian_to_two(DivergenceKind::JensenShannon, cells);
        let (iterations, _) = three_steps(&problem, &start, 1, 0.2);
        println!("{cells} cells: {iterations:?}");
        assert!(
            iterations.iter().all(|count| *count <= 5),
            "{cells} cells: {iterations:?}"
        );
    }
}

#[test]
fn many_cells_are_the_same_bits_on_1_and_2_threads() {
    let (on_line, line_start) = gaussian_to_two(DivergenceKind::Hellinger, 20_011);
    let wave = std::f64::consts::TAU / 3.0;
    let (ring, ring_start) = problem(
        line(0.0, 3.0, 20_011, Boundary::Periodic),
        DivergenceKind::Kl,
        |x| (wave * x + 0.4).cos(),
        |x| 2.0 * (wave * x + 2.0).sin(),
    );
    for (problem, start) in [(&on_line, &line_start), (&ring, &ring_start)] {
        for order in [1, 2] {
            let [one, two] = [1, 2].map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap();
                pool.install(|| three_steps(problem, start, order, 0.05))
            });
            println!("order {order}: {:?}", one.0);
            assert_eq!(one, two);
        }
    }
}
