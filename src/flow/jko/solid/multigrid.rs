//! Conjugate gradients with one multigrid V-cycle on the matrix itself as preconditioner: Galerkin products on every level, Chebyshev
//! smoothing (Adams, Brezina, Hu, Tuminaro, J. Comput. Phys. 188, 2003), elimination on the coarsest.

use super::galerkin::Transfer;
use super::lattice::Lattice;
use super::passes;
use super::stencil::Stencil;
use crate::backend::reduce;

/// Degree of the smoother.
const DEGREE: usize = 3;
/// The part of the spectrum that is left to coarser levels.
const SMOOTHED: f64 = 0.25;
/// Power iterations for the largest eigenvalue, and what is added to their estimate.
const POWER_ITERATIONS: usize = 8;
const MARGIN: f64 = 1.1;
/// Added to the scaled matrix of the coarsest level, and the least pivot.
const REGULARISATION: f64 = 1e-13;

/// One level, and the way to the next.
#[derive(Clone, Debug)]
struct Level {
    matrix: Stencil,
    /// The largest eigenvalue of D⁻¹A, with a margin.
    highest: f64,
    transfer: Transfer,
    /// Matrices between the axes.
    matrices: Vec<Stencil>,
    rhs: Vec<f64>,
    solution: Vec<f64>,
    residual: Vec<f64>,
    direction: Vec<f64>,
    product: Vec<f64>,
}

/// The hierarchy for one lattice and the memory of the solver.
#[derive(Clone, Debug)]
pub(super) struct Multigrid {
    levels: Vec<Level>,
    coarsest: Elimination,
    residual: Vec<f64>,
    direction: Vec<f64>,
    product: Vec<f64>,
}

impl Level {
    fn new(lattice: Lattice) -> Self {
        let transfer = Transfer::new(&lattice);
        // The last is the next level's own.
        let between = transfer.halvings.len().saturating_sub(1);
        let halvings = transfer.halvings.iter().take(between);
        let matrices = halvings.map(|halving| Stencil::new(halving.coarse));
        let zeros = || vec![0.0; lattice.len()];
        Self {
            matrix: Stencil::new(lattice),
            highest: 1.0,
            matrices: matrices.collect(),
            transfer,
            rhs: zeros(),
            solution: zeros(),
            residual: zeros(),
            direction: zeros(),
            product: zeros(),
        }
    }

