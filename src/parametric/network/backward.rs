use super::super::batch::Batch;
use super::super::generator::Generator;
use super::super::kernels::{multiply, scale};
use super::super::row_products::RowProducts;
use super::Evaluator;

impl Evaluator {
    /// From ∂/∂output to ∂/∂a_l of every layer: δ_{l−1} = σ'(a_{l−1}) ∘ W_lᵀδ_l.
    pub fn backward(&mut self, parameters: &[f64], cotangent: &Batch) {
        if let Some(last) = self.deltas.last_mut() {
            last.copy_from_slice(cotangent.values());
        }
        self.backward_from_last(parameters);
    }

    pub(super) fn backward_from_last(&mut self, parameters: &[f64]) {
        let step = self.input.step();
        for number in (1..self.deltas.len()).rev() {
            let layer = self.network.layer(number);
            let (lower, upper) = self.deltas.split_at_mut(number);
            let (below, above) = (&mut lower[number - 1], &upper[0]);
            layer.apply_transposed(parameters, above, below, step);
            scale(below, &self.slopes[number - 1]);
        }
    }

    /// gradient ← gradient + ∂/∂θ, summed over the samples, after [`Evaluator::backward`].
    pub fn add_gradient(&self, gradient: &mut [f64]) {
        for number in 0..self.deltas.len() {
            add_layer_gradient(
                self,
                number,
                &self.deltas[number],
                self.layer_input(number),
                Some(&self.ones),
                gradient,
            );
        }
    }

    /// ∂/∂input, after [`Evaluator::backward`].
    pub fn input_cotangent(&self, parameters: &[f64], cotangent: &mut Batch) {
        let layer = self.network.layer(0);
        let step = self.input.step();
        layer.apply_transposed(parameters, &self.deltas[0], cotangent.values_mut(), step);
    }
}

/// ∂/∂W_l ← ∂/∂W_l + δhᵀ, and ∂/∂b_l ← ∂/∂b_l + δ·1 where the row of ones is given.
pub(super) fn add_layer_gradient(
    evaluator: &Evaluator,
    number: usize,
    delta: &[f64],
    input: &[f64],
    ones: Option<&[f64]>,
    gradient: &mut [f64],
) {
    let layer = evaluator.network.layer(number);
    let step = evaluator.input.step();
    let (weights, bias) = layer.parts_mut(gradient);
    RowProducts {
        left: delta,
        right: input,
        rows: (layer.outputs, layer.inputs),
        step,
    }
    .add_to(weights, layer.inputs);
    if let Some(ones) = ones {
        RowProducts {
            left: delta,
            right: ones,
            rows: (layer.outputs, 1),
            step,
        }
        .add_to(bias, 1);
    }
}

impl Generator for Evaluator {
    fn parameters(&self) -> usize {
        self.network.parameters()
    }

    fn latents(&mut self) -> &mut Batch {
        self.input()
    }

    fn forward(&mut self, parameters: &[f64]) {
        self.run(parameters);
    }

    fn samples(&self) -> &Batch {
        self.output()
    }

    fn pull_back(&mut self, parameters: &[f64], cotangent: &Batch, gradient: &mut [f64]) {
        self.backward(parameters, cotangent);
        self.add_gradient(gradient);
    }

    fn push_forward(
        &mut self,
        parameters: &[f64],
        direction: &[f64],
        first: &mut Batch,
        second: &mut Batch,
    ) {
        self.second_order(parameters, direction, first, second);
    }

    fn jacobian(&mut self, parameters: &[f64], jacobian: &mut [f64]) {
        let step = self.input.step();
        let outputs = self.network.outputs();
        for output in 0..outputs {
            self.backward_unit(parameters, output);
            for number in 0..self.deltas.len() {
                let layer = self.network.layer(number);
                let (delta, input) = (&self.deltas[number], self.layer_input(number));
                let mut parameter = layer.first;
                let place = |parameter: usize| (parameter * outputs + output) * step;
                for j in 0..layer.outputs {
                    for i in 0..layer.inputs {
                        let at = place(parameter);
                        multiply(
                            &delta[j * step..][..step],
                            &input[i * step..][..step],
                            &mut jacobian[at..][..step],
                        );
                        parameter += 1;
                    }
                }
                for j in 0..layer.outputs {
                    let at = place(parameter);
                    jacobian[at..][..step].copy_from_slice(&delta[j * step..][..step]);
                    parameter += 1;
                }
            }
        }
    }

    fn gram(&mut self, parameters: &[f64], gram: &mut [f64]) {
        self.layer_grams(parameters, gram);
    }
}
