//! The loops over places of Newton's iteration on a device that computes in f64: feet, r, push-forward and matrix (docs/mathematics.md, eq. 26
//! to 30). The host keeps φ, its moments and sums, and takes feet and r back at the end.

use bytemuck::{Pod, Zeroable};

use super::fields::Fields;
use super::kernels::{CellKernels, Device};
use super::sorting::SortingKernels;
use crate::backend::gpu::{Gpu, GpuError, Memory, Values};
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
    run: u32,
    unused: [u32; 3],
}

impl Shape {
    /// With the centres of the cells as places.
    fn new(lattice: &Lattice, centres: &Centres) -> Self {
        let bits = lattice.axes.iter().enumerate();
        let bits = bits.map(|(bit, axis)| u32::from(axis.periodic) << bit);
        Self {
            nodes: lattice.counts().map(|count| count as u32),
            periodic: bits.sum(),
            cells: centres.counts().map(|count| count as u32),
            places: centres.len() as u32,
            run: run_of(lattice) as u32,
            unused: [0; 3],
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
    gpu: Gpu,
    lattice: Lattice,
    centres: Centres,
    memory: Memory,
    kernels: (CellKernels, SortingKernels),
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
    /// Memory for a lattice and its cells; none on a device that does not compute in f64.
    ///
    /// # Errors
    ///
    /// Fields that the device has no room for; a failure of it.
    pub fn new(
        device: &Device,
        lattice: &Lattice,
        centres: &Centres,
    ) -> Option<Result<Self, GpuError>> {
        let kernels = device.places.clone()?;
        Some(Self::with(kernels, &device.gpu, lattice, centres))
    }

    fn with(
        kernels: (CellKernels, SortingKernels),
        gpu: &Gpu,
        lattice: &Lattice,
        centres: &Centres,
    ) -> Result<Self, GpuError> {
        // Feet are what most is moved of at a time: four numbers of eight bytes a cell.
        let memory = Memory::new(gpu, 8 * centres.len())?;
        let nodes = || memory.zeros_of::<f64>(lattice.len());
        let shape = Shape::new(lattice, centres);
        let lengths = memory.zeros_of::<f64>(LENGTHS)?;
        let [potential, direction] = [nodes()?, nodes()?];
        let of_nodes = [&lengths, &potential, &direction];
        let fields = Fields::new(gpu, &memory, &kernels, shape, lattice, of_nodes)?;
        Ok(Self {
            gpu: gpu.clone(),
            lattice: *lattice,
            centres: *centres,
            kernels,
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

    /// Takes places, π V, feet and r over as the current iterate.
    ///
    /// # Errors
    ///
    /// Fields that the device has no room for; a failure of it.
    pub fn load(
        &mut self,
        points: &Points,
        target: &[f64],
        (feet, ratio): (&[Foot], &[f64]),
    ) -> Result<(), GpuError> {
        if self.fields.places != points.len() {
            let shape = Shape {
                places: points.len() as u32,
                ..Shape::new(&self.lattice, &self.centres)
            };
            let of_nodes = [&self.lengths, &self.potential, &self.direction];
            let (gpu, memory, lattice) = (&self.gpu, &self.memory, &self.lattice);
            self.fields = Fields::new(gpu, memory, &self.kernels, shape, lattice, of_nodes)?;
        }
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
    pub fn turn(&mut self, direction: &[f64]) -> Result<(), GpuError> {
        self.memory.write(&self.direction, direction)
    }

    /// The trial iterate at a share of the direction, where φ is a given potential.
    ///
    /// # Errors
    ///
    /// A failure of the device.
    pub fn go(&mut self, tau: f64, share: f64, coefficients: &[f64]) -> Result<(), GpuError> {
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
        let iterate = if of_trial {
            1 - self.current
        } else {
            self.current
        };
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
        self.sums[if of_trial {
            1 - self.current
        } else {
            self.current
        }]
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
        fields.assemble[self.current].submit(1);
        self.memory
            .read_from(&fields.couplings, 0, matrix.rows_mut())
    }
}

/// Numbers that all kernels read.
const LENGTHS: usize = 14;

#[cfg(test)]
mod tests;
