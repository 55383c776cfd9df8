use super::super::batch::Batch;
use super::super::critic::Critic;
use super::super::generator::Generator;
use super::super::network::Evaluator;
use super::super::settings::{CriticRule, EuclideanRule, Updates};
use super::super::streams::Streams;
use super::play::{Game, GameRates};

/// The game played by the parts that training uses, in batches and with plain gradient steps.
pub(super) struct Probe<'a> {
    game: &'a Game,
    rates: GameRates,
    critic: Critic,
    generator: Evaluator,
    force: Batch,
}

impl<'a> Probe<'a> {
    pub(super) fn new(game: &'a Game, rates: GameRates) -> Self {
        let rule = CriticRule {
            rule: EuclideanRule::Sgd {
                momentum: 0.0,
                nesterov: false,
            },
            rate: rates.critic,
        };
        let (dimension, count) = (game.data.features(), game.data.count());
        let streams = Streams::new(0);
        let critic = Critic::new(&game.critic, rule, game.loss, dimension, count, streams);
        let mut generator = Evaluator::new(game.generator.clone(), count);
        *generator.latents() = game.latents.clone();
        Self {
            force: Batch::new(dimension, count),
            game,
            rates,
            critic,
            generator,
        }
    }

    /// One step of both players.
    pub(super) fn step(&mut self, state: &mut [f64]) {
        let (phi, theta) = state.split_at_mut(self.game.critic_network.parameters());
        self.critic.set_parameters(phi);
        self.generator.forward(theta);
        let simultaneous = self.rates.updates == Updates::Simultaneous;
        if simultaneous {
            self.aim();
        }
        for _ in 0..self.game.critic.steps {
            // Always the same points between data and samples.
            self.critic.train(
                &self.game.data,
                self.generator.samples(),
                self.rates.critic,
                Streams::new(0),
                0,
            );
        }
        if !simultaneous {
            self.aim();
        }
        let mut gradient = vec![0.0; theta.len()];
        self.generator.pull_back(theta, &self.force, &mut gradient);
        let share = self.rates.generator / self.force.count() as f64;
        for (value, slope) in theta.iter_mut().zip(&gradient) {
            *value -= share * slope;
        }
        phi.copy_from_slice(self.critic.parameters());
    }

    fn aim(&mut self) {
        let samples = self.generator.samples();
        self.critic.force(samples, &self.game.data, &mut self.force);
    }
}
