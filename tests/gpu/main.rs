//! The GPU against the same equations in `f32` on the CPU, within bounds counted from the roundings.
//!
//! Any adapter will do; without hardware the software adapter of the Vulkan driver (lavapipe) is used. `OTTOFLOW_WITHOUT_GPU=1` skips
//! these tests aloud; without it a missing adapter is a failure.

mod elliptic;
mod errors;
mod functions;
#[path = "../shared/grids.rs"]
mod grids;
mod implicit;
mod jko;
mod motion;
mod pressure;
mod rounding;
#[path = "../shared/mod.rs"]
mod shared;
mod sweeps;
mod theory;
mod transport;
mod twin;

use ottoflow::backend::gpu::{Gpu, Selection};

/// The adapter under test, or nothing if the tests are to be skipped.
fn gpu() -> Option<Gpu> {
    if std::env::var_os("OTTOFLOW_WITHOUT_GPU").is_some_and(|value| value == "1") {
        println!("skipped: OTTOFLOW_WITHOUT_GPU=1");
        return None;
    }
    match Gpu::open(Selection::HardwareOrSoftware) {
        Ok(gpu) => Some(gpu),
        Err(error) => panic!(
            "{error}\nThe tests need an adapter; mesa-vulkan-drivers has one in software. OTTOFLOW_WITHOUT_GPU=1 skips them."
        ),
    }
}
