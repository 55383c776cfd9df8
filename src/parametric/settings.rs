use super::critic::{CriticSettings, Penalty};
use super::loss::Loss;
use super::metric::{Metric, MetricSettings};
use super::network::Network;
use super::optimizer::{
    Adam, Euclidean, Inertial, Langevin, MomentumNatural, Natural, OnGradient, Optimizer, Schedule,
    Sgd,
};
use super::streams::Streams;

/// The generator of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneratorSettings {
    /// Its map from latent variables to samples.
    pub network: Network,
    /// θ at the start; drawn from the seed if none.
    pub initial: Option<Vec<f64>>,
}

/// Where ℓ = ln(ρ/π) comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum CriticKind {
    /// A network that is trained.
    Learned(CriticSettings),
    /// The generator's own density: the ideal discriminator.
    Exact,
}

/// What all runs of a comparison share.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingSettings {
    /// The generator.
    pub generator: GeneratorSettings,
    /// The critic.
    pub critic: CriticKind,
    /// What both are trained on.
    pub loss: Loss,
    /// The number of generator steps.
    pub steps: u64,
    /// Samples of a step.
    pub batch: usize,
    /// Steps between two records.
    pub record_every: u64,
    /// Samples of a record.
    pub evaluation: usize,
    /// What is looked at besides the records.
    pub observations: Observations,
}

/// What a run looks at besides its records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observations {
    /// Whether records keep their samples.
    pub samples: bool,
    /// Whether the game of both players is linearised at the end.
    pub game_spectrum: bool,
    /// The numbers of steps after which the eigenvalues of the metrics are computed, in increasing order.
    pub metric_spectra: Vec<u64>,
}

/// A rule that needs the gradient alone.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum EuclideanRule {
    Sgd { momentum: f64, nesterov: bool },
    Adam { beta1: f64, beta2: f64 },
}

impl EuclideanRule {
    /// The rule's state for so many parameters.
    pub fn start(self, parameters: usize) -> Box<dyn Euclidean> {
        match self {
            Self::Sgd { momentum, nesterov } => Box::new(Sgd::new(momentum, nesterov, parameters)),
            Self::Adam { beta1, beta2 } => Box::new(Adam::new(beta1, beta2, parameters)),
        }
    }
}

impl Euclidean for Box<dyn Euclidean> {
    fn update(&mut self, parameters: &mut [f64], gradient: &[f64], rate: f64) {
        self.as_mut().update(parameters, gradient, rate);
    }
}

/// How the generator is moved.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Rule {
    Euclidean(EuclideanRule),
    Natural {
        metric: MetricSettings,
        /// Whether the damping follows what the steps do.
        adaptive: bool,
    },
    MomentumNatural {
        metric: MetricSettings,
        momentum: f64,
        adaptive: bool,
    },
    Inertial {
        metric: MetricSettings,
        friction: f64,
        connection: bool,
    },
    Langevin {
        metric: Option<MetricSettings>,
        temperature: f64,
    },
}

impl Rule {
    /// The rule's state for so many parameters.
    pub fn start(self, parameters: usize, streams: Streams) -> Box<dyn Optimizer> {
        match self {
            Self::Euclidean(rule) => Box::new(OnGradient::new(rule.start(parameters), parameters)),
            Self::Natural { metric, adaptive } => {
                let metric = Metric::new(metric);
                Box::new(match adaptive {
                    true => Natural::adaptive(metric, parameters),
                    false => Natural::new(metric, parameters),
                })
            }
            Self::MomentumNatural {
                metric,
                momentum,
                adaptive,
            } => {
                let metric = Metric::new(metric);
                Box::new(match adaptive {
                    true => MomentumNatural::adaptive(metric, momentum, parameters),
                    false => MomentumNatural::new(metric, momentum, parameters),
                })
            }
            Self::Inertial {
                metric,
                friction,
                connection,
            } => Box::new(Inertial::new(
                Metric::new(metric),
                friction,
                connection,
                parameters,
            )),
            Self::Langevin {
                metric,
                temperature,
            } => Box::new(Langevin::new(
                metric.map(Metric::dense),
                temperature,
                streams,
                parameters,
            )),
        }
    }
}

/// The critic's own rule and its learning rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CriticRule {
    /// The rule.
    pub rule: EuclideanRule,
    /// The learning rate.
    pub rate: f64,
}

/// In which order critic and generator step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Updates {
    /// The critic's steps first; the generator sees what they led to.
    #[default]
    Alternating,
    /// Both from the same state: the generator sees the critic as it was before its steps.
    Simultaneous,
}

/// One entry of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleSettings {
    /// The name in tables, files and pictures.
    pub name: String,
    /// The rule of the generator.
    pub rule: Rule,
    /// Its learning rate.
    pub rate: f64,
    /// How the learning rates of generator and critic change.
    pub schedule: Schedule,
    /// The critic's rule, if not that of the scenario.
    pub critic: Option<CriticRule>,
    /// The critic's penalty, if not that of the scenario.
    pub penalty: Option<Penalty>,
    /// In which order critic and generator step.
    pub updates: Updates,
}
