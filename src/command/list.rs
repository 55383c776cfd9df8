use std::path::Path;

use include_dir::{Dir, include_dir};

use super::{CommandError, print};
use crate::density::Density;
use crate::divergence::DivergenceKind;
use crate::output::console::{Alignment, Table};
use crate::scenario;

/// The scenarios of the repository, carried in the program.
static SCENARIOS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/scenarios");

/// Names what a scenario can be made of, and the scenarios that come with the program.
pub(super) fn list(write: Option<&Path>) -> Result<(), CommandError> {
    if let Some(folder) = write {
        let failed = |source| CommandError::Write {
            path: folder.to_owned(),
            source,
        };
        std::fs::create_dir_all(folder).map_err(failed)?;
        SCENARIOS.extract(folder).map_err(failed)?;
        return print(&format!("wrote the scenarios to {}", folder.display()));
    }
    let mut table = Table::new(&[("scenario", Alignment::Left), ("shows", Alignment::Left)]);
    let mut files: Vec<_> = SCENARIOS
        .files()
        .filter(|file| file.path().extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort_by_key(|file| file.path());
    for file in files {
        let name = file.path().display().to_string();
        let text = file.contents_utf8().unwrap_or_default();
        let scenario = scenario::parse(text, &name, Path::new("scenarios"), &[])?;
        table.row([name, scenario.law.unwrap_or(scenario.title)]);
    }
    print(table.to_string().trim_end())?;

    let mut comparisons =
        Table::new(&[("comparison", Alignment::Left), ("shows", Alignment::Left)]);
    let mut files: Vec<_> = match SCENARIOS.get_dir("generators") {
        Some(folder) => folder.files().collect(),
        None => Vec::new(),
    };
    files.sort_by_key(|file| file.path());
    for file in files {
        let name = file.path().display().to_string();
        let text = file.contents_utf8().unwrap_or_default();
        let comparison = scenario::parse_comparison(text, &name, &[])?;
        comparisons.row([name, comparison.law.unwrap_or(comparison.title)]);
    }
    print(&format!("\n{}", comparisons.to_string().trim_end()))?;

    let mut divergences = Table::new(&[
        ("divergence", Alignment::Left),
        ("J(ρ)", Alignment::Left),
        ("source", Alignment::Left),
    ]);
    for kind in DivergenceKind::ALL {
        divergences.row([kind.name(), kind.formula(), kind.reference()].map(str::to_owned));
    }
    print(&format!("\n{}", divergences.to_string().trim_end()))?;

    let mut methods = Table::new(&[
        ("method", Alignment::Left),
        ("orders", Alignment::Left),
        ("runs on", Alignment::Left),
    ]);
    for (name, orders, devices) in [
        ("explicit", "1, 2, 3", "cpu (f64, f32), gpu (f32)"),
        (
            "implicit",
            "1, 2; adaptive",
            "cpu (f64), 2-D and 3-D also gpu (f64)",
        ),
        (
            "jko",
            "1, 2; certified, adaptive",
            "cpu (f64), 2-D and 3-D also gpu (f64)",
        ),
        (
            "staggered (inertial)",
            "1, 2; adaptive",
            "cpu (f64), gpu (f64)",
        ),
    ] {
        methods.row([name, orders, devices].map(str::to_owned));
    }
    print(&format!("\n{}", methods.to_string().trim_end()))?;
    print("\noptimizers: sgd, adam, natural, momentum-natural, inertial, langevin")?;
    print(&format!("\ndensities: {}", Density::names().join(", ")))
}
