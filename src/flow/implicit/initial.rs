use crate::divergence::Divergence;
use crate::flow::method::Cell;
use crate::flow::{FlowError, Problem, State};
use crate::grid::Field;

/// The smallest ℓ that empty cells are lifted to where ψ' or 1/ψ' vanishes at r = 0: far below any rounding of the mass.
pub(in crate::flow) const LIFTED_LOG_RATIO: f64 = -320.0;

/// ℓ that no cell falls below.
pub(in crate::flow) fn lowest_log_ratio<D: Divergence>() -> f64 {
    let degenerate = D::slope(D::kirchhoff(f64::NEG_INFINITY));
    if degenerate > 0.0 && degenerate.is_finite() {
        f64::NEG_INFINITY
    } else {
        LIFTED_LOG_RATIO
    }
}

/// w = ψ(r) of a state.
///
/// # Errors
///
/// [`FlowError::Range`] where it is no number of the format.
pub(in crate::flow) fn initial_values<D: Divergence>(
    problem: &Problem,
    state: &State,
) -> Result<Field, FlowError> {
    let lowest = lowest_log_ratio::<D>();
    let values = state
        .log_ratio
        .mapv(|log_ratio| D::kirchhoff(log_ratio.max(lowest)));
    let unusable = |(w, log_ratio): (&f64, &f64)| !w.is_finite() || log_ratio.is_nan();
    let Some(number) = values.iter().zip(&state.log_ratio).position(unusable) else {
        return Ok(values);
    };
    Err(FlowError::Range {
        quantity: "ln(ρ/π)",
        value: state
            .log_ratio
            .iter()
            .copied()
            .nth(number)
            .unwrap_or(f64::NAN),
        cell: Cell::new(&problem.grid, number),
        holder: "the implicit method for this divergence",
        limit: "ψ(ρ/π) must be a number of f64".to_string(),
        remedy: "mix a uniform background into the target (`floor`)",
    })
}
