//! Directions of the device against those of the CPU, for the matrix of a real step.

use crate::backend::gpu::{Gpu, Selection};
use crate::divergence::{DivergenceKind, JensenShannon};
use crate::flow::Problem;
use crate::flow::jko::solid::SolidStep;
use crate::flow::jko::solid::background::Background;
use crate::flow::jko::solid::deposit::Places;
use crate::flow::jko::solid::iterate::Hessian;
use crate::flow::jko::solid::multigrid::Multigrid;
use crate::flow::jko::solid::passes;
use crate::grid::{Axis, Boundary, Grid};

const TAU: f64 = 0.02;
/// The error of the reference.
const EXACT: f64 = 1e-12;
/// The least stiffness of the tails (eq. 30).
const STIFFNESS: f64 = 1e-13;

/// The adapter, as in tests/gpu.
fn gpu() -> Option<Gpu> {
    if std::env::var_os("OTTOFLOW_WITHOUT_GPU").is_some_and(|value| value == "1") {
        println!("skipped: OTTOFLOW_WITHOUT_GPU=1");
        return None;
    }
    Some(Gpu::open(Selection::HardwareOrSoftware).unwrap())
}

/// Odd and even axes, closed and periodic, of cells that are not square.
fn grids() -> Vec<Grid> {
    let axis = |cells, upper, boundary| Axis {
        lower: 0.0,
        upper,
        cells,
        boundary,
    };
    let (closed, ring) = (Boundary::NoFlux, Boundary::Periodic);
    let boxes = [
        vec![axis(48, 1.0, closed), axis(45, 0.8, closed)],
        vec![axis(40, 1.0, ring), axis(6, 0.2, ring)],
        vec![
            axis(14, 1.0, ring),
            axis(12, 0.8, closed),
            axis(16, 1.0, closed),
        ],
    ];
    boxes.map(|axes| Grid::new(axes).unwrap()).to_vec()
}

/// A step from a narrow start, with next to nothing in the tails, to where its iteration ends.
fn stepped(grid: &Grid) -> SolidStep<JensenShannon> {
    let square = |x: [f64; 3], centre: f64| {
        let axes = grid.axes().iter().zip(x);
        let terms = axes.map(|(axis, x)| (x / axis.upper - centre).powi(2));
        terms.sum::<f64>()
    };
    let problem = Problem {
        grid: grid.clone(),
        log_target: grid.sample(|x| -square(x, 0.5)),
        divergence: DivergenceKind::JensenShannon,
    };
    let log_ratio = grid.sample(|x| 3.0 - 25.0 * square(x, 0.4)) - &problem.log_target;
    let mut step = SolidStep::new(&problem, 1e-4, false, None).unwrap();
    step.solve(TAU, log_ratio.as_slice().unwrap()).unwrap();
    step
}

/// Newton's matrix there, on this processor or on a GPU, ready for solves, and a right-hand side of its size.
fn system(step: &mut SolidStep<JensenShannon>, gpu: Option<&Gpu>) -> (Multigrid, Vec<f64>) {
    let newton = &mut step.level.newton;
    let (lattice, current) = (newton.lattice, &newton.current);
    newton.order.sort(&lattice, Places::Feet(&current.feet));
    let hessian = Hessian {
        feet: &current.feet,
        target: &newton.target,
        ratio: &current.ratio,
        capacity: &current.capacity,
        spline: &current.spline,
        tau: TAU,
    };
    let mut multigrid = Multigrid::new(lattice, gpu).unwrap();
    multigrid.matrix().assemble(&newton.order, &hessian);
    let background = Background::new(&lattice, &newton.centres);
    background.add(STIFFNESS * TAU * newton.mass, multigrid.matrix());
    multigrid.prepare().unwrap();
    let moments = newton.moments.iter().enumerate();
    let rhs = moments.map(|(node, moment)| moment * (node as f64).cos());
    (multigrid, rhs.collect())
}

/// √(xᵀ A x).
fn energy(multigrid: &mut Multigrid, x: &[f64]) -> f64 {
    let mut product = vec![0.0; x.len()];
    multigrid.matrix().apply(x, &mut product);
    passes::dot(x, &product).sqrt()
}

/// A solve ends when the residual has fallen by the tolerance in the norm of the preconditioner M. With the spectrum of MA in [a, b] the error in
/// the norm of A has then fallen by it to √(b/a): 3 where conjugate gradients, whose error falls by (√(b/a) − 1)/(√(b/a) + 1), halve it in each.
#[test]
fn directions_are_those_of_the_cpu_to_any_tolerance() {
    let Some(gpu) = gpu() else { return };
    for grid in grids() {
        let mut step = stepped(&grid);
        let (mut cpu, rhs) = system(&mut step, None);
        let (mut device, _) = system(&mut step, Some(&gpu));
        let diagonal = &cpu.matrix().diagonal;
        let [low, high] = [f64::min, f64::max].map(|f| diagonal.iter().copied().reduce(f).unwrap());
        let mut exact = vec![0.0; rhs.len()];
        cpu.solve(&rhs, EXACT, 300, &mut exact).unwrap();
        let size = energy(&mut cpu, &exact);
        let mut found = vec![0.0; rhs.len()];
        for tolerance in [1e-2, 1e-4, 1e-6, 1e-8] {
            let iterations = device.solve(&rhs, tolerance, 300, &mut found).unwrap();
            let error: Vec<f64> = found.iter().zip(&exact).map(|(a, b)| a - b).collect();
            let error = energy(&mut cpu, &error) / size;
            let needed = cpu.solve(&rhs, tolerance, 300, &mut found).unwrap();
            println!(
                "{:?}, diagonal {:.0e}: {tolerance:.0e}: error {error:.1e}, {iterations} iterations, {needed} on the CPU",
                grid.shape(),
                low / high,
            );
            let halvings = 1.0 - tolerance.log2();
            assert!(needed as f64 <= halvings, "{:?}: {needed}", grid.shape());
            assert!(error <= 3.0 * tolerance, "{:?}: {error:e}", grid.shape());
            assert!(
                iterations <= needed + 4,
                "{:?}: {iterations} {needed}",
                grid.shape()
            );
        }
    }
}
