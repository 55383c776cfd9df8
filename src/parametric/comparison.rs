use rayon::prelude::*;

use super::outcome::Outcome;
use super::quality::Yardstick;
use super::settings::{RuleSettings, TrainingSettings};
use super::target::Target;
use super::training::train;

/// The runs of one optimizer, one a seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Runs {
    /// The optimizer.
    pub rule: RuleSettings,
    /// Its runs in the order of the seeds.
    pub outcomes: Vec<Outcome>,
}

/// Trains every optimizer from the seeds 0, 1, …, all of them on common random numbers, on all threads.
///
/// `proceed` is told of the rule's number, the seed and the steps made, from several threads at once; where it answers false that run
/// ends. The bits of a run depend neither on the threads nor on the other runs.
pub fn compare(
    settings: &TrainingSettings,
    rules: &[RuleSettings],
    seeds: u64,
    target: &Target,
    yardstick: &Yardstick,
    proceed: &(dyn Fn(usize, u64, u64) -> bool + Sync),
) -> Vec<Runs> {
    // Seed by seed, so that an interrupted comparison has the same seeds of all optimizers.
    let jobs: Vec<(u64, usize)> = (0..seeds)
        .flat_map(|seed| (0..rules.len()).map(move |rule| (seed, rule)))
        .collect();
    let outcomes: Vec<Outcome> = jobs
        .par_iter()
        .with_max_len(1)
        .map(|&(seed, rule)| {
            let proceed = |step| proceed(rule, seed, step);
            train(settings, &rules[rule], target, yardstick, seed, &proceed)
        })
        .collect();
    let mut runs: Vec<Runs> = rules
        .iter()
        .map(|rule| Runs {
            rule: rule.clone(),
            outcomes: Vec::new(),
        })
        .collect();
    for ((_, rule), outcome) in jobs.into_iter().zip(outcomes) {
        runs[rule].outcomes.push(outcome);
    }
    runs
}
