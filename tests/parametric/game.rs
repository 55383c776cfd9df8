//! The game of both players linearised: exact derivatives against training itself, and the closed forms of the Dirac-GAN.

use ottoflow::density::{Density, Gaussian, NormalMixture};
use ottoflow::divergence::DivergenceKind;
use ottoflow::parametric::{
    Activation, CriticKind, CriticRule, CriticSettings, EuclideanRule, Game, GameRates,
    GameSpectrum, GeneratorSettings, Loss, Network, Observations, Penalty, Rule, RuleSettings,
    Target, TrainingSettings, Updates, Yardstick, compare,
};

use crate::support::{near, random, vector};

const SGD: EuclideanRule = EuclideanRule::Sgd {
    momentum: 0.0,
    nesterov: false,
};

fn critic(hidden: &[usize], steps: usize, penalty: Option<Penalty>) -> CriticSettings {
    CriticSettings {
        hidden: hidden.to_vec(),
        activation: Activation::Tanh,
        rule: CriticRule {
            rule: SGD,
            rate: 0.1,
        },
        steps,
        penalty,
    }
}

fn target() -> Target {
    let gaussian = Gaussian {
        mean: vec![1.0, -0.5],
        std: Some(vec![0.5, 1.5]),
        ..Gaussian::default()
    };
    Target::Normals(NormalMixture::new(&Density::Gaussian(gaussian)).unwrap())
}

/// A small game in 2-D, its rates and a state, for every loss with and without its penalties, in both orders.
fn games() -> Vec<(String, Game, GameRates, Vec<f64>)> {
    let generator = Network::new(3, &[4], 2, Activation::Softplus);
    let mut games = Vec::new();
    for loss in Loss::all() {
        for penalty in [
            None,
            Some(Penalty::ZeroCentred(0.7)),
            Some(Penalty::UnitSlope(1.3)),
        ] {
            for (updates, steps) in [(Updates::Alternating, 2), (Updates::Simultaneous, 1)] {
                let critic = critic(&[5], steps, penalty);
                let game = Game::new(&generator, &critic, loss, &target(), 21);
                let rates = GameRates {
                    critic: 0.05,
                    generator: 0.08,
                    updates,
                };
                let mut random = random(17);
                let state = vector(&mut random, game.parameters());
                let name = format!("{} {penalty:?} {updates:?}", loss.name());
                games.push((name, game, rates, state));
            }
        }
    }
    games
}

#[test]
fn the_game_over_numbers_is_the_game_that_training_plays() {
    for (name, game, rates, state) in games() {
        let (found, expected) = (game.update(rates, &state), game.played(rates, &state));
        assert_ne!(found, state, "{name}");
        for (a, b) in found.iter().zip(&expected) {
            near(*a, *b, 1e-12, &name);
        }
    }
}

#[test]
fn jacobians_are_the_differences_of_what_training_plays() {
    for (name, game, rates, state) in games() {
        let size = state.len();
        let matrix = game.update_jacobian(rates, &state);
        let epsilon = 1e-5;
        for column in (0..size).step_by(3) {
            let moved = |sign: f64| {
                let mut state = state.clone();
                state[column] += sign * epsilon;
                game.played(rates, &state)
            };
            let (high, low) = (moved(1.0), moved(-1.0));
            for row in 0..size {
                let difference = (high[row] - low[row]) / (2.0 * epsilon);
                near(matrix[row * size + column], difference, 1e-8, &name);
            }
        }
    }
}

/// Simultaneous steps are one Euler step of the field.
#[test]
fn the_field_is_what_simultaneous_steps_follow() {
    let (_, game, rates, state) = games().pop().unwrap();
    assert_eq!(rates.updates, Updates::Simultaneous);
    let critic = game.parameters() - Network::new(3, &[4], 2, Activation::Softplus).parameters();
    let (field, jacobian) = (game.field(&state), game.field_jacobian(&state));
    let (next, matrix) = (
        game.update(rates, &state),
        game.update_jacobian(rates, &state),
    );
    let size = state.len();
    for row in 0..size {
        let rate = if row < critic {
            rates.critic
        } else {
            rates.generator
        };
        near(next[row], state[row] + rate * field[row], 1e-14, "Euler");
        for column in 0..size {
            let one = f64::from(u8::from(row == column));
            let place = row * size + column;
            near(matrix[place], one + rate * jacobian[place], 1e-13, "matrix");
        }
    }
}

fn dirac(penalty: f64) -> Game {
    let critic = critic(&[], 1, Some(Penalty::ZeroCentred(penalty)));
    let loss = Loss::Dual(DivergenceKind::JensenShannon);
    let point = Target::Point(vec![0.0]);
    Game::new(&Network::affine(0, 1), &critic, loss, &point, 2)
}

