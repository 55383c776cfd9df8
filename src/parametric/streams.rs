use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use statrs::distribution::{ContinuousCDF, Normal};

use super::batch::Batch;

/// What random numbers are for: each purpose has a stream of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Initial parameters of the generator.
    GeneratorStart = 1,
    /// Initial parameters of the critic.
    CriticStart,
    /// Latent variables of a critic step.
    CriticLatents,
    /// Data of a critic step.
    Data,
    /// Latent variables of a generator step.
    GeneratorLatents,
    /// Data of a generator step.
    GeneratorData,
    /// Latent variables of an evaluation: the same at every evaluation and for every seed.
    Evaluation,
    /// Points between data and samples, for gradient penalties.
    Between,
    /// The noise of Langevin's equation.
    Noise,
    /// Features and directions of an estimator: the same for every seed.
    Features,
    /// Latent variables on which the game is linearised: the same for every run.
    GameLatents,
    /// Data on which the game is linearised: the same for every run.
    GameData,
}

/// Random numbers addressed by seed, purpose and step.
///
/// Which numbers a step sees depends on nothing else: neither on the optimizer, so that all optimizers run on common random numbers, nor
/// on the order in which runs are carried out. Generator: xoshiro256++ (Blackman, Vigna, ACM TOMS 47, 2021), started by SplitMix64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    seed: u64,
}

impl Streams {
    /// The streams of one seed.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The stream of a purpose at a step.
    pub fn at(self, purpose: Purpose, step: u64) -> Xoshiro256PlusPlus {
        // `seed_from_u64` runs SplitMix64, which spreads neighbouring keys; seed and purpose are spread here so that no two keys meet.
        let purpose = spread(purpose as u64);
        Xoshiro256PlusPlus::seed_from_u64(spread(self.seed ^ purpose).wrapping_add(step))
    }
}

/// The mixing function of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
fn spread(key: u64) -> u64 {
    let mut z = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Fills the first feature with the quantiles of the normal distribution at equal steps of probability, in order.
pub fn fill_normal_quantiles(batch: &mut Batch) {
    let count = batch.count();
    let step = 1.0 / count as f64;
    for (index, value) in batch.row_mut(0).iter_mut().enumerate() {
        *value = Normal::standard().inverse_cdf((index as f64 + 0.5) * step);
    }
}

/// Fills a batch with independent standard normal numbers.
pub fn fill_normal(random: &mut Xoshiro256PlusPlus, batch: &mut Batch) {
    // The state stays in registers if it is nobody else's.
    let mut own = random.clone();
    for feature in 0..batch.features() {
        for value in batch.row_mut(feature) {
            *value = StandardNormal.sample(&mut own);
        }
    }
    *random = own;
}
