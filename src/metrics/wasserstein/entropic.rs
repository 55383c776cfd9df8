//! W2 in any dimension, by entropic transport from which the entropy's bias is taken off.

use thiserror::Error;

use crate::backend::cpu::{LOG_OF_ZERO, Penalties, log_sum_along_rows};
use crate::backend::reduce;
use crate::calculus::Real;
use crate::grid::{Axis, Boundary, Field, Grid};

/// ε in squares of the widest spacing: the coarsest plan that still sees every cell.
const SMOOTHING: f64 = 2.0;
/// Rounds at each ε on the way down from the square of the box.
const ROUNDS_ON_THE_WAY: usize = 2;
/// How far each potential goes beyond its own update, as long as the dual value rises (Lehmann, von Renesse, Sambale, Uschmajew 2022).
const RELAXATION: f64 = 1.5;
/// Part of W2² below which what is still to come may be left out.
const TOLERANCE: f64 = 1e-5;
/// The same of T(ρ, ρ), from which W2² is a small difference near equilibrium.
const TOLERANCE_TO_ITSELF: f64 = 1e-11;
/// A rise of this many squares of the box is rounding.
const ROUNDING: f64 = 1e-15;
/// Rounds that are looked back on.
const RATIOS: usize = 4;
/// Rounds after which the value has to have settled.
const ROUNDS: usize = 5000;

/// The iteration of a transport cost did not settle.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
#[error(
    "W2 did not settle in {rounds} rounds: a share {share:.1e} of W2² was still to come; \
     leave out `output.wasserstein`, or give both densities a `floor`"
)]
pub struct Unsettled {
    /// Rounds made.
    pub rounds: usize,
    /// Part of W2² by which the last rounds would still have changed it.
    pub share: f64,
}

/// The transport of densities to one target: W2(ρ, π) on any grid, the shorter way around where a side is periodic.
///
/// The value is the root of the Sinkhorn divergence S = T(ρ, π) − ½T(ρ, ρ) − ½T(π, π), where T is the cost of transport between the
/// masses of the cells with ε KL(plan ‖ ρ⊗π) added (Feydy, Séjourné, Vialard, Amari, Trouvé, Peyré 2019). S vanishes for ρ = π, and
/// differs from W2² by O(ε²) for smooth densities (Chizat, Roussillon, Léger, Vialard, Peyré 2020); ε is twice the square of the
/// widest spacing, so the value is of second order in it (docs/mathematics.md, §7).
pub struct TransportToTarget {
    plane: Plane,
    target: Marginal,
    epsilon: f64,
    target_to_itself: f64,
}

impl TransportToTarget {
    /// Prepares the target: its transport to itself is the same for every density.
    ///
    /// # Errors
    ///
    /// [`Unsettled`] where the iteration does not converge.
    pub fn new(grid: &Grid, target: &Field) -> Result<Self, Unsettled> {
        let widest = grid.axes().iter().map(Axis::spacing).fold(0.0, f64::max);
        Self::with_smoothing(grid, target, SMOOTHING * widest * widest)
    }

    /// The same with an ε of one's own: as it falls far below the square of the spacing, the value tends to the root of the optimum of the
    /// linear program between the masses at the cell centres, which for smooth densities is a worse W2.
    ///
    /// # Errors
    ///
    /// [`Unsettled`] where the iteration does not converge.
    pub fn with_smoothing(grid: &Grid, target: &Field, epsilon: f64) -> Result<Self, Unsettled> {
        let plane = Plane::new(grid);
        let target = Marginal::new(target);
        let target_to_itself = plane.to_itself(&target, epsilon)?;
        Ok(Self {
            plane,
            target,
            epsilon,
            target_to_itself,
        })
    }

    /// W2 between a density and the target, each scaled to mass 1.
    ///
    /// # Errors
    ///
    /// [`Unsettled`] where the iteration does not converge.
    pub fn distance(&self, density: &Field) -> Result<f64, Unsettled> {
        let density = Marginal::new(density);
        let to_itself = self.plane.to_itself(&density, self.epsilon)?;
        let themselves = 0.5 * (to_itself + self.target_to_itself);
        let cost = self
            .plane
            .between(&density, &self.target, self.epsilon, themselves)?;
        Ok((cost - themselves).max(0.0).sqrt())
    }
}

/// The masses of the cells, their sum 1, and their logarithms.
struct Marginal {
    mass: Vec<f64>,
    log_mass: Vec<f64>,
}

