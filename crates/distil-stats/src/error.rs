//! Why a statistic has no value.

use thiserror::Error;

/// Why a statistic has no value. Every message is one line that says what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StatsError {
    /// Too few measurements for the statistic to exist.
    #[error("{what} needs at least {needed} values, not {found}; measure with more seeds")]
    TooFew {
        /// The statistic.
        what: &'static str,
        /// The fewest values it is defined for.
        needed: usize,
        /// How many there are.
        found: usize,
    },
    /// A measurement is NaN or infinite.
    #[error("value {} of a sample is not a finite number; leave it out or measure it again", index + 1)]
    NotFinite {
        /// Its place, from 0.
        index: usize,
    },
    /// Measurements that cannot be paired.
    #[error(
        "pairs need equally many values on both sides, not {a} and {b}; measure both with the same seeds"
    )]
    Unpaired {
        /// Values on the left.
        a: usize,
        /// Values on the right.
        b: usize,
    },
    /// Measurements that do not vary, so that nothing can be judged by their spread.
    #[error("{what} is undefined because the values do not vary; measure with other seeds")]
    NoSpread {
        /// The statistic.
        what: &'static str,
    },
    /// A parameter outside its range.
    #[error("{what} = {value} is out of range; give {range}")]
    OutOfRange {
        /// The parameter.
        what: &'static str,
        /// What it was set to.
        value: String,
        /// The remedy.
        range: &'static str,
    },
    /// Scores that do not form one row of equal length for every label.
    #[error(
        "{scores} scores are not {labels} rows of {classes} classes; give one score a class for every label"
    )]
    Scores {
        /// Number of scores.
        scores: usize,
        /// Number of labels.
        labels: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A label that is not a class.
    #[error("label {label} of row {row} is not a class, there are {classes}; number classes from 0")]
    Label {
        /// The row, from 0.
        row: usize,
        /// Its label.
        label: u32,
        /// Number of classes.
        classes: usize,
    },
}

/// Refuses samples that a statistic is not defined for.
pub(crate) fn check(values: &[f64], what: &'static str, needed: usize) -> Result<(), StatsError> {
    if let Some(index) = values.iter().position(|value| !value.is_finite()) {
        return Err(StatsError::NotFinite { index });
    }
    let found = values.len();
    if found < needed { Err(StatsError::TooFew { what, needed, found }) } else { Ok(()) }
}

/// Differences a − b of pairs, at least `needed` of them.
pub(crate) fn differences(
    a: &[f64],
    b: &[f64],
    what: &'static str,
    needed: usize,
) -> Result<Vec<f64>, StatsError> {
    if a.len() != b.len() {
        return Err(StatsError::Unpaired { a: a.len(), b: b.len() });
    }
    check(a, what, needed)?;
    check(b, what, needed)?;
    Ok(a.iter().zip(b).map(|(a, b)| a - b).collect())
}
