//! The one implicit operator of the program, c − ∇·(a∇), in 1-D, 2-D and 3-D.
//!
//! With a_ij = sqrt(π_i π_j)/h² on the face between the cells i and j (h the spacing along its axis) the system is
//!
//! π_i/ψ'_i x_i + s Σ_j a_ij (x_i − x_j) = π_i/ψ'_i b_i,
//!
//! or, each row divided by its first factor,
//!
//! x_i + s ψ'_i Σ_j sqrt(π_j/π_i)/h² (x_i − x_j) = b_i.                                                             (row-scaled)
//!
//! The second form is the interface: it keeps its digits where π underflows. In 1-D it is solved by elimination without
//! subtractions ([`Tridiagonal`]), in 2-D and 3-D by conjugate gradients on the first form, preconditioned by multigrid.

mod axis_map;
mod balance;
mod coarsening;
mod conjugate_gradients;
pub(crate) mod device;
mod eigenvalue;
mod equations;
mod error;
mod line;
mod multigrid;
mod operator;
mod prolongation;
mod restriction;
mod solid;
mod stencil;
mod tiles;
mod transfer;
mod tridiagonal;

use crate::backend::gpu::Gpu;
use crate::grid::{Field, Grid};
use device::DeviceSolid;
use line::Line;
use solid::Solid;

pub use device::elliptic_shader;
pub use eigenvalue::smallest_eigenvalue;
pub(crate) use equations::{first_jacobi, jacobi};
pub use error::EllipticError;
pub use tridiagonal::Tridiagonal;

/// What a solve took and reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// Iterations of conjugate gradients; 0 for elimination.
    pub iterations: usize,
    /// Largest |residual| of a cell relative to the sum of the sizes of its row's terms; 0 for elimination, which computes none.
    pub residual: f64,
    /// Largest estimated error of a cell relative to the largest |x|; 0 for elimination.
    pub error: f64,
}

impl Report {
    fn direct() -> Self {
        Self {
            iterations: 0,
            residual: 0.0,
            error: 0.0,
        }
    }
}

/// The operator on one grid with one target, and the memory its solver works in.
#[derive(Debug)]
pub struct Elliptic {
    shape: (usize, usize, usize),
    method: Method,
}

#[derive(Debug)]
enum Method {
    Line(Line),
    Solid(Box<Solid>),
    Device(Box<DeviceSolid>),
}

impl Elliptic {
    /// Sets up the operator for ln π, which need not be normalised.
    ///
    /// # Errors
    ///
    /// A field that is not of the grid's shape or not finite; a jump of ln π between neighbours above 1000 (1-D); ln π more than
    /// 690 below its maximum (2-D and 3-D).
    pub fn new(grid: &Grid, log_target: &Field) -> Result<Self, EllipticError> {
        let target = checked(grid, log_target)?;
        let method = match grid.axes() {
            [axis] => Method::Line(Line::new(axis, target)?),
            _ => Method::Solid(Box::new(Solid::new(grid, log_target)?)),
        };
        let shape = grid.shape();
        Ok(Self { shape, method })
    }

    /// Sets up the operator on a GPU: conjugate gradients and multigrid in f32 there, iterative refinement in f64 here, so that solutions are
    /// as accurate as those of [`Elliptic::new`].
    ///
    /// # Errors
    ///
    /// A grid of one axis, where elimination has no use for a GPU; a field that is not of the grid's shape or not finite; ln π more than 60
    /// below its maximum; a failure of the device.
    pub fn on_gpu(gpu: &Gpu, grid: &Grid, log_target: &Field) -> Result<Self, EllipticError> {
        checked(grid, log_target)?;
        if grid.dimension() == 1 {
            return Err(EllipticError::LineOnGpu);
        }
        let method = Method::Device(Box::new(DeviceSolid::new(gpu, grid, log_target)?));
        let shape = grid.shape();
        Ok(Self { shape, method })
    }

    /// Solves x_i + s ψ'_i Σ_j sqrt(π_j/π_i)/h² (x_i − x_j) = b_i for `solution`, whose values on entry are the first guess of an iteration.
    ///
    /// `scale` is s, `slope` ψ' > 0, `rhs` b. `tolerance` bounds the error of every cell relative to the largest |x|, as estimated by the
    /// preconditioner before that estimate is taken off, which leaves a hundredth to a thirtieth of it as a rule; 1 asks for one cycle of multigrid from 0. Elimination (1-D)
    /// does not need it.
    ///
    /// # Errors
    ///
    /// A field of another shape, a scale, slope or tolerance out of range, an overflow, no convergence.
    pub fn solve(
        &mut self,
        scale: f64,
        slope: &Field,
        rhs: &Field,
        tolerance: f64,
        solution: &mut Field,
    ) -> Result<Report, EllipticError> {
        if !(scale > 0.0 && scale.is_finite()) {
            return Err(EllipticError::Scale(scale));
        }
        if !(tolerance > 0.0 && tolerance <= 1.0) {
            return Err(EllipticError::Tolerance(tolerance));
        }
        let slopes = line::slice("slope", slope, self.shape)?;
        if let Some(index) = slopes
            .iter()
            .position(|value| !(*value > 0.0 && value.is_finite()))
        {
            let (cell, value) = (cell(index, self.shape), slopes[index]);
            return Err(EllipticError::Slope { cell, value });
        }
        let rhs = line::slice("rhs", rhs, self.shape)?;
        let found = solution.dim();
        let solution = match solution.as_slice_mut() {
            Some(numbers) if found == self.shape => numbers,
            _ => {
                return Err(EllipticError::Shape {
                    name: "solution",
                    found,
                    expected: self.shape,
                });
            }
        };
        match &mut self.method {
            Method::Line(line) => line.solve(scale, slopes, rhs, solution),
            // One hand-over to the thread pool for all the passes within.
            Method::Solid(solid) => {
                rayon::scope(|_| solid.solve(scale, slopes, rhs, tolerance, solution))
            }
            Method::Device(device) => device.solve(scale, slopes, rhs, tolerance, solution),
        }
    }
}

/// The numbers of ln π, if they fit the grid and are finite.
fn checked<'a>(grid: &Grid, log_target: &'a Field) -> Result<&'a [f64], EllipticError> {
    let target = line::slice("log_target", log_target, grid.shape())?;
    match log_target.indexed_iter().find(|(_, v)| !v.is_finite()) {
        Some((cell, &value)) => Err(EllipticError::LogTarget { cell, value }),
        None => Ok(target),
    }
}

/// The field index (z, y, x) of the cell at a position in row-major order.
fn cell(position: usize, (_, ny, nx): (usize, usize, usize)) -> (usize, usize, usize) {
    (position / (nx * ny), position / nx % ny, position % nx)
}
