//! Sums run in one order, and each product is added with one rounding: the bits are those of plain code, whatever the processor.

use ottoflow::parametric::{Activation, Batch, Cholesky, Evaluator, Generator, Network};

use crate::support::{random, vector};

/// A network of 5 inputs with parameters of its own, after `run` on 21 samples.
fn evaluated(network: Network, seed: u64) -> (Evaluator, Vec<f64>) {
    let mut random = random(seed);
    let parameters = vector(&mut random, network.parameters());
    let mut evaluator = Evaluator::new(network, 21);
    for feature in 0..5 {
        let values = vector(&mut random, 21);
        evaluator.input().row_mut(feature).copy_from_slice(&values);
    }
    evaluator.run(&parameters);
    (evaluator, parameters)
}

/// An affine map to some outputs.
fn affine(outputs: usize) -> (Evaluator, Vec<f64>) {
    evaluated(Network::affine(5, outputs), outputs as u64)
}

/// Σ a·b, from 0 on.
fn sum(products: impl Iterator<Item = (f64, f64)>) -> f64 {
    products.fold(0.0, |sum, (a, b)| a.mul_add(b, sum))
}

#[test]
fn a_layer_adds_its_products_to_its_bias() {
    for outputs in [1, 4, 7] {
        let (mut evaluator, parameters) = affine(outputs);
        let (weights, bias) = parameters.split_at(5 * outputs);
        for output in 0..outputs {
            for b in 0..21 {
                let products =
                    (0..5).map(|i| (weights[output * 5 + i], evaluator.input().row(i)[b]));
                let expected = bias[output] + sum(products);
                assert_eq!(evaluator.output().row(output)[b], expected);
            }
        }
    }
}

#[test]
fn a_gradient_is_eight_sums_over_samples_that_are_halved() {
    for outputs in [1, 2, 5] {
        let (mut evaluator, parameters) = affine(outputs);
        let mut random = random(7);
        let mut cotangent = Batch::new(outputs, 21);
        for output in 0..outputs {
            let values = vector(&mut random, 21);
            cotangent.row_mut(output).copy_from_slice(&values);
        }
        let mut gradient = vec![0.0; parameters.len()];
        evaluator.pull_back(&parameters, &cotangent, &mut gradient);
        let halved = |delta: &[f64], input: &[f64]| {
            let of = |residue: usize| {
                let samples = (residue..21).step_by(8);
                sum(samples.map(|b| (delta[b], input[b])))
            };
            let quarter = |residue: usize| of(residue) + of(residue + 4);
            (quarter(0) + quarter(2)) + (quarter(1) + quarter(3))
        };
        for output in 0..outputs {
            let delta = cotangent.row(output);
            for i in 0..5 {
                let expected = halved(delta, evaluator.input().row(i));
                assert_eq!(gradient[output * 5 + i], expected);
            }
            assert_eq!(gradient[5 * outputs + output], halved(delta, &[1.0; 21]));
        }
    }
}

#[test]
fn a_gram_matrix_multiplies_the_sums_of_inputs_and_of_deltas_and_adds_layers() {
    let network = Network::new(5, &[6], 1, Activation::Tanh);
    let (mut evaluator, parameters) = evaluated(network, 3);
    let mut gram = vec![0.0; 32 * 32];
    evaluator.gram(&parameters, &mut gram);
    // A gradient of one sample is its inputs times its deltas, so that both can be read from it.
    let gradients: Vec<Vec<f64>> = (0..21)
        .map(|b| {
            let mut cotangent = Batch::new(1, 21);
            cotangent.row_mut(0)[b] = 1.0;
            let mut gradient = vec![0.0; parameters.len()];
            evaluator.pull_back(&parameters, &cotangent, &mut gradient);
            gradient
        })
        .collect();
    let inputs: Vec<Vec<f64>> = (0..21)
        .map(|b| (0..5).map(|i| evaluator.input().row(i)[b]).collect())
        .collect();
    let pairs = |a: &[f64], b: &[f64]| sum(a.iter().copied().zip(b.iter().copied()));
    for a in 0..21 {
        for b in a..21 {
            let first = 1.0 + pairs(&inputs[a], &inputs[b]);
            let deltas = |sample: usize| &gradients[sample][30..36];
            let hidden = |sample: usize| &gradients[sample][36..42];
            let lower = first * pairs(deltas(a), deltas(b));
            let upper = 1.0 + pairs(hidden(a), hidden(b));
            assert_eq!(gram[a * 32 + b], upper.mul_add(1.0, lower));
        }
    }
}

#[test]
fn a_factorisation_subtracts_what_tiles_and_groups_above_leave() {
    const SIZE: usize = 48;
    let mut random = random(5);
    let root = vector(&mut random, SIZE * SIZE);
    let mut matrix = vec![0.0; SIZE * SIZE];
    for i in 0..SIZE {
        for j in i..SIZE {
            let products = (0..SIZE).map(|k| (root[k * SIZE + i], root[k * SIZE + j]));
            matrix[i * SIZE + j] = sum(products) + if i == j { 0.1 } else { 0.0 };
        }
    }
    let mut upper = matrix.clone();
    Cholesky::default().factor(&mut upper, SIZE).unwrap();
    let mut expected = matrix;
    for i in 0..SIZE {
        let (tile, group) = (i / 16 * 16, i / 4 * 4);
        for j in i..SIZE {
            let products = |k: usize| (expected[k * SIZE + i], expected[k * SIZE + j]);
            let mut value = expected[i * SIZE + j];
            value -= sum((0..tile).map(products));
            value -= sum((tile..group).map(products));
            for (a, b) in (group..i).map(products) {
                value = (-a).mul_add(b, value);
            }
            expected[i * SIZE + j] = value;
        }
        let scale = 1.0 / expected[i * SIZE + i].sqrt();
        for j in i..SIZE {
            expected[i * SIZE + j] *= scale;
            assert_eq!(upper[i * SIZE + j], expected[i * SIZE + j], "{i}, {j}");
        }
    }
}
