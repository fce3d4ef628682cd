//! The results of an evaluation, as a run folder keeps them.

use std::path::Path;

use distil_stats::{RepeatedScores, Summary};
use distil_store::{FileError, Part, RowKind, seal};
use serde::{Deserialize, Serialize};

use crate::conditions::Conditions;
use crate::error::ReportError;

/// Contents of a run folder's `evaluation.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EvaluationFile {
    /// Name of the run's own protocol; empty where the results are of no run.
    #[serde(default)]
    pub protocol: String,
    /// One row per evaluated training set, in the order of the table.
    pub rows: Vec<EvaluationRow>,
    /// The published figure the distilled set is to be compared with.
    #[serde(default)]
    pub paper: Option<PaperFigure>,
}

/// Test accuracies of students trained on one training set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRow {
    /// What the students were trained on.
    pub kind: RowKind,
    /// The row's title in tables.
    pub name: String,
    /// Architecture of the students; empty for `convnet`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub arch: String,
    /// The protocol of the students in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    /// Training images of a student.
    pub images: usize,
    /// Index of a student's last epoch.
    #[serde(default)]
    pub epochs: usize,
    /// Step size of the students.
    #[serde(default)]
    pub lr: f64,
    /// Test accuracy of each seed, in `[0, 1]`.
    pub accuracies: Vec<f64>,
    /// Statistics of the accuracies.
    pub summary: Summary,
    /// Wall-clock seconds of all students together.
    #[serde(default)]
    pub seconds: f64,
    /// Digest of everything the row depends on, empty in rows that nobody keeps.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The set that was measured; absent where real images were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<MeasuredSet>,
    /// How it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Conditions>,
    /// What the students' predictions say besides accuracy. A student that diverged predicts nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<RepeatedScores>,
}

/// The file of a synthetic set as it was when it was evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasuredSet {
    /// Its part in the run: `last`, `best` or `ema`.
    pub part: String,
    /// [`set_digest`](crate::set_digest) of its file.
    pub digest: String,
}

/// A published accuracy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaperFigure {
    /// Test accuracy in percent.
    pub accuracy: f64,
    /// Its standard deviation in percent points, where published.
    #[serde(default)]
    pub std: Option<f64>,
    /// Where it was published.
    pub source: String,
    /// What one must know to compare, such as a checkpoint chosen on the test split; empty for nothing.
    #[serde(default)]
    pub note: String,
}

impl EvaluationFile {
    /// Reads `path`; `None` when there is no such file.
    ///
    /// # Errors
    /// [`ReportError::Evaluation`] when it holds something else, [`ReportError::Store`] when it cannot be read.
    pub fn load(path: &Path) -> Result<Option<Self>, ReportError> {
        let Some(text) = Self::read(path)? else { return Ok(None) };
        let parsed = serde_json::from_slice(&text);
        parsed
            .map(Some)
            .map_err(|error| ReportError::Evaluation { path: path.to_path_buf(), what: error.to_string() })
    }

    /// The verified bytes of the file at `path`; `None` when there is no such file.
    ///
    /// # Errors
    /// [`FileError`] when they do not match their checksum or cannot be read.
    pub fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
        seal::read(path, "move it away and evaluate the run again (`distil eval`)")
    }

    /// The row a result is quoted from: the checkpoint chosen on validation, or else the best substitute there is.
    pub fn distilled(&self) -> Option<&EvaluationRow> {
        let of = |part| self.of_kind(RowKind::Distilled(part));
        of(Part::Best)
            .or_else(|| of(Part::Last))
            .or_else(|| self.rows.iter().find(|row| row.kind.is_distilled()))
    }

    /// The row of this kind with the run's own architecture and protocol.
    fn of_kind(&self, kind: RowKind) -> Option<&EvaluationRow> {
        let own = |row: &&EvaluationRow| {
            row.arch() == "convnet" && (self.protocol.is_empty() || row.protocol_name() == self.protocol)
        };
        self.rows.iter().filter(own).find(|row| row.kind == kind)
    }

    /// The row that `of` is compared with: as [`Self::distilled`], among rows of the same architecture and protocol.
    pub(crate) fn reference(&self, of: &EvaluationRow) -> Option<&EvaluationRow> {
        let alike = |row: &&EvaluationRow| row.arch() == of.arch() && row.protocol == of.protocol;
        let of = |part| self.rows.iter().filter(alike).find(move |row| row.kind == RowKind::Distilled(part));
        [Part::Best, Part::Last, Part::Ema].into_iter().find_map(of)
    }

    pub(crate) fn random_real(&self) -> Option<&EvaluationRow> {
        self.of_kind(RowKind::Random)
    }

    pub(crate) fn full_data(&self) -> Option<&EvaluationRow> {
        self.of_kind(RowKind::Full)
    }
}

