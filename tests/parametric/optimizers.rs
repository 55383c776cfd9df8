//! Each rule against its own recursion, and natural gradients against dense linear algebra.

use ottoflow::parametric::metric::{Metric, MetricKind, MetricSettings};
use ottoflow::parametric::optimizer::{
    Adam, Euclidean, MomentumNatural, Natural, Optimizer, Schedule, Sgd, Step,
};
use ottoflow::parametric::{Activation, Batch, Evaluator, Generator, Network};

use crate::support::{fill, near, random, vector};

const SAMPLE: MetricSettings = MetricSettings {
    kind: MetricKind::Sample,
    damping: 1e-3,
};

#[test]
fn momentum_and_nesterov_follow_their_recursions() {
    let gradients = [3.0, -1.0, 0.5, 2.0];
    for (momentum, nesterov) in [(0.0, false), (0.9, false), (0.9, true)] {
        let mut rule = Sgd::new(momentum, nesterov, 1);
        let (mut parameters, mut expected, mut velocity) = ([1.0], 1.0, 0.0);
        for gradient in gradients {
            rule.update(&mut parameters, &[gradient], 0.1);
            velocity = momentum * velocity + gradient;
            expected -= 0.1
                * if nesterov {
                    gradient + momentum * velocity
                } else {
                    velocity
                };
        }
        near(parameters[0], expected, 1e-15, "sgd");
    }
}

/// The first step of Adam is rate·sign(g), whatever the size of g; for a constant g so is every step.
#[test]
fn adam_steps_by_the_learning_rate() {
    for gradient in [0.3, -7.0, 1e5] {
        let mut rule = Adam::new(0.5, 0.999, 1);
        let mut parameters = [0.0];
        for step in 1..=5 {
            rule.update(&mut parameters, &[gradient], 1e-2);
            near(
                parameters[0],
                -1e-2 * f64::signum(gradient) * f64::from(step),
                1e-7,
                "adam",
            );
        }
    }
}

#[test]
fn schedules_begin_at_one_and_follow_their_formulas() {
    assert_eq!(Schedule::Constant.factor(7, 10), 1.0);
    assert_eq!(Schedule::Cosine.factor(0, 10), 1.0);
    near(Schedule::Cosine.factor(5, 10), 0.5, 1e-15, "cosine");
    near(Schedule::Cosine.factor(10, 10), 0.0, 1e-15, "cosine");
    let steps = Schedule::Steps {
        every: 3,
        factor: 0.1,
    };
    assert_eq!(steps.factor(2, 10), 1.0);
    near(steps.factor(7, 10), 0.01, 1e-15, "step");
}

/// A generator after `forward` with random numbers, and a force.
fn case(network: &Network, count: usize, seed: u64) -> (Evaluator, Vec<f64>, Batch) {
    let mut random = random(seed);
    let parameters = vector(&mut random, network.parameters());
    let mut generator = Evaluator::new(network.clone(), count);
    fill(&mut random, generator.latents());
    generator.forward(&parameters);
    let mut force = Batch::new(network.outputs(), count);
    fill(&mut random, &mut force);
    (generator, parameters, force)
}

/// (G̃ + λ)δ = E[Jᵀv] holds for the δ that is returned: the matrix is applied by JVP and VJP, not by the solver.
#[test]
fn both_solves_satisfy_the_equation_of_natural_gradient() {
    // More parameters than coordinates, and fewer.
    for (network, count) in [
        (Network::new(3, &[9], 2, Activation::Tanh), 20),
        (Network::new(2, &[3], 1, Activation::Softplus), 90),
        (Network::affine(3, 2), 37),
    ] {
        let (mut generator, parameters, force) = case(&network, count, 5);
        let n = parameters.len();
        let mut direction = vec![0.0; n];
        Metric::new(SAMPLE)
            .solve(&mut generator, &parameters, &force, &mut direction)
            .unwrap();
        let mut moved = Batch::new(network.outputs(), count);
        let mut second = moved.clone();
        generator.push_forward(&parameters, &direction, &mut moved, &mut second);
        let mean = |generator: &mut Evaluator, cotangent: &Batch| {
            let mut gradient = vec![0.0; n];
            generator.pull_back(&parameters, cotangent, &mut gradient);
            gradient
                .iter()
                .map(|value| value / count as f64)
                .collect::<Vec<f64>>()
        };
        let (left, right) = (mean(&mut generator, &moved), mean(&mut generator, &force));
        for i in 0..n {
            near(
                left[i] + SAMPLE.damping * direction[i],
                right[i],
                1e-11,
                "natural gradient",
            );
        }
    }
}

/// In sample space and by factoring the n×n matrix: the same direction, with a thousand parameters.
#[test]
fn sample_space_and_parameter_space_agree() {
    let network = Network::new(8, &[40, 15], 2, Activation::Silu);
    assert!((900..1100).contains(&network.parameters()));
    let (mut generator, parameters, force) = case(&network, 64, 9);
    let settings = MetricSettings {
        damping: 1e-4,
        ..SAMPLE
    };
    let mut directions = [Metric::new(settings), Metric::dense(settings)].map(|mut metric| {
        let mut direction = vec![0.0; parameters.len()];
        metric
            .solve(&mut generator, &parameters, &force, &mut direction)
            .unwrap();
        direction
    });
    let [sample, dense] = &mut directions;
    let norm = dense.iter().map(|x| x * x).sum::<f64>().sqrt();
    let difference = sample
        .iter()
        .zip(dense.iter())
        .map(|(a, b)| (a - b) * (a - b));
    let relative = difference.sum::<f64>().sqrt() / norm;
    assert!(relative < 1e-8, "{relative:e}");
}

