//! `ottoflow compare`: its table, its file, its pictures and its answers.

use hdf5::File;
use ottoflow::parametric::optimizer::DAMPING_BOUNDS;

use crate::{Folder, ottoflow, shipped, words};

const SMALL: &str = r#"title = "Small"
[target]
kind = "gaussian"
mean = [2.0]
std = [1.0]
[generator]
kind = "mlp"
latent = 2
hidden = [4]
[training]
steps = 40
batch = 16
seeds = 3
record-every = 20
evaluation = 200
[[optimizer]]
name = "Adam"
kind = "adam"
learning-rate = 1e-2
[[optimizer]]
name = "Natural gradient"
kind = "natural"
learning-rate = 1e-2
"#;

fn folder(text: &str) -> Folder {
    let folder = Folder::empty();
    std::fs::write(folder.path().join("small.toml"), text).unwrap();
    folder
}

#[test]
fn a_comparison_prints_a_table_and_leaves_a_file_and_pictures() {
    let folder = folder(SMALL);
    let done = ottoflow(
        folder.path(),
        &words("compare small.toml --plots pictures --quiet"),
    );
    let text = &done.assert_done().stdout;
    for part in [
        "mean ± 95 % interval over 3 seeds",
        "Adam",
        "Natural gradient",
        "0 of 3",
        "Adam − Natural gradient",
        "steps to W2 < 0.1",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert_eq!(done.stderr, "");
    for picture in ["loss", "wasserstein", "samples"] {
        for extension in ["svg", "png"] {
            let path = folder
                .path()
                .join("pictures")
                .join(picture)
                .with_extension(extension);
            assert!(std::fs::metadata(path).unwrap().len() > 1000);
        }
    }
    let file = File::open(folder.path().join("small.h5")).unwrap();
    let group = file.group("optimizers/Natural gradient").unwrap();
    let shape = |name: &str| group.dataset(name).unwrap().shape();
    assert_eq!(shape("loss_generator"), [3, 3]);
    assert_eq!(shape("sample_mean"), [3, 3]);
    assert_eq!(shape("samples"), [3, 200, 1]);
    assert_eq!(shape("seconds"), [3]);
    let steps: Vec<f64> = group.dataset("record_step").unwrap().read_raw().unwrap();
    assert_eq!(steps, [0.0, 20.0, 40.0]);
    let mean: Vec<f64> = group.dataset("sample_mean").unwrap().read_raw().unwrap();
    let samples: Vec<f64> = group.dataset("samples").unwrap().read_raw().unwrap();
    let own = samples[..200].iter().sum::<f64>() / 200.0;
    assert!((mean[2] - own).abs() < 1e-12, "{} {own}", mean[2]);
    let failed: Vec<f64> = group.dataset("failed_step").unwrap().read_raw().unwrap();
    assert!(failed.iter().all(|step| step.is_nan()));
}

#[test]
fn two_comparisons_with_other_threads_hold_the_same_bits() {
    let folder = folder(SMALL);
    for threads in ["1", "3"] {
        let output = format!("{threads}.h5");
        let arguments = [
            "compare",
            "small.toml",
            "-q",
            "--threads",
            threads,
            "-o",
            &output,
        ];
        ottoflow(folder.path(), &arguments).assert_done();
    }
    let read = |name: &str, array: &str| -> Vec<u64> {
        let file = File::open(folder.path().join(name)).unwrap();
        let array = file.dataset(&format!("optimizers/Adam/{array}")).unwrap();
        let values: Vec<f64> = array.read_raw().unwrap();
        values.iter().map(|value| value.to_bits()).collect()
    };
    for array in ["samples", "loss_generator", "wasserstein", "loss_spread"] {
        assert_eq!(read("1.h5", array), read("3.h5", array), "{array}");
    }
}

#[test]
fn an_existing_file_is_kept_and_a_wrong_command_is_answered() {
    let folder = folder(SMALL);
    ottoflow(folder.path(), &words("compare small.toml -q")).assert_done();
    ottoflow(folder.path(), &words("compare small.toml -q"))
        .assert_failed(2, &["small.h5: the file exists; replace it with --force"]);
    ottoflow(folder.path(), &words("compare small.toml -q --force")).assert_done();
    ottoflow(folder.path(), &words("run small.toml")).assert_failed(
        2,
        &["small.toml:6:2: generator: a generator scenario is run by `ottoflow compare`"],
    );
    let flow = shipped("one-to-two.toml");
    ottoflow(folder.path(), &["compare", flow.to_str().unwrap()])
        .assert_failed(2, &["grid: a flow on a grid is run by `ottoflow run`"]);
    ottoflow(folder.path(), &words("diff small.h5 small.h5"))
        .assert_failed(3, &["a comparison of optimizers"]);
}

/// `info` prints the table of `compare` and `plot` leaves its pictures, from the file alone.
#[test]
fn the_file_gives_back_the_table_and_the_pictures() {
    let folder = folder(SMALL);
    let compared = ottoflow(folder.path(), &words("compare small.toml -q --plots first"));
    let compared = &compared.assert_done().stdout;
    let (table, _) = compared.split_once("\n2 optimizers × 3 seeds").unwrap();
    std::fs::remove_file(folder.path().join("small.toml")).unwrap();
    let info = ottoflow(folder.path(), &words("info small.h5"));
    let info = &info.assert_done().stdout;
    assert!(table.contains("paired differences"), "{table}");
    assert!(info.contains(table.trim_end()), "{info}\nlacks\n{table}");
    for part in [
        "Small",
        "complete",
        "Adam; Natural gradient",
        "40 of 40, 3 records",
        "200 of 1 coordinates in each record",
        "17 parameters",
    ] {
        assert!(info.contains(part), "{part:?} is not in {info}");
    }
    let plotted = ottoflow(folder.path(), &words("plot small.h5 -o second"));
    let named = plotted.assert_done().stdout.lines().count();
    let mut count = 0;
    for entry in std::fs::read_dir(folder.path().join("first")).unwrap() {
        let path = entry.unwrap().path();
        let again = folder.path().join("second").join(path.file_name().unwrap());
        assert_eq!(
            std::fs::read(&path).unwrap(),
            std::fs::read(again).unwrap(),
            "{}",
            path.display()
        );
        count += 1;
    }
    assert_eq!((count, named), (6, 6));
}

/// One optimizer diverges and the other does not: exit 0 and a warning; all diverge: exit 3, and the file is readable.
#[test]
fn diverging_runs_are_named_and_only_all_of_them_are_a_failure() {
    let wild = SMALL.replace(
        "kind = \"adam\"\nlearning-rate = 1e-2",
        "kind = \"sgd\"\nlearning-rate = 1e200",
    );
    let folder = folder(&wild);
    let done = ottoflow(folder.path(), &words("compare small.toml -q"));
    done.assert_done();
    assert!(
        done.stderr.contains("Adam: seed 2 diverged at step "),
        "{}",
        done.stderr
    );
    assert!(done.stdout.contains("3 of 3"), "{}", done.stdout);
    let alone = wild
        .split("[[optimizer]]\nname = \"Natural")
        .next()
        .unwrap();
    std::fs::write(folder.path().join("alone.toml"), alone).unwrap();
    ottoflow(folder.path(), &words("compare alone.toml -q"))
        .assert_failed(3, &["every run failed; alone.h5 holds what was computed"]);
    let file = File::open(folder.path().join("alone.h5")).unwrap();
    let failed: Vec<f64> = file
        .dataset("optimizers/Adam/failed_step")
        .unwrap()
        .read_raw()
        .unwrap();
    assert!(
        failed.iter().all(|step| (0.0..40.0).contains(step)),
        "{failed:?}"
    );
    let status: hdf5::types::VarLenUnicode = file.attr("status").unwrap().read_scalar().unwrap();
    assert_eq!(status.as_str(), "failed");
    drop(file);
    let info = ottoflow(folder.path(), &words("info alone.h5"));
    assert!(info.assert_done().stdout.contains("3 of 3"));
    ottoflow(folder.path(), &words("plot alone.h5"))
        .assert_failed(3, &["nothing to draw: no run reached its end"]);
}

/// With the exact critic of kl natural gradient stays with the grid's gradient flow, and the inertial equation on parameters with the
/// inertial flow, in both metrics; the file holds how near.
#[test]
fn the_flow_beside_a_rule_is_its_path() {
    let folder = Folder::empty();
    let scenario = shipped("generators/flow-vs-parameters.toml");
    let done = ottoflow(
        folder.path(),
        &[
            "compare",
            scenario.to_str().unwrap(),
            "-q",
            "-o",
            "beside.h5",
            "--set",
            "training.seeds=2",
            "--set",
            "training.steps=600",
        ],
    );
    let text = &done.assert_done().stdout;
    assert!(text.contains("largest W2 to the flow"), "{text}");
    let file = File::open(folder.path().join("beside.h5")).unwrap();
    let names = ["Natural gradient", "Inertial"];
    for optimizer in names
        .into_iter()
        .flat_map(|name| [name.to_string(), format!("{name}, otto")])
    {
        let group = file.group(&format!("optimizers/{optimizer}")).unwrap();
        let distances: Vec<f64> = group.dataset("flow_distance").unwrap().read_raw().unwrap();
        let to_target: Vec<f64> = group.dataset("wasserstein").unwrap().read_raw().unwrap();
        assert_eq!(distances.len(), 2 * 7);
        // The paths are some 0.7 and 0.6 long; what is left is the noise of batches and of the 4096 samples.
        assert!(to_target[0] - to_target[6] > 0.5, "{to_target:?}");
        assert!(
            distances.iter().all(|distance| *distance < 0.06),
            "{optimizer}: {distances:?}"
        );
    }
}

#[test]
fn a_flow_beside_needs_a_density_at_the_start() {
    let folder = folder(&format!(
        "{SMALL}\n[grid]\nlower = [0.0]\nupper = [4.0]\ncells = [50]\n"
    ));
    ottoflow(folder.path(), &words("compare small.toml -q")).assert_failed(
        2,
        &["grid: found a flow beside, expected a generator \"affine\" with `matrix`"],
    );
}

/// The three ways of the smallest game, from the file that `compare` leaves: circles, a spiral outwards and one inwards.
#[test]
fn the_dirac_gan_circles_spirals_out_and_settles() {
    let folder = Folder::empty();
    let scenario = shipped("generators/dirac.toml");
    let arguments = ["compare", scenario.to_str().unwrap(), "-q", "--plots", "."];
    ottoflow(folder.path(), &arguments).assert_done();
    for picture in ["loss", "wasserstein", "orbit", "spectrum"] {
        let path = folder.path().join(picture).with_extension("png");
        assert!(std::fs::metadata(path).unwrap().len() > 1000, "{picture}");
    }
    let file = File::open(folder.path().join("dirac.h5")).unwrap();
    let group = file.group("optimizers/Alternating, penalty").unwrap();
    let read = |name: &str| -> Vec<f64> { group.dataset(name).unwrap().read_raw().unwrap() };
    // ½ ln(1 − 2hλ) a step, where the run has settled.
    for growth in [read("predicted_growth"), read("measured_growth")].concat() {
        assert!((growth - 0.5 * 0.98_f64.ln()).abs() < 1e-6, "{growth}");
    }
    assert_eq!(
        group.dataset("field_eigenvalues").unwrap().shape(),
        [4, 3, 2]
    );
    // The largest distance from the equilibrium (w, θ) = 0 in each fifth of the run: more than one turn.
    let distances = |optimizer: &str| -> Vec<Vec<f64>> {
        let group = file.group(&format!("optimizers/{optimizer}")).unwrap();
        let read = |name: &str| -> Vec<f64> { group.dataset(name).unwrap().read_raw().unwrap() };
        let (theta, critic) = (read("generator_parameters"), read("critic_parameters"));
        let squares = theta.iter().zip(critic.chunks(2));
        let distances: Vec<f64> = squares.map(|(x, w)| x.hypot(w[0])).collect();
        let largest = |part: &[f64]| part.iter().copied().fold(0.0, f64::max);
        let fifths = |run: &[f64]| run[1..].chunks(40).map(largest).collect();
        distances.chunks(201).map(fifths).collect()
    };
    for run in distances("Alternating") {
        assert_eq!(run.len(), 5);
        // Far from the equilibrium the constant c of the critic takes a little, some 4e-5 a step; simultaneous steps add 1.2e-3.
        for pair in run.windows(2) {
            assert!((pair[1] / pair[0] - 1.0).abs() < 0.01, "{run:?}");
        }
    }
    for run in distances("Simultaneous") {
        assert!(
            run.windows(2).all(|pair| pair[1] > 1.02 * pair[0]),
            "{run:?}"
        );
    }
    for run in distances("Alternating, penalty") {
        // √(1 − 2hλ) = 0.98995 a step: 0.0176 in the 400 steps between the ends of two fifths that are two apart.
        assert!(run[4] < 0.03 * run[2], "{run:?}");
    }
}

/// The damping of every step, what became of the step, and the eigenvalues of the metrics, in the file and as a picture.
#[test]
fn dampings_and_spectra_of_metrics_are_in_the_file() {
    let text = SMALL.replace(
        "kind = \"natural\"",
        "kind = \"natural\"\ndamping = \"adaptive\"",
    ) + "\n[output]\nmetric-spectra = [0, 40, 20]\n";
    let folder = folder(&text);
    ottoflow(folder.path(), &words("compare small.toml -q --plots .")).assert_done();
    let picture = folder.path().join("metric-spectra.svg");
    assert!(std::fs::metadata(picture).unwrap().len() > 1000);
    let file = File::open(folder.path().join("small.h5")).unwrap();
    let group = file.group("optimizers/Natural gradient").unwrap();
    let read = |name: &str| -> Vec<f64> { group.dataset(name).unwrap().read_raw().unwrap() };
    let (damping, ratio) = (read("damping"), read("fall_ratio"));
    let (rungs, kept) = (read("damping_rungs"), read("step_kept"));
    assert_eq!(group.dataset("damping").unwrap().shape(), [3, 40]);
    assert!(rungs.iter().all(|count| *count == 0.0));
    for (run, ratios) in damping.chunks(40).zip(ratio.chunks(40)) {
        assert_eq!(run[0], 1e-4);
        for (pair, ratio) in run.windows(2).zip(ratios) {
            let expected = match *ratio {
                ratio if ratio > 0.75 => (0.5 * pair[0]).max(DAMPING_BOUNDS[0]),
                ratio if ratio < 0.25 => 2.0 * pair[0],
                _ => pair[0],
            };
            assert_eq!(pair[1], expected, "after the ratio {ratio}");
        }
    }
    for (kept, ratio) in kept.iter().zip(&ratio) {
        assert_eq!(*kept == 1.0, ratio.is_nan() || *ratio >= 0.0);
    }
    assert_eq!(read("spectrum_step"), [0.0, 20.0, 40.0]);
    let (sample, otto) = (read("metric_eigenvalues"), read("metric_eigenvalues_otto"));
    let (trace, trace_otto) = (read("metric_trace"), read("metric_trace_otto"));
    assert_eq!(sample.len(), 3 * 3 * 17);
    for (all, traces) in [(&sample, &trace), (&otto, &trace_otto)] {
        for spectrum in all.chunks(17) {
            assert!(spectrum.windows(2).all(|pair| pair[0] >= pair[1]));
            assert!(spectrum[16] >= 0.0);
        }
        // Of the last step they add up to the trace.
        for (run, trace) in all.chunks(3 * 17).zip(traces) {
            let sum: f64 = run[34..].iter().sum();
            assert!((sum - trace).abs() < 1e-9 * trace, "{sum} {trace}");
        }
    }
    // g ⪯ G̃, so that each eigenvalue is no larger (Weyl).
    for (own, larger) in otto.iter().zip(&sample) {
        assert!(*own <= larger * (1.0 + 1e-9) + 1e-12);
    }
}