impl EvaluationRow {
    /// Name of the protocol.
    pub fn protocol_name(&self) -> &str {
        self.protocol.split_once(" with ").map_or(self.protocol.as_str(), |(name, _)| name)
    }

    /// Architecture of the students.
    pub(crate) fn arch(&self) -> &str {
        if self.arch.is_empty() { "convnet" } else { &self.arch }
    }

    /// Mean and deviation in percent, as `70.1 ± 0.4`; the mean alone for one student.
    pub(crate) fn percent(&self) -> String {
        let Summary { n, mean, std, .. } = self.summary;
        percent(100.0 * mean, (n > 1).then_some(100.0 * std))
    }

    /// The 95% interval in percent, as `69.6 to 70.6`; a dash without one.
    pub(crate) fn interval(&self) -> String {
        match self.summary.ci95 {
            Some([low, high]) => format!("{:.1} to {:.1}", 100.0 * low, 100.0 * high),
            None => "–".to_owned(),
        }
    }
}

impl PaperFigure {
    /// The published figure as `71.0 ± 0.5`.
    pub(crate) fn percent(&self) -> String {
        percent(self.accuracy, self.std)
    }
}

pub(crate) fn percent(mean: f64, std: Option<f64>) -> String {
    match std {
        Some(std) => format!("{mean:.1} ± {std:.1}"),
        None => format!("{mean:.1}"),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use distil_stats::Summary;
    use distil_store::{Part, RowKind};

    use super::{EvaluationFile, EvaluationRow, PaperFigure};
    use crate::error::ReportError;

    /// The kind whose title a test gave.
    fn kind(name: &str) -> RowKind {
        let distilled = Part::ALL.map(RowKind::Distilled);
        let kinds = [RowKind::Random, RowKind::Initial, RowKind::Full].into_iter().chain(distilled);
        kinds.into_iter().find(|kind| name.starts_with(&kind.to_string())).unwrap_or_default()
    }

    pub(crate) fn row(name: &str, images: usize, mean: f64, n: usize) -> EvaluationRow {
        let ci95 = (n > 1).then_some([mean - 0.01, mean + 0.01]);
        EvaluationRow {
            kind: kind(name),
            name: name.into(),
            arch: String::new(),
            protocol: String::new(),
            images,
            epochs: 1000,
            lr: 0.01,
            accuracies: (0..n).map(|i| mean + 0.002 * (i as f64 - 0.5 * (n - 1) as f64)).collect(),
            summary: Summary { n, mean, std: 0.004, ci95 },
            seconds: 12.0,
            key: String::new(),
            set: None,
            conditions: None,
            scores: None,
        }
    }

    pub(crate) fn paper() -> PaperFigure {
        PaperFigure {
            accuracy: 71.0,
            std: None,
            source: "A paper".into(),
            note: "best on the test split".into(),
        }
    }

    #[test]
    fn reads_what_the_evaluation_writes_and_forgives_new_fields() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("evaluation.json");
        assert_eq!(EvaluationFile::load(&path).unwrap(), None);
        let text = r#"{"rows":[{"kind":"full","name":"full data","images":5,"epochs":2,"lr":0.1,"accuracies":[0.5],"new":1,
            "summary":{"n":1,"mean":0.5,"std":0.0,"ci95":null},"seconds":1.5}],
            "paper":{"accuracy":71.0,"std":null,"source":"x","note":""},"newer":{}}"#;
        std::fs::write(&path, text).unwrap();
        let file = EvaluationFile::load(&path).unwrap().unwrap();
        assert_eq!(file.full_data().unwrap().percent(), "50.0");
        assert_eq!(file.paper.unwrap().percent(), "71.0");
        std::fs::write(&path, "{\"rows\": 3}").unwrap();
        let error = EvaluationFile::load(&path).unwrap_err();
        assert!(
            matches!(&error, ReportError::Evaluation { .. }) && error.to_string().contains("evaluation.json")
        );
    }

    #[test]
    fn every_damaged_byte_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("evaluation.json");
        let file = EvaluationFile {
            rows: vec![row("distilled, last", 10, 0.9, 2)],
            paper: None,
            ..EvaluationFile::default()
        };
        std::fs::write(&path, distil_store::seal::json(&file)).unwrap();
        distil_damage::every_damage_is_found(&path, || EvaluationFile::load(&path));
    }

    #[test]
    fn quotes_the_checkpoint_chosen_on_validation() {
        let rows = vec![row("distilled, last", 10, 0.9, 2), row("distilled, best on validation", 10, 0.8, 2)];
        let file = EvaluationFile { rows, paper: None, ..EvaluationFile::default() };
        assert_eq!(file.distilled().unwrap().summary.mean.to_bits(), 0.8_f64.to_bits());
    }
}