impl Marginal {
    fn new(density: &Field) -> Self {
        let total = density.sum();
        let mass: Vec<f64> = density.iter().map(|value| value / total).collect();
        let log = |mass: &f64| Real::ln(*mass).max(LOG_OF_ZERO);
        Self {
            log_mass: mass.iter().map(log).collect(),
            mass,
        }
    }

    /// Σ potential · mass.
    fn mean(&self, potential: &[f64]) -> f64 {
        reduce::sum(self.mass.len(), |cell| potential[cell] * self.mass[cell])
    }
}

/// The squared distances of a grid, axis by axis.
struct Plane {
    axes: Vec<Axis>,
    cells: usize,
    square: f64,
}

/// The smoothing of potentials at one ε.
struct Smoothing<'a> {
    plane: &'a Plane,
    epsilon: f64,
    penalties: Vec<Penalties>,
    rows: Vec<f64>,
    sums: Vec<f64>,
}

impl Plane {
    fn new(grid: &Grid) -> Self {
        let axes = grid.axes().to_vec();
        let square = |axis: &Axis| {
            let longest = match axis.boundary {
                Boundary::NoFlux => axis.upper - axis.lower,
                Boundary::Periodic => 0.5 * (axis.upper - axis.lower),
            };
            longest * longest
        };
        Self {
            square: axes.iter().map(square).sum(),
            cells: grid.len(),
            axes,
        }
    }

    /// The values of ε from the square of the box down to `last`, halved each time, without the last.
    fn descent(&self, last: f64) -> impl Iterator<Item = f64> {
        let halved = |epsilon: &f64| Some(0.5 * epsilon);
        std::iter::successors(Some(self.square), halved).take_while(move |epsilon| *epsilon > last)
    }

    fn smoothing(&self, epsilon: f64) -> Smoothing<'_> {
        let penalties = |axis: &Axis| {
            let around = axis.cells as isize;
            Penalties::new(axis.cells, |offset| {
                let steps = match axis.boundary {
                    Boundary::NoFlux => offset.abs(),
                    Boundary::Periodic => offset.abs().min(around - offset.abs()),
                };
                let distance = steps as f64 * axis.spacing();
                distance * distance / epsilon
            })
        };
        Smoothing {
            plane: self,
            epsilon,
            penalties: self.axes.iter().map(penalties).collect(),
            rows: vec![0.0; self.cells],
            sums: vec![0.0; self.cells],
        }
    }

    /// T(ρ, ρ), by the mean of a potential and its smoothing, which contracts by half.
    fn to_itself(&self, density: &Marginal, epsilon: f64) -> Result<f64, Unsettled> {
        let mut potential = vec![0.0; self.cells];
        let mut update = vec![0.0; self.cells];
        let mut round = |smoothing: &mut Smoothing<'_>, potential: &mut [f64]| {
            smoothing.apply(potential, density, &mut update);
            let dual = density.mean(potential) + density.mean(&update);
            relax(potential, &update, 0.5);
            dual
        };
        let mut towards = Extrapolation::default();
        for epsilon in self.descent(epsilon) {
            towards.go_to(epsilon, &mut potential);
            let mut smoothing = self.smoothing(epsilon);
            for _ in 0..ROUNDS_ON_THE_WAY {
                round(&mut smoothing, &mut potential);
            }
        }
        towards.go_to(epsilon, &mut potential);
        let mut smoothing = self.smoothing(epsilon);
        let mut rise = Rise::new(TOLERANCE_TO_ITSELF, self.square);
        for _ in 0..ROUNDS {
            let dual = round(&mut smoothing, &mut potential);
            if rise.settled(dual, 0.0) {
                return Ok(dual);
            }
        }
        Err(rise.unsettled(0.0))
    }

    /// T(ρ, π), a lower bound of it that is off by squares of what the potentials are.
    fn between(
        &self,
        density: &Marginal,
        target: &Marginal,
        epsilon: f64,
        themselves: f64,
    ) -> Result<f64, Unsettled> {
        let mut from = vec![0.0; self.cells];
        let mut to = vec![0.0; self.cells];
        let mut update = vec![0.0; self.cells];
        let mut round = |smoothing: &mut Smoothing<'_>, to: &mut [f64], relaxation: f64| {
            smoothing.apply(to, target, &mut update);
            let dual = density.mean(&update) + target.mean(to);
            relax(&mut from, &update, relaxation);
            smoothing.apply(&from, density, &mut update);
            relax(to, &update, relaxation);
            dual
        };
        let mut towards = Extrapolation::default();
        for epsilon in self.descent(epsilon) {
            towards.go_to(epsilon, &mut to);
            let mut smoothing = self.smoothing(epsilon);
            for _ in 0..ROUNDS_ON_THE_WAY {
                round(&mut smoothing, &mut to, 1.0);
            }
        }
        towards.go_to(epsilon, &mut to);
        let mut smoothing = self.smoothing(epsilon);
        let mut rise = Rise::new(TOLERANCE, self.square);
        let mut relaxation = 1.0;
        for _ in 0..ROUNDS {
            let before = rise.value;
            let dual = round(&mut smoothing, &mut to, relaxation);
            if rise.settled(dual, themselves) {
                return Ok(dual);
            }
            // The plain update never lowers the dual value; the longer one may, far from the optimum.
            relaxation = if dual < before { 1.0 } else { RELAXATION };
        }
        Err(rise.unsettled(themselves))
    }
}

