//! The explicit method in f32 beside f64, within a bound that counts roundings.
//!
//! With u = 2⁻²⁴, ψ the node values and c = time step / h², one stage computes r_i + Σ_faces c (σ_j/σ_i)(ψ_j − ψ_i). In units of
//! u Σ_faces c (σ_j/σ_i)(|ψ_j| + |ψ_i|) it errs by 5 (ψ within 2.5 units in the last place) + 2 (difference, product) + 4 (sums over
//! faces and axes) + 1 (division) + 2 (σ_j and σ_i rounded to f32) + 1 (c rounded) = 15; in units of u r_i by 2 for its last additions,
//! and by 6 for the mean with the start of the step.
//!
//! The stage is monotone and conserves Σ σ² r, so by Crandall and Tartar (Proc. AMS 78, 1980) it does not increase Σ σ² |r − r'|, which is
//! the L1 distance of ρ: errors add up with factor one. Second-order terms are below one part in 100.

use ottoflow::exact::l1_distance;
use ottoflow::flow::{Couplings, Device, Problem, State, start};
use ottoflow::grid::Boundary;

use crate::setup::{
    EVERY_DIVERGENCE, advance_to, box_of, explicit, explicit_bound, smooth_problem,
};

const ROUNDOFF: f64 = 1.0 / 16_777_216.0;

/// Σ_i π_i · cell volume · Σ_faces c (σ_j/σ_i)(|ψ_j| + |ψ_i|) of a state, c the time step over h².
fn exchanged(problem: &Problem, state: &State, step: f64) -> f64 {
    let couplings = Couplings::new(&problem.grid, &problem.log_target);
    let size = |ln: &f64| {
        ottoflow::with_divergence!(problem.divergence, D => <D as ottoflow::divergence::Divergence>::kirchhoff(*ln)).abs()
    };
    let nodes: Vec<f64> = state.log_ratio.iter().map(size).collect();
    let mut sum = 0.0;
    for (cell, log_target) in problem.log_target.iter().enumerate() {
        couplings.for_each_face(cell, |factor, beside| {
            sum += step * log_target.exp() * factor * (nodes[cell] + nodes[beside]);
        });
    }
    sum * problem.grid.cell_volume()
}

#[test]
fn single_precision_is_within_counted_roundings_of_double() {
    const STEPS: u32 = 200;
    for &divergence in EVERY_DIVERGENCE {
        for (dimension, cells, boundary) in [
            (1, 64, Boundary::NoFlux),
            (2, 24, Boundary::Periodic),
            (3, 9, Boundary::NoFlux),
        ] {
            let (problem, initial) =
                smooth_problem(divergence, box_of(dimension, cells, 0.0, 1.0, boundary));
            let step = 0.8 * explicit_bound(&problem, &initial);
            for order in [1, 2, 3] {
                let settings = explicit(order, Some(step));
                let mut double = start(&problem, &initial, settings, Device::CpuDouble).unwrap();
                let mut single = start(&problem, &initial, settings, Device::CpuSingle).unwrap();
                let mut bound = ROUNDOFF;
                for number in 1..=STEPS {
                    let before = double.state().unwrap();
                    // Every stage starts from a state no further from equilibrium than the one before the step.
                    let stage = 15.0 * exchanged(&problem, &before, step) + 8.0;
                    bound += 1.01 * ROUNDOFF * f64::from(order) * stage;
                    let until = f64::from(number) * step;
                    advance_to(double.as_mut(), until);
                    advance_to(single.as_mut(), until);
                }
                let distance =
                    l1_distance(&problem, &double.state().unwrap(), &single.state().unwrap());
                println!(
                    "{} {dimension}-D order {order}: {distance:.2e}, bound {bound:.2e}",
                    divergence.name()
                );
                assert!(
                    distance <= bound,
                    "{} in {dimension}-D, order {order}: {distance:e} above {bound:e}",
                    divergence.name()
                );
                assert!(distance > 0.0, "f32 must differ");
                assert!(bound < 0.01, "the bound must say something: {bound}");
            }
        }
    }
}
