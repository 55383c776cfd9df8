//! Conjugate gradients, preconditioned by multigrid.
//!
//! The iteration stops on the preconditioner's estimate of the error, z = M r, in the maximum norm: unlike the residual's norm it sees cells
//! of any weight π alike, and it sees the constant, whose residual is smaller than the others' by the excess beside the couplings. The
//! last z is added to the solution. Directions are made conjugate to the one before explicitly (the "flexible" variant), so that
//! rounding in the preconditioner does not harm.
//!
//! Reference: Y. Notay, "Flexible conjugate gradients", SIAM Journal on Scientific Computing 22 (2000), 1444–1460.

use std::ops::Range;

use super::balance::maximum;
use super::equations::{conjugation, moved, step_length};
use super::multigrid::Multigrid;
use super::operator::Operator;
use super::tiles::{Pass, Reduce, dot, largest, total};

/// Iterations after which the solver gives up.
pub(super) const LARGEST_COUNT: usize = 500;

/// How an iteration ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ending {
    Converged,
    /// The tolerance was not reached.
    Exhausted,
    /// A number was not finite.
    Broken,
}

/// The vectors of the iteration.
#[derive(Clone, Debug)]
pub(super) struct ConjugateGradients {
    /// The right-hand side of the symmetric system on entry, the residual after.
    pub(super) residual: Vec<f64>,
    direction: Vec<f64>,
    /// A times the direction.
    pub(super) image: Vec<f64>,
    sums: Vec<f64>,
    products: Vec<Products>,
}

/// What one pass over z learns.
#[derive(Clone, Copy, Debug, Default)]
struct Products {
    residual: f64,
    image: f64,
    largest: f64,
}

impl ConjugateGradients {
    pub(super) fn new(operator: &Operator) -> Self {
        let n = operator.len();
        let tiles = operator.tiles.count();
        Self {
            residual: vec![0.0; n],
            direction: vec![0.0; n],
            image: vec![0.0; n],
            sums: vec![0.0; tiles],
            products: vec![Products::default(); tiles],
        }
    }

    /// Solves A x = b, b in [`Self::residual`], from the guess in `x`, until max |error| ≤ `tolerance` · max |x| by the preconditioner's estimate.
    /// Gives the ending, the number of iterations and the last estimate.
    pub(super) fn solve(
        &mut self,
        multigrid: &mut Multigrid,
        tolerance: f64,
        x: &mut [f64],
    ) -> (Ending, usize, f64) {
        let tiles = multigrid.operator().tiles;
        tiles.reduce(&mut self.sums, &Largest { values: x });
        let mut largest_x = maximum(&self.sums);
        if largest_x > 0.0 {
            multigrid
                .operator()
                .residual(&self.residual, x, &mut self.image);
            std::mem::swap(&mut self.residual, &mut self.image);
        }
        let mut curvature = 0.0;
        let mut iterations = 0;
        loop {
            multigrid.precondition(&self.residual);
            let z = multigrid.correction();
            let products = self.inspect(multigrid.operator(), z);
            if !(products.residual.is_finite() && largest_x.is_finite()) {
                return (Ending::Broken, iterations, f64::NAN);
            }
            let error = match products.largest {
                0.0 => 0.0,
                // Where x is nothing yet the error is not known.
                _ if largest_x == 0.0 => 1.0,
                largest_z => largest_z / largest_x,
            };
            if error <= tolerance {
                tiles.summarise(
                    x,
                    &mut self.sums,
                    &Along {
                        step: 1.0,
                        vector: z,
                    },
                );
                return (Ending::Converged, iterations, error);
            }
            if iterations == LARGEST_COUNT {
                return (Ending::Exhausted, iterations, error);
            }
            let conjugation = conjugation(products.image, curvature);
            tiles.run(&mut self.direction, &Turn { z, conjugation });
            multigrid
                .operator()
                .apply(&self.direction, &mut self.image, &mut self.sums);
            curvature = total(&self.sums);
            let step = step_length(products.residual, curvature);
            let along = Along {
                step,
                vector: &self.direction,
            };
            tiles.summarise(x, &mut self.sums, &along);
            largest_x = maximum(&self.sums);
            let along = Along {
                step: -step,
                vector: &self.image,
            };
            tiles.summarise(&mut self.residual, &mut self.sums, &along);
            iterations += 1;
        }
    }

    fn inspect(&mut self, operator: &Operator, z: &[f64]) -> Products {
        let (residual, image) = (&self.residual, &self.image);
        operator
            .tiles
            .reduce(&mut self.products, &Inspect { z, residual, image });
        self.products
            .iter()
            .fold(Products::default(), |sum, tile| Products {
                residual: sum.residual + tile.residual,
                image: sum.image + tile.image,
                largest: sum.largest.max(tile.largest),
            })
    }
}

struct Largest<'a> {
    values: &'a [f64],
}

impl Reduce<f64> for Largest<'_> {
    #[inline(always)]
    fn tile(&self, cells: Range<usize>) -> f64 {
        largest(&self.values[cells])
    }
}

/// ⟨r, z⟩, ⟨A p, z⟩ and max |z|.
struct Inspect<'a> {
    z: &'a [f64],
    residual: &'a [f64],
    image: &'a [f64],
}

impl Reduce<Products> for Inspect<'_> {
    #[inline(always)]
    fn tile(&self, cells: Range<usize>) -> Products {
        let z = &self.z[cells.clone()];
        Products {
            residual: dot(z, &self.residual[cells.clone()]),
            image: dot(z, &self.image[cells]),
            largest: largest(z),
        }
    }
}

/// p ← z + β p.
struct Turn<'a> {
    z: &'a [f64],
    conjugation: f64,
}

impl Pass<()> for Turn<'_> {
    #[inline(always)]
    fn tile(&self, first: usize, direction: &mut [f64]) {
        for (p, z) in direction.iter_mut().zip(&self.z[first..]) {
            *p = moved(*z, self.conjugation, *p);
        }
    }
}

/// y ← y + α v; max |y|.
struct Along<'a> {
    step: f64,
    vector: &'a [f64],
}

impl Pass<f64> for Along<'_> {
    #[inline(always)]
    fn tile(&self, first: usize, out: &mut [f64]) -> f64 {
        for (out, vector) in out.iter_mut().zip(&self.vector[first..]) {
            *out = moved(*out, self.step, *vector);
        }
        largest(out)
    }
}
