//! One step on a line or a ring, solved to rounding by Newton's method on its dual.

use std::marker::PhantomData;

use super::cascade::Cascade;
use super::cells::{Change, ExpSum};
use super::certificate::Certificate;
use super::distribution::Distribution;
use super::parts::{in_parts, largest, sum, worth_threads};
use crate::backend::cpu::elementwise;
use crate::calculus::Real;
use crate::divergence::Divergence;
use crate::elliptic::Tridiagonal;
use crate::flow::face_density::FaceDensity;
use crate::grid::{Axis, Boundary};

/// Iterations after which a step is given up.
pub(super) const GIVEN_UP: usize = 2000;
/// Iterations of the last try.
const LAST_CHANCE: usize = 400;
/// A step that carries no face further than this, in cells, begins where it starts from.
const SHORT: f64 = 0.5;
/// ln r that cells without mass are lifted to: all of them together hold less than a rounding of the mass.
const LIFTED_LOG_RATIO: f64 = -40.0;
/// Lowest ln r, and lowest ln(mass) of a cell.
const LOWEST: f64 = -690.0;
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
    pub initial: Vec<f64>,
    pub current: Iterate,
    pub trial: Iterate,
    /// What is known of `current`, once it is solved.
    pub certificate: Option<Certificate>,
    /// δp of Newton's step, and the relative change of r.
    pub direction: Vec<f64>,
    pub increment: Vec<f64>,
    pub relative: Vec<f64>,
    pub lower: Vec<f64>,
    pub upper: Vec<f64>,
    pub rhs: Vec<f64>,
    pub elimination: Tridiagonal,
    cascade: Option<Box<Cascade<D>>>,
    /// The gap that is enough where no more can be had, relative to W2²/(2τ).
    pub aim: f64,
    divergence: PhantomData<D>,
}

/// How far an iteration goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Until {
    /// To rounding in all that has weight.
    Solved,
    /// Likewise, and on even if little is gained.
    Exhausted,
    /// To a first guess for a finer grid, or for a shorter step.
    Near,
}

/// An iterate and what follows from it.
pub(super) struct Iterate {
    /// ℓ of each cell, and behind it that of the cell beside the last.
    pub log_ratio: Vec<f64>,
    /// f' of the next cell less that of this one.
    pub force: Vec<f64>,
    /// dm/dp of each face: what more of a force would carry.
    pub stiffness: Vec<f64>,
    /// π r h of each cell.
    pub mass: Vec<f64>,
    /// What the cell is given less what it holds.
    pub residual: Vec<f64>,
    /// ψ', and r over that at the start, less 1.
    pub slope: Vec<f64>,
    pub growth: Vec<f64>,
}

