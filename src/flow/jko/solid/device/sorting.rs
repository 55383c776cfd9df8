//! Places sorted by lattice cell on a device, and divided into chunks of one cell each.

use bytemuck::{Pod, Zeroable};

use super::shader::{BITS, CHUNK, DIGITS, RUN, sorting_shader};
use crate::backend::gpu::{Gpu, GpuError, Kernel, Kernels, Memory, Program, Values, WORKGROUP};

/// `Sorting` of the shader.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Constants {
    count: u32,
    runs: u32,
    shift: u32,
    bound: u32,
    fewest: u32,
}

/// The entry points.
#[derive(Clone, Debug)]
pub(super) struct SortingKernels {
    count_digits: Kernel,
    move_by_digit: Kernel,
    add_runs: Kernel,
    add_before: Kernel,
    find_starts: Kernel,
    count_chunks: Kernel,
}

impl SortingKernels {
    pub fn new(gpu: &Gpu) -> Result<Self, GpuError> {
        let kernels = Kernels::new(gpu, "sorting", sorting_shader())?;
        Ok(Self {
            count_digits: kernels.kernel("count_digits")?,
            move_by_digit: kernels.kernel("move_by_digit")?,
            add_runs: kernels.kernel("add_runs")?,
            add_before: kernels.kernel("add_before")?,
            find_starts: kernels.kernel("find_starts")?,
            count_chunks: kernels.kernel("count_chunks")?,
        })
    }
}

/// Memory for so many keys below a bound, and what sorts them.
#[derive(Clone, Debug)]
pub(super) struct Sorting {
    /// To be filled before the program runs: the key of each number, and the numbers.
    pub keys: Values,
    pub numbers: Values,
    /// The numbers by their keys, where those of each key begin, and where their chunks do, of all keys and of those alone that have more than one; each ends
    /// with what is beyond the last.
    pub order: Values,
    pub starts: Values,
    pub chunks: Values,
    pub crowds: Values,
    /// There are no more of these.
    pub most_chunks: usize,
    pub most_crowds: usize,
    pub program: Program,
}

impl Sorting {
    /// Memory for `count` numbers with keys below `bound`.
    ///
    /// # Errors
    ///
    /// Numbers that the device has no room for; a failure of it.
    pub fn new(
        gpu: &Gpu,
        memory: &Memory,
        kernels: &SortingKernels,
        count: usize,
        bound: usize,
    ) -> Result<Self, GpuError> {
        let numbers = |length| memory.zeros_of::<u32>(length);
        let keys = [numbers(count)?, numbers(count)?];
        let places = [numbers(count)?, numbers(count)?];
        let runs = count.div_ceil(RUN);
        let counts = numbers(DIGITS * runs)?;
        let zero = numbers(1)?;
        let of_keys = || numbers(bound + 1);
        let [starts, chunks, crowds] = [of_keys()?, of_keys()?, of_keys()?];
        let mut adder = Adder {
            memory,
            kernels,
            zero,
            program: Program::new(gpu),
        };
        let groups = runs.div_ceil(WORKGROUP);
        let bits = usize::BITS - (bound - 1).leading_zeros();
        let digits = (bits as usize).div_ceil(BITS).max(1);
        let constants = Constants {
            count: count as u32,
            runs: runs as u32,
            shift: 0,
            bound: bound as u32,
            fewest: 0,
        };
        for digit in 0..digits {
            let [from, to] = [digit % 2, (digit + 1) % 2];
            let constants = Constants {
                shift: (digit * BITS) as u32,
                ..constants
            };
            let operands = [(1, &keys[from]), (4, &counts)];
            let program = &mut adder.program;
            program.add(&kernels.count_digits, &constants, &operands, groups)?;
            adder.add(&counts, DIGITS * runs)?;
            let operands = [
                (1, &keys[from]),
                (2, &places[from]),
                (3, &counts),
                (5, &keys[to]),
                (6, &places[to]),
            ];
            let program = &mut adder.program;
            program.add(&kernels.move_by_digit, &constants, &operands, groups)?;
        }
        let sorted = digits % 2;
        let groups = (bound + 1).div_ceil(WORKGROUP);
        let program = &mut adder.program;
        let operands = [(1, &keys[sorted]), (4, &starts)];
        program.add(&kernels.find_starts, &constants, &operands, groups)?;
        for (chunks, fewest) in [(&chunks, 0), (&crowds, CHUNK as u32 + 1)] {
            let operands = [(2, &starts), (4, chunks)];
            let constants = Constants {
                fewest,
                ..constants
            };
            let program = &mut adder.program;
            program.add(&kernels.count_chunks, &constants, &operands, groups)?;
            adder.add(chunks, bound + 1)?;
        }
        let program = adder.program;
        Ok(Self {
            keys: keys[0].clone(),
            numbers: places[0].clone(),
            order: places[sorted].clone(),
            starts,
            chunks,
            crowds,
            most_chunks: count.div_ceil(CHUNK) + bound.min(count),
            // A crowd has one that is not full at most, and one that is at least.
            most_crowds: 2 * (count / CHUNK),
            program,
        })
    }
}

/// Adds the kernels that replace numbers by the sums of those before them.
struct Adder<'a> {
    memory: &'a Memory,
    kernels: &'a SortingKernels,
    zero: Values,
    program: Program,
}

impl Adder<'_> {
    fn add(&mut self, values: &Values, length: usize) -> Result<(), GpuError> {
        let constants = |count: usize| Constants {
            count: count as u32,
            runs: count.div_ceil(RUN) as u32,
            shift: 0,
            bound: 0,
            fewest: 0,
        };
        // Sums of runs, sums of runs of these, and so on to one.
        let mut levels = vec![(values.clone(), length)];
        while let Some((below, count)) = levels.last().cloned()
            && count > 1
        {
            let runs = count.div_ceil(RUN);
            let sums = self.memory.zeros_of::<u32>(runs)?;
            let operands = [(2, &below), (4, &sums)];
            let groups = runs.div_ceil(WORKGROUP);
            let kernel = &self.kernels.add_runs;
            self.program
                .add(kernel, &constants(count), &operands, groups)?;
            levels.push((sums, runs));
        }
        levels.pop();
        let mut before = self.zero.clone();
        while let Some((values, count)) = levels.pop() {
            let operands = [(3, &before), (4, &values)];
            let groups = count.div_ceil(RUN).div_ceil(WORKGROUP);
            let kernel = &self.kernels.add_before;
            self.program
                .add(kernel, &constants(count), &operands, groups)?;
            before = values;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
