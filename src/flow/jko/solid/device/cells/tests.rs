//! Feet, masses and matrices of the device against those of the CPU: at a real step, and wherever feet may be.

mod trials;

use crate::backend::gpu::Gpu;
use crate::calculus::Real;
use crate::divergence::{Divergence, DivergenceKind, JensenShannon, with_divergence};
use crate::flow::jko::solid::deposit::Places;
use crate::flow::jko::solid::device::tests::{compiled, double_precision_gpu};
use crate::flow::jko::solid::feet::{Foot, Search, cofactors};
use crate::flow::jko::solid::iterate::Iterate;
use crate::flow::jko::solid::lattice::{Centres, Lattice, squared_distance};
use crate::flow::jko::solid::multigrid::unstructured;
use crate::flow::jko::solid::newton::Newton;
use crate::flow::jko::solid::number::Number;
use crate::flow::jko::solid::stencil::Stencil;
use crate::grid::{Axis, Boundary, Grid};

const TAU: f64 = 0.01;
/// Roundings of sums of up to some thousand terms, and of feet.
const ROUNDING: f64 = 1e-13;

/// Axes of many, three and two nodes, closed and periodic, in two and three dimensions.
fn grids() -> Vec<Grid> {
    let axis = |cells, upper, boundary| Axis {
        lower: 0.0,
        upper,
        cells,
        boundary,
    };
    let (closed, ring) = (Boundary::NoFlux, Boundary::Periodic);
    let boxes = [
        vec![axis(40, 1.0, closed), axis(33, 0.8, ring)],
        vec![axis(6, 0.2, ring), axis(4, 0.3, closed)],
        vec![axis(4, 0.2, ring), axis(3, 0.3, closed)],
        vec![
            axis(14, 1.0, ring),
            axis(12, 0.8, closed),
            axis(16, 1.0, closed),
        ],
        vec![
            axis(12, 0.8, closed),
            axis(4, 0.3, ring),
            axis(5, 0.4, ring),
        ],
        vec![axis(4, 0.2, ring), axis(3, 0.3, closed), axis(9, 1.0, ring)],
    ];
    boxes.map(|axes| Grid::new(axes).unwrap()).to_vec()
}

/// A smooth potential, whose map is far from a fold, with something of every frequency; r of many sizes; π V likewise.
fn newton<D: Divergence>(grid: &Grid, gpu: Option<&Gpu>) -> Newton<D> {
    let (lattice, centres) = (Lattice::new(grid), Centres::new(grid));
    let target = (0..centres.len()).map(|cell| (8.0 * unstructured(cell)).exp());
    let device = gpu.map(|gpu| compiled::<D>(gpu, &lattice));
    let mut newton = Newton::<D>::new(lattice, centres, target.collect(), device.as_ref()).unwrap();
    let roughness = 0.2 / (TAU * lattice.curvature());
    for (node, value) in newton.current.coefficients.iter_mut().enumerate() {
        *value = roughness * unstructured(node);
    }
    for (cell, ratio) in newton.current.ratio.iter_mut().enumerate() {
        *ratio = Real::exp(6.0 * unstructured(cell + 7));
    }
    for (cell, foot) in newton.current.feet.iter_mut().enumerate() {
        foot.place = centres.place(cell);
    }
    newton.mass = 1.0;
    newton
}

/// The same iterate without a device.
fn twin<D: Divergence>(other: &Newton<D>, grid: &Grid) -> Newton<D> {
    let mut newton = newton::<D>(grid, None);
    newton.points = other.points.clone();
    newton.target.clone_from(&other.target);
    newton.current = other.current.clone();
    newton.direction.copy_from_slice(&other.direction);
    newton
}

fn assert_near(found: &[f64], expected: &[f64], bound: f64) {
    for (found, expected) in found.iter().zip(expected) {
        let difference = (found - expected).abs();
        assert!(difference <= bound * expected, "{found:e}, {expected:e}");
    }
}

/// The largest difference relative to a size.
fn farthest(found: &[f64], expected: &[f64], size: f64) -> f64 {
    let differences = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, f64::max) / size
}

