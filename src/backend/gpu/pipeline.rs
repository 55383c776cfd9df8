use super::{Gpu, Tiling, sweep_shader};
use crate::backend::Sweep;

/// An empty buffer of `size` bytes.
pub(super) fn buffer(
    gpu: &Gpu,
    label: &'static str,
    size: u64,
    usage: wgpu::BufferUsages,
) -> wgpu::Buffer {
    gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size,
        usage,
        mapped_at_creation: false,
    })
}

/// The layouts of the fields and of a stage's constants.
pub(super) fn layouts(device: &wgpu::Device) -> [wgpu::BindGroupLayout; 2] {
    let entry = |binding, kind, has_dynamic_offset| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty: kind,
            has_dynamic_offset,
            min_binding_size: None,
        },
        count: None,
    };
    let storage = |read_only| wgpu::BufferBindingType::Storage { read_only };
    let uniform = wgpu::BufferBindingType::Uniform;
    let fields = [
        entry(0, storage(true), false),
        entry(1, storage(true), false),
        entry(2, storage(true), false),
        entry(3, storage(false), false),
        entry(4, uniform, false),
    ];
    let stage = [entry(0, uniform, true)];
    [("fields", &fields[..]), ("stage", &stage[..])].map(|(label, entries)| {
        let label = Some(label);
        device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label, entries })
    })
}

/// The sweep compiled without and with the starting value.
pub(super) fn pipelines<S: Sweep>(
    gpu: &Gpu,
    tiling: &Tiling,
    layouts: [&wgpu::BindGroupLayout; 2],
) -> [wgpu::ComputePipeline; 2] {
    let module = gpu
        .device
        .create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("sweep"),
            source: wgpu::ShaderSource::Wgsl(sweep_shader::<S>(tiling).into()),
        });
    let layout = gpu
        .device
        .create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("sweep"),
            bind_group_layouts: &layouts.map(Some),
            immediate_size: 0,
        });
    [0.0, 1.0].map(|with_start| {
        gpu.device
            .create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some("sweep"),
                layout: Some(&layout),
                module: &module,
                entry_point: Some("sweep"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &[("with_start", with_start)],
                    // Every place that is read has been written before.
                    zero_initialize_workgroup_memory: false,
                },
                cache: None,
            })
    })
}
