use std::path::Path;

use super::{CommandError, print};
use crate::calculus::Real;
use crate::divergence::DivergenceKind;
use crate::grid::{Field, Grid};
use crate::metrics::{divergence, wasserstein_1d};
use crate::output::console::{Alignment, Table, number};
use crate::output::hdf5::Trajectory;
use crate::problem::{Problem, State};

/// Prints the distances of two trajectories at their common times.
pub(super) fn diff(first: &Path, second: &Path) -> Result<(), CommandError> {
    let (a, b) = (Trajectory::open(first)?, Trajectory::open(second)?);
    let grid = common_grid(&a, &b)?;
    let pairs = common_times(a.times(), b.times());
    if pairs.is_empty() {
        let message = format!(
            "{} and {} have no time in common: run both with the same [output] times",
            first.display(),
            second.display()
        );
        return Err(CommandError::Usage(message));
    }
    let columns = [
        "time",
        "L1",
        "W2",
        "JSD",
        "J of the first",
        "J of the second",
    ];
    let mut table = Table::new(&columns.map(|name| (name, Alignment::Right)));
    let (divergence_a, divergence_b) = (a.metric("divergence")?, b.metric("divergence")?);
    let mut largest = 0.0_f64;
    for (i, j) in pairs {
        let rho_a = coarsened(&a.field("density", i)?, &grid);
        let rho_b = coarsened(&b.field("density", j)?, &grid);
        let l1 = rho_a
            .iter()
            .zip(&rho_b)
            .map(|(p, q)| (p - q).abs())
            .sum::<f64>()
            * grid.cell_volume();
        largest = largest.max(l1);
        let wasserstein =
            wasserstein_1d(&grid, &rho_a, &rho_b).map_or_else(|| "–".to_owned(), number);
        table.row([
            number(a.times()[i]),
            number(l1),
            wasserstein,
            number(jensen_shannon(&grid, &rho_a, &rho_b)),
            number(divergence_a[i]),
            number(divergence_b[j]),
        ]);
    }
    print(&format!(
        "{}\nlargest L1 distance {}",
        table.to_string().trim_end(),
        number(largest)
    ))
}

/// JSD of two densities; cells where either is 0 count by the other's mass.
fn jensen_shannon(grid: &Grid, first: &Field, second: &Field) -> f64 {
    let floor = f64::MIN_POSITIVE;
    let log = |field: &Field| field.mapv(|value| Real::ln(value.max(floor)));
    let log_target = log(second);
    let state = State {
        time: 0.0,
        log_ratio: log(first) - &log_target,
    };
    let problem = Problem {
        grid: grid.clone(),
        log_target,
        divergence: DivergenceKind::JensenShannon,
    };
    0.5 * divergence(&problem, &state)
}

/// The coarser of the two grids, if the other divides its cells evenly on the same box.
fn common_grid(a: &Trajectory, b: &Trajectory) -> Result<Grid, CommandError> {
    let (p, q) = (a.grid(), b.grid());
    let same_box = p.dimension() == q.dimension()
        && p.axes()
            .iter()
            .zip(q.axes())
            .all(|(p, q)| p.lower == q.lower && p.upper == q.upper);
    let divides = |fine: &Grid, coarse: &Grid| {
        fine.axes()
            .iter()
            .zip(coarse.axes())
            .all(|(fine, coarse)| fine.cells % coarse.cells == 0)
    };
    if same_box && divides(p, q) {
        Ok(q.clone())
    } else if same_box && divides(q, p) {
        Ok(p.clone())
    } else {
        let shape = |grid: &Grid| {
            let axes = grid.axes().iter();
            let axes = axes
                .map(|axis| format!("[{}, {}] in {} cells", axis.lower, axis.upper, axis.cells));
            axes.collect::<Vec<_>>().join(" × ")
        };
        Err(CommandError::Usage(format!(
            "the grids cannot be compared: {} is {}, {} is {}; expected the same box, and cells of which one is a whole multiple of the other",
            a.path().display(),
            shape(p),
            b.path().display(),
            shape(q)
        )))
    }
}

/// Means over the cells of the coarser grid.
fn coarsened(field: &Field, grid: &Grid) -> Field {
    let (fine, coarse) = (field.dim(), grid.shape());
    let factor = (fine.0 / coarse.0, fine.1 / coarse.1, fine.2 / coarse.2);
    let mut means = Field::zeros(coarse);
    for ((k, j, i), value) in field.indexed_iter() {
        means[[k / factor.0, j / factor.1, i / factor.2]] += value;
    }
    means / (factor.0 * factor.1 * factor.2) as f64
}

/// Pairs of frames whose times agree to rounding.
fn common_times(first: &[f64], second: &[f64]) -> Vec<(usize, usize)> {
    let close = |s: f64, t: f64| (s - t).abs() <= 1e-9 * s.abs().max(t.abs());
    let partner = |t: f64| second.iter().position(|s| close(*s, t));
    let pairs = first.iter().enumerate();
    pairs
        .filter_map(|(i, t)| partner(*t).map(|j| (i, j)))
        .collect()
}
