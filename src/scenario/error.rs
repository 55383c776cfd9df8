use std::fmt;
use std::ops::Range;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use thiserror::Error;

use crate::density::{DensityProblem, Point, nearest};
use crate::grid::GridError;

/// What is wrong with a scenario: what was found and what was expected.
#[derive(Clone, Debug, PartialEq, Error)]
#[allow(missing_docs)]
pub enum Problem {
    #[error("cannot read the file: {0}")]
    Unreadable(String),
    #[error("not valid TOML: {0}")]
    Syntax(String),
    #[error("unknown key, expected {}", one_of(valid))]
    UnknownKey { valid: &'static [&'static str] },
    #[error("missing, but required")]
    Missing,
    #[error("found {found}, expected {expected}")]
    Unexpected { found: String, expected: String },
    #[error("found {found:?}, expected {}", one_of(valid))]
    UnknownName {
        found: String,
        valid: &'static [&'static str],
    },
    #[error("{0} cannot be run by this version of the program")]
    Later(&'static str),
    #[error("{what} is run by `{command}`")]
    Elsewhere {
        what: &'static str,
        command: &'static str,
    },
    #[error("found `{key}` as well, expected one of the two")]
    Exclusive { key: &'static str },
    #[error(transparent)]
    Grid(#[from] GridError),
    #[error(transparent)]
    Density(#[from] DensityProblem),
    #[error(
        "the target is 0 at {0}, expected a positive density in every cell; mix in a background with `floor = 1e-12`"
    )]
    EmptyTarget(Point),
    #[error(
        "the initial density is 0 at {point}, where {divergence} is infinite; mix in a background with `floor = 1e-12`"
    )]
    EmptyInitial {
        point: Point,
        divergence: &'static str,
    },
    #[error("{0}")]
    Override(String),
    #[error("{0}")]
    Other(String),
}

impl Problem {
    /// The problem at a dotted key.
    pub(super) fn at(self, key: &str) -> Fault {
        Fault {
            key: key.to_owned(),
            problem: Box::new(self),
        }
    }

    /// The remedy, where a word is likely to be a misspelt one.
    fn suggestion(&self, key: &str) -> Option<&'static str> {
        match self {
            Self::UnknownKey { valid } => {
                nearest(key.rsplit('.').next().unwrap_or(key), valid.iter().copied())
            }
            Self::UnknownName { found, valid } => nearest(found, valid.iter().copied()),
            _ => None,
        }
    }
}

/// The names in quotes, for a sentence.
pub(super) fn one_of(names: &[&str]) -> String {
    match names {
        [name] => format!("{name:?}"),
        names => {
            let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
            format!("one of {}", quoted.join(", "))
        }
    }
}

/// A problem and the dotted key it is found at, before its place in the file is known.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{key}: {problem}")]
pub(super) struct Fault {
    pub(super) key: String,
    pub(super) problem: Box<Problem>,
}

impl Fault {
    /// The same fault seen from the table around the key.
    pub(super) fn inside(mut self, table: &str) -> Self {
        self.key = match self.key.as_str() {
            "" => table.to_owned(),
            key => format!("{table}.{key}"),
        };
        self
    }
}

/// Where an error is.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// In the scenario file as a whole.
    File,
    /// At these bytes of the scenario file; lines and columns (in characters) count from 1.
    Text {
        /// The bytes.
        span: Range<usize>,
        /// The line of the first.
        line: usize,
        /// The column of the first.
        column: usize,
    },
    /// In a `--set` argument.
    Override(String),
}

/// A scenario that cannot be run, with the place of the error.
///
/// Displays as one line, `file.toml:12:8: flow.divergence: found …, expected …`; as a [`Diagnostic`] it shows the text around it.
#[derive(Debug)]
pub struct ScenarioError {
    /// Where the error is.
    pub place: Place,
    /// The dotted key, as in `target.components.0.weight`; empty for the file as a whole.
    pub key: String,
    /// What is wrong.
    pub problem: Box<Problem>,
    source: Box<NamedSource<String>>,
}

impl ScenarioError {
    pub(super) fn new(place: Place, fault: Fault, file_name: &str, text: &str) -> Self {
        Self {
            place,
            key: fault.key,
            problem: fault.problem,
            source: NamedSource::new(file_name, text.to_owned())
                .with_language("TOML")
                .into(),
        }
    }
}

impl std::error::Error for ScenarioError {}

impl fmt::Display for ScenarioError {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match &self.place {
            Place::File => write!(formatter, "{}: ", self.source.name())?,
            Place::Text { line, column, .. } => {
                write!(formatter, "{}:{line}:{column}: ", self.source.name())?;
            }
            Place::Override(argument) => write!(formatter, "--set {argument}: ")?,
        }
        if !self.key.is_empty() {
            write!(formatter, "{}: ", self.key)?;
        }
        write!(formatter, "{}", self.problem)?;
        match self.problem.suggestion(&self.key) {
            Some(name) => write!(formatter, "; did you mean {name:?}?"),
            None => Ok(()),
        }
    }
}

impl Diagnostic for ScenarioError {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        match self.place {
            Place::Text { .. } => Some(&*self.source),
            Place::File | Place::Override(_) => None,
        }
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        match &self.place {
            Place::Text { span, .. } => {
                let label = LabeledSpan::at(span.clone(), self.problem.to_string());
                Some(Box::new(std::iter::once(label)))
            }
            Place::File | Place::Override(_) => None,
        }
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let name = self.problem.suggestion(&self.key)?;
        Some(Box::new(format!("did you mean {name:?}?")))
    }
}
