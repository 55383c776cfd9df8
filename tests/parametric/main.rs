//! Generators, critics, metrics and optimizers held against dual numbers, dense linear algebra and closed forms.

mod cholesky;
mod damping;
mod distances;
mod game;
mod losses;
mod metrics;
mod network;
mod optimizers;
mod support;
mod training;
