//! From a folder of photographs to predictions: every command is one that the last one printed.

mod common;

use std::fs;
use std::path::Path;

use common::{run, succeed};
use image::{Rgb, RgbImage};

/// Two classes of pictures of mixed sizes and formats.
fn photos(folder: &Path) {
    for (class, red) in [("berry", 220u8), ("leaf", 20)] {
        let folder = folder.join(class);
        fs::create_dir_all(&folder).expect("a folder");
        for (number, kind) in ["png", "bmp", "jpg", "webp"].into_iter().cycle().take(12).enumerate() {
            let side = 20 + 3 * (number as u32 % 5);
            let picture = RgbImage::from_fn(side, side + 2, |x, _| Rgb([red, 90, (x * 6) as u8]));
            picture.save(folder.join(format!("{number:02}.{kind}"))).expect("a picture");
        }
    }
}

/// What stands after "next: distil" on standard error.
#[track_caller]
fn next(said: &common::Said) -> Vec<String> {
    assert_eq!(said.code, Some(0), "{}", said.err);
    let line = said.err.lines().find_map(|line| line.strip_prefix("next: distil "));
    line.unwrap_or_else(|| panic!("no next command in: {}", said.err)).split(' ').map(str::to_owned).collect()
}

#[test]
fn photographs_become_predictions() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    photos(&at.join("photos"));
    let told = run(at, &["init", "photos"]);
    assert!(
        told.out.contains(" training images, pictures of about 2") && told.out.contains("| **all** |"),
        "{}",
        told.out
    );
    let command = next(&told);
    assert_eq!(command, ["reproduce", "--config", "photos.toml"]);
    let again = run(at, &["init", "photos"]);
    assert!(again.code == Some(2) && again.err.contains("--out"), "{}", again.err);

    let small = [
        "model.width=8",
        "model.depth=2",
        "expert.experts=1",
        "expert.epochs=4",
        "distill.window.max=1",
        "distill.iterations=2",
        "distill.syn_steps=2",
        "distill.validate_every=2",
        "eval.epochs=40",
        "eval.seeds=1",
        "eval.full_epochs=2",
    ];
    let sets = small.iter().flat_map(|set| ["--set", set]);
    let told = run(at, &command.iter().map(String::as_str).chain(sets).collect::<Vec<_>>());
    let command = next(&told);
    assert_eq!(command[..3], ["train", "runs/photos", "--out"]);
    fs::rename(at.join("photos"), at.join("elsewhere")).expect("the data go away");
    let told = run(at, &command.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(told.out.contains("trained on the 2 images of"), "{}", told.out);
    let mut command = next(&told);
    assert_eq!(command.pop().as_deref(), Some("PICTURES"));
    command.push("elsewhere".to_owned());
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let told = run(at, &command);
    let lines: Vec<&str> = told.out.lines().collect();
    assert_eq!((lines[0], lines.len()), ("file,class,probability,berry,leaf", 25), "{}", told.out);
    assert!(lines[1].starts_with("elsewhere/berry/00.png,"), "{}", lines[1]);
    assert!(
        told.err.contains("of 24 pictures that lie in a folder with the name of a class"),
        "{}",
        told.err
    );

    // One bad picture has no row; the others have theirs, in a file, too.
    fs::write(at.join("elsewhere/leaf/bad.png"), "no picture").expect("a file");
    let told = run(at, &[&command[..], &["--out", "rows.csv"]].concat());
    assert_eq!(told.code, Some(2));
    assert!(
        told.err.contains("1 of 25 pictures have no row") && told.err.contains("bad.png"),
        "{}",
        told.err
    );
    assert_eq!(fs::read_to_string(at.join("rows.csv")).expect("a table").lines().count(), 25);
    let folder = succeed(
        at,
        &["train", "runs/photos", "--arch", "mlp", "--epochs", "2", "--out", "m/mlp.safetensors"],
    );
    assert!(folder.starts_with("mlp for 2 classes"), "{folder}");
    let told = run(at, &["predict", "photos.toml", "elsewhere"]);
    assert!(told.code == Some(2) && told.err.contains("photos.toml"), "{}", told.err);
}
