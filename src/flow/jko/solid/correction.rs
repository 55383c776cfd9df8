//! Corrections of a plan whose second marginal is not yet that of the start (docs/mathematics.md, eq. 33).

use super::deposit::{Order, Places};
use super::lattice::Lattice;
use super::multigrid::Multigrid;
use super::pack::{LocalPack, Pack, splat, transposed, with_middle};
use super::passes::{self, Fill};
use super::spline::Spline;
use super::stencil::{Weigh, scale_of};
use crate::backend::gpu::GpuError;
use crate::backend::reduce;

/// The least and the largest factor of a correction.
const FACTORS: [f64; 2] = [0.1, 10.0];
/// Lifts of the diagonal of the matrix of a correction, relative to itself and to its largest entry.
const LIFTS: [f64; 2] = [1e-13, 1e-18];
/// Iterations of the linear solver after which a system is left: further corrections follow.
const LINEAR_ITERATIONS: usize = 60;

/// The weights of a matrix of masses.
struct Marginal<'a> {
    masses: &'a [f64],
    places: Places<'a>,
}

impl Weigh for Marginal<'_> {
    const FLUX: bool = false;

    #[inline(always)]
    fn places(&self) -> Places<'_> {
        self.places
    }

    #[inline(always)]
    fn masses(&self) -> &[f64] {
        self.masses
    }

    #[inline(always)]
    fn flux<const MIDDLE: usize>(&self, _: &[u32], _: &[LocalPack; 3]) -> [Pack; 6] {
        [splat(0.0); 6]
    }
}

/// m (1 + Zz) at places.
struct Corrected<'a, const MIDDLE: usize> {
    lattice: &'a Lattice,
    spline: &'a Spline,
    places: Places<'a>,
}

impl<const MIDDLE: usize> Fill<f64> for Corrected<'_, MIDDLE> {
    #[inline(always)]
    fn fill(&self, first: usize, out: &mut [f64]) {
        let place = transposed(out.len(), |lane| self.places.at(first + lane));
        let value = self
            .spline
            .value_pack::<MIDDLE>(&self.lattice.local_pack(&place));
        for (lane, mass) in out.iter_mut().enumerate() {
            *mass *= (1.0 + value.0[lane]).clamp(FACTORS[0], FACTORS[1]);
        }
    }
}

/// One correction (eq. 33) for the right-hand side given; returns iterations of the linear solver. `padded` as for [`moments`](super::deposit::moments).
///
/// # Errors
///
/// A failure of the GPU.
pub(super) fn correct(
    lattice: &Lattice,
    order: &Order,
    places: Places,
    masses: &mut [f64],
    (multigrid, padded, rhs, direction, spline, tolerance): (
        &mut Multigrid,
        &mut [f64],
        &[f64],
        &mut [f64],
        &mut Spline,
        f64,
    ),
) -> Result<usize, GpuError> {
    let matrix = multigrid.matrix();
    let weigh = Marginal {
        masses: &*masses,
        places,
    };
    let mass = reduce::sum(masses.len(), |number| masses[number]);
    matrix.assemble(order, &weigh, scale_of(mass), padded);
    matrix.set_diagonal();
    let largest = matrix.diagonal.iter().copied().fold(0.0, f64::max);
    matrix.lift_diagonal(LIFTS[0], LIFTS[1] * largest);
    multigrid.prepare()?;
    let iterations = multigrid.solve(rhs, tolerance, LINEAR_ITERATIONS, direction)?;
    spline.set(direction);
    let spline: &Spline = spline;
    with_middle!(lattice, MIDDLE => {
        passes::fill(masses, &Corrected::<MIDDLE> { lattice, spline, places });
    });
    Ok(iterations)
}
