//! A first guess for steps over many cells: the same step on a coarser grid, itself begun on one that is coarser still.

use super::faces::TILE;
use super::line::{LineStep, Until, lowest};
use super::parts::in_parts;
use crate::calculus::Real;
use crate::divergence::Divergence;
use crate::grid::Axis;

/// Cells of the grid to one of the coarser grid.
const COARSENING: usize = 4;
/// Cells that the coarsest grid has at least.
const FEWEST: usize = 48;

/// The step on the coarser grid, and how the two grids lie.
pub(super) struct Cascade<D> {
    step: LineStep<D>,
    /// ℓ before the step and as a first guess, on the coarser grid.
    initial: Vec<f64>,
    guess: Vec<f64>,
    /// Where each coarse cell begins: in which cell, and the share of that cell to its left.
    begins: Vec<(usize, f64)>,
}

impl<D: Divergence> Cascade<D> {
    /// The coarser grid for cells of these masses of π, if there are enough of them.
    pub fn new(axis: &Axis, target: &[f64]) -> Option<Box<Self>> {
        let cells = axis.cells.div_ceil(COARSENING);
        if cells < FEWEST {
            return None;
        }
        let begin = |cell: usize| {
            let place = (cell * axis.cells) as f64 / cells as f64;
            (place.floor() as usize, place.fract())
        };
        let begins: Vec<_> = (0..=cells).map(begin).collect();
        let axis = Axis { cells, ..*axis };
        let log_spacing = Real::ln(axis.spacing());
        let log_target = (0..cells).map(|cell| Real::ln(mass(&begins, target, cell)) - log_spacing);
        let step = LineStep::new(&axis, log_target);
        Some(Box::new(Self {
            step,
            initial: vec![0.0; cells],
            guess: vec![0.0; cells],
            begins,
        }))
    }

    /// Solves the step by τ from cells of these masses and, with masses of a guess, from there. Whether it came to an end.
    pub fn solve(&mut self, tau: f64, initial: &[f64], guess: Option<&[f64]>) -> bool {
        let Self {
            step,
            initial: coarse_initial,
            guess: coarse_guess,
            begins,
        } = self;
        let log_mass = &step.log_mass;
        let restrict = |masses: &[f64], log_ratio: &mut [f64]| {
            let part = |first: usize, [log_ratio]: [&mut [f64]; 1]| {
                for (number, ln) in log_ratio.iter_mut().enumerate() {
                    let cell = first + number;
                    *ln = Real::ln(mass(begins, masses, cell)) - log_mass[cell];
                }
            };
            in_parts([log_ratio], &part, &|(), ()| ());
        };
        restrict(initial, coarse_initial);
        if let Some(guess) = guess {
            restrict(guess, coarse_guess);
        }
        let guess = guess.map(|_| coarse_guess.as_slice());
        step.start_from(coarse_initial);
        step.settle(tau, guess, Until::Near).1
    }

    /// ℓ of the coarser grid at the centres of the cells, by cubic interpolation; what is at a closed side goes on as its mirror image.
    pub fn interpolate(&self, log_mass: &[f64], log_ratio: &mut [f64]) {
        let (coarse, cells) = (self.initial.len(), log_ratio.len());
        let values = &self.step.current.log_ratio[..coarse];
        let share = coarse as f64 / cells as f64;
        let value = |index: isize| {
            let last = coarse as isize - 1;
            let index = match index {
                0.. if index <= last => index,
                _ if self.step.periodic => index.rem_euclid(last + 1),
                _ if index < 0 => -1 - index,
                _ => 2 * last + 1 - index,
            };
            values[index.unsigned_abs()]
        };
        let part = |first: usize, [log_ratio]: [&mut [f64]; 1]| {
            let mut around = [[0.0; TILE]; 4];
            let tiles = log_ratio
                .chunks_mut(TILE)
                .zip(log_mass[first..].chunks(TILE));
            for (tile, (log_ratio, log_mass)) in tiles.enumerate() {
                let place = |k: usize| ((first + tile * TILE + k) as f64 + 0.5) * share - 0.5;
                for k in 0..log_ratio.len() {
                    let begin = place(k).floor() as isize - 1;
                    for (number, around) in around.iter_mut().enumerate() {
                        around[k] = value(begin + number as isize);
                    }
                }
                let [a, b, c, d] = &around;
                for (k, (ln, log_mass)) in log_ratio.iter_mut().zip(log_mass).enumerate() {
                    let t = place(k) - place(k).floor();
                    let (u, v, w) = (1.0 - t, 1.0 + t, 2.0 - t);
                    let inner = v * w * (u * b[k] + t * c[k]) / 2.0;
                    let outer = t * u * (w * a[k] + v * d[k]) / 6.0;
                    *ln = (inner - outer).max(lowest(*log_mass));
                }
            }
        };
        in_parts([log_ratio], &part, &|(), ()| ());
    }
}

/// The mass in a coarse cell of cells with these masses.
fn mass(begins: &[(usize, f64)], masses: &[f64], cell: usize) -> f64 {
    let [(from, before), (to, within)] = [begins[cell], begins[cell + 1]];
    let whole: f64 = masses[from + 1..to].iter().sum();
    let part = if within > 0.0 {
        within * masses[to]
    } else {
        0.0
    };
    (1.0 - before) * masses[from] + whole + part
}
