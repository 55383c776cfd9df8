//! Cells that the map draws out are divided, so that no mass of the start is without feet (docs/mathematics.md, eq. 28).

use super::iterate::{Iterate, ratio_of};
use super::newton::Newton;
use crate::backend::gpu::GpuError;
use crate::divergence::Divergence;

/// A node lacks feet if this share of its mass comes from none; nodes of less mass, relative to all, do not count.
const UNSERVED: f64 = 0.1;
const UNSERVED_MASS: f64 = 1e-13;

impl<D: Divergence> Newton<D> {
    /// One place a cell.
    pub fn join(&mut self) {
        self.points.join(&mut self.target);
        self.fit();
    }

    /// Divides the cells that the map draws out over several lattice cells, once in a step; whether there are any. The equations are
    /// evaluated anew.
    ///
    /// # Errors
    ///
    /// A failure of the GPU.
    pub fn divide(&mut self, tau: f64) -> Result<bool, GpuError> {
        let Self {
            lattice,
            points,
            target,
            current,
            ..
        } = self;
        if !points.divided.is_empty() {
            return Ok(false);
        }
        let (start, residual) = (&self.moments, &current.residual);
        let least = UNSERVED_MASS * self.mass;
        let wanted = |node: usize| start[node] > least && residual[node] > UNSERVED * start[node];
        if !points.divide(lattice, wanted, target, &mut current.feet) {
            return Ok(false);
        }
        self.fit();
        self.restart(tau)?;
        let Iterate { feet, ratio, .. } = &mut self.current;
        for divided in &self.points.divided {
            let own = ratio[divided.cell];
            for place in divided.further.clone() {
                let dual = ratio_of::<D, f64>(feet[place].value);
                ratio[place] = if dual > 0.0 && dual.is_finite() {
                    dual
                } else {
                    own
                };
            }
        }
        self.evaluate(false)?;
        Ok(true)
    }

    /// Room for all places.
    fn fit(&mut self) {
        let places = self.points.len();
        self.current.resize(places);
        self.trial = None;
    }
}
