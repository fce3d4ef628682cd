//! What tells results from others: the digest of everything that they depend on.

use distil_eval::Protocol;
use distil_models::Network;
use distil_store::hex;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::Candidate;
use crate::Session;
use crate::students::Students;

/// Changes whenever the same protocol gives other students.
const PROTOCOL_VERSION: u32 = 1;

/// Digest of everything that a row depends on.
pub(super) fn key(
    students: &Students<'_>,
    net: &Network,
    protocol: &Protocol,
    candidate: &Candidate,
) -> String {
    let Session { config, dataset, .. } = students.session;
    let mut hash = Sha256::new();
    let ipc = &config.distill.ipc;
    let context = json!([
        PROTOCOL_VERSION,
        students.values(protocol),
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
        Candidate::Set(set, _) => {
            hash.update(set.syn_lr.to_le_bytes());
            set.images.iter().for_each(|pixel| hash.update(pixel.to_le_bytes()));
            hash.update(format!("{:?}", set.labels));
        }
    }
    hex(&hash.finalize())
}
