//! The divergences J(ρ) = ∫ π f(ρ/π) whose W2 gradient flows are run: one file each, listed once at the end of this file.
//!
//! With r = ρ/π, ℓ = ln r and ψ'(r) = r f''(r), the flow of every one is π ∂t r = ∇·(π ∇ψ(r)) (docs/mathematics.md, eq. 2). ψ is the
//! Kirchhoff transform of the diffusion.

mod chi_squared;
mod hellinger;
mod jensen_shannon;
mod kl;
mod reverse_kl;

pub use chi_squared::ChiSquared;
pub use hellinger::Hellinger;
pub use jensen_shannon::JensenShannon;
pub use kl::Kl;
pub use reverse_kl::ReverseKl;

use crate::calculus::Real;

/// An f-divergence through the functions that its gradient flow needs.
///
/// Functions of ℓ are right for |ℓ| ≤ 700 wherever their value is a number of the format, and keep their relative accuracy near ℓ = 0.
pub trait Divergence: Copy + Default + Send + Sync + 'static {
    /// The name in scenario files.
    const NAME: &'static str;
    /// J in mathematical notation, for titles and lists.
    const FORMULA: &'static str;
    /// Where the divergence and its flow are described.
    const REFERENCE: &'static str;
    /// Whether J is finite where ρ = 0 on part of the support of π.
    const ADMITS_EMPTY_CELLS: bool;

    /// f(r) ≥ 0 with f(1) = 0.
    fn integrand<R: Real>(log_ratio: R) -> R;

    /// f(r)/r: the integrand against ρ in place of π, for ℓ > 0 where π·f(r) may be 0·∞.
    fn integrand_per_mass<R: Real>(log_ratio: R) -> R;

    /// The first variation f'(r) of J.
    fn first_variation<R: Real>(log_ratio: R) -> R;

    /// f'(r_to) − f'(r_from), accurate relative to itself: −1/distance times the velocity, where f' alone may have saturated.
    fn first_variation_change<R: Real>(from: R, to: R) -> R;

    /// The ℓ at which f'(r) has this value: the inverse of [`Divergence::first_variation`]. −∞ at and below f'(0), not a number or ∞
    /// at and above f'(∞).
    fn log_ratio_of_variation<R: Real>(first_variation: R) -> R;

    /// w = ψ(r) as a function of ℓ.
    fn kirchhoff<R: Real>(log_ratio: R) -> R;

    /// ℓ as a function of w: the inverse of [`Divergence::kirchhoff`].
    fn log_ratio<R: Real>(kirchhoff: R) -> R;

    /// ψ(r) as a function of a finite r ≥ 0, accurate relative to itself: the form of the explicit sweeps.
    ///
    /// Its roundings are then no larger than those of r: a constant added to ψ would make them larger where r is small, and r negative.
    fn kirchhoff_from_ratio<R: Real>(ratio: R) -> R;

    /// ψ'(r), monotone in r.
    fn slope_from_ratio<R: Real>(ratio: R) -> R;

    /// ψ'(r) as a function of w.
    fn slope<R: Real>(kirchhoff: R) -> R;

    /// ln ψ'(r) as a function of w, free of underflow.
    fn log_slope<R: Real>(kirchhoff: R) -> R;

    /// ψ'(r(w))·(r(w) − r(w₀)): the change of mass since w₀ in the units of w, free of overflow.
    fn relative_change<R: Real>(kirchhoff: R, initial: R) -> R;

    /// The w to which r moves from w₀ by `change`/ψ'(r₀): the inverse of [`Divergence::relative_change`], taken at w₀.
    fn displaced<R: Real>(kirchhoff: R, change: R) -> R;

    /// The new w after a Newton increment δw: Newton in the variable in which the storage term is nearest to linear.
    fn newton_update<R: Real>(kirchhoff: R, increment: R) -> R;
}

/// Makes [`DivergenceKind`] and [`with_divergence!`] from the one list of divergences.
macro_rules! divergences {
    ($dollar:tt $($kind:ident),+) => {
        /// A divergence chosen at run time.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum DivergenceKind {
            $($kind),+
        }

        impl DivergenceKind {
            /// Every divergence of the program.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// The name in scenario files.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => <$kind as Divergence>::NAME),+ }
            }

            /// J in mathematical notation.
            pub fn formula(self) -> &'static str {
                match self { $(Self::$kind => <$kind as Divergence>::FORMULA),+ }
            }

            /// Where it is described.
            pub fn reference(self) -> &'static str {
                match self { $(Self::$kind => <$kind as Divergence>::REFERENCE),+ }
            }

            /// Whether J is finite where ρ = 0 on part of the support of π.
            pub fn admits_empty_cells(self) -> bool {
                match self { $(Self::$kind => <$kind as Divergence>::ADMITS_EMPTY_CELLS),+ }
            }

            /// ψ'(1) = f''(1): the diffusion of r near equilibrium.
            pub fn slope_at_equilibrium(self) -> f64 {
                match self { $(Self::$kind => <$kind as Divergence>::slope_from_ratio(1.0_f64)),+ }
            }

            /// The divergence of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.name() == name)
            }
        }

        /// Evaluates an expression with a type alias bound to the divergence chosen at run time.
        #[macro_export]
        macro_rules! with_divergence {
            ($dollar kind:expr, $dollar divergence:ident => $dollar body:expr) => {
                match $dollar kind {
                    $($crate::divergence::DivergenceKind::$kind => {
                        type $dollar divergence = $crate::divergence::$kind;
                        $dollar body
                    })+
                }
            };
        }
    };
}

divergences!($ JensenShannon, Kl, ReverseKl, ChiSquared, Hellinger);
pub(crate) use with_divergence;
