//! Checkpoints and falling back on older ones.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use distil_damage::names;
use distil_store::{Checkpoint, Checkpoints, StoreError};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct State {
    loss: f64,
    best: Option<f32>,
}

fn state(iteration: u64) -> State {
    State { loss: 0.1 + iteration as f64 / 3.0, best: Some(0.7) }
}

fn checkpoint(iteration: u64) -> Checkpoint {
    Checkpoint::new(iteration, &state(iteration))
        .unwrap()
        .with_tensor("images", &[2, 3], vec![iteration as f32, 1.0, f32::NAN, f32::MIN_POSITIVE, -0.0, 1e30])
        .with_tensor("lr", &[], vec![0.5])
        .with_tensor("momentum", &[0], vec![])
}

#[test]
fn checkpoints_come_back_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    checkpoint(7).save(&path).unwrap();
    let found = Checkpoint::load(&path).unwrap();
    assert_eq!((found.iteration(), found.state::<State>().unwrap()), (7, state(7)));
    let bits =
        |c: &Checkpoint| c.tensor("images", &[2, 3]).unwrap().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&found), bits(&checkpoint(7)));
    assert_eq!(found.tensor("lr", &[]).unwrap(), [0.5]);
    let shapes: Vec<_> = found.tensors().collect();
    assert_eq!(shapes, [("images", &[2, 3][..]), ("lr", &[]), ("momentum", &[0])]);
    let again = folder.path().join("b.safetensors");
    found.save(&again).unwrap();
    assert_eq!(fs::read(path).unwrap(), fs::read(again).unwrap());
}

#[test]
fn content_of_another_method_is_refused() {
    let found = checkpoint(7);
    let missing = found.tensor("labels", &[2]).unwrap_err().to_string();
    assert!(missing.contains("tensor `labels`") && missing.contains("iteration 7"), "{missing}");
    let shape = found.tensor("images", &[3, 2]).unwrap_err().to_string();
    assert!(shape.contains("[3, 2]") && shape.contains("[2, 3]"), "{shape}");
    assert!(matches!(found.state::<Vec<u8>>(), Err(StoreError::CheckpointContent { .. })));
}

#[test]
fn the_newest_two_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path().join("checkpoints"));
    assert!(checkpoints.latest().unwrap().checkpoint.is_none(), "a new run has none");
    for iteration in [1, 2, 30, 100_000_000] {
        checkpoints.save(&checkpoint(iteration)).unwrap();
        let latest = checkpoints.latest().unwrap();
        assert_eq!(latest.checkpoint.unwrap().iteration(), iteration);
        assert!(latest.skipped.is_empty());
    }
    let expected = ["iteration-00000030.safetensors", "iteration-100000000.safetensors"];
    assert_eq!(names(&folder.path().join("checkpoints")), expected);
}

#[test]
fn what_a_killed_save_left_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path());
    for iteration in [1, 2, 3] {
        checkpoints.save(&checkpoint(iteration)).unwrap();
    }
    // Killed after the file had its name.
    checkpoint(4).save(folder.path().join("iteration-00000004.safetensors")).unwrap();
    fs::write(folder.path().join("iteration-00000009.safetensors"), "cannot be read now").unwrap();
    checkpoints.remove_before(4).unwrap();
    let left = [3, 4, 9].map(|iteration| format!("iteration-{iteration:08}.safetensors"));
    assert_eq!(names(folder.path()), left, "later ones may be readable another time");
}

#[test]
fn a_damaged_newest_is_reported_and_the_older_used() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path());
    checkpoints.save(&checkpoint(10)).unwrap();
    let newest = checkpoints.save(&checkpoint(20)).unwrap();
    let mut bytes = fs::read(&newest).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&newest, bytes).unwrap();
    let latest = checkpoints.latest().unwrap();
    assert_eq!(latest.checkpoint.unwrap().iteration(), 10);
    assert_eq!(latest.skipped.len(), 1);
    assert!(latest.skipped[0].to_string().contains("iteration-00000020.safetensors is damaged"));
    // The run continues from 10; what it saves next must not be shadowed by the damaged future.
    checkpoints.save(&checkpoint(15)).unwrap();
    let latest = checkpoints.latest().unwrap();
    assert_eq!(latest.checkpoint.unwrap().iteration(), 15);
    assert!(latest.skipped.is_empty());
    assert_eq!(names(folder.path()).len(), 2);
}

#[test]
fn with_all_damaged_there_is_none_and_all_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path());
    for iteration in [1, 2] {
        let path = checkpoints.save(&checkpoint(iteration)).unwrap();
        fs::write(path, "").unwrap();
    }
    let latest = checkpoints.latest().unwrap();
    assert!(latest.checkpoint.is_none());
    assert_eq!(latest.skipped.len(), 2);
}

#[test]
fn a_renamed_checkpoint_is_not_taken_for_another_iteration() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path());
    let path = checkpoints.save(&checkpoint(1)).unwrap();
    fs::copy(&path, folder.path().join("iteration-00000009.safetensors")).unwrap();
    fs::write(folder.path().join(".distil-abc.partial"), "half of iteration 10").unwrap();
    let latest = checkpoints.latest().unwrap();
    assert_eq!(latest.checkpoint.unwrap().iteration(), 1);
    assert!(latest.skipped[0].to_string().contains("it is of iteration 1"));
}
