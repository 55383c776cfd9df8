use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytemuck::{Pod, Zeroable};

use super::pipeline::{buffer, layouts, pipelines};
use super::transfer::Transfer;
use super::{Gpu, GpuError, Tiling};
use crate::backend::Sweep;
use crate::grid::Grid;

/// A submission should take no longer than this, so that the device stays responsive, and not much less, so that the host is no brake.
const SUBMISSION: Duration = Duration::from_millis(100);
/// Stages in one submission at most: what a command buffer comfortably holds.
const LONGEST_SUBMISSION: usize = 4096;
/// Distance of the stages' constants in their buffer: the alignment that every adapter accepts.
const STAGE_STRIDE: u64 = 256;

/// `Cells` of the shader.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Cells {
    cells: [u32; 3],
    tiles: [u32; 2],
    march: u32,
    groups: u32,
    padding: u32,
}

/// `Stage` of the shader.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Stage {
    scale: [f32; 3],
    share: f32,
}

/// Which of the ratio buffers a stage reads, writes, and takes the start of the step from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Roles {
    current: usize,
    result: usize,
    start: usize,
}

/// The fields of a sweep in the memory of a device, and the sweep over them.
///
/// It holds σ and two fields of r; three if a method of several stages has been run.
pub struct GpuSweep {
    gpu: Gpu,
    tiling: Tiling,
    cells: usize,
    ratios: Vec<wgpu::Buffer>,
    /// Which buffer holds r.
    current: usize,
    weights: wgpu::Buffer,
    shape: wgpu::Buffer,
    transfer: Transfer,
    field_layout: wgpu::BindGroupLayout,
    stage_layout: wgpu::BindGroupLayout,
    fields: HashMap<Roles, wgpu::BindGroup>,
    stages: Option<(wgpu::Buffer, wgpu::BindGroup)>,
    /// Without and with the starting value.
    pipelines: [wgpu::ComputePipeline; 2],
    /// Stages that fit in the time of one submission, as far as is known.
    submission: usize,
}

impl GpuSweep {
    /// Compiles the sweep `S` for a grid and takes over the cell weights σ; call [`GpuSweep::load`] before the first step.
    ///
    /// # Errors
    /// [`GpuError::Length`] for another number of weights than cells, [`GpuError::TooLarge`] if a field does not fit in a buffer,
    /// [`GpuError::OutOfMemory`], and what the driver refuses.
    pub fn new<S: Sweep>(gpu: &Gpu, grid: &Grid, weight: &[f32]) -> Result<Self, GpuError> {
        let cells = grid.len();
        let bytes = 4 * cells as u64;
        let limit = gpu.adapter().largest_field;
        if bytes > limit {
            let adapter = gpu.adapter().name.clone();
            return Err(GpuError::TooLarge {
                adapter,
                cells,
                bytes,
                limit,
            });
        }
        let tiling = Tiling::new(grid);
        let [field_layout, stage_layout] = layouts(&gpu.device);
        let pipelines = pipelines::<S>(gpu, &tiling, [&field_layout, &stage_layout]);
        gpu.check("compiling the sweep")?;

        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
        let field = |label, usage| buffer(gpu, label, bytes, usage);
        let ratio = || field("ratio", usage | wgpu::BufferUsages::COPY_SRC);
        let shape_usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let mut sweep = Self {
            ratios: vec![ratio(), ratio()],
            current: 0,
            weights: field("weight", usage),
            shape: buffer(gpu, "cells", size_of::<Cells>() as u64, shape_usage),
            transfer: Transfer::new(gpu, size_of::<f32>() * cells),
            gpu: gpu.clone(),
            tiling,
            cells,
            field_layout,
            stage_layout,
            fields: HashMap::new(),
            stages: None,
            pipelines,
            submission: 1,
        };
        gpu.check("allocating the fields")?;
        let Tiling {
            cells,
            tiles,
            march,
            groups,
            ..
        } = tiling;
        let shape = Cells {
            cells,
            tiles,
            march,
            groups,
            padding: 0,
        };
        gpu.queue
            .write_buffer(&sweep.shape, 0, bytemuck::bytes_of(&shape));
        sweep.upload("weight", &sweep.weights, weight)?;
        sweep.bind_fields()?;
        Ok(sweep)
    }

    /// Sets the ratio r in every cell, x fastest.
    ///
    /// # Errors
    /// [`GpuError::Length`], or a failure of the device.
    pub fn load(&mut self, ratio: &[f32]) -> Result<(), GpuError> {
        self.upload("ratio", &self.ratios[self.current], ratio)
    }

    /// Makes `steps` steps of the stages with the given shares of the starting value (Shu–Osher form; `[0.0]` is forward Euler).
    /// `scale` is time step / h² for x, y, z.
    ///
    /// Values that are not finite are no error here: who reads the ratio checks it.
    ///
    /// # Errors
    /// A failure of the device.
    pub fn run(&mut self, shares: &[f64], scale: [f64; 3], steps: usize) -> Result<(), GpuError> {
        if shares.is_empty() {
            return Ok(());
        }
        if shares.iter().any(|share| *share != 0.0) && self.ratios.len() < 3 {
            let usage = self.ratios[0].usage();
            let start = buffer(&self.gpu, "ratio", self.ratios[0].size(), usage);
            self.ratios.push(start);
            self.gpu.check("allocating the field of a further stage")?;
            self.bind_fields()?;
        }
        self.set_stages(shares, scale)?;
        let mut left = steps;
        while left > 0 {
            let batch = left.min((self.submission / shares.len()).max(1));
            let begin = Instant::now();
            self.submit(shares, batch);
            self.gpu.wait("stepping")?;
            self.adapt(begin.elapsed(), batch * shares.len());
            left -= batch;
        }
        Ok(())
    }

