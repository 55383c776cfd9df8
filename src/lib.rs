//! Wasserstein gradient flows of GAN divergences.
//!
//! The rooms of the house, from the ground up; each may use those before it:
//! [`calculus`] (equations over readings of a number) → [`divergence`], [`grid`] → [`problem`] → [`backend`] → [`elliptic`] → [`metrics`] →
//! [`flow`], [`parametric`].
#![warn(missing_docs)]

pub mod backend;
pub mod calculus;
pub mod command;
pub mod density;
pub mod divergence;
pub mod elliptic;
pub mod exact;
pub mod flow;
pub mod grid;
pub mod metrics;
pub mod output;
pub mod parametric;
pub mod problem;
pub mod run;
pub mod scenario;
pub mod validation;
