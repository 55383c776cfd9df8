//! Wasserstein distances: exactly in 1-D, by entropic transport without its bias elsewhere.

mod entropic;
mod line;

pub use entropic::{TransportToTarget, Unsettled};
pub use line::{wasserstein_1d, wasserstein_to_samples};
