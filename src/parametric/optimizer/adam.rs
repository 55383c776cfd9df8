use super::Euclidean;
use crate::backend::cpu::{Kernel, vectorised};

/// Added to √v̂, as in the paper.
pub const EPSILON: f64 = 1e-8;

/// Adam: m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², θ ← θ − rate·m̂/(√v̂ + ε) with m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ).
///
/// Kingma, Ba, ICLR 2015.
#[derive(Clone, Debug)]
pub struct Adam {
    beta1: f64,
    beta2: f64,
    /// β₁ᵗ and β₂ᵗ.
    powers: (f64, f64),
    mean: Vec<f64>,
    square: Vec<f64>,
}

impl Adam {
    /// Decay rates β₁ and β₂ in [0, 1).
    pub fn new(beta1: f64, beta2: f64, parameters: usize) -> Self {
        Self {
            beta1,
            beta2,
            powers: (1.0, 1.0),
            mean: vec![0.0; parameters],
            square: vec![0.0; parameters],
        }
    }
}

impl Euclidean for Adam {
    fn update(&mut self, parameters: &mut [f64], gradient: &[f64], rate: f64) {
        self.powers.0 *= self.beta1;
        self.powers.1 *= self.beta2;
        vectorised(Update {
            adam: self,
            parameters,
            gradient,
            rate,
        });
    }
}

struct Update<'a> {
    adam: &'a mut Adam,
    parameters: &'a mut [f64],
    gradient: &'a [f64],
    rate: f64,
}

impl Kernel for Update<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self {
            adam,
            parameters,
            gradient,
            rate,
        } = self;
        let (beta1, beta2) = (adam.beta1, adam.beta2);
        let (first, second) = (1.0 - adam.powers.0, 1.0 - adam.powers.1);
        let moments = adam.mean.iter_mut().zip(&mut adam.square);
        for ((value, slope), (mean, square)) in parameters.iter_mut().zip(gradient).zip(moments) {
            *mean = beta1 * *mean + (1.0 - beta1) * slope;
            *square = beta2 * *square + (1.0 - beta2) * slope * slope;
            *value -= rate * (*mean / first) / ((*square / second).sqrt() + EPSILON);
        }
    }
}
