//! Errors of a configuration: where, which key, and the remedy.

use distil_match::MethodName;
use toml::{Table, Value};

use super::error::ConfigError;
use super::layers::{Layers, lookup};
use super::schema::keys;

/// How alike two names are before one is taken for a slip of the other.
const ALIKE: f64 = 0.7;

/// What is known when a configuration is refused.
pub(super) struct Refusal<'a> {
    /// What the user wrote.
    pub(super) layers: &'a Layers,
    /// The configuration if the user had written nothing.
    pub(super) base: &'a Table,
    /// The method, where it is known: its keys are listed only when one is refused.
    pub(super) method: Option<MethodName>,
}

impl Refusal<'_> {
    /// A value that cannot be read: the dotted key where serde stopped, and what it said.
    pub(super) fn of_value(&self, path: &str, message: &str) -> ConfigError {
        match message.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')) {
            Some((key, _)) => self.unknown(&full_path(path, key)),
            None => self.of_key(path, message),
        }
    }

    fn unknown(&self, path: &str) -> ConfigError {
        let section = path.rsplit_once('.').map_or("", |(section, _)| section);
        let keys = self.method.map(|method| keys(method.row())).unwrap_or_default();
        let siblings: Vec<&String> = keys.iter().filter(|key| parent(key) == section).collect();
        let anywhere: Vec<&String> = keys.iter().collect();
        let help = if let Some(known) = suggestion(path, &siblings).or_else(|| suggestion(path, &anywhere)) {
            format!("did you mean `{known}`?")
        } else {
            let known: Vec<&str> = siblings.iter().map(|key| key.as_str()).collect();
            format!("known keys there: {}", known.join(", "))
        };
        ConfigError::new(format_args!("{}: unknown key `{path}`", self.origin(path)), help)
    }

    /// A known key with an impossible value, or a key that is missing.
    pub(super) fn of_key(&self, path: &str, message: &str) -> ConfigError {
        let message = message
            .replace("invalid type: ", "")
            .replace("invalid value: ", "")
            .replace("internally tagged enum", "a table with its `kind`, of");
        let message = in_words(&message);
        let help = if message.starts_with("missing field") {
            format!("add it to the section [{path}]")
        } else {
            match lookup(self.base, path) {
                Some(Value::Table(_)) | None => "see the configurations in configs/ for examples".to_owned(),
                Some(value) => format!("for example {path} = {value}"),
            }
        };
        ConfigError::new(format_args!("{}: {path}: {message}", self.origin(path)), help)
    }

    /// Where a key, or the section that should hold it, was written.
    fn origin(&self, path: &str) -> String {
        let mut path = path;
        loop {
            if let Some(origin) = self.layers.origin(path) {
                return origin;
            }
            match path.rsplit_once('.') {
                Some((section, _)) => path = section,
                None => return "the configuration".to_owned(),
            }
        }
    }
}

/// What is said of numbers, without the names of types that only programmers know.
fn in_words(message: &str) -> String {
    let Some((found, expected)) = message.rsplit_once("expected ") else { return message.to_owned() };
    let words = match expected.trim() {
        "usize" | "u64" => "a whole number, 0 or more",
        "u32" => "a whole number from 0 to 4294967295",
        "u16" => "a whole number from 0 to 65535",
        "u8" => "a whole number from 0 to 255",
        "isize" | "i64" | "i32" | "i16" | "i8" => "a whole number",
        "f32" | "f64" => "a number",
        "a nonzero usize" | "a nonzero u64" | "a nonzero u32" => "a whole number, 1 or more",
        _ => return message.to_owned(),
    };
    format!("{found}expected {words}")
}

/// Paths of unknown keys end with the key, except inside enums.
fn full_path(path: &str, key: &str) -> String {
    let section = path.strip_suffix(key).unwrap_or(path).trim_end_matches('.');
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

fn parent(key: &str) -> &str {
    key.rsplit_once('.').map_or("", |(section, _)| section)
}

/// The key whose last part is most like that of `path`.
fn suggestion(path: &str, known: &[&String]) -> Option<String> {
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let key = last(path);
    let scored = known
        .iter()
        .filter(|known| known.as_str() != path)
        .map(|known| (strsim::normalized_damerau_levenshtein(&key, &last(known)), known));
    let alike = scored.filter(|(score, _)| *score >= ALIKE);
    alike.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| (*known).clone())
}
