use super::super::kernels::{ROWS, TILE, vectors_mut};
use super::super::panels::Panels;
use super::Evaluator;
use crate::backend::cpu::{Simd, WithSimd, vectorised};

/// Inputs of every layer, and its deltas of every output; made on first use.
#[derive(Clone, Debug)]
pub(super) struct Grams {
    /// For each layer, a row a feature.
    inputs: Vec<Panels>,
    /// For each layer, a row a feature with one block of samples an output.
    deltas: Vec<Panels>,
}

impl Grams {
    fn new(widths: &[usize], samples: usize, outputs: usize) -> Self {
        let inputs = widths.iter().take(widths.len() - 1);
        let deltas = widths.iter().skip(1);
        Self {
            inputs: inputs.map(|rows| Panels::new(*rows, samples)).collect(),
            deltas: deltas
                .map(|rows| Panels::new(*rows, outputs * samples))
                .collect(),
        }
    }
}

/// Takes rows of `length` numbers over, from a tile on.
fn fill(panels: &mut Panels, tile: usize, rows: &[f64], length: usize) {
    for (row, numbers) in rows.chunks_exact(length).enumerate() {
        panels.set(row, tile, numbers);
    }
}

/// gram ← Σ (1 + HᵀH) ∘ ΔᵀΔ over layers, the first factor alike for all outputs.
struct LayerGrams<'a> {
    layers: &'a Grams,
    /// Padded samples.
    samples: usize,
    outputs: usize,
    gram: &'a mut [f64],
}

impl WithSimd for LayerGrams<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let width = 2 * S::F64_LANES;
        for column in (0..self.samples).step_by(width) {
            // With one output only what is right of the diagonal is used.
            let last = if self.outputs == 1 {
                column + width
            } else {
                self.samples
            };
            for row in (0..last).step_by(ROWS) {
                self.block(simd, row, column);
            }
        }
    }
}

impl LayerGrams<'_> {
    /// The block of all pairs of outputs from sample `row` and sample `column` on.
    #[inline(always)]
    fn block<S: Simd>(&mut self, simd: S, row: usize, column: usize) {
        let size = self.outputs * self.samples;
        let layers = self.layers.inputs.iter().zip(&self.layers.deltas);
        for (number, (inputs, deltas)) in layers.enumerate() {
            let mut inputs = inputs.products(simd, 0..inputs.rows(), row, column);
            for inputs in inputs.as_flattened_mut() {
                *inputs = simd.add_f64s(simd.splat_f64s(1.0), *inputs);
            }
            for output in 0..self.outputs {
                for other in output..self.outputs {
                    let place = [output * self.samples + row, other * self.samples + column];
                    let deltas = deltas.products(simd, 0..deltas.rows(), place[0], place[1]);
                    for k in 0..ROWS {
                        let first = (place[0] + k) * size + place[1];
                        let results = vectors_mut::<S, 2>(&mut self.gram[first..]);
                        for m in 0..2 {
                            results[m] = if number == 0 {
                                simd.mul_f64s(inputs[k][m], deltas[k][m])
                            } else {
                                simd.mul_add_f64s(inputs[k][m], deltas[k][m], results[m])
                            };
                        }
                    }
                }
            }
        }
    }
}

impl Evaluator {
    /// Backwards from the unit cotangent of one output in every sample.
    pub(super) fn backward_unit(&mut self, parameters: &[f64], output: usize) {
        let step = self.input.step();
        if let Some(last) = self.deltas.last_mut() {
            last.fill(0.0);
            last[output * step..][..step].copy_from_slice(&self.ones);
        }
        self.backward_from_last(parameters);
    }

    /// The upper triangle of JJᵀ without J: for a dense layer the inner product of two samples' gradients is (h·h' + 1)(δ·δ').
    ///
    /// Rows and columns are the coordinates and padded samples; below the diagonal no number is meant.
    pub(super) fn layer_grams(&mut self, parameters: &[f64], gram: &mut [f64]) {
        let samples = self.input.step();
        let outputs = self.network.outputs();
        let grams = self.grams.take();
        let mut grams = grams.unwrap_or_else(|| Grams::new(&self.network.widths, samples, outputs));
        for (number, inputs) in grams.inputs.iter_mut().enumerate() {
            fill(inputs, 0, self.layer_input(number), samples);
        }
        for output in 0..outputs {
            self.backward_unit(parameters, output);
            for (deltas, own) in grams.deltas.iter_mut().zip(&self.deltas) {
                fill(deltas, output * samples / TILE, own, samples);
            }
        }
        vectorised(LayerGrams {
            layers: &grams,
            samples,
            outputs,
            gram,
        });
        self.grams = Some(grams);
    }
}
