use super::super::batch::Batch;
use super::super::kernels::Start;
use super::Evaluator;

/// First and second derivatives of every layer along one direction; made on first use.
#[derive(Clone, Debug, Default)]
pub(super) struct Tangents {
    /// ḣ_l and ḧ_l of the layer being entered.
    pub(super) first: Vec<f64>,
    pub(super) second: Vec<f64>,
    /// ȧ_l and ä_l.
    pub(super) first_before: Vec<f64>,
    pub(super) second_before: Vec<f64>,
    /// σ''(a_l).
    pub(super) curvature: Vec<f64>,
}

impl Tangents {
    pub(super) fn reserve(&mut self, size: usize) {
        for part in [
            &mut self.first,
            &mut self.second,
            &mut self.first_before,
            &mut self.second_before,
            &mut self.curvature,
        ] {
            part.resize(size, 0.0);
        }
    }
}

impl Evaluator {
    /// DG(η) and D²G(η, η) at the last inputs, layer by layer:
    /// ȧ = Wḣ + Ẇh + ḃ, ä = Wḧ + 2Ẇḣ, ḣ' = σ'ȧ, ḧ' = σ''ȧ² + σ'ä.
    pub(super) fn second_order(
        &mut self,
        parameters: &[f64],
        direction: &[f64],
        first: &mut Batch,
        second: &mut Batch,
    ) {
        let step = self.input.step();
        let widest = self.network.widths.iter().max().copied().unwrap_or(0);
        let mut tangents = std::mem::take(&mut self.tangents);
        tangents.reserve(widest * step);
        let last = self.network.widths.len() - 2;
        for (number, layer) in self.network.layers().enumerate() {
            let input = self.layer_input(number);
            let size = layer.outputs * step;
            let (before, twice) = if number == last {
                (first.values_mut(), second.values_mut())
            } else {
                (
                    &mut tangents.first_before[..size],
                    &mut tangents.second_before[..size],
                )
            };
            let bias = Start::Rows(layer.bias(direction));
            layer.apply(direction, bias, input, before, step);
            if number == 0 {
                twice.fill(0.0);
            } else {
                layer.apply(parameters, Start::Present, &tangents.first, before, step);
                layer.apply(direction, Start::Zero, &tangents.first, twice, step);
                twice.iter_mut().for_each(|value| *value *= 2.0);
                layer.apply(parameters, Start::Present, &tangents.second, twice, step);
            }
            if number == last {
                break;
            }
            let activation = self.network.activation;
            activation.curvature(&self.before[number], &mut tangents.curvature[..size]);
            for place in 0..size {
                let (slope, speed) = (self.slopes[number][place], tangents.first_before[place]);
                tangents.first[place] = slope * speed;
                tangents.second[place] = tangents.curvature[place] * speed * speed
                    + slope * tangents.second_before[place];
            }
        }
        first.clear_padding();
        second.clear_padding();
        self.tangents = tangents;
    }
}
