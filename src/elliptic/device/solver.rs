//! Conjugate gradients with one V-cycle as their preconditioner, in the memory of a GPU, for any operator whose product and transfers are kernels.
//!
//! One iteration is a fixed list of kernels, whose scalars stay on the device: after the iteration that converged all further ones change
//! nothing, so that several can be sent at once, and the host looks only now and then.

use bytemuck::Pod;

use super::conjugation::{
    BROKEN, ERROR, FIRST, ITERATIONS, PHASE, RUNNING, STEERING, STRIDE, TOLERANCE,
};
use crate::backend::gpu::{Gpu, GpuError, Kernel, Kernels, Memory, Program, Values, WORKGROUP};
use crate::elliptic::conjugate_gradients::Ending;

/// Iterations sent at once where it is not known how many it will take.
const BATCH: usize = 4;

/// The fields of a level.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    /// Its cells or nodes.
    pub cells: usize,
    /// What the product of the operator takes from neighbours.
    pub couplings: Values,
    /// Row sums.
    pub excess: Values,
    /// What a Jacobi step of damping 1 multiplies the residual by.
    pub inverse: Values,
    /// Right-hand side.
    pub right: Values,
    x: Values,
    /// The second buffer of the smoother, then the residual.
    other: Values,
}

impl Fields {
    /// Memory for a level with its couplings.
    ///
    /// # Errors
    ///
    /// As [`Memory::zeros`].
    pub fn new(memory: &Memory, cells: usize, couplings: Values) -> Result<Self, GpuError> {
        let zeros = || memory.zeros(cells);
        Ok(Self {
            cells,
            couplings,
            excess: zeros()?,
            inverse: zeros()?,
            right: zeros()?,
            x: zeros()?,
            other: zeros()?,
        })
    }
}

/// A level of a hierarchy: its fields, its constants, and the kernels of its operator.
pub(crate) trait Level {
    /// The uniform of the shader.
    type Constants: Pod;

    fn fields(&self) -> &Fields;

    /// The uniform with the damping of a relaxation.
    fn constants(&self, damping: f64) -> Self::Constants;

    /// Adds the restriction of a residual to the right-hand side of the next level.
    fn restrict(
        &self,
        residual: &Values,
        coarse: &Self,
        program: &mut Program,
    ) -> Result<(), GpuError>;

    /// Adds the interpolation of a correction of the next level, on top of `x`.
    fn prolong(
        &self,
        correction: &Values,
        x: &Values,
        program: &mut Program,
    ) -> Result<(), GpuError>;

    /// Adds the exact solution of the last level, from its right-hand side into `x`.
    fn eliminate(&self, passes: &Passes, x: &Values, program: &mut Program)
    -> Result<(), GpuError>;
}

/// The entry points that all operators share.
#[derive(Clone, Debug)]
pub(crate) struct Passes {
    first_relax: Kernel,
    relax: Kernel,
    residual: Kernel,
    inspect: Kernel,
    choose: Kernel,
    turn: Kernel,
    apply: Kernel,
    measure: Kernel,
    move_along: Kernel,
}

impl Passes {
    /// # Errors
    ///
    /// What the driver refuses.
    pub fn new(kernels: &Kernels) -> Result<Self, GpuError> {
        Ok(Self {
            first_relax: kernels.kernel("first_relax")?,
            relax: kernels.kernel("relax")?,
            residual: kernels.kernel("residual")?,
            inspect: kernels.kernel("inspect")?,
            choose: kernels.kernel("choose")?,
            turn: kernels.kernel("turn")?,
            apply: kernels.kernel("apply")?,
            measure: kernels.kernel("measure")?,
            move_along: kernels.kernel("move_along")?,
        })
    }

    /// Adds the first Jacobi step, from 0 into `x`.
    ///
    /// # Errors
    ///
    /// What the driver refuses.
    pub fn add_first_relaxation<L: Level>(
        &self,
        level: &L,
        damping: f64,
        x: &Values,
        program: &mut Program,
    ) -> Result<(), GpuError> {
        let fields = level.fields();
        let operands = [(3, &fields.inverse), (4, &fields.right), (6, x)];
        let groups = fields.cells.div_ceil(WORKGROUP);
        program.add(
            &self.first_relax,
            &level.constants(damping),
            &operands,
            groups,
        )
    }

    /// Adds one Jacobi step from the first of two fields into the second, and exchanges them.
    fn add_relaxation<L: Level>(
        &self,
        level: &L,
        damping: f64,
        pair: &mut [Values; 2],
        program: &mut Program,
    ) -> Result<(), GpuError> {
        let fields = level.fields();
        let operands = [
            (1, &fields.couplings),
            (2, &fields.excess),
            (3, &fields.inverse),
            (4, &fields.right),
            (5, &pair[0]),
            (6, &pair[1]),
        ];
        let groups = fields.cells.div_ceil(WORKGROUP);
        program.add(&self.relax, &level.constants(damping), &operands, groups)?;
        pair.swap(0, 1);
        Ok(())
    }