/// A potential is nearly linear in small ε: the line through the last two gives the next a better start than the last.
#[derive(Default)]
struct Extrapolation {
    earlier: Option<(f64, Vec<f64>)>,
    epsilon: f64,
}

impl Extrapolation {
    /// Takes the potential reached at the last ε to the next.
    fn go_to(&mut self, epsilon: f64, potential: &mut [f64]) {
        let reached = (self.epsilon, potential.to_vec());
        if let Some((earlier_epsilon, earlier)) = &self.earlier {
            let share = (epsilon - self.epsilon) / (self.epsilon - earlier_epsilon);
            for (value, earlier) in potential.iter_mut().zip(earlier) {
                *value += share * (*value - earlier);
            }
        }
        // Before the first ε there is no potential yet.
        self.earlier = (self.epsilon > 0.0).then_some(reached);
        self.epsilon = epsilon;
    }
}

fn relax(potential: &mut [f64], update: &[f64], relaxation: f64) {
    for (old, new) in potential.iter_mut().zip(update) {
        *old += relaxation * (new - *old);
    }
}

impl Smoothing<'_> {
    /// x ↦ −ε ln Σ_y exp((potential(y) − |x − y|²)/ε) · mass(y), one axis after the other.
    fn apply(&mut self, potential: &[f64], density: &Marginal, result: &mut [f64]) {
        for (row, (potential, log_mass)) in self
            .rows
            .iter_mut()
            .zip(potential.iter().zip(&density.log_mass))
        {
            *row = potential / self.epsilon + log_mass;
        }
        for (axis, penalties) in self.plane.axes.iter().zip(&self.penalties) {
            log_sum_along_rows(penalties, &self.rows, &mut self.sums);
            transpose(&self.sums, axis.cells, &mut self.rows);
        }
        for (result, row) in result.iter_mut().zip(&self.rows) {
            *result = -self.epsilon * row;
        }
    }
}

/// Writes rows of `length` numbers as columns: after as many times as there are axes, each has been the last, and the order is as before.
fn transpose(rows: &[f64], length: usize, columns: &mut [f64]) {
    let count = rows.len() / length;
    for (place, column) in columns.chunks_exact_mut(count).enumerate() {
        for (row, value) in column.iter_mut().enumerate() {
            *value = rows[row * length + place];
        }
    }
}

/// The rise of a dual value towards its maximum, in the end geometric.
struct Rise {
    tolerance: f64,
    square: f64,
    value: f64,
    rise: f64,
    ratios: [f64; RATIOS],
    rounds: usize,
    to_come: f64,
}

impl Rise {
    fn new(tolerance: f64, square: f64) -> Self {
        Self {
            tolerance,
            square,
            value: f64::NEG_INFINITY,
            rise: f64::INFINITY,
            ratios: [1.0; RATIOS],
            rounds: 0,
            to_come: f64::INFINITY,
        }
    }

    /// Takes the next value; true once what is to come matters no more beside its distance from `offset`. The slowest of the last rounds
    /// says how much is to come: over-relaxation makes them uneven.
    fn settled(&mut self, value: f64, offset: f64) -> bool {
        let rise = (value - self.value).abs();
        self.ratios[self.rounds % RATIOS] = rise / self.rise;
        let slowest = self.ratios.iter().copied().fold(0.0, f64::max);
        let ratio = slowest.clamp(0.5, 1.0 - 1e-4);
        self.to_come = rise * ratio / (1.0 - ratio);
        self.rise = rise;
        self.value = value;
        self.rounds += 1;
        rise <= ROUNDING * self.square || self.to_come <= self.tolerance * (value - offset).abs()
    }

    fn unsettled(&self, offset: f64) -> Unsettled {
        Unsettled {
            rounds: self.rounds,
            share: self.to_come / (self.value - offset).abs(),
        }
    }
}
