//! Whole datasets from folders of image files.

#![expect(clippy::unwrap_used, reason = "the helpers of tests unwrap like the tests")]

use std::fs;
use std::path::Path;

use distil_data::{DataConfig, Dataset, DatasetName, Error, HoldOut, ImageShape, Normalisation};
use distil_progress::Progress;

fn load(config: &DataConfig) -> Result<Dataset, Error> {
    config.load(Progress::none())
}

fn at(path: &Path) -> DataConfig {
    DataConfig { path: Some(path.to_owned()), ..DataConfig::new(DatasetName::Folder) }
}

fn cut(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() - 12]).unwrap();
}

fn picture(path: &Path, size: (u32, u32), value: [u8; 3], grey: bool) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    if grey {
        image::GrayImage::from_pixel(size.0, size.1, image::Luma([value[0]])).save(path).unwrap();
    } else {
        image::RgbImage::from_pixel(size.0, size.1, image::Rgb(value)).save(path).unwrap();
    }
}

fn image_folder(root: &Path, parts: &[(&str, u8)]) {
    for (part, n) in parts {
        for (class, value) in [("n01", 50u8), ("n02", 150)] {
            for i in 0..*n {
                let path = root.join(part).join(class).join(format!("{i}.png"));
                picture(&path, (12, 8), [value, value + 1, value + 2], i == 0);
            }
        }
    }
}

#[test]
fn a_folder_with_parts_keeps_its_test_part() {
    let root = tempfile::tempdir().unwrap();
    image_folder(root.path(), &[("train", 10), ("val", 3)]);
    let config = DataConfig { resolution: Some(4), ..at(root.path()) };
    let data = load(&config).unwrap();
    assert_eq!([data.train.len(), data.validation.len(), data.test.len()], [18, 2, 6]);
    assert_eq!(
        (data.class_names.clone(), data.shape().channels),
        (vec!["n01".to_owned(), "n02".to_owned()], 3)
    );
    // Image 0 of every class is grey and has its value in all three channels.
    let first = &data.test.images.bytes().unwrap()[..2 * 48];
    assert!(first[..48].iter().all(|&x| x == 50) && first[48 + 16..48 + 32].iter().all(|&x| x == 51));
    let Normalisation::MeanStd { mean, .. } = &data.preprocessing().normalisation else { panic!() };
    let rows: Vec<usize> = (0..data.train.len()).collect();
    let red = data.train.images.pictures(&rows).unwrap().chunks(48).map(|image| image[0]).sum::<f32>() / 18.0;
    assert!((mean[0] - red).abs() < 1e-6, "statistics come from the training part");
}

#[test]
fn a_folder_with_all_parts_and_a_flat_one() {
    let root = tempfile::tempdir().unwrap();
    image_folder(root.path(), &[("train", 10), ("val", 3), ("test", 4)]);
    let data = load(&at(root.path())).unwrap();
    assert_eq!([data.train.len(), data.validation.len(), data.test.len()], [20, 6, 8]);
    let config = DataConfig { validation: Some(HoldOut::Count(2)), ..at(root.path()) };
    assert!(load(&config).unwrap_err().to_string().starts_with("data.validation"));

    let flat = DataConfig { train_limit: Some(6), ..at(&root.path().join("train")) };
    let data = load(&flat).unwrap();
    assert_eq!([data.train.len(), data.validation.len(), data.test.len()], [6, 2, 4]);
    assert_eq!(data.train.class_counts(2), [3, 3]);
    let other = load(&DataConfig { seed: 9, ..flat }).unwrap();
    assert_eq!(other.test.class_counts(2), [2, 2]);
}

#[test]
fn broken_folders_name_the_file_and_the_remedy() {
    let root = tempfile::tempdir().unwrap();
    image_folder(root.path(), &[("train", 4), ("val", 2)]);
    let config = at(root.path());
    picture(&root.path().join("train/n02/odd.png"), (12, 9), [1; 3], false);
    let error = load(&config).unwrap_err().to_string();
    assert!(error.contains("odd.png") && error.contains("data.resolution"), "{error}");
    fs::write(root.path().join("train/n02/odd.png"), b"not a picture").unwrap();
    let error = load(&config).unwrap_err().to_string();
    assert!(error.contains("odd.png") && error.contains("cannot be read"), "{error}");
    fs::remove_dir_all(root.path().join("val/n02")).unwrap();
    fs::create_dir(root.path().join("val/n02")).unwrap();
    let error = load(&config).unwrap_err().to_string();
    assert!(error.contains("val/n02") && error.contains("no PNG or JPEG"), "{error}");
    let error = load(&at(Path::new("/nowhere/at/all"))).unwrap_err().to_string();
    assert!(error.contains("/nowhere/at/all"), "{error}");
}

/// Names and digests do not depend on how the folder is written, or on where the program runs.
#[test]
fn a_folder_is_the_same_set_however_it_is_written() {
    let root = tempfile::tempdir().unwrap();
    let photos = root.path().join("photos");
    image_folder(&photos, &[("train", 4), ("val", 2)]);
    let first = load(&at(&photos)).unwrap();
    assert_eq!(first.name, "photos");
    for written in [photos.join("."), photos.join("train/.."), root.path().join("./photos/")] {
        let again = load(&at(&written)).unwrap();
        assert_eq!((&again.name, &again.digest), (&first.name, &first.digest), "{}", written.display());
    }
    let list = |path: &Path| at(path).list().unwrap().everything().digest();
    assert_eq!(list(&photos), list(&photos.join("val/..")));
}

