use rayon::prelude::*;

use super::euler::EulerStep;
use crate::divergence::Divergence;

/// Where the extrapolated solution may not go: r falls to a quarter or grows fourfold at most against the two half steps, and never leaves
/// the bounds of the comparison principle.
const LARGEST_FALL: f64 = 0.75;
const LARGEST_GROWTH: f64 = 3.0;

/// The two half steps and the full step of one extrapolated step, w in each.
pub(super) struct Steps<'a> {
    pub full: &'a [f64],
    pub first_half: &'a [f64],
    pub second_half: &'a [f64],
}

/// Richardson extrapolation in flux form (docs/mathematics.md, eq. 13): what the half steps carried through each face is corrected by its
/// difference to what the full step carried, as far as the limiter of Zalesak (J. Comput. Phys. 31, 1979) allows. So mass stays to rounding,
/// ρ stays positive, and tails far below the error in L1 do not spoil the order elsewhere.
pub(super) struct Extrapolation {
    /// Share of the correction that may leave and that may enter each cell.
    shares: Vec<[f64; 2]>,
    /// The correction, ψ'(r)·δr at the second half step.
    pub change: Vec<f64>,
}

impl Extrapolation {
    pub fn new(cells: usize) -> Self {
        Self {
            shares: vec![[0.0; 2]; cells],
            change: vec![0.0; cells],
        }
    }

    /// The extrapolated w into `result`.
    pub fn apply<D: Divergence>(
        &mut self,
        euler: &EulerStep<D>,
        dt: f64,
        steps: &Steps<'_>,
        [lowest, highest]: [f64; 2],
        result: &mut [f64],
    ) {
        let empty = D::kirchhoff(f64::NEG_INFINITY);
        let couplings = &euler.couplings;
        let n = couplings.row();
        let Steps {
            full,
            first_half,
            second_half,
        } = *steps;
        // What the correction takes from cell i through the face to j, up to the factor of the face.
        let outflow = |i: usize, j: usize| {
            let halves =
                0.5 * ((first_half[i] - first_half[j]) + (second_half[i] - second_half[j]));
            halves - (full[i] - full[j])
        };

        self.shares
            .par_chunks_mut(n)
            .enumerate()
            .for_each(|(row, shares)| {
                for (i, shares) in shares.iter_mut().enumerate() {
                    let cell = row * n + i;
                    let w = second_half[cell];
                    let slope = D::slope(w);
                    let (mut leaving, mut entering) = (0.0, 0.0);
                    couplings.for_each_face(cell, |factor, beside| {
                        let carried = dt * slope * factor * outflow(cell, beside);
                        leaving += carried.max(0.0);
                        entering += (-carried).max(0.0);
                    });
                    let whole = D::relative_change(w, empty);
                    let room_below = (LARGEST_FALL * whole)
                        .min(D::relative_change(w, lowest))
                        .max(0.0);
                    let room_above = (LARGEST_GROWTH * whole)
                        .min(-D::relative_change(w, highest))
                        .max(0.0);
                    let share = |room: f64, need: f64| if need > room { room / need } else { 1.0 };
                    *shares = [share(room_below, leaving), share(room_above, entering)];
                }
            });

        let shares = &self.shares;
        let rows = self
            .change
            .par_chunks_mut(n)
            .zip(result.par_chunks_mut(n))
            .enumerate();
        rows.for_each(|(row, (change, result))| {
            for i in 0..n {
                let cell = row * n + i;
                let w = second_half[cell];
                let slope = D::slope(w);
                let mut sum = 0.0;
                couplings.for_each_face(cell, |factor, beside| {
                    let carried = outflow(cell, beside);
                    let (from, to) = if carried > 0.0 {
                        (cell, beside)
                    } else {
                        (beside, cell)
                    };
                    let share = shares[from][0].min(shares[to][1]);
                    sum -= dt * slope * factor * carried * share;
                });
                change[i] = sum;
                result[i] = if sum == 0.0 {
                    w
                } else {
                    D::displaced(w, sum).max(lowest).min(highest)
                };
            }
        });
    }
}
