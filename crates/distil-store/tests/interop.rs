//! Sets that other programs write and read. That NumPy itself reads the `.npz` is checked by `tests/python`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use distil_store::Normalisation;
use distil_store::Preprocessing;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use distil_store::{
    Card, Decoding, LabelKind, Labels, PublicImages, PublicLabels, SyntheticSet, read_public_step,
};
use serde_json::json;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

#[test]
fn public_sets_are_read_as_pytorch_saved_them() {
    let images = PublicImages::read(fixture("images_best.pt")).unwrap();
    assert_eq!(images.shape, [4, 3, 4, 4]);
    let expected: Vec<f32> = (0..192).map(|i| i as f32 / 64.0 - 1.0).collect();
    assert_eq!(images.pixels, expected);
    let labels = PublicLabels::read(fixture("labels_best.pt")).unwrap();
    assert_eq!(labels, PublicLabels::Classes(vec![0, 0, 1, 1]));
    let values = vec![2.0, -1.0, 1.0, 0.0, 0.0, 1.0, -1.0, 3.0];
    let soft = PublicLabels::read(fixture("labels_soft.pt")).unwrap();
    assert_eq!(soft, PublicLabels::Rows { values, classes: 2 });
    let shuffled = PublicLabels::read(fixture("labels_shuffled.pt")).unwrap();
    let values = vec![-1.0, 3.0, 2.0, -1.0, 0.0, 1.0, 1.5, 0.0];
    assert_eq!(shuffled, PublicLabels::Rows { values, classes: 2 });
    for (name, classes) in [("classes_i32.pt", vec![1, 0, 1, 1]), ("one_hot.pt", vec![1, 0, 0, 1])] {
        assert_eq!(PublicLabels::read(fixture(name)).unwrap(), PublicLabels::Classes(classes));
    }
    assert_eq!(PublicImages::read(fixture("images_half.pt")).unwrap(), images);
    assert_eq!(read_public_step(fixture("lr_best.pt")).unwrap(), 0.0125);
    assert_eq!(read_public_step(fixture("lr_tensor.pt")).unwrap(), 0.0125);
}

#[test]
fn files_of_another_content_are_refused_by_name() {
    for (read, name) in [
        (PublicImages::read(fixture("labels_soft.pt")).map(|_| ()), "labels_soft.pt"),
        (PublicImages::read(fixture("replay_buffer_0.pt")).map(|_| ()), "replay_buffer_0.pt"),
        (PublicImages::read(fixture("lr_best.pt")).map(|_| ()), "lr_best.pt"),
        (PublicImages::read(fixture("README.md")).map(|_| ()), "README.md"),
        (PublicLabels::read(fixture("images_best.pt")).map(|_| ()), "images_best.pt"),
        (PublicLabels::read(fixture("lr_tensor.pt")).map(|_| ()), "lr_tensor.pt"),
        (read_public_step(fixture("labels_best.pt")).map(|_| ()), "labels_best.pt"),
        (read_public_step(fixture("images_best.pt")).map(|_| ()), "images_best.pt"),
    ] {
        let error = read.unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("; ") && !error.contains('\n'), "{error}");
    }
}

#[test]
fn probabilities_look_different_from_logits() {
    let rows = |values| PublicLabels::Rows { values, classes: 2 };
    assert!(rows(vec![0.25, 0.75, 1.0, 0.0]).look_like_probabilities());
    assert!(!rows(vec![1.5, -0.5, 1.0, 0.0]).look_like_probabilities());
    assert!(!rows(vec![0.25, 0.25]).look_like_probabilities());
    assert!(!PublicLabels::Classes(vec![1, 0]).look_like_probabilities());
}

fn set() -> SyntheticSet {
    let normalisation = Normalisation::MeanStd { mean: vec![0.5], std: vec![0.25] };
    let card = Card {
        dataset: "clutter".into(),
        dataset_digest: "12ab".into(),
        class_names: vec!["ö".into(), "cross".into()],
        preprocessing: Preprocessing { resize: None, normalisation },
        decoding: Decoding::Pixels,
        label_kind: LabelKind::Soft,
        ipc: 1,
        image_classes: None,
        augmentation: "crop".into(),
        architecture: json!({"kind": "convnet"}),
        method: "datm".into(),
        iteration: 5,
        seed: 3,
        distil_version: "0.1.0".into(),
        command: "distil run".into(),
    };
    let labels = Labels::Soft { logits: vec![0.0, 2.0, 1.0, 1.0], classes: 2 };
    SyntheticSet { images: vec![0.25, -1.0], shape: [2, 1, 1, 1], labels, syn_lr: 0.5, card }
}

/// Header text and values of the arrays in an `.npz`.
fn arrays(path: &Path) -> Vec<(String, String, Vec<u8>)> {
    let mut zip = zip::ZipArchive::new(File::open(path).unwrap()).unwrap();
    let mut found = Vec::new();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
        let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        assert!(start % 64 == 0 && bytes[start - 1] == b'\n', "{name}");
        let header = String::from_utf8(bytes[10..start].to_vec()).unwrap().trim_end().to_owned();
        found.push((name, header, bytes[start..].to_vec()));
    }
    found
}

#[test]
fn npz_files_hold_what_training_needs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.npz");
    set().write_npz(&path).unwrap();
    let arrays = arrays(&path);
    let array = |name: &str| arrays.iter().find(|(n, ..)| *n == format!("{name}.npy")).unwrap();
    let header = |descr: &str, shape: &str| {
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}")
    };
    for (name, descr, shape, values) in [
        (
            "images",
            "<f4",
            "2,1,1,1,",
            [0.25f32, -1.0].iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>(),
        ),
        ("labels", "<i8", "2,", [0i64, 1].iter().flat_map(|v| v.to_le_bytes()).collect()),
        ("syn_lr", "<f4", "", 0.5f32.to_le_bytes().to_vec()),
        ("mean", "<f4", "1,", 0.5f32.to_le_bytes().to_vec()),
        ("std", "<f4", "1,", 0.25f32.to_le_bytes().to_vec()),
    ] {
        let (_, found, bytes) = array(name);
        assert_eq!((found, bytes), (&header(descr, shape), &values), "{name}");
    }
    assert_eq!(array("label_logits").2.len(), 16);
    let (_, names, units) = array("class_names");
    assert_eq!(*names, header("<U5", "2,"));
    assert_eq!(units[..8], [0xf6, 0, 0, 0, 0, 0, 0, 0]);
    assert!(array("card").1.contains("'shape': ()"));
}

#[test]
fn public_files_come_back_with_hard_and_with_soft_labels() {
    let folder = tempfile::tempdir().unwrap();
    let soft = set();
    let card = Card { label_kind: LabelKind::Hard, ..soft.card.clone() };
    let hard = SyntheticSet { labels: Labels::Hard(vec![1, 0]), card, ..soft.clone() };
    let rows = PublicLabels::Rows { values: vec![0.0, 2.0, 1.0, 1.0], classes: 2 };
    for (name, set, labels) in [("hard", &hard, PublicLabels::Classes(vec![1, 0])), ("soft", &soft, rows)] {
        let out = folder.path().join(name);
        set.write_torch(&out).unwrap();
        let images = PublicImages::read(out.join("images_best.pt")).unwrap();
        assert_eq!((images.pixels, images.shape), (set.images.clone(), set.shape));
        assert_eq!(PublicLabels::read(out.join("labels_best.pt")).unwrap(), labels);
        assert_eq!(read_public_step(out.join("lr_best.pt")).unwrap(), set.syn_lr);
        assert!(set.write_torch(&out).unwrap_err().to_string().contains("not empty"));
    }
}
