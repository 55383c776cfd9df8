//! What belongs to the places of a step in the memory of a device, and the programs over it.

use super::cells::Shape;
use super::kernels::CellKernels;
use super::shader::{RUN, WEIGHTS};
use super::sorting::{Sorting, SortingKernels};
use crate::backend::gpu::{Gpu, GpuError, Kernel, Memory, Program, Values, WORKGROUP};
use crate::flow::jko::solid::lattice::Lattice;
use crate::flow::jko::solid::stencil::{WIDTH, middle_width, run_of};

/// Entries of the matrix that are gathered together.
const ENTRIES: usize = 1 << 20;

/// Fields of two iterates, and programs for each of them as the current one.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    pub places: usize,
    pub feet: [Values; 2],
    pub ratios: [Values; 2],
    pub targets: Values,
    /// Places that are no centres.
    pub further: Values,
    pub moments: Values,
    /// Four sums for each of so many runs of places.
    pub sums: Values,
    pub parts_of_sums: usize,
    pub couplings: Values,
    /// Feet of the potential, from those of one iterate for the other one; r of the other one.
    pub find: [Program; 2],
    pub follow: [Program; 2],
    /// Sorts the places of an iterate, adds its mass to the moments, and makes its sums.
    pub evaluate: [Program; 2],
    /// Moments of the other masses, and the weights of the matrix, for places that have been sorted.
    pub excess: [Program; 2],
    pub capacity: [Program; 2],
    pub weigh: [Program; 2],
    /// The matrix of what has been weighed, some rows of nodes after the other, so that none takes long.
    pub assemble: Vec<Program>,
}

/// What programs are made of.
struct Parts<'a> {
    gpu: &'a Gpu,
    kernels: &'a CellKernels,
    shape: Shape,
    nodes: usize,
    lengths: &'a Values,
    potential: &'a Values,
    feet: &'a [Values; 2],
    ratios: &'a [Values; 2],
    targets: &'a Values,
    further: &'a Values,
    masses: &'a Values,
    sorting: &'a Sorting,
    partial_sums: &'a Values,
    moments: &'a Values,
}

impl Parts<'_> {
    /// A program with one kernel for all places.
    fn program(&self, kernel: &Kernel, operands: &[(u32, &Values)]) -> Result<Program, GpuError> {
        let mut program = Program::new(self.gpu);
        self.add(kernel, operands, self.shape.places as usize, &mut program)?;
        Ok(program)
    }

    fn add(
        &self,
        kernel: &Kernel,
        operands: &[(u32, &Values)],
        invocations: usize,
        program: &mut Program,
    ) -> Result<(), GpuError> {
        let groups = invocations.div_ceil(WORKGROUP);
        program.add(kernel, &self.shape, operands, groups)
    }

    /// What the potential leads to from an iterate.
    fn find(&self, from: usize) -> Result<Program, GpuError> {
        let operands = [
            (1, self.lengths),
            (2, self.potential),
            (3, self.further),
            (4, &self.feet[from]),
            (5, &self.feet[1 - from]),
        ];
        self.program(&self.kernels.find_feet, &operands)
    }

    /// r of the other iterate, at a share of a direction.
    fn follow(&self, from: usize, direction: &Values) -> Result<Program, GpuError> {
        let operands = [
            (1, self.lengths),
            (2, direction),
            (4, &self.feet[from]),
            (6, &self.ratios[from]),
            (7, &self.ratios[1 - from]),
        ];
        self.program(&self.kernels.move_ratios, &operands)
    }

    /// Moments of masses that a kernel makes.
    fn add_moments(
        &self,
        (kernel, operands): (&Kernel, &[(u32, &Values)]),
        iterate: usize,
        program: &mut Program,
    ) -> Result<(), GpuError> {
        self.add(kernel, operands, self.shape.places as usize, program)?;
        let operands = [
            (1, self.lengths),
            (4, &self.feet[iterate]),
            (7, self.partial_sums),
            (11, &self.sorting.order),
            (12, &self.sorting.starts),
            (13, &self.sorting.chunks),
            (14, self.masses),
        ];
        let chunks = self.sorting.most_chunks;
        self.add(&self.kernels.add_chunks, &operands, chunks, program)?;
        let operands = [
            (7, self.moments),
            (13, &self.sorting.chunks),
            (15, self.partial_sums),
        ];
        self.add(&self.kernels.gather, &operands, self.nodes, program)
    }

    fn evaluate(&self, iterate: usize, sums: &Values) -> Result<Program, GpuError> {
        let (feet, ratios) = (&self.feet[iterate], &self.ratios[iterate]);
        let kernels = self.kernels;
        let mut program = Program::new(self.gpu);
        let places = self.shape.places as usize;
        if let Some(find_ratios) = &kernels.find_ratios {
            self.add(find_ratios, &[(4, feet), (7, ratios)], places, &mut program)?;
        }
        let Sorting { keys, numbers, .. } = self.sorting;
        let operands = [(1, self.lengths), (4, feet), (9, keys), (10, numbers)];
        self.add(&kernels.locate, &operands, places, &mut program)?;
        program.extend(&self.sorting.program);
        let operands = [(6, ratios), (7, self.masses), (8, self.targets)];
        self.add_moments((&kernels.weigh_mass, &operands), iterate, &mut program)?;
        let operands = [
            (1, self.lengths),
            (3, self.further),
            (4, feet),
            (6, ratios),
            (7, sums),
            (8, self.targets),
        ];
        let runs = places.div_ceil(RUN);
        self.add(&kernels.add_up, &operands, runs, &mut program)?;
        Ok(program)
    }

    fn excess(&self, iterate: usize) -> Result<Program, GpuError> {
        let mut program = Program::new(self.gpu);
        let operands = [
            (4, &self.feet[iterate]),
            (6, &self.ratios[iterate]),
            (7, self.masses),
            (8, self.targets),
        ];
        self.add_moments(
            (&self.kernels.weigh_excess, &operands),
            iterate,
            &mut program,
        )?;
        Ok(program)
    }

    fn capacity(&self, iterate: usize) -> Result<Program, GpuError> {
        let mut program = Program::new(self.gpu);
        let ratios = &self.ratios[iterate];
        let operands = [(6, ratios), (7, self.masses), (8, self.targets)];
        self.add_moments(
            (&self.kernels.weigh_capacity, &operands),
            iterate,
            &mut program,
        )?;
        Ok(program)
    }

    /// The weights of places, and what crowds of them add to the matrix.
    fn weigh(
        &self,
        iterate: usize,
        (weights, crowd_sums): (&Values, &Values),
    ) -> Result<Program, GpuError> {
        let Sorting { order, starts, .. } = self.sorting;
        let operands = [
            (1, self.lengths),
            (2, self.potential),
            (4, &self.feet[iterate]),
            (6, &self.ratios[iterate]),
            (7, weights),
            (8, self.targets),
            (11, order),
        ];
        let mut program = self.program(&self.kernels.weigh, &operands)?;
        let operands = [
            (7, crowd_sums),
            (12, starts),
            (13, &self.sorting.crowds),
            (15, weights),
        ];
        let sums = self.kernels.pairs() * self.sorting.most_crowds;
        self.add(&self.kernels.add_crowds, &operands, sums, &mut program)?;
        Ok(program)
    }

    /// The entries of rows of nodes from one on, `length` entries each.
    fn assemble(
        &self,
        [weights, crowd_sums, couplings]: [&Values; 3],
        rows: std::ops::Range<usize>,
        length: usize,
    ) -> Result<Program, GpuError> {
        let operands = [
            (1, self.lengths),
            (12, &self.sorting.starts),
            (13, &self.sorting.crowds),
            (15, weights),
            (16, couplings),
            (17, crowd_sums),
        ];
        let mut shape = self.shape;
        shape.first_row = rows.start as u32;
        let groups = (rows.len() * length).div_ceil(WORKGROUP);
        let mut program = Program::new(self.gpu);
        program.add(&self.kernels.assemble, &shape, &operands, groups)?;
        Ok(program)
    }
}

