//! Conjugate gradients with the V-cycle as their preconditioner, in the memory of a GPU.
//!
//! One iteration is a fixed list of kernels, whose scalars stay on the device: after the iteration that converged all further ones change
//! nothing, so that several can be sent at once, and the host looks only now and then.

use bytemuck::{Pod, Zeroable};

use super::shader::{
    BROKEN, ERROR, ITERATIONS, PHASE, RUNNING, STEERING, STRIDE, TOLERANCE, elliptic_shader,
};
use crate::backend::gpu::{Gpu, GpuError, Kernel, Kernels, Memory, Program, Values, WORKGROUP};
use crate::elliptic::coarsening::Coarsening;
use crate::elliptic::conjugate_gradients::{Ending, LARGEST_COUNT};
use crate::elliptic::multigrid::Multigrid;
use crate::elliptic::operator::Operator;

/// Iterations sent at once where it is not known how many it will take.
const BATCH: usize = 4;
/// The largest coupling on the device: the excess of cells that are as good as alone is above it by up to 2⁶⁰.
const LARGEST_COUPLING: f64 = 1.0;

/// `Level` of the shader.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Level {
    fine: [u32; 3],
    merged: u32,
    coarse: [u32; 3],
    damping: f32,
}

impl Level {
    fn new(operator: &Operator, coarsening: Option<&Coarsening>) -> Self {
        let number = |count: usize| count as u32;
        let fine = operator.cells.map(number);
        let mut level = Self {
            fine,
            merged: 0,
            coarse: fine,
            damping: 1.0,
        };
        for (axis, map) in coarsening.iter().flat_map(|c| c.axes.iter().enumerate()) {
            level.coarse[axis] = number(map.coarse);
            level.merged |= u32::from(map.merged) << axis;
        }
        level
    }

    fn damped(self, damping: f64) -> Self {
        Self {
            damping: damping as f32,
            ..self
        }
    }
}

/// The fields of a level.
#[derive(Clone, Debug)]
struct Fields {
    cells: usize,
    faces: Values,
    excess: Values,
    inverse: Values,
    weights: Values,
    /// Right-hand side.
    right: Values,
    x: Values,
    /// The second buffer of the smoother, then the residual.
    other: Values,
}

/// What a solve took and left.
pub(super) struct Outcome {
    pub ending: Ending,
    pub iterations: usize,
    /// The estimate of the error, relative to the largest |x|.
    pub error: f64,
    pub x: Vec<f32>,
}

impl Fields {
    fn new(
        memory: &Memory,
        operator: &Operator,
        coarsening: Option<&Coarsening>,
        unit: f64,
    ) -> Result<Self, GpuError> {
        let cells = operator.len();
        let single = |value: &f64| (unit * value) as f32;
        let faces: Vec<f32> = operator.faces.iter().flatten().map(single).collect();
        let axes = coarsening.iter().flat_map(|coarsening| &coarsening.axes);
        let mut weights: Vec<f32> = axes
            .flat_map(|axis| axis.weights.iter().map(|weight| *weight as f32))
            .collect();
        // The last level has none, and no field may be empty.
        weights.resize(weights.len().max(1), 0.0);
        let zeros = || memory.zeros(cells);
        Ok(Self {
            cells,
            faces: memory.values(&faces)?,
            excess: zeros()?,
            inverse: zeros()?,
            weights: memory.values(&weights)?,
            right: zeros()?,
            x: zeros()?,
            other: zeros()?,
        })
    }
}

