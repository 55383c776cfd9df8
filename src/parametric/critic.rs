use super::activation::Activation;
use super::batch::Batch;
use super::loss::Loss;
use super::network::{Evaluator, Network};
use super::optimizer::Euclidean;
use super::settings::CriticRule;
use super::streams::{Purpose, Streams};
use rand_distr::{Distribution, StandardUniform};

/// What is added to the critic's loss so that its slopes stay bounded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Penalty {
    /// λ/2 (E_π|∇t|² + E_ρ|∇t|²): zero-centred, on data and samples (Mescheder, Geiger, Nowozin, ICML 2018; Huang et al. 2024).
    ZeroCentred(f64),
    /// λ E(|∇t| − 1)² between data and samples (Gulrajani et al., NeurIPS 2017).
    UnitSlope(f64),
}

/// A critic that is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct CriticSettings {
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// What stands between the layers.
    pub activation: Activation,
    /// Its rule.
    pub rule: CriticRule,
    /// Its steps for each step of the generator.
    pub steps: usize,
    /// Its penalty.
    pub penalty: Option<Penalty>,
}

impl CriticSettings {
    /// The network for samples of so many coordinates.
    pub fn network(&self, dimension: usize) -> Network {
        Network::new(dimension, &self.hidden, 1, self.activation)
    }
}

/// A network t(x) that estimates ln(π/ρ), with its parameters and its rule.
pub struct Critic {
    settings: CriticSettings,
    parameters: Vec<f64>,
    gradient: Vec<f64>,
    rule: Box<dyn Euclidean>,
    loss: Loss,
    /// Data in the first half of the columns, samples in the second.
    pair: Evaluator,
    pair_cotangent: Batch,
    values: Vec<f64>,
    /// Samples alone, for the generator's step.
    single: Evaluator,
    single_cotangent: Batch,
    slope: Batch,
    batch: usize,
    half: usize,
}

impl Critic {
    /// A critic for samples of `dimension` coordinates in batches of one size, its parameters drawn from the seed.
    pub fn new(
        settings: &CriticSettings,
        rule: CriticRule,
        loss: Loss,
        dimension: usize,
        batch: usize,
        streams: Streams,
    ) -> Self {
        let network = settings.network(dimension);
        let parameters = network.initial(&mut streams.at(Purpose::CriticStart, 0));
        let single = Evaluator::new(network.clone(), batch);
        let half = Batch::new(1, batch).step();
        let pair = Evaluator::new(network, 2 * half);
        Self {
            settings: settings.clone(),
            gradient: vec![0.0; parameters.len()],
            rule: rule.rule.start(parameters.len()),
            loss,
            pair_cotangent: Batch::new(1, 2 * half),
            values: vec![0.0; 2 * half],
            single_cotangent: Batch::new(1, batch),
            slope: Batch::new(dimension, 2 * half),
            single,
            pair,
            batch,
            half,
            parameters,
        }
    }

    /// What it is and how it is trained.
    pub fn settings(&self) -> &CriticSettings {
        &self.settings
    }

    /// The critic's parameters.
    pub fn parameters(&self) -> &[f64] {
        &self.parameters
    }

    /// Starts from these parameters instead of those drawn from the seed.
    pub fn set_parameters(&mut self, parameters: &[f64]) {
        self.parameters.copy_from_slice(parameters);
    }

    /// Puts data and samples side by side.
    fn fill_pair(&mut self, data: &Batch, samples: &Batch) {
        let (batch, half) = (self.batch, self.half);
        let input = self.pair.input();
        for axis in 0..data.features() {
            let row = input.row_mut(axis);
            row[..batch].copy_from_slice(data.row(axis));
            row[half..][..batch].copy_from_slice(samples.row(axis));
        }
    }

