//! Newton's method for a step on the line.

use super::cells::{Change, Tangent};
use super::line::{LineStep, Until, lowest};
use super::parts::{dot, in_parts, largest};
use crate::backend::cpu::{Kernel, elementwise, vectorised};
use crate::calculus::Real;
use crate::divergence::Divergence;

/// Iterations from one guess after which another is tried.
const MAX_ITERATIONS: usize = 40;
const MAX_COARSE_ITERATIONS: usize = 15;
/// Iterations after which it is looked whether what still changes has any weight.
const PATIENCE: usize = 12;
/// What may be left to change in any cell, relative to r there and over the first change, when an iteration ends: rounding.
const REST: f64 = 1e-12;
/// What the next change is at least, over the square of this one; and the largest change from which it may be told.
const CURVATURE: f64 = 10.0;
const SQUARED: f64 = 1e-3;
/// Relative change of which no part can be too long a step.
const HARMLESS: f64 = 1e-7;
/// Relative change that is rounding itself.
const STAGNANT: f64 = 1e-13;
/// Relative change up to which a coarser grid may serve a finer one, or a longer step a shorter one, as its first guess.
const NEAR: f64 = 1e-2;
/// Relative changes up to this are the same, to second order, in every variable.
const SMALL: f64 = 0.1;
/// The share of a step below which hardly anything was gained, and so many of them in turn after which another guess is better.
const HOPELESS: f64 = 1e-3;
const HOPELESS_STEPS: usize = 3;
/// The slope along a step, relative to that at its start, up to which it may have been too long.
const OVERSHOOT: f64 = 0.5;
/// What is left of a step that was too long, and the shortest that is tried.
const SHORTENED: f64 = 0.3;
const SHORTEST: f64 = 1e-12;
/// Keeps the rows of the linear systems within the range of the format.
const SMALLEST_CAPACITY: f64 = 1e-280;
const SMALLEST_SHARE: f64 = 1e-200;
/// Right-hand sides up to this size, and down to its inverse, are safe as they are.
const SAFE: f64 = 1e60;

impl<D: Divergence> LineStep<D> {
    /// Newton's iteration from `current.log_ratio`: how many were made, and whether it settled, `everywhere` or in all that has weight.
    pub fn iterate(&mut self, tau: f64, until: Until) -> (usize, bool) {
        self.certificate = None;
        self.evaluate(tau, false);
        if self
            .current
            .residual
            .iter()
            .all(|residual| *residual == 0.0)
        {
            return (0, true);
        }
        // Near equilibrium it is small changes that count.
        let mut scale = largest(&self.current.growth).min(1.0);
        let mut before = f64::INFINITY;
        let most = match until {
            Until::Near => MAX_COARSE_ITERATIONS,
            _ => MAX_ITERATIONS,
        };
        let mut hopeless = 0;
        for iteration in 1..=most {
            self.newton();
            let (change, length) = self.search(tau);
            std::mem::swap(&mut self.current, &mut self.trial);
            if iteration == 1 {
                scale = scale.max(change).min(1.0);
            }
            let curvature = CURVATURE.max(change / (before * before));
            let rest = curvature * change * change;
            before = change;
            hopeless = if length < HOPELESS { hopeless + 1 } else { 0 };
            let given_up = hopeless == HOPELESS_STEPS && until != Until::Exhausted;
            let last = iteration == most || given_up;
            let settled = match until {
                Until::Near => change <= NEAR,
                Until::Solved | Until::Exhausted => {
                    let still = change <= SQUARED && rest <= REST * scale;
                    let stagnant = change <= STAGNANT;
                    let look = still || stagnant || last || iteration >= PATIENCE;
                    look && self.is_solved(tau, stagnant || last)
                }
            };
            if settled {
                return (iteration, true);
            }
            if given_up {
                return (iteration, false);
            }
        }
        (most, false)
    }

    /// Newton's step for p into `direction`: capacity_i δp_i + Σ_faces stiffness (δp_i − δp_j) = residual_i, capacity = π r h/ψ'.
    fn newton(&mut self) {
        let iterate = &self.current;
        let last = iterate.stiffness.len() - 1;
        let rows = |first: usize, [lower, upper, rhs]: [&mut [f64]; 3]| {
            let cells = first..first + lower.len();
            vectorised(Rows {
                stiffness_before: iterate.stiffness[if first == 0 { last } else { first - 1 }],
                stiffness: &iterate.stiffness[cells.clone()],
                mass: &iterate.mass[cells.clone()],
                slope: &iterate.slope[cells.clone()],
                residual: &iterate.residual[cells],
                lower,
                upper,
                rhs,
            })
        };
        let arrays = [&mut self.lower, &mut self.upper, &mut self.rhs];
        let largest = in_parts(arrays.map(Vec::as_mut_slice), &rows, &f64::max);
        // Products in the elimination may be as large as the couplings times the right-hand side.
        let unit = largest.clamp(f64::MIN_POSITIVE, f64::MAX);
        let safe = (1.0 / SAFE..SAFE).contains(&unit);
        if !safe {
            for rhs in &mut self.rhs {
                *rhs /= unit;
            }
        }
        self.elimination
            .solve(&self.lower, &self.upper, &self.rhs, &mut self.direction);
        if !safe {
            for direction in &mut self.direction {
                *direction *= unit;
            }
        }
    }

