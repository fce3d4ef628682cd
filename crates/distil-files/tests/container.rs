//! The container: what is written is read, and every flipped byte is found.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use distil_damage::every_damage_is_found;
use distil_files::FileError;
use distil_files::container::{
    Container, ContentDigest, Format, Tensor, Values, read as container_read, write,
};
use serde::{Deserialize, Serialize};

const FORMAT: Format = Format {
    kind: "test.numbers.1",
    expected: "a file of numbers",
    origin: "give another one",
    remedy: "write it again",
};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Card {
    name: String,
    share: f64,
}

const FLOATS: [f32; 4] = [1.5, -0.0, f32::MIN_POSITIVE, 1e30];
const DOUBLES: [f64; 2] = [0.1 + 0.2, f64::NEG_INFINITY];

fn card() -> Card {
    Card { name: "é".into(), share: 0.1 + 0.2 }
}

fn tensors() -> Vec<Tensor<'static>> {
    let (first, last) = FLOATS.split_at(1);
    vec![
        Tensor { name: "floats", shape: vec![2, 2], values: Values::F32(vec![first, last]) },
        Tensor { name: "doubles", shape: vec![2], values: Values::F64(&DOUBLES) },
        Tensor { name: "none", shape: vec![0, 3], values: Values::F32(vec![]) },
        Tensor { name: "whole", shape: vec![], values: Values::I64(vec![-7]) },
    ]
}

fn read(path: &Path) -> Result<Card, FileError> {
    let bytes = fs::read(path).unwrap();
    let file = Container::open(path, &FORMAT, &bytes)?;
    assert_eq!(file.f32("floats")?, (&[2, 2][..], &FLOATS[..]));
    assert_eq!(file.f32("none")?.0, [0, 3]);
    assert_eq!(file.f64("doubles")?, (&[2][..], DOUBLES.to_vec()));
    assert_eq!(file.i64("whole")?, (&[][..], vec![-7]));
    file.card()
}

#[test]
fn what_is_written_is_read_and_every_damage_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    write(&path, &FORMAT, &card(), tensors()).unwrap();
    assert_eq!(read(&path).unwrap(), card());
    every_damage_is_found(&path, || read(&path));
    let again = folder.path().join("b.safetensors");
    write(&again, &FORMAT, &card(), tensors()).unwrap();
    assert_eq!(fs::read(path).unwrap(), fs::read(again).unwrap());
}

#[test]
fn other_files_are_named_as_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    let refused = |bytes: &[u8], what: &str| {
        let error = Container::open(&path, &FORMAT, bytes).unwrap_err();
        assert!(matches!(error, FileError::Foreign { .. }), "{error}");
        let message = error.to_string();
        assert!(message.contains(", not a file of numbers saved by distil; "), "{message}");
        assert!(message.contains(what), "{message}");
    };
    refused(b"PK\x03\x04 a zip archive", "is a ZIP archive, as PyTorch and NumPy write, that is cut off");
    let bare = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![1], &[0; 4]).unwrap();
    refused(
        &safetensors::serialize([("floats", bare)], None).unwrap(),
        "is a safetensors file of another program, not",
    );
    write(&path, &Format { kind: "test.letters.1", ..FORMAT }, &card(), tensors()).unwrap();
    refused(&fs::read(&path).unwrap(), "is a file of kind `test.letters.1`, not");
    write(&path, &Format { kind: "test.numbers.2", ..FORMAT }, &card(), tensors()).unwrap();
    refused(&fs::read(&path).unwrap(), "is a file of kind `test.numbers.2`, not");
    let model = Format { kind: "distil.model.2", ..FORMAT };
    write(&path, &model, &card(), tensors()).unwrap();
    refused(&fs::read(&path).unwrap(), "is a trained model of distil, not");
    let older = Format { kind: "distil.model.1", expected: "a file of numbers", ..FORMAT };
    let error = Container::open(&path, &older, &fs::read(&path).unwrap()).unwrap_err().to_string();
    assert!(error.contains("is a file of numbers of another version (`distil.model.2`)"), "{error}");
    for (bytes, what) in [(&b"\x93NUMPY\x01\0"[..], "a NumPy array"), (b"", "an empty file")] {
        fs::write(&path, bytes).unwrap();
        let error = container_read(&path, &FORMAT).unwrap_err().to_string();
        assert!(error.contains(what) && error.contains(", not a file of numbers"), "{error}");
    }
    let error = container_read(folder.path(), &FORMAT).unwrap_err().to_string();
    assert!(error.contains("is a folder, not a file of numbers"), "{error}");
}

/// What is left of a file that was cut off in its first bytes cannot be told from anything, and is called damaged.
#[test]
fn what_begins_like_a_file_of_distil_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    write(&path, &FORMAT, &card(), tensors()).unwrap();
    let whole = fs::read(&path).unwrap();
    for length in [1, 7, 8, 9, 100, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        let bytes = container_read(&path, &FORMAT).unwrap();
        let error = Container::open(&path, &FORMAT, &bytes).unwrap_err();
        assert!(matches!(error, FileError::Damaged { .. }), "{length}: {error}");
    }
}

#[test]
fn tensors_are_asked_for_by_name_and_type() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    write(&path, &FORMAT, &card(), tensors()).unwrap();
    let bytes = fs::read(&path).unwrap();
    let file = Container::open(&path, &FORMAT, &bytes).unwrap();
    assert!(file.f32("floots").unwrap_err().to_string().contains("no tensor `floots`; write it again"));
    assert!(file.i64("floats").unwrap_err().to_string().contains("`floats` is F32, not I64"));
    assert!(file.card::<Vec<u8>>().unwrap_err().to_string().contains("its card is not understood"));
    let mut names: Vec<_> = file.names().collect();
    names.sort_unstable();
    assert_eq!(names, ["doubles", "floats", "none", "whole"]);
}

#[test]
fn a_digest_sees_kind_card_name_shape_and_values() {
    let digest = |card: &str, tensor: &Tensor<'_>| {
        let mut digest = ContentDigest::new(&FORMAT, card);
        digest.add(tensor);
        digest.finish()
    };
    let values = || Values::F32(vec![&FLOATS]);
    let known = digest("c", &Tensor { name: "a", shape: vec![4], values: values() });
    assert_eq!(known, digest("c", &Tensor { name: "a", shape: vec![4], values: values() }));
    for other in [
        digest("d", &Tensor { name: "a", shape: vec![4], values: values() }),
        digest("c", &Tensor { name: "b", shape: vec![4], values: values() }),
        digest("c", &Tensor { name: "a", shape: vec![2, 2], values: values() }),
        digest("c", &Tensor { name: "a", shape: vec![4], values: Values::I64(vec![0; 2]) }),
    ] {
        assert_ne!(known, other);
    }
}
