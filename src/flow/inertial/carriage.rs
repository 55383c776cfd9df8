//! The equations of transport for the cells of a row (docs/mathematics.md, eq. 39–42): which number each of them takes.

use super::equations;
use crate::backend::cpu::Parametrised;
use crate::calculus::Real;

/// u on a face from its momentum, and ρ in its two cells before and after momentum has moved it.
pub(super) struct Velocity;

impl Parametrised<5, 1> for Velocity {
    #[inline(always)]
    fn values<R: Real>(
        &self,
        [momentum, before, before_next, after, after_next]: [R; 5],
    ) -> [R; 1] {
        let density = equations::carrying([before, before_next], [after, after_next]);
        [equations::velocity(momentum, density)]
    }
}

/// 1 where a face lets something pass, 0 where it is closed.
#[inline(always)]
fn open<R: Real>(mobility: R) -> R {
    let zero = R::constant(0.0);
    R::select(zero.less(mobility), R::constant(1.0), zero)
}

/// [u] across a side, from the velocities of two faces on either side of it; differences across closed sides count as none, and a wall has no slope.
#[inline(always)]
fn jump<R: Real, const SECOND: bool>(velocities: [R; 4], sides: [R; 2]) -> [R; 2] {
    let [far_left, left, right, far_right] = velocities;
    let change = right - left;
    if !SECOND {
        return [change, change];
    }
    let differences = [left - far_left, change, far_right - right];
    [
        change,
        equations::jump(differences, [open(sides[0]), open(sides[1])]),
    ]
}

/// Mass flux and viscosity through the cell between two faces of an axis: from the mass flux of the face after and before; from the velocities of four faces; from
/// √(π_i π_j) of the two; and from ρ before and after and √ψ' of the cell.
pub(super) struct OwnFlux<const SECOND: bool> {
    /// h/(2τ').
    pub reach: f64,
}

impl<const SECOND: bool> Parametrised<11, 2> for OwnFlux<SECOND> {
    #[inline(always)]
    fn values<R: Real>(&self, inputs: [R; 11]) -> [R; 2] {
        let [momentum, other, far_left, left, right, far_right, ..] = inputs;
        let [.., side_left, side_right, before, after, sound] = inputs;
        let flux = equations::mass_flux(momentum, other);
        let velocities = [far_left, left, right, far_right];
        let [change, jump] = jump::<R, SECOND>(velocities, [side_left, side_right]);
        let reach = R::constant(self.reach);
        let strength = flux.abs() + equations::shock(jump, [before, after], sound, reach);
        let sides = [left, right];
        [flux, equations::viscosity(strength, jump, change, sides)]
    }
}

/// The same through the side between two faces that stand side by side along another axis: from the mass flux on both ends of the side, along that axis; from the
/// velocities of four faces along it; from √(π_i π_j) of the sides before and after; and from that of the face, through which nothing passes where it is closed.
pub(super) struct AcrossFlux<const SECOND: bool>;

impl<const SECOND: bool> Parametrised<9, 2> for AcrossFlux<SECOND> {
    #[inline(always)]
    fn values<R: Real>(&self, inputs: [R; 9]) -> [R; 2] {
        let [momentum, other, far_left, left, right, far_right, ..] = inputs;
        let [.., side_before, side_after, mobility] = inputs;
        let zero = R::constant(0.0);
        let passes = zero.less(mobility);
        let flux = R::select(passes, equations::mass_flux(momentum, other), zero);
        let velocities = [far_left, left, right, far_right];
        let [change, jump] = jump::<R, SECOND>(velocities, [side_before, side_after]);
        let viscosity = equations::viscosity(flux.abs(), jump, change, [left, right]);
        [flux, R::select(passes, viscosity, zero)]
    }
}

/// Numbers that [`Share`] takes beside four for each axis.
pub(super) const OF_SHARE: usize = 5;

/// α of a dual cell: for each axis from mass flux and viscosity of its side before, and after; then from ρ in its two cells before and after momentum has
/// moved it, and from √(π_i π_j) of the face.
pub(super) struct Share {
    pub spacing: [f64; 3],
    /// The share of the mass that may leave in a unit of time.
    pub allowed: f64,
}

impl<const N: usize> Parametrised<N, 1> for Share {
    #[inline(always)]
    fn values<R: Real>(&self, inputs: [R; N]) -> [R; 1] {
        let rest = N - OF_SHARE;
        let mut outflow = R::constant(0.0);
        for axis in 0..rest / 4 {
            let flux = [inputs[4 * axis], inputs[4 * axis + 2]];
            let viscosity = [inputs[4 * axis + 1], inputs[4 * axis + 3]];
            let spacing = R::constant(self.spacing[axis]);
            outflow = outflow + equations::outflow(spacing, flux, viscosity);
        }
        let before = [inputs[rest], inputs[rest + 1]];
        let after = [inputs[rest + 2], inputs[rest + 3]];
        let room = R::constant(self.allowed) * equations::carrying(before, after);
        let passes = R::constant(0.0).less(inputs[rest + 4]);
        let share = equations::share(outflow, room);
        [R::select(passes, share, R::constant(1.0))]
    }
}

/// Numbers that [`Rate`] takes beside eight for each axis.
pub(super) const OF_RATE: usize = 2;

/// The rate of momentum of a dual cell: for each axis from mass flux and viscosity of its side before, and after, and from velocity and α of the dual cell
/// before, and after; then from its own.
pub(super) struct Rate {
    pub spacing: [f64; 3],
}

impl<const N: usize> Parametrised<N, 1> for Rate {
    #[inline(always)]
    fn values<R: Real>(&self, inputs: [R; N]) -> [R; 1] {
        let rest = N - OF_RATE;
        let [velocity, share] = [inputs[rest], inputs[rest + 1]];
        let mut rate = R::constant(0.0);
        for axis in 0..rest / 8 {
            let first = 8 * axis;
            let [flux, viscosity] = [inputs[first], inputs[first + 1]];
            let [flux_after, viscosity_after] = [inputs[first + 2], inputs[first + 3]];
            let velocities = [inputs[first + 4], velocity];
            let shares = [inputs[first + 5], share];
            let before = equations::momentum_flux(flux, viscosity, velocities, shares);
            let velocities = [velocity, inputs[first + 6]];
            let shares = [share, inputs[first + 7]];
            let after = equations::momentum_flux(flux_after, viscosity_after, velocities, shares);
            rate = rate + (before - after) / R::constant(self.spacing[axis]);
        }
        [rate]
    }
}
