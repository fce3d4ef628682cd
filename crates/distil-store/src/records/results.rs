//! The results of an evaluation, as a run folder keeps them.

use std::path::Path;

use distil_files::{FileError, WriteError, atomic, seal, sha256_of_file};
use distil_stats::{RepeatedScores, Summary};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Part, RowKind};

/// What to do about results that cannot be read.
const REMEDY: &str = "move it away and evaluate the run again (`distil eval`)";

/// Contents of a run folder's `evaluation.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EvaluationFile {
    /// How the run itself evaluates; absent where the results are of no run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<OwnWay>,
    /// One row per evaluated training set, in the order of the table.
    pub rows: Vec<Evaluation>,
    /// The published figure the distilled set is to be compared with.
    #[serde(default)]
    pub paper: Option<PaperFigure>,
}

/// The students that a run's configuration asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnWay {
    /// Their architecture.
    pub arch: String,
    /// Their protocol in words, as rows have it.
    pub protocol: String,
    /// How many there are.
    pub seeds: usize,
    /// Their network.
    pub network: Value,
}

/// Test accuracies of students trained on one training set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// What the students were trained on.
    pub kind: RowKind,
    /// Its title in tables.
    pub name: String,
    /// Architecture of the students.
    pub arch: String,
    /// The protocol of the students in words.
    pub protocol: String,
    /// Training images of a student, as they are stored.
    pub images: usize,
    /// How many images a student sees in them, where that is another number (tiles).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<usize>,
    /// Index of a student's last epoch.
    pub epochs: usize,
    /// Step size of the students.
    pub lr: f64,
    /// Test accuracy of each student, in `[0, 1]`.
    pub accuracies: Vec<f64>,
    /// How many of the students diverged. Their networks give numbers that are none, of which the first class counts as the
    /// highest, as in PyTorch.
    #[serde(default, skip_serializing_if = "is_none")]
    pub diverged: usize,
    /// Mean, standard deviation and 95 % interval of the accuracies.
    pub summary: Summary,
    /// Wall-clock seconds of all students together.
    pub seconds: f64,
    /// Digest of everything it depends on, empty where nobody keeps it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The set that was measured; absent where real images were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<MeasuredSet>,
    /// How it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Conditions>,
    /// What the students' predictions say besides accuracy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<RepeatedScores>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_none(count: &usize) -> bool {
    *count == 0
}

/// What an accuracy was measured on and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conditions {
    /// Name of the dataset.
    pub dataset: String,
    /// Digest of its test split: classes, pixels before preprocessing, labels.
    pub test: String,
    /// The students' network.
    pub network: Value,
    /// How students were trained.
    pub protocol: Value,
}

/// The file of a synthetic set as it was when it was evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasuredSet {
    /// Its part in the run.
    pub part: Part,
    /// SHA-256 of its file.
    pub digest: String,
}

impl MeasuredSet {
    /// The set in `file` as it is now.
    ///
    /// # Errors
    /// [`FileError::Read`] when it cannot be read.
    pub fn of(part: Part, file: &Path) -> Result<Self, FileError> {
        let digest = sha256_of_file(file).map_err(|source| FileError::read(file, source))?;
        Ok(Self { part, digest })
    }
}

