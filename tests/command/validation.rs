//! `ottoflow validate`: what it prints and writes. That the checks hold is theirs to say.

use crate::{Folder, ottoflow, words};

#[test]
fn a_check_prints_claim_measured_bound_and_verdict_and_writes_them() {
    let folder = Folder::empty();
    let line = "validate comparison-principle --json outcome.json";
    let outcome = ottoflow(folder.path(), &words(line));
    let stdout = &outcome.assert_done().stdout;
    assert!(
        stdout.starts_with("holds  comparison-principle  ("),
        "{stdout}"
    );
    for part in ["docs/mathematics.md", "measured: ", "bound:    "] {
        assert!(stdout.contains(part), "{part:?} in {stdout}");
    }
    assert_eq!(outcome.stderr, "");
    let text = std::fs::read_to_string(folder.path().join("outcome.json")).unwrap();
    let outcomes: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(outcomes.as_array().unwrap().len(), 1);
    assert_eq!(outcomes[0]["name"], "comparison-principle");
}

#[test]
fn the_table_in_markdown_has_a_row_for_each_named_check() {
    let folder = Folder::empty();
    let line = "validate --markdown order-in-time comparison-principle";
    let outcome = ottoflow(folder.path(), &words(line));
    let rows: Vec<&str> = outcome.assert_done().stdout.lines().collect();
    assert_eq!(rows.len(), 4);
    assert!(rows[2].starts_with("| order-in-time | "), "{}", rows[2]);
    assert!(rows[3].ends_with(" | holds |"), "{}", rows[3]);
}

#[test]
fn single_precision_runs_the_checks_of_devices_alone() {
    let folder = Folder::empty();
    let outcome = ottoflow(
        folder.path(),
        &words("validate --precision f32 device-equilibrium"),
    );
    let stdout = &outcome.assert_done().stdout;
    assert!(stdout.starts_with("holds  device-equilibrium"), "{stdout}");
    let outcome = ottoflow(
        folder.path(),
        &words("validate --precision f32 hermite-decay"),
    );
    outcome.assert_failed(2, &["expected one of device-equilibrium"]);
}

#[test]
fn an_unknown_check_is_answered_with_the_nearest() {
    let folder = Folder::empty();
    let outcome = ottoflow(folder.path(), &words("validate hermite-dekay"));
    let parts = [
        "found no check \"hermite-dekay\"",
        "did you mean \"hermite-decay\"?",
    ];
    outcome.assert_failed(2, &parts);
}

#[test]
fn outcomes_that_cannot_be_written_are_a_failure() {
    let folder = Folder::empty();
    let line = "validate comparison-principle --json nowhere/outcome.json";
    ottoflow(folder.path(), &words(line)).assert_failed(3, &["nowhere/outcome.json"]);
}
