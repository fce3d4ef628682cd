//! Whole datasets from small files of every format.

#![expect(clippy::unwrap_used, reason = "the helpers of tests unwrap like the tests")]

use distil_data::Transform;
use distil_progress::{News, Progress};
use std::cell::Cell;
use std::{
    fs,
    io::Write,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use distil_data::{DataConfig, Dataset, DatasetName, Error, HoldOut, ImageShape, ResizePolicy};
use flate2::{Compression, write::GzEncoder};

fn load(config: &DataConfig) -> Result<Dataset, Error> {
    config.load(Progress::none())
}

fn at(name: DatasetName, path: &Path) -> DataConfig {
    DataConfig { path: Some(path.to_owned()), ..DataConfig::new(name) }
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn idx(sizes: &[u32], body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, sizes.len() as u8];
    for size in sizes {
        bytes.extend(size.to_be_bytes());
    }
    bytes.extend(body);
    bytes
}

/// Six 3×2 training images a class of ten, two test images a class; pixel = 25 × class.
fn idx_set(folder: &Path) {
    for (part, n) in [("train", 60u32), ("t10k", 20)] {
        let labels: Vec<u8> = (0..n).map(|i| (i % 10) as u8).collect();
        let pixels: Vec<u8> = labels.iter().flat_map(|&label| [25 * label; 6]).collect();
        fs::write(folder.join(format!("{part}-images-idx3-ubyte.gz")), gz(&idx(&[n, 3, 2], &pixels)))
            .unwrap();
        fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), idx(&[n], &labels)).unwrap();
    }
}

#[test]
fn idx_files_become_three_parts() {
    let folder = tempfile::tempdir().unwrap();
    idx_set(folder.path());
    let data = load(&at(DatasetName::FashionMnist, folder.path())).unwrap();
    assert_eq!([data.train.len(), data.validation.len(), data.test.len()], [50, 10, 20]);
    assert_eq!(data.shape(), ImageShape { channels: 1, height: 3, width: 2 });
    assert_eq!(data.validation.class_counts(10), [1; 10]);
    for (_, split) in data.parts() {
        let inputs = split.images.gather(&(0..split.len()).collect::<Vec<_>>());
        for (input, &label) in inputs.chunks(6).zip(&split.labels) {
            let expected = (25.0 * label as f32 / 255.0 - 0.2861) / 0.3530;
            assert!(input.iter().all(|x| (x - expected).abs() < 1e-5));
        }
    }
    let row = data.test.rows_of_class(7)[1];
    let undone = data.transform.undo(data.shape(), &data.test.images.gather(&[row])).unwrap();
    assert!(undone.iter().all(|x| (x - 175.0 / 255.0).abs() < 1e-6));
}

#[test]
fn the_digest_follows_the_content_and_the_test_part_nothing() {
    let folder = tempfile::tempdir().unwrap();
    idx_set(folder.path());
    let base = at(DatasetName::Mnist, folder.path());
    let first = load(&base).unwrap();
    assert_eq!(first.digest, load(&base).unwrap().digest);
    for other in [
        DataConfig { seed: 1, ..base.clone() },
        DataConfig { validation: Some(HoldOut::Count(20)), ..base.clone() },
        DataConfig { train_limit: Some(20), ..base.clone() },
        DataConfig { name: DatasetName::FashionMnist, ..base.clone() },
    ] {
        let other = load(&other).unwrap();
        assert_ne!(other.digest, first.digest);
        assert_eq!(
            (other.test.images.bytes(), &other.test.labels),
            (first.test.images.bytes(), &first.test.labels)
        );
    }
    let limited = load(&DataConfig { train_limit: Some(20), ..base.clone() }).unwrap();
    assert_eq!(limited.train.class_counts(10), [2; 10]);
    assert_eq!(limited.validation, first.validation, "validation does not depend on the limit");
    let larger = load(&DataConfig { resolution: Some(5), ..base }).unwrap();
    assert_eq!(larger.shape(), ImageShape { channels: 1, height: 5, width: 5 });
    assert_eq!(larger.preprocessing().resize.unwrap().policy, ResizePolicy::Squash);
}

