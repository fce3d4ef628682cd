//! Sets that leave distil and come from elsewhere. That PyTorch and its kin read what is exported is checked by
//! `tests/python`.

mod common;

use std::path::{Path, PathBuf};

use common::{folder, photos, run, succeed};
use distil_store::SyntheticSet;

/// The network and data of the fixtures: two classes of 3×4×4.
const CONFIG: &str = r#"
method = "mtt"
[data]
name = "folder"
path = "photos"
resolution = 4
validation = 0.2
[model]
width = 4
depth = 1
[eval]
epochs = 1
seeds = 1
"#;

fn prepare(folder: &Path) {
    photos(folder);
    std::fs::write(folder.join("photos.toml"), CONFIG).expect("a configuration");
}

fn fixture(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../distil-store/tests/fixtures").join(name);
    path.to_string_lossy().into_owned()
}

/// `distil import` of the fixtures with these options.
fn import(folder: &Path, labels: &str, options: &[&str]) -> common::Said {
    let (images, labels, step) = (fixture("images_best.pt"), fixture(labels), fixture("lr_best.pt"));
    let args = ["import", &images, "--labels", &labels, "--syn-lr", &step, "--config", "photos.toml"];
    let all: Vec<&str> =
        args.into_iter().chain(["--out", "set.safetensors"]).chain(options.iter().copied()).collect();
    run(folder, &all)
}

