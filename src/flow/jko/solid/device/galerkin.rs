//! The matrices of the coarser lattices, made on the device from that of the finest: Galerkin products, row sums, the largest eigenvalues.

use bytemuck::{Pod, Zeroable};

use super::levels::{AXES, NodeLevel, counts};
use super::shader::galerkin_shader;
use crate::backend::gpu::{Gpu, GpuError, Kernel, Kernels, Memory, Program, Values, WORKGROUP};
use crate::elliptic::device::{Level, STRIDE};
use crate::flow::jko::solid::galerkin::{Halving, Transfer};
use crate::flow::jko::solid::multigrid::{POWER_ITERATIONS, unstructured};
use crate::flow::jko::solid::stencil::{WIDTH, entries, run_of};

/// The size of the vector that power iterations begin with, so that what they make of it in tails is a number of f32, and its square too.
const START: f64 = 1.0 / (1 << 20) as f64;

/// `Halving` of the shader.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Constants {
    fine: [u32; 3],
    axis: u32,
    coarse: [u32; 3],
    pairs: u32,
    fine_run: u32,
    coarse_run: u32,
    unused: [u32; 2],
}

/// For each node and offset after the halving the entries before it, WIDTH · node + offset, with their weights; and how many an entry has at most.
fn pairs(halving: &Halving) -> (usize, Vec<f32>) {
    let terms = || {
        let nodes = halving.terms.iter();
        nodes.flat_map(|terms| {
            (0..WIDTH).map(|offset| terms.iter().filter(move |term| term.coarse == offset))
        })
    };
    let most = terms().map(Iterator::count).fold(1, usize::max);
    let pairs = terms().flat_map(|terms| {
        let pairs = terms
            .filter(|term| term.weight != 0.0)
            .map(|term| [(term.node * WIDTH + term.offset) as f32, term.weight as f32]);
        let padding = std::iter::repeat([0.0; 2]);
        pairs.chain(padding).take(most)
    });
    (most, pairs.flatten().collect())
}

/// Adds PᵀAP along one axis.
fn add_halving(
    kernel: &Kernel,
    memory: &Memory,
    halving: &Halving,
    (fine, coarse): (&Values, &Values),
    program: &mut Program,
) -> Result<(), GpuError> {
    let (most, pairs) = pairs(halving);
    let axis = AXES.iter().position(|axis| *axis == halving.axis);
    let constants = Constants {
        fine: counts(&halving.fine),
        axis: axis.map_or(0, |axis| axis as u32),
        coarse: counts(&halving.coarse),
        pairs: most as u32,
        fine_run: run_of(&halving.fine) as u32,
        coarse_run: run_of(&halving.coarse) as u32,
        unused: [0; 2],
    };
    let operands = [(1, fine), (2, coarse), (3, &memory.values(&pairs)?)];
    let groups = entries(&halving.coarse).div_ceil(WORKGROUP);
    program.add(kernel, &constants, &operands, groups)
}

/// The entry points that make matrices.
#[derive(Clone, Debug)]
pub(super) struct MatrixKernels {
    halve: Kernel,
    even: Kernel,
    amplify: Kernel,
    compare: Kernel,
    invert_diagonal: Kernel,
}

impl MatrixKernels {
    /// Compiles them, those of the shader of the linear systems among them.
    ///
    /// # Errors
    ///
    /// A failure of the device.
    pub fn new(gpu: &Gpu, solid: bool, stencil: &Kernels) -> Result<Self, GpuError> {
        let kernels = Kernels::new(gpu, "galerkin", galerkin_shader(solid))?;
        Ok(Self {
            halve: kernels.kernel("halve")?,
            even: stencil.kernel("even")?,
            amplify: stencil.kernel("amplify")?,
            compare: stencil.kernel("compare")?,
            invert_diagonal: stencil.kernel("invert_diagonal")?,
        })
    }
}

/// What makes everything that the solver needs from the couplings and row sums of the finest lattice, but for the elimination on the coarsest.
///
/// # Errors
///
/// Fields that the device has no room for; a failure of it.
pub(super) fn preparation(
    gpu: &Gpu,
    kernels: &MatrixKernels,
    memory: &Memory,
    levels: &[NodeLevel],
    transfers: &[Transfer],
) -> Result<Program, GpuError> {
    let spectrum = Spectrum::new(kernels, memory, levels[0].fields.cells)?;
    // Matrices between the axes, for one pair of levels after the other; the last axis makes that of the coarser one.
    let between: Result<Vec<_>, _> = [0, 1]
        .map(|number| {
            let halvings = transfers.iter().map(|transfer| &transfer.halvings);
            let sizes = halvings
                .filter(|halvings| number + 1 < halvings.len())
                .map(|halvings| entries(&halvings[number].coarse));
            sizes.max().map(|size| memory.zeros(size)).transpose()
        })
        .into_iter()
        .collect();
    let between = between?;
    let mut program = Program::new(gpu);
    for (pair, transfer) in levels.windows(2).zip(transfers) {
        let [fine, coarse] = pair else { continue };
        spectrum.add(fine, &mut program)?;
        let mut from = &fine.fields.couplings;
        for (number, halving) in transfer.halvings.iter().enumerate() {
            let to = match between.get(number) {
                Some(Some(between)) if number + 1 < transfer.halvings.len() => between,
                _ => &coarse.fields.couplings,
            };
            add_halving(&kernels.halve, memory, halving, (from, to), &mut program)?;
            from = to;
        }
        // P takes 1 to 1: the row sums of PᵀAP are Pᵀ of those of A.
        fine.add_restriction(
            &fine.fields.excess,
            &coarse.fields.excess,
            coarse,
            &mut program,
        )?;
    }
    Ok(program)
}

/// Power iterations, and the inverse diagonals that follow.
struct Spectrum<'a> {
    kernels: &'a MatrixKernels,
    start: Values,
    sums: Values,
}

impl<'a> Spectrum<'a> {
    fn new(kernels: &'a MatrixKernels, memory: &Memory, nodes: usize) -> Result<Self, GpuError> {
        let start = (0..nodes).map(|node| (START * unstructured(node)) as f32);
        let start: Vec<f32> = start.collect();
        Ok(Self {
            kernels,
            start: memory.values(&start)?,
            sums: memory.zeros(4 * nodes.div_ceil(STRIDE))?,
        })
    }

    /// Adds what makes the inverse diagonal of a level from its matrix.
    fn add(&self, level: &NodeLevel, program: &mut Program) -> Result<(), GpuError> {
        let (constants, fields) = (level.constants(1.0), &level.fields);
        let kernels = self.kernels;
        let matrix = [(1, &fields.couplings), (2, &fields.excess)];
        let groups = fields.cells.div_ceil(WORKGROUP);
        // Neither of them is needed yet.
        let spare = [&fields.right, &fields.inverse];
        let mut from = spare[0];
        let operands = [matrix[0], (5, &self.start), (6, from)];
        program.add(&kernels.even, &constants, &operands, groups)?;
        for iteration in 1..=POWER_ITERATIONS {
            let to = spare[iteration % 2];
            let operands = [matrix[0], matrix[1], (5, from), (6, to)];
            program.add(&kernels.amplify, &constants, &operands, groups)?;
            from = to;
        }
        let operands = [matrix[0], matrix[1], (5, from), (10, &self.sums)];
        let tiles = fields.cells.div_ceil(STRIDE);
        program.add(&kernels.compare, &constants, &operands, tiles)?;
        let operands = [matrix[0], (6, &fields.inverse), (10, &self.sums)];
        program.add(&kernels.invert_diagonal, &constants, &operands, groups)
    }
}
