//! JKO steps: accuracy, structure, certificate, and a minimiser of another kind.

mod accuracy;
mod adaptive;
mod grids;
mod independent;
mod many_cells;
mod narrow;
mod second_order;
mod second_order_solid;
mod setup;
mod solid;
mod structure;
mod wild;
