use std::io::{IsTerminal, Write};
use std::path::Path;

use super::{CommandError, print};
use crate::flow::Device;
use crate::validation::{Check, Outcome, checks};

/// Runs the named checks, or all, and prints a line for each.
pub(super) fn validate(
    names: &[String],
    device: &Device,
    json: Option<&Path>,
    markdown: bool,
) -> Result<(), CommandError> {
    let chosen = choose(names, device)?;
    let mut outcomes = Vec::new();
    if markdown {
        print(
            "| check | claim | reference | measured | bound | verdict |\n|---|---|---|---|---|---|",
        )?;
    }
    for check in chosen {
        show_current(check.name);
        let outcome = check.run(device);
        show_current("");
        print(&shown(&outcome, markdown))?;
        outcomes.push(outcome);
    }
    if let Some(path) = json {
        let failed = |source| CommandError::Write {
            path: path.to_owned(),
            source,
        };
        let text = serde_json::to_string_pretty(&outcomes).map_err(|error| failed(error.into()))?;
        std::fs::write(path, text + "\n").map_err(failed)?;
    }
    let failed: Vec<&str> = outcomes
        .iter()
        .filter(|outcome| !outcome.measurement.holds)
        .map(|outcome| outcome.name)
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(CommandError::Validation {
        failed: failed.join(", "),
    })
}

/// Names the check that runs, on a terminal only; nobody listening is no reason to stop.
fn show_current(name: &str) {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        let _ = write!(stderr, "\r\x1b[K{name}");
    }
}

fn shown(outcome: &Outcome, markdown: bool) -> String {
    let Outcome {
        name,
        claim,
        reference,
        measurement,
        seconds,
    } = outcome;
    let verdict = if measurement.holds { "holds" } else { "FAILS" };
    if markdown {
        let bar = |text: &str| text.replace('|', "\\|");
        let cells = [
            *name,
            claim,
            reference,
            &measurement.measured,
            &measurement.bound,
            verdict,
        ]
        .map(bar);
        return format!("| {} |", cells.join(" | "));
    }
    format!(
        "{verdict}  {name}  ({seconds:.1} s)\n       {claim}\n       {reference}\n       measured: {}\n       bound:    {}",
        measurement.measured, measurement.bound
    )
}

fn choose(names: &[String], device: &Device) -> Result<Vec<Check>, CommandError> {
    let all = checks(device);
    if names.is_empty() {
        return Ok(all);
    }
    let find = |name: &String| {
        all.iter()
            .find(|check| check.name == name)
            .copied()
            .ok_or_else(|| {
                let valid: Vec<&str> = all.iter().map(|check| check.name).collect();
                let nearest = valid.iter().max_by(|a, b| {
                    strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name))
                });
                let hint = nearest
                    .map(|nearest| format!("; did you mean {nearest:?}?"))
                    .unwrap_or_default();
                CommandError::Usage(format!(
                    "found no check {name:?}, expected one of {}{hint}",
                    valid.join(", ")
                ))
            })
    };
    names.iter().map(find).collect()
}
