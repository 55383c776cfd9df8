//! The explicit step of the 2-D periodic Jensen–Shannon flow (flux, divergence and update in one sweep) against the two roofs of this
//! machine, measured in the same run: the memory bandwidth of a pass that reads two fields and writes one in place, and the node function
//! alone on values that stay in the first cache.
//!
//! `cargo bench --bench sweep` prints a table in Markdown; docs/benchmarks.md keeps one.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ottoflow::backend::cpu::{CpuSweep, instructions, map_nodes};
use ottoflow::calculus::Scalar;
use ottoflow::divergence::JensenShannon;
use ottoflow::flow::Diffusion;
use ottoflow::grid::{Axis, Boundary, Grid};
use rayon::prelude::*;

type Flow = Diffusion<JensenShannon>;

/// How long each figure is measured.
const DURATION: Duration = Duration::from_millis(1500);

/// Seconds that a run takes: the shortest, which is what the machine can do, and the median, which is what it did beside its other work.
struct Seconds {
    shortest: f64,
    median: f64,
}

/// Measures short runs one by one for [`DURATION`].
fn measure(mut run: impl FnMut()) -> Seconds {
    run();
    let mut seconds = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < DURATION {
        let begin = Instant::now();
        run();
        seconds.push(begin.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Seconds {
        shortest: seconds[0],
        median: seconds[seconds.len() / 2],
    }
}

/// Cells a second of a pass over memory that reads two fields and writes one of them in place.
fn memory_roof<T: Scalar>(cells: usize) -> f64 {
    let mut a = vec![T::constant(1.0); cells];
    let b = vec![T::constant(1e-9); cells];
    let tile = 1 << 15;
    let seconds = measure(|| {
        a.par_chunks_mut(tile)
            .zip(b.par_chunks(tile))
            .for_each(|(a, b)| {
                for (a, b) in a.iter_mut().zip(b) {
                    *a = *a + *b;
                }
            });
    });
    black_box(&a);
    cells as f64 / seconds.shortest
}

/// Cells a second of the node function alone, on all threads, from the first cache.
fn node_roof<T: Scalar>() -> f64 {
    let threads = rayon::current_num_threads();
    let values: Vec<T> = (0..2048)
        .map(|i| T::constant(0.01 + 0.005 * f64::from(i)))
        .collect();
    let passes = 500;
    let seconds = measure(|| {
        (0..threads).into_par_iter().for_each(|_| {
            let mut nodes = vec![T::default(); values.len()];
            for _ in 0..passes {
                map_nodes::<T, Flow>(black_box(&values), &mut nodes);
            }
            black_box(&nodes);
        });
    });
    (threads * passes * values.len()) as f64 / seconds.shortest
}

/// Cells a second of the whole step: at best, and in the median.
fn sweep_rate<T: Scalar>(n: usize) -> [f64; 2] {
    let axis = Axis {
        lower: 0.0,
        upper: 1.0,
        cells: n,
        boundary: Boundary::Periodic,
    };
    let Ok(grid) = Grid::new(vec![axis, axis]) else {
        return [f64::NAN; 2];
    };
    let wave = |phase: f64| (std::f64::consts::TAU * phase).sin();
    let at = |cell: usize| [cell % n, cell / n].map(|i| (i as f64 + 0.5) / n as f64);
    let weight = (0..n * n).map(|cell| T::constant(1.0 + 0.3 * wave(at(cell)[0])));
    let mut sweep = CpuSweep::<T>::new(&grid, weight);
    sweep.load((0..n * n).map(|cell| T::constant(1.0 + 0.5 * wave(at(cell)[1]))));
    let steps = ((1 << 20) / (n * n)).max(1);
    let seconds = measure(|| sweep.run::<Flow>(&[0.0], [0.2; 3], steps));
    black_box(sweep.ratio());
    [seconds.shortest, seconds.median].map(|seconds| (n * n * steps) as f64 / seconds)
}

fn report<T: Scalar>() {
    let node = node_roof::<T>();
    for n in [512, 1024, 2048, 4096] {
        let memory = memory_roof::<T>(n * n);
        let [sweep, median] = sweep_rate::<T>(n);
        // Reading, writing and the node function could at best overlap entirely.
        let roof = memory.min(node);
        println!(
            "| {} | {n}² | {:.2} | {:.2} | {:.1} | {:.2} | {:.2} | {:.0} % |",
            T::NAME,
            sweep / 1e9,
            median / 1e9,
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
        "| format | cells | Gcell/s | median | GB/s moved | memory roof, Gcell/s | node roof, Gcell/s | of the lower roof |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    report::<f64>();
    report::<f32>();
}
