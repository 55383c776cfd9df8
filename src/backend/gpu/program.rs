use bytemuck::Pod;

use super::pipeline::buffer;
use super::transfer::Transfer;
use super::{Gpu, GpuError};

/// Numbers of one kind in the memory of a device.
#[derive(Clone, Debug)]
pub struct Values {
    buffer: wgpu::Buffer,
    bytes: usize,
}

/// A shader with several entry points, each of which binds its operands in group 0.
#[derive(Clone, Debug)]
pub struct Kernels {
    gpu: Gpu,
    module: wgpu::ShaderModule,
}

/// One entry point, compiled.
#[derive(Clone, Debug)]
pub struct Kernel {
    name: &'static str,
    pipeline: wgpu::ComputePipeline,
}

impl Kernels {
    /// Takes over a shader in WGSL.
    ///
    /// # Errors
    /// What the driver refuses.
    pub fn new(gpu: &Gpu, label: &'static str, wgsl: String) -> Result<Self, GpuError> {
        let descriptor = wgpu::ShaderModuleDescriptor {
            label: Some(label),
            source: wgpu::ShaderSource::Wgsl(wgsl.into()),
        };
        let module = gpu.device.create_shader_module(descriptor);
        gpu.check("compiling a shader")?;
        Ok(Self {
            gpu: gpu.clone(),
            module,
        })
    }

    /// Compiles an entry point.
    ///
    /// # Errors
    /// What the driver refuses.
    pub fn kernel(&self, name: &'static str) -> Result<Kernel, GpuError> {
        let descriptor = wgpu::ComputePipelineDescriptor {
            label: Some(name),
            layout: None,
            module: &self.module,
            entry_point: Some(name),
            compilation_options: wgpu::PipelineCompilationOptions {
                // Every place that is read has been written before.
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            },
            cache: None,
        };
        let pipeline = self.gpu.device.create_compute_pipeline(&descriptor);
        self.gpu.check("compiling a shader")?;
        Ok(Kernel { name, pipeline })
    }
}

#[derive(Clone, Debug)]
struct Dispatch {
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    workgroups: [u32; 2],
}

/// A list of kernels with their operands, run in order; each sees what those before it wrote.
#[derive(Clone, Debug)]
pub struct Program {
    gpu: Gpu,
    dispatches: Vec<Dispatch>,
}

impl Program {
    /// An empty list.
    pub fn new(gpu: &Gpu) -> Self {
        Self {
            gpu: gpu.clone(),
            dispatches: Vec::new(),
        }
    }

    /// Adds a kernel with its constants, which are its uniform at binding 0, its operands by their bindings, and its number of workgroups.
    /// These are laid out in two dimensions where one does not hold them: a kernel counts `group.y · groups.x + group.x` and must pass over
    /// what is beyond its number.
    ///
    /// # Errors
    /// What the driver refuses: constants or operands other than those of the entry point among it.
    pub fn add(
        &mut self,
        kernel: &Kernel,
        constants: &impl Pod,
        operands: &[(u32, &Values)],
        workgroups: usize,
    ) -> Result<(), GpuError> {
        let gpu = &self.gpu;
        let bytes = bytemuck::bytes_of(constants);
        let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let uniform = buffer(gpu, "constants", bytes.len() as u64, usage);
        gpu.queue.write_buffer(&uniform, 0, bytes);
        let fields = operands
            .iter()
            .map(|(binding, values)| (*binding, &values.buffer));
        let entries: Vec<_> = std::iter::once((0, &uniform))
            .chain(fields)
            .map(|(binding, buffer)| wgpu::BindGroupEntry {
                binding,
                resource: buffer.as_entire_binding(),
            })
            .collect();
        let group = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(kernel.name),
            layout: &kernel.pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        gpu.check("binding the fields")?;
        let most = gpu.largest_dispatch();
        // No field has more than 2³² numbers, and a workgroup has at least one.
        let workgroups = workgroups as u32;
        self.dispatches.push(Dispatch {
            pipeline: kernel.pipeline.clone(),
            group,
            workgroups: [workgroups.min(most), workgroups.div_ceil(most)],
        });
        Ok(())
    }

    /// Adds the kernels of another list.
    pub fn extend(&mut self, other: &Self) {
        self.dispatches.extend(other.dispatches.iter().cloned());
    }

