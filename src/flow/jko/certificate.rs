//! What is known of a step when it is done: the mass that it moved, and how far it can be from the minimum at most.

use super::line::LineStep;
use crate::calculus::Real;
use crate::divergence::Divergence;

/// How often mass is restored at most, and the change of r in the heaviest cell up to which its neighbours do not notice.
const RESTORATIONS: usize = 4;
const UNNOTICED: f64 = 1e-12;
/// Gap, and doubt of W2², relative to W2², of an iterate at which nothing that has weight can change.
const SOLVED: f64 = 1e-11;

impl<D: Divergence> LineStep<D> {
    /// Gives the mass that is missing, of the size of rounding in a solved step, to the cell that holds most.
    pub fn restore_mass(&mut self, tau: f64) {
        for _ in 0..RESTORATIONS {
            let iterate = &mut self.current;
            let missing: f64 = iterate.residual.iter().sum();
            let heaviest = (0..iterate.mass.len())
                .max_by(|i, j| iterate.mass[*i].total_cmp(&iterate.mass[*j]))
                .unwrap_or_default();
            let change = Real::ln_1p(missing / iterate.mass[heaviest]);
            iterate.log_ratio[heaviest] += change;
            if change.abs() <= UNNOTICED {
                iterate.residual[heaviest] -= missing;
                return;
            }
            self.repeat_first();
            self.evaluate(tau, false);
        }
    }

    /// The faces that mass can pass.
    fn faces(&self) -> usize {
        if self.periodic {
            self.cells()
        } else {
            self.cells() - 1
        }
    }

    /// A bound from above on the duality gap of `current` (docs/mathematics.md, eq. 22), O(n).
    ///
    /// With p = f'(r) the terms of the cells vanish, and that of a face is (h/τ) ∫ (y − z) dF(z) between the place y where its force
    /// puts the origin and the place where the mass that did pass puts it: at most |mass between| · |distance| · h/τ. The masses
    /// are sums of residuals, so that the gap keeps its digits however small it is.
    pub fn gap(&self, tau: f64) -> f64 {
        let terms = self.defects(tau).map(|[mass, distance, _]| mass * distance);
        terms.sum::<f64>() * self.spacing * self.spacing / tau
    }

    /// Whether the gap is far below W2²/(2τ), and the masses are so near to those of the map that W2² is theirs.
    pub fn is_solved(&mut self, tau: f64) -> bool {
        let square = self.spacing * self.spacing;
        let (mut gap, mut unsure) = (0.0, 0.0);
        for [mass, distance, moved] in self.defects(tau) {
            gap += mass * distance * square;
            unsure += 2.0 * mass * (distance + moved) * square;
        }
        let missing: f64 = self.current.residual.iter().sum();
        if missing.abs() > SOLVED * self.total {
            return false;
        }
        let cost = self.transport_cost();
        2.0 * gap <= SOLVED * cost && unsure <= SOLVED * cost
    }

    /// Of each face: the mass that passed beyond what its force carries, a bound on the distance between the two places of its origin,
    /// and its own distance from the place by the force, in cells.
    fn defects(&self, tau: f64) -> impl Iterator<Item = [f64; 3]> {
        let scale = tau / (self.spacing * self.spacing);
        let iterate = &self.current;
        let mut passed = 0.0_f64;
        (0..self.faces()).map(move |i| {
            passed += iterate.residual[i];
            let moved = scale * iterate.force[i].abs();
            let mut distance = self.origin.reach(iterate.places[i], passed);
            if iterate.stiffness[i] == 0.0 {
                // The force points beyond the box.
                distance += moved;
            }
            [passed.abs(), distance, moved]
        })
    }

    /// W2² = 2h Σ_faces ∫ |x − z| dF(z) over what passed the face (eq. 18).
    pub fn transport_cost(&mut self) -> f64 {
        let faces = self.faces();
        let far = |(i, place): (usize, &super::spline::Place)| {
            let beside = i as isize;
            place.cell != beside && place.cell != beside + 1
        };
        if self.current.places[..faces].iter().enumerate().any(far) {
            self.origin.sum_up();
        }
        let places = self.current.places[..faces].iter().enumerate();
        let levers = places.map(|(i, place)| self.origin.lever(*place, i));
        2.0 * self.spacing * self.spacing * levers.sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::divergence::{ChiSquared, Hellinger, JensenShannon, Kl, ReverseKl};
    use crate::grid::{Axis, Boundary};

    const TAU: f64 = 0.05;

    /// J + W2²/(2τ) of the current ℓ, with the map of its masses found from the distribution functions alone.
    fn objective<D: Divergence>(step: &mut LineStep<D>) -> f64 {
        step.origin.sum_up();
        let cells = step.cells();
        let (mut sum, mut levers, mut divergence) = (0.0, 0.0, 0.0);
        for i in 0..cells {
            let log_ratio = step.current.log_ratio[i];
            let mass = step.current.mass[i];
            divergence += mass * Real::exp(-log_ratio) * D::integrand(log_ratio);
            sum += mass;
            if i + 1 < cells {
                let (place, _) = step.origin.place(i, step.origin.displacement(i, sum));
                levers += step.origin.lever(place, i);
            }
        }
        divergence + levers * step.spacing * step.spacing / TAU
    }

    fn gap_bounds_the_distance_from_the_minimum<D: Divergence>() {
        let axis = Axis {
            lower: 0.0,
            upper: 1.0,
            cells: 60,
            boundary: Boundary::NoFlux,
        };
        let wave = |i: usize, phase: f64| (axis.center(i) * 5.0 + phase).sin();
        let log_target: Vec<f64> = (0..60).map(|i| 0.8 * wave(i, 0.3)).collect();
        let initial: Vec<f64> = (0..60).map(|i| 1.2 * wave(i, 2.0)).collect();
        let mut step = LineStep::<D>::new(&axis, log_target.into_iter());
        step.solve(TAU, &initial, None);
        step.evaluate(TAU, false);
        let (least, solved) = (objective(&mut step), step.gap(TAU));
        assert!((0.0..1e-20).contains(&solved), "{}: {solved:e}", D::NAME);
        let solution = step.current.log_ratio.clone();
        let mut gaps = Vec::new();
        for size in [1e-1, 1e-2, 1e-3] {
            for (i, ln) in step.current.log_ratio.iter_mut().enumerate() {
                *ln = solution[i] + size * wave(3 * i, 1.0);
            }
            step.evaluate(TAU, false);
            step.restore_mass(TAU);
            step.evaluate(TAU, false);
            let (above, gap) = (objective(&mut step) - least, step.gap(TAU));
            println!(
                "{} {size:e}: {above:e} above the minimum, gap {gap:e}",
                D::NAME
            );
            assert!(
                above >= 0.0 && above <= gap,
                "{} {size:e}: {above:e} above the minimum, gap {gap:e}",
                D::NAME
            );
            gaps.push(gap);
        }
        // It falls faster than the deviation: it does not stay far above what it bounds.
        let ratio = gaps[1] / gaps[2];
        assert!(ratio > 20.0, "{}: {gaps:?}", D::NAME);
    }

    #[test]
    fn the_gap_is_a_bound_on_the_distance_from_the_minimum() {
        gap_bounds_the_distance_from_the_minimum::<JensenShannon>();
        gap_bounds_the_distance_from_the_minimum::<Kl>();
        gap_bounds_the_distance_from_the_minimum::<ReverseKl>();
        gap_bounds_the_distance_from_the_minimum::<ChiSquared>();
        gap_bounds_the_distance_from_the_minimum::<Hellinger>();
    }
}
