//! A feasible plan near the solution, and how far it can be from the minimum at most (docs/mathematics.md, eq. 33 and 34).

use super::deposit::{Order, moments};
use super::global;
use super::iterate::{ratio_of, softness};
use super::lattice::{Lattice, Point, squared_distance};
use super::newton::Newton;
use super::passes;
use super::spline::Spline;
use super::stencil::Weights;
use crate::calculus::Real;
use crate::divergence::Divergence;

/// Sweeps m ← m · Z(b/Zᵀm), which mend tails, and Newton's corrections after them.
const SWEEPS: usize = 10;
const CORRECTIONS: usize = 8;
/// Corrections without mass at rest, which are few where they do it.
const BRIEF: usize = 2;
/// The error of the linear systems, and iterations after which they are left: further corrections follow.
const LINEAR_ERROR: f64 = 1e-6;
const LINEAR_ITERATIONS: usize = 60;
/// The part of the mass that stays where it is in any case.
const RESTING: f64 = 1e-14;
/// What may be left of the marginal, relative to the mass: rounding.
const LEFT: f64 = 1e-13;
/// The least and the largest factor of a correction.
const FACTORS: [f64; 2] = [0.1, 10.0];
/// Lifts of the diagonal of the matrix of a correction, relative to itself and to its largest entry.
const LIFTS: [f64; 2] = [1e-13, 1e-18];
/// A ratio that has fallen by this factor is as good as zero.
const VANISHING: f64 = 1e-6;
/// Halvings in the search for the shift.
const HALVINGS: usize = 200;

/// The plan of a step: from every foot to its cell, and a little mass that stays in each.
pub(super) struct Plan<D> {
    lattice: Lattice,
    /// s, raised where a foot is not proven to be global, and by how much.
    transform: Vec<f64>,
    excess: Vec<f64>,
    /// f*'(s + shift): r by the dual.
    ratio: Vec<f64>,
    /// Mass from the foot of each cell, then mass at rest in each.
    masses: Vec<f64>,
    order: Order,
    spline: Spline,
    sums: Vec<f64>,
    left: f64,
    shift: f64,
    divergence: std::marker::PhantomData<D>,
}

impl<D: Divergence> Plan<D> {
    pub fn new(newton: &Newton<D>) -> Self {
        let (lattice, cells) = (newton.lattice, newton.centres.len());
        let zeros = || vec![0.0; cells];
        Self {
            transform: zeros(),
            excess: zeros(),
            ratio: zeros(),
            masses: vec![0.0; 2 * cells],
            order: Order::new(&lattice, 2 * cells),
            spline: Spline::new(lattice),
            sums: vec![0.0; lattice.len()],
            left: f64::INFINITY,
            shift: 0.0,
            lattice,
            divergence: std::marker::PhantomData,
        }
    }

    /// Makes the plan from the current iterate; `start` is the mass of each cell before the step. Returns iterations of the linear
    /// solver.
    pub fn set(&mut self, newton: &mut Newton<D>, tau: f64, start: &[f64]) -> usize {
        self.prove(newton, tau);
        self.balance(newton);
        let missing = self.fill(newton, start, RESTING);
        let mut iterations = self.repair(newton, BRIEF);
        if self.left > LEFT || self.left.is_nan() {
            // No foot is where some of the mass was: what is missing may come from there as well.
            self.fill(newton, start, missing + RESTING);
            iterations += self.repair(newton, CORRECTIONS);
        }
        iterations
    }

    /// Bounds s from above over the whole box.
    fn prove(&mut self, newton: &Newton<D>, tau: f64) {
        let current = &newton.current;
        global::excess(
            &self.lattice,
            &newton.centres,
            &current.spline,
            &current.coefficients,
            tau,
            &current.feet,
            &mut self.excess,
        );
        let (excess, feet) = (&self.excess, &current.feet);
        passes::each(&mut self.transform, |cell, s| {
            *s = feet[cell].value + excess[cell]
        });
    }

