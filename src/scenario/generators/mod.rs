//! Generator scenarios: what `ottoflow compare` runs.

mod document;
mod generator;
mod optimizers;

use std::path::Path;

use serde::Deserialize;

use super::error::{Fault, Problem, ScenarioError};
use super::reader::Reader;
use super::settings::unexpected;
use super::source::Source;
use super::{density_fault, read_file};
use crate::density::{Density, NormalMixture};
use crate::divergence::DivergenceKind;
use crate::grid::Grid;
use crate::parametric::{
    Activation, CriticKind, CriticSettings, GeneratorSettings, Loss, Observations, RuleSettings,
    Target, TrainingSettings,
};
use document::{CriticSection, CriticWord, TrainingSection};
use generator::{generator, hidden, point, refused, within};

pub(super) use document::GeneratorDocument;

/// A comparison of optimizers that has passed all checks.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What the scenario shows, in a few words.
    pub title: String,
    /// The law that the comparison must show, in words.
    pub law: Option<String>,
    /// The target.
    pub target: Target,
    /// What all runs share.
    pub training: TrainingSettings,
    /// The optimizers.
    pub optimizers: Vec<RuleSettings>,
    /// The number of seeds, from 0.
    pub seeds: u64,
    /// The flow that runs beside the generator, if any.
    pub beside: Option<Beside>,
    /// The TOML as run, overrides applied.
    pub text: String,
}

/// The gradient flow on a grid that starts from the density of the generator x = az + b.
#[derive(Clone, Debug)]
pub struct Beside {
    /// The cells, in 1-D.
    pub grid: Grid,
    /// The target density π.
    pub target: NormalMixture,
    /// J.
    pub divergence: DivergenceKind,
    /// The mean of the density at the start.
    pub mean: f64,
    /// Its standard deviation.
    pub std: f64,
}

/// Samples of a record where a scenario names none.
const EVALUATION: usize = 4096;
/// Records of a run where a scenario does not say how often.
const RECORDS: usize = 100;

/// The most parameters of both players for which the game is linearised.
const GAME_PARAMETERS: usize = 2000;

/// Reads a generator scenario and applies `key=value` overrides to it.
///
/// # Errors
/// A file that cannot be read, and those of [`parse_comparison`].
pub fn load_comparison(path: &Path, overrides: &[String]) -> Result<Comparison, ScenarioError> {
    let (text, file_name) = read_file(path)?;
    parse_comparison(&text, &file_name, overrides)
}

/// Reads a generator scenario from its text.
///
/// # Errors
/// What is not TOML, not a key, missing, or a value that does not fit, with its place; an override that cannot be applied.
pub fn parse_comparison(
    text: &str,
    file_name: &str,
    overrides: &[String],
) -> Result<Comparison, ScenarioError> {
    let source = Source {
        file_name: file_name.to_owned(),
        folder: Path::new("").to_owned(),
        text: text.to_owned(),
        overrides: overrides.to_vec(),
    };
    let text = source.overridden()?;
    checked(text).map_err(|fault| source.error(fault))
}

fn checked(text: String) -> Result<Comparison, Fault> {
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| Problem::Syntax(error.message().to_owned()).at(""))?;
    for section in ["grid", "initial", "flow", "time"] {
        if table.contains_key(section) && !table.contains_key("generator") {
            let what = "a flow on a grid";
            let command = "ottoflow run";
            return Err(Problem::Elsewhere { what, command }.at(section));
        }
    }
    let document = GeneratorDocument::deserialize(Reader(&toml::Value::Table(table)))?;
    let target = match &document.target {
        Density::Dirac(dirac) => point(&dirac.position).map_err(|fault| fault.inside("target"))?,
        density => NormalMixture::new(density)
            .map(Target::Normals)
            .map_err(|error| density_fault("target", error))?,
    };
    let inside = |section: &'static str| move |fault: Fault| fault.inside(section);
    let generator =
        generator(document.generator, target.dimension()).map_err(inside("generator"))?;
    let (mut training, seeds) = {
        let critic = critic(document.critic, document.training.loss).map_err(inside("critic"))?;
        if critic == CriticKind::Exact && target.density().is_none() {
            let expected = "a critic that is trained: of a point there is no density ratio";
            return Err(unexpected("critic.kind", "\"exact\"", expected));
        }
        training(document.training, generator, critic).map_err(inside("training"))?
    };
    let optimizers = optimizers::checked(document.optimizer, &training)?;
    let beside = match document.grid {
        None => None,
        Some(section) => {
            let grid = section.checked().map_err(inside("grid"))?;
            Some(beside(grid, &target, &training)?)
        }
    };
    let game_spectrum = document.output.spectrum;
    if game_spectrum {
        spectrum_fits(&training).map_err(inside("output"))?;
    }
    let steps = document.output.metric_spectra.unwrap_or_default();
    training.observations = Observations {
        samples: beside.is_some(),
        game_spectrum,
        metric_spectra: metric_spectra(steps, &training).map_err(inside("output"))?,
    };
    Ok(Comparison {
        title: document.title,
        law: document.law,
        target,
        training,
        optimizers,
        seeds,
        beside,
        text,
    })
}

/// The Jacobian of the game needs a critic that is trained, and fits in memory.
fn spectrum_fits(training: &TrainingSettings) -> Result<(), Fault> {
    let CriticKind::Learned(critic) = &training.critic else {
        let expected = "a critic that is trained: alone, the generator plays no game";
        return Err(unexpected("spectrum", "an exact critic", expected));
    };
    let generator = &training.generator.network;
    let count = generator.parameters() + critic.network(generator.outputs()).parameters();
    if count > GAME_PARAMETERS {
        let found = format!("{count} parameters of both players");
        let expected = format!("at most {GAME_PARAMETERS}: the whole Jacobian is needed");
        return Err(unexpected("spectrum", found, &expected));
    }
    Ok(())
}

