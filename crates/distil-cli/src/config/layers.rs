//! Layers of a configuration as TOML tables, each knowing where it came from.

use std::path::Path;

use toml::{Table, Value};

use crate::failure::Failure;

/// What a user wrote, and where.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    /// `configs/x.toml` or `--set a.b=c`.
    origin: String,
    table: Table,
}

impl Layer {
    pub(crate) fn from_file(file: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(file).map_err(|error| unreadable(file, &error))?;
        Self::from_text(&text, file)
    }

    fn from_text(text: &str, file: &Path) -> Result<Self, Failure> {
        let table = text.parse().map_err(|error: toml::de::Error| {
            let line =
                error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
            Failure::new(
                format_args!("{}, line {line}: {}", file.display(), error.message()),
                "correct the TOML there; strings need quotes, sections look like [distill]",
            )
        })?;
        Ok(Self { origin: file.display().to_string(), table })
    }

    /// `a.b=c`, where c is a TOML value or else a bare string.
    pub(crate) fn from_set(text: &str) -> Result<Self, Failure> {
        let malformed = || {
            Failure::new(
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
        Ok(Self { origin: format!("--set {text}"), table })
    }
}

fn unreadable(file: &Path, error: &std::io::Error) -> Failure {
    let help = match error.kind() {
        std::io::ErrorKind::NotFound => "check the path; the shipped configurations are in configs/",
        _ => "check the file and its permissions",
    };
    Failure::new(format_args!("cannot read the configuration {}: {error}", file.display()), help)
}

fn parse_value(text: &str) -> Value {
    let parsed = format!("value = {text}").parse::<Table>().ok().filter(|table| table.len() == 1);
    parsed.and_then(|mut table| table.remove("value")).unwrap_or_else(|| Value::String(text.to_owned()))
}

/// The layers of one configuration, the strongest last.
#[derive(Debug)]
pub(crate) struct Layers(Vec<Layer>);

impl Layers {
    pub(crate) fn new(layers: Vec<Layer>) -> Self {
        Self(layers)
    }

    /// The strongest value of a dotted key.
    pub(crate) fn get(&self, path: &str) -> Option<&Value> {
        self.0.iter().rev().find_map(|layer| lookup(&layer.table, path))
    }

    /// Where the strongest value of a dotted key was written.
    pub(crate) fn origin(&self, path: &str) -> Option<&str> {
        let layer = self.0.iter().rev().find(|layer| lookup(&layer.table, path).is_some())?;
        Some(&layer.origin)
    }

    /// Puts all layers over `base`: tables merge key by key, anything else replaces.
    pub(crate) fn over(&self, mut base: Table) -> Table {
        for layer in &self.0 {
            merge(&mut base, &layer.table);
        }
        base
    }
}

/// The value of a dotted key.
pub(crate) fn lookup<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        None => table.get(path),
        Some((key, rest)) => lookup(table.get(key)?.as_table()?, rest),
    }
}

fn merge(base: &mut Table, over: &Table) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => merge(base, over),
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

/// All dotted keys of a table, tables themselves included.
pub(crate) fn paths(table: &Table) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in table {
        found.push(key.clone());
        if let Value::Table(inner) = value {
            found.extend(paths(inner).into_iter().map(|path| format!("{key}.{path}")));
        }
    }
    found
}
