//! Stores of expert trajectories.

use distil_store::Normalisation;
use distil_store::Preprocessing;
use std::fs;
use std::path::Path;

use distil_damage::{child, child_folder, names};
use distil_store::{StoreError, StoreHeader, TrajectoryStore};
use serde_json::json;

fn header() -> StoreHeader {
    StoreHeader {
        architecture: json!({"kind": "convnet", "width": 8}),
        layout: vec![("a".into(), vec![2, 3]), ("b".into(), vec![1])],
        buffers: Vec::new(),
        dataset: "clutter".into(),
        dataset_digest: "12ab".into(),
        preprocessing: Preprocessing { resize: None, normalisation: Normalisation::Identity },
        recipe: json!({"lr": 0.01, "rho": 0.1}),
        seed: 7,
        snapshots: 3,
    }
}

fn trajectory(index: usize) -> Vec<Vec<f32>> {
    (0..3)
        .map(|epoch| (0..7).map(|p| index as f32 + epoch as f32 / 4.0 - p as f32 * 1e-3).collect())
        .collect()
}

fn shard(folder: &Path, index: usize) -> std::path::PathBuf {
    folder.join(format!("expert-{index:04}.safetensors"))
}

#[test]
fn experts_come_back_as_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = TrajectoryStore::create_or_open(folder.path().join("deep/store"), &header()).unwrap();
    for index in [4, 0, 12_345] {
        store.write(index, &trajectory(index)).unwrap();
    }
    let store = TrajectoryStore::open(folder.path().join("deep/store")).unwrap();
    assert_eq!(store.header(), &header());
    assert_eq!(store.complete(), [0, 4, 12_345]);
    for index in [0, 4, 12_345] {
        let expert = store.expert(index).unwrap();
        let found: Vec<_> = (0..expert.snapshots()).map(|epoch| expert.snapshot(epoch).to_vec()).collect();
        assert_eq!(found, trajectory(index));
    }
    let missing = store.expert(1).unwrap_err();
    assert!(matches!(missing, StoreError::NoExpert { index: 1, .. }), "{missing}");
}

#[test]
fn other_readers_of_safetensors_see_the_trajectory() {
    let folder = tempfile::tempdir().unwrap();
    let store = TrajectoryStore::create_or_open(folder.path(), &header()).unwrap();
    store.write(0, &trajectory(0)).unwrap();
    let bytes = fs::read(shard(folder.path(), 0)).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let tensor = file.tensor("trajectory").unwrap();
    assert_eq!((tensor.dtype(), tensor.shape()), (safetensors::Dtype::F32, &[3, 7][..]));
    let expected: Vec<u8> = trajectory(0).concat().iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!(tensor.data(), expected);
}

#[test]
fn equal_experts_are_equal_files() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        let store = TrajectoryStore::create_or_open(folder.path().join(name), &header()).unwrap();
        store.write(0, &trajectory(0)).unwrap();
    }
    for file in ["store.json", "expert-0000.safetensors"] {
        let read = |name: &str| fs::read(folder.path().join(name).join(file)).unwrap();
        assert_eq!(read("a"), read("b"), "{file}");
    }
}

#[test]
fn a_store_of_other_experts_is_refused_by_field() {
    let folder = tempfile::tempdir().unwrap();
    TrajectoryStore::create_or_open(folder.path(), &header()).unwrap();
    TrajectoryStore::create_or_open(folder.path(), &header()).expect("the same header is accepted");
    let mut other = header();
    other.recipe["rho"] = json!(0.2);
    other.layout[0].1[1] = 4;
    other.seed = 8;
    let error = TrajectoryStore::create_or_open(folder.path(), &other).unwrap_err();
    assert!(matches!(error, StoreError::Differs { .. }), "{error}");
    let error = error.to_string();
    for part in
        ["recipe.rho is 0.1 there and 0.2 here", "seed is 7 there and 8 here", "layout[0][1][1]", "; choose"]
    {
        assert!(error.contains(part), "{error}");
    }
    assert!(!error.contains("dataset"), "equal fields are not named: {error}");
}

#[test]
fn impossible_headers_and_trajectories_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    for change in [
        (|header| header.layout.clear()) as fn(&mut StoreHeader),
        |header| header.layout[0].1 = vec![usize::MAX, 2],
        |header| header.snapshots = 1,
    ] {
        let mut impossible = header();
        change(&mut impossible);
        let error = TrajectoryStore::create_or_open(&path, &impossible).unwrap_err();
        assert!(matches!(error, StoreError::Refused { .. }), "{error}");
        assert!(!path.exists());
    }
    let store = TrajectoryStore::create_or_open(&path, &header()).unwrap();
    let mut diverged = trajectory(0);
    diverged[2][6] = f32::NAN;
    let mut narrow = trajectory(0);
    narrow[1].pop();
    for (bad, what) in [
        (diverged, "snapshot 2"),
        (narrow, "snapshot 1 has 6 parameters"),
        (trajectory(0)[..2].to_vec(), "2 snapshots"),
    ] {
        let error = store.write(0, &bad).unwrap_err().to_string();
        assert!(error.contains(what) && error.contains("expert-0000"), "{error}");
    }
    assert_eq!(names(&path), ["store.json"]);
}

