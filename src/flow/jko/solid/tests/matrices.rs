//! Coarse matrices, the solver, and matrices of f32.

use super::{Cloud, applied, assembled, boxes, dot, filled, random_vector};
use crate::flow::jko::solid::galerkin::Transfer;
use crate::flow::jko::solid::lattice::Lattice;
use crate::flow::jko::solid::multigrid::Multigrid;
use crate::flow::jko::solid::product::product;
use crate::flow::jko::solid::stencil::Stencil;

#[test]
fn coarse_matrices_are_galerkin_products_and_restriction_is_the_transpose_of_interpolation() {
    for grid in boxes() {
        let (lattice, _, matrix) = assembled::<f64>(&grid);
        for axis in 0..3 {
            let mut transfer = Transfer::along(&lattice, axis);
            let Some(coarse) = transfer.coarse() else {
                continue;
            };
            let mut coarse = Stencil::new(coarse);
            product(&mut transfer, &matrix, &mut coarse);
            let x = random_vector(coarse.lattice.len(), 6);
            let y = random_vector(lattice.len(), 7);
            let (mut fine, mut image) = (vec![0.0; lattice.len()], vec![0.0; lattice.len()]);
            transfer.prolong(&x, &mut fine);
            matrix.apply(&fine, &mut image);
            let wanted = dot(&fine, &image);
            let (mut restricted, mut own) = (vec![0.0; x.len()], vec![0.0; x.len()]);
            coarse.apply(&x, &mut own);
            assert!((dot(&x, &own) / wanted - 1.0).abs() < 1e-12);
            transfer.restrict(&y, &mut restricted);
            let [one, other] = [dot(&x, &restricted), dot(&fine, &y)];
            assert!((one - other).abs() < 1e-12 * y.len() as f64);
        }
    }
}

/// Entries of f32, on the lattice and a coarser one: row sums are the moments of the masses, however small they are beside the entries, and no vector sees less
/// of the matrix than of that of f64. What it sees more of is what roundings of the entries add to differences: at most three for the slabs that a sum is made of,
/// two beyond the sides of the box, one for the coarser lattice, and those of f64.
#[test]
fn matrices_of_f32_keep_row_sums_and_are_no_less_than_exact_ones() {
    for grid in boxes() {
        for mass in [1.0, 1e-9] {
            let lattice = Lattice::new(&grid);
            let mut cloud = Cloud::new(&lattice, 12 * lattice.len(), 5);
            cloud.masses.iter_mut().for_each(|it| *it *= mass);
            let (mut exact, mut single) =
                (Stencil::<f64>::new(lattice), Stencil::<f32>::new(lattice));
            filled(&mut exact, &cloud);
            filled(&mut single, &cloud);
            let mut transfer = Transfer::new(&lattice);
            let coarse = transfer.coarse().map(|coarse| {
                let (mut whole, mut half) = (Stencil::new(coarse), Stencil::new(coarse));
                product(&mut transfer, &exact, &mut whole);
                product(&mut transfer, &single, &mut half);
                (whole, half)
            });
            for (exact, single) in [(exact, single)].into_iter().chain(coarse) {
                let nodes = exact.lattice.len();
                let mut sizes = exact.clone();
                sizes.rows_mut().iter_mut().for_each(|it| *it = it.abs());
                let ones = vec![1.0; nodes];
                let found = applied(&single, &ones);
                let sums = applied(&sizes, &ones);
                for node in 0..nodes {
                    assert_eq!(single.excess[node].to_bits(), exact.excess[node].to_bits());
                    let error = (found[node] - exact.excess[node]).abs();
                    assert!(error <= 1e-14 * sums[node], "{error:e}");
                }
                let total: f64 = single.excess.iter().sum();
                let masses: f64 = cloud.masses.iter().sum();
                assert!(
                    (total / masses - 1.0).abs() <= 1e-12,
                    "{total:e} {masses:e}"
                );
                for seed in 0..8 {
                    let x = random_vector(nodes, seed);
                    let more = dot(&x, &applied(&single, &x)) - dot(&x, &applied(&exact, &x));
                    // Σ |a_ij| (x_i − x_j)² over pairs is at most 2 Σ |a_ij| x_i² over both.
                    let terms = x.iter().zip(&sums).map(|(x, sum)| sum * x * x);
                    let size = 2.0 * terms.sum::<f64>();
                    assert!(more >= -1e-14 * size, "{more:e} of {size:e}");
                    let allowed = 7.0 * f64::from(f32::EPSILON) * size;
                    assert!(more <= allowed, "{more:e} of {allowed:e}");
                }
            }
        }
    }
}

#[test]
fn the_solver_solves_in_few_iterations_on_any_box() {
    for grid in boxes() {
        let (lattice, cloud, _) = assembled::<f64>(&grid);
        let mut multigrid = Multigrid::new(lattice, None).unwrap();
        filled(multigrid.matrix(), &cloud);
        multigrid.prepare().unwrap();
        let wanted = random_vector(lattice.len(), 8);
        let (mut rhs, mut found) = (vec![0.0; lattice.len()], vec![0.0; lattice.len()]);
        multigrid.matrix().apply(&wanted, &mut rhs);
        let iterations = multigrid.solve(&rhs, 1e-11, 100, &mut found).unwrap();
        let error: Vec<f64> = found.iter().zip(&wanted).map(|(a, b)| a - b).collect();
        let [error, size] = [&error, &wanted].map(|x| cloud.energy(&lattice, x));
        assert!(iterations <= 25, "{:?}: {iterations}", grid.shape());
        assert!((error / size).sqrt() < 1e-9, "{:?}: {error}", grid.shape());
    }
}