#[test]
fn broken_idx_sets_are_refused() {
    type Break = fn(&Path);
    let cases: [(Break, &str); 6] = [
        (|f| cut(&f.join("train-images-idx3-ubyte.gz")), "train-images-idx3-ubyte.gz"),
        (|f| fs::write(f.join("t10k-labels-idx1-ubyte"), idx(&[19], &[0; 19])).unwrap(), "19 labels"),
        (
            |f| fs::write(f.join("train-labels-idx1-ubyte"), idx(&[60], &[10; 60])).unwrap(),
            "record 0 has label 10",
        ),
        (
            |f| {
                fs::copy(f.join("t10k-labels-idx1-ubyte"), f.join("t10k-images-idx3-ubyte.gz"))
                    .map(drop)
                    .unwrap();
            },
            "0x00000801",
        ),
        (
            |f| fs::remove_file(f.join("t10k-labels-idx1-ubyte")).unwrap(),
            "t10k-labels-idx1-ubyte.gz is missing",
        ),
        (
            |f| {
                fs::write(f.join("train-images-idx3-ubyte.gz"), gz(&idx(&[60_000, 28, 28], &[0; 99])))
                    .unwrap();
            },
            "at most",
        ),
    ];
    for (damage, word) in cases {
        let folder = tempfile::tempdir().unwrap();
        idx_set(folder.path());
        damage(folder.path());
        let error = load(&at(DatasetName::Mnist, folder.path())).unwrap_err().to_string();
        assert!(error.contains(word) && error.contains(';'), "{error}");
    }
}

/// A small gzip that unpacks to far more than its header announces is refused after what was announced.
#[test]
fn a_gzip_that_goes_on_after_its_header_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    idx_set(folder.path());
    let bytes = [idx(&[60, 3, 2], &[0; 360]), vec![0; 50_000_000]].concat();
    fs::write(folder.path().join("train-images-idx3-ubyte.gz"), gz(&bytes)).unwrap();
    let error = load(&at(DatasetName::Mnist, folder.path())).unwrap_err().to_string();
    assert!(error.contains("goes on after the 360 bytes"), "{error}");
}

fn cut(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() - 12]).unwrap();
}

/// The files of a CIFAR-10 with 20 records a file.
fn cifar_files() -> Vec<(String, Vec<u8>)> {
    let names = (1..=5).map(|i| format!("data_batch_{i}.bin")).chain(["test_batch.bin".to_owned()]);
    let records =
        |file: usize| (0..20u8).flat_map(move |i| [vec![i % 10], vec![10 * file as u8 + i; 3072]].concat());
    names.enumerate().map(|(file, name)| (name, records(file).collect())).collect()
}

fn cifar_folder(folder: &Path) -> PathBuf {
    let folder = folder.join("cifar-10-batches-bin");
    fs::create_dir(&folder).unwrap();
    for (name, bytes) in cifar_files() {
        fs::write(folder.join(name), bytes).unwrap();
    }
    folder
}

#[test]
fn a_cifar_folder_and_its_archive_are_the_same_set() {
    let folder = tempfile::tempdir().unwrap();
    let unpacked = cifar_folder(folder.path());
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in cifar_files().into_iter().rev() {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, format!("cifar-10-batches-bin/{name}"), &bytes[..]).unwrap();
    }
    let packed = folder.path().join("cifar-10-binary.tar.gz");
    fs::write(&packed, gz(&archive.into_inner().unwrap())).unwrap();
    let data = load(&at(DatasetName::Cifar10, &unpacked)).unwrap();
    assert_eq!(data, load(&at(DatasetName::Cifar10, &packed)).unwrap());
    assert_eq!([data.train.len(), data.validation.len(), data.test.len()], [90, 10, 20]);
    assert_eq!(data.test.images.bytes().unwrap()[3072], 51);
    let found =
        DataConfig { data_dir: Some(folder.path().to_owned()), ..DataConfig::new(DatasetName::Cifar10) };
    assert_eq!(load(&found).unwrap().digest, data.digest);
    cut(&packed);
    let error = load(&at(DatasetName::Cifar10, &packed)).unwrap_err().to_string();
    assert!(error.contains("cifar-10-binary.tar.gz"), "{error}");
}

