//! The roundings of one stage of the sweep, counted.
//!
//! With u = 2⁻²⁴, ψ the node values, c the time step / h², and S_i = Σ_faces c (σ_j/σ_i)(|ψ_j| + |ψ_i|), one stage computes
//! G_i = r_i + Σ_faces c σ_j(ψ_j − ψ_i)/σ_i. The errors of one evaluation, in units of u·S_i:
//!
//! | | CPU | device | |
//! |---|---|---|---|
//! | ψ | 5 | 9 | CPU: ln(1+r) 2.5 ulp = 5u. Device: ln(1+r) 3.5 ulp = 7u, √r 4.5 ulp = 9u |
//! | ψ_j − ψ_i, times σ_j | 2 | 2 | |
//! | sums over two faces and three axes, times c | 4 | 4 | in any order: S_i bounds every partial sum |
//! | ÷ σ_i | 1 | 5 | device: 2.5 ulp |
//! | together | 12 | 20 | |
//!
//! and u|G_i| for the last addition. Rounding σ_j, σ_i and c to f32 beforehand is a further 3u·S_i against the unrounded problem. The mean
//! with the start s of the step is a further 3u(|G_i| + |s_i|). Second-order terms and the difference of S_i between two evaluations are
//! below one part in 100.
//!
//! From step to step: the stage is monotone (the step satisfies the bound) and conserves Σ σ_i² r_i, so by Crandall and Tartar
//! (Proc. AMS 78, 1980) it does not increase Σ σ_i² |r_i − r'_i|. In this norm, which is that of L1 of ρ, the errors of the steps add up
//! with factor one.

use ottoflow::grid::{Axis, Boundary, Grid};

/// u of f32.
pub const ROUNDOFF: f64 = 1.0 / 16_777_216.0;
/// Errors of a stage on the CPU, in u·S_i.
pub const CPU: f64 = 12.0;
/// Errors of a stage on a device, in u·S_i.
pub const DEVICE: f64 = 20.0;
/// Room for the second-order terms.
pub const SECOND_ORDER: f64 = 1.01;

/// Axis and index of the two neighbours of a cell along every axis; at a closed end it is its own neighbour.
pub fn neighbours(grid: &Grid, cell: usize) -> impl Iterator<Item = (usize, usize)> {
    let (_, ny, nx) = grid.shape();
    let strides = [1, nx, nx * ny];
    let both = move |(axis, described): (usize, &Axis)| {
        let (n, stride) = (described.cells, strides[axis]);
        let position = cell / stride % n;
        let periodic = described.boundary == Boundary::Periodic;
        let before = match position {
            0 if periodic => cell + (n - 1) * stride,
            0 => cell,
            _ => cell - stride,
        };
        let after = match position + 1 {
            next if next < n => cell + stride,
            _ if periodic => cell - (n - 1) * stride,
            _ => cell,
        };
        [(axis, before), (axis, after)]
    };
    grid.axes().iter().enumerate().flat_map(both)
}
