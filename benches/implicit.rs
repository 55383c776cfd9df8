//! The implicit method in 2-D with error control: a ring of eight Gaussians from a central one, on finer and finer grids. Iterations that
//! do not grow with the grid are what Newton's method in ψ and multigrid are for.
//!
//! `cargo bench --bench implicit` prints a table in Markdown; docs/benchmarks.md keeps one.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use ottoflow::density::{Density, Gaussian, Ring};
use ottoflow::divergence::DivergenceKind;
use ottoflow::exact;
use ottoflow::flow::{Device, MethodSettings, Problem, Stepping, start};
use ottoflow::grid::{Axis, Boundary, Grid};
use ottoflow::metrics::metrics;

const TOLERANCE: f64 = 1e-4;
const END: f64 = 1.0;

fn report(cells: usize) -> Result<(), Box<dyn Error>> {
    let axis = Axis {
        lower: -4.0,
        upper: 4.0,
        cells,
        boundary: Boundary::NoFlux,
    };
    let grid = Grid::new(vec![axis; 2])?;
    let target = Density::Ring(Ring {
        modes: 8,
        radius: 2.0,
        std: 0.3,
        floor: Some(1e-3),
        ..Ring::default()
    });
    let initial = Density::Gaussian(Gaussian {
        mean: vec![0.0; 2],
        std: Some(vec![1.0; 2]),
        ..Gaussian::default()
    });
    let folder = Path::new(".");
    let problem = Problem {
        log_target: target.normalised(&grid, folder)?,
        divergence: DivergenceKind::JensenShannon,
        grid: grid.clone(),
    };
    let state = exact::start(&problem, &initial.normalised(&grid, folder)?);
    let before = metrics(&problem, &state).mass;

    let begin = Instant::now();
    let settings = MethodSettings::Implicit(Stepping::Adaptive {
        tolerance: TOLERANCE,
    });
    let mut method = start(&problem, &state, settings, Device::CpuDouble)?;
    let (mut steps, mut tried, mut newton, mut linear) = (0, 0, 0, 0);
    while method.time() < END {
        let advance = method.advance(END)?;
        steps += advance.steps;
        tried += advance.steps + advance.rejected;
        newton += advance.iterations;
        linear += advance.linear_iterations;
    }
    let seconds = begin.elapsed().as_secs_f64();
    let mass = (metrics(&problem, &method.state()?).mass / before - 1.0).abs();
    // An extrapolated step is three solves.
    println!(
        "| {cells}² | {steps} | {:.2} | {:.2} | {:.1} | {seconds:.1} | {mass:.0e} |",
        newton as f64 / (3 * tried) as f64,
        linear as f64 / newton as f64,
        linear as f64 / tried as f64,
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    println!(
        "ring of eight Gaussians, adaptive to {TOLERANCE:.0e} up to time {END}, {} threads",
        rayon::current_num_threads()
    );
    println!(
        "| cells | steps | Newton iterations a solve | CG iterations a Newton iteration | CG iterations a step | seconds | mass error |"
    );
    println!("|---|---|---|---|---|---|---|");
    [128, 256, 512, 1024].into_iter().try_for_each(report)
}
