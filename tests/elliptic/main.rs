//! The implicit operator: known solutions, invariants, iteration counts, and the smallest eigenvalue.

mod eigenvalue;
mod iterations;
mod line;
mod problems;
mod solid;
