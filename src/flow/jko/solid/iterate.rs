//! The state of Newton's iteration: φ and r, and what follows from them.

use std::marker::PhantomData;

use super::deposit::Places;
use super::feet::Foot;
use super::lattice::Lattice;
use super::pack::{LocalPack, PLACES, Pack, inverse_pack, splat, transposed};
use super::passes::{self, Fill};
use super::spline::Spline;
use super::stencil::Weigh;
use crate::backend::reduce;
use crate::calculus::Real;
use crate::divergence::Divergence;

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    /// At this misfit.
    Misfit(f64),
    /// When the gap is estimated to be below this share of W2²/(2τ).
    Gap(f64),
}

/// φ and r, and what follows from them.
#[derive(Clone, Debug)]
pub(super) struct Iterate {
    pub coefficients: Vec<f64>,
    pub spline: Spline,
    pub feet: Vec<Foot>,
    pub ratio: Vec<f64>,
    /// b − Wᵀ(π r V).
    pub residual: Vec<f64>,
    /// Σ |residual| + Σ capacity |mismatch| relative to the mass: the distance from the solution in L1 of ρ.
    pub misfit: f64,
}

impl Iterate {
    pub fn new(lattice: Lattice, places: usize) -> Self {
        Self {
            coefficients: vec![0.0; lattice.len()],
            spline: Spline::new(lattice),
            feet: vec![Foot::default(); places],
            ratio: vec![0.0; places],
            residual: vec![0.0; lattice.len()],
            misfit: f64::INFINITY,
        }
    }

    /// Turns Wᵀ(π r V) in `residual` into b − Wᵀ(π r V), and makes the misfit with Σ capacity |mismatch|.
    pub fn compare(&mut self, moments: &[f64], changed: f64, mass: f64) {
        let residual = &mut self.residual;
        passes::each(residual, |node, residual| {
            *residual = moments[node] - *residual
        });
        let moved = reduce::sum(residual.len(), |node| residual[node].abs());
        let misfit = (moved + changed) / mass;
        self.misfit = if misfit.is_nan() {
            f64::INFINITY
        } else {
            misfit
        };
    }

    /// The weights of the matrix here, for π V and π V/f''(r) of the places.
    pub fn hessian<'a>(&'a self, target: &'a [f64], capacity: &'a [f64], tau: f64) -> Hessian<'a> {
        Hessian {
            feet: &self.feet,
            target,
            ratio: &self.ratio,
            capacity,
            spline: &self.spline,
            tau,
        }
    }

    /// Room for so many places; further ones begin at 0.
    pub fn resize(&mut self, places: usize) {
        self.feet.resize(places, Foot::default());
        self.ratio.resize(places, 0.0);
    }
}

/// r where f'(r) = s, 0 at and below f'(0).
#[inline(always)]
pub(super) fn ratio_of<D: Divergence, R: Real>(s: R) -> R {
    D::log_ratio_of_variation(s).exp()
}

/// 1/f''(r) = r/ψ'(r), 0 where r = 0.
#[inline(always)]
pub(super) fn softness<D: Divergence, R: Real>(ratio: R) -> R {
    let zero = R::constant(0.0);
    let softness = ratio / D::slope_from_ratio(ratio);
    R::select(zero.less(ratio), softness, zero)
}

/// Whether r = 0 is within reach of f': r then follows s at once, and there is no mismatch.
#[inline(always)]
pub(super) fn direct<D: Divergence>() -> bool {
    D::slope_from_ratio(0.0_f64) == 0.0
}

/// s − f'(r).
#[inline(always)]
pub(super) fn mismatch<D: Divergence, R: Real>(s: R, ratio: R) -> R {
    if direct::<D>() {
        R::constant(0.0)
    } else {
        s - D::first_variation(ratio.ln())
    }
}

/// The numbers of several cells, from one on or in any order, the last one repeated where there are fewer.
#[inline(always)]
pub(super) fn gathered(count: usize, value: impl Fn(usize) -> f64) -> Pack {
    let mut pack = splat(0.0);
    for lane in 0..PLACES {
        pack.0[lane] = value(lane.min(count - 1));
    }
    pack
}

/// The loops over cells of Newton's iteration.
pub(super) struct Cells<'a, D> {
    pub feet: &'a [Foot],
    pub ratio: &'a [f64],
    pub target: &'a [f64],
    pub divergence: PhantomData<D>,
}

