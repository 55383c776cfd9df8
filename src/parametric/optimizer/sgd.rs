use super::Euclidean;

/// Stochastic gradient descent: m ← βm + g, θ ← θ − rate·m, or with Nesterov's look-ahead θ ← θ − rate·(g + βm).
///
/// Robbins, Monro, Ann. Math. Stat. 22, 1951; Polyak, USSR Comput. Math. 4, 1964; Nesterov, Soviet Math. Doklady 27, 1983, in the form of
/// Sutskever, Martens, Dahl, Hinton, ICML 2013.
#[derive(Clone, Debug)]
pub struct Sgd {
    momentum: f64,
    nesterov: bool,
    velocity: Vec<f64>,
}

impl Sgd {
    /// Momentum β in [0, 1); without momentum Nesterov's form is the plain one.
    pub fn new(momentum: f64, nesterov: bool, parameters: usize) -> Self {
        let size = if momentum == 0.0 { 0 } else { parameters };
        Self {
            momentum,
            nesterov,
            velocity: vec![0.0; size],
        }
    }
}

impl Euclidean for Sgd {
    fn update(&mut self, parameters: &mut [f64], gradient: &[f64], rate: f64) {
        if self.velocity.is_empty() {
            for (value, slope) in parameters.iter_mut().zip(gradient) {
                *value -= rate * slope;
            }
            return;
        }
        let rows = parameters.iter_mut().zip(gradient).zip(&mut self.velocity);
        for ((value, slope), velocity) in rows {
            *velocity = self.momentum * *velocity + slope;
            let step = match self.nesterov {
                true => slope + self.momentum * *velocity,
                false => *velocity,
            };
            *value -= rate * step;
        }
    }
}
