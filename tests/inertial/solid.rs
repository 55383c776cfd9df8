//! The same code in 2-D and 3-D.

use ottoflow::divergence::DivergenceKind;
use ottoflow::exact::Oscillator;
use ottoflow::flow::{InertialSettings, Method, rotational_share};
use ottoflow::grid::{Boundary, Field};
use ottoflow::metrics::metrics;

use crate::setup::{
    FAR, advance_to, box_of, gaussians, inertial, moments, overdamped, watch, waves,
};

#[test]
fn a_gaussian_obeys_its_equations_in_2d() {
    let friction = 0.5;
    let error = |cells: usize| {
        let grid = box_of(2, cells, 5.5, Boundary::NoFlux);
        let (problem, state) = gaussians(DivergenceKind::Kl, grid, 0.5, 0.8);
        let settings = InertialSettings::fixed(friction, 2.0 / cells as f64, 2);
        let mut method = inertial(&problem, &state, settings);
        advance_to(method.as_mut(), 1.5);
        let (mean, std) = moments(&problem, &method.state().unwrap());
        let law = Oscillator::at_rest(0.5, 0.8).after(1.5, friction, 1.0);
        (mean - law.mean[0]).abs() + (std - law.std[0]).abs()
    };
    let [rough, fine] = [40, 80].map(error);
    let slope = (rough / fine).log2();
    assert!(
        fine <= 2e-3 && (slope - 2.0).abs() <= 0.3,
        "{rough:.1e} {fine:.1e} {slope:.2}"
    );
}

#[test]
fn energy_falls_and_mass_stays_in_2d_and_3d() {
    for &kind in DivergenceKind::ALL {
        for (dimension, cells) in [(2, 24), (3, 12)] {
            for friction in [0.5, 1e4] {
                let (problem, state) =
                    waves(kind, box_of(dimension, cells, 1.0, Boundary::Periodic));
                let before = metrics(&problem, &state).mass;
                let settings = InertialSettings::fixed(friction, 0.02, 2);
                let mut method = inertial(&problem, &state, settings);
                let energies = watch(&problem, method.as_mut(), 0.2);
                let what = format!("{kind:?} {dimension}-D γ = {friction}");
                let rise = energies.rise / energies.start;
                assert!(rise <= 1e-5, "{what}: {rise:.1e}");
                let after = metrics(&problem, &method.state().unwrap()).mass;
                assert!((after / before - 1.0).abs() <= 1e-13, "{what}");
            }
        }
    }
}

/// A problem along x has the solution of the line, whatever the other axes.
#[test]
fn a_flat_solution_is_that_of_the_line() {
    let line = box_of(1, 40, 1.0, Boundary::NoFlux);
    let (one, start) = waves(DivergenceKind::JensenShannon, line);
    let solution = |dimension: usize| {
        let grid = box_of(dimension, 40, 1.0, Boundary::NoFlux);
        let spread = |field: &Field, shift: f64| {
            Field::from_shape_fn(grid.shape(), |(_, _, i)| field[[0, 0, i]] + shift)
        };
        let problem = ottoflow::flow::Problem {
            log_target: spread(&one.log_target, -(2f64.powi(dimension as i32 - 1)).ln()),
            divergence: one.divergence,
            grid: grid.clone(),
        };
        let state = ottoflow::flow::State {
            time: 0.0,
            log_ratio: spread(&start.log_ratio, 0.0),
        };
        let mut method = inertial(&problem, &state, InertialSettings::fixed(0.5, 0.01, 2));
        advance_to(method.as_mut(), 0.2);
        method.state().unwrap().log_ratio
    };
    let (flat, line) = (solution(2), solution(1));
    let worst = flat
        .indexed_iter()
        .fold(0.0_f64, |worst, ((_, _, i), value)| {
            worst.max((value - line[[0, 0, i]]).abs())
        });
    assert!(worst <= 1e-6, "{worst:.1e}");
}

/// Where more wants to leave cells than they hold, strong friction lets mass pass through: the shares of all cells hang together. A start that differs by
/// a rounding ends as far away.
#[test]
fn a_limited_step_is_continuous_in_its_start() {
    let grid = box_of(3, 16, 1.0, Boundary::Periodic);
    let volume = grid.cell_volume();
    let (problem, start) = waves(DivergenceKind::ChiSquared, grid);
    let densities = |change: f64| {
        let mut state = start.clone();
        state.log_ratio.mapv_inplace(|ln| ln * (1.0 + change));
        let mut method = inertial(&problem, &state, overdamped(1e3, 0.01, 2));
        method.advance(FAR).unwrap();
        [state, method.state().unwrap()].map(|state| state.density(&problem))
    };
    let [before, after] = densities(0.0);
    for change in [1e-9, 1e-11, 1e-13] {
        let [before_beside, after_beside] = densities(change);
        let distances = [(&before, before_beside), (&after, after_beside)]
            .map(|(own, beside)| (own - beside).mapv(f64::abs).sum() * volume);
        assert!(distances[1] <= 3.0 * distances[0] + 1e-10, "{distances:?}");
    }
}

