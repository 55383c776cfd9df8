use crate::flow::Stepping;

/// The law of friction γ(t).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Friction {
    /// γ stays: heavy ball; 0 is the Hamiltonian system.
    Constant(f64),
    /// γ = 3/t, t since the start or the last restart (W. Su, S. Boyd, E. Candès, *J. Mach. Learn. Res.* 17 (2016) 153, the limit of
    /// Nesterov's method).
    Nesterov,
}

impl Friction {
    /// γ, `elapsed` > 0 after the start or the last restart.
    pub(super) fn at(self, elapsed: f64) -> f64 {
        match self {
            Self::Constant(friction) => friction,
            Self::Nesterov => 3.0 / elapsed.max(f64::MIN_POSITIVE),
        }
    }
}

/// How the inertial equation is run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InertialSettings {
    /// The steps: fixed ones of order 1 or 2, or of order 2 with error control. Either is shortened where transport needs it.
    pub stepping: Stepping,
    /// The law of friction.
    pub friction: Friction,
    /// Whether the density is brought to rest whenever J begins to rise (B. O'Donoghue, E. Candès, *Found. Comput. Math.* 15 (2015)
    /// 715–732).
    pub restart: bool,
    /// Whether time is measured in units of a constant friction γ, in which the limit γ → ∞ is the gradient flow.
    pub overdamped: bool,
}

impl InertialSettings {
    /// Order 2 with this friction: steps of the given length.
    pub fn fixed(friction: f64, step: f64, order: u8) -> Self {
        Self {
            stepping: Stepping::Fixed { step, order },
            friction: Friction::Constant(friction),
            restart: false,
            overdamped: false,
        }
    }

    /// The unit of time: γ where time is overdamped, else 1.
    pub(super) fn unit_of_time(&self) -> f64 {
        match (self.overdamped, self.friction) {
            (true, Friction::Constant(friction)) => friction,
            _ => 1.0,
        }
    }
}