/// A published accuracy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaperFigure {
    /// Test accuracy in percent.
    pub accuracy: f64,
    /// Its standard deviation in percent points, where published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub std: Option<f64>,
    /// Where it was published.
    pub source: String,
    /// What one must know to compare, such as a checkpoint chosen on the test split; empty for nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl EvaluationFile {
    /// Reads `path`; `None` when there is no such file.
    ///
    /// # Errors
    /// [`FileError`] when it is damaged, cannot be read, or holds something else.
    pub fn load(path: &Path) -> Result<Option<Self>, FileError> {
        seal::load(path, "the results of an evaluation", REMEDY)
    }

    /// Writes it to `path`, sealed and whole.
    ///
    /// # Errors
    /// [`WriteError`] when it cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), WriteError> {
        atomic::write(path, seal::json(self))
    }

    /// The verified bytes of the file at `path`; `None` when there is no such file.
    ///
    /// # Errors
    /// [`FileError`] when they do not match their checksum or cannot be read.
    pub fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
        seal::read(path, REMEDY)
    }

    /// The row a result is quoted from, wherever one is quoted: of the rows measured most like the run's own, the
    /// checkpoint chosen on validation, or else the last one, or the moving average.
    pub fn distilled(&self) -> Option<&Evaluation> {
        self.nearest(|row| row.kind.is_distilled()).and_then(|row| self.reference(row))
    }

    /// The row that `of` is compared with: as [`Self::distilled`] chooses it, among rows measured like `of`.
    pub fn reference(&self, of: &Evaluation) -> Option<&Evaluation> {
        let part =
            |part| self.rows.iter().find(|row| row.kind == RowKind::Set(part) && row.is_measured_like(of));
        [Part::Best, Part::Last, Part::Ema].into_iter().find_map(part)
    }

    /// Random real images, measured like the row that is quoted.
    pub fn random_real(&self) -> Option<&Evaluation> {
        self.beside_the_quoted(RowKind::Random)
    }

    /// All training images, measured like the row that is quoted.
    pub fn full_data(&self) -> Option<&Evaluation> {
        self.beside_the_quoted(RowKind::Full)
    }

    /// Whether a row was measured as the run's configuration says.
    pub fn is_own(&self, row: &Evaluation) -> bool {
        self.strangeness(row) == [false; 5]
    }

    fn beside_the_quoted(&self, kind: RowKind) -> Option<&Evaluation> {
        match self.distilled() {
            Some(quoted) => self.rows.iter().find(|row| row.kind == kind && row.is_measured_like(quoted)),
            None => self.nearest(|row| row.kind == kind),
        }
    }

    /// Of some rows the one measured most like the run's own; the first of equals.
    fn nearest(&self, of: impl Fn(&Evaluation) -> bool) -> Option<&Evaluation> {
        self.rows.iter().filter(|row| of(row)).min_by_key(|row| self.strangeness(row))
    }

    /// What of a row differs from the run's own rows, the gravest first; nothing where there is no run.
    fn strangeness(&self, row: &Evaluation) -> [bool; 5] {
        let Some(own) = &self.own else { return [false; 5] };
        let network = row.conditions.as_ref().map_or(&own.network, |conditions| &conditions.network);
        [
            row.arch != own.arch,
            row.protocol_name() != own.protocol_name(),
            row.protocol != own.protocol,
            row.summary.n != own.seeds,
            *network != own.network,
        ]
    }
}

impl OwnWay {
    /// Name of the protocol.
    pub fn protocol_name(&self) -> &str {
        protocol_name(&self.protocol)
    }
}

impl Evaluation {
    /// Name of the protocol.
    pub fn protocol_name(&self) -> &str {
        protocol_name(&self.protocol)
    }

    /// Whether both were measured alike, so that they differ by what students were trained on only.
    pub fn is_measured_like(&self, other: &Self) -> bool {
        let alike = match (&self.conditions, &other.conditions) {
            (Some(own), Some(others)) => own == others,
            _ => true,
        };
        alike && self.arch == other.arch && self.protocol == other.protocol
    }

    /// Mean and deviation in percent, as `70.1 ± 0.4`; the mean alone for one student.
    pub fn percent(&self) -> String {
        let Summary { n, mean, std, .. } = self.summary;
        percent(100.0 * mean, (n > 1).then_some(100.0 * std))
    }

    /// The 95% interval in percent, as `69.6 to 70.6`; a dash without one.
    pub fn interval(&self) -> String {
        match self.summary.ci95 {
            Some([low, high]) => format!("{:.1} to {:.1}", 100.0 * low, 100.0 * high),
            None => "–".to_owned(),
        }
    }
}

impl PaperFigure {
    /// The published figure as `71.0 ± 0.5`.
    pub fn percent(&self) -> String {
        percent(self.accuracy, self.std)
    }
}

/// The name in a protocol's description.
fn protocol_name(described: &str) -> &str {
    described.split_once(" with ").map_or(described, |(name, _)| name)
}

