//! From a row to a whole configuration.

use std::fmt::Write as _;

use toml::{Table, Value};

use super::{Figure, Row, Rows};
use crate::config::{ConfigError, merge};

/// A row as `distil` reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The name of the run, and of its folder below `runs/`. Rows with the same settings share a run.
    pub run: String,
    /// The row whose run it is, where that is another one.
    pub same_as: Option<String>,
    /// The configuration, without name and published figure.
    pub config: Table,
    paper: Option<Table>,
    origin: String,
}

impl Rows {
    /// The configuration of a row: what it extends, in that order, then what it says itself.
    ///
    /// # Errors
    /// When it extends something that is not there, or itself.
    pub fn resolve(&self, row: &Row) -> Result<Resolved, ConfigError> {
        let config = self.merged(row, &mut Vec::new())?;
        let twin = match row.extends.as_slice() {
            [only] => self.rows.get(only),
            _ => None,
        };
        if let Some(twin) = twin
            && self.merged(twin, &mut Vec::new())? == config
        {
            let first = self.resolve(twin)?;
            let same_as = first.same_as.clone().or_else(|| Some(twin.name.clone()));
            return Ok(Resolved { same_as, ..first });
        }
        Ok(Resolved {
            run: row.name.replace('/', "-"),
            same_as: None,
            paper: row.paper(&config),
            origin: format!("row {} of configs/{}", row.name, row.file.display()),
            config,
        })
    }

    pub(super) fn merged(&self, row: &Row, path: &mut Vec<String>) -> Result<Table, ConfigError> {
        if path.contains(&row.name) {
            return Err(ConfigError::plain(format_args!(
                "{} extends itself: {}",
                row.name,
                path.join(" extends ")
            )));
        }
        path.push(row.name.clone());
        let mut merged = Table::new();
        for name in &row.extends {
            let parent = self.bases.get(name).or_else(|| self.rows.get(name)).ok_or_else(|| {
                ConfigError::plain(format_args!(
                    "configs/{}: {} extends {name:?}, which is neither a row nor a base",
                    row.file.display(),
                    row.name
                ))
            })?;
            merge(&mut merged, &self.merged(parent, path)?);
        }
        path.pop();
        merge(&mut merged, &row.config);
        Ok(merged)
    }
}

impl Row {
    /// The figure that the row's own set is compared with.
    pub fn figure(&self, config: &Table) -> Option<Figure> {
        let method = config.get("method").and_then(Value::as_str).unwrap_or("mtt");
        self.published.get(method).or_else(|| self.published.get("published")).copied()
    }

    /// The `[paper]` section.
    fn paper(&self, config: &Table) -> Option<Table> {
        let figure = self.figure(config)?;
        let mut paper = Table::from_iter([
            ("accuracy".to_owned(), Value::Float(figure.accuracy)),
            ("source".to_owned(), Value::String(self.source.clone())),
        ]);
        if let Some(std) = figure.std {
            paper.insert("std".to_owned(), Value::Float(std));
        }
        if !self.note.is_empty() {
            paper.insert("note".to_owned(), Value::String(self.note.clone()));
        }
        Some(paper)
    }
}

impl Resolved {
    /// The value of a dotted key, where the row or what it extends sets it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let mut keys = key.split('.');
        let first = self.config.get(keys.next()?);
        keys.fold(first, |value, key| value?.get(key))
    }

    /// As text that `distil --config` takes.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "# Written by `distil reproduce`: {}. Change that, not this.", self.origin);
        let mut table = self.config.clone();
        table.insert("name".to_owned(), Value::String(self.run.clone()));
        if let Some(paper) = &self.paper {
            table.insert("paper".to_owned(), Value::Table(paper.clone()));
        }
        text.push_str(&toml::to_string_pretty(&table).expect("a table is plain TOML"));
        text
    }

    /// The same under another name, compared with nothing.
    pub(crate) fn renamed(self, run: String, config: Table, remark: &str) -> Self {
        let origin = format!("{}, {remark}", self.origin);
        Self { run, config, paper: None, origin, ..self }
    }
}