impl Iterate {
    fn new(cells: usize) -> Self {
        let zeros = || vec![0.0; cells];
        Self {
            log_ratio: vec![0.0; cells + 1],
            force: zeros(),
            stiffness: zeros(),
            mass: zeros(),
            residual: zeros(),
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
        let target: Vec<f64> = log_mass.iter().map(|ln| Real::exp(*ln)).collect();
        let zeros = || vec![0.0; cells];
        Self {
            spacing: axis.spacing(),
            periodic,
            log_mass,
            cascade: Cascade::new(axis, &target[..cells]),
            target,
            origin: Distribution::new(axis),
            total: 1.0,
            initial: vec![0.0; cells + 1],
            current: Iterate::new(cells),
            trial: Iterate::new(cells),
            certificate: None,
            direction: zeros(),
            increment: zeros(),
            relative: zeros(),
            lower: zeros(),
            upper: zeros(),
            rhs: zeros(),
            elimination: Tridiagonal::new(cells, axis.boundary),
            aim: 0.0,
            divergence: PhantomData,
        }
    }

    /// Number of cells.
    pub fn cells(&self) -> usize {
        self.target.len() - 1
    }

    /// Solves the step by τ from ℓ `initial`, with another ℓ as the first guess if that is nearer; the solution is left in `current`.
    /// Returns the iterations made on this grid, whether they settled, and what is known of where they ended.
    pub fn solve(
        &mut self,
        tau: f64,
        initial: &[f64],
        guess: Option<&[f64]>,
    ) -> (usize, bool, Certificate) {
        if worth_threads(self.cells()) {
            // Once among the threads rather than for every part of the work.
            rayon::scope(|_| self.solve_here(tau, initial, guess))
        } else {
            self.solve_here(tau, initial, guess)
        }
    }

    fn solve_here(
        &mut self,
        tau: f64,
        initial: &[f64],
        guess: Option<&[f64]>,
    ) -> (usize, bool, Certificate) {
        self.start_from(initial);
        let (mut iterations, mut settled) = self.settle(tau, guess, Until::Solved);
        if !settled {
            // The last chance: the iteration from the start, as long as it takes.
            self.begin_with(None);
            let most = iterations.max(GIVEN_UP) + LAST_CHANCE;
            while !settled && iterations < most {
                let (more, done) = self.iterate(tau, Until::Exhausted);
                (iterations, settled) = (iterations + more, done);
            }
        }
        let certificate = self.certificate.unwrap_or_else(|| {
            if self.is_balanced() {
                self.restore_mass(tau);
            }
            self.certify(tau)
        });
        (iterations, settled, certificate)
    }

    /// Iterates from one first guess after the other.
    pub fn settle(&mut self, tau: f64, guess: Option<&[f64]>, until: Until) -> (usize, bool) {
        let guessed = self.first_guess(tau, guess);
        let (mut iterations, mut settled) = self.iterate(tau, until);
        if !settled && guessed {
            self.begin_with(guess);
            let (more, done) = self.iterate(tau, until);
            (iterations, settled) = (iterations + more, done);
        }
        if settled {
            return (iterations, true);
        }
        self.continue_from_equilibrium(tau, iterations, until)
    }

    /// ℓ of `current` as it is before the step, or that of a guess.
    fn begin_with(&mut self, guess: Option<&[f64]>) {
        let n = self.cells();
        self.current.log_ratio.copy_from_slice(&self.initial);
        if let Some(guess) = guess {
            self.current.log_ratio[..n].copy_from_slice(guess);
            self.repeat_first();
        }
    }

    /// The first ℓ of `current`: as it is before the step or, if that is nearer, that of the guess; by the step on a coarser grid if faces
    /// go far, and then the answer is true.
    pub fn first_guess(&mut self, tau: f64, guess: Option<&[f64]>) -> bool {
        let n = self.cells();
        self.begin_with(guess);
        let Some(cascade) = &mut self.cascade else {
            return false;
        };
        let initial = &self.initial;
        let forces = [&mut self.increment[..]];
        let part = |first: usize, [forces]: [&mut [f64]; 1]| {
            let beside = &initial[first + 1..];
            elementwise::<Change<D>, 2, 1>([&initial[first..n], beside], [&mut *forces]);
            largest(forces)
        };
        if in_parts(forces, &part, &f64::max) * tau <= SHORT * self.spacing * self.spacing {
            return false;
        }
        let masses = guess.map(|guess| {
            elementwise::<ExpSum, 2, 1>([guess, &self.log_mass[..n]], [&mut self.relative]);
            self.relative.as_slice()
        });
        let found = cascade.solve(tau, &self.origin.masses, masses);
        if found {
            cascade.interpolate(&self.log_mass[..n], &mut self.current.log_ratio[..n]);
            self.repeat_first();
        }
        found
    }

    /// Takes on the density before the step.
    pub fn start_from(&mut self, initial: &[f64]) {
        let n = self.cells();
        let log_mass = &self.log_mass;
        in_parts(
            [&mut self.initial[..n]],
            &|first, [own]| {
                let given = initial[first..].iter().zip(&log_mass[first..]);
                for (own, (given, log_mass)) in own.iter_mut().zip(given) {
                    let filled = if *given == f64::NEG_INFINITY {
                        LIFTED_LOG_RATIO
                    } else {
                        *given
                    };
                    *own = filled.max(lowest(*log_mass));
                }
            },
            &|(), ()| (),
        );
        self.initial[n] = self.initial[if self.periodic { 0 } else { n - 1 }];
        let initial = &self.initial;
        in_parts(
            [&mut self.rhs, &mut self.lower].map(Vec::as_mut_slice),
            &|first, [masses, faces]| {
                let (initial, log_mass) = (&initial[first..], &log_mass[first..]);
                elementwise::<ExpSum, 2, 1>([initial, log_mass], [masses]);
                elementwise::<FaceDensity<D>, 4, 1>(
                    [initial, &initial[1..], log_mass, &log_mass[1..]],
                    [faces],
                );
            },
            &|(), ()| (),
        );
        self.total = sum(&self.rhs);
        self.origin.set(&self.rhs, &self.lower);
    }

    pub fn repeat_first(&mut self) {
        let n = self.cells();
        let beside = if self.periodic { 0 } else { n - 1 };
        self.current.log_ratio[n] = self.current.log_ratio[beside];
    }
}

/// The lowest ln r of a cell.
pub(super) fn lowest(log_mass: f64) -> f64 {
    LOWEST.max(LOWEST - log_mass)
}