#[test]
fn broken_cifar_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let unpacked = cifar_folder(folder.path());
    let file = unpacked.join("data_batch_3.bin");
    let mut bytes = fs::read(&file).unwrap();
    bytes[7 * 3073] = 200;
    fs::write(&file, &bytes).unwrap();
    let error = load(&at(DatasetName::Cifar10, &unpacked)).unwrap_err().to_string();
    for word in ["data_batch_3.bin", "record 7", "label 200", "below 10"] {
        assert!(error.contains(word), "{error}");
    }
    cut(&file);
    let error = load(&at(DatasetName::Cifar10, &unpacked)).unwrap_err().to_string();
    assert!(error.contains("data_batch_3.bin") && error.contains("whole number"), "{error}");
    fs::remove_file(&file).unwrap();
    let error = load(&at(DatasetName::Cifar10, &unpacked)).unwrap_err().to_string();
    assert!(error.contains("data_batch_3.bin"), "{error}");
}

#[test]
fn zca_is_fitted_on_train_cached_and_undone() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    idx_set(folder.path());
    let base = at(DatasetName::Mnist, folder.path());
    let config = DataConfig { zca: true, cache_dir: Some(cache.path().to_owned()), ..base };
    let fits = |config: &DataConfig| {
        let fits = Cell::new(0);
        let listener = |news: &News<'_>| {
            let fit = matches!(news, News::Step(step) if step.task.starts_with("fit ZCA") && step.done == 0);
            fits.set(fits.get() + usize::from(fit));
            ControlFlow::Continue(())
        };
        let data = config.load(Progress::to(&listener));
        (data.unwrap(), fits.get())
    };
    let (data, first) = fits(&config);
    let (again, second) = fits(&config);
    assert_eq!((first, second), (1, 0));
    assert_eq!(data, again);
    let rows: Vec<usize> = (0..data.test.len()).collect();
    let undone = data.transform.undo(data.shape(), &data.test.images.gather(&rows)).unwrap();
    let pictures = data.test.images.pictures(&rows).unwrap();
    assert!(undone.iter().zip(&pictures).all(|(a, b)| (a - b).abs() < 1e-4));
    // A card without the matrices gets them back from the cache.
    let json = serde_json::to_string(data.preprocessing()).unwrap();
    let card: distil_data::Preprocessing = serde_json::from_str(&json).unwrap();
    let unloaded = Transform::from(card.clone());
    assert!(unloaded.undo(data.shape(), &data.test.images.gather(&[0])).is_err());
    let loaded = Transform::load(card, cache.path()).unwrap();
    assert_eq!(loaded.undo(data.shape(), &data.test.images.gather(&rows)).unwrap(), undone);
    assert_eq!(fits(&DataConfig { seed: 3, ..config }).1, 1, "another training part is another fit");
}

#[test]
fn clutter_is_generated_and_balanced() {
    let easy = load(&DataConfig::new(DatasetName::ClutterEasy)).unwrap();
    let counts = [easy.train.class_counts(10), easy.validation.class_counts(10), easy.test.class_counts(10)];
    assert!(counts.iter().all(|counts| counts.iter().all(|&count| count == counts[0])), "{counts:?}");
    let hard =
        load(&DataConfig { resolution: Some(64), ..DataConfig::new(DatasetName::ClutterHard) }).unwrap();
    assert_eq!(
        (hard.shape().height, hard.preprocessing().resize),
        (64, None),
        "drawn at this size, not resized"
    );
    let summary = hard.summary().to_string();
    assert!(summary.contains("clutter-hard") && summary.contains(&hard.digest), "{summary}");
}

#[test]
fn stopping_stops() {
    let error = DataConfig::new(DatasetName::ClutterEasy)
        .load(Progress::to(&|_| ControlFlow::Break(())))
        .unwrap_err();
    assert!(matches!(error, Error::Stopped));
}

#[test]
fn a_set_that_is_nowhere_says_where_it_was_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let config =
        DataConfig { data_dir: Some(folder.path().to_owned()), ..DataConfig::new(DatasetName::Cifar100) };
    if std::env::var_os("DISTIL_DATA_DIR").is_none() {
        let error = load(&config).unwrap_err().to_string();
        assert!(
            error.contains(&folder.path().display().to_string()) && error.contains("distil fetch cifar100"),
            "{error}"
        );
    }
}
