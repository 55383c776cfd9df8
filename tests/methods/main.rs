//! Every method is held to every claim: orders, conservation, bounds, decay, equilibrium, errors.

mod orders;

mod setup;

mod structure;
