//! Generators, critics, metrics and optimizers held against dual numbers, dense linear algebra and closed forms.

mod cholesky;
mod connection;
mod damping;
mod distances;
mod game;
mod losses;
mod metrics;
mod network;
mod optimizers;
mod poisson;
mod rounding;
mod support;
mod training;