/// A step may be as long as one likes, though what rounding leaves of its equations grows with it.
#[test]
fn steps_of_any_length_settle() {
    for &kind in DivergenceKind::ALL {
        let (problem, state) = waves(kind, box_of(2, 64, 1.0, Boundary::NoFlux));
        for (step, order) in [(1e2, 1), (1e2, 2), (1e6, 1), (1e6, 2)] {
            let mut method = inertial(&problem, &state, overdamped(1e3, step, order));
            let before = metrics(&problem, &state).divergence;
            for _ in 0..3 {
                method.advance(FAR).unwrap();
            }
            let after = metrics(&problem, &method.state().unwrap()).divergence;
            assert!(
                (0.0..1e-6 * before).contains(&after),
                "{kind:?} {step:e} {order}: {after:e}"
            );
        }
    }
}

/// V-cycles of the next steps, and how many of them were tried again. (Every iteration of conjugate gradients is a cycle, and every solve takes one more.)
fn cycles(method: &mut dyn Method, steps: usize) -> (Vec<usize>, usize) {
    let mut rejected = 0;
    let mut cycles = || {
        let advance = method.advance(FAR).unwrap();
        rejected += advance.rejected;
        advance.linear_iterations + advance.iterations
    };
    ((0..steps).map(|_| cycles()).collect(), rejected)
}

/// Steps of 0.005, or of 0.01 γ where friction is strong.
fn settings(friction: f64, order: u8) -> InertialSettings {
    if friction > 1.0 {
        overdamped(friction, 0.01, order)
    } else {
        InertialSettings::fixed(friction, 0.005, order)
    }
}

/// A step of order 1 takes six cycles of multigrid at most, the first ones too, on any grid and with any friction. One of order 2, which solves two systems,
/// takes as many once the motion is under way, and its solves at all times.
#[test]
fn a_step_takes_at_most_six_cycles_whatever_size_and_friction() {
    for (order, friction) in [1, 2]
        .into_iter()
        .flat_map(|order| [0.0, 0.5, 1e2, 1e4, 1e6].map(|friction| (order, friction)))
    {
        for cells in [32, 128] {
            let grid = box_of(2, cells, 1.0, Boundary::NoFlux);
            let (problem, state) = waves(DivergenceKind::JensenShannon, grid);
            let mut method = inertial(&problem, &state, settings(friction, order));
            let (cycles, rejected) = cycles(method.as_mut(), 20);
            let what = format!("order {order} γ = {friction}, {cells}²: {cycles:?}");
            assert_eq!(rejected, 0);
            assert!(
                cycles
                    .iter()
                    .all(|cycles| *cycles <= 6 * usize::from(order)),
                "{what}"
            );
            assert!(cycles[1..].iter().all(|cycles| *cycles <= 6), "{what}");
        }
    }
}

/// So it is with any divergence, tries that were not accepted counted by themselves, but for the first steps of `chi-squared` at order 2; and in the mean of
/// sixty steps it is two at order 1 and fewer than five at order 2.
#[test]
fn a_step_takes_few_cycles_with_any_divergence() {
    const STEPS: usize = 60;
    for (&kind, friction) in DivergenceKind::ALL
        .iter()
        .flat_map(|kind| [0.5, 1e3, 1e6].map(|friction| (kind, friction)))
    {
        for (order, most) in [(1, 2.0), (2, 5.0)] {
            let (problem, state) = waves(kind, box_of(2, 64, 1.0, Boundary::NoFlux));
            let mut method = inertial(&problem, &state, settings(friction, order));
            let (cycles, rejected) = cycles(method.as_mut(), STEPS);
            let what = format!("{kind:?} order {order} γ = {friction}: {cycles:?}");
            let mean = cycles.iter().sum::<usize>() as f64 / (STEPS + rejected) as f64;
            assert!(mean <= most, "{what}");
            let above = cycles.iter().filter(|cycles| **cycles > 6).count();
            assert!(above <= rejected + 3 * usize::from(order == 2), "{what}");
        }
    }
}

#[test]
fn the_rotational_share_of_a_velocity_is_found() {
    let grid = box_of(2, 64, 4.0, Boundary::NoFlux);
    let (problem, state) = gaussians(DivergenceKind::Kl, grid.clone(), 0.0, 0.7);
    let half = 0.5 * grid.axes()[0].spacing();
    let field = |x: f64, y: f64| {
        let of = |axis: usize| {
            grid.sample(move |point| {
                let mut at = point;
                at[axis] += half;
                // A rotation about the centre, and an expansion from it.
                [x * at[0] - y * at[1], x * at[1] + y * at[0]][axis]
            })
        };
        vec![of(0), of(1)]
    };
    let share = |velocity: Vec<Field>| rotational_share(&problem, &state, &velocity).unwrap();
    assert!(share(field(1.0, 0.0)) <= 1e-6, "{}", share(field(1.0, 0.0)));
    // A rotation has no divergence up to the error of the grid.
    assert!((share(field(0.0, 1.0)) - 1.0).abs() <= 1e-3);
    // About the centre of an isotropic density both are orthogonal.
    assert!((share(field(1.0, 1.0)) - 0.5).abs() <= 1e-3);
}
