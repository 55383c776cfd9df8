use super::batch::Batch;
use super::generator::Generator;
use super::row_products::RowProducts;
use crate::calculus::{Dual, Real};

/// A generator written as one formula; every derivative is read off dual numbers.
pub trait Formula: Send {
    /// The number of parameters.
    const PARAMETERS: usize;
    /// The number of latent variables.
    const LATENT: usize;
    /// The number of coordinates of a sample.
    const DIMENSION: usize;

    /// x = G_θ(z).
    fn value<R: Real>(&self, parameters: &[R], latent: &[R], sample: &mut [R]);
}

/// A [`Formula`] with the memory for batches of one size. Costs n evaluations a sample for a Jacobian: for laws with few parameters.
pub struct FormulaGenerator<F> {
    formula: F,
    latents: Batch,
    samples: Batch,
    jacobian: Vec<f64>,
}

impl<F: Formula> FormulaGenerator<F> {
    /// Memory for batches of `count` samples.
    pub fn new(formula: F, count: usize) -> Self {
        Self {
            latents: Batch::new(F::LATENT, count),
            samples: Batch::new(F::DIMENSION, count),
            jacobian: Vec::new(),
            formula,
        }
    }

    /// The formula at every sample, with parameters in any reading of a number.
    fn each<R: Real>(&self, parameters: &[R], mut take: impl FnMut(usize, &[R])) {
        let zero = R::constant(0.0);
        let mut latent = vec![zero; F::LATENT];
        let mut sample = vec![zero; F::DIMENSION];
        for place in 0..self.latents.count() {
            for (value, z) in latent.iter_mut().zip(self.latents.sample(place)) {
                *value = R::constant(z);
            }
            self.formula.value(parameters, &latent, &mut sample);
            take(place, &sample);
        }
    }

    /// J, transposed, into the own memory.
    fn fill_jacobian(&mut self, parameters: &[f64]) {
        let full = self.samples.values().len();
        let step = self.samples.step();
        let mut jacobian = std::mem::take(&mut self.jacobian);
        jacobian.resize(parameters.len() * full, 0.0);
        let mut duals: Vec<Dual<f64>> = parameters.iter().map(|p| Dual::constant(*p)).collect();
        for (index, row) in jacobian.chunks_exact_mut(full).enumerate() {
            duals[index].derivative = 1.0;
            self.each(&duals, |place, sample| {
                for (axis, value) in sample.iter().enumerate() {
                    row[axis * step + place] = value.derivative;
                }
            });
            duals[index].derivative = 0.0;
        }
        self.jacobian = jacobian;
    }
}

impl<F: Formula> Generator for FormulaGenerator<F> {
    fn parameters(&self) -> usize {
        F::PARAMETERS
    }

    fn latents(&mut self) -> &mut Batch {
        &mut self.latents
    }

    fn forward(&mut self, parameters: &[f64]) {
        let mut samples = std::mem::replace(&mut self.samples, Batch::new(0, 0));
        self.each(parameters, |place, sample| {
            for (axis, value) in sample.iter().enumerate() {
                samples.row_mut(axis)[place] = *value;
            }
        });
        self.samples = samples;
    }

    fn samples(&self) -> &Batch {
        &self.samples
    }

    fn pull_back(&mut self, parameters: &[f64], cotangent: &Batch, gradient: &mut [f64]) {
        self.fill_jacobian(parameters);
        RowProducts {
            left: &self.jacobian,
            right: cotangent.values(),
            rows: (parameters.len(), 1),
            step: cotangent.values().len(),
        }
        .add_to(gradient, 1);
    }

    fn push_forward(
        &mut self,
        parameters: &[f64],
        direction: &[f64],
        first: &mut Batch,
        second: &mut Batch,
    ) {
        // θ + tη read twice over: the derivative of the derivative along t.
        let along: Vec<Dual<Dual<f64>>> = parameters
            .iter()
            .zip(direction)
            .map(|(value, slope)| {
                let (value, slope) = (*value, *slope);
                Dual {
                    value: Dual {
                        value,
                        derivative: slope,
                    },
                    derivative: Dual::constant(slope),
                }
            })
            .collect();
        self.each(&along, |place, sample| {
            for (axis, value) in sample.iter().enumerate() {
                first.row_mut(axis)[place] = value.derivative.value;
                second.row_mut(axis)[place] = value.derivative.derivative;
            }
        });
    }

    fn jacobian(&mut self, parameters: &[f64], jacobian: &mut [f64]) {
        self.fill_jacobian(parameters);
        jacobian.copy_from_slice(&self.jacobian);
    }

    fn gram(&mut self, parameters: &[f64], gram: &mut [f64]) {
        self.fill_jacobian(parameters);
        let full = self.samples.values().len();
        for row in 0..full {
            for column in row..full {
                let entries = self.jacobian.chunks_exact(full);
                gram[row * full + column] = entries.map(|line| line[row] * line[column]).sum();
            }
        }
    }
}
