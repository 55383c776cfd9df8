//! Damping that follows the steps: raised after bad ones, lowered after good ones, and to the same minimum.

use ottoflow::density::{Density, Gaussian, NormalMixture};
use ottoflow::divergence::DivergenceKind;
use ottoflow::parametric::metric::{Metric, MetricKind, MetricSettings};
use ottoflow::parametric::optimizer::{
    DAMPING_BOUNDS, DAMPING_FACTOR, Judgement, MomentumNatural, Natural, Optimizer, Step, TRUSTED,
    judged_step,
};
use ottoflow::parametric::{Batch, Evaluator, ExactCritic, Generator, Loss, Network, Target};

use crate::support::near;

const MEAN: f64 = 3.0;
const STD: f64 = 0.3;

/// KL of x = az + b to N(3, 0.3²) with the exact critic, on z = ±1: mean and variance of the latent variables are exact, so that the
/// loss is KL itself.
struct Descent {
    target: Target,
    critic: ExactCritic,
    generator: Evaluator,
    force: Batch,
    parameters: [f64; 2],
}

/// What one step found and left.
struct Trace {
    judgement: Option<Judgement>,
    damping: f64,
    loss: f64,
}

impl Descent {
    fn new() -> Self {
        let gaussian = Gaussian {
            mean: vec![MEAN],
            std: Some(vec![STD]),
            ..Gaussian::default()
        };
        let network = Network::affine(1, 1);
        let mut generator = Evaluator::new(network.clone(), 2);
        generator.latents().row_mut(0).copy_from_slice(&[1.0, -1.0]);
        Self {
            target: Target::Normals(NormalMixture::new(&Density::Gaussian(gaussian)).unwrap()),
            critic: ExactCritic::new(&network, Loss::Dual(DivergenceKind::Kl)),
            generator,
            force: Batch::new(1, 2),
            parameters: [1.0, 0.0],
        }
    }

    fn step(&mut self, optimizer: &mut dyn Optimizer, rate: f64) -> Trace {
        let (critic, target) = (&mut self.critic, &self.target);
        self.generator.forward(&self.parameters);
        let samples = self.generator.samples();
        critic.force(&self.parameters, samples, target, &mut self.force);
        let mut loss = |generator: &mut dyn Generator, parameters: &[f64]| {
            critic.divergence(parameters, generator.samples(), target)
        };
        let mut step = Step {
            generator: &mut self.generator,
            parameters: &mut self.parameters,
            force: &self.force,
            rate,
            number: 0,
        };
        let judgement = judged_step(optimizer, &mut step, &mut loss).unwrap();
        self.generator.forward(&self.parameters);
        Trace {
            judgement,
            damping: optimizer.report().unwrap().damping,
            loss: loss(&mut self.generator, &self.parameters),
        }
    }
}

fn metric(damping: f64) -> Metric {
    Metric::new(MetricSettings {
        kind: MetricKind::Sample,
        damping,
    })
}

/// KL(N(b, a²) ‖ N(3, 0.3²)).
fn divergence([a, b]: [f64; 2]) -> f64 {
    let (ratio, shift) = (a.abs() / STD, (b - MEAN) / STD);
    0.5 * (ratio * ratio + shift * shift - 1.0) - ratio.ln()
}

/// The learning rate 1 is eleven times what the curvature 1/0.3² allows: without damping the steps diverge; with adaptive damping they
/// get to the minimum that small steps find.
#[test]
fn adaptive_damping_reaches_the_minimum_of_small_steps() {
    let mut small = Descent::new();
    let mut natural = Natural::new(metric(1e-8), 2);
    for _ in 0..3000 {
        small.step(&mut natural, 5e-3);
    }
    let mut wild = Descent::new();
    let mut natural = Natural::new(metric(1e-8), 2);
    let start = divergence(wild.parameters);
    for _ in 0..5 {
        wild.step(&mut natural, 1.0);
    }
    let end = divergence(wild.parameters);
    assert!(end.is_nan() || end > 100.0 * start, "{end}");

    type Make = fn() -> Box<dyn Optimizer>;
    let rules: [Make; 2] = [
        || Box::new(Natural::adaptive(metric(1e-4), 2)),
        || Box::new(MomentumNatural::adaptive(metric(1e-4), 0.5, 2)),
    ];
    for make in rules {
        let mut optimizer = make();
        let mut adaptive = Descent::new();
        for _ in 0..300 {
            adaptive.step(optimizer.as_mut(), 1.0);
        }
        near(adaptive.parameters[0].abs(), STD, 1e-6, "std");
        near(adaptive.parameters[1], MEAN, 1e-6, "mean");
        near(small.parameters[0], STD, 1e-6, "std of small steps");
        near(small.parameters[1], MEAN, 1e-6, "mean of small steps");
    }
}

