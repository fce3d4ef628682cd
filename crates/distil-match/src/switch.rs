//! Parts of a method that can be switched off: written as the word "off" or as a table.
//!
//! The word is needed because a preset may have the part: leaving the table out would then mean the preset's.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

const OFF: &str = "off";

/// The schema of such a part.
pub(crate) struct Switch<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for Switch<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("{}OrOff", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "const": OFF }, generator.subschema_for::<T>()] })
    }
}

#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
pub(crate) fn serialize<T: Serialize, S: Serializer>(
    part: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match part {
        Some(part) => part.serialize(serializer),
        None => OFF.serialize(serializer),
    }
}

pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_any(Part(PhantomData))
}

struct Part<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Part<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"off\" or a table")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Self::Value, E> {
        if word == OFF { Ok(None) } else { Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)) }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }
}