#[test]
fn feet_are_those_of_the_cpu() {
    let Some(gpu) = double_precision_gpu() else {
        return;
    };
    for grid in grids() {
        let Newton {
            lattice,
            points,
            target,
            current,
            device,
            ..
        } = &mut newton::<JensenShannon>(&grid, Some(&gpu));
        let device = device.as_mut().unwrap();
        current.spline.set(&current.coefficients);
        let mut expected = vec![Foot::default(); points.len()];
        let search = Search::new(&current.spline, lattice, TAU);
        search.all(points, &current.feet, &mut expected);
        let mut found = expected.clone();
        found.fill(Foot::default());
        let start = (current.feet.as_slice(), current.ratio.as_slice());
        device.load(points, target, start).unwrap();
        device
            .find_feet(TAU, &current.coefficients, &mut found)
            .unwrap();
        let mut moved = 0.0_f64;
        for (number, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let distance = squared_distance(&found.place, &expected.place).sqrt();
            let rise = (found.value - expected.value).abs() / (1.0 + expected.value.abs());
            assert!(
                distance <= ROUNDING && rise <= ROUNDING,
                "{:?}, place {number}: {distance:e} {rise:e}",
                grid.shape()
            );
            let start = points.place(number);
            moved = moved.max(squared_distance(&found.place, &start).sqrt());
        }
        assert!(moved > 0.0);
    }
}

/// Where the map folds, Newton's method goes uphill by halved steps, and seldom, as seldom as on the CPU, ends before it is at a maximum.
#[test]
fn feet_of_folded_maps_are_maxima_uphill() {
    let Some(gpu) = double_precision_gpu() else {
        return;
    };
    for grid in grids() {
        let mut newton = newton::<JensenShannon>(&grid, Some(&gpu));
        let Newton {
            lattice,
            points,
            target,
            current,
            device,
            ..
        } = &mut newton;
        for value in &mut current.coefficients {
            *value *= 40.0;
        }
        current.spline.set(&current.coefficients);
        let mut found = current.feet.clone();
        let start = (current.feet.as_slice(), current.ratio.as_slice());
        let device = device.as_mut().unwrap();
        device.load(points, target, start).unwrap();
        device
            .find_feet(TAU, &current.coefficients, &mut found)
            .unwrap();
        let search = Search::new(&current.spline, lattice, TAU);
        let (mut folded, mut unfinished) = (false, [0; 2]);
        for (number, foot) in found.iter().enumerate() {
            let x = points.place(number);
            let value =
                |y: &[f64; 3]| current.spline.value(y) - squared_distance(&x, y) / (2.0 * TAU);
            let rounding = ROUNDING * (1.0 + foot.value.abs());
            assert!((value(&foot.place) - foot.value).abs() <= rounding);
            assert!(foot.value >= value(&current.feet[number].place) - rounding);
            let own = search.foot(&x, &current.feet[number].place);
            for (unfinished, foot) in unfinished.iter_mut().zip([foot, &own]) {
                let again = search.foot(&x, &foot.place);
                let way = squared_distance(&again.place, &foot.place).sqrt();
                *unfinished += usize::from(way > 1e-9);
            }
            let start = current.spline.jet(&current.feet[number].place);
            let [.., minor, _, _, _, first, determinant] = cofactors(TAU, start.hessian);
            folded |= first <= 0.0 || minor <= 0.0 || determinant <= 0.0;
        }
        assert!(folded);
        let [on_device, on_cpu] = unfinished;
        assert!(
            on_device.abs_diff(on_cpu) <= found.len() / 1000,
            "{unfinished:?}"
        );
    }
}

/// Feet near their cells; all in one lattice cell; anywhere, beyond the sides too; of cells that are drawn out and divided.
fn placed(newton: &mut Newton<impl Divergence>, case: usize) {
    let (lattice, centres) = (newton.lattice, newton.centres);
    for (cell, foot) in newton.current.feet.iter_mut().enumerate() {
        let centre = centres.place(cell);
        foot.place = [0, 1, 2].map(|axis| {
            let along = &lattice.axes[axis];
            let random = unstructured(3 * cell + axis);
            match case {
                _ if along.missing => 0.0,
                0 => centre[axis] + along.spacing * random,
                3 => centre[axis] + 1.5 * along.spacing * random,
                1 => along.length() - along.spacing * (0.5 + 0.9 * random),
                _ => centre[axis] + 3.0 * along.length() * random,
            }
        });
        foot.value = -1.0 - unstructured(cell + 3).abs();
    }
    let Newton {
        points,
        target,
        current,
        ..
    } = newton;
    current.spline.set(&current.coefficients);
    if case == 3 {
        assert!(points.divide(&lattice, |_| true, target, &mut current.feet));
        current.resize(points.len());
        current.ratio[centres.len()..].fill(0.5);
    }
}