    /// Sends the list to the device `times` times over, without waiting for it.
    pub fn submit(&self, times: usize) {
        for _ in 0..times {
            let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
            let mut pass = encoder.begin_compute_pass(&Default::default());
            for dispatch in &self.dispatches {
                let [x, y] = dispatch.workgroups;
                pass.set_pipeline(&dispatch.pipeline);
                pass.set_bind_group(0, &dispatch.group, &[]);
                pass.dispatch_workgroups(x, y, 1);
            }
            drop(pass);
            self.gpu.queue.submit([encoder.finish()]);
        }
    }
}

/// The fields of a program: made, written and read.
#[derive(Clone, Debug)]
pub struct Memory {
    gpu: Gpu,
    transfer: Transfer,
}

impl Memory {
    /// Memory for fields of which none is read or written in more than `length` numbers of four bytes at a time.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], and what the driver refuses.
    pub fn new(gpu: &Gpu, length: usize) -> Result<Self, GpuError> {
        let transfer = Transfer::new(gpu, size_of::<f32>() * length);
        gpu.check("allocating the fields")?;
        Ok(Self {
            gpu: gpu.clone(),
            transfer,
        })
    }

    /// Zeros in single precision.
    ///
    /// # Errors
    /// [`GpuError::TooLarge`] if they do not fit in a buffer, [`GpuError::OutOfMemory`].
    pub fn zeros(&self, length: usize) -> Result<Values, GpuError> {
        self.zeros_of::<f32>(length)
    }

    /// Zeros of any kind.
    ///
    /// # Errors
    /// As [`Memory::zeros`].
    pub fn zeros_of<T: Pod>(&self, length: usize) -> Result<Values, GpuError> {
        let bytes = size_of::<T>() * length;
        let limit = self.gpu.adapter().largest_field;
        if bytes as u64 > limit {
            return Err(GpuError::TooLarge {
                adapter: self.gpu.adapter().name.clone(),
                cells: length,
                bytes: bytes as u64,
                limit,
            });
        }
        let usage = wgpu::BufferUsages::STORAGE
            | wgpu::BufferUsages::COPY_DST
            | wgpu::BufferUsages::COPY_SRC;
        let buffer = buffer(&self.gpu, "values", bytes as u64, usage);
        self.gpu.check("allocating the fields")?;
        Ok(Values { buffer, bytes })
    }

    /// Numbers from the host.
    ///
    /// # Errors
    /// As [`Memory::zeros`], or a failure of the device.
    pub fn values<T: Pod>(&self, numbers: &[T]) -> Result<Values, GpuError> {
        let values = self.zeros_of::<T>(numbers.len())?;
        self.write(&values, numbers)?;
        Ok(values)
    }

    /// Overwrites values from their start.
    ///
    /// # Errors
    /// [`GpuError::Length`] for more numbers than there are values, or a failure of the device.
    pub fn write<T: Pod>(&self, values: &Values, numbers: &[T]) -> Result<(), GpuError> {
        if size_of_val(numbers) > values.bytes {
            return Err(GpuError::Length {
                field: "values",
                found: numbers.len(),
                expected: values.bytes / size_of::<T>(),
            });
        }
        self.transfer.upload(&values.buffer, numbers)
    }

    /// Sets values to zero.
    pub fn clear(&self, values: &[&Values]) {
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        for values in values {
            encoder.clear_buffer(&values.buffer, 0, None);
        }
        self.gpu.queue.submit([encoder.finish()]);
    }

    /// Waits for what was submitted and reads values in single precision back.
    ///
    /// # Errors
    /// A failure of the device.
    pub fn read(&self, values: &Values) -> Result<Vec<f32>, GpuError> {
        let length = values.bytes / size_of::<f32>();
        self.transfer.read(&values.buffer, length)
    }

    /// The same for values of any kind from the one numbered `first` on, as many as there is memory for.
    ///
    /// # Errors
    /// [`GpuError::Length`] for more numbers than there are values, or a failure of the device.
    pub fn read_from<T: Pod>(
        &self,
        values: &Values,
        first: usize,
        numbers: &mut [T],
    ) -> Result<(), GpuError> {
        let size = size_of::<T>();
        if size * (first + numbers.len()) > values.bytes {
            return Err(GpuError::Length {
                field: "numbers",
                found: first + numbers.len(),
                expected: values.bytes / size,
            });
        }
        self.transfer.read_into(&values.buffer, first, numbers)
    }
}
