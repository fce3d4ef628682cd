//! Synthetic sets and their cards.

use distil_store::Normalisation;
use distil_store::Preprocessing;
use std::fs;

use distil_damage::names;
use distil_store::{Card, Decoding, FileError, LabelKind, Labels, StoreError, SyntheticSet};
use serde_json::json;

fn card(label_kind: LabelKind) -> Card {
    Card {
        dataset: "clutter".into(),
        dataset_digest: "12ab".into(),
        class_names: vec!["ring".into(), "cross".into(), "star".into()],
        preprocessing: Preprocessing { resize: None, normalisation: Normalisation::Identity },
        decoding: Decoding::Pixels,
        label_kind,
        ipc: 1,
        image_classes: None,
        augmentation: "color_crop".into(),
        architecture: json!({"kind": "convnet"}),
        method: "mtt".into(),
        iteration: 500,
        seed: 3,
        distil_version: "0.1.0".into(),
        command: "distil run --config x.toml".into(),
    }
}

fn hard() -> SyntheticSet {
    SyntheticSet {
        images: (0..3 * 2 * 3 * 2).map(|i| i as f32 / 7.0 - 1.0).collect(),
        shape: [3, 2, 3, 2],
        labels: Labels::Hard(vec![0, 1, 2]),
        syn_lr: 0.01,
        card: card(LabelKind::Hard),
    }
}

fn soft() -> SyntheticSet {
    let logits = (0..9).map(|i| i as f32 / 3.0 - 2.0).collect();
    SyntheticSet { labels: Labels::Soft { logits, classes: 3 }, card: card(LabelKind::Soft), ..hard() }
}

#[test]
fn sets_come_back_as_they_were_saved() {
    let folder = tempfile::tempdir().unwrap();
    for (name, set) in [("hard", hard()), ("soft", soft())] {
        let path = folder.path().join(format!("{name}.safetensors"));
        set.save(&path).unwrap();
        assert_eq!(SyntheticSet::load(&path).unwrap(), set);
        let readable: Card =
            serde_json::from_slice(&fs::read(SyntheticSet::card_path(&path)).unwrap()).unwrap();
        assert_eq!(readable, set.card);
    }
    let expected = ["hard.card.json", "hard.safetensors", "soft.card.json", "soft.safetensors"];
    assert_eq!(names(folder.path()), expected);
}

#[test]
fn soft_labels_have_a_hard_one() {
    assert_eq!(hard().hard_labels(), [0, 1, 2]);
    let logits = vec![0.1, 0.9, 0.5, 0.5, 0.5, 0.2, -1.0, -2.0, -1.5];
    let set = SyntheticSet { labels: Labels::Soft { logits, classes: 3 }, ..soft() };
    assert_eq!((set.hard_labels(), set.image_classes()), (vec![1, 0, 0], vec![0, 1, 2]));
    let mut odd = set;
    odd.card.ipc = 2;
    assert_eq!((odd.image_classes(), odd.known_classes()), (vec![1, 0, 0], None));
}

#[test]
fn a_class_per_image_outlives_files_and_decoding() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    let mut set = SyntheticSet { shape: [3, 1, 4, 3], ..soft() };
    set.card.decoding = Decoding::Tiles { factor: 2 };
    set.card.image_classes = Some(vec![2, 0, 2]);
    set.save(&path).unwrap();
    let loaded = SyntheticSet::load(&path).unwrap();
    assert_eq!(loaded.image_classes(), [2, 0, 2]);
    let decoded = loaded.into_decoded();
    assert_eq!(decoded.known_classes(), Some([2, 0, 2].repeat(4)));
    decoded.save(&path).unwrap();
    assert_eq!(SyntheticSet::load(&path).unwrap(), decoded);
}

#[test]
fn a_set_of_tiles_is_decoded_with_its_labels() {
    assert_eq!(*hard().decoded(), hard());
    for stored in [hard(), soft()] {
        let mut stored = SyntheticSet { shape: [3, 1, 4, 3], ..stored };
        stored.card.decoding = Decoding::Tiles { factor: 2 };
        let decoded = stored.decoded();
        assert_eq!(decoded.shape, [12, 1, 4, 3]);
        assert_eq!(decoded.images, stored.card.decoding.decode(stored.shape, &stored.images));
        assert_eq!(decoded.image_classes(), [0, 1, 2].repeat(4));
        assert_eq!((decoded.card.decoding, decoded.card.ipc), (Decoding::Pixels, 1));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tiles.safetensors");
        stored.save(&path).unwrap();
        assert_eq!(SyntheticSet::load(&path).unwrap(), stored, "what is stored is not decoded");
        stored.card.decoding = Decoding::Tiles { factor: 4 };
        assert!(
            stored.save(&path).unwrap_err().to_string().contains("4x3 images cannot be cut into 4 tiles")
        );
    }
}

