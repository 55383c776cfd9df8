//! One step on a line or a ring, solved to rounding by Newton's method on its dual.

use std::marker::PhantomData;

use super::cells::{CellTerms, Change, ExpSum, Tangent};
use super::distribution::Distribution;
use super::spline::Place;
use crate::backend::cpu::elementwise;
use crate::calculus::Real;
use crate::divergence::Divergence;
use crate::elliptic::Tridiagonal;
use crate::flow::face_density::FaceDensity;
use crate::grid::{Axis, Boundary};

/// Iterations from one guess after which another is tried.
const MAX_ITERATIONS: usize = 40;
/// Iterations after which it is looked whether what still changes has any weight.
const PATIENCE: usize = 12;
/// Iterations after which a step is given up.
pub(super) const GIVEN_UP: usize = 2000;
/// Relative change of r in any cell, over the first one, below which the next iteration, of the size of its square, would change rounding
/// only.
const SETTLED: f64 = 1e-7;
/// Relative change that is rounding itself.
const STAGNANT: f64 = 1e-13;
/// Relative changes up to this are the same, to second order, in every variable.
const SMALL: f64 = 0.1;
/// The slope along a step, relative to that at its start, up to which it may have been too long.
const OVERSHOOT: f64 = 0.5;
/// What is left of a step that was too long, and the shortest that is tried.
const SHORTENED: f64 = 0.3;
const SHORTEST: f64 = 1e-12;
/// ln r that cells without mass are lifted to: all of them together hold less than a rounding of the mass.
const LIFTED_LOG_RATIO: f64 = -40.0;
/// Lowest ln r, and lowest ln(mass) of a cell.
const LOWEST: f64 = -690.0;
/// Keeps the rows of the linear systems within the range of the format.
const SMALLEST_CAPACITY: f64 = 1e-280;
const SMALLEST_SHARE: f64 = 1e-200;

/// The solver of a step.
///
/// The unknowns are the cells' ℓ. Their first variations p_i = f'(r_i) are a point of the dual problem: the face between i and i + 1
/// comes from y = x + τ(p_{i+1} − p_i)/h of the density before, and cell i is given what lay between the origins of its two faces. The
/// residual is that mass less π_i r_i h (docs/mathematics.md, eq. 20).
pub(super) struct LineStep<D> {
    pub spacing: f64,
    pub periodic: bool,
    /// ln(π h), with the cell beside the last one repeated behind it, and π h.
    pub log_mass: Vec<f64>,
    pub target: Vec<f64>,
    /// The density before the step, its mass, and its ℓ.
    pub origin: Distribution,
    pub total: f64,
    initial: Vec<f64>,
    pub current: Iterate,
    trial: Iterate,
    /// δp of Newton's step, and the relative change of r.
    pub direction: Vec<f64>,
    pub increment: Vec<f64>,
    relative: Vec<f64>,
    lower: Vec<f64>,
    upper: Vec<f64>,
    rhs: Vec<f64>,
    elimination: Tridiagonal,
    divergence: PhantomData<D>,
}

/// An iterate and what follows from it.
pub(super) struct Iterate {
    /// ℓ of each cell, and behind it that of the cell beside the last.
    pub log_ratio: Vec<f64>,
    /// f' of the next cell less that of this one.
    pub force: Vec<f64>,
    /// Where the face to the right of each cell comes from.
    pub places: Vec<Place>,
    /// dm/dp of each face: what more of a force would carry.
    pub stiffness: Vec<f64>,
    /// π r h of each cell.
    pub mass: Vec<f64>,
    /// What the cell is given less what it holds.
    pub residual: Vec<f64>,
    /// d(π r h)/dp of each cell, and ψ'.
    capacity: Vec<f64>,
    slope: Vec<f64>,
    growth: Vec<f64>,
}

impl Iterate {
    fn new(cells: usize) -> Self {
        let zeros = || vec![0.0; cells];
        Self {
            log_ratio: vec![0.0; cells + 1],
            force: zeros(),
            places: vec![Place::default(); cells],
            stiffness: zeros(),
            mass: zeros(),
            residual: zeros(),
            capacity: zeros(),
            slope: zeros(),
            growth: zeros(),
        }
    }
}

impl<D: Divergence> LineStep<D> {
    pub fn new(axis: &Axis, log_target: impl Iterator<Item = f64>) -> Self {
        let cells = axis.cells;
        let log_spacing = Real::ln(axis.spacing());
        let periodic = axis.boundary == Boundary::Periodic;
        let mut log_mass: Vec<f64> = log_target.map(|ln| ln + log_spacing).collect();
        log_mass.push(log_mass[if periodic { 0 } else { cells - 1 }]);
        let target = log_mass.iter().map(|ln| Real::exp(*ln)).collect();
        let zeros = || vec![0.0; cells];
        Self {
            spacing: axis.spacing(),
            periodic,
            log_mass,
            target,
            origin: Distribution::new(axis),
            total: 1.0,
            initial: vec![0.0; cells + 1],
            current: Iterate::new(cells),
            trial: Iterate::new(cells),
            direction: zeros(),
            increment: zeros(),
            relative: zeros(),
            lower: zeros(),
            upper: zeros(),
            rhs: zeros(),
            elimination: Tridiagonal::new(cells, axis.boundary),
            divergence: PhantomData,
        }
    }

