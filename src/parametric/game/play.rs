use rand_distr::{Distribution, StandardUniform};
use rayon::prelude::*;

use super::super::batch::Batch;
use super::super::critic::{CriticSettings, Penalty};
use super::super::loss::Loss;
use super::super::network::Network;
use super::super::settings::Updates;
use super::super::streams::{Purpose, Streams, fill_normal};
use super::super::target::Target;
use super::pass::Pass;
use super::probe::Probe;
use crate::calculus::{Dual, Real};

/// Both players on fixed samples, with the losses of training: the state is (φ, θ), the critic's parameters first.
pub struct Game {
    pub(super) generator: Network,
    pub(super) critic: CriticSettings,
    pub(super) critic_network: Network,
    pub(super) loss: Loss,
    pub(super) latents: Batch,
    pub(super) data: Batch,
    /// The shares of the data in the points between data and samples.
    shares: Vec<f64>,
}

/// How both players step: plain gradient steps of these sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GameRates {
    /// The step of the critic.
    pub critic: f64,
    /// The step of the generator.
    pub generator: f64,
    /// In which order they step.
    pub updates: Updates,
}

/// A map of the state to a state.
pub(super) trait Map: Sync {
    /// state ← F(state).
    fn apply<R: Real>(&self, game: &Game, state: &mut [R]);
}

/// v = (−∇_φ L_critic, −∇_θ L_generator).
pub(super) struct Field;

/// The critic's steps and one of the generator.
pub(super) struct Update(pub(super) GameRates);

impl Game {
    /// The game of a generator and a critic on `count` samples and as many data, the same for every run.
    pub fn new(
        generator: &Network,
        critic: &CriticSettings,
        loss: Loss,
        target: &Target,
        count: usize,
    ) -> Self {
        let streams = Streams::new(0);
        let mut latents = Batch::new(generator.inputs(), count);
        fill_normal(&mut streams.at(Purpose::GameLatents, 0), &mut latents);
        let mut data = Batch::new(target.dimension(), count);
        target.draw(&mut streams.at(Purpose::GameData, 0), &mut data);
        let mut random = streams.at(Purpose::Between, 0);
        let shares = (0..count).map(|_| StandardUniform.sample(&mut random));
        Self {
            critic_network: critic.network(generator.outputs()),
            generator: generator.clone(),
            critic: critic.clone(),
            loss,
            shares: shares.collect(),
            latents,
            data,
        }
    }

    /// The number of parameters of both players.
    pub fn parameters(&self) -> usize {
        self.critic_network.parameters() + self.generator.parameters()
    }

    /// v = (−∇_φ L_critic, −∇_θ L_generator) at a state.
    pub fn field(&self, state: &[f64]) -> Vec<f64> {
        let mut state = state.to_vec();
        Field.apply(self, &mut state);
        state
    }

    /// The Jacobian of [`Game::field`], by rows.
    pub fn field_jacobian(&self, state: &[f64]) -> Vec<f64> {
        self.jacobian(&Field, state)
    }

    /// The state after one step of both players, all steps of the critic included.
    pub fn update(&self, rates: GameRates, state: &[f64]) -> Vec<f64> {
        let mut state = state.to_vec();
        Update(rates).apply(self, &mut state);
        state
    }

    /// The Jacobian of [`Game::update`], by rows.
    pub fn update_jacobian(&self, rates: GameRates, state: &[f64]) -> Vec<f64> {
        self.jacobian(&Update(rates), state)
    }

    /// The state after the same step by the parts that training uses, in batches: [`Game::update`] up to rounding.
    pub fn played(&self, rates: GameRates, state: &[f64]) -> Vec<f64> {
        let mut state = state.to_vec();
        Probe::new(self, rates).step(&mut state);
        state
    }

    fn jacobian(&self, map: &impl Map, state: &[f64]) -> Vec<f64> {
        let size = state.len();
        let columns: Vec<Vec<f64>> = (0..size)
            .into_par_iter()
            .map(|varied| {
                let dual = |(place, value): (usize, &f64)| Dual {
                    value: *value,
                    derivative: f64::from(u8::from(place == varied)),
                };
                let mut duals: Vec<Dual<f64>> = state.iter().enumerate().map(dual).collect();
                map.apply(self, &mut duals);
                duals.iter().map(|dual| dual.derivative).collect()
            })
            .collect();
        let entry = |place: usize| columns[place % size][place / size];
        (0..size * size).map(entry).collect()
    }

    /// The samples G_θ(z) one by one.
    fn sample<R: Real>(&self, theta: &[R], index: usize) -> Pass<R> {
        let latent: Vec<R> = self.latents.sample(index).map(R::constant).collect();
        Pass::forwards(&self.generator, theta, &latent)
    }

