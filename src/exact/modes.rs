use crate::calculus::Real;
use crate::divergence::{Divergence, DivergenceKind, with_divergence};
use crate::grid::Field;
use crate::problem::{Problem, State};

/// An eigenfunction φ of −π⁻¹∇·(π∇·): r = 1 + ε φ decays like e^{−ψ'(1) λ t} in the flow of any f-divergence, to first order in ε.
///
/// Reference: docs/mathematics.md, "Decay near equilibrium"; Bakry, Gentil, Ledoux, Analysis and Geometry of Markov Diffusion
/// Operators, 2014, §2.7.1 (Hermite polynomials) and §2.4 (torus).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// He_n((x − mean)/std) for the Gaussian target N(mean, std²) on the first axis: λ = n/std².
    Hermite {
        /// Degree n ≥ 1.
        degree: u32,
        /// Mean of the target.
        mean: f64,
        /// Standard deviation of the target.
        std: f64,
    },
    /// cos(k·x) for the uniform target on a periodic box: λ = |k|².
    Cosine {
        /// k; each component a multiple of 2π over the length of its axis.
        wave: [f64; 3],
    },
}

impl Mode {
    /// φ at a point.
    pub fn value(&self, point: [f64; 3]) -> f64 {
        match self {
            Self::Hermite { degree, mean, std } => hermite(*degree, (point[0] - mean) / std),
            Self::Cosine { wave } => {
                let terms = wave.iter().zip(point).map(|(k, x)| k * x);
                terms.sum::<f64>().cos()
            }
        }
    }

    /// λ.
    pub fn eigenvalue(&self) -> f64 {
        match self {
            Self::Hermite { degree, std, .. } => f64::from(*degree) / (std * std),
            Self::Cosine { wave } => wave.iter().map(|k| k * k).sum(),
        }
    }

    /// The rate ψ'(1) λ at which r − 1 decays: λ/2 for jensen-shannon and hellinger, λ for kl and reverse-kl, 2λ for chi-squared.
    pub fn decay_rate(&self, divergence: DivergenceKind) -> f64 {
        let slope: f64 = with_divergence!(divergence, D => D::slope_from_ratio(1.0));
        slope * self.eigenvalue()
    }

    /// The state r = 1 + ε φ at time 0.
    pub fn perturbation(&self, problem: &Problem, epsilon: f64) -> State {
        let log_ratio = |point| Real::ln_1p(epsilon * self.value(point));
        State {
            time: 0.0,
            log_ratio: problem.grid.sample(log_ratio),
        }
    }

    /// The part of r − 1 along φ: ∫ π φ (r − 1) / ∫ π φ².
    pub fn amplitude(&self, problem: &Problem, state: &State) -> f64 {
        let values: Field = problem.grid.sample(|point| self.value(point));
        let (mut along, mut norm) = (0.0, 0.0);
        let cells = values.iter().zip(&problem.log_target);
        for ((value, target), log_ratio) in cells.zip(&state.log_ratio) {
            let weighted = Real::exp(*target) * value;
            along += weighted * Real::exp_m1(*log_ratio);
            norm += weighted * value;
        }
        along / norm
    }
}

/// He_n by its recurrence He_{n+1} = x He_n − n He_{n−1}.
fn hermite(degree: u32, x: f64) -> f64 {
    let (mut before, mut value) = (0.0, 1.0);
    for n in 0..degree {
        (before, value) = (value, x * value - f64::from(n) * before);
    }
    value
}