#[test]
fn public_sets_are_evaluated_like_own_ones() {
    let folder = folder();
    prepare(folder.path());
    let said = import(folder.path(), "labels_best.pt", &["--normalisation", "mean-std"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let set = SyntheticSet::load(folder.path().join("set.safetensors")).expect("a set");
    assert_eq!((set.shape, set.syn_lr, set.images[0], set.card.ipc), ([4, 3, 4, 4], 0.0125, -1.0, 2));
    let table = succeed(folder.path(), &["eval", "set.safetensors", "--config", "photos.toml"]);
    let cells = table.lines().nth(2).unwrap_or_default().split('|').map(str::trim).collect::<Vec<_>>();
    assert_eq!(cells[1..3], ["set", "4"], "{table}");
    // Stated statistics are undone exactly: pixel 0 is -1 · 0.5 + 0.5 = 0, as a black pixel of the data.
    let stated = ["--normalisation", "mean-std", "--mean", "0.5,0.5,0.5", "--std", "0.5,0.5,0.5"];
    let said = import(folder.path(), "labels_soft.pt", &stated);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let set = SyntheticSet::load(folder.path().join("set.safetensors")).expect("a set");
    let distil_store::Normalisation::MeanStd { mean, std } = &set.card.preprocessing.normalisation else {
        panic!("{}", set.card.preprocessing)
    };
    assert!((set.images[0] + mean[0] / std[0]).abs() < 1e-5);
    assert_eq!(set.hard_labels(), [0, 0, 1, 1]);
}

/// Other programs save images in any order.
#[test]
fn learned_labels_in_any_order_keep_their_classes() {
    let folder = folder();
    prepare(folder.path());
    let imported = |labels: &str, options: &[&str]| {
        let said = import(folder.path(), labels, &[&["--normalisation", "mean-std"], options].concat());
        assert_eq!(said.code, Some(0), "{}", said.err);
        (SyntheticSet::load(folder.path().join("set.safetensors")).expect("a set"), said.err)
    };
    assert_eq!(imported("labels_soft.pt", &[]).0.card.image_classes, None, "sorted, as distil's own are");
    let (set, _) = imported("labels_shuffled.pt", &[]);
    assert_eq!(set.image_classes(), [1, 0, 1, 0]);
    let args = ["export", "set.safetensors", "--to", "imagefolder", "--out", "classes"];
    succeed(folder.path(), &args);
    let table = std::fs::read_to_string(folder.path().join("classes/labels.csv")).expect("a table");
    let labels: Vec<&str> = table.lines().skip(1).filter_map(|line| line.split(',').nth(1)).collect();
    assert_eq!(labels, ["1", "0", "1", "0"], "{table}");
    let hard = ["eval", "set.safetensors", "--config", "photos.toml", "--set", "eval.labels=hard"];
    succeed(folder.path(), &hard);
    let classes = fixture("classes_i32.pt");
    let (set, said) = imported("labels_shuffled.pt", &["--image-classes", &classes]);
    assert_eq!(set.image_classes(), [1, 0, 1, 1]);
    assert!(said.contains("its classes have 1 to 3 images"), "{said}");
    for (labels, classes, wanted) in [
        ("labels_best.pt", "classes_i32.pt", "leave out --image-classes"),
        ("labels_soft.pt", "labels_shuffled.pt", "give a tensor of integers"),
        ("labels_soft.pt", "lr_tensor.pt", "lr_tensor.pt"),
    ] {
        let said =
            import(folder.path(), labels, &["--normalisation", "none", "--image-classes", &fixture(classes)]);
        assert!(said.code == Some(2) && said.err.contains(wanted), "{}", said.err);
    }
}

#[test]
fn what_is_not_stated_is_asked_for() {
    let folder = folder();
    prepare(folder.path());
    for (labels, options, wanted) in [
        ("labels_best.pt", &[][..], "--normalisation zca"),
        ("labels_best.pt", &["--normalisation", "zca"], "data.zca=true"),
        ("images_best.pt", &["--normalisation", "none"], "images_best.pt"),
        ("labels_best.pt", &["--normalisation", "none", "--set", "data.resolution=8"], "3x8x8"),
        ("labels_best.pt", &["--normalisation", "none", "--mean", "0.5", "--std", "0.5"], "--mean"),
    ] {
        let said = import(folder.path(), labels, options);
        assert!(said.code == Some(2) && said.err.contains(wanted), "{options:?}: {}", said.err);
        assert!(!folder.path().join("set.safetensors").exists());
    }
}

#[test]
fn sets_are_exported_in_every_form() {
    let folder = folder();
    succeed(folder.path(), &["expert", "--config", "tiny.toml"]);
    succeed(folder.path(), &["run", "--config", "tiny.toml", "--tensorboard"]);
    let path = |name: &str| folder.path().join(name);
    let export =
        |to: &str, out: &str| succeed(folder.path(), &["export", "runs/tiny", "--to", to, "--out", out]);
    assert!(export("npz", "set.npz").contains("best.safetensors to set.npz"));
    assert!(std::fs::read(path("set.npz")).expect("a file").starts_with(b"PK"));
    export("safetensors", "copy.safetensors");
    let best = SyntheticSet::load(path("runs/tiny/synthetic/best.safetensors")).expect("a set");
    assert_eq!(SyntheticSet::load(path("copy.safetensors")).expect("a set"), best);
    export("imagefolder", "classes");
    export("png", "flat");
    let pictures = std::fs::read_dir(path("flat")).expect("a folder").count() - 1;
    let folders = std::fs::read_dir(path("classes/train")).expect("a folder").count();
    assert_eq!((pictures, folders), (best.shape[0], 10));
    let table = std::fs::read_to_string(path("flat/labels.csv")).expect("a table");
    assert!(
        table.starts_with("file,label,class,logit_0,") && table.lines().count() == pictures + 1,
        "{table}"
    );
    export("sheet", "sheet.png");
    let sheet = image::open(path("sheet.png")).expect("a picture");
    assert_eq!((sheet.width(), sheet.height()), (2 + 18 * best.card.ipc as u32, 2 + 18 * 10));
    let again = run(folder.path(), &["export", "runs/tiny", "--to", "png", "--out", "flat"]);
    assert!(again.code == Some(2) && again.err.contains("not empty"), "{}", again.err);
    let ema =
        succeed(folder.path(), &["export", "runs/tiny", "--part", "ema", "--to", "npz", "--out", "ema.npz"]);
    assert!(ema.contains("ema.safetensors"), "{ema}");
    watched_and_tracked(folder.path());
}

/// The log of the run above, as TensorBoard's file and as lines.
fn watched_and_tracked(folder: &Path) {
    let files = || -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder.join("runs/tiny/tensorboard")).expect("a folder");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    };
    let written = files();
    assert!(written.len() == 1 && written[0].to_string_lossy().contains("tfevents"), "{written:?}");
    let while_running = std::fs::metadata(&written[0]).expect("a file").len();
    let lines =
        std::fs::read_to_string(folder.join("runs/tiny/events.jsonl")).expect("a log").lines().count();
    let said = succeed(folder, &["track", "runs/tiny"]);
    assert!(said.contains(&format!("holds {lines} events")), "{said}");
    // The same records, at another time.
    assert_eq!(files().len(), 1);
    assert_eq!(std::fs::metadata(&files()[0]).expect("a file").len(), while_running);
    let said = succeed(folder, &["watch", "runs/tiny"]);
    assert!(
        said.lines().count() == 1 && said.starts_with("40/40 · loss ") && said.contains("best "),
        "{said}"
    );
}
