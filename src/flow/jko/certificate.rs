//! What is known of a step when it is done: the mass that it moved, and how far it can be from the minimum at most.

use super::distribution::Distribution;
use super::faces::{Faces, TILE};
use super::line::{Iterate, LineStep};
use super::parts::{in_parts, largest, sum};
use crate::backend::cpu::{Kernel, vectorised};
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
            let missing = sum(&iterate.residual);
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

    /// Whether no mass is missing but rounding, and that can be restored.
    pub fn is_balanced(&self) -> bool {
        sum(&self.current.residual).abs() <= SOLVED * self.total
    }

    /// The faces that mass can pass.
    fn faces(&self) -> usize {
        if self.periodic {
            self.cells()
        } else {
            self.cells() - 1
        }
    }

    /// What is known of `current`, O(n).
    ///
    /// With p = f'(r) the terms of the cells in the gap vanish, and that of a face is (h/τ) ∫ (y − z) dF(z) between the place y where
    /// its force puts the origin and the place where the mass that did pass puts it: at most |mass between| · |distance| · h/τ. The
    /// masses are sums of residuals, so that the gap keeps its digits however small it is.
    pub fn certify(&mut self, tau: f64) -> Certificate {
        let faces = self.faces();
        let square = self.spacing * self.spacing;
        let scale = tau / square;
        let Iterate {
            force, residual, ..
        } = &self.current;
        if scale * largest(&force[..faces]) >= 1.0 {
            self.origin.sum_up();
        }
        let mut sum = 0.0;
        for (passed, residual) in self.rhs.iter_mut().zip(residual) {
            sum += residual;
            *passed = sum;
        }
        let origin = &self.origin;
        let sums = in_parts(
            [&mut self.rhs[..faces]],
            &|first, [passed]| {
                let force = &force[first..first + passed.len()];
                vectorised(Defects {
                    origin,
                    scale,
                    first,
                    force,
                    passed,
                })
            },
            &|a, b| [a[0] + b[0], a[1] + b[1], a[2] + b[2]],
        );
        Certificate {
            gap: sums[0] * square / tau,
            unsure: 2.0 * sums[1] * square,
            cost: 2.0 * sums[2] * square,
        }
    }

    /// Whether, with its mass restored, the gap is far below W2²/(2τ), and the masses are so near to those of the map that W2² is theirs;
    /// or, if no more can be had, whether the gap is small enough.
    pub fn is_solved(&mut self, tau: f64, enough: bool) -> bool {
        if !self.is_balanced() {
            return false;
        }
        self.restore_mass(tau);
        let known = self.certify(tau);
        let Certificate { gap, cost, unsure } = known;
        if 2.0 * gap * tau <= SOLVED * cost && unsure <= SOLVED * cost {
            self.certificate = Some(known);
            return true;
        }
        // The doubt of W2² is made one of the minimum.
        let gap = gap + unsure / (2.0 * tau);
        let allowed = self.aim * cost / (2.0 * tau) + f64::EPSILON * self.divergence_before();
        let enough = enough && gap <= allowed;
        self.certificate = enough.then_some(Certificate { gap, ..known });
        enough
    }

    /// J before the step.
    fn divergence_before(&self) -> f64 {
        let cells = self
            .initial
            .iter()
            .zip(&self.target)
            .zip(&self.origin.masses);
        let terms = cells.map(|((ln, target), mass)| {
            if *ln > 0.0 {
                mass * D::integrand_per_mass(*ln)
            } else {
                target * D::integrand(*ln)
            }
        });
        terms.sum()
    }
}

/// What is known of an iterate.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Certificate {
    /// A bound from above on the duality gap (docs/mathematics.md, eq. 22).
    pub gap: f64,
    /// W2² = 2h Σ_faces ∫ |x − z| dF(z) over what passed the face (eq. 18), and how far that of the masses may be from it.
    pub cost: f64,
    pub unsure: f64,
}

/// The faces to the right of the cells from `first` on, with the mass that passed each beyond what its force carries.
struct Defects<'a> {
    origin: &'a Distribution,
    /// τ/h².
    scale: f64,
    first: usize,
    force: &'a [f64],
    passed: &'a [f64],
}

impl Kernel for Defects<'_> {
    /// Sums of mass · distance between the two places of the origin, of mass · (distance + way), and of the cost, in cells.
    type Output = [f64; 3];

    #[inline(always)]
    fn call(self) -> [f64; 3] {
        let mut faces = Faces::new();
        let (mut levers, mut reaches) = ([0.0; TILE], [0.0; TILE]);
        let mut sums = [0.0; 3];
        let tiles = self.force.chunks(TILE).zip(self.passed.chunks(TILE));
        for (tile, (force, passed)) in tiles.enumerate() {
            let (first, many) = (self.first + tile * TILE, force.len());
            faces.locate(self.origin, first as isize, self.scale, force);
            faces.levers(self.origin, first, &mut levers[..many]);
            faces.reaches(self.origin, passed, &mut reaches[..many]);
            for k in 0..many {
                let (mass, moved) = (passed[k].abs(), self.scale * force[k].abs());
                // The force may point beyond the box.
                let beyond = if faces.inside[k] { 0.0 } else { moved };
                let distance = reaches[k] + beyond;
                sums[0] += mass * distance;
                sums[1] += mass * (distance + moved);
                sums[2] += levers[k];
            }
        }
        sums
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
        let (least, solved) = (objective(&mut step), step.certify(TAU).gap);
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
            let (above, gap) = (objective(&mut step) - least, step.certify(TAU).gap);
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
