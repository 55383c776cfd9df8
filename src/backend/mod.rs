//! Where loops run: shapes of kernels without physics, on the CPU ([`cpu`]) and on the GPU ([`gpu`]).

pub mod cpu;
pub mod gpu;
pub mod memory;
pub mod reduce;

use crate::calculus::Real;

/// One stencil sweep: the equation of a cell and its faces, over any reading of a number. Indexing and memory belong to the backends.
pub trait Sweep: Copy + Send + Sync + 'static {
    /// Once a cell: the quantity whose differences drive the faces.
    fn node<R: Real>(ratio: R) -> R;

    /// Inflow through one face into the own cell, up to the factor time step / h² and the division by the own weight.
    fn face<R: Real>(neighbour_weight: R, own_node: R, neighbour_node: R) -> R;

    /// The cell after a forward step with the summed `inflow` = Σ over the axes of (time step / h²) Σ over the two faces of
    /// [`Sweep::face`].
    fn cell<R: Real>(ratio: R, own_weight: R, inflow: R) -> R;
}
