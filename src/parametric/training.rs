use std::time::Instant;

use super::batch::Batch;
use super::critic::{Critic, CriticSettings};
use super::eigenvalues::EigenvalueError;
use super::game::{Game, GameRates, GameSpectrum};
use super::generator::Generator;
use super::metric::{MetricSpectrum, MetricSplit, split};
use super::network::Evaluator;
use super::optimizer::{Step, judged_step};
use super::outcome::{Failure, LAST_STEPS, Outcome, PLAYERS, Players, Record, Solve};
use super::quality::Yardstick;
use super::settings::{CriticKind, RuleSettings, TrainingSettings, Updates};
use super::streams::{Purpose, Streams, fill_normal};
use super::target::Target;

/// Steps between two questions whether to go on: some milliseconds.
const PATIENCE: u64 = 50;

/// Samples on which the two metrics are compared at the end.
const SPLIT_SAMPLES: usize = 512;

/// Samples and data on which the game is linearised at the end.
const GAME_SAMPLES: usize = 256;

/// Trains one generator from one seed. `proceed` is told of the steps made every 50 steps, the first time at step 0; where it
/// answers false the run ends there.
///
/// The bits depend on the settings and the seed alone.
pub fn train(
    settings: &TrainingSettings,
    rule: &RuleSettings,
    target: &Target,
    yardstick: &Yardstick,
    seed: u64,
    proceed: &dyn Fn(u64) -> bool,
) -> Outcome {
    let mut run = Run::new(settings, rule, target, yardstick, seed);
    let mut outcome = Outcome {
        seed,
        records: vec![run.record(0)],
        samples: run.evaluation.output().clone(),
        parameters: Vec::new(),
        loss_spread: f64::NAN,
        seconds: 0.0,
        metric: None,
        solves: Vec::new(),
        metric_spectra: Vec::new(),
        split: None,
        game: None,
        failure: None,
    };
    let spectra = &settings.observations.metric_spectra;
    if spectra.first() == Some(&0) {
        outcome.metric_spectra.push((0, run.metric_spectrum()));
    }
    let mut last = Spread::default();
    let steps = if proceed(0) { settings.steps } else { 0 };
    for step in 0..steps {
        let begin = Instant::now();
        let result = run.step(step);
        outcome.seconds += begin.elapsed().as_secs_f64();
        if let Err(failure) = result {
            outcome.failure = Some(failure);
            break;
        }
        if step + LAST_STEPS >= settings.steps {
            last.add(run.loss_generator);
        }
        let made = step + 1;
        if made % settings.record_every == 0 || made == settings.steps {
            outcome.records.push(run.record(made));
        }
        if spectra.contains(&made) {
            outcome.metric_spectra.push((made, run.metric_spectrum()));
        }
        if (made % PATIENCE == 0 || made == settings.steps) && !proceed(made) {
            break;
        }
    }
    outcome.loss_spread = last.deviation();
    outcome.samples = run.evaluation.output().clone();
    outcome.metric = run.optimizer.report();
    if outcome.failure.is_none() {
        outcome.split = Some(run.split());
        if settings.observations.game_spectrum {
            outcome.game = run.game_spectrum();
        }
    }
    outcome.solves = run.solves;
    outcome.parameters = run.parameters;
    outcome
}

/// Mean and standard deviation of numbers that come one by one.
#[derive(Clone, Copy, Debug, Default)]
struct Spread {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let before = value - self.mean;
        self.mean += before / self.count;
        self.squares += before * (value - self.mean);
    }

    fn deviation(&self) -> f64 {
        (self.squares / self.count).sqrt()
    }
}

/// Where the force on the samples comes from.
enum Source {
    Learned(Box<Critic>),
    Exact(Box<super::exact_critic::ExactCritic>),
}

/// A run between two steps, with all its memory.
struct Run<'a> {
    settings: &'a TrainingSettings,
    rule: &'a RuleSettings,
    target: &'a Target,
    yardstick: &'a Yardstick,
    seed: u64,
    streams: Streams,
    generator: Evaluator,
    parameters: Vec<f64>,
    optimizer: Box<dyn super::optimizer::Optimizer>,
    critic: Source,
    critic_rate: f64,
    critic_steps: usize,
    evaluation: Evaluator,
    data: Batch,
    force: Batch,
    loss_generator: f64,
    loss_critic: f64,
    sums: [f64; 3],
    solves: Vec<Solve>,
}

