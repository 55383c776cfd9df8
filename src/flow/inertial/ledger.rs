use std::marker::PhantomData;

use rayon::prelude::*;

use super::faces::{FaceField, Faces};
use super::rows::sweep;
use crate::backend::cpu::{Elementwise, Plain, elementwise};
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

/// What follows from w in each cell, and on its faces.
#[derive(Clone, Debug)]
pub(super) struct Cells {
    /// ℓ.
    pub log_ratio: Vec<f64>,
    /// ρ.
    pub density: Vec<f64>,
    /// √ψ'.
    pub sound: Vec<f64>,
    /// θ: the density of a face with which pressure does the same work on momentum as on J (docs/mathematics.md, eq. 43).
    pub mobile: FaceField,
}

impl Cells {
    pub fn new(faces: &Faces) -> Self {
        let zeros = || vec![0.0; faces.len()];
        Self {
            log_ratio: zeros(),
            density: zeros(),
            sound: zeros(),
            mobile: faces.zeros(),
        }
    }

    pub fn set<D: Divergence>(&mut self, faces: &Faces, log_target: &[f64], w: &[f64]) {
        let row = faces.row();
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
        let log_ratio = &self.log_ratio;
        for (axis, mobile) in self.mobile.iter_mut().enumerate() {
            let rows = mobile.par_chunks_mut(row).enumerate();
            rows.for_each(|(row, mobile)| {
                let beside = faces.beside(row, axis);
                let both = |field| [beside.read(field, 0), beside.read(field, 1)];
                let [log_ratio, log_target] = [log_ratio, log_target].map(both);
                let reads = [log_ratio[0], log_ratio[1], log_target[0], log_target[1]];
                sweep(&Plain::<FaceDensity<D>>::FUNCTION, reads, [mobile]);
            });
        }
    }
}

/// Two sums over the faces: the kinetic energy K = ½ Σ m² V/ρ_D (docs/mathematics.md, eq. 43), and the same with θ in place of ρ_D.
#[derive(Clone, Copy, Debug)]
pub(super) struct FaceEnergies {
    /// K.
    pub kinetic: f64,
    /// ½ Σ m² V/θ, θ the density with which the implicit pressure does the same work on momentum as on J; at the edge of empty cells,
    /// where θ may vanish, half of ρ_D.
    pub by_mobility: f64,
}

impl FaceEnergies {
    /// What friction takes its work from where this share of the missing pressure is made good: the rest of the pressure works by θ.
    pub fn rubbed(self, share: f64) -> f64 {
        share * self.kinetic + (1.0 - share) * self.by_mobility
    }
}

/// The energies of a momentum in some cells.
pub(super) fn face_energies(faces: &Faces, cells: &Cells, momentum: &FaceField) -> FaceEnergies {
    let n = faces.row();
    let density = &cells.density;
    let mut totals = [0.0; 2];
    for (axis, (momentum, mobile)) in momentum.iter().zip(&cells.mobile).enumerate() {
        let rows = momentum.par_chunks(n).zip(mobile.par_chunks(n)).enumerate();
        let sums: Vec<[f64; 2]> = rows
            .map(|(row, (momentum, mobile))| {
                let beside = faces.beside(row, axis);
                let own = row * n;
                let mut sums = [0.0; 2];
                for (i, (carried, mobile)) in momentum.iter().zip(mobile).enumerate() {
                    let arithmetic = 0.5 * (density[own + i] + density[beside.at(i, 1)]);
                    if *carried != 0.0 && arithmetic > 0.0 {
                        // `f64::max` also takes the other where an empty cell leaves no number.
                        let mobile = mobile.max(0.5 * arithmetic);
                        sums[0] += carried * (carried / arithmetic);
                        sums[1] += carried * (carried / mobile);
                    }
                }
                sums
            })
            .collect();
        for sums in sums {
            totals[0] += sums[0];
            totals[1] += sums[1];
        }
    }
    let [kinetic, by_mobility] = totals.map(|total| 0.5 * faces.volume * total);
    FaceEnergies {
        kinetic,
        by_mobility,
    }
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
