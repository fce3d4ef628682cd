//! Weights by name, as PyTorch and safetensors save them.

use std::fs;
use std::path::{Path, PathBuf};

use distil_store::{FileError, StateDict, StoreError, read_weights};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// What `torch` put into the fixtures.
fn expected() -> StateDict {
    let tensor =
        |name: &str, shape: &[usize], values: &[f32]| (name.to_owned(), (shape.to_vec(), values.to_vec()));
    StateDict::from([
        tensor("conv1.weight", &[2, 1, 1, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
        tensor("bn1.weight", &[2], &[1.0, 1.0]),
        tensor("bn1.bias", &[2], &[0.0, 0.0]),
        tensor("bn1.running_mean", &[2], &[0.5, -0.25]),
        tensor("bn1.running_var", &[2], &[1.0, 1.0]),
    ])
}

#[test]
fn all_forms_hold_the_same_weights_without_counters() {
    for name in ["weights.pth", "weights_legacy.pth", "weights.safetensors"] {
        let weights = read_weights(fixture(name)).unwrap();
        assert_eq!((weights.tensors, weights.changes), (expected(), vec![]), "{name}");
    }
}

/// What `nn.DataParallel`, `torch.compile`, checkpoints and other precisions do to the same weights.
#[test]
fn wrapped_weights_are_the_same_and_say_what_was_around_them() {
    for (name, changes) in [
        ("module.pth", &[][..]),
        ("weights_half.pth", &["float16 widened to float32"]),
        ("weights_wrapped.pth", &["taken from `state_dict`", "prefix `module._orig_mod.` removed"]),
        ("weights_double.pth", &["taken from `net`", "float64 narrowed to float32"]),
        ("weights_bf16.safetensors", &["prefix `model.` removed", "bfloat16 widened to float32"]),
    ] {
        let weights = read_weights(fixture(name)).unwrap();
        assert_eq!(weights.tensors, expected(), "{name}");
        assert_eq!(weights.changes, changes, "{name}");
    }
}

#[test]
fn other_files_are_refused_with_a_remedy() {
    let refusal = |path: &Path| read_weights(path).unwrap_err();
    for (name, what) in [
        ("weights_nan.pth", "the tensor `bn1.bias` has values that are not finite; give weights"),
        ("images_best.pt", "it holds one tensor, not tensors by name"),
        ("replay_buffer_0.pt", "it holds a list, not tensors by name"),
        ("README.md", "it is a text file; give a state_dict"),
    ] {
        let error = refusal(&fixture(name)).to_string();
        assert!(error.contains(name) && error.contains(what), "{error}");
    }
    assert!(matches!(refusal(&fixture("absent.pth")), StoreError::File(FileError::Read { .. })));

    let folder = tempfile::tempdir().unwrap();
    for (name, cut) in [("weights.pth", 700), ("weights.safetensors", 100), ("weights.pth", 0)] {
        let path = folder.path().join(name);
        fs::write(&path, &fs::read(fixture(name)).unwrap()[..cut]).unwrap();
        let error = refusal(&path);
        assert!(matches!(error, StoreError::Import { .. }), "{name} cut at {cut}: {error}");
    }
}
