//! Under which conditions accuracies are measured, for whoever compares them later.

use distil_data::Dataset;
use distil_eval::Protocol;
use distil_models::Network;
use distil_store::{Conditions, hex};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::students::Students;

/// The conditions of students with this network that are trained so.
pub(super) fn conditions(students: &Students<'_>, net: &Network, protocol: &Protocol) -> Conditions {
    let dataset = &students.session.dataset;
    Conditions {
        dataset: dataset.name.clone(),
        test: test_digest(dataset),
        network: json!(net),
        protocol: students.values(protocol),
    }
}

/// SHA-256 of what results are tested on. Unlike the dataset's digest it depends neither on the preprocessing nor on the
/// training images, which methods may choose.
fn test_digest(dataset: &Dataset) -> String {
    let mut hash = Sha256::new();
    let mut feed = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    dataset.class_names.iter().for_each(|name| feed(name.as_bytes()));
    let test = &dataset.test;
    feed(test.images.shape().to_string().as_bytes());
    if let Some(pixels) = test.images.bytes() {
        feed(pixels);
    } else {
        let rows: Vec<usize> = (0..test.len()).collect();
        feed(&test.images.gather(&rows).iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>());
    }
    feed(&test.labels.iter().flat_map(|label| label.to_le_bytes()).collect::<Vec<_>>());
    hex(&hash.finalize())
}
