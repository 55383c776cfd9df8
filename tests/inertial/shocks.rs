//! After characteristics cross: the speed of shocks, their loss of energy, convergence to the solution with the right jumps.

use ottoflow::divergence::DivergenceKind;
use ottoflow::exact::{self, Riemann};
use ottoflow::flow::{InertialSettings, Problem, State};
use ottoflow::grid::{Axis, Boundary, Grid};

use crate::setup::{advance_to, inertial, watch};

fn tube(kind: DivergenceKind, cells: usize, ratio: f64) -> (Problem, State, Riemann) {
    let grid = Grid::new(vec![Axis {
        lower: -0.5,
        upper: 0.5,
        cells,
        boundary: Boundary::NoFlux,
    }])
    .unwrap();
    let (left, right) = (2.0 * ratio / (1.0 + ratio), 2.0 / (1.0 + ratio));
    let log_density = grid.sample(|x| if x[0] < 0.0 { left.ln() } else { right.ln() });
    let problem = Problem {
        log_target: exact::log_uniform(&grid),
        divergence: kind,
        grid,
    };
    let state = exact::start(&problem, &exact::normalised(&problem.grid, log_density));
    (problem, state, Riemann::new(left, right))
}

/// Where ρ falls through `level`, the last place from the left.
fn front(problem: &Problem, state: &State, level: f64) -> f64 {
    let density = state.density(problem);
    let axis = problem.grid.axes()[0];
    let before = (1..axis.cells)
        .rev()
        .find(|i| density[[0, 0, i - 1]] >= level && density[[0, 0, *i]] < level)
        .unwrap();
    let (a, b) = (density[[0, 0, before - 1]], density[[0, 0, before]]);
    axis.center(before - 1) + axis.spacing() * (a - level) / (a - b)
}

#[test]
fn shocks_run_at_the_speed_of_rankine_and_hugoniot() {
    for (ratio, order) in [(4.0, 1), (4.0, 2), (100.0, 2)] {
        let (problem, state, exact) = tube(DivergenceKind::Kl, 400, ratio);
        let step = 0.25 / 400.0 / exact.shock;
        let mut method = inertial(&problem, &state, InertialSettings::fixed(0.0, step, order));
        let level = 0.5 * (exact.middle + exact.right);
        let times = [0.1 / exact.shock, 0.35 / exact.shock];
        let places = times.map(|time| {
            advance_to(method.as_mut(), time);
            front(&problem, &method.state().unwrap(), level)
        });
        let speed = (places[1] - places[0]) / (times[1] - times[0]);
        assert!(
            (speed / exact.shock - 1.0).abs() <= 0.01,
            "ratio {ratio} order {order}: {speed:.4} for {:.4}",
            exact.shock
        );
        // The place, too: no jump in the beginning.
        assert!((places[1] - 0.35).abs() <= 0.02, "{}", places[1]);
    }
}

#[test]
fn the_shock_tube_converges_in_l1() {
    for order in [1, 2] {
        let error = |cells: usize| {
            let (problem, state, exact) = tube(DivergenceKind::Kl, cells, 4.0);
            let settings = InertialSettings::fixed(0.0, 0.2 / cells as f64, order);
            let mut method = inertial(&problem, &state, settings);
            advance_to(method.as_mut(), 0.25);
            let density = method.state().unwrap().density(&problem);
            let cells = density.indexed_iter().map(|(index, density)| {
                (density - exact.density(problem.grid.center(index)[0], 0.25)).abs()
            });
            cells.sum::<f64>() * problem.grid.cell_volume()
        };
        let [rough, fine] = [200, 800].map(error);
        let slope = (rough / fine).log2() / 2.0;
        // First order is the best there is at a jump.
        assert!(
            slope >= 0.7 && fine <= 5e-3,
            "order {order}: {slope:.2}, {fine:.1e}"
        );
    }
}

#[test]
fn energy_falls_at_shocks_and_never_rises() {
    for &kind in DivergenceKind::ALL {
        for order in [1, 2] {
            let (problem, state, _) = tube(kind, 200, 4.0);
            let settings = InertialSettings::fixed(0.0, 8e-4, order);
            let mut method = inertial(&problem, &state, settings);
            let energies = watch(&problem, method.as_mut(), 0.2);
            let rise = energies.rise / energies.start;
            assert!(rise <= 1e-12, "{kind:?} order {order}: {rise:.1e}");
            assert!(
                energies.drift / energies.start >= 1e-3,
                "{kind:?} order {order}"
            );
        }
    }
}
