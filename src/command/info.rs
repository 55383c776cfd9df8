use std::path::Path;

use super::{CommandError, print};
use crate::grid::{AXIS_NAMES, Boundary};
use crate::output::console::{Alignment, Table, number};
use crate::output::hdf5::{Attributes, Contents, Trajectory, repair};

/// What is in a file, of a trajectory or of a comparison.
pub(super) fn info(file: &Path) -> Result<(), CommandError> {
    match Contents::open(file)? {
        Contents::Trajectory(trajectory) => info_of_trajectory(&trajectory),
        Contents::Comparison(comparison) => super::compare::info(&comparison),
    }
}

/// What the root attributes say.
pub(super) fn about(attributes: &Attributes) -> Table {
    let mut about = Table::new(&[("", Alignment::Left), ("", Alignment::Left)]);
    let mut row = |name: &str, value: String| about.row([name.to_owned(), value]);
    row("title", attributes.title.clone());
    row("status", attributes.status.name().to_owned());
    row(
        "created",
        format!(
            "{} by ottoflow {}",
            attributes.created, attributes.program_version
        ),
    );
    row(
        "computed on",
        format!("{} in {}", attributes.device, attributes.precision),
    );
    about
}

fn info_of_trajectory(trajectory: &Trajectory) -> Result<(), CommandError> {
    let times = trajectory.times();
    let mut about = about(trajectory.attributes());
    let mut row = |name: &str, value: String| about.row([name.to_owned(), value]);
    for (axis, name) in trajectory.grid().axes().iter().zip(AXIS_NAMES) {
        let boundary = match axis.boundary {
            Boundary::NoFlux => "no-flux",
            Boundary::Periodic => "periodic",
        };
        row(
            name,
            format!(
                "{} cells from {} to {}, {boundary}",
                axis.cells,
                number(axis.lower),
                number(axis.upper)
            ),
        );
    }
    let span = match (times.first(), times.last()) {
        (Some(first), Some(last)) => format!(" from t = {} to {}", number(*first), number(*last)),
        _ => String::new(),
    };
    row("frames", format!("{}{span}", trajectory.frames()));
    row("fields", trajectory.field_names().join(", "));
    let steps = trajectory.steps()?;
    let rows = steps.first().map_or(0, |(_, values)| values.len());
    row(
        "steps",
        format!(
            "{rows} rows of {}",
            steps
                .iter()
                .map(|(name, _)| name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        ),
    );
    print(about.to_string().trim_end())?;

    let mut metrics = Table::new(&[
        ("metric", Alignment::Left),
        ("first", Alignment::Right),
        ("last", Alignment::Right),
    ]);
    for name in trajectory.metric_names() {
        let values = trajectory.metric(name)?;
        let shown = |value: Option<&f64>| value.map_or_else(String::new, |value| number(*value));
        metrics.row([name.clone(), shown(values.first()), shown(values.last())]);
    }
    print(&format!("\n{}", metrics.to_string().trim_end()))
}

/// Makes a file whole again and says what was done.
pub(super) fn repair_file(file: &Path) -> Result<(), CommandError> {
    print(&format!("{}: {}", file.display(), repair(file)?))
}
