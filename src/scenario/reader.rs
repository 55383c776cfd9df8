//! From parsed TOML to the types of a scenario: a `serde` deserializer that knows the key of every error.
//!
//! `serde` reports errors by the methods of [`serde::de::Error`], which carry the field or variant and the valid ones. Each level of
//! the walk puts its own key before those of the error that comes up through it.

use std::fmt::Display;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, Error, Expected, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use toml::Value;

use super::error::{Fault, Problem, one_of};

impl Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Problem::Other(message.to_string()).at("")
    }

    fn invalid_type(found: Unexpected, expected: &dyn Expected) -> Self {
        Self::unexpected(found, expected)
    }

    fn invalid_value(found: Unexpected, expected: &dyn Expected) -> Self {
        Self::unexpected(found, expected)
    }

    fn unknown_variant(found: &str, valid: &'static [&'static str]) -> Self {
        let found = found.to_owned();
        Problem::UnknownName { found, valid }.at("")
    }

    fn unknown_field(key: &str, valid: &'static [&'static str]) -> Self {
        Problem::UnknownKey { valid }.at(key)
    }

    fn missing_field(key: &'static str) -> Self {
        Problem::Missing.at(key)
    }
}

impl Fault {
    /// The words of `serde` in those of TOML.
    fn unexpected(found: Unexpected, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Bool(value) => value.to_string(),
            Unexpected::Signed(value) => value.to_string(),
            Unexpected::Float(value) => format!("{value:?}"),
            Unexpected::Str(value) => format!("{value:?}"),
            Unexpected::Seq => "a list".to_owned(),
            Unexpected::Map => "a table".to_owned(),
            other => other.to_string(),
        };
        let expected = match expected.to_string().as_str() {
            "f64" => "a number".to_owned(),
            "usize" => "a whole number that is not negative".to_owned(),
            "a string" | "path string" => "a text in quotes".to_owned(),
            "a sequence" => "a list".to_owned(),
            structure if structure.starts_with("struct ") => "a table".to_owned(),
            words if words.starts_with("enum ") => "a word in quotes".to_owned(),
            other => other.to_owned(),
        };
        Problem::Unexpected { found, expected }.at("")
    }
}

/// A value of the file.
pub(super) struct Reader<'a>(pub(super) &'a Value);

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::String(text) => visitor.visit_str(text),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(number) if number.is_finite() => visitor.visit_f64(*number),
            Value::Float(number) => Err(Problem::Unexpected {
                found: number.to_string().to_lowercase(),
                expected: "a finite number".to_owned(),
            }
            .at("")),
            Value::Boolean(value) => visitor.visit_bool(*value),
            Value::Datetime(_) => Err(Error::invalid_type(Unexpected::Other("a date"), &visitor)),
            Value::Array(values) => visitor.visit_seq(Elements {
                values: values.iter().enumerate(),
            }),
            Value::Table(table) => {
                let mut entries: Vec<_> = table.iter().collect();
                // A table that states its kind is read by it: `kind` comes first, whatever the order in the file.
                entries.sort_by_key(|(key, _)| *key != "kind");
                visitor.visit_map(Entries {
                    entries: entries.into_iter(),
                    current: None,
                })
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        valid: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0 {
            Value::String(word) => visitor.visit_enum(word.as_str().into_deserializer()),
            other => Err(Problem::Unexpected {
                found: match other {
                    Value::Array(_) => "a list".to_owned(),
                    Value::Table(_) => "a table".to_owned(),
                    plain => plain.to_string(),
                },
                expected: one_of(valid),
            }
            .at("")),
        }
    }

    /// Unlike `serde` at large, a list is not taken for a structure.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _keys: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Array(_) => Err(Error::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

struct Elements<I> {
    values: I,
}

impl<'a, 'de, I: Iterator<Item = (usize, &'a Value)>> SeqAccess<'de> for Elements<I> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some((index, value)) = self.values.next() else {
            return Ok(None);
        };
        seed.deserialize(Reader(value))
            .map(Some)
            .map_err(|fault| fault.inside(&index.to_string()))
    }
}

struct Entries<'a, I> {
    entries: I,
    current: Option<(&'a str, &'a Value)>,
}

impl<'a, 'de, I: Iterator<Item = (&'a String, &'a Value)>> MapAccess<'de> for Entries<'a, I> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some((key, value)) = self.entries.next() else {
            return Ok(None);
        };
        self.current = Some((key, value));
        let key: StrDeserializer<Fault> = key.as_str().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        match self.current.take() {
            Some((key, value)) => seed
                .deserialize(Reader(value))
                .map_err(|fault| fault.inside(key)),
            None => Err(Error::custom("a value was asked for before its key")),
        }
    }
}
