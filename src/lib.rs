//! Wasserstein gradient flows of GAN divergences.
//!
//! The rooms of the house, from the ground up; each may use those before it:
//! [`calculus`] (equations over readings of a number) → [`divergence`], [`grid`] → [`flow`].
#![warn(missing_docs)]

pub mod calculus;
pub mod density;
pub mod divergence;
pub mod flow;
pub mod grid;
pub mod scenario;