impl<'a> Run<'a> {
    fn new(
        settings: &'a TrainingSettings,
        rule: &'a RuleSettings,
        target: &'a Target,
        yardstick: &'a Yardstick,
        seed: u64,
    ) -> Self {
        let streams = Streams::new(seed);
        let network = &settings.generator.network;
        let parameters = match &settings.generator.initial {
            Some(initial) => initial.clone(),
            None => network.initial(&mut streams.at(Purpose::GeneratorStart, 0)),
        };
        let dimension = network.outputs();
        let batch = settings.batch;
        let (critic, critic_rate, critic_steps) = match &settings.critic {
            CriticKind::Learned(learned) => {
                let own = rule.critic.unwrap_or(learned.rule);
                let learned = CriticSettings {
                    penalty: rule.penalty.or(learned.penalty),
                    ..learned.clone()
                };
                let critic = Critic::new(&learned, own, settings.loss, dimension, batch, streams);
                (Source::Learned(Box::new(critic)), own.rate, learned.steps)
            }
            CriticKind::Exact => {
                let exact = super::exact_critic::ExactCritic::new(network, settings.loss);
                (Source::Exact(Box::new(exact)), 0.0, 0)
            }
        };
        let mut evaluation = Evaluator::new(network.clone(), yardstick.count());
        yardstick.fill_latents(evaluation.input());
        Self {
            settings,
            rule,
            target,
            yardstick,
            seed,
            streams,
            generator: Evaluator::new(network.clone(), batch),
            optimizer: rule.rule.start(parameters.len(), streams),
            parameters,
            critic,
            critic_rate,
            critic_steps,
            evaluation,
            data: Batch::new(dimension, batch),
            force: Batch::new(dimension, batch),
            loss_generator: f64::NAN,
            loss_critic: f64::NAN,
            sums: [0.0; 3],
            solves: Vec::new(),
        }
    }

    fn record(&mut self, step: u64) -> Record {
        self.evaluation.run(&self.parameters);
        let [generator, critic, count] = std::mem::take(&mut self.sums);
        Record {
            step,
            loss_generator: generator / count,
            loss_critic: critic / count,
            quality: self.yardstick.measure(self.evaluation.output()),
            samples: self
                .settings
                .observations
                .samples
                .then(|| self.evaluation.output().clone()),
            players: self.players(),
        }
    }

    fn players(&self) -> Option<Players> {
        let critic = match &self.critic {
            Source::Learned(critic) => critic.parameters(),
            Source::Exact(_) => &[],
        };
        (self.parameters.len() + critic.len() <= PLAYERS).then(|| Players {
            generator: self.parameters.clone(),
            critic: critic.to_vec(),
        })
    }

    /// The generator at θ on latent variables of an evaluation, as many as the metrics are looked at.
    fn looked_at(&self) -> Evaluator {
        let network = self.settings.generator.network.clone();
        let mut generator = Evaluator::new(network, SPLIT_SAMPLES);
        self.yardstick.fill_latents(generator.latents());
        generator.forward(&self.parameters);
        generator
    }

    /// How much of G̃ is not g.
    fn split(&self) -> MetricSplit {
        split(&mut self.looked_at(), &self.parameters)
    }

    /// The eigenvalues of both metrics.
    fn metric_spectrum(&self) -> Result<MetricSpectrum, EigenvalueError> {
        MetricSpectrum::new(&mut self.looked_at(), &self.parameters)
    }

    /// The game linearised where both players are now; none with an exact critic.
    fn game_spectrum(&self) -> Option<Result<GameSpectrum, EigenvalueError>> {
        let Source::Learned(critic) = &self.critic else {
            return None;
        };
        let game = Game::new(
            &self.settings.generator.network,
            critic.settings(),
            self.settings.loss,
            self.target,
            GAME_SAMPLES,
        );
        let rates = GameRates {
            critic: self.critic_rate,
            generator: self.rule.rate,
            updates: self.rule.updates,
        };
        let state = [critic.parameters(), &self.parameters].concat();
        Some(GameSpectrum::new(&game, rates, &state))
    }