#[test]
fn a_flipped_bit_of_a_shard_is_found_when_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = TrajectoryStore::create_or_open(folder.path(), &header()).unwrap();
    store.write(3, &trajectory(3)).unwrap();
    let path = shard(folder.path(), 3);
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(store.complete(), [3], "the payload is not read before it is asked for");
    let error = store.expert(3).unwrap_err().to_string();
    assert!(error.contains("expert-0003.safetensors is damaged"), "{error}");
}

#[test]
fn every_truncation_of_the_header_is_found() {
    let folder = tempfile::tempdir().unwrap();
    TrajectoryStore::create_or_open(folder.path(), &header()).unwrap();
    let path = folder.path().join("store.json");
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() - 1 {
        fs::write(&path, &whole[..length]).unwrap();
        let error = TrajectoryStore::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("store.json") && !error.contains('\n'), "{error}");
    }
    for position in 0..whole.len() {
        let mut altered = whole.clone();
        altered[position] ^= 0x01;
        fs::write(&path, altered).unwrap();
        // White space may turn into other white space, nothing else may be altered.
        if let Ok(store) = TrajectoryStore::open(folder.path()) {
            assert_eq!(store.header(), &header(), "byte {position}");
        }
    }
}

#[test]
fn a_truncated_shard_is_reported_and_trained_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = TrajectoryStore::create_or_open(folder.path(), &header()).unwrap();
    for index in 0..3 {
        store.write(index, &trajectory(index)).unwrap();
    }
    let path = shard(folder.path(), 1);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(store.complete(), [0, 2]);
    let damaged: Vec<String> = store.damaged().iter().map(ToString::to_string).collect();
    assert_eq!(damaged.len(), 1);
    assert!(damaged[0].contains("expert-0001.safetensors") && damaged[0].contains("train this expert again"));
    assert!(store.expert(1).is_err());
    store.write(1, &trajectory(1)).unwrap();
    assert_eq!(store.complete(), [0, 1, 2]);
    assert_eq!(store.expert(1).unwrap().snapshot(2), trajectory(1)[2]);
}

#[test]
fn a_shard_of_another_store_or_number_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = TrajectoryStore::create_or_open(folder.path().join("a"), &header()).unwrap();
    store.write(0, &trajectory(0)).unwrap();
    let mut other = header();
    other.dataset = "cifar10".into();
    let store = TrajectoryStore::create_or_open(folder.path().join("b"), &other).unwrap();
    fs::copy(shard(&folder.path().join("a"), 0), shard(&folder.path().join("b"), 0)).unwrap();
    let error = store.expert(0).unwrap_err().to_string();
    assert!(error.contains("store.dataset is \"clutter\" there and \"cifar10\" here"), "{error}");
    assert_eq!(store.complete(), [0; 0]);
    fs::copy(shard(&folder.path().join("a"), 0), shard(&folder.path().join("a"), 1)).unwrap();
    let store = TrajectoryStore::open(folder.path().join("a")).unwrap();
    let error = store.expert(1).unwrap_err().to_string();
    assert!(error.contains("expert is 0 there and 1 here"), "{error}");
}

#[test]
fn a_shard_that_claims_a_huge_size_is_refused_before_it_is_allocated() {
    let folder = tempfile::tempdir().unwrap();
    let store = TrajectoryStore::create_or_open(folder.path(), &header()).unwrap();
    let claim = r#"{"trajectory":{"dtype":"F32","shape":[3,9000000000000000],"data_offsets":[0,108000000000000000]}}"#;
    for (length, text) in [(claim.len() as u64, claim), (u64::MAX, claim), (0, "")] {
        fs::write(shard(folder.path(), 0), [&length.to_le_bytes()[..], text.as_bytes()].concat()).unwrap();
        let error = store.expert(0).unwrap_err().to_string();
        let refused = ["expert-0000.safetensors is damaged", "not an expert saved by distil"];
        assert!(refused.iter().any(|what| error.contains(what)), "{error}");
    }
}

#[test]
fn an_expert_in_use_survives_its_replacement() {
    let folder = tempfile::tempdir().unwrap();
    let store = TrajectoryStore::create_or_open(folder.path(), &header()).unwrap();
    store.write(0, &trajectory(0)).unwrap();
    let old = store.expert(0).unwrap();
    store.write(0, &trajectory(9)).unwrap();
    assert_eq!(old.snapshot(1), trajectory(0)[1]);
    assert_eq!(store.expert(0).unwrap().snapshot(1), trajectory(9)[1]);
}

#[test]
fn a_store_whose_writer_was_killed_is_usable_and_continues() {
    const NAME: &str = "a_store_whose_writer_was_killed_is_usable_and_continues";
    if let Some(folder) = child_folder() {
        let store = TrajectoryStore::create_or_open(folder, &header()).unwrap();
        for index in (0..20).cycle() {
            store.write(index, &trajectory(index)).unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let mut writer = child(NAME, folder.path());
        while !shard(folder.path(), round).exists() {
            assert!(writer.try_wait().unwrap().is_none(), "the writer ended by itself");
            std::thread::yield_now();
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        let store = TrajectoryStore::create_or_open(folder.path(), &header()).unwrap();
        assert!(store.damaged().is_empty());
        assert!(store.complete().contains(&round));
        for index in store.complete() {
            assert_eq!(store.expert(index).unwrap().snapshot(2), trajectory(index)[2]);
        }
        assert!(names(folder.path()).iter().all(|name| !name.ends_with(".partial")), "leftovers are removed");
        store.write(100 + round, &trajectory(100 + round)).unwrap();
        assert!(store.complete().contains(&(100 + round)));
    }
}
