//! Recovery ratios: what share of the accuracy on all data a small training set keeps (EDF, Table 3b).

use std::path::{Path, PathBuf};

use distil_stats::{Correlation, Ratio, StatsError, Summary, spearman};
use distil_store::{RunPaths, SyntheticSet};
use thiserror::Error;

use crate::conditions::{Incomparable, comparable};
use crate::error::ReportError;
use crate::results::Results;
use distil_store::Evaluation;

/// The fewest subsets whose order is set against their complexity.
const FEWEST: usize = 4;

/// What share of the accuracy on all data a training set recovers.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovery {
    /// What the data are called.
    pub subset: String,
    /// The method that made the set, or `random real`.
    pub method: String,
    /// Images per class.
    pub ipc: usize,
    /// Names of the classes.
    pub class_names: Vec<String>,
    /// Test accuracies of students that were trained on the set.
    pub accuracy: Summary,
    /// Test accuracies of students that were trained on all training images.
    pub full: Summary,
    /// The first by the second.
    pub ratio: Ratio,
    /// Complexity of the scenes, in `[0, 1]`, and its standard error, where they were measured.
    pub complexity: Option<(f64, Option<f64>)>,
}

/// An easy and a hard subset, distilled alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct EasyAndHard<'a> {
    /// Their common name.
    pub(crate) category: &'a str,
    pub(crate) easy: &'a Recovery,
    pub(crate) hard: &'a Recovery,
}

/// Why a run has no recovery ratio. Every message is one line that says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecoveryError {
    /// A file of the run cannot be read.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A result that the ratio is made of is missing.
    #[error("{} has {what}; run `distil eval {}`", run.display(), run.display())]
    Missing {
        /// The run.
        run: PathBuf,
        /// What it has or has not.
        what: String,
    },
    /// The set and all data were evaluated differently.
    #[error("{}: {source}", run.display())]
    Incomparable {
        /// The run.
        run: PathBuf,
        /// What differs.
        source: Incomparable,
    },
    /// Accuracies that have no ratio.
    #[error("{}: {source}", run.display())]
    Ratio {
        /// The run.
        run: PathBuf,
        /// Why not.
        source: StatsError,
    },
}

impl Recovery {
    /// What the run recovers: of random real images where they were evaluated, and of its distilled set, as
    /// [`EvaluationFile::distilled`](distil_store::EvaluationFile::distilled) chooses it. Without complexity.
    ///
    /// # Errors
    /// [`RecoveryError`] when the run has not been evaluated whole, or has changed since.
    pub fn of_run(run: &RunPaths) -> Result<Vec<Self>, RecoveryError> {
        let folder = run.folder();
        let missing = |what: &str| RecoveryError::Missing { run: folder.to_owned(), what: what.to_owned() };
        let results = Results::of_run(run)?.ok_or_else(|| missing("not been evaluated"))?;
        // A stale result must not be replaced by another one without a word.
        if !results.outdated.is_empty() {
            return Err(missing("changed since it was evaluated"));
        }
        let rows = &results.evaluation;
        let distilled = rows.distilled().ok_or_else(|| missing("no result of a distilled set"))?;
        let full = rows.full_data().ok_or_else(|| missing("no result of training on all data"))?;
        let set = distilled.set.as_ref().ok_or_else(|| missing("a result of an unknown set"))?;
        let card = SyntheticSet::load(run.set(set.part)).map_err(ReportError::from)?.card;
        let blank = |method: &str, row: &Evaluation| {
            Ok::<_, RecoveryError>(Self {
                subset: card.dataset.clone(),
                method: method.to_owned(),
                ipc: card.ipc,
                class_names: card.class_names.clone(),
                accuracy: row.summary,
                full: full.summary,
                ratio: ratio(folder, row, full)?,
                complexity: None,
            })
        };
        let random = rows.random_real().map(|row| blank("random real", row)).transpose()?;
        Ok(random.into_iter().chain([blank(&card.method, distilled)?]).collect())
    }

    /// Whether it is the same result under the same name, as random images are in several runs on the same data.
    fn same(&self, other: &Self) -> bool {
        self.kind() == other.kind()
            && self.subset == other.subset
            && self.accuracy == other.accuracy
            && self.full == other.full
    }

    fn kind(&self) -> (&str, usize) {
        (&self.method, self.ipc)
    }
}

fn ratio(run: &Path, row: &Evaluation, full: &Evaluation) -> Result<Ratio, RecoveryError> {
    let run = || run.to_owned();
    comparable(row, full).map_err(|source| RecoveryError::Incomparable { run: run(), source })?;
    Ratio::of_means(&row.accuracies, &full.accuracies)
        .map_err(|source| RecoveryError::Ratio { run: run(), source })
}

