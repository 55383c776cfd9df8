//! The implicit operator: known solutions, invariants, iteration counts, and the smallest eigenvalue.

mod eigenvalue;
#[path = "../shared/grids.rs"]
mod grids;
mod iterations;
mod line;
mod problems;
mod solid;
