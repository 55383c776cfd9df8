use super::{Check, CheckError, Measure, Measurement, flow_to, line};
use crate::exact::{PoissonKernel, convergence_order, l1_distance};
use crate::flow::{Device, MethodSettings, Stepping, start};
use crate::grid::{Axis, Boundary, Grid};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "order-in-space",
        claim: "the exact Poisson-kernel solution is met at order 2 in h, in 1-D and along the diagonal in periodic 2-D and 3-D",
        reference: "docs/mathematics.md, §5",
        measure: Measure::OnReference(order_in_space),
    },
    Check {
        name: "order-in-time",
        claim: "implicit steps of order 1 and 2, explicit steps of order 1, 2 and 3 have that order",
        reference: "docs/mathematics.md, eq. 10 to 13",
        measure: Measure::OnReference(order_in_time),
    },
];

/// a₀ = t₀/2 of the start: smooth enough for coarse grids.
const START: f64 = 1.25;

/// The unit box with periodic sides.
pub(super) fn periodic(dimension: usize, cells: usize) -> Result<Grid, CheckError> {
    let axis = Axis {
        lower: 0.0,
        upper: 1.0,
        cells,
        boundary: Boundary::Periodic,
    };
    Ok(Grid::new(vec![axis; dimension])?)
}

/// L1 error against the exact solution after `a` has grown by ½; in 1-D on the CPU in f64 alone.
pub(super) fn space_error(grid: Grid, device: &Device) -> Result<f64, CheckError> {
    let exact = PoissonKernel::on(&grid, START)
        .ok_or(CheckError::Missing("no exact solution on this grid"))?;
    let problem = PoissonKernel::problem(grid);
    let end = 1.0 / exact.squared_wave_number();
    // Time steps so short, or of an order so high, that the error in space is the whole.
    let settings = match problem.grid.dimension() {
        1 => MethodSettings::Implicit(Stepping::Fixed {
            step: end / 400.0,
            order: 2,
        }),
        _ => MethodSettings::Explicit {
            order: 2,
            step: None,
        },
    };
    let mut method = start(
        &problem,
        &exact.state(&problem.grid, 0.0),
        settings,
        device.clone(),
    )?;
    let computed = flow_to(method.as_mut(), end)?;
    Ok(l1_distance(
        &problem,
        &computed,
        &exact.state(&problem.grid, end),
    ))
}

fn order_in_space() -> Result<Measurement, CheckError> {
    let orders = |sizes: &[usize], grid: &dyn Fn(usize) -> Result<Grid, CheckError>| {
        let mut errors = Vec::new();
        for cells in sizes {
            errors.push((
                1.0 / *cells as f64,
                space_error(grid(*cells)?, &Device::CpuDouble)?,
            ));
        }
        Ok::<f64, CheckError>(convergence_order(&errors))
    };
    let one = orders(&[32, 64, 128, 256, 512], &|cells| {
        Ok(line(0.0, 1.0, cells, Boundary::NoFlux)?)
    })?;
    let two = orders(&[32, 64, 128, 256, 512], &|cells| periodic(2, cells))?;
    let three = orders(&[32, 64, 128], &|cells| periodic(3, cells))?;
    let measured = format!(
        "{one:.3} (1-D, 32 to 512 cells), {two:.3} (2-D, to 512²), {three:.3} (3-D, to 128³)"
    );
    let holds = [one, two, three]
        .iter()
        .all(|order| (order - 2.0).abs() <= 0.15);
    Ok(Measurement::new(measured, "2 ± 0.15", holds))
}

fn order_in_time() -> Result<Measurement, CheckError> {
    let grid = line(0.0, 1.0, 32, Boundary::NoFlux)?;
    let exact = PoissonKernel::on(&grid, START)
        .ok_or(CheckError::Missing("no exact solution on this grid"))?;
    let problem = PoissonKernel::problem(grid);
    let begin = exact.state(&problem.grid, 0.0);
    let end = 0.04;
    let solve = |settings| {
        flow_to(
            start(&problem, &begin, settings, Device::CpuDouble)?.as_mut(),
            end,
        )
    };
    // The error in time alone: against a run on the same cells with steps of an order and size beyond doubt.
    let reference = solve(MethodSettings::Explicit {
        order: 3,
        step: Some(end / 8192.0),
    })?;
    let order = |settings: &dyn Fn(f64) -> MethodSettings, steps: [f64; 4]| {
        let mut errors = Vec::new();
        for count in steps {
            let state = solve(settings(end / count))?;
            errors.push((end / count, l1_distance(&problem, &state, &reference)));
        }
        Ok::<f64, CheckError>(convergence_order(&errors))
    };
    let mut measured = Vec::new();
    let mut holds = true;
    for declared in [1_u8, 2] {
        let settings = move |step| {
            MethodSettings::Implicit(Stepping::Fixed {
                step,
                order: declared,
            })
        };
        let found = order(&settings, [16.0, 32.0, 64.0, 128.0])?;
        holds &= (found - f64::from(declared)).abs() <= 0.15;
        measured.push(format!("implicit {declared}: {found:.3}"));
    }
    for declared in [1_u8, 2, 3] {
        let settings = move |step| MethodSettings::Explicit {
            order: declared,
            step: Some(step),
        };
        let found = order(&settings, [128.0, 192.0, 256.0, 384.0])?;
        holds &= (found - f64::from(declared)).abs() <= 0.15;
        measured.push(format!("explicit {declared}: {found:.3}"));
    }
    Ok(Measurement::new(measured.join(", "), "each ± 0.15", holds))
}
