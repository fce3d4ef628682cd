//! Results as a run folder keeps them.

use std::path::Path;

use distil_eval::{Evaluation, ProtocolName};
use distil_models::Network;
use distil_report::{Conditions, EvaluationFile, MeasuredSet, PaperFigure};
use distil_store::{RunPaths, atomic, hex, seal};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::Candidate;
use crate::commands::students::Students;
use crate::failure::Failure;
use crate::workbench::Workbench;

/// Contents of `evaluation.json`, with the keys that tell whether a row still holds.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) rows: Vec<Row>,
    #[serde(default)]
    pub(super) paper: Option<PaperFigure>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Row {
    /// Digest of everything the row depends on.
    #[serde(default)]
    pub(super) key: String,
    /// The file of the set, by which reports know whether the row still holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) set: Option<MeasuredSet>,
    /// What comparisons must agree in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) conditions: Option<Conditions>,
    #[serde(flatten)]
    pub(super) result: Evaluation,
}

impl Kept {
    /// As the report reads it.
    pub(super) fn readable(&self) -> EvaluationFile {
        let value = serde_json::to_value(self).expect("results are plain JSON");
        serde_json::from_value(value).expect("the report reads what the evaluation writes")
    }

    /// Results of an earlier, interrupted or shorter evaluation; none where there is no such file.
    ///
    /// # Errors
    /// [`Failure`] when the file is damaged: results of other protocols in it would be lost.
    pub(super) fn load(path: &Path) -> Result<Self, Failure> {
        let Some(bytes) = EvaluationFile::read(path)? else { return Ok(Self::default()) };
        serde_json::from_slice(&bytes).map_err(|error| {
            Failure::new(
                format_args!("{} does not hold the results of an evaluation: {error}", path.display()),
                "move it away, and what it held is measured again",
            )
        })
    }

    /// With what was measured before by other protocols than `now`; rows whose set has changed since are told apart by
    /// their readers.
    pub(super) fn with_others(&self, before: &Self, now: ProtocolName, own: ProtocolName) -> Self {
        let others = before.rows.iter().filter(|row| row.protocol(own) != now.as_str());
        Self { rows: self.rows.iter().chain(others).cloned().collect(), paper: self.paper.clone() }
    }

    /// Writes the results of a run, whole or not at all.
    pub(super) fn save(&self, run: &RunPaths) -> Result<(), Failure> {
        Ok(atomic::write(run.evaluation(), seal::json(self))?)
    }
}

impl Row {
    /// Name of the protocol; rows of earlier versions are of the run's own.
    fn protocol(&self, own: ProtocolName) -> &str {
        let described = self.result.protocol.as_str();
        let name = described.split_once(" with ").map_or(described, |(name, _)| name);
        if name.is_empty() { own.as_str() } else { name }
    }
}

/// Changes whenever the same protocol gives other students.
const PROTOCOL_VERSION: u32 = 1;

/// Digest of everything that a row depends on.
pub(super) fn key(students: &Students<'_>, net: &Network, candidate: &Candidate) -> String {
    let Workbench { config, dataset, .. } = students.bench;
    let net = match net {
        Network::ConvNet(net) => json!(net),
        other => json!(other),
    };
    let mut hash = Sha256::new();
    let ipc = config.distill.ipc;
    let around = json!([
        PROTOCOL_VERSION,
        students.values(),
        net,
        dataset.digest,
        config.seed,
        ipc,
        env!("CARGO_PKG_VERSION")
    ]);
    hash.update(around.to_string());
    match candidate {
        Candidate::RandomReal => hash.update(b"random"),
        Candidate::FullData => hash.update(b"full"),
        Candidate::Set(set, _) => {
            hash.update(set.syn_lr.to_le_bytes());
            set.images.iter().for_each(|pixel| hash.update(pixel.to_le_bytes()));
            hash.update(format!("{:?}", set.labels));
        }
    }
    hex(&hash.finalize())
}
