//! The loops over places of Newton's iteration: here, or on a device that computes in f64, to which an iteration lends them.

use std::marker::PhantomData;

use super::deposit::{Masses, Places, moments};
use super::device::DeviceCells;
use super::feet::{Foot, Search};
use super::iterate::{Cells, Iterate, Moved, Ratio, Soft, direct};
use super::lattice::squared_distance;
use super::newton::{Newton, STIFFNESS};
use super::pack::{Pack, with_middle};
use super::passes;
use super::stencil::scale_of;
use crate::backend::gpu::GpuError;
use crate::backend::reduce;
use crate::calculus::Real;
use crate::divergence::Divergence;

impl<D: Divergence> Newton<D> {
    /// Feet of the current potential for this τ, from where they are; then the equations there.
    ///
    /// # Errors
    ///
    /// A failure of the GPU.
    pub fn restart(&mut self, tau: f64) -> Result<(), GpuError> {
        self.stiffness = STIFFNESS;
        self.send()?;
        let Iterate {
            coefficients,
            spline,
            feet,
            ..
        } = &mut self.current;
        spline.set(coefficients);
        match &mut self.device {
            Some(device) => device.find_feet(tau, coefficients, feet)?,
            None => self.find_feet(tau),
        }
        self.evaluate(false)
    }

    /// Feet of the current potential, from where they are, on this processor.
    fn find_feet(&mut self, tau: f64) {
        let Iterate { spline, feet, .. } = &mut self.current;
        let mut found = vec![Foot::default(); self.points.len()];
        Search::new(spline, &self.lattice, tau).all(&self.points, feet, &mut found);
        *feet = found;
    }

    /// Lends the current iterate to the device, if there is one: from then on its feet and r are there.
    ///
    /// # Errors
    ///
    /// A failure of the GPU.
    pub fn lend(&mut self) -> Result<(), GpuError> {
        self.send()?;
        let Some(device) = &mut self.device else {
            return Ok(());
        };
        device.lent = true;
        self.evaluate(false)
    }

    /// Makes the device know the current iterate; without room for all places there it is done with.
    fn send(&mut self) -> Result<(), GpuError> {
        let device = self.device.take();
        let device = device.map(|device| device.with_places(self.points.len()));
        self.device = device.transpose()?.flatten();
        let Some(device) = &mut self.device else {
            return Ok(());
        };
        device.lent = false;
        let Iterate { feet, ratio, .. } = &self.current;
        device.load(&self.points, &self.target, (feet, ratio))
    }

    /// Makes the device know the direction.
    ///
    /// # Errors
    ///
    /// A failure of the GPU.
    pub fn turn(&self) -> Result<(), GpuError> {
        lent(&self.device).map_or(Ok(()), |device| device.turn(&self.direction))
    }

    /// Takes the current iterate back. Feet are gone to once more from where the device found them, and the equations evaluated there: what is certified of
    /// them rests on arithmetic of this processor alone.
    ///
    /// # Errors
    ///
    /// A failure of the GPU.
    pub fn take_back(&mut self, tau: f64) -> Result<(), GpuError> {
        let Some(device) = lent_mut(&mut self.device) else {
            return Ok(());
        };
        let Iterate {
            coefficients,
            spline,
            feet,
            ratio,
            ..
        } = &mut self.current;
        spline.set(coefficients);
        device.lent = false;
        device.fetch(feet, ratio)?;
        self.find_feet(tau);
        self.evaluate(false)
    }

    /// Residual and misfit of the current or the trial iterate, where they are.
    ///
    /// # Errors
    ///
    /// A failure of the GPU.
    pub fn evaluate(&mut self, of_trial: bool) -> Result<(), GpuError> {
        let Some(device) = lent_mut(&mut self.device) else {
            self.evaluate_here(of_trial);
            return Ok(());
        };
        let iterate = match &mut self.trial {
            Some(trial) if of_trial => trial,
            _ => &mut self.current,
        };
        device.evaluate(of_trial, &mut iterate.residual)?;
        let changed = device.sums(of_trial).changed;
        iterate.compare(&self.moments, changed, self.mass);
        Ok(())
    }

