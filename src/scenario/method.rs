use super::settings::DEFAULT_TOLERANCE;
use super::{MethodKind, Scenario, Stepping};
use crate::flow::{self, JkoSettings, MethodSettings};

impl Scenario {
    /// The method of integration with its settings, defaults filled in: `explicit` and `jko` of order 1, `implicit` of order 2.
    pub fn method(&self) -> MethodSettings {
        match self.time.method {
            MethodKind::Explicit => MethodSettings::Explicit {
                order: self.time.order.unwrap_or(1),
                step: match self.time.stepping {
                    Stepping::Fixed(step) => Some(step),
                    Stepping::Adaptive { .. } | Stepping::Automatic => None,
                },
            },
            MethodKind::Implicit => MethodSettings::Implicit(match self.time.stepping {
                Stepping::Fixed(step) => flow::Stepping::Fixed {
                    step,
                    order: self.time.order.unwrap_or(2),
                },
                Stepping::Adaptive { tolerance, .. } => flow::Stepping::Adaptive { tolerance },
                Stepping::Automatic => flow::Stepping::Adaptive {
                    tolerance: DEFAULT_TOLERANCE,
                },
            }),
            MethodKind::Jko => {
                let (step, tolerance) = match self.time.stepping {
                    Stepping::Fixed(step) => (step, None),
                    // Without a largest step the whole run may be one.
                    Stepping::Adaptive { tolerance, largest } => {
                        (largest.unwrap_or(self.time.end), Some(tolerance))
                    }
                    // Not passed by the checks: `step` or `tolerance` is required.
                    Stepping::Automatic => (self.time.end, None),
                };
                MethodSettings::Jko(JkoSettings {
                    step,
                    tolerance,
                    order: self.time.order.unwrap_or(1),
                    gap: self.time.gap,
                })
            }
        }
    }
}
