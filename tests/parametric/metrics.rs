//! The two metrics: order between them, what each costs, and how trace G̃ splits.

use ottoflow::parametric::metric::{
    Features, Metric, MetricKind, MetricSettings, MetricSpectrum, split,
};
use ottoflow::parametric::{
    Activation, Batch, EigenvalueError, Evaluator, Generator, Network, symmetric_eigenvalues,
};

use crate::support::{fill, near, random, vector};

fn settings(kind: MetricKind) -> MetricSettings {
    MetricSettings { kind, damping: 0.0 }
}

fn square(matrix: &[f64], direction: &[f64]) -> f64 {
    let rows = matrix.chunks_exact(direction.len()).zip(direction);
    rows.map(|(row, own)| own * row.iter().zip(direction).map(|(a, b)| a * b).sum::<f64>())
        .sum()
}

/// g_F ⪯ g_F' ⪯ G̃ for more features: linear potentials, quadratic ones as well, waves as well.
#[test]
fn more_features_raise_the_metric_and_never_above_the_sample_metric() {
    let network = Network::new(3, &[6], 2, Activation::Tanh);
    let mut random = random(3);
    let parameters = vector(&mut random, network.parameters());
    let mut generator = Evaluator::new(network, 150);
    fill(&mut random, generator.latents());
    generator.forward(&parameters);
    let mut by_waves: Vec<Vec<f64>> = [0, 6, 40]
        .into_iter()
        .map(|waves| {
            let features = Features::new(2, waves, 1.0);
            let mut metric = Metric::with_potentials(settings(MetricKind::Otto), features);
            metric.matrix(&mut generator, &parameters)
        })
        .collect();
    by_waves.push(Metric::new(settings(MetricKind::Sample)).matrix(&mut generator, &parameters));
    for _ in 0..50 {
        let direction = vector(&mut random, parameters.len());
        let lengths: Vec<f64> = by_waves.iter().map(|m| square(m, &direction)).collect();
        for pair in lengths.windows(2) {
            assert!(pair[0] <= pair[1] * (1.0 + 1e-9), "{lengths:?}");
        }
        assert!(
            lengths[0] < 0.999 * lengths[3],
            "the metrics are not all the same: {lengths:?}"
        );
    }
}

/// For x = Az + b in d dimensions d(d − 1)/2 rotations of z are free and every other direction costs.
#[test]
fn rotations_are_the_gauge_of_affine_generators() {
    for d in [2, 3, 4] {
        let mut random = random(d as u64);
        let parameters = vector(&mut random, d * (d + 1));
        let mut generator = Evaluator::new(Network::affine(d, d), 2 * d);
        // Latent variables with mean 0 and covariance 1.
        for axis in 0..d {
            let row = generator.latents().row_mut(axis);
            (row[2 * axis], row[2 * axis + 1]) = ((d as f64).sqrt(), -(d as f64).sqrt());
        }
        generator.forward(&parameters);
        let features = Features::new(d, 0, 1.0);
        let mut metric = Metric::with_potentials(settings(MetricKind::Otto), features);
        let matrix = metric.matrix(&mut generator, &parameters);
        for i in 0..d {
            for j in i + 1..d {
                // δA = A(E_ij − E_ji).
                let mut direction = vec![0.0; parameters.len()];
                for row in 0..d {
                    direction[row * d + j] += parameters[row * d + i];
                    direction[row * d + i] -= parameters[row * d + j];
                }
                let length = square(&matrix, &direction);
                let norm: f64 = direction.iter().map(|x| x * x).sum();
                assert!(length.abs() < 1e-9 * norm, "{d}: ({i}, {j}) {length:e}");
            }
        }
        let trace: f64 = (0..parameters.len())
            .map(|i| matrix[i * (parameters.len() + 1)])
            .sum();
        assert!(trace > 0.0);
    }
}

