//! The gradient flow π ∂t r = ∇·(π ∇ψ(r)) and its methods, one file each.

mod couplings;
mod diffusion;
pub mod explicit;
pub mod implicit;
pub mod jko;
mod method;
mod start;

pub use crate::problem::{Problem, State};
pub use couplings::Couplings;
pub use diffusion::Diffusion;
pub use explicit::{Explicit, SweepDevice};
pub use implicit::{Implicit, Stepping};
pub use jko::{Jko, JkoSettings};
pub use method::{Advance, Cell, Claims, FlowError, Method, Transport};
pub use start::{Device, MethodSettings, start};