/// Without damping a rank-deficient metric cannot be factored: the ladder raises the damping and says so.
#[test]
fn a_singular_metric_raises_the_damping_and_records_it() {
    let network = Network::affine(4, 1);
    let (mut generator, parameters, force) = case(&network, 3, 2);
    let settings = MetricSettings {
        damping: 0.0,
        ..SAMPLE
    };
    let mut metric = Metric::dense(settings);
    let mut direction = vec![0.0; parameters.len()];
    metric
        .solve(&mut generator, &parameters, &force, &mut direction)
        .unwrap();
    let report = metric.report();
    assert_eq!(report.solves, 1);
    assert!(
        report.raised >= 1 && report.largest_damping > 0.0,
        "{report:?}"
    );
    assert!(direction.iter().all(|value| value.is_finite()));

    let mut force = force;
    force.row_mut(0)[0] = 1.0;
    let poisoned = vec![f64::NAN; parameters.len()];
    generator.latents().row_mut(0)[0] = f64::NAN;
    generator.forward(&poisoned);
    let error = metric
        .solve(&mut generator, &poisoned, &force, &mut direction)
        .unwrap_err();
    assert!(
        error.to_string().contains("lower the learning rate"),
        "{error}"
    );
}

/// The noise of `langevin` has the covariance (g + λ)⁻¹: with N its image of the unit vectors, NNᵀ(g + λ) = 1, for both metrics.
#[test]
fn noise_has_the_covariance_of_the_inverse_metric() {
    let (mut generator, parameters, force) =
        case(&Network::new(2, &[3], 2, Activation::Tanh), 60, 12);
    let n = parameters.len();
    for kind in [MetricKind::Sample, MetricKind::Otto] {
        let settings = MetricSettings {
            kind,
            damping: 1e-2,
        };
        let mut metric = Metric::dense(settings);
        let mut matrix = metric.matrix(&mut generator, &parameters);
        matrix
            .iter_mut()
            .step_by(n + 1)
            .for_each(|entry| *entry += settings.damping);
        let mut direction = vec![0.0; n];
        metric
            .solve(&mut generator, &parameters, &force, &mut direction)
            .unwrap();
        let columns: Vec<Vec<f64>> = (0..n)
            .map(|index| {
                let mut unit = vec![0.0; n];
                unit[index] = 1.0;
                let mut column = vec![0.0; n];
                metric.noise(&unit, &mut column);
                column
            })
            .collect();
        for i in 0..n {
            for j in 0..n {
                let entries = (0..n).map(|k| {
                    let covariance: f64 = columns.iter().map(|c| c[i] * c[k]).sum();
                    covariance * matrix[k * n + j]
                });
                let expected = if i == j { 1.0 } else { 0.0 };
                near(entries.sum(), expected, 1e-9, "NNᵀ(g + λ)");
            }
        }
    }
}

/// θ ← θ − rate·δ, and with momentum η ← βη + δ, θ ← θ − rate·η, for the δ of the metric at every θ (eq. P5 and P6).
#[test]
fn natural_gradients_follow_their_recursions() {
    const RATE: f64 = 0.05;
    const MOMENTUM: f64 = 0.8;
    let network = Network::new(2, &[3], 2, Activation::Tanh);
    for kind in [MetricKind::Sample, MetricKind::Otto] {
        let settings = MetricSettings { kind, ..SAMPLE };
        let (mut generator, start, force) = case(&network, 60, 13);
        let n = start.len();
        for momentum in [0.0, MOMENTUM] {
            let mut rule: Box<dyn Optimizer> = match momentum {
                0.0 => Box::new(Natural::new(Metric::new(settings), n)),
                _ => Box::new(MomentumNatural::new(Metric::new(settings), momentum, n)),
            };
            let (mut parameters, mut expected) = (start.clone(), start.clone());
            let (mut velocity, mut direction) = (vec![0.0; n], vec![0.0; n]);
            for number in 0..3 {
                generator.forward(&expected);
                Metric::new(settings)
                    .solve(&mut generator, &expected, &force, &mut direction)
                    .unwrap();
                for i in 0..n {
                    velocity[i] = momentum * velocity[i] + direction[i];
                    expected[i] -= RATE * velocity[i];
                }
                generator.forward(&parameters);
                let mut step = Step {
                    generator: &mut generator,
                    parameters: &mut parameters,
                    force: &force,
                    rate: RATE,
                    number,
                };
                rule.step(&mut step).unwrap();
                for (found, expected) in parameters.iter().zip(&expected) {
                    near(*found, *expected, 1e-12, "θ");
                }
            }
            assert!(parameters.iter().zip(&start).all(|(a, b)| a != b));
        }
    }
}
