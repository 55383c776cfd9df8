//! Sums over cells for each spline, Wᵀ of a field: in one order, whatever the number of threads.
//!
//! Places are sorted by lattice cell. Those of one slab touch the splines of three slabs, so every third slab is done at a time.

use rayon::prelude::*;

use super::lattice::{Lattice, Local, Point};
use super::passes;

/// Places by lattice cell, and within it by their number.
#[derive(Clone, Debug)]
pub(super) struct Order {
    /// Where the places of each lattice cell begin in `places`.
    starts: Vec<u32>,
    places: Vec<u32>,
    cells: Vec<u32>,
}

impl Order {
    pub fn new(lattice: &Lattice, places: usize) -> Self {
        Self {
            starts: vec![0; lattice.len() + 1],
            places: vec![0; places],
            cells: vec![0; places],
        }
    }

    /// Sorts places.
    pub fn sort(&mut self, lattice: &Lattice, place: impl Fn(usize) -> Point + Sync) {
        passes::each(&mut self.cells, |number, cell| {
            let local = lattice.local(&place(number));
            *cell = lattice.number(local.map(|axis| axis.cell)) as u32;
        });
        self.starts.fill(0);
        for cell in &self.cells {
            self.starts[*cell as usize + 1] += 1;
        }
        for cell in 1..self.starts.len() {
            self.starts[cell] += self.starts[cell - 1];
        }
        for (number, cell) in self.cells.iter().enumerate() {
            let next = &mut self.starts[*cell as usize];
            self.places[*next as usize] = number as u32;
            *next += 1;
        }
        self.starts.rotate_right(1);
        self.starts[0] = 0;
    }

    /// The places of a lattice cell.
    pub fn of(&self, cell: usize) -> &[u32] {
        &self.places[self.starts[cell] as usize..self.starts[cell + 1] as usize]
    }
}

/// Calls `deposit(slab, numbers)` for every slab of the lattice, `numbers` being those of the slab before, itself and the one after,
/// `length` a slab; what is beyond the sides is added where it belongs on periodic axes. `padded` holds two slabs more than the lattice.
pub(super) fn by_slabs(
    lattice: &Lattice,
    padded: &mut [f64],
    length: usize,
    deposit: impl Fn(usize, &mut [f64]) + Sync,
) {
    let count = lattice.axes[0].count;
    passes::chunks(padded, length, |_, slab| slab.fill(0.0));
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
    if lattice.axes[0].periodic {
        let (first, rest) = padded.split_at_mut(length);
        let last = &mut rest[(count - 1) * length..][..length];
        for (to, from) in last.iter_mut().zip(first.iter()) {
            *to += from;
        }
        let (rest, beyond) = padded.split_at_mut((count + 1) * length);
        for (to, from) in rest[length..].iter_mut().zip(beyond.iter()) {
            *to += from;
        }
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

/// Σ_i mass_i B_k(y_i) for every spline k, into `moments`.
pub(super) fn moments(
    lattice: &Lattice,
    order: &Order,
    place: impl Fn(usize) -> Point + Sync,
    mass: impl Fn(usize) -> f64 + Sync,
    padded: &mut [f64],
    moments: &mut [f64],
) {
    let slab_length = lattice.slab();
    let row = lattice.axes[2].count;
    by_slabs(lattice, padded, slab_length, |slab, numbers| {
        for within in 0..slab_length {
            let cell = slab * slab_length + within;
            let node = lattice.node(cell);
            let places = order.of(cell);
            if places.is_empty() {
                continue;
            }
            let mut block = [0.0; 27];
            for &number in places {
                let number = number as usize;
                let local: [Local; 3] = lattice.local(&place(number));
                let mass = mass(number);
                for a in lattice.axes[0].beside() {
                    for b in lattice.axes[1].beside() {
                        let along = mass * local[0].values[a] * local[1].values[b];
                        for c in 0..3 {
                            block[(a * 3 + b) * 3 + c] += along * local[2].values[c];
                        }
                    }
                }
            }
            for a in lattice.axes[0].beside() {
                for b in lattice.axes[1].beside() {
                    let middle = lattice.axes[1].fold((node[1] + b) as isize - 1);
                    let first = slab_of(lattice, slab, a) * slab_length + middle * row;
                    for c in lattice.axes[2].beside() {
                        let x = lattice.axes[2].fold((node[2] + c) as isize - 1);
                        numbers[first + x] += block[(a * 3 + b) * 3 + c];
                    }
                }
            }
        }
    });
    moments.copy_from_slice(&padded[slab_length..][..moments.len()]);
}
