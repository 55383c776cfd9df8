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
                Stepping::Adaptive { tolerance } => flow::Stepping::Adaptive { tolerance },
                Stepping::Automatic => flow::Stepping::Adaptive {
                    tolerance: DEFAULT_TOLERANCE,
                },
            }),
            MethodKind::Jko => MethodSettings::Jko(JkoSettings {
                step: match self.time.stepping {
                    Stepping::Fixed(step) => step,
                    // Not passed by the checks: `step` is required.
                    Stepping::Adaptive { .. } | Stepping::Automatic => self.time.end,
                },
                order: self.time.order.unwrap_or(1),
                gap: self.time.gap,
            }),
        }
    }
}