/// The rows without repetitions.
pub(crate) fn distinct(rows: &[Recovery]) -> Vec<&Recovery> {
    let first = |at: &usize| rows[..*at].iter().all(|before| !before.same(&rows[*at]));
    (0..rows.len()).filter(first).map(|at| &rows[at]).collect()
}

/// Subsets whose names end in `-easy` and `-hard`, of the same method and size; the first with the first where there are
/// several.
pub(crate) fn pairs<'a>(rows: &[&'a Recovery]) -> Vec<EasyAndHard<'a>> {
    let mut hard: Vec<&'a Recovery> =
        rows.iter().copied().filter(|row| row.subset.ends_with("-hard")).collect();
    let mut found = Vec::new();
    for &easy in rows {
        let Some(category) = easy.subset.strip_suffix("-easy") else { continue };
        let fits =
            |row: &&Recovery| row.subset.strip_suffix("-hard") == Some(category) && row.kind() == easy.kind();
        if let Some(at) = hard.iter().position(fits) {
            found.push(EasyAndHard { category, easy, hard: hard.remove(at) });
        }
    }
    found
}

/// Spearman's ρ of recovery ratio and complexity over the subsets of each method and size, where at least four were
/// measured and differ.
pub(crate) fn against_complexity<'a>(rows: &[&'a Recovery]) -> Vec<(&'a str, usize, Correlation)> {
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for row in rows {
        if !kinds.contains(&row.kind()) {
            kinds.push(row.kind());
        }
    }
    let of = |kind: (&'a str, usize)| {
        let measured = rows.iter().filter(|row| row.kind() == kind);
        let (complexity, ratio): (Vec<f64>, Vec<f64>) =
            measured.filter_map(|row| Some((row.complexity?.0, row.ratio.value))).unzip();
        let found = spearman(&complexity, &ratio).ok().filter(|found| found.n >= FEWEST)?;
        Some((kind.0, kind.1, found))
    };
    kinds.into_iter().filter_map(of).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use distil_stats::{Ratio, Summary};

    use super::{Recovery, against_complexity, distinct, pairs};

    pub(crate) fn recovery(subset: &str, method: &str, mean: f64, complexity: Option<f64>) -> Recovery {
        let (of_set, of_all) = ([mean - 0.01, mean, mean + 0.01], [0.78, 0.8, 0.82]);
        Recovery {
            subset: subset.into(),
            method: method.into(),
            ipc: 10,
            class_names: vec!["a".into(), "b".into()],
            accuracy: Summary::of(&of_set).unwrap(),
            full: Summary::of(&of_all).unwrap(),
            ratio: Ratio::of_means(&of_set, &of_all).unwrap(),
            complexity: complexity.map(|value| (value, Some(0.002))),
        }
    }

    #[test]
    fn easy_meets_hard_of_the_same_method_and_a_repetition_is_shown_once() {
        let rows = [
            recovery("bird-easy", "random real", 0.3, None),
            recovery("bird-easy", "edf", 0.6, None),
            recovery("bird-easy", "random real", 0.3, None),
            recovery("bird-easy", "datm", 0.5, None),
            recovery("bird-hard", "edf", 0.4, None),
            recovery("bird-hard", "edf", 0.45, None),
            recovery("dog-hard", "datm", 0.4, None),
        ];
        let rows = distinct(&rows);
        assert_eq!(rows.len(), 6);
        let [pair] = pairs(&rows)[..] else { panic!("one pair: {:?}", pairs(&rows)) };
        assert_eq!((pair.category, pair.easy.method.as_str()), ("bird", "edf"));
        assert!((pair.hard.accuracy.mean - 0.4).abs() < 1e-12, "the first of two");
    }

    #[test]
    fn orders_are_set_against_each_other_within_a_method() {
        let falling =
            (0..5).map(|at| recovery("s", "edf", 0.7 - 0.1 * f64::from(at), Some(0.1 * f64::from(at))));
        let few = (0..3).map(|at| recovery("s", "datm", 0.7, Some(0.1 * f64::from(at))));
        let rows: Vec<Recovery> = falling.chain(few).collect();
        let found = against_complexity(&rows.iter().collect::<Vec<_>>());
        let [(method, ipc, found)] = found[..] else { panic!("one method: {found:?}") };
        assert_eq!((method, ipc, found.n), ("edf", 10, 5));
        assert!((found.coefficient + 1.0).abs() < 1e-12, "{found:?}");
    }
}