    /// Estimates the largest eigenvalue of D⁻¹A.
    fn measure(&mut self) {
        let diagonal = &self.matrix.diagonal;
        passes::each(&mut self.direction, |node, value| {
            // Any vector without structure; always the same.
            let mixed = (node as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            *value = (mixed >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
        });
        let norm = |x: &[f64]| reduce::sum(x.len(), |i| x[i] * x[i] * diagonal[i]).sqrt();
        let mut estimate = 1.0;
        for _ in 0..=POWER_ITERATIONS {
            let scale = 1.0 / norm(&self.direction);
            passes::each(&mut self.direction, |_, value| *value *= scale);
            self.matrix.apply(&self.direction, &mut self.product);
            let product = &self.product;
            passes::each(&mut self.direction, |node, value| {
                *value = product[node] / diagonal[node];
            });
            estimate = norm(&self.direction);
        }
        self.highest = MARGIN * estimate;
    }

    /// Chebyshev's iteration from `solution`, or from zero.
    fn smooth(&mut self, from_zero: bool) {
        let (high, low) = (self.highest, SMOOTHED * self.highest);
        let (middle, radius) = (0.5 * (high + low), 0.5 * (high - low));
        let sigma = middle / radius;
        let mut ratio = 1.0 / sigma;
        let diagonal = &self.matrix.diagonal;
        if from_zero {
            self.solution.fill(0.0);
            self.residual.copy_from_slice(&self.rhs);
        } else {
            self.matrix.apply(&self.solution, &mut self.product);
            let (rhs, product) = (&self.rhs, &self.product);
            passes::each(&mut self.residual, |i, value| *value = rhs[i] - product[i]);
        }
        let residual = &self.residual;
        passes::each(&mut self.direction, |i, value| {
            *value = residual[i] / (diagonal[i] * middle);
        });
        for round in 1..=DEGREE {
            let direction = &self.direction;
            passes::each(&mut self.solution, |i, value| *value += direction[i]);
            if round == DEGREE {
                break;
            }
            self.matrix.apply(&self.direction, &mut self.product);
            let product = &self.product;
            passes::each(&mut self.residual, |i, value| *value -= product[i]);
            let next = 1.0 / (2.0 * sigma - ratio);
            let (keep, add) = (next * ratio, 2.0 * next / radius);
            let residual = &self.residual;
            passes::each(&mut self.direction, |i, value| {
                *value = keep * *value + add * residual[i] / diagonal[i];
            });
            ratio = next;
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
    level.matrix.apply(&level.solution, &mut level.product);
    let (rhs, product) = (&level.rhs, &level.product);
    passes::each(&mut level.residual, |i, value| *value = rhs[i] - product[i]);
    level.transfer.restrict(&level.residual, &mut next.rhs);
    cycle(coarser, coarsest);
    level
        .transfer
        .prolong(&coarser[0].solution, &mut level.product);
    let correction = &level.product;
    passes::each(&mut level.solution, |i, value| *value += correction[i]);
    level.smooth(false);
}

impl Multigrid {
    pub fn new(lattice: Lattice) -> Self {
        let mut levels = vec![Level::new(lattice)];
        while let Some(coarse) = levels.last().and_then(|level| level.transfer.coarse()) {
            levels.push(Level::new(coarse));
        }
        let smallest = levels.last().map_or(0, |level| level.rhs.len());
        let zeros = || vec![0.0; lattice.len()];
        Self {
            levels,
            coarsest: Elimination::new(smallest),
            residual: zeros(),
            direction: zeros(),
            product: zeros(),
        }
    }

    /// The matrix of the finest level, to be filled before [`Multigrid::prepare`].
    pub fn matrix(&mut self) -> &mut Stencil {
        &mut self.levels[0].matrix
    }

    /// Makes the coarse matrices from the finest.
    pub fn prepare(&mut self) {
        for number in 1..self.levels.len() {
            let (finer, coarser) = self.levels.split_at_mut(number);
            let (level, next) = (&mut finer[number - 1], &mut coarser[0]);
            level.measure();
            let halvings = &level.transfer.halvings;
            let last = halvings.len() - 1;
            for (number, halving) in halvings.iter().enumerate() {
                let (before, after) = level.matrices.split_at_mut(number);
                let from = before.last().unwrap_or(&level.matrix);
                let to = if number == last {
                    &mut next.matrix
                } else {
                    &mut after[0]
                };
                halving.product(from, to);
            }
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
    }

    /// Solves for `solution` until the residual, in the norm of the preconditioner, has fallen by `tolerance`, in at most `most`
    /// iterations; returns how many it took.
    pub fn solve(
        &mut self,
        rhs: &[f64],
        tolerance: f64,
        most: usize,
        solution: &mut [f64],
    ) -> usize {
        let Self {
            levels,
            coarsest,
            residual,
            direction,
            product,
        } = self;
        solution.fill(0.0);
        residual.copy_from_slice(rhs);
        let mut precondition = |residual: &[f64], levels: &mut Vec<Level>| {
            levels[0].rhs.copy_from_slice(residual);
            cycle(levels, coarsest);
        };
        precondition(residual, levels);
        direction.copy_from_slice(&levels[0].solution);
        let mut size = passes::dot(residual, direction);
        let enough = tolerance * tolerance * size;
        for iteration in 1..=most {
            if size <= 0.0 || size.is_nan() {
                return iteration - 1;
            }
            levels[0].matrix.apply(direction, product);
            let length = size / passes::dot(direction, product);
            if !length.is_finite() {
                return iteration - 1;
            }
            passes::each(solution, |i, value| *value += length * direction[i]);
            passes::each(residual, |i, value| *value -= length * product[i]);
            precondition(residual, levels);
            let after = passes::dot(residual, &levels[0].solution);
            if after <= enough || after.is_nan() {
                return iteration;
            }
            let (share, preconditioned) = (after / size, &levels[0].solution);
            passes::each(direction, |i, value| {
                *value = preconditioned[i] + share * *value;
            });
            size = after;
        }
        most
    }
}

/// Cholesky's factorisation of a small matrix, scaled by its diagonal.
#[derive(Clone, Debug)]
struct Elimination {
    size: usize,
    scale: Vec<f64>,
    factor: Vec<f64>,
}

impl Elimination {
    fn new(size: usize) -> Self {
        Self {
            size,
            scale: vec![1.0; size],
            factor: vec![0.0; size * size],
        }
    }

    fn factorise(&mut self, matrix: &Stencil, unit: &mut [f64], column: &mut [f64]) {
        let n = self.size;
        for (scale, diagonal) in self.scale.iter_mut().zip(&matrix.diagonal) {
            *scale = 1.0 / diagonal.max(f64::MIN_POSITIVE).sqrt();
        }
        for j in 0..n {
            unit.fill(0.0);
            unit[j] = self.scale[j];
            matrix.apply(unit, column);
            for (i, value) in column.iter().enumerate() {
                self.factor[i * n + j] = self.scale[i] * value;
            }
            self.factor[j * n + j] += REGULARISATION;
        }
        for j in 0..n {
            for i in j..n {
                let [own, other] = [i, j].map(|row| &self.factor[row * n..][..j]);
                let known: f64 = own.iter().zip(other).map(|(a, b)| a * b).sum();
                let left = self.factor[i * n + j] - known;
                self.factor[i * n + j] = if i == j {
                    left.max(REGULARISATION).sqrt()
                } else {
                    left / self.factor[j * n + j]
                };
            }
        }
    }

    fn solve(&self, rhs: &[f64], solution: &mut [f64]) {
        let n = self.size;
        for i in 0..n {
            let row = &self.factor[i * n..][..n];
            let known: f64 = (0..i).map(|j| row[j] * solution[j]).sum();
            solution[i] = (self.scale[i] * rhs[i] - known) / row[i];
        }
        for i in (0..n).rev() {
            let known: f64 = (i + 1..n)
                .map(|j| self.factor[j * n + i] * solution[j])
                .sum();
            solution[i] = (solution[i] - known) / self.factor[i * n + i];
        }
        for (value, scale) in solution.iter_mut().zip(&self.scale) {
            *value *= scale;
        }
    }
}
