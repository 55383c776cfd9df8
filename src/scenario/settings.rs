//! The checks that need more than one key.

use super::document::{Dynamics, GridSection, MethodKind, OutputField, OutputSection, TimeSection};
use super::error::{Fault, Problem};
use crate::density::OneOrEach;
use crate::grid::{AXIS_NAMES, Axis, Grid, GridError};

/// How time is stepped.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeSettings {
    /// The time at which the run ends; it starts at 0.
    pub end: f64,
    /// The method of integration.
    pub method: MethodKind,
    /// The order asked for; the method's own choice if none.
    pub order: Option<u8>,
    /// The size of the steps.
    pub stepping: Stepping,
    /// The largest duality gap of a JKO step relative to W2²/(2τ).
    pub gap: f64,
}

/// The size of the time steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stepping {
    /// This step, shortened only to land on output times.
    Fixed(f64),
    /// Steps whose L1 error of ρ is below the tolerance.
    Adaptive {
        /// The bound of the error of one step; of two for `jko`.
        tolerance: f64,
        /// The largest step, if there is one.
        largest: Option<f64>,
    },
    /// The largest step that keeps min r ≤ r ≤ max r.
    Automatic,
}

/// What is written, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputSettings {
    /// The output times in increasing order, from 0 to the end.
    pub times: Vec<f64>,
    /// The fields that are written.
    pub fields: Vec<OutputField>,
    /// Whether W2(ρ, π) is computed where quantiles do not give it.
    pub wasserstein: bool,
}

/// Tolerance of the implicit method where a scenario names neither `step` nor `tolerance`.
pub(super) const DEFAULT_TOLERANCE: f64 = 1e-4;
/// Duality gap of a JKO step, relative to W2²/(2τ), where a scenario names none.
const DEFAULT_GAP: f64 = 1e-8;
const DEFAULT_INTERVALS: usize = 50;
const MAXIMAL_OUTPUT_TIMES: f64 = 1e6;

impl GridSection {
    pub(super) fn checked(self) -> Result<Grid, Fault> {
        let dimension = self.lower.len();
        if !(1..=AXIS_NAMES.len()).contains(&dimension) {
            return Err(Problem::from(GridError::Dimension(dimension)).at("lower"));
        }
        let boundary = match self.boundary {
            OneOrEach::One(word) => vec![word; dimension],
            OneOrEach::Each(words) => words,
        };
        let lengths = [
            ("upper", self.upper.len()),
            ("cells", self.cells.len()),
            ("boundary", boundary.len()),
        ];
        for (key, length) in lengths {
            if length != dimension {
                return Err(unexpected(
                    key,
                    format!("{length} entries"),
                    &format!("{dimension}: as many as `lower` has"),
                ));
            }
        }
        let axes = (0..dimension).map(|axis| Axis {
            lower: self.lower[axis],
            upper: self.upper[axis],
            cells: self.cells[axis],
            boundary: boundary[axis].into(),
        });
        Grid::new(axes.collect()).map_err(|error| {
            let index = |axis| {
                AXIS_NAMES
                    .iter()
                    .position(|name| *name == axis)
                    .unwrap_or(0)
            };
            let key = match error {
                GridError::Bounds { axis, .. } => format!("upper.{}", index(axis)),
                GridError::Cells { axis, .. } => format!("cells.{}", index(axis)),
                GridError::Dimension(_) | GridError::TooLarge(_) => "cells".to_owned(),
            };
            Problem::from(error).at(&key)
        })
    }
}

