//! What results are of: kinds of rows and parts of a run.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A set of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Before the first iteration.
    Initial,
    /// After the last iteration.
    Last,
    /// The one chosen on validation images.
    Best,
    /// The moving average after the last iteration.
    Ema,
}

impl Part {
    /// What a run leaves to be evaluated, in the order of tables.
    pub const DISTILLED: [Self; 3] = [Self::Last, Self::Best, Self::Ema];
    /// Every set of a run.
    pub const ALL: [Self; 4] = [Self::Initial, Self::Last, Self::Best, Self::Ema];

    /// Its name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "initial",
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
    /// A set of a run.
    Set(Part),
    /// All training images.
    Full,
    /// A set that is not a run's.
    #[default]
    Other,
}

impl RowKind {
    /// Whether it is a distilled set of a run, whichever.
    pub fn is_distilled(self) -> bool {
        matches!(self, Self::Set(part) if part != Part::Initial)
    }
}

/// As tables show it.
impl fmt::Display for RowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Random => "random real",
            Self::Set(Part::Initial) => "initial",
            Self::Set(Part::Last) => "distilled, last",
            Self::Set(Part::Best) => "distilled, best on validation",
            Self::Set(Part::Ema) => "distilled, EMA",
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
            (RowKind::Set(Part::Ema), "{\"set\":\"ema\"}"),
            (RowKind::Full, "\"full\""),
        ] {
            assert_eq!(serde_json::to_string(&kind).unwrap(), json);
            assert_eq!(serde_json::from_str::<RowKind>(json).unwrap(), kind);
        }
    }
}
