//! Sums over cells for each spline, Wᵀ of a field: in one order, whatever the number of threads.
//!
//! Places are sorted by lattice cell. Those of one slab touch the splines of three slabs, so every third slab is done at a time.

use rayon::prelude::*;

use super::feet::Foot;
use super::lattice::{Centres, Lattice, Point};
use super::number::Number;
use super::pack::{PLACES, splat, transposed, with_middle};
use super::passes;
use crate::backend::cpu::{Kernel, vectorised};

/// Where masses are. Not a closure, so that the loops are compiled once and not for every divergence.
#[derive(Clone, Copy, Debug)]
pub(super) enum Places<'a> {
    /// At the centres of all cells.
    Centres(Centres),
    /// At the feet of all cells.
    Feet(&'a [Foot]),
    /// Anywhere.
    At(&'a [Point]),
    /// First at the feet, then at the centres.
    Both(&'a [Foot], Centres),
}

impl Places<'_> {
    /// Where a mass is.
    #[inline(always)]
    pub fn at(&self, number: usize) -> Point {
        match self {
            Self::Centres(centres) => centres.place(number),
            Self::Feet(feet) => feet[number].place,
            Self::At(places) => places[number],
            Self::Both(feet, centres) => match feet.get(number) {
                Some(foot) => foot.place,
                None => centres.place(number - feet.len()),
            },
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Centres(centres) => centres.len(),
            Self::Feet(feet) => feet.len(),
            Self::At(places) => places.len(),
            Self::Both(feet, centres) => feet.len() + centres.len(),
        }
    }
}

/// Masses, or the products of two numbers each.
#[derive(Clone, Copy, Debug)]
pub(super) enum Masses<'a> {
    Of(&'a [f64]),
    Products(&'a [f64], &'a [f64]),
}

impl Masses<'_> {
    #[inline(always)]
    fn at(&self, number: usize) -> f64 {
        match self {
            Self::Of(masses) => masses[number],
            Self::Products(first, second) => first[number] * second[number],
        }
    }
}

/// Places by lattice cell, and within it by their number.
#[derive(Clone, Debug)]
pub(super) struct Order {
    /// Where the places of each lattice cell begin in `places`.
    starts: Vec<u32>,
    places: Vec<u32>,
}

impl Order {
    pub fn new(lattice: &Lattice, places: usize) -> Self {
        Self {
            starts: vec![0; lattice.len() + 1],
            places: vec![0; places],
        }
    }

    /// Sorts places.
    pub fn sort(&mut self, lattice: &Lattice, places: Places) {
        let mut cells = vec![0; places.len()];
        self.places.resize(places.len(), 0);
        passes::each(&mut cells, |number, cell| {
            *cell = lattice.cell(&places.at(number)) as u32;
        });
        self.starts.fill(0);
        for cell in &cells {
            self.starts[*cell as usize + 1] += 1;
        }
        for cell in 1..self.starts.len() {
            self.starts[cell] += self.starts[cell - 1];
        }
        for (number, cell) in cells.iter().enumerate() {
            let next = &mut self.starts[*cell as usize];
            self.places[*next as usize] = number as u32;
            *next += 1;
        }
        self.starts.rotate_right(1);
        self.starts[0] = 0;
    }

    /// The places of some lattice cells.
    pub fn of(&self, cells: std::ops::Range<usize>) -> &[u32] {
        &self.places[self.starts[cells.start] as usize..self.starts[cells.end] as usize]
    }
}

/// Calls `deposit(slab, numbers)` for every slab of the lattice, `numbers` being those of the slab before, itself and the one after,
/// `length` a slab; what is beyond the sides is added where it belongs. `padded` holds two slabs more than the lattice.
pub(super) fn by_slabs<N: Number>(
    lattice: &Lattice,
    padded: &mut [N],
    length: usize,
    deposit: impl Fn(usize, &mut [N]) + Sync,
) {
    let count = lattice.axes[0].count;
    passes::chunks(padded, length, |_, slab| slab.fill(N::default()));
    for third in 0..3 {
        let Some(rest) = padded.get_mut(third * length..) else {
            continue;
        };
        let slabs = rest.par_chunks_mut(3 * length).enumerate();
        slabs.for_each(|(number, numbers)| {
            let slab = third + 3 * number;
            if slab < count {
                deposit(slab, numbers);
            }
        });
    }
    // Node −1 is the last one of a ring, and the mirror image of node 0 at a closed side.
    let [before, after] = [-1, count as isize].map(|node| lattice.axes[0].fold(node) + 1);
    let (first, rest) = padded.split_at_mut(length);
    for (to, from) in rest[(before - 1) * length..].iter_mut().zip(first.iter()) {
        to.gain(from.wide());
    }
    let (rest, beyond) = padded.split_at_mut((count + 1) * length);
    for (to, from) in rest[after * length..].iter_mut().zip(beyond.iter()) {
        to.gain(from.wide());
    }
}

/// Which of the three slabs of [`by_slabs`] holds the node `beside` (0, 1, 2) a lattice cell on the slowest axis.
#[inline(always)]
pub(super) fn slab_of(lattice: &Lattice, cell: usize, beside: usize) -> usize {
    let axis = &lattice.axes[0];
    if axis.periodic {
        beside
    } else {
        axis.fold((cell + beside) as isize - 1) + 1 - cell
    }
}