/// r = f*'(s) at the feet.
pub(super) struct Ratio<'a, D>(pub &'a [Foot], pub PhantomData<D>);

impl<D: Divergence> Fill<f64> for Ratio<'_, D> {
    #[inline(always)]
    fn fill(&self, first: usize, out: &mut [f64]) {
        let s = gathered(out.len(), |lane| self.0[first + lane].value);
        out.copy_from_slice(&ratio_of::<D, Pack>(s).0[..out.len()]);
    }
}

/// What `of` makes of π V/f''(r) and s − f'(r).
pub(super) struct Soft<'a, D, F> {
    pub cells: Cells<'a, D>,
    pub of: F,
}

impl<D: Divergence, F: Fn(Pack, Pack) -> Pack + Sync> Fill<f64> for Soft<'_, D, F> {
    #[inline(always)]
    fn fill(&self, first: usize, out: &mut [f64]) {
        let cells = &self.cells;
        let s = gathered(out.len(), |lane| cells.feet[first + lane].value);
        let ratio = gathered(out.len(), |lane| cells.ratio[first + lane]);
        let target = gathered(out.len(), |lane| cells.target[first + lane]);
        let capacity = target * softness::<D, Pack>(ratio);
        let found = (self.of)(capacity, mismatch::<D, Pack>(s, ratio));
        out.copy_from_slice(&found.0[..out.len()]);
    }
}

/// r at a share of a direction of φ that changes s by `along`: to it the change (s − f'(r) + W δc)/f''(r) belongs. It grows with its tangent and falls
/// with that of its logarithm: it stays positive.
#[inline(always)]
pub(super) fn moved<D: Divergence, R: Real>(s: R, ratio: R, along: R, share: R) -> R {
    let zero = R::constant(0.0);
    let change = share * (softness::<D, R>(ratio) * (mismatch::<D, R>(s, ratio) + along));
    let fallen = ratio * (change / ratio).minimum(zero).exp();
    R::select(zero.less(change), ratio + change, fallen)
}

/// r at a share of a direction of φ.
pub(super) struct Moved<'a, D, const MIDDLE: usize> {
    pub feet: &'a [Foot],
    pub ratio: &'a [f64],
    pub lattice: &'a Lattice,
    pub along: &'a Spline,
    pub length: f64,
    pub divergence: PhantomData<D>,
}

impl<D: Divergence, const MIDDLE: usize> Fill<f64> for Moved<'_, D, MIDDLE> {
    #[inline(always)]
    fn fill(&self, first: usize, out: &mut [f64]) {
        let count = out.len();
        let place = transposed(count, |lane| self.feet[first + lane].place);
        let s = gathered(count, |lane| self.feet[first + lane].value);
        let ratio = gathered(count, |lane| self.ratio[first + lane]);
        let local = self.lattice.local_pack(&place);
        let along = self.along.value_pack::<MIDDLE>(&local);
        let moved = moved::<D, Pack>(s, ratio, along, splat(self.length));
        out.copy_from_slice(&moved.0[..count]);
    }
}

/// The weights of the matrix (eq. 30) without its last term.
pub(super) struct Hessian<'a> {
    feet: &'a [Foot],
    target: &'a [f64],
    ratio: &'a [f64],
    capacity: &'a [f64],
    spline: &'a Spline,
    tau: f64,
}

impl Weigh for Hessian<'_> {
    const FLUX: bool = true;

    #[inline(always)]
    fn places(&self) -> Places<'_> {
        Places::Feet(self.feet)
    }

    #[inline(always)]
    fn masses(&self) -> &[f64] {
        self.capacity
    }

    #[inline(always)]
    fn flux<const MIDDLE: usize>(&self, numbers: &[u32], local: &[LocalPack; 3]) -> [Pack; 6] {
        let of = |values: &[f64]| gathered(numbers.len(), |lane| values[numbers[lane] as usize]);
        let hessian = self.spline.jet_pack::<MIDDLE>(local).hessian;
        let (inverse, _) = inverse_pack(self.tau, &hessian);
        let flow = splat(self.tau) * of(self.target) * of(self.ratio);
        inverse.map(|entry| flow * entry)
    }
}
