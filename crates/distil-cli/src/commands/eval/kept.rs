//! Results as a run folder keeps them.

use std::path::Path;

use distil_eval::ProtocolName;
use distil_models::Network;
use distil_report::{EvaluationFile, EvaluationRow};
use distil_store::{RunPaths, atomic, hex, seal};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::Candidate;
use crate::commands::students::Students;
use crate::failure::Failure;
use crate::session::Session;

/// Results of an earlier, interrupted or shorter evaluation; none where there is no such file.
///
/// # Errors
/// [`Failure`] when the file is damaged: results of other protocols in it would be lost.
pub(super) fn load(path: &Path) -> Result<EvaluationFile, Failure> {
    Ok(EvaluationFile::load(path)?.unwrap_or_default())
}

/// Writes the results of a run, whole or not at all.
pub(super) fn save(file: &EvaluationFile, run: &RunPaths) -> Result<(), Failure> {
    Ok(atomic::write(run.evaluation(), seal::json(file))?)
}

/// `rows`, and after them what was measured before by other protocols than `now`; rows whose set has changed since are
/// told apart by their readers.
pub(super) fn with_others(
    rows: &[EvaluationRow],
    before: &[EvaluationRow],
    now: ProtocolName,
) -> Vec<EvaluationRow> {
    let others = before.iter().filter(|row| row.protocol_name() != now.as_str());
    rows.iter().chain(others).cloned().collect()
}

/// Changes whenever the same protocol gives other students.
const PROTOCOL_VERSION: u32 = 1;

/// Digest of everything that a row depends on.
pub(super) fn key(students: &Students<'_>, net: &Network, candidate: &Candidate) -> String {
    let Session { config, dataset, .. } = students.session;
    let net = match net {
        Network::ConvNet(net) => json!(net),
        other => json!(other),
    };
    let mut hash = Sha256::new();
    let ipc = config.distill.ipc;
    let context = json!([
        PROTOCOL_VERSION,
        students.values(),
        net,
        dataset.digest,
        config.seed,
        ipc,
        env!("CARGO_PKG_VERSION")
    ]);
    hash.update(context.to_string());
    match candidate {
        Candidate::RandomReal => hash.update(b"random"),
        Candidate::FullData => hash.update(b"full"),
        Candidate::Set(_, set, _) => {
            hash.update(set.syn_lr.to_le_bytes());
            set.images.iter().for_each(|pixel| hash.update(pixel.to_le_bytes()));
            hash.update(format!("{:?}", set.labels));
        }
    }
    hex(&hash.finalize())
}
