use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

use super::expression::ExpressionError;
use crate::grid::{AXIS_NAMES, Grid};

/// A density that cannot be made, and the key that says so.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{problem}")]
pub struct DensityError {
    /// The key below the density's own table, as in `components.1.std`; empty for the density as a whole.
    pub key: String,
    /// What is wrong.
    pub problem: DensityProblem,
}

impl DensityError {
    /// The same error seen from the table around the key.
    pub(super) fn inside(mut self, table: &str) -> Self {
        self.key = if self.key.is_empty() {
            table.to_owned()
        } else {
            format!("{table}.{}", self.key)
        };
        self
    }
}

impl From<DensityProblem> for DensityError {
    fn from(problem: DensityProblem) -> Self {
        Self {
            key: String::new(),
            problem,
        }
    }
}

/// What can be wrong with a density: what was found, what was expected, and the remedy.
#[derive(Clone, Debug, PartialEq, Error)]
#[allow(missing_docs)]
pub enum DensityProblem {
    #[error("found {found} numbers, expected {expected}: one for each axis of the grid")]
    Length { found: usize, expected: usize },
    #[error("found {0:?}, expected a number above 0")]
    NotPositive(f64),
    #[error("found {0:?}, expected a finite number")]
    NotANumber(f64),
    #[error("found {0:?}, expected a number that is not negative")]
    Negative(f64),
    #[error("found {0:?}, expected a number of at least 0 and below 1")]
    OutsideUnitInterval(f64),
    #[error("found neither `std` nor `covariance`, expected one of them")]
    NoSpread,
    #[error("found both `std` and `covariance`, expected one of them")]
    TwoSpreads,
    #[error(
        "found {found} rows, expected a square matrix with {expected}: one for each axis of the grid"
    )]
    Rows { found: usize, expected: usize },
    #[error(
        "found a matrix that is not symmetric: {upper:?} at ({row}, {column}) and {lower:?} at ({column}, {row})"
    )]
    NotSymmetric {
        row: usize,
        column: usize,
        upper: f64,
        lower: f64,
    },
    #[error("found a matrix that is not positive definite, expected a covariance")]
    NotPositiveDefinite,
    #[error("found {found} formulas, expected {expected}: one for each axis of the grid")]
    Components { found: usize, expected: usize },
    #[error("found both `potential` and `components`, expected one of them")]
    TwoVelocities,
    #[error("found neither `potential` nor `components`, expected one of them")]
    NoVelocity,
    #[error("found the velocity {found} at the face after {point}, expected a finite number")]
    VelocityNotFinite { found: f64, point: Point },
    #[error(
        "found all mass at one point, which has no density on a grid; expected it as the target of a generator scenario alone"
    )]
    PointMass,
    #[error("found an empty list, expected at least one component")]
    NoComponents,
    #[error("found weights that are all 0, expected a positive sum")]
    NoWeight,
    #[error("found {0}, expected a whole number from 1 to 10000")]
    Modes(usize),
    #[error(
        "{0:e} images of the box count around its periodic axes: standard deviations are many times as long as the box, or means many boxes apart; \
         expected 100000 at most, and a density that wide comes to `uniform`"
    )]
    TooManyImages(f64),
    #[error("found a grid with {found} axes, this kind of density needs {expected}")]
    Dimension {
        found: usize,
        expected: &'static str,
    },
    #[error(
        "found {lower:?} as the lower side and {upper:?} as the upper side, expected lower < upper"
    )]
    Bounds { lower: f64, upper: f64 },
    #[error("{0}")]
    Expression(#[from] ExpressionError),
    #[error("the density is {found:?} at {point}, expected a finite number")]
    NotFinite { found: f64, point: Point },
    #[error("the density is {found:?} at {point}, expected a number that is not negative")]
    NegativeDensity { found: f64, point: Point },
    #[error(
        "the density is 0 in every cell, expected a positive mass; does it lie inside the grid?"
    )]
    ZeroMass,
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error("{} is a {found} picture, expected a grey PNG without transparency", path.display())]
    NotGrey { path: PathBuf, found: String },
    #[error("{}:{line}: column {column} holds {found:?}, expected a finite number", path.display())]
    Cell {
        path: PathBuf,
        line: u64,
        column: usize,
        found: String,
    },
    #[error("{} holds points with {found} coordinates, expected {expected}: one for each axis of the grid", path.display())]
    SampleDimension {
        path: PathBuf,
        found: usize,
        expected: usize,
    },
    #[error("{} holds no samples", path.display())]
    NoSamples { path: PathBuf },
    #[error("{}: sample {row} has the coordinate {found:?}, expected a finite number", path.display())]
    Sample {
        path: PathBuf,
        row: usize,
        found: f64,
    },
    #[error("found the file name extension {found:?}, expected \"csv\" or \"npy\"")]
    Extension { found: String },
    #[error(
        "the samples do not vary along {axis}, so no bandwidth follows from them; give `bandwidth`"
    )]
    NoVariation { axis: &'static str },
    #[error("{} has no dataset {found:?}, only {}{}", path.display(), listed(valid), did_you_mean(found, valid))]
    NoDataset {
        path: PathBuf,
        found: String,
        valid: Vec<String>,
    },
    #[error(
        "the dataset has the shape {found:?}, expected {expected:?} (cells along {axes}), with or without a time axis before it"
    )]
    DatasetShape {
        found: Vec<usize>,
        expected: Vec<usize>,
        axes: &'static str,
    },
    #[error("found frame {found}, the dataset has the frames 0 to {last}")]
    Frame { found: usize, last: usize },
    #[error(
        "found a density that cannot be drawn from without a grid, expected \"gaussian\", \"mixture\" or \"ring\""
    )]
    NotNormals,
    #[error("found {0} coordinates, expected at most 16")]
    TooManyCoordinates(usize),
    #[error("found a background over a box, but a generator scenario has no box; remove `floor`")]
    Background,
    #[error("the dataset has no frames yet")]
    NoFrames,
    #[error("found a frame number, but the dataset has no time axis")]
    FrameWithoutTime,
}

impl DensityProblem {
    /// The problem at a key of the density's table.
    pub(super) fn at(self, key: &str) -> DensityError {
        DensityError::from(self).inside(key)
    }
}

/// A cell centre that knows its number of coordinates: `(x = 1, y = 2)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    coordinates: [f64; 3],
    dimension: usize,
}

impl Point {
    /// The centre of the cell at field index (z, y, x).
    pub fn of(grid: &Grid, index: (usize, usize, usize)) -> Self {
        Self {
            coordinates: grid.center(index),
            dimension: grid.dimension(),
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        for (axis, name) in AXIS_NAMES.iter().enumerate().take(self.dimension) {
            let separator = if axis == 0 { "" } else { ", " };
            write!(
                formatter,
                "{separator}{name} = {:?}",
                self.coordinates[axis]
            )?;
        }
        Ok(())
    }
}

/// The valid word most like a misspelt one, if one is near enough to be meant.
pub fn nearest<'a>(word: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (candidate, likeness) = valid
        .into_iter()
        .map(|candidate| (candidate, strsim::jaro_winkler(word, candidate)))
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    (likeness > 0.75).then_some(candidate)
}

/// `"a", "b"`.
fn listed(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    quoted.join(", ")
}

/// `; did you mean "a"?`, or nothing.
fn did_you_mean(word: &str, valid: &[String]) -> String {
    nearest(word, valid.iter().map(String::as_str))
        .map(|name| format!("; did you mean {name:?}?"))
        .unwrap_or_default()
}
