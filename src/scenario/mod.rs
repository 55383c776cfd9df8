//! Scenario files: TOML → checked data → the problem that a solver is given.
//!
//! Every error knows the file, the line, the column and the dotted key ([`ScenarioError`]).

mod document;
mod error;
mod generators;
mod inertia;
mod method;
mod reader;
mod settings;
mod source;

pub use document::{Dynamics, FlowSettings, MethodKind, OutputField, TimeScale, json_schema};
pub use error::{Place, Problem, ScenarioError};
pub use generators::{Beside, Comparison, load_comparison, parse_comparison};
pub use settings::{OutputSettings, Stepping, TimeSettings};

use std::path::Path;

use serde::Deserialize;

use crate::density::{Density, DensityError, Point, Velocity};
use crate::flow::{self, State};
use crate::grid::{Field, Grid};
use document::Document;
use error::Fault;
use reader::Reader;
use source::Source;

/// A scenario that has passed all checks that need no other file.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What the scenario shows, in a few words.
    pub title: String,
    /// The law that a run must show, in words.
    pub law: Option<String>,
    /// The cells.
    pub grid: Grid,
    /// The target density π.
    pub target: Density,
    /// The density ρ at time 0.
    pub initial: Density,
    /// Its velocity, where it does not start at rest.
    pub velocity: Option<Velocity>,
    /// Which flow is run.
    pub flow: FlowSettings,
    /// How time is stepped.
    pub time: TimeSettings,
    /// What is written, and when.
    pub output: OutputSettings,
    /// The TOML as run, overrides applied.
    pub text: String,
    source: Source,
}

/// Reads a scenario file and applies `key=value` overrides to it.
///
/// # Errors
/// A file that cannot be read, and those of [`parse`].
pub fn load(path: &Path, overrides: &[String]) -> Result<Scenario, ScenarioError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let (text, file_name) = read_file(path)?;
    parse(&text, &file_name, folder, overrides)
}

/// The text of a file and its name for messages.
fn read_file(path: &Path) -> Result<(String, String), ScenarioError> {
    let file_name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok((text, file_name)),
        Err(error) => {
            let fault = Problem::Unreadable(error.to_string()).at("");
            Err(ScenarioError::new(Place::File, fault, &file_name, ""))
        }
    }
}

/// Reads a scenario from its text. Paths in it are relative to `folder`.
///
/// An override is `key=value` with a dotted key, in which a number is the place in a list, and a TOML value or a bare word.
///
/// # Errors
/// What is not TOML, not a key, missing, or a value that does not fit, with its place; an override that cannot be applied.
pub fn parse(
    text: &str,
    file_name: &str,
    folder: &Path,
    overrides: &[String],
) -> Result<Scenario, ScenarioError> {
    let source = Source {
        file_name: file_name.to_owned(),
        folder: folder.to_owned(),
        text: text.to_owned(),
        overrides: overrides.to_vec(),
    };
    let text = source.overridden()?;
    checked(text, source.clone()).map_err(|fault| source.error(fault))
}

fn checked(text: String, source: Source) -> Result<Scenario, Fault> {
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| Problem::Syntax(error.message().to_owned()).at(""))?;
    let root = toml::Value::Table(table);
    refuse_later_work(&root)?;
    let (root, velocity) = inertia::without_velocity(root)?;
    let document = Document::deserialize(Reader(&root))?;
    let grid = document
        .grid
        .checked()
        .map_err(|fault| fault.inside("grid"))?;
    for (key, density) in [("target", &document.target), ("initial", &document.initial)] {
        density
            .check(grid.dimension())
            .map_err(|error| density_fault(key, error))?;
    }
    inertia::check(&document.flow).map_err(|fault| fault.inside("flow"))?;
    if let Some(velocity) = &velocity {
        inertia::check_velocity(velocity, &document.flow, grid.dimension())?;
    }
    let time = document
        .time
        .checked(document.flow.dynamics)
        .map_err(|fault| fault.inside("time"))?;
    let output = document
        .output
        .checked(time.end)
        .map_err(|fault| fault.inside("output"))?;
    Ok(Scenario {
        title: document.title,
        law: document.law,
        grid,
        target: document.target,
        initial: document.initial,
        velocity,
        flow: document.flow,
        time,
        output,
        text,
        source,
    })
}

/// Names what another command runs, and what the scenario format has but this version cannot run.
fn refuse_later_work(root: &toml::Value) -> Result<(), Fault> {
    for section in ["generator", "critic", "training", "optimizer"] {
        if root.get(section).is_some() {
            let what = "a generator scenario";
            let command = "ottoflow compare";
            return Err(Problem::Elsewhere { what, command }.at(section));
        }
    }
    Ok(())
}

fn density_fault(section: &str, error: DensityError) -> Fault {
    Problem::from(error.problem).at(&error.key).inside(section)
}

impl Scenario {
    /// Evaluates both densities: the problem for a solver and the state at time 0.
    ///
    /// # Errors
    /// Files that cannot be read or do not fit, densities that are negative, not numbers or without mass, a target that is 0 in a
    /// cell, an initial density that is 0 in a cell where the divergence is infinite.
    pub fn build(&self) -> Result<(flow::Problem, State), ScenarioError> {
        self.densities()
            .map(|(log_target, log_initial)| {
                let state = State {
                    time: 0.0,
                    log_ratio: log_initial - &log_target,
                };
                let problem = flow::Problem {
                    grid: self.grid.clone(),
                    log_target,
                    divergence: self.flow.divergence,
                };
                (problem, state)
            })
            .map_err(|fault| self.source.error(fault))
    }

    /// The velocity on the faces at time 0, if the density does not start at rest.
    ///
    /// # Errors
    /// Values that are not finite.
    pub fn initial_velocity(&self) -> Result<Option<Vec<Field>>, ScenarioError> {
        let velocity = self.velocity.as_ref();
        let fields = velocity.map(|velocity| velocity.on_faces(&self.grid));
        fields.transpose().map_err(|error| {
            let fault = density_fault("velocity", error).inside("initial");
            self.source.error(fault)
        })
    }

    /// ln π and ln ρ at time 0.
    fn densities(&self) -> Result<(Field, Field), Fault> {
        let normalised = |key, density: &Density| {
            density
                .normalised(&self.grid, &self.source.folder)
                .map_err(|error| density_fault(key, error))
        };
        let log_target = normalised("target", &self.target)?;
        if let Some(point) = self.first_empty(&log_target) {
            return Err(Problem::EmptyTarget(point).at("target"));
        }
        let log_initial = normalised("initial", &self.initial)?;
        if !self.flow.divergence.admits_empty_cells()
            && let Some(point) = self.first_empty(&log_initial)
        {
            let divergence = self.flow.divergence.name();
            return Err(Problem::EmptyInitial { point, divergence }.at("initial"));
        }
        Ok((log_target, log_initial))
    }

    /// The centre of the first cell in which the density is 0.
    fn first_empty(&self, log_density: &Field) -> Option<Point> {
        log_density
            .indexed_iter()
            .find(|(_, value)| **value == f64::NEG_INFINITY)
            .map(|(index, _)| Point::of(&self.grid, index))
    }
}
