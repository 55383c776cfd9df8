use super::super::batch::Batch;
use super::super::kernels::Start;
use super::Evaluator;
use super::backward::add_layer_gradient;

/// Derivatives along a direction of the input, of the values and of the deltas; made on first use.
#[derive(Clone, Debug, Default)]
pub(super) struct Directional {
    /// ḣ_l, the input of each layer.
    inputs: Vec<Vec<f64>>,
    /// δ̇_l of each layer.
    deltas: Vec<Vec<f64>>,
    before: Vec<f64>,
    curvature: Vec<f64>,
    product: Vec<f64>,
}

impl Evaluator {
    /// gradient ← gradient + ∂/∂θ Σ_b (∂(c·D)/∂x · s)(x_b), after [`Evaluator::backward`] from the cotangent c: the derivative of the
    /// network's gradient along the direction s of its inputs (Pearlmutter, Fast exact multiplication by the Hessian, 1994).
    pub fn add_directional_gradient(
        &mut self,
        parameters: &[f64],
        direction: &Batch,
        gradient: &mut [f64],
    ) {
        let step = self.input.step();
        let widths = &self.network.widths;
        let widest = widths.iter().max().copied().unwrap_or(0) * step;
        let mut work = std::mem::take(&mut self.directional);
        if work.inputs.is_empty() {
            let rows =
                |widths: &[usize]| widths.iter().map(|width| vec![0.0; width * step]).collect();
            work.inputs = rows(&widths[..widths.len() - 1]);
            work.deltas = rows(&widths[1..]);
            for part in [&mut work.before, &mut work.curvature, &mut work.product] {
                part.resize(widest, 0.0);
            }
        }
        let last = self.deltas.len() - 1;
        // Forwards: ȧ = Wḣ, ḣ' = σ'ȧ. δ̇ takes σ''ȧ for now.
        work.inputs[0].copy_from_slice(direction.values());
        for number in 0..last {
            let layer = self.network.layer(number);
            let size = layer.outputs * step;
            layer.apply(
                parameters,
                Start::Zero,
                &work.inputs[number],
                &mut work.before[..size],
                step,
            );
            let activation = self.network.activation;
            activation.curvature(&self.before[number], &mut work.curvature[..size]);
            for place in 0..size {
                let speed = work.before[place];
                work.inputs[number + 1][place] = self.slopes[number][place] * speed;
                work.deltas[number][place] = work.curvature[place] * speed;
            }
        }
        // Backwards: δ̇_{l−1} = σ''ȧ ∘ Wᵀδ + σ' ∘ Wᵀδ̇.
        work.deltas[last].fill(0.0);
        for number in (0..last).rev() {
            let layer = self.network.layer(number + 1);
            let size = layer.inputs * step;
            let product = &mut work.product[..size];
            layer.apply_transposed(parameters, &self.deltas[number + 1], product, step);
            for (delta, product) in work.deltas[number].iter_mut().zip(product.iter()) {
                *delta *= product;
            }
            layer.apply_transposed(parameters, &work.deltas[number + 1], product, step);
            let parts = product.iter().zip(self.slopes[number].iter());
            for (delta, (product, slope)) in work.deltas[number].iter_mut().zip(parts) {
                *delta += product * slope;
            }
        }
        // ∂/∂W = δ̇hᵀ + δḣᵀ, ∂/∂b = δ̇·1.
        for number in 0..=last {
            let (input, ones) = (self.layer_input(number), Some(self.ones.as_slice()));
            add_layer_gradient(self, number, &work.deltas[number], input, ones, gradient);
            let (delta, speed) = (&self.deltas[number], &work.inputs[number]);
            add_layer_gradient(self, number, delta, speed, None, gradient);
        }
        self.directional = work;
    }
}
