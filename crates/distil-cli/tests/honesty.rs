//! Nothing that leads to a set can see the test split: with every test label wrong, experts, iterations, validations and
//! the chosen set are the same.

mod common;

use std::path::{Path, PathBuf};

use common::{folder, succeed};
use distil_store::SyntheticSet;

const CONFIG: &str = r#"
method = "datm"
[data]
name = "folder"
path = "photos"
resolution = 8
validation = 0.25
[model]
width = 4
depth = 2
[expert]
experts = 2
epochs = 5
batch = 10
lr = 0.05
[distill]
init = "real"
ipc = 2
iterations = 24
syn_steps = 3
validate_every = 4
checkpoint_every = 5
image_lr = 10
[eval]
seeds = 2
epochs = 20
full_epochs = 1
"#;

/// Dark and light photographs, hard enough to tell apart that validations differ. The test split has the classes named
/// in `test`, in the order of dark and light.
fn world(folder: &Path, test: [&str; 2]) {
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(folder.join("photos.toml"), CONFIG).expect("a configuration");
    for (part, classes, images) in [("train", ["dark", "light"], 24u32), ("test", test, 12)] {
        for (class, bright) in classes.into_iter().zip([0u32, 40]) {
            let place = folder.join("photos").join(part).join(class);
            std::fs::create_dir_all(&place).expect("a folder");
            for i in 0..images {
                let level = |x: u32, y: u32| (bright + 60 + (x * 37 + y * 91 + i * 53) * (i + 7) % 120) as u8;
                let image = image::RgbImage::from_fn(8, 8, |x, y| image::Rgb([level(x, y), level(y, x), 90]));
                image.save(place.join(format!("{i:02}.png"))).expect("a picture");
            }
        }
    }
}

/// Everything up to the choice of a set, and its accuracy on the test split.
fn distilled(folder: &Path) -> (PathBuf, String) {
    succeed(folder, &["expert", "--config", "photos.toml"]);
    succeed(folder, &["run", "--config", "photos.toml"]);
    let best = ["eval", "runs/photos/synthetic/best.safetensors", "--config", "photos.toml"];
    (folder.join("runs/photos"), succeed(folder, &best))
}

#[test]
fn wrong_test_labels_change_no_choice() {
    let folder = folder();
    let [right, wrong] = ["right", "wrong"].map(|name| folder.path().join(name));
    world(&right, ["dark", "light"]);
    world(&wrong, ["light", "dark"]);
    let ((right, accuracy), (wrong, accuracy_when_wrong)) = (distilled(&right), distilled(&wrong));
    assert_ne!(accuracy, accuracy_when_wrong, "the labels of the test split were right twice");
    let read = |run: &Path, file: &str| std::fs::read(run.join(file)).expect("a file");
    let log = read(&right, "events.jsonl");
    assert_eq!(log, read(&wrong, "events.jsonl"), "iterations, validations and what was chosen");
    let text = String::from_utf8(log).expect("UTF-8");
    let choices: Vec<&str> = text.lines().filter(|line| line.contains("\"best\":true")).collect();
    let checks = text.lines().filter(|line| line.contains("\"kind\":\"validation\"")).count();
    assert!(checks == 7 && choices.len() < checks, "there is something to choose from: {choices:?}");
    // The card names the data with a digest that covers the test split too; all else is the same to the byte.
    for part in ["initial", "best", "last"] {
        let bytes = [&right, &wrong].map(|run| {
            let mut set =
                SyntheticSet::load(run.join(format!("synthetic/{part}.safetensors"))).expect("a set");
            set.card.dataset_digest = "the same".to_owned();
            let file = folder.path().join("set.safetensors");
            set.save(&file).expect("a file");
            std::fs::read(file).expect("a file")
        });
        assert!(bytes[0] == bytes[1], "{part}");
    }
}
