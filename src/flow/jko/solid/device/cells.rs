//! The loops over places of Newton's iteration on a device that computes in f64: feet, r, push-forward and matrix (docs/mathematics.md, eq. 26
//! to 30). The host keeps φ, its moments and sums, and takes feet and r back at the end.

use bytemuck::{Pod, Zeroable};

use super::fields::Fields;
use super::kernels::{CellKernels, Device};
use super::sorting::SortingKernels;
use crate::backend::gpu::{GpuError, Memory, Values};
use crate::flow::jko::solid::feet::{Foot, reach};
use crate::flow::jko::solid::lattice::{Centres, Lattice};
use crate::flow::jko::solid::points::Points;
use crate::flow::jko::solid::stencil::{Stencil, run_of};

/// `Shape` of the shader.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub(super) struct Shape {
    nodes: [u32; 3],
    periodic: u32,
    cells: [u32; 3],
    pub places: u32,
    pitch: u32,
    pub first_row: u32,
    unused: [u32; 2],
}

impl Shape {
    fn new(lattice: &Lattice, centres: &Centres, places: usize) -> Self {
        let bits = lattice.axes.iter().enumerate();
        let bits = bits.map(|(bit, axis)| u32::from(axis.periodic) << bit);
        Self {
            nodes: lattice.counts().map(|count| count as u32),
            periodic: bits.sum(),
            cells: centres.counts().map(|count| count as u32),
            places: places as u32,
            pitch: run_of(lattice) as u32,
            first_row: 0,
            unused: [0; 2],
        }
    }

    /// Cells, whose centres are the first of the places.
    pub fn centres(&self) -> usize {
        self.cells.iter().map(|count| *count as usize).product()
    }
}

/// Sums over places: π V/f''(r), its products with |s − f'(r)| and its square, mass |x − y|².
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::flow::jko::solid) struct Sums {
    pub capacity: f64,
    pub changed: f64,
    pub squares: f64,
    pub cost: f64,
}

/// The places of a step on a device, their feet and r at the current and at a trial iterate.
#[derive(Clone, Debug)]
pub(in crate::flow::jko::solid) struct DeviceCells {
    device: Device,
    lattice: Lattice,
    centres: Centres,
    memory: Memory,
    lengths: Values,
    potential: Values,
    direction: Values,
    /// What belongs to places.
    fields: Fields,
    /// Whether feet and r of the current iterate are here.
    pub lent: bool,
    /// Which of the two iterates is the current one, and the sums of both.
    current: usize,
    sums: [Sums; 2],
}

