//! What is written is read back by the readers of PyTorch's files. That PyTorch itself reads it, with `weights_only=True`, is
//! checked by `python/tests`.

use serde_json::json;

use super::*;
use crate::preprocessing::Normalisation;
use crate::{Preprocessing, ReplayShape, StoreHeader, import_replay_buffers};

fn store(folder: &Path, experts: usize) -> TrajectoryStore {
    let header = StoreHeader {
        architecture: json!({"kind": "linear"}),
        layout: vec![("weight".into(), vec![2, 3, 1]), ("bias".into(), vec![2])],
        buffers: Vec::new(),
        dataset: "clutter".into(),
        dataset_digest: "0".into(),
        preprocessing: Preprocessing { resize: None, normalisation: Normalisation::Identity },
        recipe: json!({}),
        seed: 0,
        snapshots: 3,
    };
    let store = TrajectoryStore::create_or_open(folder, &header).unwrap();
    for expert in 0..experts {
        let value = |i: usize| (expert * 100 + i) as f32 / 7.0;
        let trajectory: Vec<Vec<f32>> = (0..3).map(|e| (0..8).map(|p| value(10 * e + p)).collect()).collect();
        store.write(expert, &trajectory).unwrap();
    }
    store
}

#[test]
fn experts_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder.path().join("store"), 12);
    let out = folder.path().join("buffers");
    assert_eq!(store.write_torch(&out, Progress::none()).unwrap(), 12);
    let files = [0, 1].map(|i| out.join(format!("replay_buffer_{i}.pt")));
    let shapes = files.each_ref().map(|file| ReplayShape::read(file).unwrap());
    assert_eq!(shapes.each_ref().map(|shape| (shape.experts, shape.snapshots)), [(10, 3), (2, 3)]);
    assert_eq!(shapes[0].tensors, [vec![2, 3, 1], vec![2]]);
    let again =
        import_replay_buffers(&files, store.header(), folder.path().join("again"), Progress::none()).unwrap();
    for expert in 0..12 {
        for epoch in 0..3 {
            let [there, here] = [&store, &again].map(|store| store.expert(expert).unwrap());
            assert_eq!(there.snapshot(epoch), here.snapshot(epoch));
        }
    }
    let error = store.write_torch(&out, Progress::none()).unwrap_err().to_string();
    assert!(error.contains("not empty") && error.contains("choose another"), "{error}");
}
