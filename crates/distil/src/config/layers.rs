//! Layers of a configuration as TOML tables, each knowing where it came from.

use std::path::{Path, PathBuf};

use distil_store::{Content, seal};
use toml::de::DeTable;
use toml::{Table, Value};

use super::error::ConfigError;

/// What a user wrote, and where.
#[derive(Debug, Clone)]
pub struct Layer {
    source: Source,
    table: Table,
}

#[derive(Debug, Clone)]
enum Source {
    File {
        path: PathBuf,
        text: String,
    },
    /// A whole `--set` argument.
    Set(String),
    /// Somewhere else, in words.
    Other(String),
}

impl Layer {
    /// A file's.
    ///
    /// # Errors
    /// When it cannot be read, is damaged, or is not TOML.
    pub fn from_file(file: &Path) -> Result<Self, ConfigError> {
        let content = Content::of(file).map_err(|error| unreadable(file, &error))?;
        if !content.may_be_toml() {
            let help = match content {
                Content::RunFolder => "name the run.toml in it",
                content => {
                    content.remedy().unwrap_or("give a configuration (TOML), such as those in configs/")
                }
            };
            let (file, what) = (file.display(), content.what());
            return Err(ConfigError::new(format_args!("{file} is {what}, not a configuration"), help));
        }
        let text = std::fs::read_to_string(file).map_err(|error| unreadable(file, &error))?;
        seal::check(
            file,
            text.as_bytes(),
            "restore it from a copy, or remove its first line if you changed it",
        )?;
        Self::from_text(&text, file)
    }

    /// The text of a file.
    ///
    /// # Errors
    /// When it is not TOML.
    pub fn from_text(text: &str, file: &Path) -> Result<Self, ConfigError> {
        let table = text.parse().map_err(|error: toml::de::Error| {
            let line =
                error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
            ConfigError::new(
                format_args!("{}, line {line}: {}", file.display(), error.message()),
                "correct the TOML there; strings need quotes, sections look like [distill]",
            )
        })?;
        Ok(Self { source: Source::File { path: file.to_owned(), text: text.to_owned() }, table })
    }

    /// `a.b=c`, where c is a TOML value or else a bare string.
    ///
    /// # Errors
    /// When it is not of that form.
    pub fn from_set(text: &str) -> Result<Self, ConfigError> {
        let malformed = || {
            ConfigError::new(
                format_args!("--set {text:?} is not of the form key=value"),
                "write it as --set distill.ipc=10",
            )
        };
        let (path, value) = text.split_once('=').ok_or_else(malformed)?;
        let keys: Vec<&str> = path.split('.').map(str::trim).collect();
        if keys.iter().any(|key| key.is_empty()) {
            return Err(malformed());
        }
        let nested = keys.iter().rev().fold(parse_value(value.trim()), |value, key| {
            Value::Table(Table::from_iter([((*key).to_owned(), value)]))
        });
        let Value::Table(table) = nested else { return Err(malformed()) };
        Ok(Self { source: Source::Set(text.to_owned()), table })
    }

    /// A table that `place` describes.
    pub fn from_table(table: Table, place: &str) -> Self {
        Self { source: Source::Other(place.to_owned()), table }
    }

    /// Takes a top-level key out.
    pub fn take(&mut self, key: &str) -> Option<Value> {
        self.table.remove(key)
    }

    /// `configs/x.toml, line 3` or `--set a.b=c`.
    fn origin(&self, path: &str) -> String {
        match &self.source {
            Source::Set(set) => format!("--set {set}"),
            Source::Other(place) => place.clone(),
            Source::File { path: file, text } => match line_of(text, path) {
                Some(line) => format!("{}, line {line}", file.display()),
                None => file.display().to_string(),
            },
        }
    }
}

fn unreadable(file: &Path, error: &std::io::Error) -> ConfigError {
    let help = match error.kind() {
        std::io::ErrorKind::NotFound => "check the path; the shipped configurations are in configs/",
        _ => "check the file and its permissions",
    };
    ConfigError::new(format_args!("cannot read the configuration {}: {error}", file.display()), help)
}

/// The line, from 1, that a byte is on.
fn line(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1
}

/// The line on which a dotted key is written.
fn line_of(text: &str, path: &str) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    let mut keys = path.split('.').peekable();
    while let Some(wanted) = keys.next() {
        let (key, value) = table.iter().find(|(key, _)| key.get_ref() == wanted)?;
        if keys.peek().is_none() {
            return Some(line(text, key.span().start));
        }
        table = value.get_ref().as_table()?;
    }
    None
}

fn parse_value(text: &str) -> Value {
    let parsed = format!("value = {text}").parse::<Table>().ok().filter(|table| table.len() == 1);
    parsed.and_then(|mut table| table.remove("value")).unwrap_or_else(|| Value::String(text.to_owned()))
}

/// The layers of one configuration, the strongest last.
#[derive(Debug)]
pub(super) struct Layers(Vec<Layer>);

impl Layers {
    pub(super) fn new(layers: Vec<Layer>) -> Self {
        Self(layers)
    }

    /// The layers without what is said in `section` below the strongest layer that sets `key` in it: who names where a
    /// section starts from wants none of what others changed about another start.
    pub(super) fn starting_over(mut self, section: &str, key: &str) -> Self {
        let path = format!("{section}.{key}");
        let strongest = self.0.iter().rposition(|layer| lookup(&layer.table, &path).is_some());
        for weaker in &mut self.0[..strongest.unwrap_or(0)] {
            weaker.table.remove(section);
        }
        self
    }

    /// The strongest value of a dotted key.
    pub(super) fn get(&self, path: &str) -> Option<&Value> {
        self.0.iter().rev().find_map(|layer| lookup(&layer.table, path))
    }

    /// Where the strongest value of a dotted key was written.
    pub(super) fn origin(&self, path: &str) -> Option<String> {
        let layer = self.0.iter().rev().find(|layer| lookup(&layer.table, path).is_some())?;
        Some(layer.origin(path))
    }

    /// Puts all layers over `base`: tables merge key by key, anything else replaces.
    pub(super) fn over(&self, mut base: Table) -> Table {
        for layer in &self.0 {
            merge(&mut base, &layer.table);
        }
        base
    }
}

/// The value of a dotted key.
pub(super) fn lookup<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        None => table.get(path),
        Some((key, rest)) => lookup(table.get(key)?.as_table()?, rest),
    }
}

/// Tables merge key by key, anything else replaces.
pub(crate) fn merge(base: &mut Table, over: &Table) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => merge(base, over),
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}
