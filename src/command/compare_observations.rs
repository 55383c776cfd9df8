//! The arrays of a comparison's file that only some runs have.

use crate::output::hdf5::{ComparisonArray, OptimizerGroup};
use crate::parametric::metric::MetricSpectrum;
use crate::parametric::{Complex, GameSpectrum, Outcome, Players, Runs, Solve};

/// Where the players were, the game and the metrics linearised, and the damping of every step, as far as the runs have them.
pub(super) fn add_observations(group: &mut OptimizerGroup, runs: &Runs, records: usize) {
    add_players(group, runs, records);
    add_game(group, runs);
    add_solves(group, runs);
    add_metric_spectra(group, runs);
}

/// 0, 1, …, the coordinates of a scale that counts.
fn numbers(length: usize) -> Vec<f64> {
    (0..length).map(|index| index as f64).collect()
}

/// The eigenvalues of both metrics at the steps that the scenario names; not numbers where a run did not get.
fn add_metric_spectra(group: &mut OptimizerGroup, runs: &Runs) {
    let longest = runs
        .outcomes
        .iter()
        .max_by_key(|run| run.metric_spectra.len());
    let steps: Vec<f64> = longest.map_or(Vec::new(), |run| {
        run.metric_spectra
            .iter()
            .map(|(step, _)| *step as f64)
            .collect()
    });
    let found = |run: &Outcome, index: usize| -> Option<MetricSpectrum> {
        run.metric_spectra.get(index)?.1.clone().ok()
    };
    let first = runs.outcomes.iter().find_map(|run| found(run, 0));
    let Some(size) = first.map(|spectrum| spectrum.sample.len()) else {
        return;
    };
    let of = |values: fn(&MetricSpectrum) -> &[f64]| {
        let mut all = Vec::new();
        for run in &runs.outcomes {
            for index in 0..steps.len() {
                match found(run, index) {
                    Some(spectrum) => all.extend_from_slice(values(&spectrum)),
                    None => all.extend(std::iter::repeat_n(f64::NAN, size)),
                }
            }
        }
        all
    };
    const AXES: &[&str] = &["seed", "spectrum_step", "metric_eigenvalue"];
    group.arrays.push(ComparisonArray {
        name: "metric_eigenvalues",
        long_name: "eigenvalues of the sample metric, the largest first",
        axes: AXES,
        values: of(|spectrum| &spectrum.sample),
    });
    group.arrays.push(ComparisonArray {
        name: "metric_eigenvalues_otto",
        long_name: "eigenvalues of the metric of the densities, the largest first",
        axes: AXES,
        values: of(|spectrum| &spectrum.otto),
    });
    let count = (
        "metric_eigenvalue",
        "number of the eigenvalue",
        numbers(size),
    );
    group
        .scales
        .extend([("spectrum_step", "steps made", steps), count]);
}

/// The game linearised at the end of every run, if one was; not numbers where it was not.
fn add_game(group: &mut OptimizerGroup, runs: &Runs) {
    let spectrum = |run: &'_ Outcome| {
        run.game
            .as_ref()
            .and_then(|game| game.as_ref().ok().cloned())
    };
    let spectra: Vec<Option<GameSpectrum>> = runs.outcomes.iter().map(spectrum).collect();
    let Some(size) = spectra.iter().flatten().map(|own| own.field.len()).max() else {
        return;
    };
    group.scales.push((
        "eigenvalue",
        "number of the eigenvalue, the leading one first",
        numbers(size),
    ));
    group
        .scales
        .push(("part", "0: real part, 1: imaginary part", numbers(2)));
    let by_seed = |value: fn(&GameSpectrum) -> f64| {
        let own = spectra
            .iter()
            .map(|own| own.as_ref().map_or(f64::NAN, value));
        own.collect::<Vec<f64>>()
    };
    let eigenvalues = |values: fn(&GameSpectrum) -> &[Complex]| {
        let own = spectra.iter().map(|own| match own {
            Some(spectrum) => values(spectrum).concat(),
            None => vec![f64::NAN; 2 * size],
        });
        own.collect::<Vec<_>>().concat()
    };
    const PARTS: &[&str] = &["seed", "eigenvalue", "part"];
    const SEEDS: &[&str] = &["seed"];
    let arrays: [(
        &'static str,
        &'static str,
        &'static [&'static str],
        Vec<f64>,
    ); 6] = [
        (
            "field_eigenvalues",
            "eigenvalues of the Jacobian of the field of both players",
            PARTS,
            eigenvalues(|own| &own.field),
        ),
        (
            "update_eigenvalues",
            "eigenvalues of a plain gradient step of both players",
            PARTS,
            eigenvalues(|own| &own.update),
        ),
        (
            "predicted_growth",
            "ln|μ| of the leading eigenvalue of a step",
            SEEDS,
            by_seed(|own| own.predicted.rate),
        ),
        (
            "predicted_rotation",
            "|arg μ| of the leading eigenvalue of a step",
            SEEDS,
            by_seed(|own| own.predicted.rotation),
        ),
        (
            "measured_growth",
            "rate at which a small displacement grows in a step",
            SEEDS,
            by_seed(|own| own.measured.rate),
        ),
        (
            "measured_rotation",
            "angle by which a small displacement turns in a step",
            SEEDS,
            by_seed(|own| own.measured.rotation),
        ),
    ];
    let made = arrays
        .into_iter()
        .map(|(name, long_name, axes, values)| ComparisonArray {
            name,
            long_name,
            axes,
            values,
        });
    group.arrays.extend(made);
}

