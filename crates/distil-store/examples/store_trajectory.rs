//! Writes the trajectories of two experts, reads them back, and finds a damaged file.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use distil_store::{Normalisation, Preprocessing, StoreHeader, TrajectoryStore};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let header = StoreHeader {
        architecture: json!({"kind": "linear"}),
        layout: vec![("weight".into(), vec![10, 256]), ("bias".into(), vec![10])],
        buffers: Vec::new(),
        dataset: "clutter-easy".into(),
        dataset_digest: "of its pixels and labels".into(),
        preprocessing: Preprocessing { resize: None, normalisation: Normalisation::Identity },
        recipe: json!({"lr": 0.01}),
        seed: 0,
        snapshots: 4, // three epochs
    };
    let store = TrajectoryStore::create_or_open(folder.path(), &header)?;
    for expert in 0..2 {
        let parameter = |epoch: u8, i: usize| f32::from(epoch) * ((i + expert) % 5) as f32 * 0.01;
        let snapshot = |epoch| (0..2570).map(|i| parameter(epoch, i)).collect::<Vec<f32>>();
        store.write(expert, &[0, 1, 2, 3].map(snapshot))?;
    }

    let store = TrajectoryStore::open(folder.path())?;
    println!("experts {:?} on {}", store.complete(), store.header().dataset);
    let expert = store.expert(1)?;
    for epoch in 1..expert.snapshots() {
        let pairs = expert.snapshot(epoch).iter().zip(expert.snapshot(0));
        let squared: f32 = pairs.map(|(a, b)| (a - b).powi(2)).sum();
        println!("epoch {epoch}: {:.3} from the start", squared.sqrt());
    }
    std::fs::write(folder.path().join("expert-0000.safetensors"), "half a file")?;
    store.damaged().iter().for_each(|error| println!("{error}"));
    Ok(())
}
