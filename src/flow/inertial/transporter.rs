use super::device::DeviceTransport;
use super::faces::{FaceField, Faces};
use super::transport::{Carried, Transport};
use crate::backend::gpu::{Gpu, GpuError};

/// The transport of momentum where the linear systems are solved.
#[derive(Clone, Debug)]
pub(super) enum Transporter {
    Host(Transport),
    Device(Box<DeviceTransport>),
}

impl Transporter {
    /// On a GPU, if one is given.
    ///
    /// # Errors
    ///
    /// What [`DeviceTransport::new`] finds.
    pub fn new(gpu: Option<&Gpu>, faces: &Faces) -> Result<Self, GpuError> {
        Ok(match gpu {
            None => Self::Host(Transport::new(faces)),
            Some(gpu) => Self::Device(Box::new(DeviceTransport::new(gpu, faces)?)),
        })
    }

    /// As [`Transport::add`].
    ///
    /// # Errors
    ///
    /// A failure of the device.
    pub fn add(
        &mut self,
        faces: &Faces,
        carried: Carried<'_>,
        factor: f64,
        target: &mut FaceField,
    ) -> Result<f64, GpuError> {
        match self {
            Self::Host(transport) => Ok(transport.add(faces, carried, factor, target)),
            Self::Device(transport) => transport.add(faces, carried, factor, target),
        }
    }
}
