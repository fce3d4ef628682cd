use distil_data::Dataset;
use distil_engine::Engine;
use distil_models::{Layout, Network};
use distil_progress::{PartOf, Progress};
use distil_store::{Snapshots, StoreHeader, TrajectoryStore};
use serde_json::{Value, json};

use crate::{ExpertError, Recipe, train_expert};

/// What filling a store came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreOutcome {
    /// Experts that were trained now.
    pub trained: usize,
    /// Experts that were there already.
    pub found: usize,
}

/// The header of a store of such experts. The number of experts is not part of it: a store may grow.
pub fn header(net: &Network, dataset: &Dataset, recipe: &Recipe, seed: u64) -> StoreHeader {
    let named =
        |layout: &Layout| layout.entries().iter().map(|e| (e.name.clone(), e.shape.clone())).collect();
    StoreHeader {
        architecture: serde_json::to_value(net).expect("a network is plain JSON"),
        layout: named(net.layout()),
        buffers: named(net.buffers_layout()),
        dataset: dataset.name.clone(),
        dataset_digest: dataset.digest.clone(),
        preprocessing: dataset.preprocessing().clone(),
        recipe: training(recipe),
        seed,
        snapshots: recipe.epochs + 1,
    }
}

/// What of a recipe shapes a trajectory.
fn training(recipe: &Recipe) -> Value {
    json!({
        "epochs": recipe.epochs,
        "lr": recipe.lr,
        "batch": recipe.batch,
        "gsam": recipe.gsam,
        "augmentation": recipe.augmentation.to_string(),
    })
}

/// Trains the experts `0..recipe.experts` that `store` lacks and writes each when it is done.
///
/// # Errors
/// [`ExpertError`]; the experts written before it stay usable. Another process that trains experts of this store is one
/// ([`FileError::Locked`](distil_store::FileError::Locked)).
pub fn train_store(
    store: &TrajectoryStore,
    engine: &Engine,
    net: &Network,
    dataset: &Dataset,
    recipe: &Recipe,
    progress: Progress<'_>,
) -> Result<StoreOutcome, ExpertError> {
    let missing = || {
        let complete = store.complete();
        (0..recipe.experts).filter(|i| !complete.contains(i)).collect::<Vec<usize>>()
    };
    // A store that has all of them is only read, by any number of processes.
    let _lock = (!missing().is_empty()).then(|| store.lock()).transpose()?;
    let missing = missing();
    if !missing.is_empty() {
        let (count, of, at) = (missing.len(), recipe.experts, store.folder().display());
        progress.note(format_args!("training {count} of {of} experts, in {at}"));
    }
    for (index, &expert) in missing.iter().enumerate() {
        let part = PartOf { task: "experts", each: "expert", index, count: missing.len() };
        let seed = store.header().seed;
        let trained = progress.part(part, |progress| {
            train_expert(engine, net, &dataset.train, recipe, seed, expert, progress)
        })?;
        store.write(expert, Snapshots { theta: &trained.trajectory, buffers: &trained.buffers })?;
        tracing::debug!(expert, loss = trained.losses.last(), "expert written");
    }
    Ok(StoreOutcome { trained: missing.len(), found: recipe.experts - missing.len() })
}
