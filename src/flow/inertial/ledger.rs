use std::marker::PhantomData;

use rayon::prelude::*;

use super::faces::{FaceField, Faces};
use crate::backend::cpu::{Elementwise, elementwise};
use crate::calculus::Real;
use crate::divergence::Divergence;
use crate::flow::face_density::FaceDensity;

/// Of w and ln π: ℓ, ρ and the speed of sound √ψ'.
struct OfCell<D>(PhantomData<D>);

impl<D: Divergence> Elementwise<2, 3> for OfCell<D> {
    #[inline(always)]
    fn values<R: Real>([w, log_target]: [R; 2]) -> [R; 3] {
        let log_ratio = D::log_ratio(w);
        [
            log_ratio,
            (log_target + log_ratio).exp(),
            D::slope(w).sqrt(),
        ]
    }
}

/// What follows from w in each cell.
#[derive(Clone, Debug)]
pub(super) struct Cells {
    /// ℓ.
    pub log_ratio: Vec<f64>,
    /// ρ.
    pub density: Vec<f64>,
    /// √ψ'.
    pub sound: Vec<f64>,
}

impl Cells {
    pub fn new(cells: usize) -> Self {
        let zeros = || vec![0.0; cells];
        Self {
            log_ratio: zeros(),
            density: zeros(),
            sound: zeros(),
        }
    }

    pub fn set<D: Divergence>(&mut self, row: usize, log_target: &[f64], w: &[f64]) {
        let outputs = self
            .log_ratio
            .par_chunks_mut(row)
            .zip(self.density.par_chunks_mut(row))
            .zip(self.sound.par_chunks_mut(row));
        let inputs = w.par_chunks(row).zip(log_target.par_chunks(row));
        outputs
            .zip(inputs)
            .for_each(|(((log_ratio, density), sound), (w, log_target))| {
                elementwise::<OfCell<D>, 2, 3>([w, log_target], [log_ratio, density, sound]);
            });
    }
}

/// The kinetic energy ½ Σ m²/θ over the faces (docs/mathematics.md, eq. 43). `means` is scratch memory, one number a cell.
///
/// The density θ of a face is the mean for which θ (f'_j − f'_i) = √(π_i π_j) (ψ_j − ψ_i), with which pressure does the same work on
/// momentum as on J; at the edge of empty cells, where θ may vanish, half the arithmetic mean of ρ.
pub(super) fn kinetic_energy<D: Divergence>(
    faces: &Faces,
    log_target: &[f64],
    cells: &Cells,
    momentum: &FaceField,
    means: &mut [f64],
) -> f64 {
    let n = faces.row();
    let (log_ratio, density) = (&cells.log_ratio, &cells.density);
    let mut total = 0.0;
    for (axis, momentum) in momentum.iter().enumerate() {
        let rows = means.par_chunks_mut(n).enumerate();
        let sums: Vec<f64> = rows
            .map(|(row, means)| {
                let beside = faces.beside(row, axis);
                let (own, next) = (row * n, beside.at(0, 1));
                let (ratios, targets) = (&log_ratio[own..][..n], &log_target[own..][..n]);
                if axis == 0 {
                    let last = [ratios[n - 1], ratios[0], targets[n - 1], targets[0]];
                    let inputs = [ratios, &ratios[1..], targets, &targets[1..]];
                    elementwise::<FaceDensity<D>, 4, 1>(inputs, [&mut means[..n - 1]]);
                    [means[n - 1]] = FaceDensity::<D>::values(last);
                } else {
                    let others = (&log_ratio[next..][..n], &log_target[next..][..n]);
                    let inputs = [ratios, others.0, targets, others.1];
                    elementwise::<FaceDensity<D>, 4, 1>(inputs, [means]);
                }
                let mut sum = 0.0;
                for (i, mean) in means.iter().enumerate() {
                    let carried = momentum[own + i];
                    let arithmetic = density[own + i] + density[beside.at(i, 1)];
                    // `f64::max` also takes the other where an empty cell leaves no number.
                    let density = mean.max(0.25 * arithmetic);
                    if carried != 0.0 && density > 0.0 {
                        sum += carried * (carried / density);
                    }
                }
                sum
            })
            .collect();
        total += sums.into_iter().sum::<f64>();
    }
    0.5 * faces.volume * total
}

/// The energies of a run and what became of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ledger {
    /// J now.
    pub divergence: f64,
    /// Kinetic energy now.
    pub kinetic: f64,
    /// J + kinetic energy at the start.
    pub initial: f64,
    /// ∫ γ ∫ρ|u|² dt.
    pub work: f64,
    /// ∫ (½ ∫ρ|u|² − J) dt.
    pub action: f64,
}

impl Ledger {
    /// The ledger at the start of a run.
    pub fn open(divergence: f64, kinetic: f64) -> Self {
        Self {
            divergence,
            kinetic,
            initial: divergence + kinetic,
            work: 0.0,
            action: 0.0,
        }
    }

    /// Enters a step: its length, the work of friction in it, and what the energies are at its end.
    pub fn enter(&mut self, duration: f64, work: f64, divergence: f64, kinetic: f64) {
        let before = self.kinetic - self.divergence;
        let after = kinetic - divergence;
        self.action += 0.5 * duration * (before + after);
        self.work += work;
        (self.divergence, self.kinetic) = (divergence, kinetic);
    }
}
