//! Directions of the device against those of the CPU, for the matrix of a real step.

use super::{compiled, energy, gpu, grids};
use crate::backend::gpu::Gpu;
use crate::calculus::Real;
use crate::divergence::{DivergenceKind, JensenShannon};
use crate::flow::Problem;
use crate::flow::jko::solid::SolidStep;
use crate::flow::jko::solid::background::Background;
use crate::flow::jko::solid::deposit::Places;
use crate::flow::jko::solid::device::Device;
use crate::flow::jko::solid::lattice::Lattice;
use crate::flow::jko::solid::multigrid::Multigrid;
use crate::flow::jko::solid::stencil::scale_of;
use crate::grid::{Axis, Boundary, Grid};

const TAU: f64 = 0.02;
/// Gaps of steps, relative to what is paid.
const AIM: f64 = 1e-7;
/// The error of the reference.
const EXACT: f64 = 1e-12;

/// A step from a start of some narrowness to where its iteration ends, at a gap of `aim` or a larger one; and ρ V there.
fn step_on(
    device: Option<&Device>,
    grid: &Grid,
    (narrowness, aim): (f64, f64),
) -> (SolidStep<JensenShannon>, Vec<f64>) {
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
    let log_ratio = grid.sample(|x| 3.0 - narrowness * square(x, 0.4)) - &problem.log_target;
    let mut step = SolidStep::on(&problem, aim, false, device).unwrap();
    let initial = log_ratio.as_slice().unwrap();
    let mut reached = initial.to_vec();
    step.solve(TAU, initial, &mut reached).unwrap();
    let masses = problem.log_masses().zip(&reached);
    let masses = masses.map(|(ln, log_ratio)| Real::exp(ln + log_ratio));
    (step, masses.collect())
}

/// From a narrow start, with next to nothing in the tails.
fn stepped(grid: &Grid) -> SolidStep<JensenShannon> {
    step_on(None, grid, (25.0, 1e-4)).0
}

/// Newton's matrix there, on this processor or on a GPU, ready for solves, and a right-hand side of its size.
fn system(step: &mut SolidStep<JensenShannon>, gpu: Option<&Gpu>) -> (Multigrid, Vec<f64>) {
    let newton = &mut step.level.newton;
    let capacity = newton.capacity();
    let (lattice, current) = (newton.lattice, &newton.current);
    newton.order.sort(&lattice, Places::Feet(&current.feet));
    let hessian = current.hessian(&newton.target, &capacity, TAU);
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

/// Coarser grids are solved on the device as well where that is worthwhile; here it is for any. Two plans to gaps g and g' are no farther apart than
/// (√g + √g') (2 Σ π V/f''(r))^½, and 1/f'' = r (1 + r) is below 2 r² + ½.
#[test]
fn steps_from_coarser_grids_of_the_device_are_those_of_the_cpu() {
    let Some(gpu) = gpu() else { return };
    let axis = |cells, upper| Axis {
        lower: 0.0,
        upper,
        cells,
        boundary: Boundary::NoFlux,
    };
    let boxes = [
        vec![axis(64, 1.0), axis(64, 0.8)],
        vec![axis(32, 1.0), axis(16, 0.6), axis(12, 0.7)],
    ];
    for axes in boxes {
        let grid = Grid::new(axes).unwrap();
        let mut device = compiled::<JensenShannon>(&gpu, &Lattice::new(&grid));
        device.worthwhile = 0;
        let (on_device, reached) = step_on(Some(&device), &grid, (5.0, AIM));
        let (on_cpu, expected) = step_on(None, &grid, (5.0, AIM));
        let gaps = [&on_device, &on_cpu].map(SolidStep::gap);
        for (gap, step) in gaps.iter().zip([&on_device, &on_cpu]) {
            let allowed = AIM * step.transport_cost() / (2.0 * TAU);
            assert!(*gap <= allowed, "{gap:e} of {allowed:e}");
        }
        let target = &on_cpu.level.newton.target;
        let softness = expected.iter().zip(target).map(|(mass, target)| {
            let ratio = mass / target;
            target * (2.0 * ratio * ratio + 0.5)
        });
        let softness = 2.0 * softness.sum::<f64>();
        let bound: f64 = gaps.iter().map(|gap| (gap * softness).sqrt()).sum();
        let terms = reached.iter().zip(&expected).map(|(a, b)| (a - b).abs());
        let distance = terms.sum::<f64>();
        println!("{:?}: {distance:e} of {bound:e}, {gaps:?}", grid.shape());
        assert!(distance <= bound, "{distance:e} of {bound:e}");
    }
}
