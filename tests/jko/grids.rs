//! Steps in 2-D on ever finer grids: iterations, and the error in space beside that in 1-D.

use ottoflow::divergence::DivergenceKind;

use crate::setup::{even_problem, one_step, started};
use crate::solid::{even_plane, jko, step, wave};

/// First guesses come from coarser grids, so that a finer grid asks for no more iterations in five steps. (A single one may take two more or fewer.)
#[test]
fn iterations_do_not_grow_with_the_number_of_cells() {
    let iterations = [64, 128, 256, 512].map(|cells| {
        let (problem, start, _) = wave(2, cells);
        let mut method = started(&problem, &start, jko(5e-3, 1e-8));
        let steps = (1..=5).map(|number| method.advance(5e-3 * f64::from(number)).unwrap());
        steps.map(|advance| advance.iterations).sum::<usize>()
    });
    println!("{iterations:?}");
    let most = iterations.iter().max();
    assert!(most <= Some(&(iterations[0] + 1)), "{iterations:?}");
}

/// A problem of one axis: the error of a step in space beside that of the step in 1-D on the same cells, both to 1-D on 4096 cells. Long
/// steps are as exact as in 1-D; in short ones the single foot of a cell shows.
#[test]
fn the_error_in_space_is_like_that_in_one_dimension() {
    const FINE: usize = 4096;
    let kind = DivergenceKind::JensenShannon;
    for (tau, most) in [(5e-3, 5.0), (2e-2, 2.0)] {
        let (fine, start) = even_problem(kind, FINE);
        let truth = one_step(&fine, &start, tau).0.density(&fine);
        for cells in [64, 128, 256] {
            let (line, start) = even_problem(kind, cells);
            let own = one_step(&line, &start, tau).0.density(&line);
            let (plane, start) = even_plane(cells, true);
            let flat = step(&plane, &start, tau, 1e-8).unwrap().0.density(&plane);
            let (mut of_line, mut of_plane) = (0.0, 0.0);
            for i in 0..cells {
                // The centre of a cell is a side of two fine ones.
                let side = i * FINE / cells + FINE / cells / 2;
                let there = 0.5 * (truth[(0, 0, side - 1)] + truth[(0, 0, side)]);
                of_line += (own[(0, 0, i)] - there).abs();
                of_plane += (0.4 * flat[(0, 3, i)] - there).abs();
            }
            let ratio = of_plane / of_line;
            println!("τ = {tau}, {cells} cells: {ratio:.2}");
            assert!(ratio <= most, "τ = {tau}, {cells} cells: {ratio:.2}");
        }
    }
}