    /// Residual and misfit of the current or the trial iterate, whose feet and r are here.
    fn evaluate_here(&mut self, of_trial: bool) {
        let Self {
            lattice,
            target,
            order,
            padded,
            moments: start,
            ..
        } = self;
        let iterate = match &mut self.trial {
            Some(trial) if of_trial => trial,
            _ => &mut self.current,
        };
        let Iterate {
            feet,
            ratio,
            residual,
            ..
        } = iterate;
        if direct::<D>() {
            passes::fill(ratio, &Ratio(feet, PhantomData::<D>));
        }
        let (feet, ratio, target): (&[Foot], &[f64], &[f64]) = (feet, ratio, target);
        order.sort(lattice, Places::Feet(feet));
        moments(
            lattice,
            order,
            Places::Feet(feet),
            Masses::Products(target, ratio),
            padded,
            residual,
        );
        let changed = soft::<D, _>(feet, ratio, target, |capacity, mismatch| {
            capacity * mismatch.abs()
        });
        let changed = passes::sum(ratio.len(), &changed);
        iterate.compare(start, changed, self.mass);
    }

    /// The trial iterate becomes the current one.
    pub fn accept(&mut self) {
        let Some(trial) = &mut self.trial else {
            return;
        };
        std::mem::swap(&mut self.current, trial);
        if let Some(device) = lent_mut(&mut self.device) {
            // Memory for feet and r belongs to the current one: they are elsewhere.
            std::mem::swap(&mut self.current.feet, &mut trial.feet);
            std::mem::swap(&mut self.current.ratio, &mut trial.ratio);
            device.accept();
        }
    }

    /// The misfit where the direction leads to; none is any good before it is followed.
    pub fn trial_misfit(&self) -> f64 {
        let trial = self.trial.as_ref();
        trial.map_or(f64::INFINITY, |trial| trial.misfit)
    }

    /// Σ mass |x − y|² of the current iterate.
    pub fn cost(&self) -> f64 {
        if let Some(device) = lent(&self.device) {
            return device.sums(false).cost;
        }
        let Iterate { feet, ratio, .. } = &self.current;
        reduce::sum(ratio.len(), |cell| {
            let square = squared_distance(&self.points.place(cell), &feet[cell].place);
            self.target[cell] * ratio[cell] * square
        })
    }

    /// π V/f''(r) of the current iterate.
    pub fn capacity(&self) -> Vec<f64> {
        let Iterate { feet, ratio, .. } = &self.current;
        let mut capacity = vec![0.0; ratio.len()];
        let soft = soft::<D, _>(feet, ratio, &self.target, |capacity, _| capacity);
        passes::fill(&mut capacity, &soft);
        capacity
    }

    /// Twice the fall of the dual that Newton's model promises: of the order of the gap.
    pub fn decrement(&self) -> f64 {
        let squares = match lent(&self.device) {
            Some(device) => device.sums(false).squares,
            None => self.squares(),
        };
        passes::dot(&self.rhs, &self.direction).abs() + squares
    }

    /// Σ π V/f''(r) (s − f'(r))² of the current iterate.
    fn squares(&self) -> f64 {
        let Iterate { feet, ratio, .. } = &self.current;
        let squares = soft::<D, _>(feet, ratio, &self.target, |capacity, mismatch| {
            capacity * mismatch * mismatch
        });
        passes::sum(ratio.len(), &squares)
    }

    /// The right-hand side of the system for φ (eq. 29).
    ///
    /// # Errors
    ///
    /// A failure of the GPU.
    pub fn set_rhs(&mut self) -> Result<(), GpuError> {
        if let Some(device) = lent(&self.device) {
            device.excess(&mut self.rhs)?;
        } else {
            self.add_excess();
        }
        let residual = &self.current.residual;
        passes::each(&mut self.rhs, |node, rhs| *rhs = residual[node] - *rhs);
        Ok(())
    }

