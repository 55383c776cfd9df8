//! JKO steps in 1-D: milliseconds a step against the number of cells, for the scenario `jko-1d` refined.
//!
//! `cargo bench --bench jko` prints a table in Markdown; docs/benchmarks.md keeps one.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use ottoflow::flow::{Device, start};
use ottoflow::scenario;

const STEPS: u32 = 20;

fn report(cells: usize) -> Result<(), Box<dyn Error>> {
    let text = include_str!("../scenarios/jko-1d.toml");
    let overrides = [format!("grid.cells=[{cells}]")];
    let scenario = scenario::parse(text, "jko-1d.toml", Path::new(""), &overrides)?;
    let (problem, state) = scenario.build()?;
    let tau = 0.2;
    let mut best = f64::INFINITY;
    let mut iterations = 0;
    for _ in 0..(400_000 / cells).clamp(3, 100) {
        let mut method = start(&problem, &state, scenario.method(), Device::CpuDouble)?;
        iterations = 0;
        let begin = Instant::now();
        for number in 1..=STEPS {
            iterations += method.advance(tau * f64::from(number))?.iterations;
        }
        best = best.min(begin.elapsed().as_secs_f64());
    }
    let steps = f64::from(STEPS);
    println!(
        "| {cells} | {:.3} | {:.1} | {:.1} |",
        1e3 * best / steps,
        iterations as f64 / steps,
        1e9 * best / (iterations * cells) as f64,
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("jensen-shannon, one Gaussian to two, {STEPS} steps of τ = 0.2");
    println!("| cells | ms a step | Newton iterations a step | ns a cell and iteration |");
    println!("|---|---|---|---|");
    [400, 4_000, 40_000, 100_000]
        .into_iter()
        .try_for_each(report)
}
