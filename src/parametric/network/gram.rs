use super::super::kernels::{Columns, ROWS, sums, vectors_mut};
use super::Evaluator;
use crate::backend::cpu::{Aligned, Simd, WithSimd, aligned, vectorised};

/// Numbers between the end of a row and the next one: rows a power of two apart would meet in the same few places of the cache.
const GAP: usize = 8;

/// Inputs of every layer, and its deltas of every output; made on first use.
#[derive(Clone, Debug)]
pub(super) struct Grams {
    /// For each layer, a row a feature.
    inputs: Vec<Spaced>,
    /// For each layer, a row a feature with one block of samples an output.
    deltas: Vec<Spaced>,
}

/// Rows with a [`GAP`] behind each.
#[derive(Clone, Debug)]
struct Spaced {
    rows: usize,
    step: usize,
    values: Aligned<f64>,
}

impl Grams {
    fn new(widths: &[usize], step: usize, outputs: usize) -> Self {
        let inputs = widths.iter().take(widths.len() - 1);
        let deltas = widths.iter().skip(1);
        Self {
            inputs: inputs.map(|rows| Spaced::new(*rows, step)).collect(),
            deltas: deltas
                .map(|rows| Spaced::new(*rows, outputs * step))
                .collect(),
        }
    }
}

impl Spaced {
    fn new(rows: usize, length: usize) -> Self {
        let step = length + GAP;
        Self {
            rows,
            step,
            values: aligned(rows * step, 0.0),
        }
    }

    /// Takes rows of `length` numbers over, from place `first` on.
    fn fill(&mut self, first: usize, rows: &[f64], length: usize) {
        let own = self.values.chunks_exact_mut(self.step);
        for (own, row) in own.zip(rows.chunks_exact(length)) {
            own[first..][..length].copy_from_slice(row);
        }
    }

    /// Inner products of the columns from `own` on with those from `other` on.
    #[inline(always)]
    fn products<S: Simd>(&self, simd: S, own: usize, other: usize) -> [[S::f64s; 2]; ROWS] {
        // Without a row there is no number at all.
        let left = Columns(self.values.get(own..).unwrap_or_default(), self.step);
        sums(simd, &left, &self.values, (other, self.step), self.rows)
    }
}

/// gram ← gram + (1 + HᵀH) ∘ ΔᵀΔ of one layer, the first factor alike for all outputs.
struct LayerGram<'a> {
    inputs: &'a Spaced,
    deltas: &'a Spaced,
    /// Padded samples.
    samples: usize,
    outputs: usize,
    gram: &'a mut [f64],
}

impl WithSimd for LayerGram<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = 2 * S::F64_LANES;
        let size = self.outputs * self.samples;
        for column in (0..self.samples).step_by(width) {
            // With one output only what is right of the diagonal is used.
            let last = if self.outputs == 1 {
                column + width
            } else {
                self.samples
            };
            for row in (0..last).step_by(ROWS) {
                let mut inputs = self.inputs.products(simd, row, column);
                for inputs in inputs.as_flattened_mut() {
                    *inputs = simd.add_f64s(simd.splat_f64s(1.0), *inputs);
                }
                for output in 0..self.outputs {
                    for other in output..self.outputs {
                        let place = [output * self.samples + row, other * self.samples + column];
                        let deltas = self.deltas.products(simd, place[0], place[1]);
                        let rows = self.gram[place[0] * size..].chunks_mut(size);
                        for ((inputs, deltas), row) in inputs.iter().zip(&deltas).zip(rows) {
                            let results = vectors_mut::<S, 2>(&mut row[place[1]..]);
                            for m in 0..2 {
                                let product = simd.mul_f64s(inputs[m], deltas[m]);
                                results[m] = simd.add_f64s(results[m], product);
                            }
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
            inputs.fill(0, self.layer_input(number), samples);
        }
        for output in 0..outputs {
            self.backward_unit(parameters, output);
            for (deltas, own) in grams.deltas.iter_mut().zip(&self.deltas) {
                deltas.fill(output * samples, own, samples);
            }
        }
        gram.fill(0.0);
        for (inputs, deltas) in grams.inputs.iter().zip(&grams.deltas) {
            vectorised(LayerGram {
                inputs,
                deltas,
                samples,
                outputs,
                gram,
            });
        }
        self.grams = Some(grams);
    }
}
