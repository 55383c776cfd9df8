use super::super::network::Network;
use crate::calculus::{Dual, Real};

/// One sample's way through a network in any reading of a number, with what the way back needs.
pub(super) struct Pass<R> {
    /// h_l, the input of each layer.
    inputs: Vec<Vec<R>>,
    /// σ'(a_l) of each layer but the last.
    slopes: Vec<Vec<R>>,
    /// The outputs.
    pub(super) output: Vec<R>,
}

impl<R: Real> Pass<R> {
    /// From the input to the outputs. Kept out of line: every reading would be compiled into each of its callers.
    #[inline(never)]
    pub(super) fn forwards(network: &Network, parameters: &[R], input: &[R]) -> Self {
        let mut pass = Self {
            inputs: Vec::new(),
            slopes: Vec::new(),
            output: input.to_vec(),
        };
        let count = network.layers().len();
        for (number, layer) in network.layers().enumerate() {
            let (weights, bias) = layer.parts(parameters);
            let mut next = Vec::with_capacity(layer.outputs);
            let mut slopes = Vec::with_capacity(layer.outputs);
            for (j, bias) in bias.iter().enumerate() {
                let mut sum = *bias;
                let row = &weights[j * layer.inputs..][..layer.inputs];
                for (weight, value) in row.iter().zip(&pass.output) {
                    sum = sum + *weight * *value;
                }
                if number + 1 == count {
                    next.push(sum);
                } else {
                    let result = network.activation().value(Dual::variable(sum));
                    next.push(result.value);
                    slopes.push(result.derivative);
                }
            }
            pass.inputs.push(std::mem::replace(&mut pass.output, next));
            pass.slopes.push(slopes);
        }
        pass
    }

    /// gradient ← gradient + ∂(c·output)/∂θ; returns ∂(c·output)/∂input.
    #[inline(never)]
    pub(super) fn backwards(
        &self,
        network: &Network,
        parameters: &[R],
        cotangent: &[R],
        gradient: &mut [R],
    ) -> Vec<R> {
        let mut delta = cotangent.to_vec();
        for (number, layer) in network.layers().enumerate().rev() {
            let (weights, _) = layer.parts(parameters);
            let (weight_gradient, bias_gradient) = layer.parts_mut(gradient);
            let input = &self.inputs[number];
            let mut below = vec![R::constant(0.0); layer.inputs];
            for (j, delta) in delta.iter().enumerate() {
                bias_gradient[j] = bias_gradient[j] + *delta;
                let row = j * layer.inputs;
                for i in 0..layer.inputs {
                    weight_gradient[row + i] = weight_gradient[row + i] + *delta * input[i];
                    below[i] = below[i] + *delta * weights[row + i];
                }
            }
            if let Some(slopes) = number.checked_sub(1).map(|below| &self.slopes[below]) {
                for (value, slope) in below.iter_mut().zip(slopes) {
                    *value = *value * *slope;
                }
            }
            delta = below;
        }
        delta
    }
}
