use thiserror::Error;

use crate::backend::gpu::GpuError;

/// Why an elliptic system could not be set up or solved. Cells are given by their field index (z, y, x).
#[derive(Clone, Debug, PartialEq, Error)]
pub enum EllipticError {
    /// A field does not belong to the grid.
    #[error(
        "{name}: a field of shape {found:?} (z, y, x) found, {expected:?} in row-major order expected"
    )]
    Shape {
        /// Which field.
        name: &'static str,
        /// Its shape.
        found: (usize, usize, usize),
        /// The grid's shape.
        expected: (usize, usize, usize),
    },
    /// ln π is NaN or infinite.
    #[error(
        "cell {cell:?} (z, y, x): ln π = {value}, a finite number expected; mix a uniform background into the target (`floor`)"
    )]
    LogTarget {
        /// The cell.
        cell: (usize, usize, usize),
        /// The value found.
        value: f64,
    },
    /// π is too small beside its maximum for the format of the solver in 2-D and 3-D: 64-bit floats on the CPU, 32-bit on a GPU.
    #[error(
        "cell {cell:?} (z, y, x): ln π is {depth:.1} below its maximum, more than the {limit} that implicit steps can hold here (690 on the CPU in 2-D and 3-D, 60 on a GPU); \
         mix a uniform background into the target (`floor`) or make the box smaller"
    )]
    Underflow {
        /// The cell.
        cell: (usize, usize, usize),
        /// max ln π − ln π in the cell.
        depth: f64,
        /// The largest depth allowed.
        limit: f64,
    },
    /// A grid of one axis on a GPU.
    #[error(
        "in 1-D a linear system is eliminated cell after cell, on the CPU: there is nothing in it for a GPU; use --backend cpu"
    )]
    LineOnGpu,
    /// The GPU failed.
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// ln π jumps too far between neighbours.
    #[error(
        "cells {cell} and {neighbour} along x: ln π jumps by {jump:.1}, more than the {limit} that 64-bit floats can hold; \
         use more cells or mix a uniform background into the target (`floor`)"
    )]
    Jump {
        /// The cell.
        cell: usize,
        /// The cell after it.
        neighbour: usize,
        /// |ln π_j − ln π_i|.
        jump: f64,
        /// The largest jump allowed.
        limit: f64,
    },
    /// The scale s is not a positive finite number.
    #[error("scale s = {0}: a positive finite number expected")]
    Scale(f64),
    /// The tolerance is not in (0, 1].
    #[error("tolerance {0}: a positive number, 1 at most, expected")]
    Tolerance(f64),
    /// A slope ψ' is not positive and finite.
    #[error("cell {cell:?} (z, y, x): slope ψ' = {value}, a positive finite number expected")]
    Slope {
        /// The cell.
        cell: (usize, usize, usize),
        /// The value found.
        value: f64,
    },
    /// The solution overflowed, or the right-hand side was not finite.
    #[error(
        "cell {cell:?} (z, y, x): the solution is {value} for the right-hand side {rhs} at scale s = {scale}; take a smaller time step"
    )]
    NotFinite {
        /// The cell.
        cell: (usize, usize, usize),
        /// The solution found.
        value: f64,
        /// The right-hand side there.
        rhs: f64,
        /// The scale s.
        scale: f64,
    },
    /// Conjugate gradients did not reach the tolerance.
    #[error(
        "conjugate gradients: error {error:.3e} relative to the solution after {iterations} iterations, {tolerance:.1e} expected; take a smaller time step"
    )]
    NotConverged {
        /// Iterations made.
        iterations: usize,
        /// The error estimate reached, relative to the largest |x|.
        error: f64,
        /// The tolerance asked for.
        tolerance: f64,
    },
}
