//! The scenario file as its author sees it: these types are both what is read and what the JSON Schema describes.

use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use super::generators::GeneratorDocument;
use crate::density::{Density, OneOrEach};
use crate::divergence::DivergenceKind;
use crate::flow::Friction;
use crate::grid::Boundary;

use super::inertia::{friction, friction_schema, initial_schema};

/// A Wasserstein gradient flow π ∂t r = ∇·(π ∇ψ(r)), r = ρ/π, on a grid.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Document {
    /// What the scenario shows, in a few words.
    pub(super) title: String,
    /// The law that a run of the scenario must show, in words.
    pub(super) law: Option<String>,
    pub(super) grid: GridSection,
    /// The target density π.
    pub(super) target: Density,
    /// The density ρ at time 0; with dynamics = "inertial" also its velocity, which is read apart.
    #[schemars(schema_with = "initial_schema")]
    pub(super) initial: Density,
    pub(super) flow: FlowSettings,
    pub(super) time: TimeSection,
    #[serde(default)]
    pub(super) output: OutputSection,
}

/// The box and its cells, one entry for each of 1 to 3 axes.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct GridSection {
    /// The lower corner of the box.
    pub(super) lower: Vec<f64>,
    /// The upper corner of the box.
    pub(super) upper: Vec<f64>,
    /// The number of cells along each axis, at least 3.
    pub(super) cells: Vec<usize>,
    /// What happens at the sides of the box: one word, or one for each axis.
    #[serde(default)]
    pub(super) boundary: OneOrEach<BoundaryWord>,
}

/// What happens at the sides of the box.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum BoundaryWord {
    /// Nothing passes.
    #[default]
    NoFlux,
    /// What leaves on one side enters on the other.
    Periodic,
}

impl From<BoundaryWord> for Boundary {
    fn from(word: BoundaryWord) -> Self {
        match word {
            BoundaryWord::NoFlux => Self::NoFlux,
            BoundaryWord::Periodic => Self::Periodic,
        }
    }
}

/// Which flow is run.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FlowSettings {
    /// The divergence J whose gradient flow is run.
    #[serde(deserialize_with = "divergence")]
    #[schemars(schema_with = "divergence_schema")]
    pub divergence: DivergenceKind,
    /// The law of motion.
    #[serde(default)]
    pub dynamics: Dynamics,
    /// The friction γ of the inertial equation, at least 0, or its law: { kind = "constant", value = γ } or { kind = "nesterov" }, γ = 3/t.
    #[serde(default, deserialize_with = "friction")]
    #[schemars(schema_with = "friction_schema")]
    pub friction: Option<Friction>,
    /// Whether the density is brought to rest whenever J begins to rise.
    #[serde(default)]
    pub restart: bool,
    /// The unit of time: 1, or with "overdamped" the friction γ.
    #[serde(default)]
    pub time_scale: TimeScale,
}

/// The law of motion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Dynamics {
    /// The gradient flow of J.
    #[default]
    Gradient,
    /// The damped inertial equation.
    Inertial,
}

/// What time is measured in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TimeScale {
    /// The time of the equation.
    #[default]
    Plain,
    /// t/γ: in the limit of large γ that of the gradient flow.
    Overdamped,
}

/// How time is stepped. With neither `step` nor `tolerance`, `explicit` takes the largest step that keeps the bounds of r, `implicit` and
/// `staggered` the tolerance 1e-4.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct TimeSection {
    /// The method of integration.
    pub(super) method: MethodKind,
    /// The order of the method: explicit 1 to 3, implicit, jko and staggered 1 or 2.
    #[schemars(range(min = 1, max = 3))]
    pub(super) order: Option<usize>,
    /// The time at which the run ends.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub(super) end: f64,
    /// A fixed step: the τ of `jko`, or with a `tolerance` its largest; the longest step of `staggered`.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub(super) step: Option<f64>,
    /// The error of a step in the L1 norm of ρ by which `implicit` and `staggered` choose their steps, and of two steps by which `jko` does.
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub(super) tolerance: Option<f64>,
    /// The largest duality gap of a step of `jko`, relative to its transport cost W2²/(2τ).
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub(super) gap: Option<f64>,
}

/// A method of time integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MethodKind {
    /// Forward Euler and strong-stability-preserving Runge–Kutta methods of order 2 and 3.
    Explicit,
    /// Backward Euler and an L-stable method of order 2.
    Implicit,
    /// Minimising movements (Jordan, Kinderlehrer, Otto), each step certified by a duality gap.
    Jko,
    /// Density in cells and velocity on faces, for the inertial equation.
    Staggered,
}

impl MethodKind {
    /// The method in quotes, as scenario files name it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Explicit => "\"explicit\"",
            Self::Implicit => "\"implicit\"",
            Self::Jko => "\"jko\"",
            Self::Staggered => "\"staggered\"",
        }
    }
}

/// What is written, and when. Time 0 and the end are always written; with neither `every` nor `times`, 50 equal intervals are.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct OutputSection {
    /// The interval between two output times.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub(super) every: Option<f64>,
    /// The output times.
    pub(super) times: Option<Vec<f64>>,
    /// The fields in the trajectory; the density if not given.
    pub(super) fields: Option<Vec<OutputField>>,
    /// Whether W2(ρ, π) is computed at the output times in 2-D, in 3-D and on a periodic line too, where that takes seconds on large grids.
    #[serde(default)]
    pub(super) wasserstein: bool,
}

/// A field that a trajectory can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OutputField {
    /// ρ.
    Density,
    /// f'(r), the first variation of J.
    Potential,
    /// A = ∇ ln(ρ/(π + ρ)).
    Connection,
    /// D* = π/(ρ + π).
    Discriminator,
    /// −∇f'(r), the velocity of the gradient flow; that of the density itself with dynamics = "inertial".
    Velocity,
}

static DIVERGENCES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| DivergenceKind::ALL.iter().map(|kind| kind.name()).collect());

fn divergence<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DivergenceKind, D::Error> {
    let name = String::deserialize(deserializer)?;
    DivergenceKind::from_name(&name)
        .ok_or_else(|| <D::Error as de::Error>::unknown_variant(&name, &DIVERGENCES))
}

fn divergence_schema(_generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": *DIVERGENCES })
}

/// A scenario file: a flow on a grid, or a comparison of optimizers of a generator.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code)] // It is the schema alone that is used; the reader knows which of the two it reads.
enum ScenarioFile {
    Flow(Document),
    Generator(GeneratorDocument),
}

/// The JSON Schema of scenario files, for editors and validators.
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(ScenarioFile).to_value()
}
