//! Weights by name, as PyTorch and safetensors save them.

use std::fs;
use std::path::{Path, PathBuf};

use distil_store::{FileError, StateDict, StoreError, read_state_dict};

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
        assert_eq!(read_state_dict(fixture(name)).unwrap(), expected(), "{name}");
    }
}

#[test]
fn other_files_are_refused_with_a_remedy() {
    let refusal = |path: &Path| read_state_dict(path).unwrap_err();
    let error = refusal(&fixture("weights_half.pth"));
    assert!(error.to_string().contains("is of type F16, not float32; save it in float32"), "{error}");
    assert!(matches!(refusal(&fixture("absent.pth")), StoreError::File(FileError::Read { .. })));

    let folder = tempfile::tempdir().unwrap();
    for (name, cut) in [("weights.pth", 700), ("weights.safetensors", 100), ("weights.pth", 0)] {
        let path = folder.path().join(name);
        fs::write(&path, &fs::read(fixture(name)).unwrap()[..cut]).unwrap();
        let error = refusal(&path);
        assert!(matches!(error, StoreError::Import { .. }), "{name} cut at {cut}: {error}");
    }
}
