//! Steps a second of the reference experiment, and the time of one natural-gradient step with 100,000 parameters.

use divan::Bencher;
use divan::counter::ItemsCount;
use ottoflow::density::{Density, Gaussian, NormalMixture};
use ottoflow::parametric::metric::{Metric, MetricKind, MetricSettings};
use ottoflow::parametric::optimizer::Schedule;
use ottoflow::parametric::{
    Activation, Batch, CriticKind, CriticRule, CriticSettings, EuclideanRule, Evaluator, Generator,
    GeneratorSettings, Loss, Network, Observations, Purpose, Rule, RuleSettings, Streams, Target,
    TrainingSettings, Updates, Yardstick, compare, fill_normal,
};

fn main() {
    divan::main();
}

const METRIC: MetricSettings = MetricSettings {
    kind: MetricKind::Sample,
    damping: 1e-4,
};
const ADAM: EuclideanRule = EuclideanRule::Adam {
    beta1: 0.5,
    beta2: 0.999,
};
const SGD: EuclideanRule = EuclideanRule::Sgd {
    momentum: 0.0,
    nesterov: false,
};
const STEPS: u64 = 6000;
const SEEDS: u64 = 8;

/// The reference experiment with 8 seeds, all cores: items are steps of all seeds together.
fn reference(bencher: Bencher, rule: Rule, rate: f64, critic: CriticRule) {
    let gaussian = Gaussian {
        mean: vec![8.0],
        std: Some(vec![1.25]),
        ..Gaussian::default()
    };
    let Ok(mixture) = NormalMixture::new(&Density::Gaussian(gaussian)) else {
        return;
    };
    let target = Target::Normals(mixture);
    let settings = TrainingSettings {
        generator: GeneratorSettings {
            network: Network::new(16, &[32], 1, Activation::Relu),
            initial: None,
        },
        critic: CriticKind::Learned(CriticSettings {
            hidden: vec![32],
            activation: Activation::LeakyRelu,
            rule: critic,
            steps: 1,
            penalty: None,
        }),
        loss: Loss::NonSaturating,
        steps: STEPS,
        batch: 128,
        record_every: STEPS,
        evaluation: 4096,
        observations: Observations::default(),
    };
    let Ok(yardstick) = Yardstick::new(&target, settings.evaluation) else {
        return;
    };
    let rules = [RuleSettings {
        name: "bench".to_owned(),
        rule,
        rate,
        schedule: Schedule::Constant,
        critic: None,
        penalty: None,
        updates: Updates::Alternating,
    }];
    bencher
        .counter(ItemsCount::new(STEPS * SEEDS))
        .bench_local(|| {
            compare(&settings, &rules, SEEDS, &target, &yardstick, &|_, _, _| {
                true
            })
        });
}

fn adam_critic() -> CriticRule {
    CriticRule {
        rule: ADAM,
        rate: 1e-3,
    }
}

#[divan::bench(sample_count = 5)]
fn sgd(bencher: Bencher) {
    let critic = CriticRule {
        rule: SGD,
        rate: 1e-2,
    };
    reference(bencher, Rule::Euclidean(SGD), 1e-2, critic);
}

#[divan::bench(sample_count = 5)]
fn adam(bencher: Bencher) {
    reference(bencher, Rule::Euclidean(ADAM), 1e-3, adam_critic());
}

#[divan::bench(sample_count = 5)]
fn natural(bencher: Bencher) {
    reference(
        bencher,
        Rule::Natural {
            metric: METRIC,
            adaptive: false,
        },
        1e-3,
        adam_critic(),
    );
}

#[divan::bench(sample_count = 5)]
fn momentum_natural(bencher: Bencher) {
    let rule = Rule::MomentumNatural {
        adaptive: false,
        metric: METRIC,
        momentum: 0.9,
    };
    reference(bencher, rule, 1e-3, adam_critic());
}

#[divan::bench(sample_count = 5)]
fn natural_of_the_densities(bencher: Bencher) {
    let metric = MetricSettings {
        kind: MetricKind::Otto,
        ..METRIC
    };
    reference(
        bencher,
        Rule::Natural {
            metric,
            adaptive: false,
        },
        1e-3,
        adam_critic(),
    );
}

/// One solve in sample space: 16 → 300 → 300 → 1 with 95,701 parameters, and 16 → 310 → 310 → 1 with 101,991; batch 512.
#[divan::bench(sample_count = 20, args = [300, 310])]
fn natural_step_of_a_large_network(bencher: Bencher, width: usize) {
    let network = Network::new(16, &[width, width], 1, Activation::Relu);
    let streams = Streams::new(0);
    let parameters = network.initial(&mut streams.at(Purpose::GeneratorStart, 0));
    let mut generator = Evaluator::new(network, 512);
    fill_normal(
        &mut streams.at(Purpose::GeneratorLatents, 0),
        generator.latents(),
    );
    let mut force = Batch::new(1, 512);
    fill_normal(&mut streams.at(Purpose::Data, 0), &mut force);
    let mut direction = vec![0.0; parameters.len()];
    let mut metric = Metric::new(METRIC);
    bencher.bench_local(|| {
        generator.forward(&parameters);
        metric.solve(&mut generator, &parameters, &force, &mut direction)
    });
}