    /// Wᵀ((s − f'(r)) π V/f''(r)) of the current iterate.
    fn add_excess(&mut self) {
        let Iterate { feet, ratio, .. } = &self.current;
        let mut excess = vec![0.0; ratio.len()];
        let soft = soft::<D, _>(feet, ratio, &self.target, |capacity, mismatch| {
            capacity * mismatch
        });
        passes::fill(&mut excess, &soft);
        moments(
            &self.lattice,
            &self.order,
            Places::Feet(feet),
            Masses::Of(&excess),
            &mut self.padded,
            &mut self.rhs,
        );
    }

    /// The matrix of the system without its stiffness (eq. 30).
    ///
    /// # Errors
    ///
    /// A failure of the GPU.
    pub fn assemble(&mut self, tau: f64) -> Result<(), GpuError> {
        // Sums of all entries without and with slopes, as long as no foot is near a fold.
        let bent = tau * self.mass * self.lattice.curvature();
        if let Some(device) = lent(&self.device) {
            let scale = scale_of(device.sums(false).capacity + bent);
            let matrix = self.multigrid.matrix();
            return device.assemble(tau, scale, &self.current.coefficients, matrix);
        }
        let capacity = self.capacity();
        let Self {
            target,
            current,
            order,
            padded,
            multigrid,
            ..
        } = self;
        let weigh = current.hessian(target, &capacity, tau);
        let size = reduce::sum(capacity.len(), |cell| capacity[cell]) + bent;
        let matrix = multigrid.matrix();
        matrix.assemble(order, &weigh, scale_of(size), padded);
        Ok(())
    }

    /// The trial iterate at a share of the direction.
    ///
    /// # Errors
    ///
    /// A failure of the GPU.
    pub fn go(&mut self, tau: f64, length: f64) -> Result<(), GpuError> {
        let Self {
            lattice,
            points,
            current,
            trial,
            direction,
            device,
            ..
        } = self;
        let device = lent_mut(device);
        let (coefficients, direction) = (&current.coefficients, &*direction);
        // What belongs to places is on the device, if it is lent to one.
        let places = if device.is_some() { 0 } else { points.len() };
        let trial = trial.get_or_insert_with(|| Iterate::new(*lattice, places));
        passes::each(&mut trial.coefficients, |node, value| {
            *value = coefficients[node] + length * direction[node];
        });
        if let Some(device) = device {
            device.go(tau, length, &trial.coefficients)?;
            return self.evaluate(true);
        }
        trial.spline.set(direction);
        with_middle!(lattice, MIDDLE => {
            let moved = Moved::<D, MIDDLE> {
                feet: &current.feet,
                ratio: &current.ratio,
                lattice,
                along: &trial.spline,
                length,
                divergence: PhantomData,
            };
            passes::fill(&mut trial.ratio, &moved);
        });
        trial.spline.set(&trial.coefficients);
        let search = Search::new(&trial.spline, lattice, tau);
        search.all(points, &current.feet, &mut trial.feet);
        self.evaluate(true)
    }
}

/// The device, while the current iterate is lent to it.
fn lent(device: &Option<DeviceCells>) -> Option<&DeviceCells> {
    device.as_ref().filter(|device| device.lent)
}

fn lent_mut(device: &mut Option<DeviceCells>) -> Option<&mut DeviceCells> {
    device.as_mut().filter(|device| device.lent)
}

fn soft<'a, D, F: Fn(Pack, Pack) -> Pack>(
    feet: &'a [Foot],
    ratio: &'a [f64],
    target: &'a [f64],
    of: F,
) -> Soft<'a, D, F> {
    let cells = Cells {
        feet,
        ratio,
        target,
        divergence: PhantomData,
    };
    Soft { cells, of }
}
