use std::f64::consts::PI;

use crate::calculus::{Dual, Real};
use crate::grid::{Boundary, Grid};
use crate::problem::{Problem, State};

/// The exact solution of the Jensen–Shannon flow towards the uniform density of the unit volume,
///
/// 1 + r(x, t) = 2 sinh a / (cosh a − cos θ),  θ = k·(x − lower),  a = a₀ + |k|² t/2.
///
/// 1 + r is twice the Poisson kernel of the disc. With c = cos θ and D = cosh a − c,
///
/// ∂a(1 + r) = 2(1 − c cosh a)/D² = 2 ∂θ² ln(1 + r),
///
/// so that ∂t(1 + r) = Δ ln(1 + r) where a grows at |k|²/2. The mean of 1 + r over a period is 2, which gives the mass 1; r ≥ 0
/// where tanh(a/2) ≥ ½, that is a ≥ ln 3.
///
/// On one axis without flux k = π/length, so that cos θ is even at both ends; on periodic axes, where all terms of k·x must be
/// periodic, k = 2π/length along each: the solution runs along the diagonal.
///
/// Reference: docs/mathematics.md, "Exact solution"; for the kernel Axler, Bourdon, Ramey, Harmonic Function Theory, 2001, ch. 1.
#[derive(Clone, Debug, PartialEq)]
pub struct PoissonKernel {
    lower: [f64; 3],
    /// k, zero along missing axes.
    wave: [f64; 3],
    /// a₀.
    initial: f64,
}

impl PoissonKernel {
    /// a₀ = ln 3: the steepest start with r ≥ 0. It touches r = 0, and J(0) = ln(4/3).
    pub const STEEPEST: f64 = 1.098_612_288_668_109_8;

    /// The solution on a grid of one axis, or of periodic axes; none elsewhere, since no diagonal wave has zero flux at closed sides.
    pub fn on(grid: &Grid, initial: f64) -> Option<Self> {
        let axes = grid.axes();
        let (mut lower, mut wave) = ([0.0; 3], [0.0; 3]);
        for (number, axis) in axes.iter().enumerate() {
            let waves = match axis.boundary {
                Boundary::Periodic => 2.0,
                Boundary::NoFlux if axes.len() == 1 => 1.0,
                Boundary::NoFlux => return None,
            };
            lower[number] = axis.lower;
            wave[number] = waves * PI / (axis.upper - axis.lower);
        }
        Some(Self {
            lower,
            wave,
            initial,
        })
    }

    /// |k|²: the rate at which a grows, doubled.
    pub fn squared_wave_number(&self) -> f64 {
        self.wave.iter().map(|k| k * k).sum()
    }

    /// a at a time.
    fn width(&self, time: f64) -> f64 {
        self.initial + 0.5 * self.squared_wave_number() * time
    }

    /// r at a point and a time.
    pub fn ratio(&self, point: [f64; 3], time: f64) -> f64 {
        let a = self.width(time);
        let terms = (0..3).map(|axis| self.wave[axis] * (point[axis] - self.lower[axis]));
        let cos = terms.sum::<f64>().cos();
        // (2 sinh a − cosh a + cos θ)/(cosh a − cos θ) over e^a, with the pole at a = θ = 0 kept in the form 1 − e^{−a}.
        let decay = (-a).exp();
        let lowest = (0.5 - 1.5 * decay) * (1.0 + decay) + decay * (1.0 + cos);
        let distance = 0.5 * (1.0 - decay) * (1.0 - decay) + decay * (1.0 - cos);
        lowest / distance
    }

    /// The state at a time, in every cell centre; r below zero by rounding is an empty cell.
    pub fn state(&self, grid: &Grid, time: f64) -> State {
        let log_ratio = |point| Real::ln(self.ratio(point, time).max(0.0));
        State {
            time,
            log_ratio: grid.sample(log_ratio),
        }
    }

    /// J at a time, in closed form: with cosh b = 2 sinh a − cosh a,
    /// J = b − a + 4 ln(1 + e^{−(a+b)}) − 2 ln(1 − e^{−2a}).
    ///
    /// From the Fourier series ln(cosh a − cos θ) = a − ln 2 − 2 Σ e^{−na} cos(nθ)/n and Parseval's identity.
    pub fn divergence(&self, time: f64) -> f64 {
        closed_form(self.width(time))
    }

    /// −dJ/dt = ‖A‖² at a time, the derivative of the closed form; infinite at a = ln 3, where the solution touches zero.
    pub fn dissipation(&self, time: f64) -> f64 {
        let slope = closed_form(Dual::variable(self.width(time))).derivative;
        -0.5 * self.squared_wave_number() * slope
    }

    /// The problem that the solution solves.
    pub fn problem(grid: Grid) -> Problem {
        Problem {
            log_target: super::log_uniform(&grid),
            grid,
            divergence: crate::divergence::DivergenceKind::JensenShannon,
        }
    }
}

/// J as a function of a ≥ ln 3.
fn closed_form<R: Real>(a: R) -> R {
    let [one, two, four] = [1.0, 2.0, 4.0].map(R::constant);
    let half = R::constant(0.5);
    // cosh b − 1 = 2 sinh a − cosh a − 1 = e^a (1 − e^{−a}(2 + 3e^{−a}))/2, and b = ln(cosh b + sqrt(cosh² b − 1)).
    let decay = (-a).exp();
    let excess = half * a.exp() * (one - R::constant(3.0) * decay) * (one + decay);
    let excess = excess.maximum(R::constant(0.0));
    let b = (excess + (excess * (excess + two)).sqrt()).ln_1p();
    b - a + four * (-(a + b)).exp().ln_1p() - two * (-(decay * decay)).ln_1p()
}
