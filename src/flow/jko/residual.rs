//! The residual of a step at an iterate, and its derivatives, tile by tile.

use super::cells::CellTerms;
use super::distribution::Distribution;
use super::faces::{Faces, TILE};
use super::line::{Iterate, LineStep};
use super::parts::in_parts;
use crate::backend::cpu::{Kernel, elementwise, vectorised};
use crate::divergence::Divergence;

/// Cells from `first` on: what is known of them, and what is found.
struct Part<'a> {
    origin: &'a Distribution,
    /// τ/h².
    scale: f64,
    first: usize,
    /// The force at the face to the left of the first cell.
    force_before: f64,
    force: &'a [f64],
    mass: &'a [f64],
    growth: &'a [f64],
    stiffness: &'a mut [f64],
    residual: &'a mut [f64],
}

impl Kernel for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let mut faces = Faces::new();
        let mut forces = [0.0; TILE + 1];
        forces[0] = self.force_before;
        let cells = self.force.len();
        for begin in (0..cells).step_by(TILE) {
            let many = TILE.min(cells - begin);
            let tile = begin..begin + many;
            let first = self.first + begin;
            forces[1..=many].copy_from_slice(&self.force[tile.clone()]);
            let before = first as isize - 1;
            faces.locate(self.origin, before, self.scale, &forces[..=many]);
            for (k, stiffness) in self.stiffness[tile.clone()].iter_mut().enumerate() {
                let density = self.scale * faces.density[k + 1];
                *stiffness = if faces.inside[k + 1] { density } else { 0.0 };
            }
            let (growth, mass) = (&self.growth[tile.clone()], &self.mass[tile.clone()]);
            faces.residuals(self.origin, first, growth, mass, &mut self.residual[tile]);
            forces[0] = forces[many];
        }
    }
}

impl<D: Divergence> LineStep<D> {
    /// Residual and derivatives at ℓ of the current or the trial iterate.
    pub fn evaluate(&mut self, tau: f64, of_trial: bool) {
        let n = self.cells();
        let scale = tau / (self.spacing * self.spacing);
        let iterate = if of_trial {
            &mut self.trial
        } else {
            &mut self.current
        };
        let Iterate {
            log_ratio,
            force,
            stiffness,
            mass,
            residual,
            slope,
            growth,
        } = iterate;
        let ln = log_ratio.as_slice();
        let (origin, periodic) = (&self.origin, self.periodic);
        let (target, initial) = (&self.target, &self.initial);
        let force_before = |cell: usize| match cell {
            0 if periodic => D::first_variation_change(ln[n - 1], ln[n]),
            0 => 0.0,
            _ => D::first_variation_change(ln[cell - 1], ln[cell]),
        };
        in_parts(
            [force, mass, slope, growth, stiffness, residual],
            &|first, [force, mass, slope, growth, stiffness, residual]| {
                let cells = first..first + force.len();
                elementwise::<CellTerms<D>, 4, 4>(
                    [
                        &ln[cells.clone()],
                        &ln[first + 1..],
                        &target[cells.clone()],
                        &initial[cells.clone()],
                    ],
                    [force, mass, slope, growth],
                );
                if let Some(last) = force.last_mut().filter(|_| !periodic && cells.end == n) {
                    // Nothing passes the side.
                    *last = 0.0;
                }
                vectorised(Part {
                    origin,
                    scale,
                    first,
                    force_before: force_before(first),
                    force,
                    mass,
                    growth,
                    stiffness,
                    residual,
                });
            },
            &|(), ()| (),
        );
    }
}
