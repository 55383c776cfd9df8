//! Conjugate gradients, preconditioned by multigrid.
//!
//! The iteration stops on the preconditioner's estimate of the error, z = M r, in the maximum norm: unlike the residual's norm it sees cells
//! of any weight π alike, and it sees the constant, whose residual is smaller than the others' by the excess beside the couplings. The
//! last z is added to the solution. Directions are made conjugate to the one before explicitly (the "flexible" variant), so that
//! rounding in the preconditioner does not harm.
//!
//! Reference: Y. Notay, "Flexible conjugate gradients", SIAM Journal on Scientific Computing 22 (2000), 1444–1460.

use super::multigrid::Multigrid;
use super::operator::Operator;
use super::tiles::{PairPass, Pass, dot, largest};
use super::{EllipticError, Report};

/// Iterations after which the solver gives up.
const LARGEST_COUNT: usize = 500;

/// The vectors of the iteration.
#[derive(Clone, Debug)]
pub(super) struct ConjugateGradients {
    /// The right-hand side of the symmetric system on entry, the residual after.
    pub(super) residual: Vec<f64>,
    direction: Vec<f64>,
    /// A times the direction.
    image: Vec<f64>,
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

    /// Solves A x = b, b in [`Self::residual`], from the guess in `x`, until max |error| ≤ `tolerance` · max |x|.
    pub(super) fn solve(
        &mut self,
        multigrid: &mut Multigrid,
        tolerance: f64,
        x: &mut [f64],
    ) -> Result<Report, EllipticError> {
        let tiles = multigrid.operator().tiles;
        let mut largest_x = x.iter().fold(0.0f64, |max, x| max.max(x.abs()));
        if largest_x > 0.0 {
            multigrid.operator().residual(&self.residual, x, &mut self.image);
            std::mem::swap(&mut self.residual, &mut self.image);
        }
        let mut curvature = 0.0;
        let mut iterations = 0;
        loop {
            multigrid.precondition(&self.residual);
            let (residual, image) = (&self.residual, &self.image);
            let z = multigrid.correction_mut();
            tiles.summarise(z, &mut self.products, &Inspect { residual, image });
            let products = self.products.iter().fold(Products::default(), |sum, tile| Products {
                residual: sum.residual + tile.residual,
                image: sum.image + tile.image,
                largest: sum.largest.max(tile.largest),
            });
            let z = multigrid.correction();
            let error = if products.largest == 0.0 { 0.0 } else { products.largest / largest_x };
            if std::env::var("TRACE").is_ok() { eprintln!("{iterations} err {error:e} rz {:e}", products.residual); }
            if error <= tolerance {
                tiles.run(x, &Add { z });
                return Ok(Report { iterations, residual: 0.0, error });
            }
            if iterations == LARGEST_COUNT || error.is_nan() {
                return Err(EllipticError::NotConverged { iterations, error, tolerance });
            }
            let conjugation = if iterations == 0 { 0.0 } else { -products.image / curvature };
            tiles.run(&mut self.direction, &Turn { z, conjugation });
            multigrid.operator().apply(&self.direction, &mut self.image, &mut self.sums);
            curvature = self.sums.iter().sum();
            let step = products.residual / curvature;
            let (direction, image) = (&self.direction, &self.image);
            tiles.summarise_pair(x, &mut self.residual, &mut self.sums, &Advance { step, direction, image });
            largest_x = self.sums.iter().fold(0.0, |max, tile| max.max(*tile));
            iterations += 1;
        }
    }
}

/// ⟨r, z⟩, ⟨A p, z⟩ and max |z|.
struct Inspect<'a> {
    residual: &'a [f64],
    image: &'a [f64],
}

impl Pass<Products> for Inspect<'_> {
    #[inline(always)]
    fn tile(&self, first: usize, z: &mut [f64]) -> Products {
        let end = first + z.len();
        Products {
            residual: dot(z, &self.residual[first..end]),
            image: dot(z, &self.image[first..end]),
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
            *p = z + self.conjugation * *p;
        }
    }
}

/// x ← x + z.
struct Add<'a> {
    z: &'a [f64],
}

impl Pass<()> for Add<'_> {
    #[inline(always)]
    fn tile(&self, first: usize, x: &mut [f64]) {
        for (x, z) in x.iter_mut().zip(&self.z[first..]) {
            *x += z;
        }
    }
}

/// x ← x + α p and r ← r − α A p; max |x|.
struct Advance<'a> {
    step: f64,
    direction: &'a [f64],
    image: &'a [f64],
}

impl PairPass<f64> for Advance<'_> {
    #[inline(always)]
    fn tile(&self, first: usize, x: &mut [f64], residual: &mut [f64]) -> f64 {
        for (x, p) in x.iter_mut().zip(&self.direction[first..]) {
            *x += self.step * p;
        }
        for (r, q) in residual.iter_mut().zip(&self.image[first..]) {
            *r -= self.step * q;
        }
        largest(x)
    }
}
