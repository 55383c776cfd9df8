//! The value of a plan above that of the dual (docs/mathematics.md, eq. 34), each term at least zero.

use super::certificate::Plan;
use super::iterate::{gathered, ratio_of, softness};
use super::newton::Newton;
use super::pack::Pack;
use super::passes::{self, Fill};
use super::strays::Ground;
use crate::backend::reduce;
use crate::calculus::Real;
use crate::divergence::Divergence;

/// Where ℓ changes by less than this, differences of f would be rounding.
const NEAR: f64 = 1e-2;
/// Halvings in the search for the shift.
const HALVINGS: usize = 200;

impl<D: Divergence> Plan<D> {
    /// The constant that, added to φ, gives the right mass: Σ π f*'(s + shift) V = mass, at the largest value of the dual over constants.
    pub fn balance(&mut self, newton: &Newton<D>) {
        let (transform, target) = (|cell| self.transform(newton, cell), &newton.target);
        let terms = |shift: f64| {
            let term = |cell: usize| {
                let ratio = ratio_of::<D, f64>(transform(cell) + shift);
                // Beyond f'(∞) r is no number: too much mass.
                if ratio.is_nan() {
                    f64::INFINITY
                } else {
                    target[cell] * ratio
                }
            };
            reduce::sum(target.len(), term)
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
            let term = |cell: usize| {
                target[cell] * softness::<D, f64>(ratio_of::<D, f64>(transform(cell) + shift))
            };
            let slope = reduce::sum(target.len(), term) / terms(shift);
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
    }

    /// What decides where other ways lead to.
    pub fn ground<'a>(&'a self, newton: &'a Newton<D>, tau: f64) -> Ground<'a> {
        Ground {
            lattice: &newton.lattice,
            centres: &newton.centres,
            points: &newton.points,
            tau,
            feet: &newton.current.feet,
            excess: &self.excess,
            target: &newton.target,
        }
    }

    /// J + W2²/(2τ) of the plan less the dual value: each term is at least zero (eq. 34), and what is left of the marginal counts with the
    /// range of φ.
    pub fn gap_of(&self, newton: &Newton<D>, tau: f64) -> f64 {
        let cells = newton.points.len();
        let current = &newton.current;
        let sum = passes::sum(cells, &Bent { plan: self, newton });
        // What ways of their own cost beyond what φ gives for their mass.
        let mut dearer = 0.0;
        let ground = self.ground(newton, tau);
        self.strays.visit(&ground, &self.masses[cells..], |way| {
            let place = newton.centres.place(way.from);
            let slack = ground.s(way.to) + way.cost - current.spline.value(&place);
            dearer += way.mass * slack.max(0.0);
        });
        let sum = sum + dearer;
        sum + self.leftover(newton)
    }

    /// What the gap is for what is left of the marginal.
    pub fn leftover(&self, newton: &Newton<D>) -> f64 {
        self.left * newton.mass * range(&newton.current.coefficients)
    }

    /// f(r') − f(r) − s (r' − r), where r' or r may be next to nothing.
    fn bent(s: f64, ratio: f64, reached: f64) -> f64 {
        if reached == 0.0 && ratio == 0.0 {
            return 0.0;
        }
        let change = D::integrand(Real::ln(reached)) - D::integrand(Real::ln(ratio));
        (change - s * (reached - ratio)).max(0.0)
    }
}

/// The first two terms of the gap in each cell.
struct Bent<'a, D> {
    plan: &'a Plan<D>,
    newton: &'a Newton<D>,
}

impl<D: Divergence> Fill<f64> for Bent<'_, D> {
    #[inline(always)]
    fn fill(&self, first: usize, out: &mut [f64]) {
        let (plan, newton, count) = (self.plan, self.newton, out.len());
        let s = gathered(count, |lane| {
            plan.transform(newton, first + lane) + plan.shift
        });
        // r by the dual.
        let ratio = ratio_of::<D, Pack>(s);
        let target = gathered(count, |lane| newton.target[first + lane]);
        let mass = gathered(count, |lane| plan.mass_in(first + lane));
        let reached = mass / target;
        let [start, end] = [ratio.ln(), reached.ln()];
        let terms = target * (reached - ratio) * D::first_variation_change(start, end);
        let apart = end - start;
        for (lane, out) in out.iter_mut().enumerate() {
            let (own, reached) = (ratio.0[lane], reached.0[lane]);
            *out = if !own.is_finite() {
                // s is beyond f'(∞): the dual value is −∞.
                f64::INFINITY
            } else if apart.0[lane].abs() <= NEAR {
                terms.0[lane]
            } else {
                target.0[lane] * Plan::<D>::bent(s.0[lane], own, reached)
            };
            *out += plan.masses[first + lane] * plan.raised(first + lane);
        }
    }
}

/// The range of the values of φ and 0, at most: what a unit of mass in the wrong place, or too much of it, can count for.
pub(super) fn range(coefficients: &[f64]) -> f64 {
    let [low, high] = coefficients
        .iter()
        .fold([0.0_f64, 0.0_f64], |[low, high], value| {
            [low.min(*value), high.max(*value)]
        });
    high - low
}
