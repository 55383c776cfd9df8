//! Malformed generator scenarios: each is refused with one line that names the place, the key, what was found and what was expected.

use std::path::Path;

use ottoflow::scenario::{Comparison, load_comparison, parse_comparison};

const VALID: &str = r#"title = "A test"

[target]
kind = "gaussian"
mean = [8.0]
std = [1.25]

[generator]
kind = "mlp"
latent = 4
hidden = [8]
activation = "relu"

[critic]
kind = "mlp"
hidden = [8]

[training]
steps = 100
batch = 32
seeds = 2
loss = "non-saturating"

[[optimizer]]
name = "SGD"
kind = "sgd"
learning-rate = 1e-2

[[optimizer]]
name = "Natural"
kind = "natural"
learning-rate = 1e-3
"#;

/// What is replaced in the valid scenario, by what, and the message.
#[rustfmt::skip]
const EDITS: &[(&str, &str, &str)] = &[
    ("[training]", "[trainig]", "s.toml:18:2: trainig: unknown key, expected one of \"title\", \"law\", \"target\", \"generator\", \"critic\", \"training\", \"grid\", \"output\", \"optimizer\"; did you mean \"training\"?"),
    ("activation = \"relu\"", "activation = \"rleu\"", "s.toml:12:14: generator.activation: found \"rleu\", expected one of \"relu\", \"leaky-relu\", \"tanh\", \"softplus\", \"silu\"; did you mean \"relu\"?"),
    ("hidden = [8]\nactivation", "hidden = []\nactivation", "s.toml:11:10: generator.hidden: found an empty list, expected at least one width; a generator without a hidden layer is `kind = \"affine\"`"),
    ("hidden = [8]\nactivation", "hidden = [8, 0]\nactivation", "s.toml:11:14: generator.hidden.1: found 0, expected a whole number from 1 to 65536"),
    ("hidden = [8]\nactivation", "activation", "s.toml:8:1: generator.hidden: missing, but required"),
    ("latent = 4", "latent = 0", "s.toml:10:10: generator.latent: found 0, expected a whole number from 1 to 65536"),
    ("kind = \"mlp\"\nlatent", "kind = \"affine\"\nlatent", "s.toml:11:10: generator.hidden: found `hidden`, expected no such key: only the kind \"mlp\" has it"),
    ("activation = \"relu\"", "matrix = [[1.0]]", "s.toml:12:10: generator.matrix: found `matrix`, expected no such key: only the kind \"affine\" has it"),
    ("batch = 32", "batch = 0", "s.toml:20:9: training.batch: found 0, expected a whole number from 2 to 65536"),
    ("batch = 32", "batch = -3", "s.toml:20:9: training.batch: found -3, expected a whole number that is not negative"),
    ("seeds = 2", "seeds = 0", "s.toml:21:9: training.seeds: found 0, expected a whole number above 0"),
    ("steps = 100", "steps = 0", "s.toml:19:9: training.steps: found 0, expected a whole number above 0"),
    ("loss = \"non-saturating\"", "loss = \"nonsaturating\"", "s.toml:22:8: training.loss: found \"nonsaturating\", expected one of \"saturating\", \"non-saturating\", \"kl\", \"reverse-kl\", \"chi-squared\", \"hellinger\", \"relativistic\", \"wasserstein\"; did you mean \"non-saturating\"?"),
    ("loss = \"non-saturating\"", "loss = \"wasserstein\"", "s.toml:14:1: critic.penalty: missing, but required"),
    ("learning-rate = 1e-2", "learning-rate = nan", "s.toml:27:17: optimizer.0.learning-rate: found nan, expected a finite number"),
    ("learning-rate = 1e-2", "learning-rate = 0.0", "s.toml:27:17: optimizer.0.learning-rate: found 0.0, expected a number above 0"),
    ("learning-rate = 1e-2", "learning-rat = 1e-2", "s.toml:27:1: optimizer.0.learning-rat: unknown key, expected one of \"name\", \"kind\", \"learning-rate\", \"momentum\", \"nesterov\", \"beta1\", \"beta2\", \"metric\", \"damping\", \"friction\", \"connection\", \"temperature\", \"schedule\", \"schedule-every\", \"schedule-factor\", \"critic-optimizer\", \"critic-penalty\", \"updates\"; did you mean \"learning-rate\"?"),
    ("learning-rate = 1e-2", "learning-rate = 1e-2\nmomentum = 1.0", "s.toml:28:12: optimizer.0.momentum: found 1.0, expected a number of at least 0 and below 1"),
    ("learning-rate = 1e-2", "learning-rate = 1e-2\nfriction = 1.0", "s.toml:28:12: optimizer.0.friction: found `friction`, expected no such key: this kind of optimizer has none"),
    ("learning-rate = 1e-2", "learning-rate = 1e-2\nschedule = \"step\"", "s.toml:24:1: optimizer.0.schedule-every: missing, but required"),
    ("learning-rate = 1e-2", "learning-rate = 1e-2\nschedule-every = 5", "s.toml:28:18: optimizer.0.schedule-every: found `schedule-every`, expected no such key: only `schedule = \"step\"` has it"),
    ("kind = \"sgd\"", "kind = \"langevin\"", "s.toml:24:1: optimizer.0.temperature: missing, but required"),
    ("kind = \"natural\"", "kind = \"naturl\"", "s.toml:31:8: optimizer.1.kind: found \"naturl\", expected one of \"sgd\", \"adam\", \"natural\", \"momentum-natural\", \"inertial\", \"langevin\"; did you mean \"natural\"?"),
    ("kind = \"natural\"", "kind = \"natural\"\ndamping = -1.0", "s.toml:32:11: optimizer.1.damping: found -1.0, expected a number that is not negative"),
    ("name = \"Natural\"", "name = \"SGD\"", "s.toml:30:8: optimizer.1.name: found \"SGD\" for the second time, expected a name of its own"),
    ("name = \"Natural\"", "name = \"a/b\"", "s.toml:30:8: optimizer.1.name: found \"a/b\", expected a text without `/` that is not empty"),
    ("kind = \"gaussian\"\nmean = [8.0]\nstd = [1.25]", "kind = \"formula\"\nexpression = \"1\"", "s.toml:4:8: target.kind: found a density that cannot be drawn from without a grid, expected \"gaussian\", \"mixture\" or \"ring\""),
    ("kind = \"gaussian\"\nmean = [8.0]\nstd = [1.25]", "kind = \"ring\"\nmodes = 8\nradius = 1\nstd = 0.1\ncenter = [0.0]", "s.toml:4:8: target.kind: found a grid with 1 axes, this kind of density needs 2 or 3"),
    ("std = [1.25]", "std = [1.25]\nfloor = 0.1", "s.toml:7:9: target.floor: found a background over a box, but a generator scenario has no box; remove `floor`"),
    ("kind = \"mlp\"\nhidden = [8]\n\n[training]", "kind = \"exact\"\nhidden = [8]\n\n[training]", "s.toml:16:10: critic.hidden: found `hidden`, expected no such key: an exact critic is not trained"),
    ("kind = \"mlp\"\nhidden = [8]\n\n[training]", "kind = \"mlp\"\noptimizer = { kind = \"adam\", learning-rate = 1e-3, momentum = 0.5 }\n\n[training]", "s.toml:16:63: critic.optimizer.momentum: found `momentum`, expected no such key: this kind of optimizer has none"),
    ("kind = \"mlp\"\nlatent = 4\nhidden = [8]\nactivation = \"relu\"", "kind = \"dirac\"\nlatent = 4\nposition = [0.0]", "s.toml:10:10: generator.latent: found `latent`, expected no such key: only the kind \"mlp\" has it"),
    ("kind = \"mlp\"\nlatent = 4\nhidden = [8]\nactivation = \"relu\"", "kind = \"dirac\"\nposition = [0.0, 1.0]", "s.toml:10:12: generator.position: found 2 entries, expected 1: one number for each coordinate of the target"),
    ("kind = \"mlp\"\nlatent = 4\nhidden = [8]\nactivation = \"relu\"", "kind = \"dirac\"", "s.toml:8:1: generator.position: missing, but required"),
    ("kind = \"gaussian\"\nmean = [8.0]\nstd = [1.25]", "kind = \"dirac\"\nposition = []", "s.toml:5:12: target.position: found 0 numbers, expected 1 to 16"),
    ("kind = \"mlp\"\nhidden = [8]\n\n[training]", "kind = \"linear\"\nhidden = [8]\n\n[training]", "s.toml:16:10: critic.hidden: found `hidden`, expected no such key: only the kind \"mlp\" has it"),
    ("kind = \"sgd\"", "kind = \"sgd\"\ncritic-penalty = 0.0", "s.toml:27:18: optimizer.0.critic-penalty: found 0.0, expected a number above 0"),
    ("kind = \"sgd\"", "kind = \"sgd\"\nupdates = \"both\"", "s.toml:27:11: optimizer.0.updates: found \"both\", expected one of \"alternating\", \"simultaneous\""),
    ("kind = \"natural\"", "kind = \"natural\"\ndamping = \"adaptve\"", "s.toml:32:11: optimizer.1.damping: found \"adaptve\", expected a number or \"adaptive\""),
    ("kind = \"natural\"", "kind = \"inertial\"\ndamping = \"adaptive\"", "s.toml:32:11: optimizer.1.damping: found \"adaptive\", expected a number: only natural and momentum-natural adapt it"),
    ("[training]", "[output]\nmetric-spectra = [0, 101]\n\n[training]", "s.toml:19:22: output.metric-spectra.1: found 101, expected at most the 100 steps of training"),
    ("[training]", "[critic.optimizer]\nkind = \"sgd\"\nlearning-rate = -1.0\n\n[training]", "s.toml:20:17: critic.optimizer.learning-rate: found -1.0, expected a number above 0"),
];

