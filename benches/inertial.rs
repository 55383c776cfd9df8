//! The inertial equation in 2-D: a Gaussian thrown into a well of two, on finer and finer grids and with stronger and stronger friction.
//! Linear iterations that grow with neither are what the implicit form is for.
//!
//! `cargo bench --bench inertial` prints tables in Markdown; docs/benchmarks.md keeps them. `-- 1000` makes that many steps at 512².

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use ottoflow::density::{Component, Density, Gaussian, Mixture};
use ottoflow::divergence::DivergenceKind;
use ottoflow::exact;
use ottoflow::flow::{
    Device, Friction, InertialSettings, MethodSettings, Problem, State, Stepping, start,
};
use ottoflow::grid::{Axis, Boundary, Grid};
use ottoflow::metrics::metrics;

const STEPS: usize = 60;

fn two_wells(cells: usize) -> Result<(Problem, State), Box<dyn Error>> {
    let axis = Axis {
        lower: -4.0,
        upper: 4.0,
        cells,
        boundary: Boundary::NoFlux,
    };
    let grid = Grid::new(vec![axis; 2])?;
    let component = |x: f64| Component {
        weight: 0.5,
        mean: vec![x, 0.0],
        std: Some(vec![0.7; 2]),
        covariance: None,
    };
    let target = Density::Mixture(Mixture {
        components: vec![component(-1.0), component(1.0)],
        floor: Some(1e-3),
    });
    let initial = Density::Gaussian(Gaussian {
        mean: vec![0.0, 0.5],
        std: Some(vec![0.8; 2]),
        floor: Some(1e-3),
        ..Gaussian::default()
    });
    let folder = Path::new(".");
    let problem = Problem {
        log_target: target.normalised(&grid, folder)?,
        divergence: DivergenceKind::JensenShannon,
        grid: grid.clone(),
    };
    let state = exact::start(&problem, &initial.normalised(&grid, folder)?);
    Ok((problem, state))
}

fn report(
    cells: usize,
    order: u8,
    friction: f64,
    step: f64,
    steps: usize,
) -> Result<(), Box<dyn Error>> {
    let (problem, state) = two_wells(cells)?;
    let before = metrics(&problem, &state).mass;
    let settings = InertialSettings {
        stepping: Stepping::Fixed { step, order },
        friction: Friction::Constant(friction),
        restart: false,
        overdamped: friction > 1.0,
    };
    let settings = MethodSettings::Staggered(settings);
    let mut method = start(&problem, &state, settings, Device::CpuDouble)?;
    let begin = Instant::now();
    let (mut newton, mut linear, mut rejected) = (0, 0, 0);
    for _ in 0..steps {
        let advance = method.advance(1e9)?;
        newton += advance.iterations;
        linear += advance.linear_iterations;
        rejected += advance.rejected;
    }
    let seconds = begin.elapsed().as_secs_f64();
    let mass = (metrics(&problem, &method.state()?).mass / before - 1.0).abs();
    println!(
        "| {cells}² | {order} | {friction} | {step} | {steps} | {rejected} | {:.2} | {:.2} | {:.1} | {mass:.0e} |",
        newton as f64 / steps as f64,
        // Every solve takes one cycle more than iterations of conjugate gradients.
        (newton + linear) as f64 / steps as f64,
        1e3 * seconds / steps as f64,
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let asked = std::env::args().nth(1).and_then(|count| count.parse().ok());
    println!(
        "two wells, jensen-shannon, steps of 0.005 and 0.02 (γ = 0.5) or of 0.01 γ, {} threads",
        rayon::current_num_threads()
    );
    println!(
        "| cells | order | γ | step | steps | rejected | Newton iterations a step | multigrid cycles a step | ms a step | mass error |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    if let Some(steps) = asked {
        return report(512, 2, 0.5, 0.005, steps);
    }
    for order in [1, 2] {
        for cells in [128, 256, 512] {
            report(cells, order, 0.5, 0.005, STEPS)?;
        }
        report(256, order, 0.5, 0.02, STEPS)?;
        for friction in [1e1, 1e2, 1e4, 1e6] {
            report(256, order, friction, 0.01, STEPS)?;
        }
    }
    Ok(())
}
