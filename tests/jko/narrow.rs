//! A narrow start between two bells at 128²: steps that press its tails against the sides.

use ottoflow::metrics::divergence;

use crate::setup::started;
use crate::solid::{hard, jko};

/// Over high and low floors, long and short steps: fifteen iterations each, to a millionth of J at the start.
#[test]
fn steps_from_a_narrow_start_take_few_iterations() {
    // Gaps relative to W2²/(2τ), so that they come to about that.
    for (tau, steps, gap) in [(1e-2, 1, 1.37e-5), (1e-3, 4, 1e-4)] {
        for floor in [1e-2, 1e-6] {
            let (problem, start) = hard(2, 128, floor, 0.05);
            let first = divergence(&problem, &start);
            let mass = start.density(&problem).sum();
            let mut method = started(&problem, &start, jko(tau, gap));
            let mut before = first;
            for number in 1..=steps {
                let advance = method.advance(tau * f64::from(number)).unwrap();
                let state = method.state().unwrap();
                let reached = advance.transport.unwrap();
                let case = format!(
                    "floor {floor:e}, step {number} of {tau:e}: {} iterations, gap {:.1e}",
                    advance.iterations, reached.gap
                );
                println!("{case}");
                assert!(advance.iterations <= 15, "{case}");
                assert!(reached.gap <= 1e-6 * first, "{case}");
                let now = divergence(&problem, &state);
                let paid = reached.cost / (2.0 * tau);
                assert!(now < before && now + paid <= before + reached.gap, "{case}");
                let error = state.density(&problem).sum() / mass - 1.0;
                assert!(error.abs() <= 1e-12, "{case}: {error:e}");
                before = now;
            }
        }
    }
}
