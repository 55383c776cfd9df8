//! Matrices of a device and their solution against those of the CPU.

mod directions;

use super::{Device, DeviceSolver};
use crate::backend::gpu::{Gpu, Selection};
use crate::divergence::{Divergence, JensenShannon};
use crate::flow::jko::solid::deposit::{Order, Places};
use crate::flow::jko::solid::galerkin::Transfer;
use crate::flow::jko::solid::iterate::gathered;
use crate::flow::jko::solid::lattice::{Lattice, Point};
use crate::flow::jko::solid::multigrid::{
    Multigrid, POWER_ITERATIONS, evened, largest_eigenvalue, unstructured, weighted_square,
};
use crate::flow::jko::solid::number::Number;
use crate::flow::jko::solid::pack::{LocalPack, Pack, splat};
use crate::flow::jko::solid::passes;
use crate::flow::jko::solid::product::product;
use crate::flow::jko::solid::stencil::{Stencil, Weigh, entries};
use crate::grid::{Axis, Boundary, Grid};

/// The adapter, as in tests/gpu.
pub(super) fn gpu() -> Option<Gpu> {
    if std::env::var_os("OTTOFLOW_WITHOUT_GPU").is_some_and(|value| value == "1") {
        println!("skipped: OTTOFLOW_WITHOUT_GPU=1");
        return None;
    }
    Some(Gpu::open(Selection::HardwareOrSoftware).unwrap())
}

/// √(xᵀ A x).
fn energy(multigrid: &mut Multigrid, x: &[f64]) -> f64 {
    let mut product = vec![0.0; x.len()];
    multigrid.matrix().apply(x, &mut product);
    passes::dot(x, &product).sqrt()
}

/// The same, if it computes in f64.
pub(super) fn double_precision_gpu() -> Option<Gpu> {
    let gpu = gpu()?;
    if !gpu.adapter().double_precision {
        println!("skipped: {} does not compute in f64", gpu.adapter().name);
        return None;
    }
    Some(gpu)
}

/// The kernels for a lattice.
pub(super) fn compiled<D: Divergence>(gpu: &Gpu, lattice: &Lattice) -> Device {
    Device::new::<D>(gpu, !lattice.axes[1].missing).unwrap()
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

/// Masses and stiffnesses, the same along all axes, at places.
struct Scattered {
    places: Vec<Point>,
    masses: Vec<f64>,
    stiffness: Vec<f64>,
}

impl Weigh for Scattered {
    const FLUX: bool = true;

    fn places(&self) -> Places<'_> {
        Places::At(&self.places)
    }

    fn masses(&self) -> &[f64] {
        &self.masses
    }

    fn flux<const MIDDLE: usize>(&self, numbers: &[u32], _: &[LocalPack; 3]) -> [Pack; 6] {
        let stiffness = |lane: usize| self.stiffness[numbers[lane] as usize];
        let (along, zero) = (gathered(numbers.len(), stiffness), splat(0.0));
        [along, along, along, zero, zero, zero]
    }
}

