//! Directions of the device against those of the CPU, for the matrix of a real step.

use super::{compiled, energy, gpu, grids};
use crate::backend::gpu::Gpu;
use crate::divergence::{DivergenceKind, JensenShannon};
use crate::flow::Problem;
use crate::flow::jko::solid::SolidStep;
use crate::flow::jko::solid::background::Background;
use crate::flow::jko::solid::deposit::Places;
use crate::flow::jko::solid::iterate::Hessian;
use crate::flow::jko::solid::multigrid::Multigrid;
use crate::flow::jko::solid::stencil::scale_of;
use crate::grid::Grid;

const TAU: f64 = 0.02;
/// The error of the reference.
const EXACT: f64 = 1e-12;

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
    let initial = log_ratio.as_slice().unwrap();
    step.solve(TAU, initial, &mut initial.to_vec()).unwrap();
    step
}

/// Newton's matrix there, on this processor or on a GPU, ready for solves, and a right-hand side of its size.
fn system(step: &mut SolidStep<JensenShannon>, gpu: Option<&Gpu>) -> (Multigrid, Vec<f64>) {
    let newton = &mut step.level.newton;
    let capacity = newton.capacity();
    let (lattice, current) = (newton.lattice, &newton.current);
    newton.order.sort(&lattice, Places::Feet(&current.feet));
    let hessian = Hessian {
        feet: &current.feet,
        target: &newton.target,
        ratio: &current.ratio,
        capacity: &capacity,
        spline: &current.spline,
        tau: TAU,
    };
    let device = gpu.map(|gpu| compiled::<JensenShannon>(gpu, &lattice));
    let mut multigrid = Multigrid::new(lattice, device.as_ref()).unwrap();
    let background = Background::new(&lattice, &newton.centres);
    let stiffness = newton.tail_stiffness();
    let matrix = multigrid.matrix();
    let scale = scale_of(capacity.iter().sum());
    matrix.assemble(&newton.order, &hessian, scale, &mut newton.padded);
    background.add(stiffness * TAU * newton.mass, matrix);
    matrix.set_diagonal();
    multigrid.prepare().unwrap();
    let moments = newton.moments.iter().enumerate();
    let rhs = moments.map(|(node, moment)| moment * (node as f64).cos());
    (multigrid, rhs.collect())
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
            let case = format!("{:?}: {iterations} {needed}", grid.shape());
            assert!(iterations <= needed + 4, "{case}");
        }
    }
}
