//! Where a step begins: r of one backward Euler step of the flow, and φ as the c-transform of its f'(r).

use super::feet::Search;
use super::lattice::{Centres, Lattice, Point};
use super::newton::Newton;
use super::passes;
use super::spline::{Spline, interpolate};
use crate::calculus::Real;
use crate::divergence::Divergence;
use crate::flow::implicit::{EulerStep, LIFTED_LOG_RATIO};

/// The memory of the guess, and the solver of the flow.
pub(super) struct Guess<D> {
    /// None where it cannot hold π.
    euler: Option<EulerStep<D>>,
    /// w = ψ(r) at the start and at the end.
    initial: Vec<f64>,
    reached: Vec<f64>,
    nodes: Vec<f64>,
    scratch: Vec<f64>,
    spline: Spline,
}

impl<D: Divergence> Guess<D> {
    pub fn new(euler: Option<EulerStep<D>>, lattice: Lattice, centres: &Centres) -> Self {
        Self {
            euler,
            initial: vec![0.0; centres.len()],
            reached: vec![0.0; centres.len()],
            nodes: vec![0.0; lattice.len()],
            scratch: vec![0.0; lattice.len()],
            spline: Spline::new(lattice),
        }
    }

    /// Sets φ, r and feet of the current iterate for τ and what the flow reaches from ℓ in `duration`.
    pub fn set(&mut self, newton: &mut Newton<D>, tau: f64, duration: f64, log_ratio: &[f64]) {
        self.flow(duration, log_ratio);
        let (lattice, centres) = (newton.lattice, newton.centres);
        let current = &mut newton.current;
        let reached = &self.reached;
        passes::each(&mut current.ratio, |cell, ratio| {
            let log_ratio = D::log_ratio(reached[cell]).max(2.0 * LIFTED_LOG_RATIO);
            *ratio = Real::exp(log_ratio);
        });
        let ratio = &current.ratio;
        let variation = |cell: usize| -D::first_variation(Real::ln(ratio[cell]));
        passes::each(&mut self.nodes, |node, value| {
            *value = between(&lattice, &centres, &lattice.place(node), variation);
        });
        interpolate(&lattice, &mut self.nodes, &mut self.scratch);
        self.spline.set(&self.nodes);
        let search = Search::new(&self.spline, &lattice, tau);
        passes::each(&mut newton.current.coefficients, |node, value| {
            let place = lattice.place(node);
            *value = -search.foot(&place, &place).value;
        });
        interpolate(
            &lattice,
            &mut newton.current.coefficients,
            &mut self.scratch,
        );
        passes::each(&mut newton.current.feet, |cell, foot| {
            foot.place = centres.place(cell)
        });
    }

    /// The flow for a time; where its solver fails, the start is the better guess.
    fn flow(&mut self, duration: f64, log_ratio: &[f64]) {
        let lowest = LIFTED_LOG_RATIO;
        passes::each(&mut self.initial, |cell, w| {
            *w = D::kirchhoff(log_ratio[cell].max(lowest));
        });
        let bounds = self
            .initial
            .iter()
            .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], w| {
                [low.min(*w), high.max(*w)]
            });
        self.reached.copy_from_slice(&self.initial);
        let solved = self.euler.as_mut().is_some_and(|euler| {
            let reached = &mut self.reached;
            let effort = euler.solve(0.0, duration, &self.initial, reached, bounds, None);
            effort.is_ok()
        });
        if !solved {
            self.reached.copy_from_slice(&self.initial);
        }
    }
}

/// The value of a field of the cells at a place, linear between their centres.
pub(super) fn between(
    lattice: &Lattice,
    centres: &Centres,
    place: &Point,
    value: impl Fn(usize) -> f64,
) -> f64 {
    let [sum] = all_between(lattice, centres, place, |cell| [value(cell)]);
    sum
}

/// The values of several fields of the cells at a place, linear between their centres.
pub(super) fn all_between<const N: usize>(
    lattice: &Lattice,
    centres: &Centres,
    place: &Point,
    values: impl Fn(usize) -> [f64; N],
) -> [f64; N] {
    let counts = centres.counts();
    let ends = [0, 1, 2].map(|axis| {
        let (count, along) = (counts[axis], &lattice.axes[axis]);
        if along.missing {
            return [(0, 1.0), (0, 0.0)];
        }
        let scaled = place[axis] / along.length() * count as f64 - 0.5;
        let before = scaled.floor();
        let share = scaled - before;
        let cell = |number: isize| {
            let count = count as isize;
            let folded = if along.periodic {
                number.rem_euclid(count)
            } else {
                number.clamp(0, count - 1)
            };
            folded.unsigned_abs()
        };
        let before = before as isize;
        [(cell(before), 1.0 - share), (cell(before + 1), share)]
    });
    let mut sums = [0.0; N];
    for (z, weight_z) in ends[0] {
        for (y, weight_y) in ends[1] {
            for (x, weight_x) in ends[2] {
                let weight = weight_z * weight_y * weight_x;
                if weight > 0.0 {
                    let values = values((z * counts[1] + y) * counts[2] + x);
                    for (sum, value) in sums.iter_mut().zip(values) {
                        *sum += weight * value;
                    }
                }
            }
        }
    }
    sums
}
