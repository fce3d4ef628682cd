use std::fs;

use distil_progress::Progress;

use crate::{DataConfig, Dataset, DatasetName};

fn picture(path: &std::path::Path, value: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::GrayImage::from_pixel(2, 2, image::Luma([value])).save(path).unwrap();
}

/// Eight pictures of value 10·i in `images/`, in a folder for the table.
fn folder() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    (0..8).for_each(|i| picture(&root.path().join(format!("images/{i}.png")), 10 * i));
    root
}

fn config(root: &tempfile::TempDir, table: &str) -> DataConfig {
    let path = root.path().join("labels.csv");
    fs::write(&path, table).unwrap();
    DataConfig { path: Some(path), ..DataConfig::new(DatasetName::Csv) }
}

fn load(config: &DataConfig) -> Result<Dataset, String> {
    config.load(Progress::none()).map_err(|error| error.to_string())
}

fn table(head: &str, row: impl Fn(u8) -> String) -> String {
    (0..8).fold(head.to_owned(), |table, i| table + &row(i) + "\n")
}

#[test]
fn files_are_found_beside_the_table_with_or_without_their_ending() {
    let root = folder();
    let rows: [fn(u8) -> String; 3] = [
        |i| format!("{i}.png,{}", i % 2),
        |i| format!("{i},{}", i % 2),
        |i| format!("images/{i}.png,{}", i % 2),
    ];
    let all: Vec<Dataset> =
        rows.map(|row| load(&config(&root, &table("file,label\n", row))).unwrap()).into_iter().collect();
    assert!(all.iter().all(|data| *data == all[0]));
    assert_eq!(all[0].class_names, ["0", "1"]);
    for (_, split) in all[0].parts() {
        for (pixels, &label) in split.images.bytes().unwrap().chunks(4).zip(&split.labels) {
            assert_eq!(u32::from(pixels[0]) / 10 % 2, label);
        }
    }
}

#[test]
fn parts_classes_and_skipped_images() {
    let root = folder();
    let name = |i: u8| ["owl", "cat", "dog"][usize::from(i % 3)];
    let text = table("image,class,split\n", |i| {
        format!("{i}.png,{},{}", name(i), if i < 6 { "train" } else { "val" })
    });
    let text = text.replace("7.png,cat", "7.png,owl");
    let data = load(&config(&root, &text)).unwrap();
    assert_eq!((&data.class_names[..], data.test.len()), (&["cat", "dog", "owl"].map(str::to_owned)[..], 2));
    assert_eq!(data.train.len() + data.validation.len(), 6);
    let classes = Some(vec!["owl".to_owned(), "cat".to_owned()]);
    let skip = Some(vec!["images/0.png".to_owned()]);
    let data = load(&DataConfig { classes, skip, ..config(&root, &text) }).unwrap();
    assert_eq!(data.class_names, ["owl", "cat"]);
    assert_eq!(data.train.len() + data.validation.len(), 3);
}

#[test]
fn what_does_not_fit_is_named() {
    let root = folder();
    let good = || table("file,label\n", |i| format!("{i}.png,{}", i % 2));
    for (text, words) in [
        (good() + "8.png,1\n9.png,0\n", &["missing", "images/8.png, images/9.png", "remove their lines"][..]),
        (good() + "3.png,0\n", &["line 10 names 3.png a second time"]),
        (good().replace(".png", ".gif"), &["\"0.gif\"", "beside the images"]),
        (table("file,label\n", |i| format!("{i}.png,a")), &["one class"]),
        (good().replace("file,label", "x,y,z"), &["x, y, z", "file and label"]),
    ] {
        let error = load(&config(&root, &text)).unwrap_err();
        assert!(error.contains("labels.csv") && words.iter().all(|word| error.contains(word)), "{error}");
    }
    picture(&root.path().join("other/1.png"), 3);
    let error = load(&config(&root, &good())).unwrap_err();
    assert!(error.contains("several folders hold: images, other"), "{error}");
}

#[test]
fn tables_called_like_parts_are_parts() {
    let root = tempfile::tempdir().unwrap();
    let rows = table("file,label\n", |i| format!("{i}.png,{}", i % 2));
    for i in 0..8 {
        // The same names in both folders: each table has its own.
        picture(&root.path().join(format!("train/{i}.png")), 10 * i);
        picture(&root.path().join(format!("test/{i}.png")), 100 + 10 * i);
    }
    fs::write(root.path().join("train.csv"), &rows).unwrap();
    fs::write(root.path().join("test.csv"), &rows).unwrap();
    fs::write(root.path().join("notes.csv"), "file,label\n1.png,x\n").unwrap();
    let config = crate::recognise(root.path()).unwrap().config;
    assert_eq!(config.path.as_deref(), Some(&*root.path().join("train.csv")));
    let data = load(&config).unwrap();
    assert_eq!(data.parts().map(|(_, split)| split.len()), [6, 2, 8]);
    assert!(data.test.images.bytes().unwrap().iter().all(|&pixel| pixel >= 100));
    assert!(data.train.images.bytes().unwrap().iter().all(|&pixel| pixel < 100));
    // A test part without answers is no part.
    fs::write(root.path().join("test.csv"), "file\n0.png\n").unwrap();
    assert_eq!(load(&config).unwrap().parts().map(|(_, split)| split.len()), [4, 2, 2]);
}
