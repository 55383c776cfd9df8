//! Conjugate gradients with one multigrid V-cycle on the matrix itself as preconditioner: Galerkin products on every level, Chebyshev
//! smoothing (Adams, Brezina, Hu, Tuminaro, J. Comput. Phys. 188, 2003), elimination on the coarsest.

use super::device::{Device, DeviceSolver};
use super::elimination::Elimination;
use super::galerkin::Transfer;
use super::lattice::Lattice;
use super::passes;
use super::product::product;
use super::stencil::Stencil;
use crate::backend::gpu::GpuError;
use crate::backend::reduce;
use crate::calculus::Real;
use crate::elliptic::{first_jacobi, jacobi};

/// Degree of the smoother.
const DEGREE: usize = 3;
/// The part of the spectrum that is left to coarser levels.
const SMOOTHED: f64 = 0.25;
/// Power iterations before the one that measures the largest eigenvalue, and what is added to its estimate.
pub(super) const POWER_ITERATIONS: usize = 8;
const MARGIN: f64 = 1.1;
/// What is added to the scaled matrix of the coarsest level, and its least pivot.
const REGULARISATION: f64 = 1e-13;

/// The Jacobi steps whose product is the Chebyshev polynomial that is least on the spectrum from [`SMOOTHED`] to 1, its largest eigenvalue.
pub(super) fn dampings() -> [f64; DEGREE] {
    let (middle, radius) = (0.5 * (1.0 + SMOOTHED), 0.5 * (1.0 - SMOOTHED));
    std::array::from_fn(|root| {
        let angle = std::f64::consts::PI * (root as f64 + 0.5) / DEGREE as f64;
        1.0 / (middle + radius * angle.cos())
    })
}