    /// The constant that, added to φ, gives the right mass: Σ π f*'(s + shift) V = mass, at the largest value of the dual over constants.
    fn balance(&mut self, newton: &Newton<D>) {
        let (transform, target) = (&self.transform, &newton.target);
        let terms = |shift: f64| {
            let term = |cell: usize| {
                let ratio = ratio_of::<D>(transform[cell] + shift);
                // Beyond f'(∞) r is no number: too much mass.
                if ratio.is_nan() {
                    f64::INFINITY
                } else {
                    target[cell] * ratio
                }
            };
            passes::sum(target.len(), term)
        };
        let excess = |shift: f64| {
            let sum = terms(shift);
            if sum.is_finite() {
                Real::ln(sum / newton.mass)
            } else {
                f64::INFINITY
            }
        };
        let (mut low, mut high, mut reach) = (0.0, 0.0, 1e-12);
        while excess(low) > 0.0 && low > -1e300 {
            high = low;
            low -= reach;
            reach *= 4.0;
        }
        reach = 1e-12;
        while excess(high) < 0.0 && high < 1e300 {
            low = high;
            high += reach;
            reach *= 4.0;
        }
        let mut shift = low;
        for _ in 0..HALVINGS {
            let value = excess(shift);
            if value.abs() <= f64::EPSILON {
                break;
            }
            if value > 0.0 {
                high = shift
            } else {
                low = shift
            }
            let term =
                |cell: usize| target[cell] * softness::<D>(ratio_of::<D>(transform[cell] + shift));
            let slope = passes::sum(target.len(), term) / terms(shift);
            let newton = shift - value / slope;
            let next = if newton > low && newton < high {
                newton
            } else {
                0.5 * (low + high)
            };
            if next == shift || high - low <= f64::MIN_POSITIVE {
                break;
            }
            shift = next;
        }
        self.shift = shift;
        passes::each(&mut self.ratio, |cell, ratio| {
            *ratio = ratio_of::<D>(transform[cell] + shift)
        });
    }

    /// The masses before the repair, with a share of the mass at rest; returns how much is not where it was, relative to the mass.
    fn fill(&mut self, newton: &mut Newton<D>, start: &[f64], share: f64) -> f64 {
        let Newton {
            centres, current, ..
        } = newton;
        let cells = centres.len();
        let (ratio, target) = (&current.ratio, &newton.target);
        passes::each(&mut self.masses[..cells], |cell, mass| {
            *mass = target[cell] * ratio[cell]
        });
        self.masses[cells..].fill(0.0);
        let place = |number: usize| -> Point {
            if number < cells {
                current.feet[number].place
            } else {
                centres.place(number - cells)
            }
        };
        self.order.sort(&self.lattice, place);
        let masses = &self.masses;
        moments(
            &self.lattice,
            &self.order,
            place,
            |number| masses[number],
            &mut newton.padded,
            &mut self.sums,
        );
        let (sums, wanted) = (&self.sums, &newton.moments);
        let missing = passes::sum(sums.len(), |node| (wanted[node] - sums[node]).abs());
        passes::each(&mut self.masses[cells..], |cell, mass| {
            *mass = share * start[cell]
        });
        missing / newton.mass
    }