    /// The critic's steps and one of the generator.
    fn step(&mut self, step: u64) -> Result<(), Failure> {
        let factor = self.rule.schedule.factor(step, self.settings.steps);
        match self.rule.updates {
            Updates::Alternating => {
                self.train_critic(step, factor);
                self.aim(step);
            }
            Updates::Simultaneous => {
                self.aim(step);
                self.train_critic(step, factor);
                // The critic's steps left samples of their own in the generator.
                self.generate(Purpose::GeneratorLatents, step);
            }
        }
        self.check(step)?;
        self.sums[0] += self.loss_generator;
        self.sums[1] += self.loss_critic;
        self.sums[2] += 1.0;
        let mut unused = Batch::new(self.force.features(), self.force.count());
        let (critic, data, target) = (&mut self.critic, &self.data, self.target);
        let mut loss = |generator: &mut dyn Generator, parameters: &[f64]| match critic {
            Source::Learned(critic) => critic.force(generator.samples(), data, &mut unused),
            Source::Exact(exact) => exact.divergence(parameters, generator.samples(), target),
        };
        let outcome = judged_step(
            self.optimizer.as_mut(),
            &mut Step {
                generator: &mut self.generator,
                parameters: &mut self.parameters,
                force: &self.force,
                rate: factor * self.rule.rate,
                number: step,
            },
            &mut loss,
        );
        let seed = self.seed;
        let judgement = outcome.map_err(|source| Failure::Metric { seed, step, source })?;
        if let Some(report) = self.optimizer.report() {
            self.solves.push(Solve {
                damping: report.damping,
                rungs: report.rungs,
                judgement,
            });
        }
        Ok(())
    }

    /// Draws latent variables and computes the samples.
    fn generate(&mut self, purpose: Purpose, number: u64) {
        let mut random = self.streams.at(purpose, number);
        fill_normal(&mut random, self.generator.latents());
        self.generator.forward(&self.parameters);
    }

    /// The critic's steps.
    fn train_critic(&mut self, step: u64, factor: f64) {
        for inner in 0..self.critic_steps {
            let number = step * self.critic_steps as u64 + inner as u64;
            self.generate(Purpose::CriticLatents, number);
            if let Source::Learned(critic) = &mut self.critic {
                self.target
                    .draw(&mut self.streams.at(Purpose::Data, number), &mut self.data);
                self.loss_critic = critic.train(
                    &self.data,
                    self.generator.samples(),
                    factor * self.critic_rate,
                    self.streams,
                    number,
                );
            }
        }
    }

    /// The samples of a step, the generator's loss there, and where the critic wants them to go.
    fn aim(&mut self, step: u64) {
        self.generate(Purpose::GeneratorLatents, step);
        let samples = self.generator.samples();
        self.loss_generator = match &mut self.critic {
            Source::Learned(critic) => {
                if self.settings.loss.is_paired() {
                    let mut random = self.streams.at(Purpose::GeneratorData, step);
                    self.target.draw(&mut random, &mut self.data);
                }
                critic.force(samples, &self.data, &mut self.force)
            }
            Source::Exact(exact) => {
                exact.force(&self.parameters, samples, self.target, &mut self.force)
            }
        };
    }

    /// Refuses to go on with what is not a number. The critic's loss is not one before its first step and with an exact critic.
    fn check(&self, step: u64) -> Result<(), Failure> {
        let learned = matches!(self.critic, Source::Learned(_));
        let parameter = self.parameters.iter().find(|value| !value.is_finite());
        let found = [
            (
                "the critic's loss",
                if learned { self.loss_critic } else { 0.0 },
            ),
            ("the generator's loss", self.loss_generator),
            ("a parameter", parameter.copied().unwrap_or(0.0)),
        ];
        match found.into_iter().find(|(_, value)| !value.is_finite()) {
            None => Ok(()),
            Some((what, value)) => Err(Failure::Diverged {
                seed: self.seed,
                step,
                what,
                value,
            }),
        }
    }
}
