//! The gradient flow π ∂t r = ∇·(π ∇ψ(r)) and its methods, one file each.

mod diffusion;
mod problem;

pub use diffusion::Diffusion;
pub use problem::{Problem, State};
