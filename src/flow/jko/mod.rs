//! Minimising movements: the scheme of Jordan, Kinderlehrer and Otto (1998), each step certified by its duality gap.

mod cells;
mod certificate;
mod continuation;
mod distribution;
mod extrapolation;
mod line;
mod spline;

use extrapolation::Extrapolation;
use line::LineStep;

use super::method::Cell;
use super::{Advance, Claims, FlowError, Method, Problem, State, Transport};
use crate::divergence::Divergence;
use crate::grid::Field;
use crate::metrics::divergence;

/// ln(π · cell volume) down to which masses keep their digits.
const LOWEST_LOG_MASS: f64 = -690.0;
/// |ln r| up to which f' and ψ are numbers.
const LARGEST_LOG_RATIO: f64 = 690.0;
/// The gap, relative to J at the start, that counts as rounding.
const ROUNDING: f64 = f64::EPSILON;

/// How JKO steps are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JkoSettings {
    /// τ, shortened evenly to land on output times.
    pub step: f64,
    /// 1, or 2: the variational form of the backward difference formula over two steps.
    pub order: u8,
    /// The largest duality gap of a step, relative to W2²/(2τ) of the step.
    pub gap: f64,
}

/// JKO steps ρ_{k+1} = argmin J(ρ) + W2²(ρ, ρ_k)/(2τ) for one divergence, in f64 on the CPU (docs/mathematics.md, eq. 17).
///
/// At order 1 each step lowers J by at least W2²/(2τ). At order 2 the minimum is taken from an extrapolation of the last two densities
/// (eq. 23), from which J + W2²/(2τ) is lowered. Mass is kept. A step is accepted only with a duality gap, a proven bound on the
/// distance from the minimum, that is small beside W2²/(2τ).
pub struct Jko<D> {
    solver: LineStep<D>,
    /// At order 2.
    extrapolation: Option<Extrapolation>,
    settings: JkoSettings,
    /// J at the start.
    first_divergence: f64,
    time: f64,
    /// ℓ now.
    current: Field,
}

impl<D: Divergence> Jko<D> {
    /// Starts the flow of a problem from a state.
    ///
    /// # Errors
    ///
    /// [`FlowError::Dimension`] in 2-D and 3-D, [`FlowError::Range`] where π or r is beyond what the step can hold.
    pub fn new(problem: &Problem, state: &State, settings: JkoSettings) -> Result<Self, FlowError> {
        let [axis] = problem.grid.axes() else {
            return Err(FlowError::Dimension {
                method: "jko",
                dimension: problem.grid.dimension(),
            });
        };
        check_range::<D>(problem, state)?;
        let solver = LineStep::new(axis, problem.log_target.iter().copied());
        let extrapolation = || Extrapolation::new(solver.cells(), solver.periodic);
        Ok(Self {
            extrapolation: (settings.order == 2).then(extrapolation),
            solver,
            settings,
            first_divergence: divergence(problem, state),
            time: state.time,
            current: state.log_ratio.clone(),
        })
    }

    /// The length of the next step: of equal ones that land on `until`, or shorter if order 2 needs it.
    fn towards(&self, until: f64) -> f64 {
        let remaining = until - self.time;
        let count = (remaining / self.settings.step * (1.0 - 1e-9)).ceil();
        let even = remaining / count.max(1.0);
        let shortened = |extrapolation: &Extrapolation| extrapolation.step_within(even);
        self.extrapolation.as_ref().map_or(even, shortened)
    }
}

/// Refuses what no step could hold, with the cell.
fn check_range<D: Divergence>(problem: &Problem, state: &State) -> Result<(), FlowError> {
    let log_volume = problem.grid.cell_volume().ln();
    let cells = problem.log_target.iter().zip(&state.log_ratio);
    for (number, (log_target, log_ratio)) in cells.enumerate() {
        let within = |value: f64| (-LARGEST_LOG_RATIO..=LARGEST_LOG_RATIO).contains(&value);
        let empty = *log_ratio == f64::NEG_INFINITY && D::ADMITS_EMPTY_CELLS;
        let (quantity, value, limit) = if log_target + log_volume < LOWEST_LOG_MASS {
            ("ln π", *log_target, "ln(π · cell width) at least -690")
        } else if !(within(*log_ratio) || empty) {
            ("ln(ρ/π)", *log_ratio, "between -690 and 690")
        } else {
            continue;
        };
        return Err(FlowError::Range {
            quantity,
            value,
            cell: Cell::new(&problem.grid, number),
            holder: "the JKO step",
            limit: limit.to_string(),
            remedy: "mix a uniform background into the target (`floor`)",
        });
    }
    Ok(())
}

impl<D: Divergence> Method for Jko<D> {
    fn claims(&self) -> Claims {
        Claims {
            order: if self.extrapolation.is_some() { 2 } else { 1 },
            conserves_mass: true,
            keeps_bounds: false,
            decreases_own_divergence: self.extrapolation.is_none(),
            decreases_divergences: false,
        }
    }

    fn time(&self) -> f64 {
        self.time
    }

    fn advance(&mut self, until: f64) -> Result<Advance, FlowError> {
        let step = self.towards(until);
        let current = self.current.as_slice().unwrap_or_default();
        let (tau, initial) = match &mut self.extrapolation {
            Some(extrapolation) => extrapolation.prepare(&mut self.solver, current, step),
            None => (step, current),
        };
        let (iterations, settled) = self.solver.solve(tau, initial);
        let cost = self.solver.transport_cost();
        let gap = self.solver.gap(tau);
        let allowed = self.settings.gap * cost / (2.0 * tau) + ROUNDING * self.first_divergence;
        // Before the iteration settles, W2² is not that of the masses, and none of the three need be a number.
        let certified = settled && gap <= allowed;
        if !certified {
            return Err(FlowError::Uncertified {
                time: self.time,
                step,
                iterations,
                gap,
                allowed,
            });
        }
        if let Some(extrapolation) = &mut self.extrapolation {
            extrapolation.record(&self.solver, step, tau);
        }
        let cells = self.solver.cells();
        if let Some(current) = self.current.as_slice_mut() {
            current.copy_from_slice(&self.solver.current.log_ratio[..cells]);
        }
        let reached = self.time + step;
        self.time = if (until - reached).abs() <= 1e-12 * until.abs() {
            until
        } else {
            reached
        };
        Ok(Advance {
            time: self.time,
            step,
            steps: 1,
            iterations,
            linear_iterations: 0,
            rejected: 0,
            transport: Some(Transport { cost, gap }),
        })
    }

    fn state(&mut self) -> Result<State, FlowError> {
        Ok(State {
            time: self.time,
            log_ratio: self.current.clone(),
        })
    }
}
