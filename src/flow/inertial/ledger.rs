use super::faces::{FaceField, Faces};
use crate::backend::cpu::Elementwise;
use crate::divergence::Divergence;
use crate::flow::face_density::FaceDensity;

/// The kinetic energy ½ Σ m²/θ over the faces (docs/mathematics.md, eq. 43).
///
/// The density θ of a face is the mean for which θ (f'_j − f'_i) = √(π_i π_j) (ψ_j − ψ_i), with which pressure does the same work on
/// momentum as on J; at the edge of empty cells, where θ may vanish, half the arithmetic mean of ρ.
pub(super) fn kinetic_energy<D: Divergence>(
    faces: &Faces,
    log_target: &[f64],
    log_ratio: &[f64],
    density: &[f64],
    momentum: &FaceField,
) -> f64 {
    let of_axis = |axis: usize| {
        faces.sum(|cell| {
            let carried = momentum[axis][cell];
            if carried == 0.0 {
                return 0.0;
            }
            let next = faces.next(axis, cell);
            let [mean] = FaceDensity::<D>::values([
                log_ratio[cell],
                log_ratio[next],
                log_target[cell],
                log_target[next],
            ]);
            // `f64::max` also takes the other where an empty cell leaves no number.
            let density = mean.max(0.25 * (density[cell] + density[next]));
            if density > 0.0 {
                carried * (carried / density)
            } else {
                0.0
            }
        })
    };
    0.5 * faces.volume * (0..faces.dimension()).map(of_axis).sum::<f64>()
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
