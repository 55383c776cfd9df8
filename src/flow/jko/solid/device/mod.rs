//! The linear systems of a step on a GPU: the conjugate gradients and the V-cycle of [`super::multigrid`] in f32, for corrections to a solution in
//! f64 (docs/precision.md, "JKO steps on a GPU").
//!
//! A direction that f32 leaves wrong costs iterations and nothing else: whether it is followed, how far, and what is certified is decided in f64.

mod equations;
mod levels;
mod shader;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

use super::elimination::Elimination;
use super::multigrid::{self, dampings};
use super::passes;
use super::stencil::Stencil;
use crate::backend::gpu::{Gpu, GpuError, Kernels, Memory};
use crate::elliptic::device::{Ending, Passes, Solver};
use levels::{NodeLevel, Transfers};

pub use shader::stencil_shader;

/// What one round may be asked for: an error that f32 can leave.
const SMALLEST_TOLERANCE: f64 = 1e-5;
/// A round that leaves more than this of the error before shows that f32 resolves no more.
const STALLED: f64 = 0.5;

/// The levels on a device and the solver there.
#[derive(Clone, Debug)]
pub(super) struct DeviceSolver {
    levels: Vec<NodeLevel>,
    solver: Solver,
    /// What the matrices are multiplied by, so that the largest entry on the diagonal of the finest is 1.
    unit: f64,
    /// 1 at every node.
    ones: Vec<f64>,
    /// Row sums.
    sums: Vec<f64>,
    /// What goes to the device.
    single: Vec<f32>,
}

impl DeviceSolver {
    /// Memory and kernels for the levels of a hierarchy.
    ///
    /// # Errors
    ///
    /// Fields that the device has no room for; a failure of it.
    pub fn new(gpu: &Gpu, levels: &[multigrid::Level]) -> Result<Self, GpuError> {
        let finest = &levels[0].matrix;
        let solid = !finest.lattice.axes[1].missing;
        let kernels = Kernels::new(gpu, "stencil", stencil_shader(solid))?;
        let passes = Passes::new(&kernels)?;
        let transfers = Transfers::new(&kernels)?;
        let memory = Memory::new(gpu, finest.rows().len())?;
        let levels: Result<Vec<_>, _> = levels
            .iter()
            .map(|level| NodeLevel::new(&memory, &transfers, level))
            .collect();
        let levels = levels?;
        let solver = Solver::new(gpu, memory, &passes, &levels, &dampings())?;
        let nodes = finest.lattice.len();
        Ok(Self {
            levels,
            solver,
            unit: 1.0,
            ones: vec![1.0; nodes],
            sums: vec![0.0; nodes],
            single: vec![0.0; finest.rows().len()],
        })
    }

    /// Takes the matrices of all levels over.
    ///
    /// # Errors
    ///
    /// A failure of the device.
    pub fn load(
        &mut self,
        levels: &[multigrid::Level],
        coarsest: &Elimination,
    ) -> Result<(), GpuError> {
        let largest = levels[0]
            .matrix
            .diagonal
            .iter()
            .copied()
            .fold(0.0, f64::max);
        self.unit = 1.0 / largest;
        let unit = self.unit;
        for (level, on_device) in levels.iter().zip(&self.levels) {
            let matrix = &level.matrix;
            let nodes = matrix.lattice.len();
            let memory = self.solver.memory();
            let mut write = |values, count: usize, number: &(dyn Fn(usize) -> f64 + Sync)| {
                let single = &mut self.single[..count];
                passes::each(single, |place, single| *single = number(place) as f32);
                memory.write(values, single)
            };
            let rows = matrix.rows();
            write(&on_device.fields.couplings, rows.len(), &|place| {
                unit * rows[place]
            })?;
            let sums = &mut self.sums[..nodes];
            matrix.apply(&self.ones[..nodes], sums);
            write(&on_device.fields.excess, nodes, &|node| unit * sums[node])?;
            write(&on_device.fields.inverse, nodes, &|node| {
                1.0 / (unit * level.highest * matrix.diagonal[node])
            })?;
            if let Some(factor) = &on_device.factor {
                let inverse = coarsest.inverse_factor();
                let root = unit.sqrt();
                write(factor, inverse.len(), &|place| inverse[place] / root)?;
            }
        }
        Ok(())
    }

    /// As [`multigrid::Multigrid::solve`], to what f32 can resolve of each correction, with memory for two fields. What it cannot resolve is left.
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
        residual.copy_from_slice(rhs);
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
                *residual = rhs[node] - known[node]
            });
        }
        Ok(iterations)
    }
}