    /// Number of cells.
    pub fn cells(&self) -> usize {
        self.target.len() - 1
    }

    /// Solves the step by τ from ℓ `initial`, with another ℓ as the first guess if that is nearer; the solution is left in `current`.
    /// Returns the iterations made, and whether they settled.
    pub fn solve(&mut self, tau: f64, initial: &[f64], guess: Option<&[f64]>) -> (usize, bool) {
        self.start_from(initial);
        self.current.log_ratio.copy_from_slice(&self.initial);
        if let Some(guess) = guess {
            let cells = self.cells();
            self.current.log_ratio[..cells].copy_from_slice(guess);
            self.repeat_first();
        }
        let (mut iterations, mut settled) = self.iterate(tau, false);
        if !settled {
            (iterations, settled) = self.continue_from_equilibrium(tau, iterations);
        }
        if !settled {
            // The last chance: the iteration from the start, as long as it takes.
            self.current.log_ratio.copy_from_slice(&self.initial);
            while !settled && iterations < GIVEN_UP {
                let (more, done) = self.iterate(tau, false);
                (iterations, settled) = (iterations + more, done);
            }
        }
        self.restore_mass(tau);
        (iterations, settled)
    }

    /// Takes on the density before the step.
    pub fn start_from(&mut self, initial: &[f64]) {
        let n = self.cells();
        for (own, (given, log_mass)) in self
            .initial
            .iter_mut()
            .zip(initial.iter().zip(&self.log_mass))
        {
            let filled = if *given == f64::NEG_INFINITY {
                LIFTED_LOG_RATIO
            } else {
                *given
            };
            *own = filled.max(lowest(*log_mass));
        }
        self.initial[n] = self.initial[if self.periodic { 0 } else { n - 1 }];
        let (masses, faces) = (&mut self.rhs, &mut self.lower);
        elementwise::<ExpSum, 2, 1>([&self.initial[..n], &self.log_mass[..n]], [masses]);
        elementwise::<FaceDensity<D>, 4, 1>(
            [
                &self.initial[..n],
                &self.initial[1..],
                &self.log_mass[..n],
                &self.log_mass[1..],
            ],
            [faces],
        );
        self.total = masses.iter().sum();
        self.origin.set(masses, faces);
    }

    /// Newton's iteration from `current.log_ratio`: how many were made, and whether it settled, `everywhere` or in all that has weight.
    pub fn iterate(&mut self, tau: f64, everywhere: bool) -> (usize, bool) {
        self.evaluate(tau, false);
        if self
            .current
            .residual
            .iter()
            .all(|residual| *residual == 0.0)
        {
            return (0, true);
        }
        let mut scale = 1.0;
        for iteration in 1..=MAX_ITERATIONS {
            self.newton();
            let change = self.search(tau);
            std::mem::swap(&mut self.current, &mut self.trial);
            if iteration == 1 {
                // Near equilibrium it is small changes that count.
                scale = change.min(1.0);
            }
            let settled = if everywhere {
                change <= SETTLED
            } else {
                let still = change <= SETTLED * scale || iteration >= PATIENCE;
                change <= STAGNANT || still && self.is_solved(tau)
            };
            if settled {
                return (iteration, true);
            }
        }
        (MAX_ITERATIONS, false)
    }

    pub fn repeat_first(&mut self) {
        let n = self.cells();
        let beside = if self.periodic { 0 } else { n - 1 };
        self.current.log_ratio[n] = self.current.log_ratio[beside];
    }

    /// Residual and derivatives at ℓ of the current or the trial iterate.
    pub fn evaluate(&mut self, tau: f64, of_trial: bool) {
        let n = self.cells();
        let scale = tau / (self.spacing * self.spacing);
        let iterate = if of_trial {
            &mut self.trial
        } else {
            &mut self.current
        };
        let ln = &iterate.log_ratio;
        elementwise::<CellTerms<D>, 4, 5>(
            [&ln[..n], &ln[1..], &self.target[..n], &self.initial[..n]],
            [
                &mut iterate.force,
                &mut iterate.mass,
                &mut iterate.capacity,
                &mut iterate.slope,
                &mut iterate.growth,
            ],
        );
        let mut left = if self.periodic {
            let (mut seam, _) = self.origin.place(n - 1, scale * iterate.force[n - 1]);
            seam.cell -= n as isize;
            seam
        } else {
            self.origin.first()
        };
        for i in 0..n {
            let (place, inside) = if i + 1 < n || self.periodic {
                self.origin.place(i, scale * iterate.force[i])
            } else {
                (self.origin.last(), false)
            };
            iterate.places[i] = place;
            iterate.stiffness[i] = if inside {
                scale * self.origin.density(place)
            } else {
                0.0
            };
            iterate.residual[i] =
                self.origin
                    .residual(i, [left, place], iterate.growth[i], iterate.mass[i]);
            left = place;
        }
    }

