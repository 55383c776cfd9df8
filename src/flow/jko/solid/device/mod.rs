//! JKO steps on a GPU: the loops over places in f64 ([`cells`]), and the linear systems, conjugate gradients and the V-cycle of [`super::multigrid`], in f32 for
//! corrections to a solution in f64 (docs/precision.md, "JKO steps on a GPU").
//!
//! A direction that f32 leaves wrong costs iterations and nothing else: whether it is followed, how far, and what is certified is decided in f64.

mod cells;
mod equations;
mod fields;
mod galerkin;
mod kernels;
mod levels;
mod shader;
mod sorting;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

use super::elimination::Elimination;
use super::galerkin::Transfer;
use super::lattice::Lattice;
use super::multigrid::dampings;
use super::passes;
use super::stencil::{Stencil, entries, power_of_two};
use crate::backend::gpu::{GpuError, Memory, Program};
use crate::elliptic::device::{Ending, Solver};
use levels::NodeLevel;

pub(super) use cells::DeviceCells;
pub(super) use kernels::Device;
pub use shader::{cells_shader, galerkin_shader, sorting_shader, stencil_shader};

/// What one round may be asked for: an error that f32 can leave.
const SMALLEST_TOLERANCE: f64 = 1e-5;
/// A round that leaves more than this of the error before shows that f32 resolves no more.
const STALLED: f64 = 0.5;
/// As in [`super::multigrid`], for a matrix of f32: what products of many lattices leave of an entry.
const REGULARISATION: f64 = 1e-6;

/// The levels on a device and the solver there.
#[derive(Clone, Debug)]
pub(super) struct DeviceSolver {
    levels: Vec<NodeLevel>,
    solver: Solver,
    /// Makes the coarser matrices.
    preparation: Program,
    /// The matrix of the coarsest level, and its factorisation.
    coarsest: (Stencil, Elimination),
    /// The power of two that the matrices are multiplied by, so that the largest entry on the diagonal of the finest is about 1.
    unit: f64,
    /// What goes to the device.
    single: Vec<f32>,
}

impl DeviceSolver {
    /// Memory and kernels for a lattice and its coarser ones.
    ///
    /// # Errors
    ///
    /// Fields that the device has no room for; a failure of it.
    pub fn new(device: &Device, lattice: &Lattice) -> Result<Self, GpuError> {
        let memory = Memory::new(&device.gpu, entries(lattice))?;
        let (mut levels, mut transfers) = (Vec::new(), Vec::new());
        let (mut next, mut coarsest) = (Some(*lattice), *lattice);
        while let Some(lattice) = next {
            let transfer = Transfer::new(&lattice);
            levels.push(NodeLevel::new(
                &memory,
                &device.transfers,
                &lattice,
                &transfer,
            )?);
            (next, coarsest) = (transfer.coarse(), lattice);
            transfers.push(transfer);
        }
        let Device {
            gpu,
            passes,
            matrices,
            ..
        } = device;
        let preparation = galerkin::preparation(gpu, matrices, &memory, &levels, &transfers)?;
        let solver = Solver::new(gpu, memory, passes, &levels, &dampings())?;
        Ok(Self {
            levels,
            solver,
            preparation,
            coarsest: (
                Stencil::new(coarsest),
                Elimination::new(coarsest.len(), REGULARISATION),
            ),
            unit: 1.0,
            single: vec![0.0; entries(lattice)],
        })
    }

    /// Takes the matrix of the finest level over, and makes the others.
    ///
    /// # Errors
    ///
    /// A failure of the device.
    pub fn load(&mut self, matrix: &Stencil) -> Result<(), GpuError> {
        let largest = matrix.diagonal.iter().copied().fold(0.0, f64::max);
        self.unit = power_of_two(1.0 / largest);
        let unit = self.unit;
        let memory = self.solver.memory();
        let finest = &self.levels[0].fields;
        let row = matrix.offsets * matrix.run;
        passes::chunks(&mut self.single, row, |number, single| {
            let mut entries = vec![0.0; row];
            matrix.expand(number, &mut entries);
            for (single, entry) in single.iter_mut().zip(entries) {
                *single = (unit * entry) as f32;
            }
        });
        memory.write(&finest.couplings, &self.single)?;
        let single = &mut self.single[..matrix.excess.len()];
        passes::each(single, |node, single| {
            *single = (unit * matrix.excess[node]) as f32
        });
        memory.write(&finest.excess, single)?;
        self.preparation.submit(1);
        self.eliminate()
    }

