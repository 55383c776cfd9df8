//! The words of generator scenarios as they stand in the file, before the checks that need more than one key.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use std::sync::LazyLock;

use super::super::document::GridSection;
use crate::density::Density;
use crate::parametric::metric::MetricKind;
use crate::parametric::{Activation, Loss, Updates};

/// A comparison of optimizers that move a generator x = G(z) towards the target.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::scenario) struct GeneratorDocument {
    /// What the scenario shows, in a few words.
    pub(super) title: String,
    /// The law that the comparison must show, in words.
    pub(super) law: Option<String>,
    /// The target density π: a kind that can be drawn from without a grid, gaussian, mixture or ring, or dirac.
    pub(super) target: Density,
    pub(super) generator: GeneratorSection,
    #[serde(default)]
    pub(super) critic: CriticSection,
    pub(super) training: TrainingSection,
    /// A grid in 1-D on which the gradient flow of the same divergence runs beside natural gradient, and the inertial flow beside inertial.
    pub(super) grid: Option<GridSection>,
    /// What is computed and written besides the records.
    #[serde(default)]
    pub(super) output: ObservationSection,
    /// The optimizers that are compared, one table each.
    pub(super) optimizer: Vec<OptimizerSection>,
}

/// The map from latent variables z, standard normal, to samples; with as many outputs as the target has coordinates.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct GeneratorSection {
    /// The form of the map.
    pub(super) kind: GeneratorKind,
    /// The number of latent variables, of all kinds but `dirac`.
    #[schemars(range(min = 1))]
    pub(super) latent: Option<usize>,
    /// The widths of the hidden layers of `mlp`.
    pub(super) hidden: Option<Vec<usize>>,
    /// What stands between the layers of `mlp`; relu if not given.
    pub(super) activation: Option<ActivationWord>,
    /// The matrix A of `affine` at the start, a list of rows; drawn from the seed if not given.
    pub(super) matrix: Option<Vec<Vec<f64>>>,
    /// The vector b of `affine` at the start, with `matrix`; 0 if not given.
    pub(super) offset: Option<Vec<f64>>,
    /// The point b of `dirac` at the start.
    pub(super) position: Option<Vec<f64>>,
}

/// The form of a generator.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum GeneratorKind {
    /// A network of dense layers.
    Mlp,
    /// x = Az + b.
    Affine,
    /// x = b, all mass at one point.
    Dirac,
}

impl GeneratorKind {
    /// The word in scenario files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Mlp => "mlp",
            Self::Affine => "affine",
            Self::Dirac => "dirac",
        }
    }
}

macro_rules! words {
    ($(#[$attribute:meta])* $name:ident => $target:ident: $($(#[$note:meta])* $word:ident),+) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        #[allow(missing_docs)]
        pub(super) enum $name {
            $($(#[$note])* $word),+
        }

        impl From<$name> for $target {
            fn from(word: $name) -> Self {
                match word { $($name::$word => Self::$word),+ }
            }
        }
    };
}

words!(
    /// What stands between two layers.
    ActivationWord => Activation: Relu, LeakyRelu, Tanh, Softplus, Silu
);

words!(
    /// In which order critic and generator step: the critic first (alternating), or both from the same state (simultaneous).
    #[derive(Default)]
    UpdatesWord => Updates: #[default] Alternating, Simultaneous
);

words!(
    /// A metric on parameters: every motion of a sample costs (sample), or only what moves the density (otto).
    MetricWord => MetricKind: Sample, Otto
);

/// Where ln(ρ/π) comes from.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct CriticSection {
    /// A network that is trained (mlp), a linear function that is (linear), or the generator's own density (exact).
    pub(super) kind: CriticWord,
    /// The widths of the hidden layers of `mlp`; [32] if not given.
    pub(super) hidden: Option<Vec<usize>>,
    /// What stands between the layers of `mlp`; leaky-relu if not given.
    pub(super) activation: Option<ActivationWord>,
    /// How `mlp` and `linear` are trained; Adam with beta1 = 0.5 if not given.
    pub(super) optimizer: Option<CriticOptimizer>,
    /// Steps of `mlp` and `linear` for each step of the generator; 1 if not given.
    #[schemars(range(min = 1))]
    pub(super) steps: Option<usize>,
    /// The strength of the gradient penalty of `mlp` and `linear`: zero-centred on data and samples, for the loss wasserstein |∇| = 1 between them.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub(super) penalty: Option<f64>,
}

impl Default for CriticSection {
    fn default() -> Self {
        Self {
            kind: CriticWord::Mlp,
            hidden: None,
            activation: None,
            optimizer: None,
            steps: None,
            penalty: None,
        }
    }
}

/// A kind of critic.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum CriticWord {
    /// A network that is trained.
    Mlp,
    /// t = w·x + c, trained.
    Linear,
    /// ln(ρ/π) from the generator's own density.
    Exact,
}

/// The rule of the critic.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct CriticOptimizer {
    /// sgd or adam.
    pub(super) kind: CriticOptimizerKind,
    /// The learning rate.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub(super) learning_rate: f64,
    /// Momentum of sgd; 0 if not given.
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub(super) momentum: Option<f64>,
    /// Nesterov's form of the momentum of sgd.
    pub(super) nesterov: Option<bool>,
    /// Decay of the mean of adam; 0.9 if not given.
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub(super) beta1: Option<f64>,
    /// Decay of the squares of adam; 0.999 if not given.
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub(super) beta2: Option<f64>,
}

/// A rule that needs the gradient alone.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum CriticOptimizerKind {
    /// Stochastic gradient descent.
    Sgd,
    /// Adam.
    Adam,
}

