//! What JKO steps run on a device, compiled once for all grids of a step.

use super::galerkin::MatrixKernels;
use super::levels::Transfers;
use super::shader::{cells_shader, stencil_shader};
use super::sorting::SortingKernels;
use crate::backend::gpu::{Gpu, GpuError, Kernel, Kernels};
use crate::divergence::Divergence;
use crate::elliptic::device::Passes;
use crate::flow::jko::solid::iterate::direct;

/// A GPU with the kernels of steps of one divergence in two or three dimensions. Copies share them.
#[derive(Clone, Debug)]
pub(in crate::flow::jko::solid) struct Device {
    pub(super) gpu: Gpu,
    pub(super) passes: Passes,
    pub(super) transfers: Transfers,
    pub(super) matrices: MatrixKernels,
    /// Where it computes in f64.
    pub(super) places: Option<(CellKernels, SortingKernels)>,
    /// Cells of a coarser grid at least for which it is used.
    pub worthwhile: usize,
}

/// With fewer cells a device mostly waits for kernels to begin.
const WORTHWHILE: usize = 1 << 15;

impl Device {
    /// Compiles the kernels.
    ///
    /// # Errors
    ///
    /// A failure of the device.
    pub fn new<D: Divergence>(gpu: &Gpu, solid: bool) -> Result<Self, GpuError> {
        let stencil = Kernels::new(gpu, "stencil", stencil_shader(solid))?;
        let double = gpu.adapter().double_precision;
        let places = double.then(|| {
            Ok((
                CellKernels::new::<D>(gpu, solid)?,
                SortingKernels::new(gpu)?,
            ))
        });
        Ok(Self {
            passes: Passes::new(&stencil)?,
            transfers: Transfers::new(&stencil)?,
            matrices: MatrixKernels::new(gpu, solid, &stencil)?,
            places: places.transpose()?,
            worthwhile: WORTHWHILE,
            gpu: gpu.clone(),
        })
    }
}

/// The entry points.
#[derive(Clone, Debug)]
pub(super) struct CellKernels {
    pub find_feet: Kernel,
    /// Where r follows s at once.
    pub find_ratios: Option<Kernel>,
    pub move_ratios: Kernel,
    pub weigh_mass: Kernel,
    pub weigh_capacity: Kernel,
    pub weigh_excess: Kernel,
    pub add_up: Kernel,
    pub locate: Kernel,
    pub add_chunks: Kernel,
    pub gather: Kernel,
    pub weigh: Kernel,
    pub add_crowds: Kernel,
    pub assemble: Kernel,
    /// Splines beside a place.
    pub splines: usize,
}

impl CellKernels {
    /// Compiles them for a divergence, in two or three dimensions.
    ///
    /// # Errors
    ///
    /// A failure of the device.
    pub fn new<D: Divergence>(gpu: &Gpu, solid: bool) -> Result<Self, GpuError> {
        let kernels = Kernels::new(gpu, "cells", cells_shader::<D>(solid))?;
        let find_ratios = direct::<D>().then(|| kernels.kernel("find_ratios"));
        Ok(Self {
            find_feet: kernels.kernel("find_feet")?,
            find_ratios: find_ratios.transpose()?,
            move_ratios: kernels.kernel("move_ratios")?,
            weigh_mass: kernels.kernel("weigh_mass")?,
            weigh_capacity: kernels.kernel("weigh_capacity")?,
            weigh_excess: kernels.kernel("weigh_excess")?,
            add_up: kernels.kernel("add_up")?,
            locate: kernels.kernel("locate")?,
            add_chunks: kernels.kernel("add_chunks")?,
            gather: kernels.kernel("gather")?,
            weigh: kernels.kernel("weigh")?,
            add_crowds: kernels.kernel("add_crowds")?,
            assemble: kernels.kernel("assemble")?,
            splines: if solid { 27 } else { 9 },
        })
    }

    /// Pairs of splines beside a place, each once.
    pub fn pairs(&self) -> usize {
        self.splines * (self.splines + 1) / 2
    }
}