/// Adds one V-cycle from 0 on the right-hand side of the first level; returns where it leaves the correction.
fn add_cycle(
    passes: &Passes,
    levels: &[(Level, Fields)],
    dampings: &[f64],
    program: &mut Program,
) -> Result<Values, GpuError> {
    let mut smoothed: Vec<[Values; 2]> = Vec::new();
    for (index, (level, fields)) in levels.iter().enumerate() {
        let groups = fields.cells.div_ceil(WORKGROUP);
        let mut pair = [fields.x.clone(), fields.other.clone()];
        let coarse = levels.get(index + 1).map(|(_, coarse)| coarse);
        // On the last level, a single cell, b/e is exact.
        let (first, later) = match (coarse, dampings) {
            (Some(_), [first, later @ ..]) => (*first, later),
            _ => (1.0, &[][..]),
        };
        let operands = [(3, &fields.inverse), (4, &fields.right), (6, &pair[0])];
        program.add(&passes.first_relax, &level.damped(first), &operands, groups)?;
        for damping in later {
            add_relaxation(passes, level, fields, *damping, &mut pair, program)?;
        }
        if let Some(coarse) = coarse {
            let operands = [
                (1, &fields.faces),
                (2, &fields.excess),
                (4, &fields.right),
                (5, &pair[0]),
                (6, &pair[1]),
            ];
            program.add(&passes.residual, level, &operands, groups)?;
            let operands = [
                (1, &fields.faces),
                (3, &fields.inverse),
                (5, &pair[1]),
                (6, &coarse.right),
                (7, &fields.weights),
            ];
            let groups = coarse.cells.div_ceil(WORKGROUP);
            program.add(&passes.restrict_residual, level, &operands, groups)?;
        }
        smoothed.push(pair);
    }
    let mut correction: Option<Values> = None;
    for ((level, fields), mut pair) in levels.iter().zip(smoothed).rev() {
        if let Some(coarse) = correction {
            let operands = [
                (1, &fields.faces),
                (3, &fields.inverse),
                (5, &coarse),
                (6, &pair[0]),
                (7, &fields.weights),
            ];
            let groups = fields.cells.div_ceil(WORKGROUP);
            program.add(&passes.prolong_correction, level, &operands, groups)?;
            for damping in dampings.iter().rev() {
                add_relaxation(passes, level, fields, *damping, &mut pair, program)?;
            }
        }
        let [result, _] = pair;
        correction = Some(result);
    }
    Ok(correction.unwrap_or_else(|| levels[0].1.x.clone()))
}

/// Adds one step of Jacobi from the first of two fields into the second, and exchanges them.
fn add_relaxation(
    passes: &Passes,
    level: &Level,
    fields: &Fields,
    damping: f64,
    pair: &mut [Values; 2],
    program: &mut Program,
) -> Result<(), GpuError> {
    let operands = [
        (1, &fields.faces),
        (2, &fields.excess),
        (3, &fields.inverse),
        (4, &fields.right),
        (5, &pair[0]),
        (6, &pair[1]),
    ];
    let groups = fields.cells.div_ceil(WORKGROUP);
    program.add(&passes.relax, &level.damped(damping), &operands, groups)?;
    pair.swap(0, 1);
    Ok(())
}

/// The solver for A x = b on one device.
#[derive(Clone, Debug)]
pub(super) struct Iteration {
    memory: Memory,
    /// What couplings and excess are multiplied by, so that single precision holds them.
    unit: f64,
    excess: Values,
    x: Values,
    residual: Values,
    direction: Values,
    image: Values,
    steering: Values,
    /// Excess and diagonals of all levels from the excess of the finest.
    preparation: Program,
    iteration: Program,
    /// Iterations that the last solve took.
    expected: usize,
}

/// The entry points.
struct Passes {
    invert_diagonal: Kernel,
    sum_children: Kernel,
    first_relax: Kernel,
    relax: Kernel,
    residual: Kernel,
    restrict_residual: Kernel,
    prolong_correction: Kernel,
    inspect: Kernel,
    choose: Kernel,
    turn: Kernel,
    apply: Kernel,
    measure: Kernel,
    move_along: Kernel,
}

impl Passes {
    fn new(gpu: &Gpu, solid: bool) -> Result<Self, GpuError> {
        let kernels = Kernels::new(gpu, "elliptic", elliptic_shader(solid))?;
        Ok(Self {
            invert_diagonal: kernels.kernel("invert_diagonal")?,
            sum_children: kernels.kernel("sum_children")?,
            first_relax: kernels.kernel("first_relax")?,
            relax: kernels.kernel("relax")?,
            residual: kernels.kernel("residual")?,
            restrict_residual: kernels.kernel("restrict_residual")?,
            prolong_correction: kernels.kernel("prolong_correction")?,
            inspect: kernels.kernel("inspect")?,
            choose: kernels.kernel("choose")?,
            turn: kernels.kernel("turn")?,
            apply: kernels.kernel("apply")?,
            measure: kernels.kernel("measure")?,
            move_along: kernels.kernel("move_along")?,
        })
    }
}

