//! A network written sample by sample over any reading of a number: the slow and clear form that the batched one is held against.

use ottoflow::calculus::{Dual, Real};
use ottoflow::parametric::{Activation, Batch, Network};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub const ACTIVATIONS: [Activation; 5] = Activation::ALL;

/// The outputs of a network for one sample.
pub fn evaluate<R: Real>(network: &Network, parameters: &[R], input: &[R]) -> Vec<R> {
    let widths = network.widths();
    let mut values = input.to_vec();
    let mut place = 0;
    for layer in 1..widths.len() {
        let mut sums = Vec::new();
        for j in 0..widths[layer] {
            let bias = parameters[place + widths[layer] * widths[layer - 1] + j];
            let row = &parameters[place + j * widths[layer - 1]..][..widths[layer - 1]];
            let sum = row
                .iter()
                .zip(&values)
                .fold(bias, |sum, (w, v)| sum + *w * *v);
            sums.push(match layer + 1 == widths.len() {
                true => sum,
                false => network.activation().value(sum),
            });
        }
        place += widths[layer] * (widths[layer - 1] + 1);
        values = sums;
    }
    values
}

/// x + tη as a dual number.
pub fn along(values: &[f64], direction: &[f64]) -> Vec<Dual<f64>> {
    let pairs = values.iter().zip(direction);
    pairs
        .map(|(value, derivative)| Dual {
            value: *value,
            derivative: *derivative,
        })
        .collect()
}

/// x + tη, to be derived twice.
pub fn twice(values: &[f64], direction: &[f64]) -> Vec<Dual<Dual<f64>>> {
    let pairs = along(values, direction).into_iter().zip(direction);
    pairs
        .map(|(value, slope)| Dual {
            value,
            derivative: Dual::constant(*slope),
        })
        .collect()
}

pub fn random(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

pub fn vector(random: &mut ChaCha8Rng, length: usize) -> Vec<f64> {
    (0..length)
        .map(|_| random.random_range(-1.0..1.0))
        .collect()
}

pub fn fill(random: &mut ChaCha8Rng, batch: &mut Batch) {
    for feature in 0..batch.features() {
        for value in batch.row_mut(feature) {
            *value = random.random_range(-1.5..1.5);
        }
    }
}

/// Rings at the quantiles of the normal distribution's radius, with mean 0 and covariance 1 exactly: turned by any angle they are the same
/// density, up to what is seen of the angles between `around` points.
pub fn fill_rings(latents: &mut Batch, around: usize) {
    let rings = latents.count() / around;
    let squares: Vec<f64> = (0..rings)
        .map(|ring| -2.0 * (1.0 - (ring as f64 + 0.5) / rings as f64).ln())
        .collect();
    let mean = squares.iter().sum::<f64>() / rings as f64;
    for place in 0..latents.count() {
        let radius = (2.0 * squares[place / around] / mean).sqrt();
        let angle = std::f64::consts::TAU * (place % around) as f64 / around as f64;
        latents.row_mut(0)[place] = radius * angle.cos();
        latents.row_mut(1)[place] = radius * angle.sin();
    }
}

/// Networks with 1 to 3 outputs, none to three hidden layers, widths that fill no vector, and every activation.
pub fn networks() -> Vec<Network> {
    let affine = [[3, 2], [1, 1], [0, 1]];
    let affine = affine.map(|[inputs, outputs]| Network::affine(inputs, outputs));
    let mut networks = affine.to_vec();
    for activation in ACTIVATIONS {
        networks.push(Network::new(2, &[5], 1, activation));
        networks.push(Network::new(3, &[4, 6, 3], 3, activation));
    }
    networks
}

#[track_caller]
pub fn near(found: f64, expected: f64, tolerance: f64, what: &str) {
    let error = (found - expected).abs() / (1.0 + expected.abs());
    assert!(error <= tolerance, "{what}: {found} for {expected}");
}