/// The steps of the metrics' spectra in order, none beyond the end; and parameters few enough for a dense matrix.
fn metric_spectra(mut steps: Vec<usize>, training: &TrainingSettings) -> Result<Vec<u64>, Fault> {
    let count = training.generator.network.parameters();
    if !steps.is_empty() && count > optimizers::DENSE_PARAMETERS {
        let found = format!("{count} parameters");
        let expected = format!(
            "at most {}: the metrics are dense matrices",
            optimizers::DENSE_PARAMETERS
        );
        return Err(unexpected("metric-spectra", found, &expected));
    }
    for (index, step) in steps.iter().enumerate() {
        if *step as u64 > training.steps {
            let expected = format!("at most the {} steps of training", training.steps);
            return Err(unexpected(
                &format!("metric-spectra.{index}"),
                step,
                &expected,
            ));
        }
    }
    steps.sort_unstable();
    steps.dedup();
    Ok(steps.into_iter().map(|step| step as u64).collect())
}

/// A flow beside the generator needs its density at the start, and the same force: 1-D, x = az + b with `matrix`, an exact critic.
fn beside(grid: Grid, target: &Target, training: &TrainingSettings) -> Result<Beside, Fault> {
    let network = &training.generator.network;
    if grid.dimension() != 1 || network.outputs() != 1 {
        let found = format!("{} axes", grid.dimension());
        let expected = "1 axis, and a target in 1-D: W2 to the flow is computed there only";
        return Err(unexpected("grid", found, expected));
    }
    let Some(start) = &training.generator.initial else {
        let expected = "a generator \"affine\" with `matrix`: the flow starts from its density";
        return Err(unexpected("grid", "a flow beside", expected));
    };
    let (CriticKind::Exact, Loss::Dual(divergence), Some(density)) =
        (&training.critic, training.loss, target.density())
    else {
        let expected =
            "an exact critic and a loss that is a divergence: both must follow the same force";
        return Err(unexpected("grid", "a flow beside", expected));
    };
    let (row, offset) = start.split_at(network.inputs());
    Ok(Beside {
        grid,
        target: density.clone(),
        divergence,
        mean: offset[0],
        std: row.iter().map(|entry| entry * entry).sum::<f64>().sqrt(),
    })
}

fn critic(section: CriticSection, loss: Loss) -> Result<CriticKind, Fault> {
    if section.kind == CriticWord::Exact {
        for (key, given) in [
            ("hidden", section.hidden.is_some()),
            ("activation", section.activation.is_some()),
            ("optimizer", section.optimizer.is_some()),
            ("steps", section.steps.is_some()),
            ("penalty", section.penalty.is_some()),
        ] {
            if given {
                let expected = "no such key: an exact critic is not trained";
                return Err(unexpected(key, format!("`{key}`"), expected));
            }
        }
        if !matches!(loss, Loss::Dual(_) | Loss::NonSaturating) {
            let found = format!("\"exact\" with the loss {:?}", loss.name());
            let expected = "a critic \"mlp\": this loss has no density ratio";
            return Err(unexpected("kind", found, expected));
        }
        return Ok(CriticKind::Exact);
    }
    let hidden = match section.kind {
        CriticWord::Linear => {
            for (key, given) in [
                ("hidden", section.hidden.is_some()),
                ("activation", section.activation.is_some()),
            ] {
                if given {
                    return Err(refused(key, "mlp"));
                }
            }
            Vec::new()
        }
        _ => {
            let remedy = "; a critic without a hidden layer is `kind = \"linear\"`";
            hidden(section.hidden.unwrap_or_else(|| vec![32]), remedy)?
        }
    };
    let rule = match section.optimizer {
        Some(rule) => optimizers::critic_rule(rule).map_err(|fault| fault.inside("optimizer"))?,
        None => optimizers::default_critic_rule(),
    };
    let penalty = optimizers::penalty("penalty", section.penalty, loss)?;
    if loss == Loss::Wasserstein && penalty.is_none() {
        return Err(Problem::Missing.at("penalty"));
    }
    Ok(CriticKind::Learned(CriticSettings {
        hidden,
        activation: section.activation.map_or(Activation::LeakyRelu, Into::into),
        rule,
        steps: within("steps", section.steps.unwrap_or(1), 1)?,
        penalty,
    }))
}

fn training(
    section: TrainingSection,
    generator: GeneratorSettings,
    critic: CriticKind,
) -> Result<(TrainingSettings, u64), Fault> {
    let positive = |key: &str, count: usize| match count {
        0 => Err(unexpected(key, 0, "a whole number above 0")),
        _ => Ok(count as u64),
    };
    let steps = positive("steps", section.steps)?;
    let every = section
        .record_every
        .unwrap_or_else(|| section.steps.div_ceil(RECORDS));
    let settings = TrainingSettings {
        generator,
        critic,
        loss: section.loss,
        steps,
        batch: within("batch", section.batch, 2)?,
        record_every: positive("record-every", every)?,
        evaluation: within("evaluation", section.evaluation.unwrap_or(EVALUATION), 2)?,
        observations: Observations::default(),
    };
    Ok((settings, positive("seeds", section.seeds)?))
}