    /// Goes along the direction into `trial` until the dual no longer clearly rises there; returns the largest relative change of r that
    /// the whole step had, and the share of it that was gone.
    ///
    /// By convexity the dual falls by at least Σ residual · δp, taken at the end of the step.
    fn search(&mut self, tau: f64) -> (f64, f64) {
        let n = self.cells();
        let (mut length, mut whole) = (1.0, None);
        loop {
            let largest = self.go(length);
            let whole = *whole.get_or_insert(largest);
            self.evaluate(tau, true);
            if whole <= HARMLESS || length < SHORTEST {
                return (whole, length);
            }
            if whole > SMALL {
                elementwise::<Change<D>, 2, 1>(
                    [&self.current.log_ratio[..n], &self.trial.log_ratio[..n]],
                    [&mut self.increment],
                );
            }
            let before = dot(&self.current.residual, &self.increment);
            let after = dot(&self.trial.residual, &self.increment);
            if after >= -OVERSHOOT * before.abs() {
                return (whole, length);
            }
            length *= SHORTENED;
        }
    }

    /// The trial ℓ at a share of the direction; returns the largest relative change of r.
    fn go(&mut self, length: f64) -> f64 {
        let n = self.cells();
        let (iterate, direction) = (&self.current, &self.direction);
        let limits = Limits {
            log_mass: &self.log_mass,
            total: self.total,
        };
        let part = |first: usize, [increment, log_ratio, relative]: [&mut [f64]; 3]| {
            let cells = first..first + increment.len();
            for (increment, direction) in increment.iter_mut().zip(&direction[cells.clone()]) {
                *increment = length * direction;
            }
            let ln = &iterate.log_ratio[cells.clone()];
            elementwise::<Tangent, 3, 2>(
                [ln, &iterate.slope[cells], increment],
                [relative, log_ratio],
            );
            let slight = relative
                .iter()
                .fold(true, |all, r| all & (r.abs() <= SMALL));
            if slight {
                return largest(relative);
            }
            let mut most = 0.0_f64;
            for (k, ln) in ln.iter().enumerate() {
                let change = relative[k];
                if change.abs() <= SMALL {
                    most = most.max(change.abs());
                    continue;
                }
                if change.is_nan() {
                    return f64::INFINITY;
                }
                let cell = first + k;
                let given = iterate.residual[cell] + iterate.mass[cell];
                let tangent = log_ratio[k];
                log_ratio[k] = limits.updated::<D>(cell, *ln, increment[k], tangent, given);
                most = most.max((log_ratio[k] - ln).abs());
            }
            most
        };
        let arrays = [
            &mut self.increment[..],
            &mut self.trial.log_ratio[..n],
            &mut self.relative[..],
        ];
        let largest = in_parts(arrays, &part, &f64::max);
        self.trial.log_ratio[n] = self.trial.log_ratio[if self.periodic { 0 } else { n - 1 }];
        largest
    }
}

/// Between what ℓ of a cell must lie.
struct Limits<'a> {
    log_mass: &'a [f64],
    total: f64,
}

impl Limits<'_> {
    /// ℓ of a cell after a large increment of p, with what its tangent would make it, and the mass that it is given now. M = π r h is a
    /// convex function of p: its tangent is safe where p grows, p itself where it falls.
    #[cold]
    fn updated<D: Divergence>(
        &self,
        cell: usize,
        ln: f64,
        increment: f64,
        tangent: f64,
        given: f64,
    ) -> f64 {
        let log_mass = self.log_mass[cell];
        let along = D::log_ratio_of_variation(D::first_variation(ln) + increment);
        if increment < 0.0 {
            return along.max(lowest(log_mass));
        }
        // What the cell is given now may be far more than the tangent tells, where its neighbours hold it firmly; and no cell is given more
        // than there is.
        let supplied = Real::ln(given.max(f64::MIN_POSITIVE)) - log_mass;
        let everything = Real::ln(self.total) - log_mass;
        let bound = tangent.max(supplied).min(everything).max(ln);
        if along < bound { along } else { bound }
    }
}

/// Rows of the linear system, scaled to capacity 1.
struct Rows<'a> {
    stiffness_before: f64,
    stiffness: &'a [f64],
    mass: &'a [f64],
    slope: &'a [f64],
    residual: &'a [f64],
    lower: &'a mut [f64],
    upper: &'a mut [f64],
    rhs: &'a mut [f64],
}

impl Kernel for Rows<'_> {
    /// The largest right-hand side.
    type Output = f64;

    #[inline(always)]
    fn call(self) -> f64 {
        let cells = self.lower.len();
        let (stiffness, mass) = (&self.stiffness[..cells], &self.mass[..cells]);
        let (slope, residual) = (&self.slope[..cells], &self.residual[..cells]);
        let (lower, upper, rhs) = (self.lower, &mut self.upper[..cells], &mut self.rhs[..cells]);
        // The couplings to the cells before, not yet scaled.
        lower[0] = self.stiffness_before;
        lower[1..].copy_from_slice(&stiffness[..cells - 1]);
        for i in 0..cells {
            let couplings = lower[i] + stiffness[i];
            let least = SMALLEST_CAPACITY.max(SMALLEST_SHARE * couplings);
            let reciprocal = 1.0 / (mass[i] / slope[i]).max(least);
            lower[i] *= reciprocal;
            upper[i] = stiffness[i] * reciprocal;
            rhs[i] = residual[i] * reciprocal;
        }
        largest(rhs)
    }
}