fn check_sums<D: Divergence>(grid: &Grid, gpu: &Gpu) {
    let mut newton = newton::<D>(grid, Some(gpu));
    for case in 0..4 {
        placed(&mut newton, case);
        let mut here = twin(&newton, grid);
        here.evaluate(false).unwrap();
        newton.lend().unwrap();
        let what = format!("{:?}, case {case}", grid.shape());
        let mass = newton.current.residual.iter().map(|it| it.abs()).sum();
        let residuals = [&newton, &here].map(|it| it.current.residual.as_slice());
        let distance = farthest(residuals[0], residuals[1], mass);
        assert!(distance <= ROUNDING, "{what}: moments {distance:e}");
        let misfits = [&newton, &here].map(|it| it.current.misfit);
        let difference = (misfits[0] / misfits[1] - 1.0).abs();
        assert!(difference <= ROUNDING, "{what}: {misfits:?}");
        let costs = [&newton, &here].map(Newton::cost);
        assert!((costs[0] / costs[1] - 1.0).abs() <= ROUNDING, "{costs:?}");
        for newton in [&mut newton, &mut here] {
            newton.set_rhs().unwrap();
        }
        let size = here.rhs.iter().map(|it| it.abs()).sum();
        let distance = farthest(&newton.rhs, &here.rhs, size);
        assert!(distance <= ROUNDING, "{what}: right-hand side {distance:e}");
        // Feet stay where they have been put.
        let Newton {
            current, device, ..
        } = &mut newton;
        let device = device.as_mut().unwrap();
        let Iterate { feet, ratio, .. } = current;
        device.fetch(feet, ratio).unwrap();
        device.lent = false;
        assert_near(&newton.current.ratio, &here.current.ratio, ROUNDING);
    }
}

/// Of every divergence, for it decides what r, 1/f'' and s − f'(r) are.
#[test]
fn moments_and_sums_are_those_of_the_cpu_wherever_feet_are() {
    let Some(gpu) = double_precision_gpu() else {
        return;
    };
    for grid in grids() {
        for kind in DivergenceKind::ALL {
            with_divergence!(*kind, D => check_sums::<D>(&grid, &gpu));
        }
    }
}

/// The matrix in f64.
fn exact<D: Divergence>(newton: &mut Newton<D>, scale: f64) -> Stencil<f64> {
    let capacity = newton.capacity();
    let Newton {
        lattice,
        target,
        current,
        order,
        padded,
        ..
    } = newton;
    let weigh = current.hessian(target, &capacity, TAU);
    order.sort(lattice, Places::Feet(&current.feet));
    let mut matrix = Stencil::<f64>::new(*lattice);
    matrix.assemble(order, &weigh, scale, padded);
    matrix
}

/// An entry of f32 is the largest one that is no more than that of f64, but for roundings of its sum.
#[test]
fn the_matrix_is_that_of_the_cpu_rounded_down() {
    let Some(gpu) = double_precision_gpu() else {
        return;
    };
    for grid in grids() {
        let mut newton = newton::<JensenShannon>(&grid, Some(&gpu));
        for case in 0..4 {
            placed(&mut newton, case);
            newton.lend().unwrap();
            newton.assemble(TAU).unwrap();
            // Feet stay where they have been put.
            newton.device.as_mut().unwrap().lent = false;
            let scale = newton.multigrid.matrix().scale;
            let expected = exact(&mut newton, scale);
            let found = newton.multigrid.matrix();
            let largest = expected.rows().iter().fold(0.0, |a: f64, b| a.max(b.abs()));
            assert!(largest > 0.0);
            for (found, expected) in found.rows().iter().zip(expected.rows()) {
                let found = found.wide();
                let above = found - expected;
                let below = expected.abs() * f64::from(f32::EPSILON);
                assert!(
                    above <= ROUNDING * largest && -above <= below + ROUNDING * largest,
                    "{:?}, case {case}: {found:e} for {expected:e}",
                    grid.shape()
                );
            }
            let sum = expected.excess.iter().sum();
            let distance = farthest(&found.excess, &expected.excess, sum);
            assert!(distance <= ROUNDING, "{:?}: {distance:e}", grid.shape());
        }
    }
}

/// What is added up is added in one order.
#[test]
fn the_same_places_give_the_same_bits() {
    let Some(gpu) = double_precision_gpu() else {
        return;
    };
    let grid = &grids()[0];
    let mut newton = newton::<JensenShannon>(grid, Some(&gpu));
    placed(&mut newton, 1);
    let runs = [(); 2].map(|()| {
        newton.lend().unwrap();
        newton.evaluate(false).unwrap();
        newton.assemble(TAU).unwrap();
        let matrix = newton.multigrid.matrix().rows().to_vec();
        (newton.current.residual.clone(), matrix)
    });
    assert!(runs[0] == runs[1]);
}
