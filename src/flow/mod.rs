//! The gradient flow π ∂t r = ∇·(π ∇ψ(r)), the damped inertial equation, and their methods, one file each.

mod couplings;
mod diffusion;
pub mod explicit;
mod face_density;
pub mod implicit;
pub mod inertial;
pub mod jko;
mod method;
mod start;

pub use crate::problem::{Problem, State};
pub use couplings::Couplings;
pub use diffusion::Diffusion;
pub use explicit::{Explicit, SweepDevice};
pub use implicit::{Implicit, Stepping};
pub use inertial::{Friction, Inertial, InertialSettings, explicit_shader, rotational_share};
pub use jko::{Jko, JkoSettings, cells_shader, galerkin_shader, sorting_shader, stencil_shader};
pub use method::{Advance, Cell, Claims, FlowError, Method, Motion, Transport};
pub use start::{Device, MethodSettings, start};
