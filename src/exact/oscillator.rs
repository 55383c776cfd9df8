/// Steps of the Runge–Kutta method in a unit of time: its error is far below any that is measured against it.
const STEPS: f64 = 400.0;

/// A Gaussian that moves by the inertial equation of KL(ρ‖π) towards the Gaussian N(0, σ²) stays one: its mean m and standard deviation s
/// obey m'' + γm' + m/σ² = 0 and s'' + γs' + s/σ² − 1/s = 0 (docs/mathematics.md, eq. 44).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Oscillator {
    /// m and m'.
    pub mean: [f64; 2],
    /// s and s'.
    pub std: [f64; 2],
}

impl Oscillator {
    /// At rest.
    pub fn at_rest(mean: f64, std: f64) -> Self {
        Self {
            mean: [mean, 0.0],
            std: [std, 0.0],
        }
    }

    /// After a time, under a constant friction γ towards N(0, `target_std`²).
    pub fn after(self, time: f64, friction: f64, target_std: f64) -> Self {
        let stiffness = 1.0 / (target_std * target_std);
        let rate = |[m, mean_speed, s, std_speed]: [f64; 4]| {
            [
                mean_speed,
                -friction * mean_speed - stiffness * m,
                std_speed,
                -friction * std_speed - stiffness * s + 1.0 / s,
            ]
        };
        let steps = (STEPS * time * (1.0 + 0.1 * friction)).ceil().max(1.0);
        let step = time / steps;
        let along = |state: [f64; 4], rate: [f64; 4], time: f64| {
            std::array::from_fn(|i| state[i] + time * rate[i])
        };
        let mut state = [self.mean[0], self.mean[1], self.std[0], self.std[1]];
        for _ in 0..steps as usize {
            let first = rate(state);
            let second = rate(along(state, first, 0.5 * step));
            let third = rate(along(state, second, 0.5 * step));
            let fourth = rate(along(state, third, step));
            state = std::array::from_fn(|i| {
                let sum = first[i] + 2.0 * (second[i] + third[i]) + fourth[i];
                state[i] + step / 6.0 * sum
            });
        }
        let [mean, mean_speed, std, std_speed] = state;
        Self {
            mean: [mean, mean_speed],
            std: [std, std_speed],
        }
    }
}
