use super::TimeScale;
use super::settings::DEFAULT_TOLERANCE;
use super::{MethodKind, Scenario, Stepping};
use crate::flow::{self, Friction, InertialSettings, JkoSettings, MethodSettings};

impl Scenario {
    /// The method of integration with its settings, defaults filled in: `explicit` and `jko` of order 1, `implicit` and `staggered` of
    /// order 2.
    pub fn method(&self) -> MethodSettings {
        match self.time.method {
            MethodKind::Explicit => MethodSettings::Explicit {
                order: self.time.order.unwrap_or(1),
                step: match self.time.stepping {
                    Stepping::Fixed(step) => Some(step),
                    Stepping::Adaptive { .. } | Stepping::Automatic => None,
                },
            },
            MethodKind::Implicit => MethodSettings::Implicit(self.stepping_of_order(2)),
            MethodKind::Staggered => MethodSettings::Staggered(InertialSettings {
                stepping: self.stepping_of_order(2),
                // Not passed by the checks: `friction` is required.
                friction: self.flow.friction.unwrap_or(Friction::Constant(0.0)),
                restart: self.flow.restart,
                overdamped: self.flow.time_scale == TimeScale::Overdamped,
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

    /// Fixed steps, of this order if none is asked for, or steps with error control.
    fn stepping_of_order(&self, order: u8) -> flow::Stepping {
        match self.time.stepping {
            Stepping::Fixed(step) => flow::Stepping::Fixed {
                step,
                order: self.time.order.unwrap_or(order),
            },
            Stepping::Adaptive { tolerance, .. } => flow::Stepping::Adaptive { tolerance },
            Stepping::Automatic => flow::Stepping::Adaptive {
                tolerance: DEFAULT_TOLERANCE,
            },
        }
    }
}
