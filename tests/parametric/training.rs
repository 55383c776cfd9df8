//! Whole runs: reproducible, on common random numbers, ended by what is not a number and by nothing else.

use ottoflow::density::{Density, Gaussian, NormalMixture};
use ottoflow::divergence::DivergenceKind;
use ottoflow::parametric::metric::{MetricKind, MetricSettings};
use ottoflow::parametric::optimizer::Schedule;
use ottoflow::parametric::{
    Activation, CriticKind, CriticRule, CriticSettings, EuclideanRule, Failure, GeneratorSettings,
    Loss, Network, Observations, Penalty, Rule, RuleSettings, Runs, Target, TrainingSettings,
    Updates, Yardstick, compare,
};

fn target() -> Target {
    let gaussian = Gaussian {
        mean: vec![3.0],
        std: Some(vec![1.25]),
        ..Gaussian::default()
    };
    Target::Normals(NormalMixture::new(&Density::Gaussian(gaussian)).unwrap())
}

const ADAM: EuclideanRule = EuclideanRule::Adam {
    beta1: 0.5,
    beta2: 0.999,
};

fn settings(steps: u64, loss: Loss) -> TrainingSettings {
    TrainingSettings {
        generator: GeneratorSettings {
            network: Network::new(4, &[8], 1, Activation::Relu),
            initial: None,
        },
        critic: CriticKind::Learned(CriticSettings {
            hidden: vec![16],
            activation: Activation::LeakyRelu,
            rule: CriticRule {
                rule: ADAM,
                rate: 5e-3,
            },
            // A critic of bounded slope follows slowly: five steps, as in the paper.
            steps: if loss == Loss::Wasserstein { 5 } else { 1 },
            penalty: match loss {
                Loss::Wasserstein => Some(Penalty::UnitSlope(1.0)),
                Loss::Relativistic => Some(Penalty::ZeroCentred(0.1)),
                _ => None,
            },
        }),
        loss,
        steps,
        batch: 48,
        record_every: 25,
        evaluation: 400,
        observations: Observations::default(),
    }
}

fn rule(name: &str, rule: Rule, rate: f64) -> RuleSettings {
    RuleSettings {
        name: name.to_owned(),
        rule,
        rate,
        schedule: Schedule::Constant,
        critic: None,
        penalty: None,
        updates: Updates::Alternating,
    }
}

fn metric(kind: MetricKind) -> MetricSettings {
    MetricSettings {
        kind,
        damping: 1e-3,
    }
}

/// Every rule of the program once.
fn rules() -> Vec<RuleSettings> {
    let sample = metric(MetricKind::Sample);
    let momentum = 0.9;
    vec![
        rule("adam", Rule::Euclidean(ADAM), 5e-3),
        rule(
            "sgd",
            Rule::Euclidean(EuclideanRule::Sgd {
                momentum: 0.5,
                nesterov: true,
            }),
            1e-2,
        ),
        rule(
            "natural",
            Rule::Natural {
                metric: sample,
                adaptive: false,
            },
            5e-3,
        ),
        rule(
            "otto",
            Rule::Natural {
                metric: metric(MetricKind::Otto),
                adaptive: false,
            },
            5e-3,
        ),
        rule(
            "momentum",
            Rule::MomentumNatural {
                metric: sample,
                momentum,
                adaptive: false,
            },
            5e-3,
        ),
        rule(
            "adaptive",
            Rule::Natural {
                metric: sample,
                adaptive: true,
            },
            5e-3,
        ),
        rule(
            "adaptive momentum",
            Rule::MomentumNatural {
                metric: sample,
                momentum,
                adaptive: true,
            },
            5e-3,
        ),
        rule(
            "inertial",
            Rule::Inertial {
                metric: sample,
                friction: 1.0,
                connection: true,
            },
            5e-2,
        ),
        rule(
            "inertial otto",
            Rule::Inertial {
                metric: metric(MetricKind::Otto),
                friction: 1.0,
                connection: true,
            },
            5e-2,
        ),
        rule(
            "langevin",
            Rule::Langevin {
                metric: None,
                temperature: 1e-4,
            },
            1e-2,
        ),
    ]
}

fn run(settings: &TrainingSettings, rules: &[RuleSettings], seeds: u64) -> Vec<Runs> {
    let target = target();
    let yardstick = Yardstick::new(&target, settings.evaluation).unwrap();
    compare(settings, rules, seeds, &target, &yardstick, &|_, _, _| true)
}

/// Everything but the wall-clock times, as bits.
fn bits(runs: &[Runs]) -> Vec<u64> {
    let mut bits = Vec::new();
    for run in runs.iter().flat_map(|runs| &runs.outcomes) {
        bits.extend(run.parameters.iter().map(|value| value.to_bits()));
        bits.extend(run.samples.values().iter().map(|value| value.to_bits()));
        for record in &run.records {
            bits.push(record.loss_generator.to_bits());
            bits.push(record.loss_critic.to_bits());
            bits.push(record.quality.wasserstein_2.to_bits());
        }
        bits.push(run.loss_spread.to_bits());
    }
    bits
}

#[test]
fn the_bits_of_a_comparison_do_not_depend_on_the_threads() {
    let settings = settings(60, Loss::NonSaturating);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| bits(&run(&settings, &rules(), 3)))
    };
    let one = with(1);
    assert_eq!(one, with(3));
    assert_eq!(one, with(2));
}

