use rayon::prelude::*;

use super::equations;
use super::faces::{FaceField, Faces};
use super::ledger::Cells;
use super::pressure::velocity_of;
use super::rows::sweep;
use crate::backend::cpu::Parametrised;
use crate::calculus::Real;

/// What passes faces beside momentum (docs/mathematics.md, eq. 48): from ρ in the cell before a face's own two, in these and in the one after; √(π_i π_j), and π
/// in the two; √ψ' in them; θ; and the momentum of the face before, of this one and of the one after.
struct Beyond;

impl Parametrised<13, 1> for Beyond {
    #[inline(always)]
    fn values<R: Real>(&self, inputs: [R; 13]) -> [R; 1] {
        let [before, own, next, beyond, mobility, target, target_next, ..] = inputs;
        let [
            ..,
            sound,
            sound_next,
            mobile,
            momentum_before,
            momentum,
            momentum_after,
        ] = inputs;
        let one = R::constant(1.0);
        [equations::explicit_flux(
            [own, next],
            [mobility / target - one, mobility / target_next - one],
            [sound, sound_next],
            [
                velocity_of(momentum_before, [before, own]),
                velocity_of(momentum, [own, next]),
                velocity_of(momentum_after, [next, beyond]),
            ],
            mobile,
        )]
    }
}

/// How the mass fluxes of a stage of order 2 move mass.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passing {
    /// What friction leaves of what is explicit, and the time that it counts for.
    pub share: f64,
    pub duration: f64,
    /// The time that momentum has moved mass for.
    pub moved: f64,
    /// The weight of the mass that has passed before.
    pub kept: f64,
}

impl Passing {
    /// Sets the mass flux of each face from momentum, and takes what it moves into the mass that has passed.
    pub fn add(
        self,
        faces: &Faces,
        cells: &Cells,
        momentum: &FaceField,
        flux: &mut FaceField,
        passed: &mut FaceField,
    ) {
        let n = faces.row();
        let axes = flux.iter_mut().zip(passed).zip(momentum).enumerate();
        for (axis, ((flux, passed), momentum)) in axes {
            let rows = flux.par_chunks_mut(n).zip(passed.par_chunks_mut(n));
            rows.enumerate().for_each(|(row, (flux, passed))| {
                let beside = faces.beside(row, axis);
                let reads = [
                    beside.read(&cells.density, -1),
                    beside.read(&cells.density, 0),
                    beside.read(&cells.density, 1),
                    beside.read(&cells.density, 2),
                    beside.read(&faces.mobility[axis], 0),
                    beside.read(&faces.target, 0),
                    beside.read(&faces.target, 1),
                    beside.read(&cells.sound, 0),
                    beside.read(&cells.sound, 1),
                    beside.read(&cells.mobile[axis], 0),
                    beside.read(momentum, -1),
                    beside.read(momentum, 0),
                    beside.read(momentum, 1),
                ];
                sweep(&Beyond, reads, [&mut *flux]);
                let momentum = &momentum[row * n..][..n];
                for ((flux, passed), momentum) in flux.iter_mut().zip(passed).zip(momentum) {
                    let beyond = self.share * *flux;
                    *passed = self.kept * *passed + self.moved * momentum + self.duration * beyond;
                    *flux = momentum + beyond;
                }
            });
        }
    }
}
