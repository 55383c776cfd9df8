//! Every method is held to every claim: orders, conservation, bounds, decay, equilibrium, errors.

mod equilibrium;
mod errors;
mod landing;
mod orders;
mod reproducible;
mod setup;
#[path = "../shared/mod.rs"]
mod shared;
mod single_precision;
mod structure;
