//! The share of the linear systems in a step: what a faster solver, such as a GPU's, could save at most.
//!
//! `cargo bench --bench linear_systems` prints a table in Markdown; docs/benchmarks.md keeps it.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use ottoflow::elliptic::Elliptic;
use ottoflow::flow::{Device, start};
use ottoflow::grid::Field;
use ottoflow::scenario;

const STEPS: usize = 15;
/// s of the solves that are timed alone; it has no say in the time of an iteration.
const SCALE: f64 = 1e-3;

/// The shortest step of some on the CPU, and the shortest of the solves made in between by a rough and by a fine tolerance: the difference of these is
/// the time of their iterations, the rest that of a solve before its first.
fn report(
    name: &str,
    text: &str,
    overrides: &[&str],
    method: &str,
    cells: usize,
) -> Result<(), Box<dyn Error>> {
    let mut overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    overrides.push(format!("grid.cells=[{cells}, {cells}]"));
    let scenario = scenario::parse(text, name, Path::new(""), &overrides)?;
    let (problem, state) = scenario.build()?;
    let mut flow = start(&problem, &state, scenario.method(), Device::CpuDouble)?;
    let mut elliptic = Elliptic::new(&problem.grid, &problem.log_target)?;
    let slope = Field::from_elem(problem.grid.shape(), 0.5);
    let rhs = state.log_ratio.mapv(f64::sin);
    let mut solution = Field::zeros(problem.grid.shape());
    let (mut newton, mut linear, mut step) = (0, 0, f64::INFINITY);
    // Iterations of a solve by a tolerance, always the same, and its shortest time.
    let mut solves = [(0, f64::INFINITY); 2];
    for _ in 0..STEPS {
        let begin = Instant::now();
        let advance = flow.advance(1e9)?;
        let seconds = begin.elapsed().as_secs_f64();
        if seconds < step {
            (newton, linear, step) = (advance.iterations, advance.linear_iterations, seconds);
        }
        for (tolerance, (iterations, seconds)) in [1e-1, 1e-10].into_iter().zip(&mut solves) {
            solution.fill(0.0);
            let begin = Instant::now();
            let report = elliptic.solve(SCALE, &slope, &rhs, tolerance, &mut solution)?;
            *seconds = begin.elapsed().as_secs_f64().min(*seconds);
            *iterations = report.iterations;
        }
    }
    let [(few, short), (many, long)] = solves;
    let of_iteration = (long - short) / (many - few) as f64;
    let of_solve = short - of_iteration * few as f64;
    let systems = newton as f64 * of_solve + linear as f64 * of_iteration;
    println!(
        "| {method} | {cells}² | {newton} | {linear} | {:.1} | {:.1} | {:.1} | {:.0} % |",
        1e3 * of_solve,
        1e3 * of_iteration,
        1e3 * step,
        1e2 * systems / step,
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let ring = include_str!("../scenarios/ring-2d.toml");
    let orbit = include_str!("../scenarios/inertial-2d.toml");
    let implicit = ["time.method=implicit", "time.tolerance=1e-4"];
    println!("{} threads", rayon::current_num_threads());
    println!(
        "| method | cells | solves | CG iterations | ms a solve without iterations | ms an iteration | ms of the step | share of the linear systems |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for cells in [256, 512] {
        report("ring-2d.toml", ring, &implicit, "`implicit`", cells)?;
        for order in [1, 2] {
            let order_key = format!("time.order={order}");
            let overrides = [order_key.as_str(), "time.step=0.005"];
            let method = format!("`staggered`, order {order}");
            report("inertial-2d.toml", orbit, &overrides, &method, cells)?;
        }
    }
    Ok(())
}