impl Fields {
    /// Memory and programs for the places of a shape, over what belongs to the lattice: lengths, the potential, a direction.
    ///
    /// # Errors
    ///
    /// Fields that the device has no room for; a failure of it.
    pub fn new(
        gpu: &Gpu,
        memory: &Memory,
        (kernels, sorting): &(CellKernels, SortingKernels),
        shape: Shape,
        lattice: &Lattice,
        [lengths, potential, direction]: [&Values; 3],
    ) -> Result<Self, GpuError> {
        let places = shape.places as usize;
        let nodes = lattice.len();
        let numbers = |length| memory.zeros_of::<f64>(length);
        let of_places = || numbers(places);
        let feet = [numbers(4 * places)?, numbers(4 * places)?];
        let ratios = [of_places()?, of_places()?];
        let [targets, masses] = [of_places()?, of_places()?];
        // There may be none, and memory of no size is refused.
        let further = numbers(3 * (places - shape.centres()).max(1))?;
        let moments = numbers(nodes)?;
        let parts_of_sums = places.div_ceil(RUN);
        let sums = numbers(4 * parts_of_sums)?;
        let sorting = Sorting::new(gpu, memory, sorting, places, nodes)?;
        let partial_sums = numbers(kernels.splines * sorting.most_chunks)?;
        let weights = numbers(WEIGHTS * places)?;
        let crowd_sums = numbers((kernels.pairs() * sorting.most_crowds).max(1))?;
        let kept = WIDTH * middle_width(lattice) * WIDTH / 2;
        let rows = lattice.axes[0].count * lattice.axes[1].count;
        let couplings = memory.zeros(rows * kept * run_of(lattice))?;
        let parts = Parts {
            gpu,
            kernels,
            shape,
            nodes,
            lengths,
            potential,
            feet: &feet,
            ratios: &ratios,
            targets: &targets,
            further: &further,
            masses: &masses,
            sorting: &sorting,
            partial_sums: &partial_sums,
            moments: &moments,
        };
        let matrix = [&weights, &crowd_sums, &couplings];
        let weighed = (&weights, &crowd_sums);
        let length = kept * lattice.axes[2].count;
        let together = ENTRIES.div_ceil(length);
        let assemble = (0..rows).step_by(together).map(|first| {
            let rows = first..rows.min(first + together);
            parts.assemble(matrix, rows, length)
        });
        Ok(Self {
            find: [parts.find(0)?, parts.find(1)?],
            follow: [parts.follow(0, direction)?, parts.follow(1, direction)?],
            evaluate: [parts.evaluate(0, &sums)?, parts.evaluate(1, &sums)?],
            excess: [parts.excess(0)?, parts.excess(1)?],
            capacity: [parts.capacity(0)?, parts.capacity(1)?],
            weigh: [parts.weigh(0, weighed)?, parts.weigh(1, weighed)?],
            assemble: assemble.collect::<Result<_, _>>()?,
            places,
            feet,
            ratios,
            targets,
            further,
            moments,
            sums,
            parts_of_sums,
            couplings,
        })
    }
}