/// What power iterations begin with: any vector without structure, always the same.
pub(super) fn unstructured(node: usize) -> f64 {
    let mixed = (node as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
}

/// x of power iterations at the start: of the same size in the norm of D everywhere, so that no eigenvector of nodes that hold little is overlooked.
#[inline(always)]
pub(super) fn evened<R: Real>(x: R, diagonal: R) -> R {
    x / diagonal.sqrt()
}

/// What a node adds to ⟨x, D x⟩.
#[inline(always)]
pub(super) fn weighted_square<R: Real>(x: R, diagonal: R) -> R {
    x * x * diagonal
}

/// The largest eigenvalue of D⁻¹A, with a margin, from ⟨x, D x⟩ before and after one more product.
#[inline(always)]
pub(super) fn largest_eigenvalue<R: Real>(before: R, after: R) -> R {
    R::constant(MARGIN) * (after / before).sqrt()
}

/// What a Jacobi step of damping 1 multiplies a residual by: the spectrum is then at most 1.
#[inline(always)]
pub(super) fn inverse_diagonal<R: Real>(highest: R, diagonal: R) -> R {
    R::constant(1.0) / (highest * diagonal)
}

/// One level, and the way to the next.
#[derive(Clone, Debug)]
pub(super) struct Level {
    pub matrix: Stencil,
    /// What a Jacobi step of damping 1 multiplies residuals by.
    inverse: Vec<f64>,
    transfer: Transfer,
    rhs: Vec<f64>,
    solution: Vec<f64>,
    product: Vec<f64>,
}

/// The hierarchy for one lattice and the memory of the solver.
#[derive(Clone, Debug)]
pub(super) struct Multigrid {
    levels: Vec<Level>,
    coarsest: Elimination,
    /// Solves in place of this processor.
    device: Option<DeviceSolver>,
    direction: Vec<f64>,
}

impl Level {
    fn new(lattice: Lattice, transfer: Transfer) -> Self {
        let zeros = || vec![0.0; lattice.len()];
        Self {
            matrix: Stencil::new(lattice),
            inverse: zeros(),
            transfer,
            rhs: zeros(),
            solution: zeros(),
            product: zeros(),
        }
    }

    /// Estimates the largest eigenvalue of D⁻¹A.
    fn measure(&mut self) {
        let Self {
            matrix,
            inverse,
            solution,
            product,
            ..
        } = self;
        let diagonal = &matrix.diagonal;
        passes::each(solution, |node, value| {
            *value = evened(unstructured(node), diagonal[node]);
        });
        let square = |x: &[f64]| reduce::sum(x.len(), |i| weighted_square(x[i], diagonal[i]));
        for _ in 0..=POWER_ITERATIONS {
            let scale = 1.0 / square(solution).sqrt();
            passes::each(solution, |_, value| *value *= scale);
            matrix.apply_and(solution, product, |node, product| product / diagonal[node]);
            std::mem::swap(solution, product);
        }
        let highest = largest_eigenvalue(1.0, square(solution));
        passes::each(inverse, |node, value| {
            *value = inverse_diagonal(highest, diagonal[node]);
        });
    }

    /// Chebyshev's smoother, from `solution` or from zero.
    fn smooth(&mut self, from_zero: bool) {
        let Self {
            matrix,
            inverse,
            rhs,
            solution,
            product,
            ..
        } = self;
        let mut dampings = dampings().into_iter();
        if from_zero && let Some(damping) = dampings.next() {
            passes::each(solution, |node, value| {
                *value = first_jacobi(damping, inverse[node], rhs[node]);
            });
        }
        for damping in dampings {
            let before: &[f64] = solution;
            matrix.apply_and(before, product, |node, product| {
                jacobi(before[node], damping, inverse[node], rhs[node], product)
            });
            std::mem::swap(solution, product);
        }
    }
}

/// V-cycle for the right-hand side of the first level, into its solution.
fn cycle(levels: &mut [Level], coarsest: &mut Elimination) {
    let Some((level, coarser)) = levels.split_first_mut() else {
        return;
    };
    let Some(next) = coarser.first_mut() else {
        coarsest.solve(&level.rhs, &mut level.solution);
        return;
    };
    level.smooth(true);
    let rhs = &level.rhs;
    let residual = |node: usize, product: f64| rhs[node] - product;
    let matrix = &level.matrix;
    matrix.apply_and(&level.solution, &mut level.product, residual);
    level.transfer.restrict(&level.product, &mut next.rhs);
    cycle(coarser, coarsest);
    let correction = &coarser[0].solution;
    level
        .transfer
        .add_prolonged(correction, &mut level.solution);
    level.smooth(false);
}

impl Multigrid {
    /// The hierarchy; systems are solved on a device, if one is given.
    ///
    /// # Errors
    ///
    /// Fields that the GPU has no room for; a failure of it.
    pub fn new(lattice: Lattice, device: Option<&Device>) -> Result<Self, GpuError> {
        let device = device
            .map(|device| DeviceSolver::new(device, &lattice))
            .transpose()?;
        let mut levels = Vec::new();
        let mut smallest = 0;
        if device.is_some() {
            // It holds the coarser ones.
            levels.push(Level::new(lattice, Transfer::none()));
        } else {
            let mut next = Some(lattice);
            while let Some(lattice) = next {
                let transfer = Transfer::new(&lattice);
                (next, smallest) = (transfer.coarse(), lattice.len());
                levels.push(Level::new(lattice, transfer));
            }
        }
        Ok(Self {
            device,
            levels,
            coarsest: Elimination::new(smallest, REGULARISATION),
            direction: vec![0.0; lattice.len()],
        })
    }

    /// The matrix of the finest level, to be filled before [`Multigrid::prepare`].
    pub fn matrix(&mut self) -> &mut Stencil {
        &mut self.levels[0].matrix
    }

    /// Gives the memory of all matrices back until they are made anew.
    pub fn release(&mut self) {
        for level in &mut self.levels {
            level.matrix.release();
        }
    }

    /// Makes the coarse matrices from the finest.
    ///
    /// # Errors
    ///
    /// A failure of the GPU.
    pub fn prepare(&mut self) -> Result<(), GpuError> {
        if let Some(device) = &mut self.device {
            return device.load(&self.levels[0].matrix);
        }
        for number in 1..self.levels.len() {
            let (finer, coarser) = self.levels.split_at_mut(number);
            let (level, next) = (&mut finer[number - 1], &mut coarser[0]);
            level.measure();
            product(&mut level.transfer, &level.matrix, &mut next.matrix);
        }
        if let Some(level) = self.levels.last_mut() {
            let Level {
                matrix,
                solution,
                product,
                ..
            } = level;
            self.coarsest.factorise(matrix, solution, product);
        }
        Ok(())
    }

    /// Solves for `solution` until the residual, in the norm of the preconditioner, has fallen by `tolerance`, in at most `most`
    /// iterations; returns how many it took.
    ///
    /// # Errors
    ///
    /// A failure of the GPU.
    pub fn solve(
        &mut self,
        rhs: &[f64],
        tolerance: f64,
        most: usize,
        solution: &mut [f64],
    ) -> Result<usize, GpuError> {
        let Self {
            levels,
            coarsest,
            device,
            direction,
        } = self;
        let Level {
            matrix,
            rhs: residual,
            product,
            ..
        } = &mut levels[0];
        if let Some(device) = device {
            return device.solve(
                matrix,
                rhs,
                (tolerance, most),
                (residual, product),
                solution,
            );
        }
        // The residual, of the matrix as it is kept, is what the preconditioner solves for.
        let scale = matrix.scale;
        passes::each(residual, |node, residual| *residual = scale * rhs[node]);
        solution.fill(0.0);
        cycle(levels, coarsest);
        direction.copy_from_slice(&levels[0].solution);
        let mut size = passes::dot(&levels[0].rhs, direction);
        let enough = tolerance * tolerance * size;
        for iteration in 1..=most {
            if size <= 0.0 || size.is_nan() {
                return Ok(iteration - 1);
            }
            let Level {
                matrix,
                rhs: residual,
                product,
                ..
            } = &mut levels[0];
            matrix.apply(direction, product);
            let length = size / passes::dot(direction, product);
            if !length.is_finite() {
                return Ok(iteration - 1);
            }
            passes::each(solution, |i, value| *value += length * direction[i]);
            passes::each(residual, |i, value| *value -= length * product[i]);
            cycle(levels, coarsest);
            let Level {
                rhs: residual,
                solution: preconditioned,
                ..
            } = &levels[0];
            let after = passes::dot(residual, preconditioned);
            if after <= enough || after.is_nan() {
                return Ok(iteration);
            }
            let share = after / size;
            passes::each(direction, |i, value| {
                *value = preconditioned[i] + share * *value;
            });
            size = after;
        }
        Ok(most)
    }
}
