//! (A x)_i = Σ_j a_ij (x_j − x_i) + e_i x_i with the row sums e_i: what f32 makes of large a_ij leaves a constant, which stiffness does not see,
//! to the row sums alone.

use crate::calculus::Real;

/// The sum of the differences with one more neighbour.
#[inline(always)]
pub(super) fn coupled<R: Real>(sum: R, coupling: R, own: R, beside: R) -> R {
    sum + coupling * (beside - own)
}

/// The sum of the differences with what the row sum adds.
#[inline(always)]
pub(super) fn whole<R: Real>(sum: R, excess: R, own: R) -> R {
    sum + excess * own
}
