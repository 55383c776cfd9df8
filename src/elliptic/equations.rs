//! The equations of the solver over any reading of a number: the loops of the CPU and the shaders take them from here.

use crate::calculus::Real;

/// A coupling counts in full from this share of the diagonal on: what each face has where space is isotropic in 3-D.
const FULL_SHARE: f64 = 1.0 / 6.0;

/// What leaves a cell through its two faces along an axis: a (x − x₋) + a' (x − x₊).
#[inline(always)]
pub(super) fn outflow<R: Real>(x: R, faces: [R; 2], beside: [R; 2]) -> R {
    faces[0] * (x - beside[0]) + faces[1] * (x - beside[1])
}

/// (A x)_i = e_i x_i + the outflows along the axes; that along z is none on flat grids.
#[inline(always)]
pub(super) fn product<R: Real>(excess: R, x: R, along: [R; 2], along_z: Option<R>) -> R {
    let flat = excess * x + along[0] + along[1];
    match along_z {
        Some(along_z) => flat + along_z,
        None => flat,
    }
}

/// 1/(e_i + Σ_j a_ij), from the two faces along each axis.
#[inline(always)]
pub(super) fn inverse_diagonal<R: Real, const N: usize>(excess: R, faces: [[R; 2]; N]) -> R {
    let diagonal = faces
        .into_iter()
        .fold(excess, |sum, [before, after]| sum + (before + after));
    R::constant(1.0) / diagonal
}

/// One step of Jacobi from x = 0: ω D⁻¹ b.
#[inline(always)]
pub(crate) fn first_jacobi<R: Real>(damping: R, inverse: R, b: R) -> R {
    damping * inverse * b
}

/// One step of Jacobi: x + ω D⁻¹ (b − A x).
#[inline(always)]
pub(crate) fn jacobi<R: Real>(x: R, damping: R, inverse: R, b: R, product: R) -> R {
    x + damping * inverse * (b - product)
}

/// Share of the other coarse cell in a fine cell's correction, from the geometric weight, the coupling of the face to it, and the inverse
/// diagonals of the cells on both sides of the face.
#[inline(always)]
pub(super) fn share<R: Real>(weight: R, coupling: R, own: R, beyond: R) -> R {
    let one = R::constant(1.0);
    let by_coupling = coupling * own * R::constant(1.0 / FULL_SHARE);
    let by_diagonal = own / beyond;
    let relative = R::select(by_coupling.less(by_diagonal), by_coupling, by_diagonal);
    weight * R::select(relative.less(one), relative, one)
}

/// What a fine cell keeps of its residual, the shares of other coarse cells along each axis given.
#[inline(always)]
pub(super) fn kept<R: Real, const N: usize>(shares: [R; N]) -> R {
    shares
        .into_iter()
        .fold(R::constant(1.0), |kept, share| kept - share)
}

/// A fine cell's correction from that of its own coarse cell and, by their shares, those of the others.
#[inline(always)]
pub(super) fn interpolated<R: Real, const N: usize>(own: R, shares: [R; N], others: [R; N]) -> R {
    let mut sum = own;
    for axis in 0..N {
        sum = sum + shares[axis] * (others[axis] - own);
    }
    sum
}

/// y + α v.
#[inline(always)]
pub(super) fn moved<R: Real>(y: R, factor: R, vector: R) -> R {
    y + factor * vector
}

/// β of a direction that is conjugate to the one before, ⟨A p, z⟩ and ⟨p, A p⟩ given.
///
/// Where only cells of vanishing weight are left, products underflow; the preconditioner alone is then the iteration.
#[inline(always)]
pub(super) fn conjugation<R: Real>(image: R, curvature: R) -> R {
    let zero = R::constant(0.0);
    R::select(zero.less(curvature), -image / curvature, zero)
}

/// The length of a step, ⟨r, z⟩ and ⟨p, A p⟩ given; likewise.
#[inline(always)]
pub(super) fn step_length<R: Real>(residual: R, curvature: R) -> R {
    let positive = R::constant(0.0).less(curvature);
    R::select(positive, residual / curvature, R::constant(1.0))
}
