//! All methods, each with what must be known about it before it runs.

use std::fmt;
use std::str::FromStr;
use std::sync::{PoisonError, RwLock};

use distil_store::LabelKind;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema, schema_for};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;
use toml::{Table, Value};

use crate::methods::BUILT_IN;
use crate::{AnyObjective, Method, NormMode, Objective};

/// A method, as configurations, help and tables know it.
#[derive(Debug, Clone, Copy)]
pub struct MethodRow {
    /// As it is written in a configuration: `datm`.
    pub name: &'static str,
    /// What the name stands for.
    pub title: &'static str,
    /// Authors, venue and year, in short.
    pub published: &'static str,
    /// The published settings; those of its smallest published set where they differ by size.
    pub preset: fn() -> Method,
    /// The type of its objective.
    pub family: Family,
    /// What other sections of a configuration start from, `[expert]` and `[eval]`, where they differ from the defaults: TOML,
    /// merged in this order.
    pub sections: &'static [&'static str],
    /// BibTeX entries of what it is and of what it builds on, the oldest first.
    pub citations: &'static [&'static str],
}

/// How the settings of an [`Objective`] are read and described.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    read: fn(Table) -> Result<AnyObjective, SettingsError>,
    schema: fn() -> Schema,
}

impl Family {
    /// The family of methods whose settings are `O`.
    pub const fn of<O: Objective>() -> Self {
        Self { read: AnyObjective::read::<O>, schema: || schema_for!(O) }
    }
}

/// A key with a value that cannot be read, or a key that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{key}: {message}")]
pub struct SettingsError {
    /// The dotted key, without `distill.`; empty for the whole table.
    pub key: String,
    /// What is wrong, in serde's words.
    pub message: String,
}

impl SettingsError {
    /// `T` from a table, or which key is at fault.
    pub(crate) fn reading<T: DeserializeOwned>(table: Table) -> Result<T, Self> {
        serde_path_to_error::deserialize(Value::Table(table)).map_err(|error| {
            let key = error.path().to_string();
            Self {
                key: if key == "." { String::new() } else { key },
                message: error.inner().message().to_owned(),
            }
        })
    }
}

impl MethodRow {
    /// The method that a `[distill]` table describes in full: keys that all methods share, and its objective's own.
    ///
    /// # Errors
    /// [`SettingsError`] names the key.
    pub fn read(&self, table: Table) -> Result<Method, SettingsError> {
        let shared = properties(&schema_for!(Method));
        let (shared, own): (Table, Table) = table.into_iter().partition(|(key, _)| shared.contains(key));
        let objective = (self.family.read)(own)?;
        Ok(Method { objective, ..SettingsError::reading(shared)? })
    }

    /// The JSON schema of the keys of `[distill]` that all methods share.
    pub fn shared_schema() -> Schema {
        schema_for!(Method)
    }

    /// The JSON schema of the method's own keys of `[distill]`.
    pub fn schema(&self) -> Schema {
        (self.family.schema)()
    }

    /// Whether trained experts are needed with the published settings.
    pub fn needs_experts(&self) -> bool {
        (self.preset)().needs_experts()
    }

    /// What batch norms normalise with, in networks that have them.
    pub fn batch_norms(&self) -> NormMode {
        (self.preset)().objective.batch_norms()
    }

    /// The published kind of labels.
    pub fn labels(&self) -> LabelKind {
        (self.preset)().labels
    }
}

/// A method by its name, as configurations write it.
#[derive(Debug, Clone, Copy)]
pub struct MethodName(&'static MethodRow);

impl MethodName {
    /// The name.
    pub fn as_str(self) -> &'static str {
        self.0.name
    }

    /// The method's row.
    pub fn row(self) -> &'static MethodRow {
        self.0
    }
}

impl From<&'static MethodRow> for MethodName {
    fn from(row: &'static MethodRow) -> Self {
        Self(row)
    }
}

impl PartialEq for MethodName {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for MethodName {}

impl fmt::Display for MethodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for MethodName {
    type Err = UnknownMethod;