/// How long, on what and from how many seeds.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct TrainingSection {
    /// The number of generator steps.
    #[schemars(range(min = 1))]
    pub(super) steps: usize,
    /// Samples of a step, at least 2.
    #[schemars(range(min = 2))]
    pub(super) batch: usize,
    /// The number of seeds: 0, 1, ….
    #[schemars(range(min = 1))]
    pub(super) seeds: usize,
    /// What generator and critic are trained on; non-saturating if not given.
    #[serde(default = "non_saturating", deserialize_with = "loss")]
    #[schemars(schema_with = "loss_schema")]
    pub(super) loss: Loss,
    /// Steps between two records; a hundredth of the steps if not given.
    #[schemars(range(min = 1))]
    pub(super) record_every: Option<usize>,
    /// Samples of a record; 4096 if not given.
    #[schemars(range(min = 2))]
    pub(super) evaluation: Option<usize>,
}

/// What is computed and written besides the records.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ObservationSection {
    /// Whether the game of both players is linearised at the end, and its eigenvalues are written; false if not given.
    #[serde(default)]
    pub(super) spectrum: bool,
    /// The numbers of steps after which the eigenvalues of the metrics are computed and written; none if not given.
    pub(super) metric_spectra: Option<Vec<usize>>,
}

/// One optimizer of the generator.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct OptimizerSection {
    /// Its name in tables, files and pictures.
    pub(super) name: String,
    /// The rule.
    pub(super) kind: OptimizerKind,
    /// The learning rate; of inertial and langevin the time step.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub(super) learning_rate: f64,
    /// Momentum of sgd (0 if not given) and momentum-natural (0.9).
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub(super) momentum: Option<f64>,
    /// Nesterov's form of the momentum of sgd.
    pub(super) nesterov: Option<bool>,
    /// Decay of the mean of adam; 0.9 if not given.
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub(super) beta1: Option<f64>,
    /// Decay of the squares of adam; 0.999 if not given.
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub(super) beta2: Option<f64>,
    /// The metric of natural, momentum-natural and inertial (sample if not given) and langevin (Euclidean if not given).
    pub(super) metric: Option<MetricWord>,
    /// What is added to the diagonal of the metric; 1e-4 if not given. With "adaptive" it follows what the steps do, from 1e-4 on.
    pub(super) damping: Option<Damping>,
    /// Friction γ of inertial; 1 if not given.
    #[schemars(range(min = 0.0))]
    pub(super) friction: Option<f64>,
    /// Whether inertial has the connection term; true if not given.
    pub(super) connection: Option<bool>,
    /// Temperature of langevin.
    #[schemars(range(min = 0.0))]
    pub(super) temperature: Option<f64>,
    /// How the learning rates of generator and critic change; constant if not given.
    #[serde(default)]
    pub(super) schedule: ScheduleWord,
    /// Steps between two changes of the schedule step.
    #[schemars(range(min = 1))]
    pub(super) schedule_every: Option<usize>,
    /// The factor of a change of the schedule step.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub(super) schedule_factor: Option<f64>,
    /// The critic's rule with this optimizer, in place of that in `critic`.
    pub(super) critic_optimizer: Option<CriticOptimizer>,
    /// The strength of the critic's gradient penalty with this optimizer, in place of that in `critic`.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub(super) critic_penalty: Option<f64>,
    /// In which order critic and generator step; alternating if not given.
    #[serde(default)]
    pub(super) updates: UpdatesWord,
}

/// What is added to the diagonal of a metric: a number, or the word adaptive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Damping {
    /// Always the same.
    Fixed(f64),
    /// Follows what the steps do.
    Adaptive,
}

impl<'de> Deserialize<'de> for Damping {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DampingVisitor;

        impl de::Visitor<'_> for DampingVisitor {
            type Value = Damping;

            fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
                formatter.write_str("a number or \"adaptive\"")
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Damping, E> {
                Ok(Damping::Fixed(value))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Damping, E> {
                Ok(Damping::Fixed(value as f64))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Damping, E> {
                Ok(Damping::Fixed(value as f64))
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Damping, E> {
                match word {
                    "adaptive" => Ok(Damping::Adaptive),
                    _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
                }
            }
        }

        deserializer.deserialize_any(DampingVisitor)
    }
}

impl JsonSchema for Damping {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Damping".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "number", "minimum": 0.0 },
            { "type": "string", "enum": ["adaptive"] },
        ] })
    }
}

/// A kind of optimizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum OptimizerKind {
    /// Stochastic gradient descent.
    Sgd,
    /// Adam.
    Adam,
    /// Natural gradient.
    Natural,
    /// Natural gradient with momentum, without a connection term.
    MomentumNatural,
    /// The damped inertial equation on parameters.
    Inertial,
    /// Gradient descent with thermal noise.
    Langevin,
}

/// A learning-rate schedule.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ScheduleWord {
    /// Always the same.
    #[default]
    Constant,
    /// Half a wave of the cosine, down to 0 at the end.
    Cosine,
    /// Times `schedule-factor` every `schedule-every` steps.
    Step,
}

static LOSSES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| Loss::all().into_iter().map(Loss::name).collect());

fn non_saturating() -> Loss {
    Loss::NonSaturating
}

fn loss<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Loss, D::Error> {
    let name = String::deserialize(deserializer)?;
    Loss::from_name(&name).ok_or_else(|| <D::Error as de::Error>::unknown_variant(&name, &LOSSES))
}

fn loss_schema(_generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": *LOSSES })
}
