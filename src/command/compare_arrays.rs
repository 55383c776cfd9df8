//! The arrays of a comparison's file.

use super::beside::Distances;
use super::compare_observations::add_observations;
use crate::output::hdf5::{ComparisonArray, OptimizerGroup};
use crate::parametric::{Outcome, Record, Runs, TrainingSettings};

/// The arrays of one optimizer. Records that a run did not reach are not numbers.
pub(super) fn group<'a>(
    runs: &'a Runs,
    training: &TrainingSettings,
    distances: Option<&Distances>,
) -> OptimizerGroup<'a> {
    let longest = runs.outcomes.iter().max_by_key(|run| run.records.len());
    let steps: Vec<f64> = longest.map_or(Vec::new(), |run| {
        run.records
            .iter()
            .map(|record| record.step as f64)
            .collect()
    });
    let records = steps.len();
    let per_record = |value: &dyn Fn(&Record) -> f64| {
        let row = |run: &Outcome| {
            let row: Vec<f64> = (0..records)
                .map(|index| run.records.get(index).map_or(f64::NAN, value))
                .collect();
            row
        };
        runs.outcomes.iter().flat_map(row).collect::<Vec<f64>>()
    };
    let dimension = training.generator.network.outputs();
    let by_coordinate = |value: &dyn Fn(&Record, usize) -> f64| {
        let mut values = Vec::new();
        for run in &runs.outcomes {
            for index in 0..records {
                let record = run.records.get(index);
                let of = |axis| record.map_or(f64::NAN, |record| value(record, axis));
                values.extend((0..dimension).map(of));
            }
        }
        values
    };
    let by_seed = |value: &dyn Fn(&Outcome) -> f64| runs.outcomes.iter().map(value).collect();
    let samples = runs.outcomes.iter().flat_map(|run| {
        let points = 0..run.samples.count();
        points.flat_map(|index| run.samples.sample(index).collect::<Vec<_>>())
    });
    const RECORDED: &[&str] = &["seed", "record_step"];
    const COORDINATES: &[&str] = &["seed", "record_step", "coordinate"];
    // In 1-D the axis of the coordinate is left out of the moments.
    let moments = if dimension == 1 {
        RECORDED
    } else {
        COORDINATES
    };
    let array = |name, long_name, axes, values| ComparisonArray {
        name,
        long_name,
        axes,
        values,
    };
    let failed_step = |run: &Outcome| match run.failure {
        Some(crate::parametric::Failure::Diverged { step, .. })
        | Some(crate::parametric::Failure::Metric { step, .. }) => step as f64,
        None => f64::NAN,
    };
    let count = |length: usize| (0..length).map(|index| index as f64).collect::<Vec<f64>>();
    let beside = distances.map(|distances| {
        let rows = distances.iter().flatten().copied();
        let long_name = "W2 between the samples and the flow on the grid";
        array("flow_distance", long_name, RECORDED, rows.collect())
    });
    let mut group = OptimizerGroup {
        name: &runs.rule.name,
        scales: vec![
            (
                "seed",
                "seed of the random numbers",
                by_seed(&|run| run.seed as f64),
            ),
            ("record_step", "steps made", steps),
            ("sample", "number of the sample", count(training.evaluation)),
            ("coordinate", "number of the coordinate", count(dimension)),
        ],
        arrays: vec![
            array(
                "loss_generator",
                "generator's loss, mean since the record before",
                RECORDED,
                per_record(&|r| r.loss_generator),
            ),
            array(
                "loss_critic",
                "critic's loss, mean since the record before",
                RECORDED,
                per_record(&|r| r.loss_critic),
            ),
            array(
                "sample_mean",
                "mean of the samples",
                moments,
                by_coordinate(&|r, axis| r.quality.mean[axis]),
            ),
            array(
                "sample_std",
                "standard deviation of the samples",
                moments,
                by_coordinate(&|r, axis| r.quality.std[axis]),
            ),
            array(
                "wasserstein_1",
                "W1 to the target, sliced above 1-D",
                RECORDED,
                per_record(&|r| r.quality.wasserstein_1),
            ),
            array(
                "wasserstein",
                "W2 to the target, sliced above 1-D",
                RECORDED,
                per_record(&|r| r.quality.wasserstein_2),
            ),
            array(
                "jensen_shannon",
                "JSD of the samples' histogram, in 1-D",
                RECORDED,
                per_record(&|r| r.quality.jensen_shannon.unwrap_or(f64::NAN)),
            ),
            array(
                "modes",
                "modes covered",
                RECORDED,
                per_record(&|r| r.quality.modes as f64),
            ),
            array(
                "high_quality",
                "share of samples within three standard deviations of a mode",
                RECORDED,
                per_record(&|r| r.quality.high_quality),
            ),
            array(
                "samples",
                "samples of the last record",
                &["seed", "sample", "coordinate"],
                samples.collect(),
            ),
            array(
                "loss_spread",
                "standard deviation of the generator's loss over the last 500 steps",
                &["seed"],
                by_seed(&|run| run.loss_spread),
            ),
            array(
                "metric_trace",
                "trace of the sample metric at the end",
                &["seed"],
                by_seed(&|run| run.split.map_or(f64::NAN, |split| split.sample)),
            ),
            array(
                "metric_trace_otto",
                "trace of the metric of the densities at the end",
                &["seed"],
                by_seed(&|run| run.split.map_or(f64::NAN, |split| split.otto)),
            ),
            array(
                "metric_trace_fibre",
                "part of the trace that is variance among samples at one place",
                &["seed"],
                by_seed(&|run| run.split.map_or(f64::NAN, |split| split.fibre)),
            ),
            array(
                "damping_raised",
                "solves of the metric that needed more damping",
                &["seed"],
                by_seed(&|run| run.metric.map_or(f64::NAN, |metric| metric.raised as f64)),
            ),
            array(
                "seconds",
                "wall-clock time of the steps",
                &["seed"],
                by_seed(&|run| run.seconds),
            ),
            array(
                "failed_step",
                "step at which the run failed, not a number if it did not",
                &["seed"],
                by_seed(&failed_step),
            ),
        ],
    };
    group.arrays.extend(beside);
    add_observations(&mut group, runs, records);
    group
}