    fn from_str(name: &str) -> Result<Self, UnknownMethod> {
        method(name).map(Self).ok_or_else(|| UnknownMethod(name.to_owned()))
    }
}

/// No method has this name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown method `{0}`, expected one of {names}", names = quoted())]
pub struct UnknownMethod(String);

fn quoted() -> String {
    methods().iter().map(|row| format!("`{}`", row.name)).collect::<Vec<_>>().join(", ")
}

impl Serialize for MethodName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_str().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for MethodName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for MethodName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MethodName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = |row: &&MethodRow| {
            let description = format!("{} ({})", row.title, row.published);
            serde_json::json!({ "const": row.name, "description": description })
        };
        json_schema!({ "oneOf": methods().iter().map(one).collect::<Vec<_>>() })
    }
}

/// Names of the keys of a table with this schema.
fn properties(schema: &Schema) -> Vec<String> {
    let properties = schema.get("properties").and_then(serde_json::Value::as_object);
    properties.map(|keys| keys.keys().cloned().collect()).unwrap_or_default()
}

/// Methods of other crates.
static REGISTERED: RwLock<Vec<&'static MethodRow>> = RwLock::new(Vec::new());

/// Makes a method of another crate known to everything in this process that asks for methods by name: configurations,
/// `distil methods`, comparisons. Call it first thing in `main`.
///
/// # Errors
/// [`NameTaken`] when there is a method of that name.
pub fn register(row: &'static MethodRow) -> Result<(), NameTaken> {
    let mut registered = REGISTERED.write().unwrap_or_else(PoisonError::into_inner);
    if BUILT_IN.iter().chain(registered.iter()).any(|known| known.name == row.name) {
        return Err(NameTaken(row.name));
    }
    registered.push(row);
    Ok(())
}

/// There is a method of this name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("there is a method {0:?} already; give yours another name")]
pub struct NameTaken(pub &'static str);

/// All methods: those of this crate, then the registered ones.
pub fn methods() -> Vec<&'static MethodRow> {
    let registered = REGISTERED.read().unwrap_or_else(PoisonError::into_inner);
    BUILT_IN.iter().chain(registered.iter()).copied().collect()
}

/// The method of a name.
pub fn method(name: &str) -> Option<&'static MethodRow> {
    methods().into_iter().find(|row| row.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_reads_back_from_its_table() {
        for row in methods() {
            let preset = (row.preset)();
            let table = Table::try_from(&preset).expect("plain TOML");
            assert_eq!(row.read(table).expect(row.name), preset, "{}", row.name);
        }
    }

    #[test]
    fn keys_of_another_family_are_refused_by_name() {
        let row = method("dm").expect("a method");
        let mut table = Table::try_from((row.preset)()).expect("plain TOML");
        table.insert("syn_steps".to_owned(), Value::Integer(3));
        let error = row.read(table).expect_err("an unknown key");
        assert!(error.message.starts_with("unknown field `syn_steps`"), "{error}");
    }

    #[test]
    fn wrong_values_name_their_key() {
        let row = method("edf").expect("a method");
        let mut table = Table::try_from((row.preset)()).expect("plain TOML");
        let window = table.get_mut("window").and_then(Value::as_table_mut).expect("a table");
        window.insert("max".to_owned(), Value::String("x".to_owned()));
        assert_eq!(row.read(table.clone()).expect_err("a word").key, "window.max");
        table.insert("ipc".to_owned(), Value::String("many".to_owned()));
        table.remove("window");
        let error = row.read(table).expect_err("two faults, one is named");
        assert!(["", "ipc"].contains(&error.key.as_str()), "{error}");
    }

    #[test]
    fn names_are_unique_and_sections_are_toml() {
        let rows = methods();
        for (index, row) in rows.iter().enumerate() {
            assert!(rows[..index].iter().all(|other| other.name != row.name), "{}", row.name);
            for section in row.sections {
                section.parse::<Table>().expect(row.name);
            }
            assert!(!row.title.is_empty() && !row.published.is_empty(), "{}", row.name);
        }
    }
}