impl TimeSection {
    /// Checks the section.
    pub(super) fn checked(self, dynamics: Dynamics) -> Result<TimeSettings, Fault> {
        positive("end", self.end)?;
        let staggered = self.method == MethodKind::Staggered;
        match dynamics {
            Dynamics::Inertial if !staggered => {
                let expected = "\"staggered\", the method of dynamics = \"inertial\"";
                return Err(unexpected("method", self.method.word(), expected));
            }
            Dynamics::Gradient if staggered => {
                let expected = "\"explicit\", \"implicit\" or \"jko\": \"staggered\" is for dynamics = \"inertial\"";
                return Err(unexpected("method", self.method.word(), expected));
            }
            _ => {}
        }
        let (orders, expected) = match self.method {
            MethodKind::Explicit => (1..=3, "an order from 1 to 3 for the method \"explicit\""),
            MethodKind::Implicit => (1..=2, "an order from 1 to 2 for the method \"implicit\""),
            MethodKind::Staggered => (1..=2, "an order from 1 to 2 for the method \"staggered\""),
            MethodKind::Jko => (1..=2, "an order from 1 to 2 for the method \"jko\""),
        };
        if let Some(order) = self.order
            && !orders.contains(&order)
        {
            return Err(unexpected("order", order, expected));
        }
        if let Some(step) = self.step {
            positive("step", step)?;
        }
        let adaptive = |tolerance: f64, largest| {
            if tolerance > 0.0 && tolerance < 1.0 {
                Ok(Stepping::Adaptive { tolerance, largest })
            } else {
                let expected = "a number above 0 and below 1";
                Err(unexpected("tolerance", tolerance, expected))
            }
        };
        let stepping = match (self.method, self.step, self.tolerance) {
            (MethodKind::Jko, largest, Some(tolerance)) => adaptive(tolerance, largest)?,
            (_, Some(_), Some(_)) => return Err(Problem::Exclusive { key: "step" }.at("tolerance")),
            (_, Some(step), None) => Stepping::Fixed(step),
            (MethodKind::Jko, None, None) => return Err(Problem::Missing.at("step")),
            (MethodKind::Explicit, None, Some(tolerance)) => {
                let expected = "`step` or nothing: the method \"explicit\" has no error control";
                return Err(unexpected("tolerance", tolerance, expected));
            }
            (MethodKind::Staggered, None, _) if self.order == Some(1) => {
                let expected = "order 2, or a fixed `step`: order 1 has no error control";
                return Err(unexpected("order", 1, expected));
            }
            (MethodKind::Implicit | MethodKind::Staggered, None, Some(tolerance)) => {
                adaptive(tolerance, None)?
            }
            (MethodKind::Explicit, None, None) => Stepping::Automatic,
            (MethodKind::Implicit | MethodKind::Staggered, None, None) => {
                adaptive(DEFAULT_TOLERANCE, None)?
            }
        };
        let gap = match (self.gap, self.method) {
            (None, _) => DEFAULT_GAP,
            (Some(gap), MethodKind::Jko) if gap > 0.0 && gap < 1.0 => gap,
            (Some(gap), MethodKind::Jko) => {
                return Err(unexpected("gap", gap, "a number above 0 and below 1"));
            }
            (Some(gap), _) => {
                let expected = "no such key: only the method \"jko\" has a duality gap";
                return Err(unexpected("gap", gap, expected));
            }
        };
        Ok(TimeSettings {
            end: self.end,
            method: self.method,
            order: self.order.and_then(|order| u8::try_from(order).ok()),
            stepping,
            gap,
        })
    }
}

impl OutputSection {
    pub(super) fn checked(self, end: f64) -> Result<OutputSettings, Fault> {
        let inner = match (self.every, self.times) {
            (Some(_), Some(_)) => return Err(Problem::Exclusive { key: "every" }.at("times")),
            (Some(every), None) => multiples(every, end)?,
            (None, Some(times)) => within(times, end)?,
            (None, None) => (1..DEFAULT_INTERVALS)
                .map(|index| end * index as f64 / DEFAULT_INTERVALS as f64)
                .collect(),
        };
        let mut times = vec![0.0, end];
        times.extend(inner);
        times.sort_by(f64::total_cmp);
        times.dedup();
        let mut fields = Vec::new();
        for (index, field) in self.fields.into_iter().flatten().enumerate() {
            if fields.contains(&field) {
                let found = "a field for the second time";
                return Err(unexpected(
                    &format!("fields.{index}"),
                    found,
                    "each field once",
                ));
            }
            fields.push(field);
        }
        if fields.is_empty() {
            fields.push(OutputField::Density);
        }
        Ok(OutputSettings {
            times,
            fields,
            wasserstein: self.wasserstein,
        })
    }
}

/// The multiples of an interval that are clearly below the end.
fn multiples(every: f64, end: f64) -> Result<Vec<f64>, Fault> {
    positive("every", every)?;
    let count = end / every;
    if count > MAXIMAL_OUTPUT_TIMES {
        let expected = format!(
            "at least {:?}: a millionth of `time.end`",
            end / MAXIMAL_OUTPUT_TIMES
        );
        return Err(unexpected("every", format!("{every:?}"), &expected));
    }
    Ok((1..)
        .map(|index| every * f64::from(index))
        .take_while(|&time| time < end * (1.0 - 1e-9))
        .collect())
}

fn within(times: Vec<f64>, end: f64) -> Result<Vec<f64>, Fault> {
    match times.iter().position(|time| !(0.0..=end).contains(time)) {
        Some(index) => Err(unexpected(
            &format!("times.{index}"),
            format!("{:?}", times[index]),
            &format!("a time from 0 to {end:?}: `time.end`"),
        )),
        None => Ok(times),
    }
}

pub(super) fn positive(key: &str, value: f64) -> Result<(), Fault> {
    if value > 0.0 {
        return Ok(());
    }
    Err(unexpected(key, format!("{value:?}"), "a number above 0"))
}

pub(super) fn unexpected(key: &str, found: impl ToString, expected: &str) -> Fault {
    let (found, expected) = (found.to_string(), expected.to_owned());
    Problem::Unexpected { found, expected }.at(key)
}