#[test]
fn the_card_travels_inside_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    hard().save(&path).unwrap();
    fs::write(SyntheticSet::card_path(&path), "{}").unwrap();
    assert_eq!(SyntheticSet::load(&path).unwrap().card, hard().card, "the copy next to it is not read");
    fs::remove_file(SyntheticSet::card_path(&path)).unwrap();
    assert_eq!(SyntheticSet::load(&path).unwrap(), hard());
}

#[test]
fn a_set_without_a_card_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("foreign.safetensors");
    let pixels = [0_u8; 48];
    let images =
        safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![1, 3, 2, 2], &pixels).unwrap();
    fs::write(&path, safetensors::serialize([("images", images)], None).unwrap()).unwrap();
    let error = SyntheticSet::load(&path).unwrap_err();
    assert!(matches!(error, StoreError::File(FileError::Foreign { .. })), "{error}");
    assert!(error.to_string().contains("foreign.safetensors"), "{error}");
}

#[test]
fn unusable_sets_are_neither_saved_nor_half_saved() {
    type Change = fn(&mut SyntheticSet);
    let changes: [(&str, Change); 13] = [
        ("image 1 has pixels that are not finite", |set| set.images[12] = f32::INFINITY),
        ("37 pixels for images of shape [3, 2, 3, 2]", |set| set.images.push(0.0)),
        ("shape [0, 2, 3, 2]", |set| (set.images, set.shape[0]) = (vec![], 0)),
        ("shape [18446744073709551615, 2, 3, 2]", |set| set.shape[0] = usize::MAX),
        ("syn_lr is 0", |set| set.syn_lr = 0.0),
        ("syn_lr is -0.1", |set| set.syn_lr = -0.1),
        ("syn_lr is NaN", |set| set.syn_lr = f32::NAN),
        ("label 3 has no class", |set| set.labels = Labels::Hard(vec![0, 1, 3])),
        ("2 labels for 3 images", |set| set.labels = Labels::Hard(vec![0, 1])),
        ("labels are Soft", |set| set.labels = soft().labels),
        ("card has no dataset", |set| set.card.dataset.clear()),
        ("card has no class_names", |set| set.card.class_names.clear()),
        ("card has no ipc", |set| set.card.ipc = 0),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    let refused = |set: &SyntheticSet, what: &str| {
        let error = set.save(&path).unwrap_err();
        assert!(matches!(error, StoreError::Refused { .. }), "{error}");
        assert!(error.to_string().contains(what) && error.to_string().contains("a.safetensors"), "{error}");
    };
    for (what, change) in changes {
        let mut set = hard();
        change(&mut set);
        refused(&set, what);
    }
    let mut few = soft();
    few.labels = Labels::Soft { logits: vec![0.0; 8], classes: 3 };
    refused(&few, "8 logits for 3 images of 3 classes");
    let mut narrow = soft();
    narrow.labels = Labels::Soft { logits: vec![0.0; 6], classes: 2 };
    refused(&narrow, "its labels have 2 classes, its card names 3");
    for (classes, what) in
        [(vec![0, 1], "classes of 2 images, not of 3"), (vec![0, 1, 3], "an image is of class 3")]
    {
        let mut of_classes = soft();
        of_classes.card.image_classes = Some(classes);
        refused(&of_classes, what);
    }
    let mut twice = hard();
    twice.card.image_classes = Some(vec![0, 1, 2]);
    refused(&twice, "which are its hard labels");
    let mut undefined = soft();
    undefined.labels = Labels::Soft { logits: vec![f32::NAN; 9], classes: 3 };
    refused(&undefined, "logits are not all finite");
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_flipped_bit_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    hard().save(&path).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = SyntheticSet::load(&path).unwrap_err();
    assert!(matches!(error, StoreError::File(FileError::Damaged { .. })), "{error}");
}

#[test]
fn a_checkpoint_is_no_set() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    distil_store::Checkpoint::new(1, &json!({})).unwrap().save(&path).unwrap();
    assert!(matches!(SyntheticSet::load(&path).unwrap_err(), StoreError::File(FileError::Foreign { .. })));
    assert!(matches!(
        SyntheticSet::load(folder.path().join("b")).unwrap_err(),
        StoreError::File(FileError::Read { .. })
    ));
}

#[test]
fn a_hundred_thousand_classes_fit_on_a_card() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.safetensors");
    let mut set = soft();
    set.card.class_names = (0..100_000).map(|class| format!("class {class}")).collect();
    set.labels = Labels::Soft { logits: vec![0.25; 3 * 100_000], classes: 100_000 };
    set.save(&path).unwrap();
    assert_eq!(SyntheticSet::load(&path).unwrap(), set);
    set.card.label_kind = LabelKind::Hard;
    set.labels = Labels::Hard(vec![99_999, 0, 99_999]);
    set.save(&path).unwrap();
    assert_eq!(SyntheticSet::load(&path).unwrap().hard_labels(), [99_999, 0, 99_999]);
}
