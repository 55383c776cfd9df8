//! JKO steps whose linear systems the GPU solves: what is certified there is certified in f64 on the CPU, by the same certificate.

use ottoflow::backend::gpu::Gpu;
use ottoflow::calculus::Real;
use ottoflow::divergence::{Divergence, DivergenceKind};
use ottoflow::flow::{Advance, FlowError, JkoSettings, MethodSettings, Problem, State};
use ottoflow::grid::{Axis, Boundary, Grid};
use ottoflow::with_divergence;

use crate::gpu;
use crate::implicit::{begin, distance};
use crate::shared::waves;

/// The largest gap relative to W2²/(2τ).
const GAP: f64 = 1e-8;
const TAU: f64 = 0.01;

fn jko(order: u8) -> MethodSettings {
    MethodSettings::Jko(JkoSettings {
        step: TAU,
        tolerance: None,
        order,
        gap: GAP,
    })
}

/// A plane of 48² cells, closed and periodic, and a box of some 12³, each of unlike sides.
fn grids() -> Vec<Grid> {
    let axis = |cells, upper, boundary| Axis {
        lower: 0.0,
        upper,
        cells,
        boundary,
    };
    let (closed, ring) = (Boundary::NoFlux, Boundary::Periodic);
    let boxes = [
        vec![axis(48, 1.0, closed), axis(48, 1.3, ring)],
        vec![
            axis(12, 1.0, ring),
            axis(14, 1.2, closed),
            axis(12, 0.9, closed),
        ],
    ];
    let grids = boxes.into_iter().map(|axes| Grid::new(axes).unwrap());
    grids.collect()
}

/// Every divergence on a plane and in a box.
fn cases() -> Vec<(Problem, State)> {
    let kinds = DivergenceKind::ALL.iter();
    let cases = kinds.flat_map(|kind| grids().into_iter().map(|grid| waves(*kind, grid)));
    cases.collect()
}

/// One step from a state.
fn step(gpu: Option<&Gpu>, start: &(Problem, State), order: u8) -> (State, Advance) {
    let mut method = begin(gpu, start, jko(order));
    let advance = method.advance(start.1.time + TAU).unwrap();
    (method.state().unwrap(), advance)
}

/// The distance in L1 that two plans so near the minimum can have. With Bregman's distance, of which J + W2²/(2τ) has at least that of J,
///
///     gap ≥ Σ π V ½ f''(ξ) (r − r*)²,      hence      ‖ρ − ρ*‖² ≤ 2 gap Σ π V/f''(ξ)
///
/// by Cauchy and Schwarz, ξ between r and r*. 1/f'' grows with r for every divergence; r* may be above both plans by as much as these differ.
fn bound<D: Divergence>(problem: &Problem, plans: [&State; 2], gaps: [f64; 2]) -> f64 {
    let [a, b] = plans.map(|state| &state.log_ratio);
    let ratios = a.iter().zip(b).map(|(a, b)| {
        let [a, b] = [Real::exp(*a), Real::exp(*b)];
        a.max(b) + (a - b).abs()
    });
    let terms = problem.log_target.iter().zip(ratios).map(|(ln, ratio)| {
        let softness: f64 = ratio / D::slope_from_ratio(ratio);
        Real::exp(*ln) * softness
    });
    let softness = terms.sum::<f64>() * problem.grid.cell_volume();
    gaps.map(|gap| (2.0 * gap * softness).sqrt()).iter().sum()
}

/// Each step from where the CPU is.
#[test]
fn steps_are_those_of_the_cpu_as_far_as_the_gaps_say() {
    let Some(gpu) = gpu() else { return };
    for mut start in cases() {
        for number in 1..=2 {
            let (a, on_device) = step(Some(&gpu), &start, 1);
            let (b, on_cpu) = step(None, &start, 1);
            let (problem, _) = &start;
            let gaps = [&on_device, &on_cpu].map(|advance| advance.transport.unwrap().gap);
            let kind = problem.divergence;
            let bound = with_divergence!(kind, D => bound::<D>(problem, [&a, &b], gaps));
            let distance = distance(problem, &a, &b);
            let what = format!("{} {:?} step {number}", kind.name(), problem.grid.shape());
            println!(
                "{what}: {distance:.1e} of {bound:.1e}, iterations {} and {} on the CPU, of the linear solver {} and {}",
                on_device.iterations,
                on_cpu.iterations,
                on_device.linear_iterations,
                on_cpu.linear_iterations
            );
            assert!(distance <= bound, "{what}: {distance:e} of {bound:e}");
            let [more, fewer] = [on_device.iterations, on_cpu.iterations];
            assert!(more.abs_diff(fewer) <= 2, "{what}: {more} and {fewer}");
            for (gap, advance) in gaps.into_iter().zip([on_device, on_cpu]) {
                let paid = advance.transport.unwrap().cost / (2.0 * TAU);
                assert!(gap <= GAP * paid + 1e-15, "{what}: {gap:e}");
            }
            start.1 = b;
        }
    }
}

#[test]
fn the_same_device_gives_the_same_bits() {
    let Some(gpu) = gpu() else { return };
    for grid in grids() {
        let start = waves(DivergenceKind::JensenShannon, grid);
        for order in [1, 2] {
            let [first, again] = [(); 2].map(|()| step(Some(&gpu), &start, order));
            assert_eq!(first, again);
        }
    }
}

/// The certificate is that of f64: what f32 leaves of a direction does not loosen it, and a gap that the cells cannot give is refused as on the CPU.
#[test]
fn a_step_that_cannot_be_certified_is_refused_on_the_device_too() {
    let Some(gpu) = gpu() else { return };
    let axis = Axis {
        lower: 0.0,
        upper: 1.0,
        cells: 32,
        boundary: Boundary::NoFlux,
    };
    let grid = Grid::new(vec![axis; 2]).unwrap();
    let (problem, mut state) = waves(DivergenceKind::JensenShannon, grid);
    // A narrow bell, from which a long first step presses tails against the sides.
    state.log_ratio = problem.grid.sample(|[x, y, _]| {
        let square = (x - 0.3).powi(2) + (y - 0.7).powi(2);
        5.0 - 200.0 * square
    }) - &problem.log_target;
    let start = (problem, state);
    let refused = begin(Some(&gpu), &start, jko(1)).advance(1.0);
    let Err(FlowError::Uncertified { gap, allowed, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert!(gap > allowed && allowed > 0.0, "{gap:e} {allowed:e}");
}
