use std::f64::consts::PI;

/// How a learning rate changes over the steps of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Schedule {
    /// Always the same.
    #[default]
    Constant,
    /// rate·(1 + cos(π·share of the run))/2 (Loshchilov, Hutter, ICLR 2017).
    Cosine,
    /// rate·factor^⌊step/every⌋.
    Steps {
        /// The number of steps between two changes.
        every: u64,
        /// The factor of a change.
        factor: f64,
    },
}

impl Schedule {
    /// The factor of the learning rate at a step of a run.
    pub fn factor(self, step: u64, steps: u64) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Cosine => 0.5 * (1.0 + (PI * step as f64 / steps.max(1) as f64).cos()),
            Self::Steps { every, factor } => {
                let changes = step / every.max(1);
                factor.powi(i32::try_from(changes).unwrap_or(i32::MAX))
            }
        }
    }
}
