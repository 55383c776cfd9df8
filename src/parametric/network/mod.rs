//! Networks of dense layers: the generators `mlp` and `affine`, and the learned critic.
//!
//! Layer l maps h_l to a_l = W_l h_l + b_l and h_{l+1} = σ(a_l); the last layer has no σ. θ holds W₀ by rows, b₀, W₁ by rows, b₁, ….

mod backward;
mod directional;
mod gram;
mod tangent;

use rand_distr::{Distribution, Uniform};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::activation::Activation;
use super::batch::Batch;
use super::kernels::{Factor, Product, Start};
use crate::backend::cpu::{Aligned, aligned};
use directional::Directional;
use gram::Grams;
use tangent::Tangents;

/// The shape of a network: widths of its layers and what stands between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    widths: Vec<usize>,
    activation: Activation,
}

/// Where one dense layer finds its parameters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layer {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// Where W begins in θ; b follows it.
    first: usize,
}

impl Layer {
    /// W by rows and b, of the parameters in any reading of a number.
    pub(super) fn parts<'a, R>(&self, parameters: &'a [R]) -> (&'a [R], &'a [R]) {
        let count = self.inputs * self.outputs;
        parameters[self.first..][..count + self.outputs].split_at(count)
    }

    /// W by rows and b, to be written.
    pub(super) fn parts_mut<'a, R>(&self, parameters: &'a mut [R]) -> (&'a mut [R], &'a mut [R]) {
        let count = self.inputs * self.outputs;
        parameters[self.first..][..count + self.outputs].split_at_mut(count)
    }

    fn weights<'a>(&self, parameters: &'a [f64]) -> &'a [f64] {
        self.parts(parameters).0
    }

    fn bias<'a>(&self, parameters: &'a [f64]) -> &'a [f64] {
        self.parts(parameters).1
    }

    /// W as a left factor.
    fn matrix<'a>(&self, parameters: &'a [f64]) -> Factor<'a> {
        Factor {
            values: self.weights(parameters),
            row_step: self.inputs,
            column_step: 1,
        }
    }

    /// out ← start + W·h.
    fn apply(
        &self,
        parameters: &[f64],
        start: Start<'_>,
        input: &[f64],
        output: &mut [f64],
        step: usize,
    ) {
        Product {
            left: self.matrix(parameters),
            right: input,
            step,
            rows: self.outputs,
            depth: self.inputs,
            start,
        }
        .into(output);
    }

    /// out ← Wᵀ·δ.
    fn apply_transposed(&self, parameters: &[f64], delta: &[f64], output: &mut [f64], step: usize) {
        Product {
            left: Factor {
                values: self.weights(parameters),
                row_step: 1,
                column_step: self.inputs,
            },
            right: delta,
            step,
            rows: self.inputs,
            depth: self.outputs,
            start: Start::Zero,
        }
        .into(output);
    }
}

impl Network {
    /// A network with hidden layers of the given widths between its inputs and outputs.
    pub fn new(inputs: usize, hidden: &[usize], outputs: usize, activation: Activation) -> Self {
        let mut widths = vec![inputs];
        widths.extend(hidden);
        widths.push(outputs);
        Self { widths, activation }
    }

    /// The affine map x = Az + b: a network without a hidden layer.
    pub fn affine(inputs: usize, outputs: usize) -> Self {
        Self::new(inputs, &[], outputs, Activation::Relu)
    }

    /// The number of inputs.
    pub fn inputs(&self) -> usize {
        self.widths.first().copied().unwrap_or_default()
    }

    /// The number of outputs.
    pub fn outputs(&self) -> usize {
        self.widths.last().copied().unwrap_or_default()
    }

    /// The number of parameters.
    pub fn parameters(&self) -> usize {
        self.layers()
            .map(|layer| layer.outputs * (layer.inputs + 1))
            .sum()
    }

