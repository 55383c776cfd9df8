//! The hierarchy of cells in the memory of a GPU, and the solver on it.

use bytemuck::{Pod, Zeroable};

use super::shader::elliptic_shader;
use super::solver::{Fields, Level, Outcome, Passes, Solver};
use crate::backend::gpu::{Gpu, GpuError, Kernel, Kernels, Memory, Program, Values, WORKGROUP};
use crate::elliptic::coarsening::Coarsening;
use crate::elliptic::conjugate_gradients::LARGEST_COUNT;
use crate::elliptic::multigrid::Multigrid;
use crate::elliptic::operator::Operator;

/// The largest coupling on the device: the excess of cells that are as good as alone is above it by up to 2⁶⁰.
const LARGEST_COUPLING: f64 = 1.0;

/// `Level` of the shader.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Constants {
    fine: [u32; 3],
    merged: u32,
    coarse: [u32; 3],
    damping: f32,
}

impl Constants {
    fn new(operator: &Operator, coarsening: Option<&Coarsening>) -> Self {
        let number = |count: usize| count as u32;
        let fine = operator.cells.map(number);
        let mut constants = Self {
            fine,
            merged: 0,
            coarse: fine,
            damping: 1.0,
        };
        for (axis, map) in coarsening.iter().flat_map(|c| c.axes.iter().enumerate()) {
            constants.coarse[axis] = number(map.coarse);
            constants.merged |= u32::from(map.merged) << axis;
        }
        constants
    }
}

/// The entry points of the operator.
#[derive(Clone)]
struct Transfers {
    restrict_residual: Kernel,
    prolong_correction: Kernel,
}

/// Cells of one size.
struct CellLevel {
    constants: Constants,
    fields: Fields,
    weights: Values,
    transfers: Transfers,
}

impl CellLevel {
    fn new(
        memory: &Memory,
        transfers: &Transfers,
        operator: &Operator,
        coarsening: Option<&Coarsening>,
        unit: f64,
    ) -> Result<Self, GpuError> {
        let single = |value: &f64| (unit * value) as f32;
        let faces: Vec<f32> = operator.faces.iter().flatten().map(single).collect();
        let axes = coarsening.iter().flat_map(|coarsening| &coarsening.axes);
        let mut weights: Vec<f32> = axes
            .flat_map(|axis| axis.weights.iter().map(|weight| *weight as f32))
            .collect();
        // The last level has none, and no field may be empty.
        weights.resize(weights.len().max(1), 0.0);
        Ok(Self {
            constants: Constants::new(operator, coarsening),
            fields: Fields::new(memory, operator.len(), memory.values(&faces)?)?,
            weights: memory.values(&weights)?,
            transfers: transfers.clone(),
        })
    }
}

impl Level for CellLevel {
    type Constants = Constants;

    fn fields(&self) -> &Fields {
        &self.fields
    }

    fn constants(&self, damping: f64) -> Constants {
        Constants {
            damping: damping as f32,
            ..self.constants
        }
    }

    fn restrict(
        &self,
        residual: &Values,
        coarse: &Self,
        program: &mut Program,
    ) -> Result<(), GpuError> {
        let operands = [
            (1, &self.fields.couplings),
            (3, &self.fields.inverse),
            (5, residual),
            (6, &coarse.fields.right),
            (7, &self.weights),
        ];
        let groups = coarse.fields.cells.div_ceil(WORKGROUP);
        let kernel = &self.transfers.restrict_residual;
        program.add(kernel, &self.constants, &operands, groups)
    }

    fn prolong(
        &self,
        correction: &Values,
        x: &Values,
        program: &mut Program,
    ) -> Result<(), GpuError> {
        let operands = [
            (1, &self.fields.couplings),
            (3, &self.fields.inverse),
            (5, correction),
            (6, x),
            (7, &self.weights),
        ];
        let groups = self.fields.cells.div_ceil(WORKGROUP);
        let kernel = &self.transfers.prolong_correction;
        program.add(kernel, &self.constants, &operands, groups)
    }

    /// On a single cell b/e is exact.
    fn eliminate(
        &self,
        passes: &Passes,
        x: &Values,
        program: &mut Program,
    ) -> Result<(), GpuError> {
        passes.add_first_relaxation(self, 1.0, x, program)
    }
}

/// The solver for A x = b on one device.
#[derive(Clone, Debug)]
pub(super) struct Iteration {
    /// What couplings and excess are multiplied by, so that single precision holds them.
    unit: f64,
    excess: Values,
    /// Excess and diagonals of all levels from the excess of the finest.
    preparation: Program,
    solver: Solver,
}

impl Iteration {
    /// Takes the couplings of all levels over.
    pub fn new(gpu: &Gpu, multigrid: &Multigrid) -> Result<Self, GpuError> {
        let finest = multigrid.operator();
        let solid = !finest.is_flat();
        let kernels = Kernels::new(gpu, "elliptic", elliptic_shader(solid))?;
        let transfers = Transfers {
            restrict_residual: kernels.kernel("restrict_residual")?,
            prolong_correction: kernels.kernel("prolong_correction")?,
        };
        let axes = if solid { 3 } else { 2 };
        let memory = Memory::new(gpu, axes * finest.len())?;
        let largest = finest.faces.iter().flatten().copied().fold(0.0, f64::max);
        let unit = LARGEST_COUPLING / largest;
        let mut levels = Vec::new();
        for (operator, coarsening) in multigrid.levels() {
            let level = CellLevel::new(&memory, &transfers, operator, coarsening, unit)?;
            levels.push(level);
        }
        let preparation = preparation(gpu, &kernels, &levels)?;
        let passes = Passes::new(&kernels)?;
        let solver = Solver::new(gpu, memory, &passes, &levels, multigrid.dampings())?;
        Ok(Self {
            unit,
            excess: levels[0].fields.excess.clone(),
            preparation,
            solver,
        })
    }

    /// What couplings, excess and right-hand side are to be multiplied by.
    pub fn unit(&self) -> f64 {
        self.unit
    }

    /// Sets the excess of every cell.
    pub fn set_excess(&mut self, excess: &[f32]) -> Result<(), GpuError> {
        self.solver.memory().write(&self.excess, excess)?;
        self.preparation.submit(1);
        Ok(())
    }

    /// Solves A x = b from x = 0 until max |error| ≤ `tolerance` · max |x| by the preconditioner's estimate.
    pub fn solve(&mut self, b: &[f32], tolerance: f64) -> Result<Outcome, GpuError> {
        self.solver.solve(b, tolerance, LARGEST_COUNT)
    }
}

fn preparation(gpu: &Gpu, kernels: &Kernels, levels: &[CellLevel]) -> Result<Program, GpuError> {
    let invert_diagonal = kernels.kernel("invert_diagonal")?;
    let sum_children = kernels.kernel("sum_children")?;
    let mut preparation = Program::new(gpu);
    for (index, level) in levels.iter().enumerate() {
        let fields = &level.fields;
        let groups = fields.cells.div_ceil(WORKGROUP);
        if let Some(finer) = index.checked_sub(1).map(|index| &levels[index]) {
            let operands = [(5, &finer.fields.excess), (6, &fields.excess)];
            preparation.add(&sum_children, &finer.constants, &operands, groups)?;
        }
        let operands = [
            (1, &fields.couplings),
            (2, &fields.excess),
            (6, &fields.inverse),
        ];
        preparation.add(&invert_diagonal, &level.constants, &operands, groups)?;
    }
    Ok(preparation)
}
