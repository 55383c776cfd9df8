use rayon::prelude::*;

use super::equations;
use super::faces::{FaceField, Faces};
use super::ledger::Cells;
use super::pressure::{Surroundings, reads, velocity_of};
use super::rows::sweep;
use crate::backend::cpu::Parametrised;
use crate::calculus::Real;

/// What passes faces beside momentum (docs/mathematics.md, eq. 48): from their surroundings, θ, and their momentum.
struct Beyond;

impl Parametrised<13, 1> for Beyond {
    #[inline(always)]
    fn values<R: Real>(&self, inputs: [R; 13]) -> [R; 1] {
        let (around, [mobile, momentum]) = Surroundings::new(inputs);
        let [before, after] = around.beside;
        let velocity = velocity_of(momentum, around.density);
        [equations::explicit_flux(
            around.density,
            around.tilt,
            around.sound,
            [before, velocity, after],
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
                let fields = [&cells.density, &cells.sound, momentum].map(|field| &field[..]);
                let own = [&cells.mobile[axis], momentum].map(|field| beside.read(field, 0));
                let reads = reads(faces, axis, &beside, fields, own);
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
