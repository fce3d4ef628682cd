//! Where results go when nothing is said.

use std::path::{Path, PathBuf};

use distil_models::ConvNet;
use distil_store::{StoreHeader, hex};
use sha2::{Digest, Sha256};

use distil::config::Config;

/// All runs.
const RUNS: &str = "runs";

/// The run folder: `--out`, or the run's name below `runs`.
pub(crate) fn run_folder(out: Option<&Path>, config: &Config) -> PathBuf {
    out.map_or_else(|| Path::new(RUNS).join(&config.name), Path::to_owned)
}

/// The folder of the experts: `--experts`, `expert.store`, or one below `runs/experts` that all runs with the same
/// data, network and recipe share.
pub(crate) fn expert_folder(
    given: Option<&Path>,
    config: &Config,
    net: &ConvNet,
    header: &StoreHeader,
) -> PathBuf {
    if let Some(given) = given.or(config.store.as_deref()) {
        return given.to_owned();
    }
    let text = serde_json::to_string(header).expect("a header is plain JSON");
    let digest = hex(&Sha256::digest(text));
    let ConvNet { depth, width, .. } = net;
    Path::new(RUNS).join("experts").join(format!(
        "{}-convnet-d{depth}-w{width}-{}",
        header.dataset,
        &digest[..8]
    ))
}