    /// The widths from the input to the output.
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// What stands between the layers.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    pub(super) fn layers(&self) -> impl DoubleEndedIterator<Item = Layer> + ExactSizeIterator + '_ {
        (0..self.widths.len() - 1).map(|number| self.layer(number))
    }

    fn layer(&self, number: usize) -> Layer {
        let first = self.widths[..number + 1]
            .windows(2)
            .map(|pair| pair[1] * (pair[0] + 1))
            .sum();
        Layer {
            inputs: self.widths[number],
            outputs: self.widths[number + 1],
            first,
        }
    }

    /// Parameters drawn uniformly from ±1/√(inputs of the layer), weights and biases alike (LeCun, Bottou, Orr, Müller, Efficient
    /// BackProp, 1998).
    pub fn initial(&self, random: &mut Xoshiro256PlusPlus) -> Vec<f64> {
        let mut parameters = Vec::with_capacity(self.parameters());
        for layer in self.layers() {
            let bound = 1.0 / (layer.inputs as f64).sqrt();
            let count = layer.outputs * (layer.inputs + 1);
            // The bounds are finite and in order for any width of at least 1; a width of 0 draws nothing.
            if let Ok(uniform) = Uniform::new_inclusive(-bound, bound) {
                parameters.extend((0..count).map(|_| uniform.sample(random)));
            }
        }
        parameters
    }
}

/// A network with the memory for batches of one size: values forwards, derivatives backwards.
#[derive(Clone, Debug)]
pub struct Evaluator {
    network: Network,
    input: Batch,
    output: Batch,
    /// h_l, the input of each layer after the first.
    hidden: Vec<Aligned<f64>>,
    /// a_l of each layer but the last.
    before: Vec<Aligned<f64>>,
    /// σ'(a_l).
    slopes: Vec<Aligned<f64>>,
    /// ∂/∂a_l of each layer.
    deltas: Vec<Aligned<f64>>,
    /// A row of ones over the samples and zeros over the padding, to sum over samples.
    ones: Aligned<f64>,
    tangents: Tangents,
    directional: Directional,
    grams: Option<Grams>,
}

impl Evaluator {
    /// Memory for batches of `count` samples.
    pub fn new(network: Network, count: usize) -> Self {
        let input = Batch::new(network.inputs(), count);
        let output = Batch::new(network.outputs(), count);
        let step = input.step();
        let inner = &network.widths[1..network.widths.len() - 1];
        let rows = |width: &usize| aligned(width * step, 0.0);
        let hidden: Vec<_> = inner.iter().map(rows).collect();
        let deltas = network.widths[1..].iter().map(rows).collect();
        let mut ones = aligned(step, 0.0);
        ones[..count].fill(1.0);
        Self {
            input,
            output,
            before: hidden.clone(),
            slopes: hidden.clone(),
            hidden,
            deltas,
            ones,
            tangents: Tangents::default(),
            directional: Directional::default(),
            grams: None,
            network,
        }
    }

    /// The inputs, to be set before [`Evaluator::run`].
    pub fn input(&mut self) -> &mut Batch {
        &mut self.input
    }

    /// The outputs of the last [`Evaluator::run`].
    pub fn output(&self) -> &Batch {
        &self.output
    }

    /// Computes the outputs from the inputs.
    pub fn run(&mut self, parameters: &[f64]) {
        let step = self.input.step();
        let last = self.hidden.len();
        for (number, layer) in self.network.layers().enumerate() {
            let input = match number {
                0 => self.input.values(),
                _ => &self.hidden[number - 1],
            };
            let bias = Start::Rows(layer.bias(parameters));
            if number == last {
                layer.apply(parameters, bias, input, self.output.values_mut(), step);
            } else {
                layer.apply(parameters, bias, input, &mut self.before[number], step);
                self.network.activation.apply(
                    &self.before[number],
                    &mut self.hidden[number],
                    &mut self.slopes[number],
                );
            }
        }
    }

    /// h_l: the input of layer l.
    fn layer_input(&self, number: usize) -> &[f64] {
        match number {
            0 => self.input.values(),
            _ => &self.hidden[number - 1],
        }
    }
}
