use super::super::kernels::{Factor, Product, Start, TILE, add_product};
use super::Evaluator;

/// Deltas of every output, and a strip of the Gram matrices of one layer; made on first use.
#[derive(Clone, Debug, Default)]
pub(super) struct Grams {
    /// For each layer, a row a feature with one block of samples an output.
    deltas: Vec<Vec<f64>>,
    inputs: Vec<f64>,
    outputs: Vec<f64>,
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
    /// Rows and columns are the coordinates and padded samples; below the diagonal tiles nothing is written.
    pub(super) fn layer_grams(&mut self, parameters: &[f64], gram: &mut [f64]) {
        let step = self.input.step();
        let outputs = self.network.outputs();
        let size = outputs * step;
        let mut grams = std::mem::take(&mut self.grams);
        if grams.deltas.is_empty() {
            let widths = self.network.widths[1..].iter();
            grams.deltas = widths.map(|width| vec![0.0; width * size]).collect();
            grams.inputs = vec![0.0; TILE * step];
            grams.outputs = vec![0.0; TILE * size];
        }
        for output in 0..outputs {
            self.backward_unit(parameters, output);
            for (all, own) in grams.deltas.iter_mut().zip(&self.deltas) {
                for (all, own) in all.chunks_exact_mut(size).zip(own.chunks_exact(step)) {
                    all[output * step..][..step].copy_from_slice(own);
                }
            }
        }
        gram.fill(0.0);
        for (number, layer) in self.network.layers().enumerate() {
            let inputs = Strips {
                values: self.layer_input(number),
                step,
                depth: layer.inputs,
                start: Start::Rows(&[1.0; TILE]),
            };
            let deltas = Strips {
                values: &grams.deltas[number],
                step: size,
                depth: layer.outputs,
                start: Start::Zero,
            };
            for tile in (0..step).step_by(TILE) {
                // With one output only what is right of the diagonal is used.
                let from = if outputs == 1 { tile } else { 0 };
                inputs.strip(tile, from, &mut grams.inputs);
                for output in 0..outputs {
                    let first = output * step + tile;
                    deltas.strip(first, first, &mut grams.outputs);
                    for row in 0..TILE {
                        let result = &mut gram[(first + row) * size..][..size];
                        for other in output..outputs {
                            let begin = if other == output { tile } else { 0 };
                            let columns = other * step + begin..(other + 1) * step;
                            add_product(
                                &grams.inputs[row * step + begin..][..step - begin],
                                &grams.outputs[row * size..][columns.clone()],
                                &mut result[columns],
                            );
                        }
                    }
                }
            }
        }
        self.grams = grams;
    }
}

/// The matrix XᵀX of a batch X, by strips of [`TILE`] rows.
struct Strips<'a> {
    values: &'a [f64],
    step: usize,
    depth: usize,
    start: Start<'a>,
}

impl Strips<'_> {
    /// The rows from `row` on, in the columns from `column` on.
    fn strip(&self, row: usize, column: usize, result: &mut [f64]) {
        Product {
            left: Factor {
                values: &self.values[row..],
                row_step: 1,
                column_step: self.step,
            },
            right: self.values,
            right_step: self.step,
            rows: TILE,
            depth: self.depth,
            start: self.start,
            negative: false,
            columns: column..self.step,
        }
        .into(result, self.step);
    }
}