    /// Adds one V-cycle from 0 on the right-hand side of the first level; returns where it leaves the correction.
    fn add_cycle<L: Level>(
        &self,
        levels: &[L],
        dampings: &[f64],
        program: &mut Program,
    ) -> Result<Values, GpuError> {
        let mut smoothed: Vec<[Values; 2]> = Vec::new();
        for (index, level) in levels.iter().enumerate() {
            let fields = level.fields();
            let mut pair = [fields.x.clone(), fields.other.clone()];
            match (levels.get(index + 1), dampings) {
                (Some(coarse), [first, later @ ..]) => {
                    self.add_first_relaxation(level, *first, &pair[0], program)?;
                    for damping in later {
                        self.add_relaxation(level, *damping, &mut pair, program)?;
                    }
                    let operands = [
                        (1, &fields.couplings),
                        (2, &fields.excess),
                        (4, &fields.right),
                        (5, &pair[0]),
                        (6, &pair[1]),
                    ];
                    let groups = fields.cells.div_ceil(WORKGROUP);
                    program.add(&self.residual, &level.constants(1.0), &operands, groups)?;
                    level.restrict(&pair[1], coarse, program)?;
                }
                _ => level.eliminate(self, &pair[0], program)?,
            }
            smoothed.push(pair);
        }
        let mut correction: Option<Values> = None;
        for (level, mut pair) in levels.iter().zip(smoothed).rev() {
            if let Some(coarse) = correction {
                level.prolong(&coarse, &pair[0], program)?;
                for damping in dampings.iter().rev() {
                    self.add_relaxation(level, *damping, &mut pair, program)?;
                }
            }
            let [result, _] = pair;
            correction = Some(result);
        }
        Ok(correction.unwrap_or_else(|| levels[0].fields().x.clone()))
    }
}

/// What a solve took and left.
pub(crate) struct Outcome {
    pub ending: Ending,
    pub iterations: usize,
    /// The estimate of the error by the operator's own measure.
    pub error: f64,
    /// ⟨z, r⟩ at the start, z the preconditioned right-hand side r.
    pub first: f64,
    pub x: Vec<f32>,
}

/// The solver for A x = b on one device.
#[derive(Clone, Debug)]
pub(crate) struct Solver {
    memory: Memory,
    x: Values,
    residual: Values,
    direction: Values,
    image: Values,
    steering: Values,
    iteration: Program,
    /// Iterations that the last solve took.
    expected: usize,
}

impl Solver {
    /// Sets up the iteration on the levels of a hierarchy, the finest first, smoothed by Jacobi steps with these dampings.
    ///
    /// # Errors
    ///
    /// Fields that the device has no room for; a failure of it.
    pub fn new<L: Level>(
        gpu: &Gpu,
        memory: Memory,
        passes: &Passes,
        levels: &[L],
        dampings: &[f64],
    ) -> Result<Self, GpuError> {
        let finest = levels[0].fields();
        let cells = finest.cells;
        let sums = memory.zeros(4 * cells.div_ceil(STRIDE))?;
        let [direction, image] = [memory.zeros(cells)?, memory.zeros(cells)?];
        let steering = memory.zeros(STEERING)?;
        let x = memory.zeros(cells)?;

        let mut iteration = Program::new(gpu);
        let z = passes.add_cycle(levels, dampings, &mut iteration)?;
        let level = levels[0].constants(1.0);
        let tiles = cells.div_ceil(STRIDE);
        let groups = cells.div_ceil(WORKGROUP);
        let residual = &finest.right;
        let operands = [(4, residual), (5, &z), (6, &x), (8, &image), (10, &sums)];
        iteration.add(&passes.inspect, &level, &operands, tiles)?;
        let scalars = [(10, &sums), (11, &steering)];
        iteration.add(&passes.choose, &level, &scalars, 1)?;
        let operands = [(5, &z), (6, &direction), (11, &steering)];
        iteration.add(&passes.turn, &level, &operands, groups)?;
        let operands = [
            (1, &finest.couplings),
            (2, &finest.excess),
            (5, &direction),
            (6, &image),
            (10, &sums),
        ];
        iteration.add(&passes.apply, &level, &operands, tiles)?;
        iteration.add(&passes.measure, &level, &scalars, 1)?;
        let operands = [
            (5, &direction),
            (6, &x),
            (8, &image),
            (9, residual),
            (11, &steering),
        ];
        iteration.add(&passes.move_along, &level, &operands, groups)?;
        Ok(Self {
            residual: finest.right.clone(),
            memory,
            x,
            direction,
            image,
            steering,
            iteration,
            expected: BATCH,
        })
    }

    /// Where fields of the levels are written.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Solves A x = b from x = 0 until the error is at most `tolerance` by the operator's measure, or after some `most` iterations.
    ///
    /// # Errors
    ///
    /// A failure of the device.
    pub fn solve(&mut self, b: &[f32], tolerance: f64, most: usize) -> Result<Outcome, GpuError> {
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
                RUNNING if iterations < most => {
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
                first: f64::from(steering[FIRST]),
                x: self.memory.read(&self.x)?,
            });
        }
    }
}