/// A monotone map in 1-D has one sample at each place: g = G̃, up to the blocks. With more latent variables than coordinates it has not.
#[test]
fn the_split_of_the_trace_sees_fibres() {
    let count = 4096;
    let mut random = random(8);
    let mut share = |network: Network, parameters: &[f64]| {
        let mut generator = Evaluator::new(network, count);
        for feature in 0..generator.latents().features() {
            fill_row(&mut random, generator.latents(), feature);
        }
        generator.forward(parameters);
        split(&mut generator, parameters)
    };
    let monotone = share(Network::affine(1, 1), &[1.3, 0.2]);
    assert!(monotone.share() < 5e-3, "{monotone:?}");
    assert!(monotone.fibre < 5e-3 * monotone.sample, "{monotone:?}");
    // x = a·z + b in two latent variables: ∂x/∂a = z, of which only the part along a is a function of x.
    let two = share(Network::affine(2, 1), &[0.8, 0.6, 0.0]);
    near(two.sample, 3.0, 0.05, "E|z|² + 1");
    near(two.otto, 2.0, 0.1, "E(a·z/|a|)² + 1");
    near(two.fibre, 1.0, 0.1, "E of the rest");
    assert!(two.circulation().abs() < 0.1, "{two:?}");
}

fn fill_row(random: &mut rand_chacha::ChaCha8Rng, batch: &mut Batch, feature: usize) {
    use rand::RngExt;
    // Sums of twelve uniform numbers: near enough to normal for what is measured here, and of variance 1.
    for value in batch.row_mut(feature) {
        *value = (0..12).map(|_| random.random_range(-0.5..0.5)).sum::<f64>();
    }
}

/// Natural gradient with g and the reduced solve: both spaces give one direction, and it has no part along the gauge.
#[test]
fn natural_gradients_of_the_densities_agree_in_both_spaces() {
    for outputs in [1, 2] {
        let network = Network::new(5, &[30], outputs, Activation::Silu);
        let mut random = random(40 + outputs as u64);
        let parameters = vector(&mut random, network.parameters());
        let mut generator = Evaluator::new(network, 40);
        fill(&mut random, generator.latents());
        generator.forward(&parameters);
        let mut force = Batch::new(outputs, 40);
        fill(&mut random, &mut force);
        let damped = MetricSettings {
            kind: MetricKind::Otto,
            damping: 1e-3,
        };
        let [sample, dense] = [Metric::new(damped), Metric::dense(damped)].map(|mut metric| {
            let mut direction = vec![0.0; parameters.len()];
            metric
                .solve(&mut generator, &parameters, &force, &mut direction)
                .unwrap();
            direction
        });
        for (a, b) in sample.iter().zip(&dense) {
            near(*a, *b, 1e-8, "direction");
        }
    }
}

/// The spectra of both metrics: those of the matrices themselves, whichever of XXᵀ and XᵀX is smaller.
#[test]
fn spectra_are_those_of_the_matrices() {
    // Fewer parameters than coordinates of the samples, and more.
    for (network, count) in [
        (Network::new(3, &[4], 2, Activation::Tanh), 60),
        (Network::new(6, &[20], 1, Activation::Silu), 48),
    ] {
        let mut random = random(7);
        let parameters = vector(&mut random, network.parameters());
        let mut generator = Evaluator::new(network, count);
        fill(&mut random, generator.latents());
        generator.forward(&parameters);
        let found = MetricSpectrum::new(&mut generator, &parameters).unwrap();
        for (kind, values) in [
            (MetricKind::Sample, found.sample),
            (MetricKind::Otto, found.otto),
        ] {
            let matrix = Metric::new(settings(kind)).matrix(&mut generator, &parameters);
            let expected = symmetric_eigenvalues(&matrix, parameters.len()).unwrap();
            assert_eq!(values.len(), expected.len());
            for (a, b) in values.iter().zip(expected.iter().rev()) {
                near(*a, *b, 1e-12, "eigenvalue");
            }
        }
    }
    // A diagonal matrix, and one that is not a number.
    let values = symmetric_eigenvalues(&[3.0, 0.0, 0.0, 1.0], 2).unwrap();
    near(values[0], 1.0, 1e-15, "smaller");
    near(values[1], 3.0, 1e-15, "larger");
    let error = symmetric_eigenvalues(&[1.0, f64::NAN, 0.0, 1.0], 2).unwrap_err();
    assert_eq!(error, EigenvalueError::NotFinite { row: 0, column: 1 });
}
