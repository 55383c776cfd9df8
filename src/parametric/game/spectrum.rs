use super::super::eigenvalues::{Complex, EigenvalueError, eigenvalues, leading};
use super::play::{Game, GameRates};
use super::probe::Probe;

/// How far the displaced runs of a measurement start, relative to the largest parameter.
const DISPLACEMENT: f64 = 1e-6;
/// Displacements that a measurement reads, one after the other.
const READINGS: usize = 5;
/// The most steps between two of them.
const LONGEST_STRIDE: usize = 50;

/// What the linearised game says of a state, and what small displacements do there.
#[derive(Clone, Debug, PartialEq)]
pub struct GameSpectrum {
    /// The eigenvalues of the Jacobian of v = (−∇_φ L_critic, −∇_θ L_generator), the largest real part first.
    pub field: Vec<Complex>,
    /// Those of a plain gradient step of both players, the largest modulus first.
    pub update: Vec<Complex>,
    /// What the leading eigenvalue of the step predicts.
    pub predicted: Growth,
    /// What displacements along its vector do in the steps that follow.
    pub measured: Growth,
}

/// What becomes of a small displacement in one step of both players.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    /// ln|μ|: the rate at which it grows, negative where it shrinks.
    pub rate: f64,
    /// |arg μ|: the angle by which it turns, from 0 to π.
    pub rotation: f64,
}

impl Growth {
    /// That of an eigenvalue μ.
    fn of([real, imaginary]: Complex) -> Self {
        Self {
            rate: crate::calculus::Real::ln(real.hypot(imaginary)),
            rotation: imaginary.abs().atan2(real),
        }
    }

    /// Of one step, where this is that of `steps` steps of less than half a turn together.
    fn of_each(self, steps: usize) -> Self {
        let share = 1.0 / steps as f64;
        Self {
            rate: share * self.rate,
            rotation: share * self.rotation,
        }
    }
}

impl GameSpectrum {
    /// The spectrum of the game at a state (φ, θ).
    ///
    /// Measured: from the state displaced to either side along the real part of the leading vector, both players take the plain
    /// gradient steps of training. The differences follow d_{k+2} = a d_{k+1} + b d_k, whose roots are the pair of multipliers; a and b
    /// are fitted by least squares. Where the leading multiplier is real, d_{k+1} = a d_k. The state itself may move on in these steps,
    /// so that the two agree where it rests, and no further.
    ///
    /// # Errors
    /// [`EigenvalueError`] if the game is not finite there or the eigenvalues cannot be computed.
    pub fn new(game: &Game, rates: GameRates, state: &[f64]) -> Result<Self, EigenvalueError> {
        let size = state.len();
        let mut field = eigenvalues(&game.field_jacobian(state), size)?;
        field.sort_by(|a, b| b[0].total_cmp(&a[0]).then(b[1].total_cmp(&a[1])));
        let matrix = game.update_jacobian(rates, state);
        let modulus = |value: &Complex| value[0].hypot(value[1]);
        let mut update = eigenvalues(&matrix, size)?;
        update.sort_by(|a, b| {
            let by_modulus = modulus(b).total_cmp(&modulus(a));
            by_modulus.then(b[1].total_cmp(&a[1]))
        });
        let (multiplier, direction) = leading(&matrix, size)?;
        let predicted = Growth::of(multiplier);
        Ok(Self {
            field,
            update,
            predicted,
            measured: measure(game, rates, state, &direction, multiplier),
        })
    }
}

/// What displacements along a direction do, read as one real multiplier or as a pair, as the predicted one is.
fn measure(
    game: &Game,
    rates: GameRates,
    state: &[f64],
    direction: &[f64],
    predicted: Complex,
) -> Growth {
    let mut probe = Probe::new(game, rates);
    let largest = state.iter().fold(1.0_f64, |all, x| all.max(x.abs()));
    let displaced = |sign: f64| -> Vec<f64> {
        let pairs = state.iter().zip(direction);
        let size = sign * DISPLACEMENT * largest;
        pairs.map(|(x, d)| x + size * d).collect()
    };
    let mut sides = [displaced(1.0), displaced(-1.0)];
    let is_pair = predicted[1] != 0.0;
    // Readings a radian apart tell the two roots best.
    let stride = match Growth::of(predicted).rotation {
        angle if is_pair => ((1.0 / angle) as usize).clamp(1, LONGEST_STRIDE),
        _ => 1,
    };
    let mut differences: Vec<Vec<f64>> = Vec::new();
    for reading in 0..READINGS {
        if reading > 0 {
            for side in &mut sides {
                (0..stride).for_each(|_| probe.step(side));
            }
        }
        let pairs = sides[0].iter().zip(&sides[1]);
        differences.push(pairs.map(|(above, below)| above - below).collect());
    }
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let multiplier = if is_pair {
        let (mut squares, mut cross, mut right) = ([0.0; 2], 0.0, [0.0; 2]);
        for window in differences.windows(3) {
            squares[0] += dot(&window[1], &window[1]);
            squares[1] += dot(&window[0], &window[0]);
            cross += dot(&window[1], &window[0]);
            right[0] += dot(&window[1], &window[2]);
            right[1] += dot(&window[0], &window[2]);
        }
        let determinant = squares[0] * squares[1] - cross * cross;
        let a = (right[0] * squares[1] - right[1] * cross) / determinant;
        let b = (right[1] * squares[0] - right[0] * cross) / determinant;
        let discriminant = 0.25 * a * a + b;
        match discriminant < 0.0 {
            true => [0.5 * a, (-discriminant).sqrt()],
            false => [0.5 * a + (0.5 * a).signum() * discriminant.sqrt(), 0.0],
        }
    } else {
        let (mut square, mut right) = (0.0, 0.0);
        for window in differences.windows(2) {
            square += dot(&window[0], &window[0]);
            right += dot(&window[0], &window[1]);
        }
        [right / square, 0.0]
    };
    Growth::of(multiplier).of_each(stride)
}
