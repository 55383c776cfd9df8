//! The operator on a 2-D or 3-D grid, in symmetric form.

use crate::grid::{Boundary, Field, Grid};

use super::conjugate_gradients::ConjugateGradients;
use super::multigrid::Multigrid;
use super::operator::Operator;
use super::tiles::Pass;
use super::{EllipticError, Report};

/// How far ln π may lie below its maximum: e^−690 and its product with the other factors of a row are normal numbers.
const LARGEST_DEPTH: f64 = 690.0;

/// Cells in two or three dimensions: weights, multigrid and conjugate gradients.
#[derive(Clone, Debug)]
pub(super) struct Solid {
    /// π over its maximum.
    target: Vec<f64>,
    multigrid: Multigrid,
    iteration: ConjugateGradients,
}

impl Solid {
    pub(super) fn new(grid: &Grid, log_target: &Field) -> Result<Self, EllipticError> {
        let deepest = log_target.iter().fold(f64::NEG_INFINITY, |max, &value| max.max(value));
        if let Some((cell, value)) = log_target.indexed_iter().find(|(_, value)| deepest - **value > LARGEST_DEPTH) {
            return Err(EllipticError::Underflow { cell, depth: deepest - value, limit: LARGEST_DEPTH });
        }
        let axes = grid.axes();
        let (nz, ny, nx) = grid.shape();
        let n = [nx, ny, nz];
        let faces = std::array::from_fn(|axis| match axes.get(axis) {
            None => Vec::new(),
            Some(properties) => {
                let inverse_square = 1.0 / properties.spacing().powi(2);
                log_target
                    .indexed_iter()
                    .map(|((k, j, i), value)| {
                        let mut next = [i, j, k];
                        next[axis] += 1;
                        if next[axis] == n[axis] {
                            if properties.boundary == Boundary::NoFlux {
                                return 0.0;
                            }
                            next[axis] = 0;
                        }
                        let neighbour = log_target[(next[2], next[1], next[0])];
                        (0.5 * (value + neighbour) - deepest).exp() * inverse_square
                    })
                    .collect()
            }
        });
        let operator = Operator::new(n, faces);
        let widths = std::array::from_fn(|axis| axes.get(axis).map_or(1.0, |axis| axis.spacing()));
        Ok(Self {
            target: log_target.iter().map(|value| (value - deepest).exp()).collect(),
            iteration: ConjugateGradients::new(&operator),
            multigrid: Multigrid::new(operator, widths),
        })
    }

    pub(super) fn solve(&mut self, scale: f64, slope: &[f64], rhs: &[f64], tolerance: f64, x: &mut [f64]) -> Result<Report, EllipticError> {
        let target = &self.target;
        let tiles = self.multigrid.operator().tiles;
        // Everything is divided by s, so that the couplings stay as they are.
        self.multigrid.set_excess(|excess| {
            tiles.run(excess, &Excess { target, slope, scale });
        });
        let excess = &self.multigrid.operator().excess;
        tiles.run(&mut self.iteration.residual, &Product { one: excess, other: rhs });
        self.iteration.solve(&mut self.multigrid, tolerance, x)
    }
}

/// π/(s ψ').
struct Excess<'a> {
    target: &'a [f64],
    slope: &'a [f64],
    scale: f64,
}

impl Pass<()> for Excess<'_> {
    #[inline(always)]
    fn tile(&self, first: usize, out: &mut [f64]) {
        for (out, (target, slope)) in out.iter_mut().zip(self.target[first..].iter().zip(&self.slope[first..])) {
            *out = target / (self.scale * slope);
        }
    }
}

struct Product<'a> {
    one: &'a [f64],
    other: &'a [f64],
}

impl Pass<()> for Product<'_> {
    #[inline(always)]
    fn tile(&self, first: usize, out: &mut [f64]) {
        for (out, (one, other)) in out.iter_mut().zip(self.one[first..].iter().zip(&self.other[first..])) {
            *out = one * other;
        }
    }
}
