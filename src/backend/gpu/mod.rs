//! The stencil sweep and programs of kernels on the GPU, through Vulkan, Metal or Direct3D 12, in single precision and, where an
//! adapter has it, in double precision.
//!
//! The equations are those of the CPU, traced to WGSL ([`crate::calculus::trace`]); the templates in `shaders/` say where they run. Nothing
//! here panics when there is no driver, no adapter or not enough memory: every failure is a [`GpuError`].

mod adapter;
mod device;
mod error;
mod pipeline;
mod program;
mod shader;
mod sweep;
mod transfer;

pub use adapter::{AdapterInfo, AdapterKind, Selection, adapters};
pub use device::Gpu;
pub use error::GpuError;
pub use program::{Kernel, Kernels, Memory, Program, Values};
pub use shader::{Tiling, WORKGROUP, rings, sweep_shader};
pub use sweep::GpuSweep;