/// Σ_i mass_i B_k(y_i) for every spline k, into `moments`; `padded` as long as [`Lattice::padded`] says.
pub(super) fn moments(
    lattice: &Lattice,
    order: &Order,
    places: Places,
    masses: Masses,
    padded: &mut [f64],
    moments: &mut [f64],
) {
    let [_, middle, fast] = lattice.padded();
    let length = middle * fast;
    by_slabs(lattice, padded, length, |slab, numbers| {
        let cells = slab * lattice.slab()..(slab + 1) * lattice.slab();
        let order = order.of(cells);
        with_middle!(lattice, MIDDLE => {
            vectorised(Deposit::<MIDDLE> { lattice, slab, order, places, masses, numbers });
        });
    });
    folded(lattice, padded, moments);
}

/// Takes nodes with those beyond the sides, as [`by_slabs`] leaves them, to the nodes of the lattice.
pub(super) fn folded(lattice: &Lattice, padded: &[f64], moments: &mut [f64]) {
    let [_, middle, fast] = lattice.padded();
    let length = middle * fast;
    let counts = lattice.counts();
    passes::chunks(moments, lattice.slab(), |slab, out| {
        let numbers = &padded[(slab + 1) * length..][..length];
        out.fill(0.0);
        let margin = middle.saturating_sub(counts[1]) / 2;
        for (row, numbers) in numbers.chunks_exact(fast).enumerate() {
            let row = lattice.axes[1].fold(row as isize - margin as isize);
            let out = &mut out[row * counts[2]..][..counts[2]];
            for (out, number) in out.iter_mut().zip(&numbers[1..]) {
                *out += number;
            }
            for (node, number) in [(-1, numbers[0]), (counts[2] as isize, numbers[fast - 1])] {
                out[lattice.axes[2].fold(node)] += number;
            }
        }
    });
}

/// What the places of one slab add to the nodes of three, those beyond the sides included.
struct Deposit<'a, const MIDDLE: usize> {
    lattice: &'a Lattice,
    slab: usize,
    order: &'a [u32],
    places: Places<'a>,
    masses: Masses<'a>,
    numbers: &'a mut [f64],
}

/// Numbers of a row of three nodes, padded to a vector.
const ROW: usize = 4;

impl<const MIDDLE: usize> Kernel for Deposit<'_, MIDDLE> {
    type Output = ();

    #[inline(always)]
    fn call(mut self) {
        // What the places of one lattice cell add.
        let mut block = [[[0.0; ROW]; MIDDLE]; 3];
        let mut left = None;
        for numbers in self.order.chunks(PLACES) {
            let packed = transposed(numbers.len(), |lane| self.places.at(numbers[lane] as usize));
            let local = self.lattice.local_pack(&packed);
            let mut mass = splat(0.0);
            for (mass, number) in mass.0.iter_mut().zip(numbers) {
                *mass = self.masses.at(*number as usize);
            }
            let mut across = [[splat(0.0); MIDDLE]; 3];
            for (a, across) in across.iter_mut().enumerate() {
                for (b, across) in across.iter_mut().enumerate() {
                    *across = match MIDDLE {
                        1 => mass * local[0].values[a],
                        _ => mass * local[0].values[a] * local[1].values[b],
                    };
                }
            }
            let mut along = [[0.0; ROW]; PLACES];
            for (lane, along) in along.iter_mut().enumerate() {
                for (along, values) in along.iter_mut().zip(&local[2].values) {
                    *along = values.0[lane];
                }
            }
            for (lane, along) in along.iter().enumerate().take(numbers.len()) {
                let cell = [local[1].cell[lane], local[2].cell[lane]];
                if left != Some(cell) {
                    if let Some(cell) = left.replace(cell) {
                        self.scatter(cell, &block);
                    }
                    block = [[[0.0; ROW]; MIDDLE]; 3];
                }
                for (block, across) in block.iter_mut().zip(&across) {
                    for (block, across) in block.iter_mut().zip(across) {
                        for (sum, along) in block.iter_mut().zip(along) {
                            *sum += across.0[lane] * along;
                        }
                    }
                }
            }
            debug_assert!(local[0].cell.iter().all(|cell| *cell == self.slab));
        }
        if let Some(cell) = left {
            self.scatter(cell, &block);
        }
    }
}

impl<const MIDDLE: usize> Deposit<'_, MIDDLE> {
    /// Adds the block of a lattice cell to the nodes beside it.
    #[inline(always)]
    fn scatter(&mut self, [middle, fast]: [usize; 2], block: &[[[f64; ROW]; MIDDLE]; 3]) {
        let [_, rows, row] = self.lattice.padded();
        for (a, block) in block.iter().enumerate() {
            for (b, block) in block.iter().enumerate() {
                let first = (a * rows + middle + b) * row + fast;
                if let Some(numbers) = self.numbers[first..].first_chunk_mut::<3>() {
                    for (number, share) in numbers.iter_mut().zip(block) {
                        *number += share;
                    }
                }
            }
        }
    }
}