    /// gradient ← ∇_φ of the critic's loss with its penalty.
    fn critic_gradient<R: Real>(&self, phi: &[R], theta: &[R], gradient: &mut [R]) {
        let network = &self.critic_network;
        let share = R::constant(1.0 / self.data.count() as f64);
        gradient.fill(R::constant(0.0));
        for index in 0..self.data.count() {
            let sample = self.sample(theta, index).output;
            let data: Vec<R> = self.data.sample(index).map(R::constant).collect();
            let on_data = Pass::forwards(network, phi, &data);
            let on_sample = Pass::forwards(network, phi, &sample);
            let slopes = self
                .loss
                .critic_slopes(on_data.output[0], on_sample.output[0]);
            for (pass, slope) in [&on_data, &on_sample].into_iter().zip(slopes) {
                pass.backwards(network, phi, &[slope * share], gradient);
            }
            match self.critic.penalty {
                None => {}
                Some(Penalty::ZeroCentred(strength)) => {
                    let factor = |_: R| R::constant(strength) * share;
                    self.add_penalty(phi, &data, factor, gradient);
                    self.add_penalty(phi, &sample, factor, gradient);
                }
                Some(Penalty::UnitSlope(strength)) => {
                    let between = R::constant(self.shares[index]);
                    let pairs = data.iter().zip(&sample);
                    let point: Vec<R> = pairs.map(|(y, x)| *y + between * (*x - *y)).collect();
                    let one = R::constant(1.0);
                    let factor = |square: R| {
                        // Where the slope is 0 its length has no derivative; 0 is taken.
                        let zero = R::constant(0.0);
                        let positive = zero.less(square);
                        let length = R::select(positive, square, one).sqrt();
                        let factor = R::constant(2.0 * strength) * share * (one - one / length);
                        R::select(positive, factor, zero)
                    };
                    self.add_penalty(phi, &point, factor, gradient);
                }
            }
        }
    }

    /// gradient ← gradient + ∂/∂φ of the slope of t along factor(|s|²)·s at a point, s = ∇t held fixed.
    fn add_penalty<R: Real>(
        &self,
        phi: &[R],
        point: &[R],
        factor: impl Fn(R) -> R,
        gradient: &mut [R],
    ) {
        let network = &self.critic_network;
        let (zero, one) = (R::constant(0.0), R::constant(1.0));
        let mut unused = vec![zero; phi.len()];
        let pass = Pass::forwards(network, phi, point);
        let slope = pass.backwards(network, phi, &[one], &mut unused);
        let square = slope.iter().fold(zero, |sum, s| sum + *s * *s);
        let factor = factor(square);
        let fixed = |value: R| Dual {
            value,
            derivative: zero,
        };
        let phi: Vec<Dual<R>> = phi.iter().map(|value| fixed(*value)).collect();
        let along = point.iter().zip(&slope).map(|(value, slope)| Dual {
            value: *value,
            derivative: factor * *slope,
        });
        let along: Vec<Dual<R>> = along.collect();
        let mut directional = vec![fixed(zero); phi.len()];
        Pass::forwards(network, &phi, &along).backwards(
            network,
            &phi,
            &[fixed(one)],
            &mut directional,
        );
        for (value, dual) in gradient.iter_mut().zip(&directional) {
            *value = *value + dual.derivative;
        }
    }

    /// gradient ← ∇_θ of the generator's loss.
    fn generator_gradient<R: Real>(&self, phi: &[R], theta: &[R], gradient: &mut [R]) {
        let network = &self.critic_network;
        let share = R::constant(1.0 / self.data.count() as f64);
        let zero = R::constant(0.0);
        gradient.fill(zero);
        let mut unused = vec![zero; phi.len()];
        for index in 0..self.data.count() {
            let sample = self.sample(theta, index);
            let on_sample = Pass::forwards(network, phi, &sample.output);
            let on_data = if self.loss.is_paired() {
                let data: Vec<R> = self.data.sample(index).map(R::constant).collect();
                Pass::forwards(network, phi, &data).output[0]
            } else {
                zero
            };
            let slope = self.loss.generator_slope(on_sample.output[0], on_data);
            let force = on_sample.backwards(network, phi, &[slope * share], &mut unused);
            sample.backwards(&self.generator, theta, &force, gradient);
        }
    }
}

impl Map for Field {
    fn apply<R: Real>(&self, game: &Game, state: &mut [R]) {
        let mut gradient = vec![R::constant(0.0); state.len()];
        let critic = game.critic_network.parameters();
        let (phi, theta) = state.split_at(critic);
        let (of_critic, of_generator) = gradient.split_at_mut(critic);
        game.critic_gradient(phi, theta, of_critic);
        game.generator_gradient(phi, theta, of_generator);
        for (value, gradient) in state.iter_mut().zip(&gradient) {
            *value = -*gradient;
        }
    }
}

impl Map for Update {
    fn apply<R: Real>(&self, game: &Game, state: &mut [R]) {
        let mut gradient = vec![R::constant(0.0); state.len()];
        let critic = game.critic_network.parameters();
        let (phi, theta) = state.split_at_mut(critic);
        let (of_critic, of_generator) = gradient.split_at_mut(critic);
        let step = |rate: f64, values: &mut [R], gradient: &[R]| {
            for (value, gradient) in values.iter_mut().zip(gradient) {
                *value = *value - R::constant(rate) * *gradient;
            }
        };
        let simultaneous = self.0.updates == Updates::Simultaneous;
        if simultaneous {
            game.generator_gradient(phi, theta, of_generator);
        }
        for _ in 0..game.critic.steps {
            game.critic_gradient(phi, theta, of_critic);
            step(self.0.critic, phi, of_critic);
        }
        if !simultaneous {
            game.generator_gradient(phi, theta, of_generator);
        }
        step(self.0.generator, theta, of_generator);
    }
}
