//! The game of generator and critic as a dynamical system: its Jacobian, the eigenvalues, and what they say of a trained pair.
//!
//! Written sample by sample over any reading of a number, so that Jacobians are exact: a dual number carries the derivative through
//! the gradients of both players, their penalty included. Batches, as training has them, are held against this form by the tests.

mod pass;
mod play;
mod probe;
mod spectrum;

pub use play::{Game, GameRates};
pub use spectrum::{GameSpectrum, Growth};