/// A positive definite matrix: four places for each node, anywhere, of masses around `mass` and stiffnesses around 1, in units of the spacings, that differ by
/// up to `decades` powers of ten.
fn scattered(lattice: &Lattice, mass: f64, decades: f64) -> Stencil {
    let share = |number: usize| {
        // SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
        let mut mixed = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for (shift, factor) in [(30, 0xbf58_476d_1ce4_e5b9), (27, 0x94d0_49bb_1331_11eb)] {
            mixed = (mixed ^ (mixed >> shift)).wrapping_mul(factor);
        }
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    let places = (0..4 * lattice.len()).map(|number| {
        [0, 1, 2].map(|axis| {
            let along = &lattice.axes[axis];
            let length = if along.missing { 0.0 } else { along.length() };
            length * share(7 * number + axis)
        })
    });
    let places: Vec<Point> = places.collect();
    let sizes = |salt: usize, unit: f64| -> Vec<f64> {
        let numbers = 0..places.len();
        let sizes = numbers.map(|number| unit * 10_f64.powf(decades * share(7 * number + salt)));
        sizes.collect()
    };
    let spacing = lattice.axes[2].spacing;
    let weigh = Scattered {
        masses: sizes(3, mass),
        stiffness: sizes(4, spacing * spacing),
        places,
    };
    let mut order = Order::new(lattice, weigh.places.len());
    order.sort(lattice, Places::At(&weigh.places));
    let mut matrix = Stencil::new(*lattice);
    let mut padded = vec![0.0; lattice.padded().iter().product()];
    matrix.assemble(&order, &weigh, 1.0, &mut padded);
    matrix.set_diagonal();
    matrix
}

/// The same matrix in f64.
fn widened(matrix: &Stencil) -> Stencil<f64> {
    let mut wide = Stencil::new(matrix.lattice);
    for (wide, entry) in wide.rows_mut().iter_mut().zip(matrix.rows()) {
        *wide = f64::from(*entry);
    }
    wide.excess.clone_from(&matrix.excess);
    wide.diagonal.clone_from(&matrix.diagonal);
    wide
}

/// With |a_ij| for a_ij.
fn absolute<N: Number>(matrix: &Stencil<N>) -> Stencil<N> {
    let mut sizes = matrix.clone();
    for entry in sizes.rows_mut() {
        *entry = N::down(entry.wide().abs());
    }
    let mut sums = vec![0.0; matrix.diagonal.len()];
    sizes.apply(&vec![1.0; sums.len()], &mut sums);
    sizes.excess = sums;
    sizes
}

/// PᵀAP on all coarser lattices in f64, with the number of halvings and the terms of an entry on the way there.
fn products(matrix: &Stencil<f64>) -> Vec<(Stencil<f64>, usize, usize)> {
    let mut found: Vec<(Stencil<f64>, usize, usize)> = Vec::new();
    let (mut halvings, mut terms) = (0, 0);
    loop {
        let finer = found.last().map_or(matrix, |(finer, ..)| finer);
        let mut transfer = Transfer::new(&finer.lattice);
        let Some(coarse) = transfer.coarse() else {
            return found;
        };
        let mut reached = Stencil::new(coarse);
        product(&mut transfer, finer, &mut reached);
        for halving in &transfer.halvings {
            let most = halving.terms.iter().flat_map(|terms| {
                (0..5).map(|offset| terms.iter().filter(|it| it.coarse == offset).count())
            });
            (halvings, terms) = (halvings + 1, terms + most.max().unwrap());
        }
        found.push((reached, halvings, terms));
    }
}

/// The entries of all offsets.
fn expanded(matrix: &Stencil<f64>) -> Vec<f64> {
    let row = matrix.offsets * matrix.run;
    let mut all = vec![0.0; entries(&matrix.lattice)];
    for (number, all) in all.chunks_mut(row).enumerate() {
        matrix.expand(number, all);
    }
    all
}

/// Half a unit in the last place of f32 at 1.
const ROUNDING: f64 = 0.5 * f32::EPSILON as f64;

/// An entry is a sum of products of entries and weights, each rounded, with roundings of sum and product: one and a half times as many at most as terms for
/// each halving, and one of the entry on the finest lattice. Row sums likewise: up to six terms along each axis.
#[test]
fn coarse_matrices_are_galerkin_products_to_the_roundings_of_f32() {
    let Some(gpu) = gpu() else { return };
    for grid in grids() {
        let lattice = Lattice::new(&grid);
        let matrix = scattered(&lattice, 1.0, 8.0);
        let mut device =
            DeviceSolver::new(&compiled::<JensenShannon>(&gpu, &lattice), &lattice).unwrap();
        device.load(&matrix).unwrap();
        let matrix = widened(&matrix);
        let exact = products(&matrix);
        assert!(!exact.is_empty());
        assert_eq!(exact.len() + 1, device.levels.len());
        let coarser = device.levels[1..]
            .iter()
            .zip(exact)
            .zip(products(&absolute(&matrix)));
        let mut largest = 0.0_f64;
        for ((level, (exact, halvings, terms)), (sizes, ..)) in coarser {
            let read = |values| device.solver.memory().read(values).unwrap();
            let couplings = read(&level.fields.couplings);
            let allowed = 1.01 * ROUNDING * (terms + 2 * halvings + 1) as f64;
            let [exact_entries, sizes] = [&exact, &sizes].map(expanded);
            let numbers = exact_entries.iter().zip(&sizes).zip(couplings);
            for ((exact, size), found) in numbers {
                let error = (f64::from(found) - device.unit * exact).abs();
                let allowed = device.unit * allowed * size + f64::from(f32::MIN_POSITIVE);
                assert!(error <= allowed, "{error:e} of {allowed:e}");
                largest = largest.max(error / allowed);
            }
            let allowed = 1.01 * ROUNDING * (12 * halvings + 1) as f64;
            for (exact, found) in exact.excess.iter().zip(read(&level.fields.excess)) {
                let exact = device.unit * exact;
                let error = (f64::from(found) - exact).abs() / exact;
                assert!(error <= allowed, "{error:e} of {allowed:e}");
            }
        }
        println!("{:?}: {largest:.2} of the bound", grid.shape());
        assert!(largest > 0.0);
    }
}

/// The spectrum of D⁻¹A as the power iterations in f64 find it. A rounding of one of them is a part of x that grows by the largest eigenvalue at most
/// afterwards, where x grows by less in the beginning.
#[test]
fn relaxations_know_the_spectrum() {
    let Some(gpu) = gpu() else { return };
    for grid in grids() {
        let lattice = Lattice::new(&grid);
        let matrix = scattered(&lattice, 1.0, 0.0);
        let mut device =
            DeviceSolver::new(&compiled::<JensenShannon>(&gpu, &lattice), &lattice).unwrap();
        device.load(&matrix).unwrap();
        let size = |x: &[f64]| {
            let terms = x.iter().zip(&matrix.diagonal);
            let squares = terms.map(|(x, diagonal)| weighted_square(*x, *diagonal));
            squares.sum::<f64>()
        };
        let iterate = |matrix: &Stencil, x: &mut Vec<f64>| {
            let (before, from) = (size(x), x.clone());
            matrix.apply(&from, x);
            let pairs = x.iter_mut().zip(&matrix.diagonal);
            pairs.for_each(|(x, diagonal)| *x /= diagonal);
            [before, size(x)]
        };
        let start = |(node, diagonal): (usize, &f64)| evened(unstructured(node), *diagonal);
        let mut x: Vec<f64> = matrix.diagonal.iter().enumerate().map(start).collect();
        let squares: Vec<[f64; 2]> = (0..100).map(|_| iterate(&matrix, &mut x)).collect();
        let growth: Vec<f64> = squares.iter().map(|[a, b]| (b / a).sqrt()).collect();
        let rows = matrix.offsets as f64;
        // |a_ij| beside a_ii, of f32's A and of the differences that it is taken from.
        let sums = absolute(&matrix).excess;
        let beside = sums.iter().zip(&matrix.diagonal);
        let beside = beside.map(|(sum, diagonal)| sum / diagonal);
        let beside = beside.fold(0.0, f64::max);
        let each = ROUNDING * (rows + 5.0) * 2.0 * beside / growth[99];
        let mut allowed = 0.0;
        for step in &growth[..=POWER_ITERATIONS] {
            allowed = (allowed + each) * growth[99] / step;
        }
        let [before, after] = squares[POWER_ITERATIONS];
        let exact = largest_eigenvalue(before, after);
        let read = |values| device.solver.memory().read(values).unwrap();
        let inverse = read(&device.levels[0].fields.inverse);
        for (inverse, diagonal) in inverse.iter().zip(&matrix.diagonal) {
            let found = 1.0 / (f64::from(*inverse) * device.unit * diagonal);
            let error = (found / exact - 1.0).abs();
            assert!(error <= 2.0 * allowed, "{error:e} of {allowed:e}");
        }
        println!("{:?}: {exact:.3}, {allowed:.1e} allowed", grid.shape());
        assert!(allowed < 0.01);
    }
}

/// Beside a mass of next to nothing a constant is found through the row sums, which coarse lattices keep.
/// Each iteration rounds x once more, and the residual, whose sum is all that the constant is known by.
#[test]
fn constants_are_found_beside_any_stiffness() {
    let Some(gpu) = gpu() else { return };
    for grid in grids() {
        let lattice = Lattice::new(&grid);
        for mass in [1e-3_f64, 1e-6, 1e-9] {
            let matrix = scattered(&lattice, mass, 2.0);
            let device = compiled::<JensenShannon>(&gpu, &lattice);
            let [mut cpu, mut device, mut sizes] =
                [None, Some(&device), None].map(|it| Multigrid::new(lattice, it).unwrap());
            *sizes.matrix() = absolute(&matrix);
            for multigrid in [&mut cpu, &mut device] {
                *multigrid.matrix() = matrix.clone();
                multigrid.prepare().unwrap();
            }
            let exact = (0..lattice.len()).map(|node| 1.0 + unstructured(node));
            let exact: Vec<f64> = exact.collect();
            let mut rhs = exact.clone();
            matrix.apply(&exact, &mut rhs);
            let mut found = exact.clone();
            let needed = cpu.solve(&rhs, 1e-5, 300, &mut found).unwrap();
            let iterations = device.solve(&rhs, 1e-5, 300, &mut found).unwrap();
            let error: Vec<f64> = found.iter().zip(&exact).map(|(a, b)| a - b).collect();
            let size = energy(&mut cpu, &exact);
            let error = energy(&mut cpu, &error) / size;
            let rounded = ROUNDING * energy(&mut sizes, &exact) / size;
            let known: f64 = rhs.iter().map(|value| value.abs()).sum();
            let total = matrix.excess.iter().sum::<f64>();
            let constant = ROUNDING * known / (total.sqrt() * size);
            let allowed = 3e-5 + (iterations + 1) as f64 * (rounded + constant);
            println!(
                "{:?}, mass {mass:.0e}: error {error:.1e} of {allowed:.1e}, {iterations} iterations, {needed} on the CPU",
                grid.shape()
            );
            assert!(error <= allowed, "{:?} {mass:e}: {error:e}", grid.shape());
            assert!(iterations <= needed + 4, "{:?} {mass:e}", grid.shape());
        }
    }
}