fn read(text: &str, overrides: &[String]) -> Result<Comparison, String> {
    parse_comparison(text, "s.toml", overrides).map_err(|error| error.to_string())
}

#[test]
fn every_malformed_comparison_is_refused_at_its_place() {
    read(VALID, &[]).unwrap();
    let mut wrong = Vec::new();
    for (old, new, message) in EDITS {
        assert!(VALID.contains(old), "{old:?}");
        match read(&VALID.replacen(old, new, 1), &[]) {
            Ok(_) => wrong.push(format!("{new:?} was accepted")),
            Err(found) if found != *message => wrong.push(format!("{found}\n  for {message}")),
            Err(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_flow_is_sent_to_the_command_that_runs_it() {
    let flow = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/one-to-two.toml");
    let error = load_comparison(&flow, &[]).unwrap_err().to_string();
    assert!(
        error.ends_with("grid: a flow on a grid is run by `ottoflow run`"),
        "{error}"
    );
}

#[test]
fn the_spectrum_of_the_game_needs_two_players_that_fit_in_memory() {
    let asked = |others: &[&str]| {
        let mut overrides = vec!["output.spectrum=true".to_owned()];
        overrides.extend(others.iter().map(|text| (*text).to_owned()));
        read(VALID, &overrides)
    };
    assert!(asked(&[]).unwrap().training.observations.game_spectrum);
    let error = asked(&["generator.hidden=[400]"]).unwrap_err();
    let expected = "found 2426 parameters of both players, expected at most 2000: the whole Jacobian is needed";
    assert!(error.ends_with(expected), "{error}");
    let exact = VALID.replace(
        "[critic]\nkind = \"mlp\"\nhidden = [8]",
        "[critic]\nkind = \"exact\"",
    );
    let overrides = ["output.spectrum=true", "training.loss=kl"];
    let error = read(&exact, &overrides.map(str::to_owned)).unwrap_err();
    let expected = "expected a critic that is trained: alone, the generator plays no game";
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn overrides_reach_every_table() {
    let overrides = [
        "training.seeds=32",
        "optimizer.1.damping=0.5",
        "generator.hidden=[3, 4]",
    ];
    let scenario = read(VALID, &overrides.map(str::to_owned)).unwrap();
    assert_eq!(scenario.seeds, 32);
    assert_eq!(scenario.training.generator.network.widths(), [4, 3, 4, 1]);
    assert!(scenario.text.contains("damping = 0.5"), "{}", scenario.text);
    let error = read(VALID, &["optimizer.1.damping=-1".to_owned()]).unwrap_err();
    assert!(
        error.starts_with("--set optimizer.1.damping=-1: "),
        "{error}"
    );
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let scenario = read(VALID, &[]).unwrap();
    assert_eq!(scenario.training.record_every, 1);
    assert_eq!(scenario.training.evaluation, 4096);
    assert_eq!(scenario.training.steps, 100);
    assert_eq!(scenario.target.dimension(), 1);
    let affine = VALID.replace(
        "kind = \"mlp\"\nlatent = 4\nhidden = [8]\nactivation = \"relu\"",
        "kind = \"affine\"\nlatent = 2\nmatrix = [[0.5, 1.0]]",
    );
    let scenario = read(&affine, &[]).unwrap();
    assert_eq!(
        scenario.training.generator.initial,
        Some(vec![0.5, 1.0, 0.0])
    );
}

#[test]
fn a_point_has_no_density_ratio_and_none_on_a_grid() {
    let text = VALID.replace(
        "kind = \"gaussian\"\nmean = [8.0]\nstd = [1.25]",
        "kind = \"dirac\"\nposition = [0.0]",
    );
    read(&text, &[]).unwrap();
    let exact = text.replace(
        "[critic]\nkind = \"mlp\"\nhidden = [8]",
        "[critic]\nkind = \"exact\"",
    );
    let saturating = ["training.loss=saturating".to_owned()];
    let error = read(&exact, &saturating).unwrap_err();
    assert_eq!(
        error,
        "s.toml:14:8: critic.kind: found \"exact\", expected a critic that is trained: of a point there is no density ratio"
    );
}

/// Every generator scenario that comes with the program parses and states its law.
#[test]
fn the_shipped_comparisons_state_their_laws() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/generators");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let scenario = load_comparison(&path, &[]).unwrap_or_else(|error| panic!("{error}"));
        assert!(
            scenario.law.is_some_and(|law| !law.is_empty()),
            "{}",
            path.display()
        );
        count += 1;
    }
    assert!(count >= 1);
}