    /// The ratio r in every cell, x fastest.
    ///
    /// # Errors
    /// A failure of the device.
    pub fn read(&self) -> Result<Vec<f32>, GpuError> {
        self.transfer.read(&self.ratios[self.current], self.cells)
    }

    fn upload(
        &self,
        field: &'static str,
        buffer: &wgpu::Buffer,
        values: &[f32],
    ) -> Result<(), GpuError> {
        if values.len() != self.cells {
            let (found, expected) = (values.len(), self.cells);
            return Err(GpuError::Length {
                field,
                found,
                expected,
            });
        }
        self.transfer.upload(buffer, values)
    }

    /// A bind group for every assignment of roles that a step can come to.
    fn bind_fields(&mut self) -> Result<(), GpuError> {
        let count = self.ratios.len();
        for current in 0..count {
            for result in (0..count).filter(|result| *result != current) {
                for start in (0..count).filter(|start| *start != result) {
                    let roles = Roles {
                        current,
                        result,
                        start,
                    };
                    let buffers = [
                        &self.ratios[current],
                        &self.weights,
                        &self.ratios[start],
                        &self.ratios[result],
                        &self.shape,
                    ];
                    let entries = [0, 1, 2, 3, 4].map(|binding| wgpu::BindGroupEntry {
                        binding,
                        resource: buffers[binding as usize].as_entire_binding(),
                    });
                    let group = self
                        .gpu
                        .device
                        .create_bind_group(&wgpu::BindGroupDescriptor {
                            label: Some("fields"),
                            layout: &self.field_layout,
                            entries: &entries,
                        });
                    self.fields.insert(roles, group);
                }
            }
        }
        self.gpu.check("binding the fields")
    }

    /// Writes the constants of the stages, in a new buffer only if there are more stages than before.
    fn set_stages(&mut self, shares: &[f64], scale: [f64; 3]) -> Result<(), GpuError> {
        let bytes = STAGE_STRIDE * shares.len() as u64;
        if self
            .stages
            .as_ref()
            .is_none_or(|(buffer, _)| buffer.size() < bytes)
        {
            let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
            let buffer = buffer(&self.gpu, "stages", bytes, usage);
            let resource = wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer: &buffer,
                offset: 0,
                size: wgpu::BufferSize::new(size_of::<Stage>() as u64),
            });
            let group = self
                .gpu
                .device
                .create_bind_group(&wgpu::BindGroupDescriptor {
                    label: Some("stage"),
                    layout: &self.stage_layout,
                    entries: &[wgpu::BindGroupEntry {
                        binding: 0,
                        resource,
                    }],
                });
            self.stages = Some((buffer, group));
        }
        if let Some((buffer, _)) = &self.stages {
            let scale = self.tiling.scale(scale).map(|scale| scale as f32);
            for (index, share) in shares.iter().enumerate() {
                let stage = Stage {
                    scale,
                    share: *share as f32,
                };
                let offset = STAGE_STRIDE * index as u64;
                self.gpu
                    .queue
                    .write_buffer(buffer, offset, bytemuck::bytes_of(&stage));
            }
        }
        self.gpu.check("setting the stages")
    }

    /// Sends `steps` steps to the device.
    fn submit(&mut self, shares: &[f64], steps: usize) {
        let Some((_, stages)) = &self.stages else {
            return;
        };
        let most = self.gpu.largest_dispatch();
        let groups = self.tiling.groups;
        let dispatch = (groups.min(most), groups.div_ceil(most));
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        for _ in 0..steps {
            let start = self.current;
            for (index, share) in shares.iter().enumerate() {
                let roles = roles(self.current, start, self.ratios.len());
                pass.set_pipeline(&self.pipelines[usize::from(*share != 0.0)]);
                pass.set_bind_group(0, &self.fields[&roles], &[]);
                pass.set_bind_group(1, stages, &[STAGE_STRIDE as u32 * index as u32]);
                pass.dispatch_workgroups(dispatch.0, dispatch.1, 1);
                self.current = roles.result;
            }
        }
        drop(pass);
        self.gpu.queue.submit([encoder.finish()]);
    }

    /// Learns from the time that a submission of `stages` stages took.
    fn adapt(&mut self, elapsed: Duration, stages: usize) {
        if elapsed > SUBMISSION {
            self.submission = (self.submission / 2).max(1);
        } else if elapsed < SUBMISSION / 3 && stages >= self.submission {
            self.submission = (2 * self.submission).min(LONGEST_SUBMISSION);
        }
    }
}

/// The roles of a stage that reads `current` in a step that began with `start`. With two buffers nothing is kept of the start.
fn roles(current: usize, start: usize, count: usize) -> Roles {
    match (0..count).find(|result| *result != current && *result != start) {
        Some(result) => Roles {
            current,
            result,
            start,
        },
        None => Roles {
            current,
            result: 1 - current,
            start: current,
        },
    }
}
