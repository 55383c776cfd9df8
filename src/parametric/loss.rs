use crate::backend::cpu::{Elementwise, elementwise};
use crate::calculus::{Dual, Real};
use crate::divergence::{Divergence, DivergenceKind, JensenShannon, with_divergence};

/// What critic and generator are trained on. The critic's output t estimates −ℓ = ln(π/ρ), so that σ(t) is the discriminator.
///
/// The critic lowers E_π(a(t)) + E_ρ(b(t)), the generator E_ρ(c(t)) (docs/parameters.md, eq. P9 and P10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The dual of a divergence (Nowozin, Cseke, Tomioka, f-GAN, NeurIPS 2016): c is the first variation f'(r) at r = e^{−t}.
    ///
    /// With jensen-shannon this is the saturating loss E ln(1 − D) (Goodfellow et al. 2014) up to a constant.
    Dual(DivergenceKind),
    /// The critic of jensen-shannon and the generator loss E(−ln D) (Goodfellow et al. 2014, §3).
    NonSaturating,
    /// softplus(−(t_π − t_ρ)) in pairs of data and samples, the generator with the roles exchanged (Jolicoeur-Martineau, ICLR 2019).
    Relativistic,
    /// E_ρ(t) − E_π(t) (Arjovsky, Chintala, Bottou, ICML 2017).
    Wasserstein,
}

/// One of the three functions of a loss with its derivative.
trait Term {
    fn value<R: Real>(t: R) -> R;
}

struct Both<T>(T);

impl<T: Term> Elementwise<1, 2> for Both<T> {
    #[inline(always)]
    fn values<R: Real>([t]: [R; 1]) -> [R; 2] {
        let result = T::value(Dual::variable(t));
        [result.value, result.derivative]
    }
}

/// f*(f'(r)) = r f'(r) − f(r) = ψ(r) − ψ(1): its derivative with respect to r is r f''(r) = ψ'(r), and both are 0 at r = 1.
struct OnData<D>(D);
/// −f'(r).
struct OnSamples<D>(D);
/// f'(r).
struct FirstVariation<D>(D);
/// −ln σ(t) = softplus(−t).
struct NegativeLogarithm;
struct Plus;
struct Minus;

/// ℓ of a critic's output, kept where f' and its dual are numbers.
#[inline(always)]
fn log_ratio<R: Real>(t: R) -> R {
    let limit = R::constant(LARGEST_LOG_RATIO);
    (-t).minimum(limit).maximum(-limit)
}

/// Beyond this |ℓ| the losses of the duals are continued as constants, with slope 0: r² must stay a number.
const LARGEST_LOG_RATIO: f64 = 300.0;

impl<D: Divergence> Term for OnData<D> {
    #[inline(always)]
    fn value<R: Real>(t: R) -> R {
        D::kirchhoff(log_ratio(t)) - D::kirchhoff(R::constant(0.0))
    }
}

impl<D: Divergence> Term for OnSamples<D> {
    #[inline(always)]
    fn value<R: Real>(t: R) -> R {
        -D::first_variation(log_ratio(t))
    }
}

impl<D: Divergence> Term for FirstVariation<D> {
    #[inline(always)]
    fn value<R: Real>(t: R) -> R {
        D::first_variation(log_ratio(t))
    }
}

impl Term for NegativeLogarithm {
    #[inline(always)]
    fn value<R: Real>(t: R) -> R {
        (-t).softplus()
    }
}

impl Term for Plus {
    #[inline(always)]
    fn value<R: Real>(t: R) -> R {
        t
    }
}

impl Term for Minus {
    #[inline(always)]
    fn value<R: Real>(t: R) -> R {
        -t
    }
}

/// The values of a term and its derivatives at every place.
fn evaluate<T: Term>(t: &[f64], values: &mut [f64], slopes: &mut [f64]) {
    elementwise::<Both<T>, 1, 2>([t], [values, slopes]);
}

/// The derivative of a term.
fn slope<T: Term, R: Real>(t: R) -> R {
    T::value(Dual::variable(t)).derivative
}

