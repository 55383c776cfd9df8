use ottoflow::backend::gpu::{Gpu, GpuSweep};
use ottoflow::divergence::{Divergence, DivergenceKind, JensenShannon};
use ottoflow::flow::Diffusion;
use ottoflow::grid::{Axis, Boundary, Grid};
use ottoflow::with_divergence;

use crate::gpu;
use crate::twin::Twin;

use Boundary::{NoFlux, Periodic};

fn grid(axes: &[(usize, Boundary)]) -> Grid {
    let axis = |&(cells, boundary): &(usize, Boundary)| Axis {
        lower: 0.0,
        upper: 1.0,
        cells,
        boundary,
    };
    Grid::new(axes.iter().map(axis).collect()).unwrap()
}

/// Grids of several tiles and runs of slabs, none of them a multiple of the tile, and one smaller than a tile.
fn grids() -> Vec<Grid> {
    vec![
        grid(&[(700, NoFlux)]),
        grid(&[(700, Periodic)]),
        grid(&[(3, Periodic)]),
        grid(&[(300, NoFlux), (37, NoFlux)]),
        grid(&[(300, Periodic), (37, Periodic)]),
        grid(&[(65, Periodic), (5, NoFlux)]),
        grid(&[(40, NoFlux), (11, NoFlux), (9, NoFlux)]),
        grid(&[(40, Periodic), (11, Periodic), (9, Periodic)]),
        grid(&[(33, NoFlux), (8, Periodic), (3, NoFlux)]),
    ]
}

/// Forward Euler and the strong-stability-preserving Runge–Kutta methods of order 2 and 3 in Shu–Osher form.
const METHODS: [&[f64]; 3] = [&[0.0], &[0.0, 0.5], &[0.0, 0.75, 1.0 / 3.0]];

fn assert_cells(twin: &Twin, found: &[f32], what: &str) {
    for (cell, bound) in twin.local.iter().enumerate() {
        let difference = f64::from((found[cell] - twin.ratio[cell]).abs());
        assert!(
            difference <= *bound,
            "{what}, cell {cell}: {difference:e} > {bound:e}"
        );
    }
}

/// Σ σ² |difference| within the bound; returns it as a share of the bound.
fn assert_distance(twin: &Twin, found: &[f32], what: &str) -> f64 {
    let distance: f64 = (0..found.len())
        .map(|cell| {
            f64::from(twin.weight[cell]).powi(2) * f64::from((found[cell] - twin.ratio[cell]).abs())
        })
        .sum();
    assert!(
        distance <= twin.distance,
        "{what}: {distance:e} > {:e}",
        twin.distance
    );
    distance / twin.distance
}

fn compare<D: Divergence>(gpu: &Gpu, grid: &Grid) {
    let twin = Twin::new::<D>(grid);
    let mut sweep = GpuSweep::new::<Diffusion<D>>(gpu, grid, &twin.weight).unwrap();
    let mut worst = 0.0_f64;
    for shares in METHODS {
        let what = format!("{} {:?} {shares:?}", D::NAME, grid.shape());
        let mut twin = Twin::new::<D>(grid);
        sweep.load(&twin.ratio).unwrap();
        sweep.run(shares, twin.scale, 1).unwrap();
        twin.run::<D>(shares, 1);
        let found = sweep.read().unwrap();
        if shares.len() == 1 {
            assert_cells(&twin, &found, &what);
        }
        worst = worst.max(assert_distance(&twin, &found, &what));
        sweep.run(shares, twin.scale, 49).unwrap();
        twin.run::<D>(shares, 49);
        worst = worst.max(assert_distance(&twin, &sweep.read().unwrap(), &what));
    }
    println!("{} {:?}: {:.4} of the bound", D::NAME, grid.shape(), worst);
}

#[test]
fn steps_are_those_of_the_cpu_within_rounding() {
    let Some(gpu) = gpu() else { return };
    for &kind in DivergenceKind::ALL {
        for grid in grids() {
            with_divergence!(kind, D => compare::<D>(&gpu, &grid));
        }
    }
}

fn assert_kept<D: Divergence>(gpu: &Gpu, grid: &Grid) {
    let twin = Twin::new::<D>(grid);
    let mut sweep = GpuSweep::new::<Diffusion<D>>(gpu, grid, &twin.weight).unwrap();
    for shares in METHODS {
        sweep.load(&vec![1.0; grid.len()]).unwrap();
        sweep.run(shares, twin.scale, 200).unwrap();
        assert!(
            sweep.read().unwrap().iter().all(|ratio| *ratio == 1.0),
            "{} {shares:?}",
            D::NAME
        );
    }
}

#[test]
fn equilibrium_is_kept_to_the_last_bit() {
    let Some(gpu) = gpu() else { return };
    for &kind in DivergenceKind::ALL {
        for grid in [
            grid(&[(700, NoFlux)]),
            grid(&[(300, Periodic), (7, NoFlux)]),
            grid(&[(33, Periodic), (9, NoFlux), (5, Periodic)]),
        ] {
            with_divergence!(kind, D => assert_kept::<D>(&gpu, &grid));
        }
    }
}

#[test]
fn more_workgroups_than_one_dimension_of_a_dispatch_takes() {
    let Some(gpu) = gpu() else { return };
    let grid = grid(&[(65_535 * 256 + 1000, Periodic)]);
    let mut twin = Twin::new::<JensenShannon>(&grid);
    let mut sweep = GpuSweep::new::<Diffusion<JensenShannon>>(&gpu, &grid, &twin.weight).unwrap();
    sweep.load(&twin.ratio).unwrap();
    sweep.run(&[0.0], twin.scale, 1).unwrap();
    twin.run::<JensenShannon>(&[0.0], 1);
    assert_cells(&twin, &sweep.read().unwrap(), "large grid");
}

#[test]
fn steps_do_not_depend_on_how_they_are_divided_into_runs() {
    let Some(gpu) = gpu() else { return };
    let grid = grid(&[(65, Periodic), (20, NoFlux)]);
    let twin = Twin::new::<JensenShannon>(&grid);
    let mut sweep = GpuSweep::new::<Diffusion<JensenShannon>>(&gpu, &grid, &twin.weight).unwrap();
    let results = [vec![7], vec![1, 1, 5], vec![3, 0, 4]].map(|runs| {
        sweep.load(&twin.ratio).unwrap();
        for steps in runs {
            sweep.run(METHODS[2], twin.scale, steps).unwrap();
        }
        sweep.read().unwrap()
    });
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0], results[2]);
}
