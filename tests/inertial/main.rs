//! The damped inertial equation: exact laws, energy, equilibrium, limits, shocks, 2-D and 3-D, errors.

mod acceleration;
mod energy;
mod equilibrium;
mod errors;
mod exact_laws;
mod limits;
mod setup;
#[path = "../shared/mod.rs"]
mod shared;
mod shocks;
mod solid;
