use super::Inertial;
use super::ledger::Ledger;
use crate::backend::reduce;
use crate::divergence::Divergence;
use crate::flow::{FlowError, Motion};
use crate::grid::Field;

impl<D: Divergence> Inertial<D> {
    /// Velocity and energies now.
    pub(super) fn motion_now(&self) -> Motion {
        let shape = self.problem.grid.shape();
        let velocity = (0..self.faces.dimension()).map(|axis| {
            let mut velocity = Field::zeros(shape);
            for (cell, velocity) in velocity.iter_mut().enumerate() {
                let next = self.faces.next(axis, cell);
                let density = 0.5 * (self.cells.density[cell] + self.cells.density[next]);
                if density > 0.0 {
                    *velocity = self.momentum[axis][cell] / density;
                }
            }
            velocity
        });
        let axes = 0..self.faces.dimension();
        let volume = self.faces.volume;
        let momentum =
            |axis: usize| volume * reduce::sum(self.faces.len(), |cell| self.momentum[axis][cell]);
        let (_, ny, nx) = shape;
        let mean = |axis: usize| {
            let place = |cell: usize| {
                let index = (cell / (nx * ny), cell / nx % ny, cell % nx);
                self.problem.grid.center(index)[axis]
            };
            volume
                * reduce::sum(self.faces.len(), |cell| {
                    self.cells.density[cell] * place(cell)
                })
        };
        Motion {
            velocity: velocity.collect(),
            mean: axes.clone().map(mean).collect(),
            momentum: axes.map(momentum).collect(),
            kinetic_energy: self.ledger.kinetic,
            initial_hamiltonian: self.ledger.initial,
            dissipated_work: self.ledger.work,
            action: self.ledger.action,
        }
    }

    /// Starts anew with a velocity on the faces.
    pub(super) fn start_moving(&mut self, velocity: &[Field]) -> Result<(), FlowError> {
        let shape = self.problem.grid.shape();
        let fits = velocity.len() == self.faces.dimension()
            && velocity.iter().all(|component| {
                component.dim() == shape && component.iter().all(|value| value.is_finite())
            });
        if !fits {
            let shapes: Vec<String> = velocity
                .iter()
                .map(|component| {
                    let finite = component.iter().all(|value| value.is_finite());
                    let words = if finite { "" } else { ", not all finite" };
                    format!("{:?}{words}", component.dim())
                })
                .collect();
            return Err(FlowError::Velocity {
                found: format!("{} components ({})", velocity.len(), shapes.join("; ")),
                expected: format!("{} components of shape {shape:?}", self.faces.dimension()),
            });
        }
        for (axis, component) in velocity.iter().enumerate() {
            for (cell, value) in component.iter().enumerate() {
                let next = self.faces.next(axis, cell);
                let open = self.faces.mobility[axis][cell] > 0.0;
                let density = 0.5 * (self.cells.density[cell] + self.cells.density[next]);
                self.momentum[axis][cell] = if open { density * value } else { 0.0 };
            }
        }
        let kinetic = self.kinetic();
        self.ledger = Ledger::open(self.ledger.divergence, kinetic);
        Ok(())
    }
}