    /// Newton's step for p into `direction`: capacity_i δp_i + Σ_faces stiffness (δp_i − δp_j) = residual_i.
    fn newton(&mut self) {
        let n = self.cells();
        let iterate = &self.current;
        for i in 0..n {
            let before = if i == 0 { n - 1 } else { i - 1 };
            let couplings = iterate.stiffness[before] + iterate.stiffness[i];
            let least = SMALLEST_CAPACITY.max(SMALLEST_SHARE * couplings);
            let reciprocal = 1.0 / iterate.capacity[i].max(least);
            self.lower[i] = iterate.stiffness[before] * reciprocal;
            self.upper[i] = iterate.stiffness[i] * reciprocal;
            self.rhs[i] = iterate.residual[i] * reciprocal;
        }
        // Scaled to 1, for the products in the elimination may be as large as the couplings times it.
        let largest = self.rhs.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
        let unit = largest.clamp(f64::MIN_POSITIVE, f64::MAX);
        for rhs in &mut self.rhs {
            *rhs /= unit;
        }
        self.elimination
            .solve(&self.lower, &self.upper, &self.rhs, &mut self.direction);
        for direction in &mut self.direction {
            *direction *= unit;
        }
    }

    /// Goes along the direction into `trial` until the dual no longer clearly rises there; returns the largest relative change of r that
    /// the whole step had.
    ///
    /// By convexity the dual falls by at least Σ residual · δp, taken at the end of the step.
    fn search(&mut self, tau: f64) -> f64 {
        let n = self.cells();
        let (mut length, mut whole) = (1.0, None);
        loop {
            let largest = self.go(length);
            let whole = *whole.get_or_insert(largest);
            self.evaluate(tau, true);
            if whole <= SETTLED || length < SHORTEST {
                return whole;
            }
            elementwise::<Change<D>, 2, 1>(
                [&self.current.log_ratio[..n], &self.trial.log_ratio[..n]],
                [&mut self.increment],
            );
            let slope = |residual: &[f64]| {
                let terms = residual.iter().zip(&self.increment);
                terms
                    .map(|(residual, change)| residual * change)
                    .sum::<f64>()
            };
            let (before, after) = (slope(&self.current.residual), slope(&self.trial.residual));
            if after >= -OVERSHOOT * before.abs() {
                return whole;
            }
            length *= SHORTENED;
        }
    }

    /// The trial ℓ at a share of the direction; returns the largest relative change of r.
    fn go(&mut self, length: f64) -> f64 {
        let n = self.cells();
        for (increment, direction) in self.increment.iter_mut().zip(&self.direction) {
            *increment = length * direction;
        }
        let ln = &self.current.log_ratio[..n];
        elementwise::<Tangent, 3, 2>(
            [ln, &self.current.slope, &self.increment],
            [&mut self.relative, &mut self.trial.log_ratio[..n]],
        );
        let mut largest = 0.0_f64;
        for (i, ln) in ln.iter().enumerate() {
            let relative = self.relative[i];
            if relative.abs() <= SMALL {
                largest = largest.max(relative.abs());
                continue;
            }
            if relative.is_nan() {
                return f64::INFINITY;
            }
            let updated = self.updated(i, relative, self.trial.log_ratio[i]);
            self.trial.log_ratio[i] = updated;
            largest = largest.max((updated - ln).abs());
        }
        self.trial.log_ratio[n] = self.trial.log_ratio[if self.periodic { 0 } else { n - 1 }];
        largest
    }

    /// ℓ_i after a large increment of p_i. M = π r h is a convex function of p: its tangent is safe where p grows, p itself where it
    /// falls.
    #[cold]
    fn updated(&self, i: usize, relative: f64, tangent: f64) -> f64 {
        let ln = self.current.log_ratio[i];
        let lowest = lowest(self.log_mass[i]);
        let along = D::log_ratio_of_variation(D::first_variation(ln) + self.increment[i]);
        if relative < 0.0 {
            return along.max(lowest);
        }
        // What the cell is given now may be far more than the tangent tells, where its neighbours hold it firmly; and no cell is given more
        // than there is.
        let given = self.current.residual[i] + self.current.mass[i];
        let supplied = Real::ln(given.max(f64::MIN_POSITIVE)) - self.log_mass[i];
        let everything = Real::ln(self.total) - self.log_mass[i];
        let bound = tangent.max(supplied).min(everything).max(ln);
        if along < bound { along } else { bound }
    }
}

/// The lowest ln r of a cell.
pub(super) fn lowest(log_mass: f64) -> f64 {
    LOWEST.max(LOWEST - log_mass)
}
