//! Where a session keeps what several runs share.

use std::path::{Path, PathBuf};

use distil_models::Network;
use distil_store::{RunPaths, StoreHeader, sha256};

use crate::Session;
use crate::config::Config;

/// The folder that the program keeps runs, and what they share, in.
pub const RUNS: &str = "runs";

/// The run folder of a configuration: the one that is given, or the run's name below [`RUNS`].
pub fn run_folder(given: Option<&Path>, config: &Config) -> RunPaths {
    RunPaths::new(given.map_or_else(|| Path::new(RUNS).join(&config.name), Path::to_owned))
}

impl Session {
    /// The folder of the experts: the one that is given, that of `expert.store`, or one that all runs with the same data,
    /// network and recipe share.
    pub(crate) fn expert_folder(&self, header: &StoreHeader) -> PathBuf {
        if let Some(given) = self.place.experts.as_ref().or(self.config.store.as_ref()) {
            return given.clone();
        }
        let text = serde_json::to_string(header).expect("a header is plain JSON");
        self.root().join("experts").join(shared_name(&header.dataset, &self.net, &text))
    }
}

/// The name of something that depends on data, a network, and what `text` holds.
pub(crate) fn shared_name(dataset: &str, net: &Network, text: &str) -> String {
    format!("{dataset}-{}-{}", net.architecture().short_name(), &sha256(text)[..8])
}