/// From a damping that is far too small, and from one that is far too large.
#[test]
fn the_damping_rises_after_bad_steps_and_falls_after_good_ones() {
    let (mut raised, mut lowered, mut refused) = (0, 0, 0);
    for first in [1e-4, 1e-4 * f64::from(1 << 26)] {
        let mut descent = Descent::new();
        let mut natural = Natural::adaptive(metric(first), 2);
        let mut before = divergence(descent.parameters);
        let mut traces: Vec<Trace> = Vec::new();
        for _ in 0..60 {
            let start = descent.parameters;
            let trace = descent.step(&mut natural, 1.0);
            near(trace.loss, divergence(descent.parameters), 1e-12, "KL");
            let Some(Judgement { ratio, kept }) = trace.judgement else {
                panic!("an adaptive step is judged")
            };
            assert_eq!(kept, ratio.is_nan() || ratio >= 0.0);
            // The loss never rises: what raised it was taken back.
            assert!(trace.loss <= before + 1e-12, "{} {before}", trace.loss);
            if !kept {
                refused += 1;
                assert_eq!(start, descent.parameters);
            }
            before = trace.loss;
            traces.push(trace);
        }
        assert_eq!(traces[0].damping, first);
        for pair in traces.windows(2) {
            let ratio = pair[0].judgement.unwrap().ratio;
            let change = pair[1].damping / pair[0].damping;
            if ratio < TRUSTED[0] {
                raised += 1;
                near(change, DAMPING_FACTOR, 1e-12, "after a bad step");
            } else if pair[0].damping == DAMPING_BOUNDS[0] {
                near(change, 1.0, 1e-12, "the least");
            } else if ratio > TRUSTED[1] || ratio.is_nan() {
                // Not a number after steps that were too short to be judged. The least is reached in whole halvings.
                lowered += 1;
                near(change, 1.0 / DAMPING_FACTOR, 1e-12, "after a good step");
            } else {
                near(change, 1.0, 1e-12, "between");
            }
        }
    }
    let counts = format!("{raised} raised, {lowered} lowered, {refused} taken back");
    assert!(raised > 5 && lowered > 5 && refused > 5, "{counts}");
}

/// Optimizers with a fixed damping step as they are, and nothing is said of their steps.
#[test]
fn a_fixed_damping_is_not_judged() {
    let mut descent = Descent::new();
    let mut natural = Natural::new(metric(1e-8), 2);
    let trace = descent.step(&mut natural, 1.0);
    assert_eq!(trace.judgement, None);
    assert!(trace.loss > divergence([1.0, 0.0]));
}

/// The first variation of J = E_ρ h is that of the force up to a constant: (r h)' = h + dh/dℓ, by differences. Of KL h is ℓ itself.
#[test]
fn the_loss_that_is_judged_is_the_divergence_of_the_force() {
    let duals = DivergenceKind::ALL.iter().map(|kind| Loss::Dual(*kind));
    for loss in duals.chain([Loss::NonSaturating]) {
        let h = 1e-5;
        let value = |l: f64| loss.divergence_per_mass(l);
        let variation = |l: f64| value(l) + (value(l + h) - value(l - h)) / (2.0 * h);
        for log_ratio in [-6.0, -3.0, -0.1, 0.4, 2.0, 12.0] {
            let found = variation(log_ratio) - variation(0.0);
            let force = loss.at_log_ratio(log_ratio).0 - loss.at_log_ratio(0.0).0;
            near(found, force, 1e-7, loss.name());
        }
    }
    let kl = Loss::Dual(DivergenceKind::Kl);
    near(kl.divergence_per_mass(4.0), 4.0, 1e-13, "KL");
    assert!(Loss::Wasserstein.divergence_per_mass(0.3).is_nan());
}
