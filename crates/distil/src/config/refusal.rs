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
        } else if siblings.is_empty() {
            "`distil schema` prints all keys, and configs/ has examples".to_owned()
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
        } else if let Some(meant) = meant(&message) {
            format!("did you mean `{meant}`?")
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

/// Of the names that a message offers, the one most like the name it refuses: "unknown method `A`, expected one of `b`, `c`".
fn meant(message: &str) -> Option<&str> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let refused = quoted.next().filter(|_| message.starts_with("unknown "))?.to_lowercase();
    let alike = |name: &&str| strsim::normalized_damerau_levenshtein(&refused, name);
    quoted.filter(|name| alike(name) >= ALIKE).max_by(|a, b| alike(a).total_cmp(&alike(b)))
}

/// What is said of numbers, without the names of types that only programmers know.
fn in_words(message: &str) -> String {
    let message = message.strip_prefix("map,").map_or(message.to_owned(), |rest| format!("a section,{rest}"));
    let Some((found, expected)) = message.rsplit_once("expected ") else { return message };
    let words = match expected.trim() {
        "usize" | "u64" => "a whole number, 0 or more",
        "u32" => "a whole number from 0 to 4294967295",
        "u16" => "a whole number from 0 to 65535",
        "u8" => "a whole number from 0 to 255",
        "isize" | "i64" | "i32" | "i16" | "i8" => "a whole number",
        "f32" | "f64" => "a number",
        "a nonzero usize" | "a nonzero u64" | "a nonzero u32" => "a whole number, 1 or more",
        _ => return message,
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
