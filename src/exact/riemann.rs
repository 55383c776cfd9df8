/// The Riemann problem of KL(ρ‖π) with uniform π and no friction, which is the isothermal Euler equations with sound speed 1: gas at rest
/// of density `left` and, beyond a wall that is taken away at x = 0, `right` < `left`. A shock runs to the right, a rarefaction to the
/// left (R. LeVeque, *Finite Volume Methods for Hyperbolic Problems*, 2002, §13.7–13.9).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Riemann {
    /// ρ to the left.
    pub left: f64,
    /// ρ to the right.
    pub right: f64,
    /// ρ between rarefaction and shock.
    pub middle: f64,
    /// The velocity there.
    pub velocity: f64,
    /// The speed of the shock, by the conditions of Rankine and Hugoniot.
    pub shock: f64,
}

impl Riemann {
    /// Solves the problem for `left` > `right` > 0.
    pub fn new(left: f64, right: f64) -> Self {
        // u = ln(left/middle) behind the rarefaction, (middle − right)/√(middle · right) behind the shock.
        let (mut low, mut high) = (right, left);
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            let excess = (left / middle).ln() - (middle - right) / (middle * right).sqrt();
            if excess > 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        let middle = 0.5 * (low + high);
        Self {
            left,
            right,
            middle,
            velocity: (left / middle).ln(),
            shock: (middle / right).sqrt(),
        }
    }

    /// ρ at x and a time t > 0.
    pub fn density(&self, x: f64, time: f64) -> f64 {
        let speed = x / time;
        if speed < -1.0 {
            self.left
        } else if speed < self.velocity - 1.0 {
            self.left * (-(speed + 1.0)).exp()
        } else if speed < self.shock {
            self.middle
        } else {
            self.right
        }
    }
}
