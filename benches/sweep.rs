//! The explicit step of the 2-D periodic Jensen–Shannon flow (flux, divergence and update in one sweep) against the two roofs of this
//! machine, measured in the same run: the memory bandwidth of a pass that reads two fields and writes one in place, and the node function
//! alone on values that stay in the first cache.
//!
//! `cargo bench --bench sweep` prints a table in Markdown; docs/benchmarks.md keeps one.

use std::hint::black_box;
use std::time::Instant;

use ottoflow::backend::cpu::{CpuSweep, instructions, map_nodes};
use ottoflow::calculus::Scalar;
use ottoflow::divergence::JensenShannon;
use ottoflow::flow::Diffusion;
use ottoflow::grid::{Axis, Boundary, Grid};
use rayon::prelude::*;

type Flow = Diffusion<JensenShannon>;

/// The shortest of many runs: what the machine can do, with the least of what else it does.
fn best(repeats: usize, mut run: impl FnMut()) -> f64 {
    run();
    let mut best = f64::INFINITY;
    for _ in 0..repeats {
        let begin = Instant::now();
        run();
        best = best.min(begin.elapsed().as_secs_f64());
    }
    best
}

/// Cells a second of a pass over memory that reads two fields and writes one of them in place.
fn memory_roof<T: Scalar>(cells: usize) -> f64 {
    let mut a = vec![T::constant(1.0); cells];
    let b = vec![T::constant(1e-9); cells];
    let tile = 1 << 15;
    let seconds = best(20, || {
        a.par_chunks_mut(tile)
            .zip(b.par_chunks(tile))
            .for_each(|(a, b)| {
                for (a, b) in a.iter_mut().zip(b) {
                    *a = *a + *b;
                }
            });
    });
    black_box(&a);
    cells as f64 / seconds
}

/// Cells a second of the node function alone, on all threads, from the first cache.
fn node_roof<T: Scalar>() -> f64 {
    let threads = rayon::current_num_threads();
    let values: Vec<T> = (0..2048)
        .map(|i| T::constant(0.01 + 0.005 * f64::from(i)))
        .collect();
    let passes = 2000;
    let seconds = best(10, || {
        (0..threads).into_par_iter().for_each(|_| {
            let mut nodes = vec![T::default(); values.len()];
            for _ in 0..passes {
                map_nodes::<T, Flow>(black_box(&values), &mut nodes);
            }
            black_box(&nodes);
        });
    });
    (threads * passes * values.len()) as f64 / seconds
}

fn sweep_rate<T: Scalar>(n: usize) -> f64 {
    let axis = Axis {
        lower: 0.0,
        upper: 1.0,
        cells: n,
        boundary: Boundary::Periodic,
    };
    let Ok(grid) = Grid::new(vec![axis, axis]) else {
        return f64::NAN;
    };
    let wave = |phase: f64| (std::f64::consts::TAU * phase).sin();
    let at = |cell: usize| [cell % n, cell / n].map(|i| (i as f64 + 0.5) / n as f64);
    let weight = (0..n * n).map(|cell| T::constant(1.0 + 0.3 * wave(at(cell)[0])));
    let mut sweep = CpuSweep::<T>::new(&grid, weight);
    sweep.load((0..n * n).map(|cell| T::constant(1.0 + 0.5 * wave(at(cell)[1]))));
    let steps = ((1 << 23) / (n * n)).max(1);
    let seconds = best(40, || sweep.run::<Flow>(&[0.0], [0.2; 3], steps));
    black_box(sweep.ratio());
    (n * n * steps) as f64 / seconds
}

fn report<T: Scalar>() {
    let node = node_roof::<T>();
    for n in [512, 1024, 2048, 4096] {
        let memory = memory_roof::<T>(n * n);
        let sweep = sweep_rate::<T>(n);
        // Reading, writing and the node function could at best overlap entirely.
        let roof = memory.min(node);
        println!(
            "| {} | {n}² | {:.2} | {:.1} | {:.2} | {:.2} | {:.0} % |",
            T::NAME,
            sweep / 1e9,
            3.0 * size_of::<T>() as f64 * sweep / 1e9,
            memory / 1e9,
            node / 1e9,
            100.0 * sweep / roof
        );
    }
}

fn main() {
    println!(
        "explicit step, 2-D periodic jensen-shannon, {} threads, {}",
        rayon::current_num_threads(),
        instructions()
    );
    println!(
        "| format | cells | Gcell/s | GB/s moved | memory roof, Gcell/s | node roof, Gcell/s | of the lower roof |"
    );
    println!("|---|---|---|---|---|---|---|");
    report::<f64>();
    report::<f32>();
}
