//! Directions of φ that are followed, dropped, or broken off.

use super::{ROUNDING, TAU, assert_near, grids, newton, twin};
use crate::backend::gpu::Gpu;
use crate::divergence::{Divergence, DivergenceKind, JensenShannon, with_divergence};
use crate::flow::jko::solid::device::tests::double_precision_gpu;
use crate::flow::jko::solid::iterate::Iterate;
use crate::flow::jko::solid::multigrid::unstructured;
use crate::flow::jko::solid::newton::Newton;
use crate::grid::Grid;

fn check_direction<D: Divergence>(grid: &Grid, gpu: &Gpu) {
    let mut newton = newton::<D>(grid, Some(gpu));
    newton.restart(TAU).unwrap();
    for (node, value) in newton.direction.iter_mut().enumerate() {
        *value = 0.1 * newton.current.coefficients[node] + 0.01 * unstructured(node + 5);
    }
    let mut here = twin(&newton, grid);
    newton.lend().unwrap();
    newton.turn().unwrap();
    for share in [1.0, 0.25] {
        newton.go(TAU, share).unwrap();
        here.go(TAU, share).unwrap();
        let misfits = [&newton, &here].map(Newton::trial_misfit);
        let difference = (misfits[0] / misfits[1] - 1.0).abs();
        assert!(difference <= 10.0 * ROUNDING, "{misfits:?}");
    }
    for newton in [&mut newton, &mut here] {
        newton.accept();
    }
    newton.take_back(TAU).unwrap();
    let bound = 10.0 * ROUNDING;
    assert_near(&newton.current.ratio, &here.current.ratio, bound);
    assert_eq!(newton.current.coefficients, here.current.coefficients);
    assert_eq!(newton.current.spline.padded, here.current.spline.padded);
    // What comes back has been evaluated where its feet are.
    let mut again = twin(&newton, grid);
    again.evaluate(false).unwrap();
    assert_eq!(again.current.residual, newton.current.residual);
    assert_eq!(again.current.misfit, newton.current.misfit);
}

#[test]
fn directions_lead_where_they_do_on_the_cpu() {
    let Some(gpu) = double_precision_gpu() else {
        return;
    };
    for grid in grids() {
        for kind in DivergenceKind::ALL {
            with_divergence!(*kind, D => check_direction::<D>(&grid, &gpu));
        }
    }
}

/// A direction that is not followed, or an iteration that is broken off, leaves nothing behind.
#[test]
fn a_trial_leaves_the_current_iterate_as_it_is() {
    let Some(gpu) = double_precision_gpu() else {
        return;
    };
    let grid = &grids()[0];
    let mut newton = newton::<JensenShannon>(grid, Some(&gpu));
    let start = newton.current.feet.clone();
    newton.restart(TAU).unwrap();
    let first = newton.current.clone();
    newton.lend().unwrap();
    let residual = newton.current.residual.clone();
    let coefficients = &newton.current.coefficients;
    newton.direction.copy_from_slice(coefficients);
    newton.turn().unwrap();
    newton.go(TAU, 1.0).unwrap();
    newton.evaluate(false).unwrap();
    assert_eq!(newton.current.residual, residual);
    newton.go(TAU, 1.0).unwrap();
    newton.current.feet = start;
    newton.restart(TAU).unwrap();
    assert_eq!(newton.current.residual, first.residual);
    let places = |iterate: &Iterate| {
        iterate
            .feet
            .iter()
            .map(|foot| foot.place)
            .collect::<Vec<_>>()
    };
    assert_eq!(places(&newton.current), places(&first));
}
