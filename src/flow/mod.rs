//! The gradient flow π ∂t r = ∇·(π ∇ψ(r)) and its methods, one file each.

mod problem;

pub use problem::{Problem, State};
