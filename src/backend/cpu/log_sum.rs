//! Sums of exponentials along rows, kept as logarithms.

use rayon::prelude::*;

use super::{Kernel, vectorised};
use crate::calculus::{Lanes, Real};

/// Numbers of a row that are looked at together.
const GROUP: usize = 16;

/// Terms smaller than the largest by this factor, as a logarithm, are below half a unit in the last place of a sum of 2¹⁶ terms.
const NEGLIGIBLE: f64 = -48.0;

/// Stands for ln 0: small enough to vanish beside any other term, large enough that no difference overflows.
pub const LOG_OF_ZERO: f64 = -1e300;

/// Rows that one task takes; what they cost depends on nothing but their length, and no bit depends on who takes them.
const ROWS: usize = 16;

/// Penalties that depend on the distance of two places of a row only, laid out so that those of one place are consecutive.
pub struct Penalties {
    length: usize,
    groups: usize,
    /// `table[length − 1 + i − j]` is the penalty between the places i and j.
    table: Vec<f64>,
    /// Least penalties of [`GROUP`] successive entries of `table`: those from entry s at `[s mod GROUP][s / GROUP]`.
    least: Vec<Vec<f64>>,
}

impl Penalties {
    /// The table of `penalty(i − j)` for rows of `length` numbers.
    pub fn new(length: usize, penalty: impl Fn(isize) -> f64) -> Self {
        let groups = length.div_ceil(GROUP);
        let shift = length as isize - 1;
        let entry = |place: usize| {
            let offset = place as isize - shift;
            if offset <= shift {
                penalty(offset)
            } else {
                0.0
            }
        };
        let table: Vec<f64> = (0..length + GROUP * groups).map(entry).collect();
        let lowest = |entries: &[f64]| entries.iter().copied().fold(f64::INFINITY, f64::min);
        let least = |first: usize| {
            let groups = table[first.min(table.len())..].chunks_exact(GROUP);
            groups.map(lowest).collect()
        };
        Self {
            length,
            groups,
            least: (0..GROUP).map(least).collect(),
            table,
        }
    }
}

/// For every row a of `rows` and place j: ln Σ_i exp(a_i − penalty(i − j)), largest term first, so that nothing overflows.
pub fn log_sum_along_rows(penalties: &Penalties, rows: &[f64], sums: &mut [f64]) {
    let length = ROWS * penalties.length;
    sums.par_chunks_mut(length)
        .zip(rows.par_chunks(length))
        .for_each(|(sums, rows)| {
            vectorised(Block {
                penalties,
                rows,
                sums,
            });
        });
}

struct Block<'a> {
    penalties: &'a Penalties,
    rows: &'a [f64],
    sums: &'a mut [f64],
}

impl Kernel for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Penalties {
            length,
            groups,
            ref table,
            ref least,
        } = *self.penalties;
        let mut row = vec![LOG_OF_ZERO; GROUP * groups];
        let mut highest = vec![0.0; groups];
        let mut bounds = vec![0.0; groups];
        let rows = self.rows.chunks_exact(length);
        for (values, sums) in rows.zip(self.sums.chunks_exact_mut(length)) {
            row[..length].copy_from_slice(values);
            for (highest, group) in highest.iter_mut().zip(row.chunks_exact(GROUP)) {
                *highest = Group::load(group).halved(larger);
            }
            for (place, sum) in sums.iter_mut().enumerate() {
                let first = length - 1 - place;
                let least = &least[first % GROUP][first / GROUP..];
                for ((bound, highest), least) in bounds.iter_mut().zip(&highest).zip(least) {
                    *bound = highest - least;
                }
                *sum = log_sum(&row, &table[first..], &bounds);
            }
        }
    }
}

type Group = Lanes<f64, GROUP>;

#[inline(always)]
fn larger(a: f64, b: f64) -> f64 {
    if a < b { b } else { a }
}

/// The sum over those groups alone of which the bound of the exponents says that they count.
#[inline(always)]
fn log_sum(row: &[f64], penalty: &[f64], bounds: &[f64]) -> f64 {
    let exponents = |group: usize| {
        let first = group * GROUP;
        Group::load(&row[first..]) - Group::load(&penalty[first..])
    };
    let highest = |group: usize| {
        exponents(group)
            .0
            .into_iter()
            .fold(f64::NEG_INFINITY, f64::max)
    };
    let mut likely = 0;
    for (group, bound) in bounds.iter().enumerate() {
        if *bound > bounds[likely] {
            likely = group;
        }
    }
    let mut largest = highest(likely);
    for (group, bound) in bounds.iter().enumerate() {
        if *bound > largest {
            largest = largest.max(highest(group));
        }
    }
    let mut sum = Group::splat(0.0);
    for (group, bound) in bounds.iter().enumerate() {
        if *bound > largest + NEGLIGIBLE {
            let exponent = exponents(group) - Group::splat(largest);
            sum = sum + exponent.maximum(Group::splat(2.0 * NEGLIGIBLE)).exp();
        }
    }
    largest + Real::ln(sum.halved(|a, b| a + b))
}
