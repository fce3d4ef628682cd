//! How rows are written: a plain configuration, or a table file of many rows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use super::Row;
use crate::config::ConfigError;

/// A published accuracy in percent: `71.0`, or `[71.0, 0.8]` with its standard deviation.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(from = "Written")]
pub struct Figure {
    /// Mean test accuracy in percent.
    pub accuracy: f64,
    /// Its standard deviation in percent points, where published.
    pub std: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Mean(f64),
    Alone([f64; 1]),
    WithStd([f64; 2]),
}

impl From<Written> for Figure {
    fn from(written: Written) -> Self {
        match written {
            Written::Mean(accuracy) | Written::Alone([accuracy]) => Self { accuracy, std: None },
            Written::WithStd([accuracy, std]) => Self { accuracy, std: Some(std) },
        }
    }
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.std {
            Some(std) => write!(f, "{:.1} ± {std:.1}", self.accuracy),
            None => write!(f, "{:.1}", self.accuracy),
        }
    }
}

/// Published figures by method.
pub type Published = BTreeMap<String, Figure>;

/// A file of `configs/`.
pub(super) enum FileContents {
    /// One row: the configuration itself.
    Plain(Box<Row>),
    /// None: what `distil sweep` or `distil campaign` takes.
    Comparison,
    /// Many.
    Table { path: PathBuf, file: TableFile },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableFile {
    title: String,
    #[serde(default)]
    source: String,
    #[serde(default, rename = "base")]
    bases: Vec<BaseEntry>,
    #[serde(default, rename = "row")]
    rows: Vec<RowEntry>,
    #[serde(default, rename = "grid")]
    grids: Vec<GridEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BaseEntry {
    name: String,
    #[serde(default)]
    extends: Vec<String>,
    #[serde(default)]
    config: Table,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RowEntry {
    name: String,
    #[serde(default)]
    extends: Vec<String>,
    #[serde(default)]
    config: Table,
    #[serde(default)]
    published: Published,
    #[serde(default)]
    archs: BTreeMap<String, Published>,
    #[serde(default)]
    note: String,
}

/// Rows that differ in one key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GridEntry {
    /// With `{}` where the label of a value goes.
    name: String,
    extends: Vec<String>,
    /// Dotted, like `distill.ipc`.
    key: String,
    values: Vec<Value>,
    /// What the values are called in names, where that is not the value itself.
    #[serde(default)]
    labels: Vec<String>,
    /// The figure of each value.
    #[serde(default)]
    published: Vec<Figure>,
    /// The method whose figures they are.
    method: String,
    #[serde(default)]
    note: String,
}

/// What a file adds.
pub(super) enum Entry {
    Row(Row),
    Base(Row),
}

impl FileContents {
    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let named = || format!("configs/{}", path.display());
        let table: Table = text
            .parse()
            .map_err(|error| ConfigError::plain(format_args!("{} is not TOML: {error}", named())))?;
        if ["for", "variant", "queue"].iter().any(|key| table.contains_key(*key)) {
            return Ok(Self::Comparison);
        }
        // A configuration has no title.
        if table.contains_key("title") {
            let file = toml::from_str(text)
                .map_err(|error| ConfigError::plain(format_args!("{} cannot be read: {error}", named())))?;
            return Ok(Self::Table { path: path.to_owned(), file });
        }
        plain(text, table, path).map(|row| Self::Plain(Box::new(row)))
    }

    pub(super) fn entries(self) -> Result<Vec<Entry>, ConfigError> {
        let (path, file) = match self {
            Self::Plain(row) => return Ok(vec![Entry::Row(*row)]),
            Self::Comparison => return Ok(Vec::new()),
            Self::Table { path, file } => (path, file),
        };
        let TableFile { title, source, bases, rows, grids } = file;
        let empty = Row {
            name: String::new(),
            file: path,
            title,
            source,
            published: Published::new(),
            archs: BTreeMap::new(),
            note: String::new(),
            extends: Vec::new(),
            config: Table::new(),
        };
        let mut entries = Vec::new();
        for BaseEntry { name, extends, config } in bases {
            entries.push(Entry::Base(Row { name, extends, config, ..empty.clone() }));
        }
        for RowEntry { name, extends, config, published, archs, note } in rows {
            entries.push(Entry::Row(Row { name, published, archs, note, extends, config, ..empty.clone() }));
        }
        for grid in grids {
            entries.extend(grid.rows(&empty)?.into_iter().map(Entry::Row));
        }
        Ok(entries)
    }
}

impl GridEntry {
    fn rows(self, empty: &Row) -> Result<Vec<Row>, ConfigError> {
        let count = self.values.len();
        if !self.name.contains("{}") {
            return Err(ConfigError::plain(format_args!(
                "configs/{}: the grid {:?} has no {{}} in its name",
                empty.file.display(),
                self.name
            )));
        }
        for (what, given) in [("labels", self.labels.len()), ("published", self.published.len())] {
            if given != 0 && given != count {
                return Err(ConfigError::plain(format_args!(
                    "configs/{}: {}: {given} {what} for {count} values",
                    empty.file.display(),
                    self.name
                )));
            }
        }
        let mut rows = Vec::new();
        for (index, value) in self.values.into_iter().enumerate() {
            let label = self.labels.get(index).cloned().unwrap_or_else(|| shown(&value));
            let figure = self.published.get(index).map(|figure| (self.method.clone(), *figure));
            rows.push(Row {
                name: self.name.replace("{}", &label),
                extends: self.extends.clone(),
                config: nested(&self.key, value),
                published: figure.into_iter().collect(),
                note: self.note.clone(),
                ..empty.clone()
            });
        }
        Ok(rows)
    }
}

/// `a.b` and v as `{ a = { b = v } }`.
fn nested(key: &str, value: Value) -> Table {
    let nest = |inner: Value, key: &str| Value::Table(Table::from_iter([(key.to_owned(), inner)]));
    let (first, rest) = key.split_once('.').map_or((key, None), |(first, rest)| (first, Some(rest)));
    let inner = rest.map_or(value.clone(), |rest| rest.rsplit('.').fold(value, nest));
    Table::from_iter([(first.to_owned(), inner)])
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A configuration file: its name is its path, its note the first comment.
fn plain(text: &str, mut config: Table, path: &Path) -> Result<Row, ConfigError> {
    let title =
        text.lines().next().and_then(|line| line.strip_prefix('#')).unwrap_or_default().trim().to_owned();
    let (mut source, mut note, mut published) = (String::new(), String::new(), Published::new());
    if let Some(paper) = config.remove("paper") {
        let paper: PlainPaper = paper.try_into().map_err(|error| {
            ConfigError::plain(format_args!("configs/{}: in [paper]: {error}", path.display()))
        })?;
        published.insert("published".to_owned(), Figure { accuracy: paper.accuracy, std: paper.std });
        (source, note) = (paper.source, paper.note);
    }
    let name = path.with_extension("").to_string_lossy().replace('\\', "/");
    Ok(Row {
        name,
        file: path.to_owned(),
        title,
        source,
        published,
        archs: BTreeMap::new(),
        note,
        extends: Vec::new(),
        config,
    })
}

/// The `[paper]` section of a configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainPaper {
    accuracy: f64,
    std: Option<f64>,
    source: String,
    #[serde(default)]
    note: String,
}
