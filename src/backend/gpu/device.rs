use std::sync::{Arc, Mutex, PoisonError};

use super::adapter::{self, AdapterInfo, Selection};
use super::error::GpuError;

/// What the driver reported since the last look.
#[derive(Debug)]
enum Fault {
    OutOfMemory,
    Lost(String),
    Refused(String),
}

/// An opened device. Copies share it.
#[derive(Clone, Debug)]
pub struct Gpu {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    adapter: Arc<AdapterInfo>,
    fault: Arc<Mutex<Option<Fault>>>,
}

impl Gpu {
    /// Opens the best adapter of the selection: discrete before integrated before virtual, software last.
    ///
    /// # Errors
    /// [`GpuError::NoAdapter`] without one, [`GpuError::Device`] if it cannot be opened.
    pub fn open(selection: Selection) -> Result<Self, GpuError> {
        let adapter = adapter::select(selection)?;
        let info = adapter::describe(&adapter);
        let double_precision = if info.double_precision {
            adapter::DOUBLE_PRECISION
        } else {
            wgpu::Features::empty()
        };
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("ottoflow"),
            required_features: double_precision,
            required_limits: adapter.limits(),
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            ..Default::default()
        };
        let opened = pollster::block_on(adapter.request_device(&descriptor));
        let (device, queue) = opened.map_err(|error| GpuError::Device {
            adapter: info.name.clone(),
            reason: error.to_string(),
        })?;
        let fault = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&fault);
        device.on_uncaptured_error(Arc::new(move |error| {
            note(
                &seen,
                match error {
                    wgpu::Error::OutOfMemory { .. } => Fault::OutOfMemory,
                    other => Fault::Refused(other.to_string()),
                },
            );
        }));
        let seen = Arc::clone(&fault);
        device.set_device_lost_callback(move |reason, message| {
            // Dropping the device calls this too; nobody looks then.
            note(
                &seen,
                Fault::Lost(format!("{reason:?} {message}").trim().to_owned()),
            );
        });
        let adapter = Arc::new(info);
        Ok(Self {
            device,
            queue,
            adapter,
            fault,
        })
    }

    /// The adapter behind the device.
    pub fn adapter(&self) -> &AdapterInfo {
        &self.adapter
    }

    /// The largest number of workgroups along one dimension of a dispatch.
    pub(super) fn largest_dispatch(&self) -> u32 {
        self.device.limits().max_compute_workgroups_per_dimension
    }

    /// Takes note of what the driver reported while `doing` something.
    pub(super) fn check(&self, doing: &'static str) -> Result<(), GpuError> {
        let fault = self
            .fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let adapter = self.adapter.name.clone();
        match fault {
            None => Ok(()),
            Some(Fault::OutOfMemory) => Err(GpuError::OutOfMemory { adapter, doing }),
            Some(Fault::Lost(reason)) => Err(GpuError::Lost {
                adapter,
                doing,
                reason,
            }),
            Some(Fault::Refused(reason)) => Err(GpuError::Refused {
                adapter,
                doing,
                reason,
            }),
        }
    }

    /// Waits until everything submitted is done.
    pub(super) fn wait(&self, doing: &'static str) -> Result<(), GpuError> {
        let polled = self.device.poll(wgpu::PollType::wait_indefinitely());
        self.check(doing)?;
        polled.map(drop).map_err(|error| GpuError::Lost {
            adapter: self.adapter.name.clone(),
            doing,
            reason: error.to_string(),
        })
    }
}

/// Keeps the first fault: those that follow are its consequences. A lost device explains everything before it.
fn note(slot: &Mutex<Option<Fault>>, fault: Fault) {
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    if slot.is_none() || matches!(fault, Fault::Lost(_)) {
        *slot = Some(fault);
    }
}
