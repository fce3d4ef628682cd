//! Damaged copies of good files for each reader.

use crate::preprocessing::Normalisation;
use crate::preprocessing::Preprocessing;
use std::path::Path;

use distil_damage::{Counting, assault, cases};
use distil_files::seal;
use serde_json::json;

use crate::hostile;
use crate::{Checkpoint, StoreHeader, SyntheticSet, TrajectoryStore};

#[global_allocator]
static HEAP: Counting = Counting;

fn as_is(_: &mut [u8]) {}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

/// The bytes that `save` writes to a file.
fn saved(save: impl FnOnce(&Path)) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    save(&path);
    std::fs::read(path).unwrap()
}

#[test]
fn artefacts() {
    let card = json!({
        "dataset": "d", "dataset_digest": "x", "class_names": ["a", "b"], "preprocessing": {"resize": null, "normalisation": {"kind": "mean-std", "mean": [0.5], "std": [0.5]}},
        "label_kind": "soft", "ipc": 1, "augmentation": "", "architecture": {"width": 4}, "method": "m",
        "iteration": 3, "seed": 7, "distil_version": "0", "command": "c",
    });
    let set = SyntheticSet {
        images: vec![0.5; 2 * 3 * 4],
        shape: [2, 3, 2, 2],
        labels: crate::Labels::Soft { logits: vec![1.0; 4], classes: 2 },
        syn_lr: 0.01,
        card: serde_json::from_value(card).unwrap(),
    };
    let seed = saved(|path| set.save(path).unwrap());
    let accepted = assault(&[seed], as_is, hostile::synthetic);
    assert!((1..cases()).contains(&accepted), "{accepted}");
    let checkpoint = Checkpoint::new(9, &json!({"loss": 0.5})).unwrap();
    let checkpoint = checkpoint.with_tensor("a", &[2, 3], vec![1.0; 6]).with_tensor("b", &[1], vec![2.0]);
    assault(&[saved(|path| checkpoint.save(path).unwrap())], as_is, hostile::checkpoint);
}

#[test]
fn experts_and_their_header() {
    let header = StoreHeader {
        architecture: json!({"kind": "mlp"}),
        layout: vec![("weight".into(), vec![2, 3]), ("bias".into(), vec![2])],
        buffers: Vec::new(),
        dataset: "d".into(),
        dataset_digest: "x".into(),
        preprocessing: Preprocessing { resize: None, normalisation: Normalisation::Identity },
        recipe: json!({"lr": 0.01}),
        seed: 0,
        snapshots: 2,
    };
    let folder = tempfile::tempdir().unwrap();
    let store = TrajectoryStore::create_or_open(folder.path(), &header).unwrap();
    store.write(0, &[vec![0.0; 8], vec![1.0; 8]]).unwrap();
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assault(&[read("expert-0000.safetensors")], as_is, hostile::shard);
    assault(&[read("store.json")], as_is, hostile::header);
}

#[test]
fn logs() {
    let lines = "{\"kind\":\"iteration\",\"iteration\":1,\"loss\":0.5,\"applied\":true}\n\
                 {\"kind\":\"validation\",\"iteration\":1,\"accuracy\":0.25,\"best\":[true,null,\"é\"]}\n";
    let accepted = assault(&[lines.into()], as_is, hostile::events);
    assert!((1..cases()).contains(&accepted), "{accepted}");
}

#[test]
fn configurations_of_runs() {
    let text = "name = \"x\"\nseed = 1\nwhen = 1979-05-27\n[distill]\nipc = 10\nwindow = { min = 0, max = 2.5 }\n\
                classes = [\"a\", 'b', \"\"\"c\"\"\"]\n[[for]]\nset = 0xff\n";
    assault(&[text.into(), seal::toml(text).into()], as_is, hostile::config);
}

#[test]
fn weights_of_other_programs() {
    let names = ["weights.pth", "weights.safetensors", "state_dict.pt"];
    let accepted = assault(&names.map(fixture), as_is, hostile::state_dict);
    assert!((1..cases()).contains(&accepted), "{accepted}");
}

#[test]
fn replay_buffers() {
    assault(&[fixture("replay_buffer_0.pt")], as_is, hostile::replay_buffer);
}

#[test]
fn public_sets() {
    let names = ["images_best.pt", "labels_best.pt", "labels_soft.pt", "lr_best.pt", "lr_tensor.pt"];
    assault(&names.map(fixture), as_is, hostile::public_set);
}
