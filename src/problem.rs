//! What every method, metric and file speaks of: a problem and the state of its density.

use crate::calculus::Real;
use crate::divergence::DivergenceKind;
use crate::grid::{Field, Grid};

/// What a gradient flow is given: where, towards what, and by which divergence.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The cells.
    pub grid: Grid,
    /// ln π at the cell centres, normalised so that Σ π · cell volume = 1.
    pub log_target: Field,
    /// The divergence J whose W2 gradient flow is run.
    pub divergence: DivergenceKind,
}

impl Problem {
    /// ln(π · cell volume) of every cell.
    pub fn log_masses(&self) -> impl Iterator<Item = f64> + '_ {
        let log_volume = Real::ln(self.grid.cell_volume());
        self.log_target.iter().map(move |ln| ln + log_volume)
    }
}

/// The density at one time, as ℓ = ln(ρ/π) in each cell: −∞ where ρ = 0.
///
/// The log-ratio keeps its digits both near equilibrium, where ℓ ≈ 0, and in tails where ρ and π underflow.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Time t.
    pub time: f64,
    /// ℓ = ln(ρ/π), shape (z, y, x).
    pub log_ratio: Field,
}

impl State {
    /// ρ in every cell.
    pub fn density(&self, problem: &Problem) -> Field {
        let mut density = &self.log_ratio + &problem.log_target;
        density.par_mapv_inplace(Real::exp);
        density
    }
}