/// `71.0 ± 0.5`, of percents.
pub fn percent(mean: f64, std: Option<f64>) -> String {
    match std {
        Some(std) => format!("{mean:.1} ± {std:.1}"),
        None => format!("{mean:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: RowKind, mean: f64) -> Evaluation {
        Evaluation {
            kind,
            name: kind.to_string(),
            arch: "convnet".to_owned(),
            protocol: "mtt".to_owned(),
            images: 10,
            seen: None,
            epochs: 1000,
            lr: 0.01,
            accuracies: vec![mean],
            diverged: 0,
            summary: Summary { n: 1, mean, std: 0.0, ci95: None },
            seconds: 12.0,
            key: String::new(),
            set: None,
            conditions: None,
            scores: None,
        }
    }

    fn file(rows: Vec<Evaluation>) -> EvaluationFile {
        EvaluationFile { rows, paper: None, ..EvaluationFile::default() }
    }

    #[test]
    fn reads_what_is_written_and_refuses_what_is_something_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("evaluation.json");
        assert_eq!(EvaluationFile::load(&path).unwrap(), None);
        let paper = PaperFigure { accuracy: 71.0, std: None, source: "x".to_owned(), note: String::new() };
        let written = EvaluationFile { paper: Some(paper), ..file(vec![row(RowKind::Full, 0.5)]) };
        std::fs::write(&path, seal::json(&written)).unwrap();
        let read = EvaluationFile::load(&path).unwrap().unwrap();
        assert_eq!(read, written);
        assert_eq!(read.full_data().unwrap().percent(), "50.0");
        assert_eq!(read.paper.unwrap().percent(), "71.0");
        std::fs::write(&path, "{\"rows\": 3}").unwrap();
        let error = EvaluationFile::load(&path).unwrap_err();
        assert!(matches!(error, FileError::Foreign { .. }) && error.to_string().contains("evaluation.json"));
    }

    #[test]
    fn every_damaged_byte_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("evaluation.json");
        std::fs::write(&path, seal::json(&file(vec![row(RowKind::Set(Part::Last), 0.9)]))).unwrap();
        distil_damage::every_damage_is_found(&path, || EvaluationFile::load(&path));
    }

    #[test]
    fn quotes_the_checkpoint_chosen_on_validation() {
        let rows = vec![row(RowKind::Set(Part::Last), 0.9), row(RowKind::Set(Part::Best), 0.8)];
        assert_eq!(file(rows).distilled().unwrap().summary.mean, 0.8);
    }

    #[test]
    fn one_rule_chooses_the_row_and_what_stands_beside_it() {
        let by = |protocol: &str, arch: &str, kind, mean| {
            let (arch, protocol) = (arch.to_owned(), protocol.to_owned());
            Evaluation { arch, protocol, ..row(kind, mean) }
        };
        let [best, last] = [Part::Best, Part::Last].map(RowKind::Set);
        let other = vec![
            by("dc with epochs = 3", "convnet", RowKind::Random, 0.1),
            by("dc with epochs = 3", "convnet", last, 0.2),
            by("dc with epochs = 3", "convnet", best, 0.3),
        ];
        // Only rows of another protocol: still the best one, and its own neighbours.
        let own = OwnWay {
            arch: "resnet18".to_owned(),
            protocol: "mtt".to_owned(),
            seeds: 1,
            network: Value::Null,
        };
        let alone = EvaluationFile { own: Some(own.clone()), ..file(other.clone()) };
        let quoted = alone.distilled().unwrap();
        assert_eq!((quoted.summary.mean, alone.random_real().unwrap().summary.mean), (0.3, 0.1));
        assert!(!alone.is_own(quoted) && alone.full_data().is_none());
        assert!(alone.rows.iter().all(|row| std::ptr::eq(alone.reference(row).unwrap(), quoted)));
        // The run's own rows are quoted wherever they stand, whatever the architecture.
        let more = vec![
            by("mtt", "convnet", best, 0.4),
            by("mtt with epochs = 9", "resnet18", best, 0.5),
            by("mtt", "resnet18", last, 0.6),
            by("mtt", "resnet18", RowKind::Full, 0.7),
        ];
        let rows = [other, more].concat();
        let all = EvaluationFile { own: Some(own), ..file(rows) };
        assert_eq!(all.distilled().unwrap().summary.mean, 0.6);
        assert_eq!(all.full_data().unwrap().summary.mean, 0.7);
        assert!(all.random_real().is_none() && all.is_own(all.distilled().unwrap()));
    }
}
