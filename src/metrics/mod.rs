//! From a state to numbers, always in f64, always summed in the same order.

/// Fields of the flow at the cell centres.
pub mod fields;
mod interval;
mod wasserstein;

pub use interval::Interval;
pub use wasserstein::{TransportToTarget, Unsettled, wasserstein_1d, wasserstein_to_samples};

use std::marker::PhantomData;
use std::ops::Range;

use crate::backend::cpu::Elementwise;
use crate::backend::reduce;
use crate::calculus::Real;
use crate::divergence::{
    ChiSquared, Divergence, Hellinger, JensenShannon, Kl, ReverseKl, with_divergence,
};
use crate::problem::{Problem, State};

/// The numbers of one output time (docs/mathematics.md, §7).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metrics {
    /// J, the divergence whose flow is run.
    pub divergence: f64,
    /// JSD(π‖ρ), half of the Jensen–Shannon J.
    pub jensen_shannon: f64,
    /// KL(ρ‖π).
    pub kl: f64,
    /// KL(π‖ρ); ∞ where ρ = 0.
    pub reverse_kl: f64,
    /// χ²(ρ‖π).
    pub chi_squared: f64,
    /// ∫ (√ρ − √π)².
    pub hellinger: f64,
    /// ‖A‖ in L²(ρ), A = ∇ ln(ρ/(π+ρ)) the adversarial connection.
    pub connection_norm: f64,
    /// −dJ/dt = ∫ ρ |∇f'(ρ/π)|² of the divergence that is run.
    pub dissipation: f64,
    /// Σ ρ · cell volume.
    pub mass: f64,
    /// min ρ/π.
    pub ratio_min: f64,
    /// max ρ/π.
    pub ratio_max: f64,
    /// W2(ρ, π), in 1-D without periodic sides.
    pub wasserstein: Option<f64>,
}

impl Metrics {
    /// Names and values in the order of the trajectory file.
    pub fn entries(&self) -> Vec<(&'static str, f64)> {
        let mut entries = vec![
            ("divergence", self.divergence),
            ("jensen_shannon", self.jensen_shannon),
            ("kl", self.kl),
            ("reverse_kl", self.reverse_kl),
            ("chi_squared", self.chi_squared),
            ("hellinger", self.hellinger),
            ("connection_norm", self.connection_norm),
            ("dissipation", self.dissipation),
            ("mass", self.mass),
            ("ratio_min", self.ratio_min),
            ("ratio_max", self.ratio_max),
        ];
        entries.extend(self.wasserstein.map(|value| ("wasserstein", value)));
        entries
    }
}

/// All metrics of a state.
pub fn metrics(problem: &Problem, state: &State) -> Metrics {
    with_divergence!(problem.divergence, D => metrics_of::<D>(problem, state))
}

/// π f(ρ/π) of ln π and ℓ, from the side on which nothing overflows.
struct Integrand<D>(PhantomData<D>);

impl<D: Divergence> Elementwise<2, 1> for Integrand<D> {
    #[inline(always)]
    fn values<R: Real>([log_target, log_ratio]: [R; 2]) -> [R; 1] {
        let heavy = R::constant(0.0).less(log_ratio);
        let gained = R::select(heavy, log_ratio, R::constant(0.0));
        let per_unit = R::select(
            heavy,
            D::integrand_per_mass(log_ratio),
            D::integrand(log_ratio),
        );
        [(log_target + gained).exp() * per_unit]
    }
}

/// J alone: the number that every step reports.
pub fn divergence(problem: &Problem, state: &State) -> f64 {
    let cells = [flat(&problem.log_target), flat(&state.log_ratio)];
    let sum = with_divergence!(problem.divergence, D => total::<Integrand<D>>(cells));
    problem.grid.cell_volume() * sum
}

/// The sum over all cells of a function of ln π and ℓ.
fn total<F: Elementwise<2, 1>>(cells: [&[f64]; 2]) -> f64 {
    let [total] = reduce::sums::<F, 2, 1>(cells);
    total
}

fn flat(field: &crate::grid::Field) -> &[f64] {
    field.as_slice().unwrap_or_default()
}

/// ρ of ln π and ℓ.
struct Density;

impl Elementwise<2, 1> for Density {
    #[inline(always)]
    fn values<R: Real>([log_target, log_ratio]: [R; 2]) -> [R; 1] {
        [(log_target + log_ratio).exp()]
    }
}

