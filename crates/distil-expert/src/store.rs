use burn::tensor::Device;
use distil_data::Dataset;
use distil_models::ConvNet;
use distil_progress::{News, Progress, Step};
use distil_store::{StoreHeader, TrajectoryStore};
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
pub fn header(net: &ConvNet, dataset: &Dataset, recipe: &Recipe, seed: u64) -> StoreHeader {
    let layout = net.layout();
    StoreHeader {
        architecture: serde_json::to_value(net).expect("a network is plain JSON"),
        layout: layout.entries().iter().map(|e| (e.name.clone(), e.shape.clone())).collect(),
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
    net: &ConvNet,
    dataset: &Dataset,
    recipe: &Recipe,
    device: &Device,
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
    for (finished, &expert) in (0..).zip(&missing) {
        // The steps of one expert become those of all that are missing.
        let listener = |news: &News<'_>| match *news {
            News::Step(Step { done, total: Some(each), unit, detail, .. }) => {
                let all = each * missing.len() as u64;
                progress.at(Step::of("experts", finished * each + done, all, unit).with_detail(detail))
            }
            other => progress.tell(&other),
        };
        let seed = store.header().seed;
        let report = Progress::to(&listener);
        let trained = train_expert(net, &dataset.train, recipe, seed, expert, device, report)?;
        store.write(expert, &trained.trajectory)?;
        tracing::debug!(expert, loss = trained.losses.last(), "expert written");
    }
    Ok(StoreOutcome { trained: missing.len(), found: recipe.experts - missing.len() })
}
