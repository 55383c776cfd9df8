//! What the inertial equation adds to a scenario: friction, the scale of time, an initial velocity.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::document::{Dynamics, FlowSettings, TimeScale};
use super::error::{Fault, Problem};
use super::reader::Reader;
use super::settings::unexpected;
use crate::density::{Density, Velocity};
use crate::flow::Friction;

/// Friction in the form of a table.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct FrictionTable {
    kind: FrictionKind,
    value: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FrictionKind {
    Constant,
    Nesterov,
}

struct FrictionVisitor;

impl<'de> Visitor<'de> for FrictionVisitor {
    type Value = Friction;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter
            .write_str("a number, { kind = \"constant\", value = … } or { kind = \"nesterov\" }")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Friction, E> {
        Ok(Friction::Constant(value as f64))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Friction, E> {
        Ok(Friction::Constant(value))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Friction, A::Error> {
        let table = FrictionTable::deserialize(MapAccessDeserializer::new(map))?;
        match (table.kind, table.value) {
            (FrictionKind::Constant, Some(value)) => Ok(Friction::Constant(value)),
            (FrictionKind::Constant, None) => Err(A::Error::missing_field("value")),
            (FrictionKind::Nesterov, None) => Ok(Friction::Nesterov),
            (FrictionKind::Nesterov, Some(_)) => Err(A::Error::unknown_field("value", &["kind"])),
        }
    }
}

/// Reads the friction of a scenario.
pub(super) fn friction<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Friction>, D::Error> {
    deserializer.deserialize_any(FrictionVisitor).map(Some)
}

pub(super) fn friction_schema(_generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "oneOf": [
        { "type": "number", "minimum": 0 },
        {
            "type": "object",
            "properties": { "kind": { "const": "constant" }, "value": { "type": "number", "minimum": 0 } },
            "required": ["kind", "value"],
            "additionalProperties": false
        },
        {
            "type": "object",
            "properties": { "kind": { "const": "nesterov" } },
            "required": ["kind"],
            "additionalProperties": false
        }
    ] })
}

/// The schema of a density that may have a velocity.
pub(super) fn initial_schema(generator: &mut SchemaGenerator) -> Schema {
    let velocity = generator.subschema_for::<Velocity>();
    let mut schema = Density::json_schema(generator);
    let kinds = schema
        .get_mut("oneOf")
        .and_then(|kinds| kinds.as_array_mut());
    for kind in kinds.into_iter().flatten() {
        let properties = kind.get_mut("properties").and_then(|p| p.as_object_mut());
        if let Some(properties) = properties {
            properties.insert("velocity".to_owned(), velocity.clone().to_value());
        }
    }
    schema
}

/// Takes the velocity out of the section `initial`.
pub(super) fn without_velocity(
    mut root: toml::Value,
) -> Result<(toml::Value, Option<Velocity>), Fault> {
    let initial = root.get_mut("initial").and_then(toml::Value::as_table_mut);
    let Some(velocity) = initial.and_then(|initial| initial.remove("velocity")) else {
        return Ok((root, None));
    };
    let velocity = Velocity::deserialize(Reader(&velocity))
        .map_err(|fault| fault.inside("velocity").inside("initial"))?;
    Ok((root, Some(velocity)))
}

/// Checks an initial velocity against the dynamics and the grid.
pub(super) fn check_velocity(
    velocity: &Velocity,
    flow: &FlowSettings,
    dimension: usize,
) -> Result<(), Fault> {
    if flow.dynamics == Dynamics::Gradient {
        let expected =
            "none: a gradient flow has no velocity to start with; use flow.dynamics = \"inertial\"";
        return Err(unexpected("initial.velocity", "a velocity", expected));
    }
    velocity.check(dimension).map_err(|error| {
        let fault = Problem::from(error.problem).at(&error.key);
        fault.inside("velocity").inside("initial")
    })
}

/// Checks that the keys of the section `flow` fit each other.
pub(super) fn check(flow: &FlowSettings) -> Result<(), Fault> {
    let overdamped = flow.time_scale == TimeScale::Overdamped;
    if flow.dynamics == Dynamics::Gradient {
        let given = [
            ("friction", flow.friction.is_some()),
            ("restart", flow.restart),
            ("time-scale", overdamped),
        ];
        return match given.into_iter().find(|(_, given)| *given) {
            None => Ok(()),
            Some((key, _)) => {
                let expected = "no such key: it is for dynamics = \"inertial\"";
                Err(unexpected(key, format!("`{key}`"), expected))
            }
        };
    }
    match flow.friction {
        None => Err(Problem::Missing.at("friction")),
        Some(Friction::Constant(value)) if !(value >= 0.0 && value.is_finite()) => {
            let expected = "a friction of at least 0: less would add energy";
            Err(unexpected("friction", format!("{value:?}"), expected))
        }
        Some(Friction::Constant(0.0)) if overdamped => {
            let expected = "a friction above 0, in whose units \"overdamped\" measures time";
            Err(unexpected("friction", 0, expected))
        }
        Some(Friction::Nesterov) if overdamped => {
            let expected = "a constant friction, in whose units \"overdamped\" measures time";
            Err(unexpected("friction", "nesterov", expected))
        }
        Some(_) => Ok(()),
    }
}
