//! What results are of: kinds of rows and parts of a run.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A set that a run leaves to be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// After the last iteration.
    Last,
    /// The one chosen on validation images.
    Best,
    /// The moving average after the last iteration.
    Ema,
}

impl Part {
    /// All parts, in the order of tables.
    pub const ALL: [Self; 3] = [Self::Last, Self::Best, Self::Ema];

    /// Its name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Best => "best",
            Self::Ema => "ema",
        }
    }
}

/// What the students of a row of results were trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowKind {
    /// Random real images, another draw for every student.
    Random,
    /// The images a distillation began with.
    Initial,
    /// A distilled set of a run.
    Distilled(Part),
    /// All training images.
    Full,
    /// A set that is not a run's.
    #[default]
    Other,
}

impl RowKind {
    /// Whether it is a distilled set, of whatever part.
    pub fn is_distilled(self) -> bool {
        matches!(self, Self::Distilled(_))
    }
}

/// As tables show it.
impl fmt::Display for RowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Random => "random real",
            Self::Initial => "initial",
            Self::Distilled(Part::Last) => "distilled, last",
            Self::Distilled(Part::Best) => "distilled, best on validation",
            Self::Distilled(Part::Ema) => "distilled, EMA",
            Self::Full => "full data",
            Self::Other => "other",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_plain_in_files() {
        for (kind, json) in [
            (RowKind::Random, "\"random\""),
            (RowKind::Distilled(Part::Ema), "{\"distilled\":\"ema\"}"),
            (RowKind::Full, "\"full\""),
        ] {
            assert_eq!(serde_json::to_string(&kind).unwrap(), json);
            assert_eq!(serde_json::from_str::<RowKind>(json).unwrap(), kind);
        }
    }
}