impl Loss {
    /// The names in scenario files: `saturating` and `non-saturating`, the divergences for their duals, `relativistic`, `wasserstein`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dual(DivergenceKind::JensenShannon) => "saturating",
            Self::Dual(kind) => kind.name(),
            Self::NonSaturating => "non-saturating",
            Self::Relativistic => "relativistic",
            Self::Wasserstein => "wasserstein",
        }
    }

    /// Every loss.
    pub fn all() -> Vec<Self> {
        let mut all = vec![
            Self::Dual(DivergenceKind::JensenShannon),
            Self::NonSaturating,
        ];
        let others = DivergenceKind::ALL.iter().copied();
        let others = others.filter(|kind| *kind != DivergenceKind::JensenShannon);
        all.extend(others.map(Self::Dual));
        all.extend([Self::Relativistic, Self::Wasserstein]);
        all
    }

    /// The loss of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|loss| loss.name() == name)
    }

    /// The critic's loss at outputs on data and on samples, place by place, and its derivatives. Both slices are as long.
    ///
    /// The losses of the relativistic pairs stand in `data_values`, and 0 in `sample_values`.
    pub fn critic(
        self,
        (data, data_values, data_slopes): (&[f64], &mut [f64], &mut [f64]),
        (samples, sample_values, sample_slopes): (&[f64], &mut [f64], &mut [f64]),
    ) {
        match self {
            Self::Dual(kind) => with_divergence!(kind, D => {
                evaluate::<OnData<D>>(data, data_values, data_slopes);
                evaluate::<OnSamples<D>>(samples, sample_values, sample_slopes);
            }),
            Self::NonSaturating => {
                Self::Dual(DivergenceKind::JensenShannon).critic(
                    (data, data_values, data_slopes),
                    (samples, sample_values, sample_slopes),
                );
            }
            Self::Relativistic => {
                for ((own, data), samples) in sample_values.iter_mut().zip(data).zip(samples) {
                    *own = data - samples;
                }
                evaluate::<NegativeLogarithm>(sample_values, data_values, data_slopes);
                for (own, other) in sample_slopes.iter_mut().zip(data_slopes.iter()) {
                    *own = -other;
                }
                sample_values.fill(0.0);
            }
            Self::Wasserstein => {
                evaluate::<Minus>(data, data_values, data_slopes);
                evaluate::<Plus>(samples, sample_values, sample_slopes);
            }
        }
    }

    /// The generator's loss at the critic's outputs on samples, and its derivatives; `data` are outputs on data for the pairs of
    /// [`Loss::Relativistic`], which no other loss reads.
    pub fn generator(self, samples: &[f64], data: &[f64], values: &mut [f64], slopes: &mut [f64]) {
        match self {
            Self::Dual(kind) => with_divergence!(kind, D => {
                evaluate::<FirstVariation<D>>(samples, values, slopes);
            }),
            Self::NonSaturating => evaluate::<NegativeLogarithm>(samples, values, slopes),
            Self::Relativistic => {
                for place in 0..samples.len() {
                    let difference = samples[place] - data[place];
                    let result = NegativeLogarithm::value(Dual::variable(difference));
                    (values[place], slopes[place]) = (result.value, result.derivative);
                }
            }
            Self::Wasserstein => evaluate::<Minus>(samples, values, slopes),
        }
    }

    /// The derivatives of the critic's loss with respect to its outputs on data and on a sample, in any reading of a number.
    pub(super) fn critic_slopes<R: Real>(self, data: R, sample: R) -> [R; 2] {
        match self {
            Self::Dual(kind) => with_divergence!(kind, D => {
                [slope::<OnData<D>, R>(data), slope::<OnSamples<D>, R>(sample)]
            }),
            Self::NonSaturating => [
                slope::<OnData<JensenShannon>, R>(data),
                slope::<OnSamples<JensenShannon>, R>(sample),
            ],
            Self::Relativistic => {
                let slope = slope::<NegativeLogarithm, R>(data - sample);
                [slope, -slope]
            }
            Self::Wasserstein => [slope::<Minus, R>(data), slope::<Plus, R>(sample)],
        }
    }

    /// The derivative of the generator's loss with respect to the critic's output on a sample; `data` is read by pairs alone.
    pub(super) fn generator_slope<R: Real>(self, sample: R, data: R) -> R {
        match self {
            Self::Dual(kind) => with_divergence!(kind, D => {
                slope::<FirstVariation<D>, R>(sample)
            }),
            Self::NonSaturating => slope::<NegativeLogarithm, R>(sample),
            Self::Relativistic => slope::<NegativeLogarithm, R>(sample - data),
            Self::Wasserstein => slope::<Minus, R>(sample),
        }
    }

    /// Whether the generator's loss needs the critic on data.
    pub fn is_paired(self) -> bool {
        self == Self::Relativistic
    }

    /// h with J = E_ρ h at an exact ℓ, J the divergence whose first variation is that of [`Loss::at_log_ratio`]. Only losses with a
    /// density ratio have one; of others it is not a number.
    ///
    /// h = f(r)/r − f(0)(1/r − 1) where f(0) is finite: the second part has the mean 0, and takes away what 1/r would bring in where few
    /// samples are, so that of KL h = ℓ. For the non-saturating loss f' = ln(1 + r), so that f = (1 + r) ln(1 + r) − r and f(0) = 0.
    pub fn divergence_per_mass(self, log_ratio: f64) -> f64 {
        let log_ratio = log_ratio.clamp(-LARGEST_LOG_RATIO, LARGEST_LOG_RATIO);
        let inverse = Real::exp(-log_ratio);
        match self {
            Self::Dual(kind) => with_divergence!(kind, D => {
                let empty = match D::ADMITS_EMPTY_CELLS {
                    true => D::integrand(-LARGEST_LOG_RATIO),
                    false => 0.0,
                };
                D::integrand_per_mass(log_ratio) - empty * (inverse - 1.0)
            }),
            Self::NonSaturating => log_ratio.softplus() * (1.0 + inverse) - 1.0,
            Self::Relativistic | Self::Wasserstein => f64::NAN,
        }
    }

    /// E_ρ(c) and its derivative with respect to ℓ at an exact ℓ: the first variation of the divergence that the ideal critic leads to.
    pub fn at_log_ratio(self, log_ratio: f64) -> (f64, f64) {
        let (mut value, mut slope) = ([0.0], [0.0]);
        self.generator(&[-log_ratio], &[0.0], &mut value, &mut slope);
        (value[0], -slope[0])
    }
}