impl DeviceCells {
    /// Memory for so many places in the cells of a lattice; none on a device that does not compute in f64 or has no room for them.
    ///
    /// # Errors
    ///
    /// A failure of the device.
    pub fn new(
        device: &Device,
        lattice: &Lattice,
        centres: &Centres,
        places: usize,
    ) -> Result<Option<Self>, GpuError> {
        let Some(kernels) = &device.places else {
            return Ok(None);
        };
        match Self::with(kernels, device, lattice, centres, places) {
            Ok(cells) => Ok(Some(cells)),
            Err(error) if error.lacks_room() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn with(
        kernels: &(CellKernels, SortingKernels),
        device: &Device,
        lattice: &Lattice,
        centres: &Centres,
        places: usize,
    ) -> Result<Self, GpuError> {
        // Feet are what most is moved of at a time: four numbers of eight bytes a place.
        let memory = Memory::new(&device.gpu, 8 * places)?;
        let nodes = || memory.zeros_of::<f64>(lattice.len());
        let shape = Shape::new(lattice, centres, places);
        let lengths = memory.zeros_of::<f64>(LENGTHS)?;
        let [potential, direction] = [nodes()?, nodes()?];
        let of_nodes = [&lengths, &potential, &direction];
        let fields = Fields::new(&device.gpu, &memory, kernels, shape, lattice, of_nodes)?;
        Ok(Self {
            device: device.clone(),
            lattice: *lattice,
            centres: *centres,
            lengths,
            potential,
            direction,
            fields,
            memory,
            lent: false,
            current: 0,
            sums: [Sums::default(); 2],
        })
    }

    /// The same for another number of places; what it holds is given back first.
    ///
    /// # Errors
    ///
    /// As [`DeviceCells::new`].
    pub fn with_places(self, places: usize) -> Result<Option<Self>, GpuError> {
        if self.fields.places == places {
            return Ok(Some(self));
        }
        let Self {
            device,
            lattice,
            centres,
            ..
        } = self;
        Self::new(&device, &lattice, &centres, places)
    }

    /// Takes places, π V, feet and r over as the current iterate.
    ///
    /// # Errors
    ///
    /// A failure of the device.
    pub fn load(
        &self,
        points: &Points,
        target: &[f64],
        (feet, ratio): (&[Foot], &[f64]),
    ) -> Result<(), GpuError> {
        let (memory, fields) = (&self.memory, &self.fields);
        memory.write(&fields.feet[self.current], feet)?;
        memory.write(&fields.ratios[self.current], ratio)?;
        memory.write(&fields.targets, target)?;
        memory.write(&fields.further, points.beyond_centres())?;
        self.set(1.0, 1.0, 1.0)
    }

    /// Sets what all kernels read.
    fn set(&self, tau: f64, share: f64, scale: f64) -> Result<(), GpuError> {
        let axes = &self.lattice.axes;
        let [longest, size] = reach(&self.lattice);
        let mut lengths = [0.0; LENGTHS];
        lengths[..4].copy_from_slice(&[tau, share, longest, size]);
        for axis in 0..3 {
            lengths[4 + axis] = axes[axis].spacing;
            lengths[7 + axis] = axes[axis].length();
            lengths[10 + axis] = self.centres.spacing()[axis];
        }
        lengths[13] = scale;
        self.memory.write(&self.lengths, &lengths)
    }

    /// Feet of a potential for this τ, from the current ones, into `feet`.
    ///
    /// # Errors
    ///
    /// A failure of the device.
    pub fn find_feet(
        &mut self,
        tau: f64,
        coefficients: &[f64],
        feet: &mut [Foot],
    ) -> Result<(), GpuError> {
        self.set(tau, 1.0, 1.0)?;
        self.memory.write(&self.potential, coefficients)?;
        let fields = &self.fields;
        fields.find[self.current].submit(1);
        let found = &fields.feet[1 - self.current];
        self.memory.read_from(found, 0, feet)
    }

    /// Takes on a direction of φ.
    ///
    /// # Errors
    ///
    /// A failure of the device.
    pub fn turn(&self, direction: &[f64]) -> Result<(), GpuError> {
        self.memory.write(&self.direction, direction)
    }

    /// The trial iterate at a share of the direction, where φ is a given potential.
    ///
    /// # Errors
    ///
    /// A failure of the device.
    pub fn go(&self, tau: f64, share: f64, coefficients: &[f64]) -> Result<(), GpuError> {
        self.set(tau, share, 1.0)?;
        self.memory.write(&self.potential, coefficients)?;
        self.fields.find[self.current].submit(1);
        self.fields.follow[self.current].submit(1);
        Ok(())
    }

    /// Sorts the places of the current or the trial iterate; Wᵀ(π r V) into `moments`, and its sums. Where r follows s at once, it is made.
    ///
    /// # Errors
    ///
    /// A failure of the device.
    pub fn evaluate(&mut self, of_trial: bool, moments: &mut [f64]) -> Result<(), GpuError> {
        let iterate = self.number(of_trial);
        let fields = &self.fields;
        fields.evaluate[iterate].submit(1);
        self.memory.read_from(&fields.moments, 0, moments)?;
        let mut parts = vec![[0.0; 4]; fields.parts_of_sums];
        self.memory.read_from(&fields.sums, 0, &mut parts)?;
        let mut sums = [0.0; 4];
        for part in &parts {
            for (sum, part) in sums.iter_mut().zip(part) {
                *sum += part;
            }
        }
        let [capacity, changed, squares, cost] = sums;
        self.sums[iterate] = Sums {
            capacity,
            changed,
            squares,
            cost,
        };
        Ok(())
    }

    /// The trial iterate becomes the current one.
    pub fn accept(&mut self) {
        self.current = 1 - self.current;
    }

    /// Sums of the current or the trial iterate.
    pub fn sums(&self, of_trial: bool) -> Sums {
        self.sums[self.number(of_trial)]
    }

    /// Which of the two iterates the current or the trial one is.
    fn number(&self, of_trial: bool) -> usize {
        if of_trial {
            1 - self.current
        } else {
            self.current
        }
    }

    /// Feet and r of the current iterate.
    ///
    /// # Errors
    ///
    /// A failure of the device.
    pub fn fetch(&self, feet: &mut [Foot], ratio: &mut [f64]) -> Result<(), GpuError> {
        let fields = &self.fields;
        let current = self.current;
        self.memory.read_from(&fields.feet[current], 0, feet)?;
        self.memory.read_from(&fields.ratios[current], 0, ratio)
    }

    /// Wᵀ((s − f'(r)) π V/f''(r)) of the current iterate, whose places were sorted last.
    ///
    /// # Errors
    ///
    /// A failure of the device.
    pub fn excess(&self, moments: &mut [f64]) -> Result<(), GpuError> {
        let fields = &self.fields;
        fields.excess[self.current].submit(1);
        self.memory.read_from(&fields.moments, 0, moments)
    }

    /// The matrix of the current iterate (eq. 30) without its last term, multiplied by a power of two, but for the diagonal.
    ///
    /// # Errors
    ///
    /// A failure of the device.
    pub fn assemble(
        &self,
        tau: f64,
        scale: f64,
        coefficients: &[f64],
        matrix: &mut Stencil,
    ) -> Result<(), GpuError> {
        let fields = &self.fields;
        matrix.hold();
        matrix.scale = scale;
        self.set(tau, 1.0, scale)?;
        self.memory.write(&self.potential, coefficients)?;
        fields.capacity[self.current].submit(1);
        self.memory
            .read_from(&fields.moments, 0, &mut matrix.excess)?;
        for excess in &mut matrix.excess {
            *excess *= scale;
        }
        fields.weigh[self.current].submit(1);
        for rows in &fields.assemble {
            rows.submit(1);
        }
        self.memory
            .read_from(&fields.couplings, 0, matrix.rows_mut())
    }
}

/// Numbers that all kernels read.
const LENGTHS: usize = 14;

#[cfg(test)]
mod tests;