/// Of t = wx + c against δ_θ and δ_0: v = (−σ(wθ + c)θ − 2λw, σ(−c) − σ(wθ + c), σ(wθ + c)w), with its derivatives written out.
#[test]
fn the_jacobian_of_the_dirac_gan_is_its_closed_form() {
    let penalty = 0.2;
    let game = dirac(penalty);
    for [w, c, theta] in [[0.4, 0.1, 1.0], [-1.5, 0.7, 0.3], [0.0; 3]] {
        let sigmoid = |t: f64| 1.0 / (1.0 + (-t).exp());
        let (s, on_data) = (sigmoid(w * theta + c), sigmoid(-c));
        let (d, d_data) = (s * (1.0 - s), on_data * (1.0 - on_data));
        let field = [-s * theta - 2.0 * penalty * w, on_data - s, s * w];
        #[rustfmt::skip]
        let matrix = [
            -d * theta * theta - 2.0 * penalty, -d * theta, -s - d * w * theta,
            -d * theta, -d_data - d, -d * w,
            s + d * theta * w, d * w, d * w * w,
        ];
        let state = [w, c, theta];
        for (found, expected) in game.field(&state).iter().zip(field) {
            near(*found, expected, 1e-14, "field");
        }
        for (found, expected) in game.field_jacobian(&state).iter().zip(matrix) {
            near(*found, expected, 1e-14, "Jacobian");
        }
    }
}

/// At the equilibrium: −λ ± √(λ² − ¼) and −½ of the field; of a step the eigenvalues of eq. P15, and 1 − h/2. Displacements follow.
#[test]
fn the_spectrum_of_the_dirac_gan_is_its_closed_form() {
    let h = 0.1;
    for penalty in [0.1, 0.3, 0.6] {
        for updates in [Updates::Alternating, Updates::Simultaneous] {
            let rates = GameRates {
                critic: h,
                generator: h,
                updates,
            };
            let found = GameSpectrum::new(&dirac(penalty), rates, &[0.0; 3]).unwrap();
            let pair = |half_trace: f64, determinant: f64| {
                let discriminant = half_trace * half_trace - determinant;
                let root = discriminant.abs().sqrt();
                match discriminant < 0.0 {
                    true => [[half_trace, root], [half_trace, -root]],
                    false => [[half_trace + root, 0.0], [half_trace - root, 0.0]],
                }
            };
            let kept = 1.0 - 2.0 * h * penalty;
            let of_step = match updates {
                Updates::Simultaneous => pair(0.5 * (kept + 1.0), kept + 0.25 * h * h),
                Updates::Alternating => pair(0.5 * (kept + 1.0 - 0.25 * h * h), kept),
            };
            let mut field: Vec<[f64; 2]> = pair(-penalty, 0.25).to_vec();
            field.push([-0.5, 0.0]);
            field.sort_by(|a, b| b[0].total_cmp(&a[0]).then(b[1].total_cmp(&a[1])));
            let mut update: Vec<[f64; 2]> = of_step.to_vec();
            update.push([1.0 - 0.5 * h, 0.0]);
            update.sort_by(|a, b| {
                let modulus = b[0].hypot(b[1]).total_cmp(&a[0].hypot(a[1]));
                modulus.then(b[1].total_cmp(&a[1]))
            });
            for (found, expected) in [(&found.field, &field), (&found.update, &update)] {
                for (a, b) in found.iter().flatten().zip(expected.iter().flatten()) {
                    near(*a, *b, 1e-12, "eigenvalue");
                }
            }
            let [real, imaginary] = update[0];
            near(
                found.predicted.rate,
                real.hypot(imaginary).ln(),
                1e-12,
                "ln|μ|",
            );
            near(
                found.predicted.rotation,
                imaginary.atan2(real),
                1e-12,
                "arg μ",
            );
            near(
                found.measured.rate,
                found.predicted.rate,
                1e-8,
                "measured ln|μ|",
            );
            near(
                found.measured.rotation,
                found.predicted.rotation,
                1e-8,
                "measured arg μ",
            );
        }
    }
}

/// After training, from the states that the runs end in.
#[test]
fn the_spectrum_of_a_trained_dirac_gan_is_its_closed_form() {
    let (h, penalty) = (0.1, 0.3);
    let settings = TrainingSettings {
        generator: GeneratorSettings {
            network: Network::affine(0, 1),
            initial: Some(vec![1.0]),
        },
        critic: CriticKind::Learned(critic(&[], 1, Some(Penalty::ZeroCentred(penalty)))),
        loss: Loss::Dual(DivergenceKind::JensenShannon),
        steps: 1500,
        batch: 2,
        record_every: 500,
        evaluation: 2,
        observations: Observations {
            game_spectrum: true,
            ..Observations::default()
        },
    };
    let rules = [RuleSettings {
        name: "sgd".to_owned(),
        rule: Rule::Euclidean(SGD),
        rate: h,
        schedule: Default::default(),
        critic: None,
        penalty: None,
        updates: Updates::Alternating,
    }];
    let target = Target::Point(vec![0.0]);
    let yardstick = Yardstick::new(&target, settings.evaluation).unwrap();
    let runs = compare(&settings, &rules, 2, &target, &yardstick, &|_, _, _| true);
    for run in &runs[0].outcomes {
        assert_eq!(run.failure, None);
        let found = run.game.as_ref().unwrap().as_ref().unwrap();
        let imaginary = (0.25_f64 - penalty * penalty).sqrt();
        let expected = [[-penalty, imaginary], [-penalty, -imaginary], [-0.5, 0.0]];
        for (a, b) in found.field.iter().flatten().zip(expected.iter().flatten()) {
            near(*a, *b, 1e-8, "eigenvalue of the field");
        }
        near(
            found.predicted.rate,
            0.5 * (1.0_f64 - 2.0 * h * penalty).ln(),
            1e-8,
            "ln|μ|",
        );
        near(found.measured.rate, found.predicted.rate, 1e-8, "measured");
        near(
            found.measured.rotation,
            found.predicted.rotation,
            1e-8,
            "measured",
        );
    }
}
