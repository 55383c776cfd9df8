use super::device::DeviceTerms;
use super::faces::{FaceField, Faces};
use super::pressure::add_explicit_pressure;
use super::transport::{Carried, Transport};
use crate::backend::gpu::{Gpu, GpuError};
use crate::divergence::Divergence;

/// The explicit terms of momentum to be added, each with the time that it counts for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Terms {
    /// Transport (docs/mathematics.md, eq. 39–42).
    Transport(f64),
    /// The explicit part of the pressure (eq. 46).
    Pressure(f64),
    /// Transport and pressure.
    Both(f64, f64),
}

impl Terms {
    pub fn transport(self) -> Option<f64> {
        match self {
            Self::Transport(factor) | Self::Both(factor, _) => Some(factor),
            Self::Pressure(_) => None,
        }
    }

    pub fn pressure(self) -> Option<f64> {
        match self {
            Self::Pressure(factor) | Self::Both(_, factor) => Some(factor),
            Self::Transport(_) => None,
        }
    }
}

/// Where the explicit terms of momentum are computed.
#[derive(Clone, Debug)]
pub(super) enum Explicit {
    Host {
        transport: Transport,
        /// One number a cell.
        scratch: Vec<f64>,
    },
    Device(Box<DeviceTerms>),
}

impl Explicit {
    /// On a GPU, if one is given.
    ///
    /// # Errors
    ///
    /// What [`DeviceTerms::new`] finds.
    pub fn new<D: Divergence>(gpu: Option<&Gpu>, faces: &Faces) -> Result<Self, GpuError> {
        Ok(match gpu {
            None => Self::Host {
                transport: Transport::new(faces),
                scratch: vec![0.0; faces.len()],
            },
            Some(gpu) => Self::Device(Box::new(DeviceTerms::new::<D>(gpu, faces)?)),
        })
    }

    /// Adds terms to the momentum in `target`. Returns what [`Transport::add`] finds crowded; 0 without transport.
    ///
    /// # Errors
    ///
    /// A failure of the device.
    pub fn add<D: Divergence>(
        &mut self,
        faces: &Faces,
        carried: Carried<'_>,
        terms: Terms,
        target: &mut FaceField,
    ) -> Result<f64, GpuError> {
        match self {
            Self::Host { transport, scratch } => {
                let crowded = match terms.transport() {
                    Some(factor) => transport.add(faces, carried, factor, scratch, target),
                    None => 0.0,
                };
                if let Some(factor) = terms.pressure() {
                    add_explicit_pressure::<D>(faces, carried, factor, scratch, target);
                }
                Ok(crowded)
            }
            Self::Device(device) => device.add(faces, carried, terms, target),
        }
    }
}
