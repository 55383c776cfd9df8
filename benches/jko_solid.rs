//! JKO steps in 2-D and 3-D: the exact problem along the diagonal of a periodic square or cube, steps of τ = 0.005.
//!
//! `cargo bench --bench jko_solid` prints a table in Markdown; docs/benchmarks.md keeps one. Numbers after `--` choose the sizes:
//! `-- 512` is five steps on 512² cells, `-- 64^3` one step on 64³; with `gpu` among them Newton's iteration runs on a GPU. The error is that in L1 to the exact solution of the flow, beside the
//! error of exact JKO steps: those in 1-D on so many cells that the grid is no part of it.

use std::error::Error;
use std::time::Instant;

use ottoflow::backend::gpu::{Gpu, Selection};
use ottoflow::backend::memory::give_back_large_blocks;
use ottoflow::exact::{PoissonKernel, l1_distance};
use ottoflow::flow::{Device, JkoSettings, MethodSettings, start};
use ottoflow::grid::{Axis, Boundary, Grid};

const TAU: f64 = 5e-3;
const STEEPNESS: f64 = PoissonKernel::STEEPEST + 0.1;
/// Cells of the 1-D problem that has the true error.
const FINE: usize = 8192;

/// Steps on a periodic box; returns seconds, the best of so many runs, and the error.
struct Outcome {
    seconds: Vec<f64>,
    iterations: Vec<usize>,
    linear_iterations: usize,
    /// The largest gap relative to W2²/(2τ).
    gap: f64,
    error: f64,
}

fn run(
    dimension: usize,
    cells: usize,
    length: f64,
    steps: u32,
    device: Device,
) -> Result<Outcome, Box<dyn Error>> {
    let axis = Axis {
        lower: 0.0,
        upper: length,
        cells,
        boundary: Boundary::Periodic,
    };
    let grid = Grid::new(vec![axis; dimension])?;
    let kernel = PoissonKernel::on(&grid, STEEPNESS).ok_or("the grid is not periodic")?;
    let problem = PoissonKernel::problem(grid);
    let state = kernel.state(&problem.grid, 0.0);
    let settings = MethodSettings::Jko(JkoSettings {
        tolerance: None,
        step: TAU,
        order: 1,
        gap: 1e-8,
    });
    let mut method = start(&problem, &state, settings, device)?;
    let mut outcome = Outcome {
        seconds: Vec::new(),
        iterations: Vec::new(),
        linear_iterations: 0,
        gap: 0.0,
        error: 0.0,
    };
    for number in 1..=steps {
        let begin = Instant::now();
        let advance = method.advance(TAU * f64::from(number))?;
        outcome.seconds.push(begin.elapsed().as_secs_f64());
        outcome.iterations.push(advance.iterations);
        outcome.linear_iterations += advance.linear_iterations;
        if let Some(transport) = advance.transport {
            outcome.gap = outcome.gap.max(transport.gap * 2.0 * TAU / transport.cost);
        }
    }
    let exact = kernel.state(&problem.grid, TAU * f64::from(steps));
    outcome.error = l1_distance(&problem, &method.state()?, &exact);
    Ok(outcome)
}

/// KiB that the process has held at most, where the system says it.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn report(dimension: usize, cells: usize, device: Device) -> Result<(), Box<dyn Error>> {
    let steps = if dimension == 2 { 5 } else { 1 };
    let rate = (dimension as f64).sqrt();
    let line = run(1, FINE, 1.0 / rate, steps, Device::CpuDouble)?;
    let found = run(dimension, cells, 1.0, steps, device)?;
    let seconds: Vec<String> = found.seconds.iter().map(|s| format!("{s:.2}")).collect();
    let iterations: Vec<String> = found.iterations.iter().map(usize::to_string).collect();
    let fields = peak_memory().map_or("–".to_owned(), |kibibytes| {
        let field = 8.0 * (cells as f64).powi(dimension as i32);
        format!("{:.0}", 1024.0 * kibibytes / field)
    });
    println!(
        "| {cells}^{dimension} | {:.2} | {} | {} | {} | {:.1e} | {:.2e} | {:.3} | {fields} |",
        found.seconds.iter().sum::<f64>(),
        seconds.join(" "),
        iterations.join(" "),
        found.linear_iterations,
        found.gap,
        found.error,
        found.error / line.error,
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    give_back_large_blocks();
    println!(
        "| cells | seconds | of each step | Newton iterations | CG iterations | gap over W2²/(2τ) | L1 error | over that of exact steps | memory, fields |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let device = match std::env::args().any(|argument| argument == "gpu") {
        true => Device::Gpu(Gpu::open(Selection::HardwareOrSoftware)?),
        false => Device::CpuDouble,
    };
    let sizes: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument.starts_with(|first: char| first.is_ascii_digit()))
        .collect();
    let default = ["64", "128", "256", "512", "1024", "32^3", "64^3"];
    let sizes: Vec<&str> = if sizes.is_empty() {
        default.to_vec()
    } else {
        sizes.iter().map(String::as_str).collect()
    };
    for size in sizes {
        let (cells, dimension) = match size.split_once('^') {
            Some((cells, dimension)) => (cells, dimension.parse()?),
            None => (size, 2),
        };
        report(dimension, cells.parse()?, device.clone())?;
    }
    Ok(())
}