impl Iteration {
    /// Takes the couplings of all levels over.
    pub fn new(gpu: &Gpu, multigrid: &Multigrid) -> Result<Self, GpuError> {
        let finest = multigrid.operator();
        let cells = finest.len();
        let solid = !finest.is_flat();
        let passes = Passes::new(gpu, solid)?;
        let axes = if solid { 3 } else { 2 };
        let memory = Memory::new(gpu, axes * cells)?;
        let largest = finest.faces.iter().flatten().copied().fold(0.0, f64::max);
        let unit = LARGEST_COUPLING / largest;
        let mut levels = Vec::new();
        for (operator, coarsening) in multigrid.levels() {
            let fields = Fields::new(&memory, operator, coarsening, unit)?;
            levels.push((Level::new(operator, coarsening), fields));
        }
        let sums = memory.zeros(4 * cells.div_ceil(STRIDE))?;
        let [direction, image] = [memory.zeros(cells)?, memory.zeros(cells)?];
        let steering = memory.zeros(STEERING)?;
        let x = memory.zeros(cells)?;

        let mut preparation = Program::new(gpu);
        for (index, (level, fields)) in levels.iter().enumerate() {
            if let Some((finer, above)) = index.checked_sub(1).map(|index| &levels[index]) {
                let operands = [(5, &above.excess), (6, &fields.excess)];
                let groups = fields.cells.div_ceil(WORKGROUP);
                preparation.add(&passes.sum_children, finer, &operands, groups)?;
            }
            let operands = [
                (1, &fields.faces),
                (2, &fields.excess),
                (6, &fields.inverse),
            ];
            let groups = fields.cells.div_ceil(WORKGROUP);
            preparation.add(&passes.invert_diagonal, level, &operands, groups)?;
        }

        let mut iteration = Program::new(gpu);
        let dampings = multigrid.dampings();
        let z = add_cycle(&passes, &levels, dampings, &mut iteration)?;
        let (level, finest) = &levels[0];
        let tiles = cells.div_ceil(STRIDE);
        let groups = cells.div_ceil(WORKGROUP);
        let residual = &finest.right;
        let operands = [(4, residual), (5, &z), (6, &x), (8, &image), (10, &sums)];
        iteration.add(&passes.inspect, level, &operands, tiles)?;
        let scalars = [(10, &sums), (11, &steering)];
        iteration.add(&passes.choose, level, &scalars, 1)?;
        let operands = [(5, &z), (6, &direction), (11, &steering)];
        iteration.add(&passes.turn, level, &operands, groups)?;
        let operands = [
            (1, &finest.faces),
            (2, &finest.excess),
            (5, &direction),
            (6, &image),
            (10, &sums),
        ];
        iteration.add(&passes.apply, level, &operands, tiles)?;
        iteration.add(&passes.measure, level, &scalars, 1)?;
        let operands = [
            (5, &direction),
            (6, &x),
            (8, &image),
            (9, residual),
            (11, &steering),
        ];
        iteration.add(&passes.move_along, level, &operands, groups)?;
        Ok(Self {
            unit,
            excess: finest.excess.clone(),
            residual: finest.right.clone(),
            memory,
            x,
            direction,
            image,
            steering,
            preparation,
            iteration,
            expected: BATCH,
        })
    }

    /// What couplings, excess and right-hand side are to be multiplied by.
    pub fn unit(&self) -> f64 {
        self.unit
    }

    /// Sets the excess of every cell.
    pub fn set_excess(&mut self, excess: &[f32]) -> Result<(), GpuError> {
        self.memory.write(&self.excess, excess)?;
        self.preparation.submit(1);
        Ok(())
    }

    /// Solves A x = b from x = 0 until max |error| ≤ `tolerance` · max |x| by the preconditioner's estimate.
    pub fn solve(&mut self, b: &[f32], tolerance: f64) -> Result<Outcome, GpuError> {
        self.memory.write(&self.residual, b)?;
        self.memory.clear(&[&self.x, &self.direction, &self.image]);
        let mut steering = vec![0.0; STEERING];
        (steering[TOLERANCE], steering[PHASE]) = (tolerance as f32, RUNNING);
        self.memory.write(&self.steering, &steering)?;
        let mut batch = self.expected;
        loop {
            self.iteration.submit(batch);
            steering = self.memory.read(&self.steering)?;
            let iterations = steering[ITERATIONS] as usize;
            let ending = match steering[PHASE] {
                BROKEN => Ending::Broken,
                RUNNING if iterations < LARGEST_COUNT => {
                    batch = BATCH;
                    continue;
                }
                RUNNING => Ending::Exhausted,
                _ => Ending::Converged,
            };
            // With the one that adds the last z.
            self.expected = iterations + 1;
            return Ok(Outcome {
                ending,
                iterations,
                error: f64::from(steering[ERROR]),
                x: self.memory.read(&self.x)?,
            });
        }
    }
}
