use std::sync::mpsc;

use bytemuck::Pod;

use super::pipeline::buffer;
use super::{Gpu, GpuError};

/// Bytes moved between host and device at a time.
const TRANSFER: usize = 64 << 20;

/// Moves numbers between host and device, a piece at a time, so that the host holds few of them twice.
#[derive(Clone, Debug)]
pub(super) struct Transfer {
    gpu: Gpu,
    staging: wgpu::Buffer,
}

impl Transfer {
    /// A way for fields of up to so many bytes.
    pub fn new(gpu: &Gpu, bytes: usize) -> Self {
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let bytes = bytes.min(TRANSFER) as u64;
        Self {
            gpu: gpu.clone(),
            staging: buffer(gpu, "transfer", bytes, usage),
        }
    }

    /// Writes a buffer from its start.
    ///
    /// # Errors
    /// A failure of the device.
    pub fn upload<T: Pod>(&self, buffer: &wgpu::Buffer, values: &[T]) -> Result<(), GpuError> {
        let bytes = bytemuck::cast_slice::<T, u8>(values);
        for (index, chunk) in bytes.chunks(TRANSFER).enumerate() {
            let offset = (index * TRANSFER) as u64;
            self.gpu.queue.write_buffer(buffer, offset, chunk);
            // Each piece goes out before the next is staged, so that the host holds one at a time.
            self.gpu.queue.submit([]);
            self.gpu.wait("loading a field")?;
        }
        Ok(())
    }

    /// The first `length` numbers of a buffer.
    ///
    /// # Errors
    /// A failure of the device.
    pub fn read(&self, buffer: &wgpu::Buffer, length: usize) -> Result<Vec<f32>, GpuError> {
        let mut values = vec![0.0; length];
        self.read_into(buffer, 0, &mut values)?;
        Ok(values)
    }

    /// Fills `values` with the numbers of a buffer from the one numbered `first` on.
    ///
    /// # Errors
    /// A failure of the device.
    pub fn read_into<T: Pod>(
        &self,
        buffer: &wgpu::Buffer,
        first: usize,
        values: &mut [T],
    ) -> Result<(), GpuError> {
        let doing = "reading the result";
        let gpu = &self.gpu;
        let refused = |reason: String| GpuError::Refused {
            adapter: gpu.adapter().name.clone(),
            doing,
            reason,
        };
        let size = size_of::<T>();
        let piece = (self.staging.size() as usize / size).max(1);
        for (index, values) in values.chunks_mut(piece).enumerate() {
            let offset = (size * (first + piece * index)) as u64;
            let bytes = size_of_val(values) as u64;
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            encoder.copy_buffer_to_buffer(buffer, offset, &self.staging, 0, bytes);
            gpu.queue.submit([encoder.finish()]);
            let (sender, receiver) = mpsc::channel();
            self.staging
                .map_async(wgpu::MapMode::Read, ..bytes, move |mapped| {
                    // The receiver waits below; if it is gone there is nobody to tell.
                    let _ = sender.send(mapped);
                });
            gpu.wait(doing)?;
            let mapped = receiver
                .try_recv()
                .map_err(|error| refused(error.to_string()))?;
            mapped.map_err(|error| refused(error.to_string()))?;
            let view = self
                .staging
                .get_mapped_range(..bytes)
                .map_err(|error| refused(error.to_string()))?;
            // Bytes, for what is mapped need not be aligned for such numbers.
            bytemuck::cast_slice_mut::<T, u8>(values).copy_from_slice(&view);
            drop(view);
            self.staging.unmap();
        }
        gpu.check(doing)
    }
}