/// The range of ln r, and two sums over faces.
#[derive(Clone, Copy)]
struct Sums {
    lowest: f64,
    highest: f64,
    connection: f64,
    dissipation: f64,
}

impl Sums {
    const ZERO: Self = Self {
        lowest: f64::INFINITY,
        highest: f64::NEG_INFINITY,
        connection: 0.0,
        dissipation: 0.0,
    };

    fn plus(self, other: Self) -> Self {
        Self {
            lowest: self.lowest.min(other.lowest),
            highest: self.highest.max(other.highest),
            connection: self.connection + other.connection,
            dissipation: self.dissipation + other.dissipation,
        }
    }
}

fn metrics_of<D: Divergence>(problem: &Problem, state: &State) -> Metrics {
    let grid = &problem.grid;
    let (target, ratio) = (flat(&problem.log_target), flat(&state.log_ratio));
    let faces = Faces::new(problem);
    let part = |range: Range<usize>| {
        let mut sums = Sums::ZERO;
        for cell in range {
            let (t, l) = (target[cell], ratio[cell]);
            sums.lowest = sums.lowest.min(l);
            sums.highest = sums.highest.max(l);
            faces.visit(cell, |beside, inverse_square| {
                let mobility = Real::exp(0.5 * (t + target[beside])) * inverse_square;
                sums.connection += mobility * dissipated::<JensenShannon>(l, ratio[beside]);
                sums.dissipation += mobility * dissipated::<D>(l, ratio[beside]);
            });
        }
        sums
    };
    let sums = reduce::over_tiles(target.len(), Sums::ZERO, part, Sums::plus);
    let volume = grid.cell_volume();
    let cells = [target, ratio];
    Metrics {
        divergence: volume * total::<Integrand<D>>(cells),
        jensen_shannon: 0.5 * volume * total::<Integrand<JensenShannon>>(cells),
        kl: volume * total::<Integrand<Kl>>(cells),
        reverse_kl: volume * total::<Integrand<ReverseKl>>(cells),
        chi_squared: volume * total::<Integrand<ChiSquared>>(cells),
        hellinger: volume * total::<Integrand<Hellinger>>(cells),
        connection_norm: (sums.connection * volume).sqrt(),
        dissipation: sums.dissipation * volume,
        mass: volume * total::<Density>(cells),
        ratio_min: Real::exp(sums.lowest),
        ratio_max: Real::exp(sums.highest),
        wasserstein: wasserstein_1d(
            grid,
            &state.density(problem),
            &problem.log_target.mapv(Real::exp),
        ),
    }
}

/// (ψ_j − ψ_i)(f'_j − f'_i): with the mobility of the face this is the discrete ρ|∇f'|², exactly what the flux takes from J.
#[inline(always)]
fn dissipated<D: Divergence>(own: f64, beside: f64) -> f64 {
    let flux = D::kirchhoff(beside) - D::kirchhoff(own);
    let force = D::first_variation(beside) - D::first_variation(own);
    if flux == 0.0 { 0.0 } else { flux * force }
}

/// The face of every cell towards the next cell along each axis.
struct Faces {
    shape: [usize; 3],
    stride: [usize; 3],
    periodic: [bool; 3],
    inverse_square: [f64; 3],
}

impl Faces {
    fn new(problem: &Problem) -> Self {
        let (nz, ny, nx) = problem.grid.shape();
        let mut faces = Self {
            shape: [nx, ny, nz],
            stride: [1, nx, nx * ny],
            periodic: [false; 3],
            inverse_square: [0.0; 3],
        };
        for (axis, geometry) in problem.grid.axes().iter().enumerate() {
            faces.periodic[axis] = geometry.boundary == crate::grid::Boundary::Periodic;
            faces.inverse_square[axis] = 1.0 / (geometry.spacing() * geometry.spacing());
        }
        faces
    }

    #[inline(always)]
    fn visit(&self, cell: usize, mut face: impl FnMut(usize, f64)) {
        for axis in 0..3 {
            let count = self.shape[axis];
            let index = cell / self.stride[axis] % count;
            if index + 1 < count {
                face(cell + self.stride[axis], self.inverse_square[axis]);
            } else if self.periodic[axis] {
                face(cell - index * self.stride[axis], self.inverse_square[axis]);
            }
        }
    }
}
