use super::super::error::{Fault, Problem};
use super::super::settings::{positive, unexpected};
use super::document::{
    CriticOptimizer, CriticOptimizerKind, Damping, OptimizerKind, OptimizerSection, ScheduleWord,
};
use crate::parametric::metric::{MetricKind, MetricSettings};
use crate::parametric::optimizer::Schedule;
use crate::parametric::{
    CriticKind, CriticRule, EuclideanRule, Loss, Penalty, Rule, RuleSettings, TrainingSettings,
};

/// What is added to the diagonal of a metric where a scenario does not say.
const DAMPING: f64 = 1e-4;
/// Momentum of `momentum-natural` where a scenario does not say.
const MOMENTUM: f64 = 0.9;
/// β₁ and β₂ of Adam where a scenario does not say, as in the paper.
const BETAS: (f64, f64) = (0.9, 0.999);
/// The largest number of parameters for which a metric is factored itself.
pub(super) const DENSE_PARAMETERS: usize = 4000;

/// The critic's rule where a scenario names none: that of the reference experiment.
pub(super) fn default_critic_rule() -> CriticRule {
    CriticRule {
        rule: EuclideanRule::Adam {
            beta1: 0.5,
            beta2: 0.999,
        },
        rate: 1e-3,
    }
}

pub(super) fn checked(
    sections: Vec<OptimizerSection>,
    training: &TrainingSettings,
) -> Result<Vec<RuleSettings>, Fault> {
    if sections.is_empty() {
        return Err(unexpected(
            "optimizer",
            "an empty list",
            "at least one optimizer",
        ));
    }
    let mut rules: Vec<RuleSettings> = Vec::new();
    for (index, section) in sections.into_iter().enumerate() {
        let inside = |fault: Fault| fault.inside(&format!("optimizer.{index}"));
        let rule = rule(section, training).map_err(inside)?;
        if rules.iter().any(|other| other.name == rule.name) {
            let found = format!("{:?} for the second time", rule.name);
            return Err(inside(unexpected("name", found, "a name of its own")));
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn rule(section: OptimizerSection, training: &TrainingSettings) -> Result<RuleSettings, Fault> {
    if section.name.is_empty() || section.name.contains('/') {
        let found = format!("{:?}", section.name);
        return Err(unexpected(
            "name",
            found,
            "a text without `/` that is not empty",
        ));
    }
    positive("learning-rate", section.learning_rate)?;
    refuse_others(&section)?;
    let parameters = training.generator.network.parameters();
    let metric = |word: Option<super::document::MetricWord>| -> Result<MetricSettings, Fault> {
        Ok(MetricSettings {
            kind: word.map_or(MetricKind::Sample, Into::into),
            damping: match section.damping {
                Some(Damping::Fixed(damping)) => not_negative("damping", damping)?,
                Some(Damping::Adaptive) | None => DAMPING,
            },
        })
    };
    let adaptive = section.damping == Some(Damping::Adaptive);
    if adaptive
        && !matches!(
            section.kind,
            OptimizerKind::Natural | OptimizerKind::MomentumNatural
        )
    {
        let expected = "a number: only natural and momentum-natural adapt it";
        return Err(unexpected("damping", "\"adaptive\"", expected));
    }
    let rule = match section.kind {
        OptimizerKind::Sgd => Rule::Euclidean(sgd(section.momentum, section.nesterov)?),
        OptimizerKind::Adam => Rule::Euclidean(adam(section.beta1, section.beta2)?),
        OptimizerKind::Natural => Rule::Natural {
            metric: metric(section.metric)?,
            adaptive,
        },
        OptimizerKind::MomentumNatural => Rule::MomentumNatural {
            metric: metric(section.metric)?,
            adaptive,
            momentum: share("momentum", section.momentum.unwrap_or(MOMENTUM))?,
        },
        OptimizerKind::Inertial => Rule::Inertial {
            metric: metric(section.metric)?,
            friction: not_negative("friction", section.friction.unwrap_or(1.0))?,
            connection: section.connection.unwrap_or(true),
        },
        OptimizerKind::Langevin => {
            let temperature = section
                .temperature
                .ok_or_else(|| Problem::Missing.at("temperature"))?;
            let metric = section.metric.map(|word| metric(Some(word))).transpose()?;
            if metric.is_some() && parameters > DENSE_PARAMETERS {
                let expected =
                    format!("no metric above {DENSE_PARAMETERS} parameters: its root is needed");
                let found = format!("a metric for {parameters} parameters");
                return Err(unexpected("metric", found, &expected));
            }
            Rule::Langevin {
                metric,
                temperature: not_negative("temperature", temperature)?,
            }
        }
    };
    let critic = match (section.critic_optimizer.clone(), &training.critic) {
        (None, _) => None,
        (Some(_), CriticKind::Exact) => {
            let expected = "no such key: an exact critic is not trained";
            return Err(unexpected("critic-optimizer", "a rule", expected));
        }
        (Some(rule), CriticKind::Learned(_)) => {
            Some(critic_rule(rule).map_err(|fault| fault.inside("critic-optimizer"))?)
        }
    };
    let penalty = match (section.critic_penalty, &training.critic) {
        (Some(_), CriticKind::Exact) => {
            let expected = "no such key: an exact critic is not trained";
            return Err(unexpected("critic-penalty", "a number", expected));
        }
        (strength, _) => penalty("critic-penalty", strength, training.loss)?,
    };
    Ok(RuleSettings {
        schedule: schedule(&section)?,
        penalty,
        updates: section.updates.into(),
        name: section.name,
        rule,
        rate: section.learning_rate,
        critic,
    })
}

/// The penalty of a strength: that of the slope 1 for `wasserstein`, zero-centred for all other losses.
pub(super) fn penalty(
    key: &str,
    strength: Option<f64>,
    loss: Loss,
) -> Result<Option<Penalty>, Fault> {
    let Some(strength) = strength else {
        return Ok(None);
    };
    positive(key, strength)?;
    Ok(Some(match loss {
        Loss::Wasserstein => Penalty::UnitSlope(strength),
        _ => Penalty::ZeroCentred(strength),
    }))
}

/// Refuses keys that the kind does not have.
fn refuse_others(section: &OptimizerSection) -> Result<(), Fault> {
    use OptimizerKind::{Adam, Inertial, Langevin, MomentumNatural, Natural, Sgd};
    let metrics = &[Natural, MomentumNatural, Inertial, Langevin][..];
    let keys = [
        (
            "momentum",
            section.momentum.is_some(),
            &[Sgd, MomentumNatural][..],
        ),
        ("nesterov", section.nesterov.is_some(), &[Sgd][..]),
        ("beta1", section.beta1.is_some(), &[Adam][..]),
        ("beta2", section.beta2.is_some(), &[Adam][..]),
        ("metric", section.metric.is_some(), metrics),
        ("damping", section.damping.is_some(), metrics),
        ("friction", section.friction.is_some(), &[Inertial][..]),
        ("connection", section.connection.is_some(), &[Inertial][..]),
        (
            "temperature",
            section.temperature.is_some(),
            &[Langevin][..],
        ),
    ];
    for (key, given, kinds) in keys {
        if given && !kinds.contains(&section.kind) {
            let expected = "no such key: this kind of optimizer has none";
            return Err(unexpected(key, format!("`{key}`"), expected));
        }
    }
    Ok(())
}

fn schedule(section: &OptimizerSection) -> Result<Schedule, Fault> {
    let (every, factor) = (section.schedule_every, section.schedule_factor);
    if section.schedule != ScheduleWord::Step {
        for (key, given) in [
            ("schedule-every", every.is_some()),
            ("schedule-factor", factor.is_some()),
        ] {
            if given {
                let expected = "no such key: only `schedule = \"step\"` has it";
                return Err(unexpected(key, format!("`{key}`"), expected));
            }
        }
    }
    Ok(match section.schedule {
        ScheduleWord::Constant => Schedule::Constant,
        ScheduleWord::Cosine => Schedule::Cosine,
        ScheduleWord::Step => {
            let every = every.ok_or_else(|| Problem::Missing.at("schedule-every"))?;
            if every == 0 {
                return Err(unexpected("schedule-every", 0, "a whole number above 0"));
            }
            let factor = factor.ok_or_else(|| Problem::Missing.at("schedule-factor"))?;
            positive("schedule-factor", factor)?;
            let every = every as u64;
            Schedule::Steps { every, factor }
        }
    })
}

pub(super) fn critic_rule(rule: CriticOptimizer) -> Result<CriticRule, Fault> {
    positive("learning-rate", rule.learning_rate)?;
    let others = match rule.kind {
        CriticOptimizerKind::Sgd => [
            ("beta1", rule.beta1.is_some()),
            ("beta2", rule.beta2.is_some()),
        ],
        CriticOptimizerKind::Adam => [
            ("momentum", rule.momentum.is_some()),
            ("nesterov", rule.nesterov.is_some()),
        ],
    };
    for (key, given) in others {
        if given {
            let expected = "no such key: this kind of optimizer has none";
            return Err(unexpected(key, format!("`{key}`"), expected));
        }
    }
    Ok(CriticRule {
        rule: match rule.kind {
            CriticOptimizerKind::Sgd => sgd(rule.momentum, rule.nesterov)?,
            CriticOptimizerKind::Adam => adam(rule.beta1, rule.beta2)?,
        },
        rate: rule.learning_rate,
    })
}

fn sgd(momentum: Option<f64>, nesterov: Option<bool>) -> Result<EuclideanRule, Fault> {
    Ok(EuclideanRule::Sgd {
        momentum: share("momentum", momentum.unwrap_or(0.0))?,
        nesterov: nesterov.unwrap_or(false),
    })
}

fn adam(beta1: Option<f64>, beta2: Option<f64>) -> Result<EuclideanRule, Fault> {
    Ok(EuclideanRule::Adam {
        beta1: share("beta1", beta1.unwrap_or(BETAS.0))?,
        beta2: share("beta2", beta2.unwrap_or(BETAS.1))?,
    })
}

/// A number in [0, 1).
fn share(key: &str, value: f64) -> Result<f64, Fault> {
    if (0.0..1.0).contains(&value) {
        return Ok(value);
    }
    let expected = "a number of at least 0 and below 1";
    Err(unexpected(key, format!("{value:?}"), expected))
}

fn not_negative(key: &str, value: f64) -> Result<f64, Fault> {
    if value >= 0.0 {
        return Ok(value);
    }
    let expected = "a number that is not negative";
    Err(unexpected(key, format!("{value:?}"), expected))
}