    /// Factorises the matrix of the coarsest level, in f64.
    fn eliminate(&mut self) -> Result<(), GpuError> {
        let Some(NodeLevel {
            fields,
            factor: Some(factor),
            ..
        }) = self.levels.last()
        else {
            return Ok(());
        };
        let memory = self.solver.memory();
        let (matrix, elimination) = &mut self.coarsest;
        let couplings = memory.read(&fields.couplings)?;
        let excess = memory.read(&fields.excess)?;
        let own = matrix.take(&couplings, &excess);
        // The device takes the diagonal for what the row sums leave, unless roundings of large entries beside it outweigh it.
        let mut pairs = own.iter().zip(&matrix.diagonal);
        let sound = pairs.all(|(own, left)| (left - own).abs() <= REGULARISATION * own);
        if !sound {
            matrix.diagonal = own;
        }
        let [mut unit, mut column] = [(); 2].map(|()| vec![0.0; fields.cells]);
        elimination.keeps_constants = sound;
        elimination.factorise(matrix, &mut unit, &mut column);
        let inverse = elimination.inverse_factor();
        let inverse: Vec<f32> = inverse.iter().map(|value| *value as f32).collect();
        memory.write(factor, &inverse)
    }

    /// As [`super::multigrid::Multigrid::solve`], to what f32 can resolve of each correction, with memory for two fields. What it cannot resolve is left.
    ///
    /// # Errors
    ///
    /// A failure of the device.
    pub fn solve(
        &mut self,
        matrix: &Stencil,
        rhs: &[f64],
        (tolerance, most): (f64, usize),
        (residual, product): (&mut [f64], &mut [f64]),
        solution: &mut [f64],
    ) -> Result<usize, GpuError> {
        solution.fill(0.0);
        let scale = matrix.scale;
        passes::each(residual, |node, residual| *residual = scale * rhs[node]);
        let diagonal = &matrix.diagonal;
        let (mut iterations, mut first, mut error, mut before) = (0, None, 1.0, f64::INFINITY);
        while iterations < most {
            let sizes = residual.par_iter().zip(diagonal);
            let sizes = sizes.map(|(residual, diagonal)| (residual / diagonal).abs());
            let largest = sizes.reduce(|| 0.0, f64::max);
            if largest == 0.0 || !largest.is_finite() {
                break;
            }
            let factor = self.unit / largest;
            let single = &mut self.single[..rhs.len()];
            let known: &[f64] = residual;
            passes::each(single, |node, single| {
                *single = (factor * known[node]) as f32
            });
            let asked = (tolerance / error).max(SMALLEST_TOLERANCE);
            let outcome = self.solver.solve(single, asked, most - iterations)?;
            // The error now, by the residual of f64.
            let size = largest * outcome.first.max(0.0).sqrt();
            let now = size / *first.get_or_insert(size);
            let found = outcome.x.par_iter().all(|number| number.is_finite());
            let fallen = now <= STALLED * before;
            if !fallen || outcome.ending == Ending::Broken || !found {
                break;
            }
            iterations += outcome.iterations;
            passes::each(solution, |node, value| {
                *value += largest * f64::from(outcome.x[node]);
            });
            (error, before) = (now * outcome.error, now);
            if error <= tolerance || outcome.ending == Ending::Exhausted {
                break;
            }
            matrix.apply(solution, product);
            let known: &[f64] = product;
            passes::each(residual, |node, residual| {
                *residual = scale * rhs[node] - known[node]
            });
        }
        Ok(iterations)
    }
}
