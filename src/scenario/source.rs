//! The text of a scenario, the arguments that override it, and the place of a key in both.

use std::ops::Range;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml_edit::{DocumentMut, Item, Table, Value};

use super::error::{Fault, Place, Problem, ScenarioError};

/// A scenario file as read.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) file_name: String,
    /// The folder that paths in the scenario are relative to.
    pub(super) folder: PathBuf,
    pub(super) text: String,
    /// `key=value` arguments.
    pub(super) overrides: Vec<String>,
}

impl Source {
    /// The text with the overrides applied; comments and order are kept.
    pub(super) fn overridden(&self) -> Result<String, ScenarioError> {
        DeTable::parse(&self.text).map_err(|error| self.syntax_error(&error))?;
        if self.overrides.is_empty() {
            return Ok(self.text.clone());
        }
        let mut document: DocumentMut = self
            .text
            .parse()
            .map_err(|error: toml_edit::TomlError| self.error(syntax(error.message()).at("")))?;
        for argument in &self.overrides {
            apply(document.as_item_mut(), argument).map_err(|problem| {
                let place = Place::Override(argument.clone());
                let fault = Problem::Override(problem).at("");
                ScenarioError::new(place, fault, &self.file_name, &self.text)
            })?;
        }
        Ok(document.to_string())
    }

    /// Finds the place of a fault.
    pub(super) fn error(&self, fault: Fault) -> ScenarioError {
        let place = self.place(&fault);
        ScenarioError::new(place, fault, &self.file_name, &self.text)
    }

    fn syntax_error(&self, error: &toml::de::Error) -> ScenarioError {
        let place = error
            .span()
            .map_or(Place::File, |span| self.text_place(span));
        ScenarioError::new(
            place,
            syntax(error.message()).at(""),
            &self.file_name,
            &self.text,
        )
    }

    fn place(&self, fault: &Fault) -> Place {
        let sets = |argument: &&String| {
            let key = argument.split('=').next().unwrap_or_default().trim();
            fault
                .key
                .strip_prefix(key)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if let Some(argument) = self.overrides.iter().rev().find(sets) {
            return Place::Override(argument.clone());
        }
        match &*fault.problem {
            Problem::Unreadable(_) | Problem::Syntax(_) => Place::File,
            problem => self.text_place(self.locate(&fault.key, problem)),
        }
    }

    /// The bytes of a key (if it is the key that is wrong) or of its value; of the nearest table around a key that is not there.
    fn locate(&self, key: &str, problem: &Problem) -> Range<usize> {
        let Ok(root) = DeTable::parse(&self.text) else {
            return 0..0;
        };
        let mut span = 0..0;
        let mut value = &Spanned::new(0..0, DeValue::Table(root.into_inner()));
        for segment in key.split('.') {
            let child = match value.get_ref() {
                DeValue::Table(table) => table.get_key_value(segment),
                _ => None,
            };
            if let Some((key, child)) = child {
                let wrong_key = matches!(
                    problem,
                    Problem::UnknownKey { .. } | Problem::Later(_) | Problem::Elsewhere { .. }
                );
                span = if wrong_key { key.span() } else { child.span() };
                value = child;
            } else if let Some(child) = segment
                .parse::<usize>()
                .ok()
                .and_then(|i| value.get_ref().get(i))
            {
                span = child.span();
                value = child;
            } else {
                break;
            }
        }
        span
    }

    fn text_place(&self, span: Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Place::Text {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            span,
        }
    }
}

/// The parser's message on one line.
fn syntax(message: &str) -> Problem {
    Problem::Syntax(message.trim().replace('\n', ", "))
}

/// Applies one `key=value` to the document.
fn apply(document: &mut Item, argument: &str) -> Result<(), String> {
    let (key, value) = argument
        .split_once('=')
        .ok_or_else(|| "found no `=`, expected key=value".to_owned())?;
    let mut value = parse_value(value.trim())?;
    let (tables, last) = key.trim().rsplit_once('.').unwrap_or(("", key.trim()));
    let mut item = document;
    let mut walked = String::new();
    for segment in tables.split('.').filter(|_| !tables.is_empty()) {
        item = child(item, segment, &walked)?;
        if !walked.is_empty() {
            walked.push('.');
        }
        walked.push_str(segment);
    }
    let slot = child(item, last, &walked)?;
    if let Some(replaced) = slot.as_value() {
        *value.decor_mut() = replaced.decor().clone();
    }
    *slot = Item::Value(value);
    Ok(())
}

/// The entry of a table or list, made if a table does not have it.
fn child<'a>(item: &'a mut Item, segment: &str, walked: &str) -> Result<&'a mut Item, String> {
    if segment.is_empty() {
        return Err("found an empty key, expected names joined by dots".to_owned());
    }
    if item.is_table_like() {
        if item.get(segment).is_none() {
            let made = if item.is_table() {
                Item::Table(Table::new())
            } else {
                Item::Value(Value::InlineTable(Default::default()))
            };
            if let Some(table) = item.as_table_like_mut() {
                table.insert(segment, made);
            }
        }
        return item
            .get_mut(segment)
            .ok_or_else(|| format!("found no entry {segment:?}"));
    }
    let length = match &*item {
        Item::ArrayOfTables(tables) => Some(tables.len()),
        Item::Value(Value::Array(values)) => Some(values.len()),
        _ => None,
    };
    match (length, segment.parse::<usize>()) {
        (Some(length), Ok(index)) if index < length => item
            .get_mut(index)
            .ok_or_else(|| format!("found no entry {index}")),
        (Some(length), _) => Err(format!(
            "found {segment:?} below the list {walked:?}, expected a whole number below its length {length}"
        )),
        (None, _) => Err(format!(
            "found {segment:?} below {walked:?}, which is neither a table nor a list"
        )),
    }
}

/// A TOML value; a bare word is a text.
fn parse_value(text: &str) -> Result<Value, String> {
    match text.parse::<Value>() {
        Ok(value) => Ok(value),
        Err(_)
            if text.starts_with(|first: char| first.is_alphabetic() || "./~".contains(first)) =>
        {
            Ok(Value::from(text))
        }
        Err(error) => Err(format!(
            "found {text:?}, expected a TOML value or a word: {}",
            error.message().trim().replace('\n', ", ")
        )),
    }
}
