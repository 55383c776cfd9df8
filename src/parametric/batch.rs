use super::kernels::padded;
use crate::backend::cpu::{Aligned, aligned};

/// Samples side by side: one row a feature, one column a sample, rows padded with zeros to whole vector tiles.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    features: usize,
    count: usize,
    step: usize,
    values: Aligned<f64>,
}

impl Batch {
    /// `count` samples of 0 with so many features.
    pub fn new(features: usize, count: usize) -> Self {
        let step = padded(count);
        Self {
            features,
            count,
            step,
            values: aligned(features * step, 0.0),
        }
    }

    /// The number of features: coordinates of a sample.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The number of samples.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The distance between rows: the number of samples with the padding.
    pub fn step(&self) -> usize {
        self.step
    }

    /// One feature of every sample, without the padding.
    pub fn row(&self, feature: usize) -> &[f64] {
        &self.values[feature * self.step..][..self.count]
    }

    /// One feature of every sample, without the padding.
    pub fn row_mut(&mut self, feature: usize) -> &mut [f64] {
        &mut self.values[feature * self.step..][..self.count]
    }

    /// All rows with their padding.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// All rows with their padding, which must stay 0 in cotangents.
    pub fn values_mut(&mut self) -> &mut [f64] {
        &mut self.values
    }

    /// Makes the padding 0.
    pub(super) fn clear_padding(&mut self) {
        for row in self.values.chunks_exact_mut(self.step) {
            row[self.count..].fill(0.0);
        }
    }

    /// The coordinates of one sample.
    pub fn sample(&self, index: usize) -> impl Iterator<Item = f64> + '_ {
        (0..self.features).map(move |feature| self.values[feature * self.step + index])
    }
}