#[test]
fn optimizers_run_on_common_random_numbers() {
    let settings = settings(60, Loss::NonSaturating);
    let twins = [
        rule("one", Rule::Euclidean(ADAM), 5e-3),
        rule("other", Rule::Euclidean(ADAM), 5e-3),
    ];
    let runs = run(&settings, &twins, 2);
    assert_eq!(bits(&runs[..1]), bits(&runs[1..]));
    // Different rules start at the same samples; different seeds do not.
    let runs = run(&settings, &rules(), 2);
    for other in &runs[1..] {
        for (a, b) in other.outcomes.iter().zip(&runs[0].outcomes) {
            assert_eq!(a.records[0].quality, b.records[0].quality);
        }
    }
    let [first, second] = &runs[0].outcomes[..] else {
        panic!("two seeds")
    };
    assert_ne!(first.records[0].quality, second.records[0].quality);
}

#[test]
fn every_loss_brings_the_samples_nearer() {
    for loss in Loss::all() {
        let rules = [rule("adam", Rule::Euclidean(ADAM), 5e-3)];
        let runs = run(&settings(600, loss), &rules, 2);
        for run in &runs[0].outcomes {
            assert_eq!(run.failure, None, "{}", loss.name());
            let distance = |index: usize| run.records[index].quality.wasserstein_2;
            let (start, end) = (distance(0), distance(run.records.len() - 1));
            assert!(end < 0.5 * start, "{}: W2 {start} to {end}", loss.name());
        }
    }
}

#[test]
fn every_rule_brings_the_samples_nearer_with_the_exact_critic() {
    let mut settings = settings(400, Loss::Dual(DivergenceKind::Kl));
    settings.critic = CriticKind::Exact;
    for runs in run(&settings, &rules(), 6) {
        for run in &runs.outcomes {
            assert_eq!(run.failure, None, "{}", runs.rule.name);
            let distance = |index: usize| run.records[index].quality.wasserstein_2;
            let (start, end) = (distance(0), distance(run.records.len() - 1));
            assert!(end < 0.5 * start, "{}: W2 {start} to {end}", runs.rule.name);
        }
    }
}

#[test]
fn a_diverging_seed_is_named_and_the_others_go_on() {
    let settings = settings(200, Loss::Wasserstein);
    let wild = rule(
        "wild",
        Rule::Euclidean(EuclideanRule::Sgd {
            momentum: 0.0,
            nesterov: false,
        }),
        1e160,
    );
    let runs = run(
        &settings,
        &[wild, rule("adam", Rule::Euclidean(ADAM), 5e-3)],
        2,
    );
    for (seed, run) in (0..).zip(&runs[0].outcomes) {
        let Some(failure) = run.failure else {
            panic!("{seed} did not diverge")
        };
        let Failure::Diverged {
            seed: named, step, ..
        } = failure
        else {
            panic!("{failure}")
        };
        assert_eq!(named, seed);
        assert!(step < 200);
        let text = failure.to_string();
        assert!(
            text.starts_with(&format!("seed {seed} diverged at step {step}: ")),
            "{text}"
        );
    }
    assert!(runs[1].outcomes.iter().all(|run| run.failure.is_none()));
}

/// What the table would say of the target itself: distances at the level of the sampling error, all modes, the share within three σ.
#[test]
fn samples_of_the_target_measure_as_the_target() {
    let target = target();
    let count = 4096;
    let yardstick = Yardstick::new(&target, count).unwrap();
    let mut samples = ottoflow::parametric::Batch::new(1, count);
    let streams = ottoflow::parametric::Streams::new(7);
    target.draw(
        &mut streams.at(ottoflow::parametric::Purpose::Data, 0),
        &mut samples,
    );
    let quality = yardstick.measure(&samples);
    assert!((quality.mean[0] - 3.0).abs() < 0.06, "{quality:?}");
    assert!((quality.std[0] - 1.25).abs() < 0.05, "{quality:?}");
    assert!(quality.wasserstein_1 <= quality.wasserstein_2);
    assert!(quality.wasserstein_2 < 0.08, "{quality:?}");
    assert!(quality.jensen_shannon.unwrap() < 0.004, "{quality:?}");
    assert_eq!(quality.modes, 1);
    assert!((quality.high_quality - 0.9973).abs() < 0.003, "{quality:?}");
    // Moved by ½, W1 and W2 are ½.
    samples.row_mut(0).iter_mut().for_each(|x| *x += 0.5);
    let moved = yardstick.measure(&samples);
    assert!((moved.wasserstein_1 - 0.5).abs() < 0.03, "{moved:?}");
    assert!((moved.wasserstein_2 - 0.5).abs() < 0.04, "{moved:?}");
}

/// A run that is told to stop keeps the records it made, and is no failure.
#[test]
fn a_run_that_is_stopped_keeps_its_records() {
    let settings = settings(400, Loss::NonSaturating);
    let target = target();
    let yardstick = Yardstick::new(&target, settings.evaluation).unwrap();
    let stop = |rule: usize, _: u64, step: u64| rule == 1 || step < 100;
    let rules = [
        rule("stopped", Rule::Euclidean(ADAM), 5e-3),
        rule("not", Rule::Euclidean(ADAM), 5e-3),
    ];
    let runs = compare(&settings, &rules, 1, &target, &yardstick, &stop);
    let [stopped, whole] = [0, 1].map(|rule| &runs[rule].outcomes[0]);
    let steps: Vec<u64> = stopped.records.iter().map(|record| record.step).collect();
    assert_eq!(steps, [0, 25, 50, 75, 100]);
    assert_eq!(stopped.failure, None);
    assert_eq!(whole.records.len(), 17);
    assert_eq!(stopped.records[1..], whole.records[1..5]);
}