/// The damping of every step, of the rules that solve a metric; not numbers where a run did not get.
fn add_solves(group: &mut OptimizerGroup, runs: &Runs) {
    let longest = runs.outcomes.iter().map(|run| run.solves.len()).max();
    let Some(steps) = longest.filter(|steps| *steps > 0) else {
        return;
    };
    group
        .scales
        .push(("step", "number of the step", numbers(steps)));
    let of = |value: fn(&Solve) -> f64| {
        let row = |run: &Outcome| {
            let row = (0..steps).map(|step| run.solves.get(step).map_or(f64::NAN, value));
            row.collect::<Vec<f64>>()
        };
        runs.outcomes.iter().flat_map(row).collect::<Vec<f64>>()
    };
    let mut add = |name, long_name, values| {
        group.arrays.push(ComparisonArray {
            name,
            long_name,
            axes: &["seed", "step"],
            values,
        });
    };
    add(
        "damping",
        "damping of the step's solve",
        of(|solve| solve.damping),
    );
    add(
        "damping_rungs",
        "how often the step's damping was raised before its matrix could be factored",
        of(|solve| solve.rungs as f64),
    );
    let mut solves = runs.outcomes.iter().flat_map(|run| &run.solves);
    if solves.any(|solve| solve.judgement.is_some()) {
        add(
            "fall_ratio",
            "fall of the loss over what its slope predicts",
            of(|solve| solve.judgement.map_or(f64::NAN, |own| own.ratio)),
        );
        add(
            "step_kept",
            "1 for a step that was kept, 0 for one that was taken back",
            of(|solve| {
                solve
                    .judgement
                    .map_or(f64::NAN, |own| f64::from(u8::from(own.kept)))
            }),
        );
    }
}

/// Where the two players were at every record, if the records hold it.
fn add_players(group: &mut OptimizerGroup, runs: &Runs, records: usize) {
    let mut add = |array: ComparisonArray<'static>, part: fn(&Players) -> &[f64]| {
        let first = runs.outcomes.iter().find_map(|run| run.records.first());
        let players = first.and_then(|record| record.players.as_ref());
        let length = players.map_or(0, |players| part(players).len());
        if length == 0 {
            return;
        }
        let mut values = Vec::new();
        for run in &runs.outcomes {
            for index in 0..records {
                match run.records.get(index).and_then(|r| r.players.as_ref()) {
                    Some(players) => values.extend_from_slice(part(players)),
                    None => values.extend(std::iter::repeat_n(f64::NAN, length)),
                }
            }
        }
        let scale = (array.axes[2], "number of the parameter", numbers(length));
        group.scales.push(scale);
        group.arrays.push(ComparisonArray { values, ..array });
    };
    add(
        ComparisonArray {
            name: "generator_parameters",
            long_name: "parameters of the generator",
            axes: &["seed", "record_step", "generator_parameter"],
            values: Vec::new(),
        },
        |players| &players.generator,
    );
    add(
        ComparisonArray {
            name: "critic_parameters",
            long_name: "parameters of the critic",
            axes: &["seed", "record_step", "critic_parameter"],
            values: Vec::new(),
        },
        |players| &players.critic,
    );
}