    /// Reweights the masses until the second marginal is that of the start.
    fn repair(&mut self, newton: &mut Newton<D>, corrections: usize) -> usize {
        let Newton {
            centres,
            current,
            multigrid,
            padded,
            moments: wanted,
            rhs,
            direction,
            mass,
            ..
        } = newton;
        let Self {
            lattice,
            masses,
            order,
            spline,
            sums,
            left,
            ..
        } = self;
        let cells = centres.len();
        let place = |number: usize| -> Point {
            if number < cells {
                current.feet[number].place
            } else {
                centres.place(number - cells)
            }
        };
        for _ in 0..SWEEPS {
            moments(lattice, order, place, |number| masses[number], padded, sums);
            passes::each(direction, |node, factor| {
                *factor = wanted[node] / sums[node].max(f64::MIN_POSITIVE);
            });
            spline.set(direction);
            passes::each(masses, |number, mass| *mass *= spline.value(&place(number)));
        }
        let mut iterations = 0;
        for correction in 0..=corrections {
            moments(lattice, order, place, |number| masses[number], padded, sums);
            passes::each(rhs, |node, rhs| *rhs = wanted[node] - sums[node]);
            *left = passes::sum(rhs.len(), |node| rhs[node].abs()) / *mass;
            if *left <= LEFT || left.is_nan() || correction == corrections {
                break;
            }
            let matrix = multigrid.matrix();
            matrix.assemble(order, place, |number| Weights {
                mass: masses[number],
                flux: [0.0; 6],
            });
            let largest = matrix.diagonal.iter().copied().fold(0.0, f64::max);
            matrix.lift_diagonal(LIFTS[0], LIFTS[1] * largest);
            multigrid.prepare();
            iterations += multigrid.solve(rhs, LINEAR_ERROR, LINEAR_ITERATIONS, direction);
            spline.set(direction);
            passes::each(masses, |number, mass| {
                let factor = 1.0 + spline.value(&place(number));
                *mass *= factor.clamp(FACTORS[0], FACTORS[1]);
            });
        }
        iterations
    }

    /// Σ mass |x − y|².
    pub fn cost(&self, newton: &Newton<D>) -> f64 {
        let feet = &newton.current.feet;
        passes::sum(feet.len(), |cell| {
            let square = squared_distance(&newton.centres.place(cell), &feet[cell].place);
            self.masses[cell] * square
        })
    }

    /// ℓ of the plan in a cell.
    fn log_ratio(&self, newton: &Newton<D>, cell: usize) -> f64 {
        let mass = self.masses[cell] + self.masses[self.ratio.len() + cell];
        Real::ln(mass / newton.target[cell])
    }

    /// J + W2²/(2τ) of the plan less the dual value: each term is at least zero (eq. 34), and what is left of the marginal counts with the
    /// range of φ.
    pub fn gap(&self, newton: &Newton<D>) -> f64 {
        let cells = self.ratio.len();
        let current = &newton.current;
        let terms = passes::sum(cells, |cell| {
            let (ratio, log_ratio) = (self.ratio[cell], self.log_ratio(newton, cell));
            let s = self.transform[cell] + self.shift;
            let reached = Real::exp(log_ratio);
            let bent = if reached == 0.0 && ratio == 0.0 {
                0.0
            } else if reached < VANISHING * ratio {
                // f' may be −∞ there and f is not: f(r') − f(r) − f'(r)(r' − r) itself.
                let start = Real::ln(ratio);
                let change = D::integrand(log_ratio) - D::integrand(start);
                (change + (ratio - reached) * D::first_variation(start)).max(0.0)
            } else if ratio > 0.0 {
                let change = D::first_variation_change(Real::ln(ratio), log_ratio);
                (reached - ratio) * change
            } else {
                reached * (D::first_variation(log_ratio) - s)
            };
            let unmoved = self.transform[cell] - current.spline.value(&newton.centres.place(cell));
            newton.target[cell] * bent
                + self.masses[cell] * self.excess[cell]
                + self.masses[cells + cell] * unmoved.max(0.0)
        });
        let range = current
            .coefficients
            .iter()
            .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| {
                [low.min(*value), high.max(*value)]
            });
        terms + self.left * newton.mass * (range[1] - range[0])
    }

    /// ℓ of the plan, with the mass of the start.
    pub fn write(&self, newton: &Newton<D>, log_ratio: &mut [f64]) {
        let sum = passes::sum(self.masses.len(), |number| self.masses[number]);
        let correction = Real::ln(newton.mass / sum);
        passes::each(log_ratio, |cell, value| {
            *value = self.log_ratio(newton, cell) + correction;
        });
    }
}