    /// One step of the critic on data and samples; returns its loss, the penalty left out.
    pub fn train(
        &mut self,
        data: &Batch,
        samples: &Batch,
        rate: f64,
        streams: Streams,
        step: u64,
    ) -> f64 {
        self.fill_pair(data, samples);
        self.pair.run(&self.parameters);
        let (batch, half) = (self.batch, self.half);
        let cotangent = self.pair_cotangent.values_mut();
        cotangent.fill(0.0);
        let (data_slopes, sample_slopes) = cotangent.split_at_mut(half);
        let (data_values, sample_values) = self.values.split_at_mut(half);
        let (on_data, on_samples) = self.pair.output().row(0).split_at(half);
        self.loss.critic(
            (
                &on_data[..batch],
                &mut data_values[..batch],
                &mut data_slopes[..batch],
            ),
            (
                &on_samples[..batch],
                &mut sample_values[..batch],
                &mut sample_slopes[..batch],
            ),
        );
        let share = 1.0 / batch as f64;
        let sum: f64 =
            data_values[..batch].iter().sum::<f64>() + sample_values[..batch].iter().sum::<f64>();
        cotangent.iter_mut().for_each(|slope| *slope *= share);
        self.pair.backward(&self.parameters, &self.pair_cotangent);
        self.gradient.fill(0.0);
        self.pair.add_gradient(&mut self.gradient);
        self.add_penalty(streams, step);
        self.rule.update(&mut self.parameters, &self.gradient, rate);
        share * sum
    }

    /// The gradient of the penalty: with s = ∇t held fixed it is that of the slope along s.
    fn add_penalty(&mut self, streams: Streams, step: u64) {
        let Some(penalty) = self.settings.penalty else {
            return;
        };
        let (batch, half) = (self.batch, self.half);
        let mut used = 2;
        if let Penalty::UnitSlope(_) = penalty {
            let mut random = streams.at(Purpose::Between, step);
            for share in &mut self.values[..batch] {
                *share = StandardUniform.sample(&mut random);
            }
            let input = self.pair.input();
            for axis in 0..input.features() {
                let (data, samples) = input.row_mut(axis).split_at_mut(half);
                for ((data, sample), share) in
                    data.iter_mut().zip(samples).zip(&self.values[..batch])
                {
                    *data += share * (*sample - *data);
                }
            }
            self.pair.run(&self.parameters);
            used = 1;
        }
        let unit = self.pair_cotangent.values_mut();
        unit.fill(0.0);
        for part in unit.chunks_exact_mut(half).take(used) {
            part[..batch].fill(1.0);
        }
        self.pair.backward(&self.parameters, &self.pair_cotangent);
        self.pair.input_cotangent(&self.parameters, &mut self.slope);
        let share = 1.0 / batch as f64;
        for place in 0..2 * half {
            let square: f64 = self.slope.sample(place).map(|slope| slope * slope).sum();
            let factor = match penalty {
                Penalty::ZeroCentred(strength) => strength * share,
                // Where the slope is 0 its length has no derivative; 0 is taken.
                Penalty::UnitSlope(_) if square == 0.0 => 0.0,
                Penalty::UnitSlope(strength) => {
                    2.0 * strength * share * (1.0 - 1.0 / square.sqrt())
                }
            };
            for axis in 0..self.slope.features() {
                self.slope.row_mut(axis)[place] *= factor;
            }
        }
        self.pair
            .add_directional_gradient(&self.parameters, &self.slope, &mut self.gradient);
    }

    /// force ← ∇ₓ of the generator's loss at every sample; returns that loss. `data` are read by paired losses only.
    pub fn force(&mut self, samples: &Batch, data: &Batch, force: &mut Batch) -> f64 {
        let batch = self.batch;
        if self.loss.is_paired() {
            self.fill_pair(data, samples);
            self.pair.run(&self.parameters);
        }
        self.single
            .input()
            .values_mut()
            .copy_from_slice(samples.values());
        self.single.run(&self.parameters);
        let slopes = self.single_cotangent.values_mut();
        slopes.fill(0.0);
        self.loss.generator(
            self.single.output().row(0),
            &self.pair.output().row(0)[..batch],
            &mut self.values[..batch],
            &mut slopes[..batch],
        );
        self.single
            .backward(&self.parameters, &self.single_cotangent);
        self.single.input_cotangent(&self.parameters, force);
        self.values[..batch].iter().sum::<f64>() / batch as f64
    }
}