#[test]
fn thousands_of_small_files_are_read() {
    let root = tempfile::tempdir().unwrap();
    picture(&root.path().join("one.png"), (1, 1), [7, 8, 9], false);
    let bytes = fs::read(root.path().join("one.png")).unwrap();
    for class in 0..30 {
        let folder = root.path().join(format!("set/{class:02}"));
        fs::create_dir_all(&folder).unwrap();
        for i in 0..100 {
            fs::write(folder.join(format!("{i}.png")), &bytes).unwrap();
        }
    }
    let config = at(&root.path().join("set"));
    let data = load(&config).unwrap();
    assert_eq!([data.train.len(), data.validation.len(), data.test.len()], [2160, 240, 600]);
    assert_eq!((data.shape(), data.classes()), (ImageShape { channels: 3, height: 1, width: 1 }, 30));
    assert_eq!(config.list().unwrap().everything().len(), 3000);
}

#[test]
fn a_damaged_image_can_be_left_out_by_name() {
    let root = tempfile::tempdir().unwrap();
    image_folder(root.path(), &[("train", 4), ("val", 2)]);
    cut(&root.path().join("val/n02/1.png"));
    let config = at(root.path());
    let error = load(&config).unwrap_err().to_string();
    assert!(error.contains("val/n02/1.png") && error.contains("data.skip"), "{error}");
    let skip = Some(vec!["val/n02/1.png".to_owned()]);
    assert_eq!(load(&DataConfig { skip, ..config }).unwrap().test.class_counts(2), [2, 1]);
}

/// The pictures that the walk of torchvision finds, whatever their names are.
#[test]
fn pictures_in_subfolders_and_without_extension_belong_to_their_class() {
    let root = tempfile::tempdir().unwrap();
    image_folder(root.path(), &[("", 4)]);
    for file in ["n01/more/5.png", "n01/more/deeper/6.png", "n02/x/7.png"] {
        picture(&root.path().join(file), (12, 8), [9; 3], false);
    }
    let png = fs::read(root.path().join("n01/0.png")).unwrap();
    for name in ["n01/img7", "n01/photo.2024", "n02/8.jfif", "n02/more/9.dat"] {
        fs::create_dir_all(root.path().join("n02/more")).unwrap();
        fs::write(root.path().join(name), &png).unwrap();
    }
    for name in ["n01/._0.png", "n01/notes.txt", "n02/Thumbs.db"] {
        fs::write(root.path().join(name), "no picture").unwrap();
    }
    let config = at(root.path());
    let list = config.list().unwrap().everything();
    assert_eq!(list.class_counts(2), [8, 7]);
    assert!((0..15).any(|row| list.name(row) == "n01/more/deeper/6.png"));
    let data = load(&config).unwrap();
    assert_eq!(data.train.len() + data.validation.len() + data.test.len(), 15);
}

/// What would be missing from a set is refused, all of it at once; what the message names can be left out by name.
#[test]
fn what_is_refused_is_named_and_can_be_skipped_as_it_is_named() {
    let root = tempfile::tempdir().unwrap();
    image_folder(root.path(), &[("", 4)]);
    let put = |name: &str| fs::write(root.path().join(name), b"no picture").unwrap();
    for (files, words) in [
        (&["n01/a.heic", "n01/b.jp2", "n02/c.tga"][..], "3 files (n01/a.heic, n01/b.jp2, n02/c.tga)"),
        (&["n01/x.png", "n02/y.jpg"], "2 files (n01/x.png, n02/y.jpg)"),
        (&["loose.png", "more.jpg"], "2 files (loose.png, more.jpg)"),
    ] {
        for name in files {
            put(name);
        }
        let config = at(root.path());
        let error = load(&config).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("data.skip"), "{error}");
        let skip: Vec<String> = files.iter().map(|&name| name.to_owned()).collect();
        let data = load(&DataConfig { skip: Some(skip.clone()), ..config.clone() }).unwrap();
        assert_eq!(data.train.len() + data.validation.len() + data.test.len(), 8);
        let shown = skip.iter().map(|name| root.path().join(name).display().to_string()).collect();
        load(&DataConfig { skip: Some(shown), ..config }).unwrap();
        for name in files {
            fs::remove_file(root.path().join(name)).unwrap();
        }
    }
    for name in ["n02/one.webp", "n02/two.gif"] {
        put(name);
        let config = at(root.path());
        let error = load(&config).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("data.skip"), "{error}");
        load(&DataConfig { skip: Some(vec![name.to_owned()]), ..config }).unwrap();
        fs::remove_file(root.path().join(name)).unwrap();
    }
}

#[test]
fn a_split_is_used_whatever_its_parts_are_called() {
    for (train, validation, test) in
        [("train", "valid", "test"), ("Training", "Val", "TESTING"), ("train", "dev", "eval")]
    {
        let root = tempfile::tempdir().unwrap();
        image_folder(root.path(), &[(train, 5), (validation, 2), (test, 3)]);
        let data = load(&at(root.path())).unwrap();
        assert_eq!([data.train.len(), data.validation.len(), data.test.len()], [10, 4, 6]);
        fs::remove_dir_all(root.path().join(validation)).unwrap();
        assert_eq!(load(&at(root.path())).unwrap().test.len(), 6);
        picture(&root.path().join("holdout/n01/1.png"), (12, 8), [9; 3], false);
        let error = load(&at(root.path())).unwrap_err().to_string();
        assert!(error.contains("holdout") && error.contains("test"), "{error}");
    }
    let root = tempfile::tempdir().unwrap();
    for name in ["Train/1.png", "Train/2.png", "Test/1.png"] {
        picture(&root.path().join(name), (12, 8), [9; 3], false);
    }
    let error = load(&at(root.path())).unwrap_err().to_string();
    assert!(error.contains("Train") && error.contains("no class folders"), "{error}");
}
