//! Archives as `np.savez` (stored) and `np.savez_compressed` (deflated) write them.

use distil_progress::Progress;
use std::io::{Cursor, Write};
use std::path::PathBuf;

use distil_damage::assault;
use npyz::WriterBuilder;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::super::tiny_imagenet::tests::zip_of;
use super::*;
use crate::{DataConfig, Dataset, DatasetName, HoldOut};

fn npy<T: npyz::AutoSerialize + Copy>(shape: &[u64], values: &[T]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer =
        npyz::WriteOptions::<T>::new().default_dtype().shape(shape).writer(&mut file).begin_nd().unwrap();
    writer.extend(values.iter().copied()).unwrap();
    writer.finish().unwrap();
    file
}

/// One of NumPy's text arrays, `<U1`.
fn letters(letters: &str) -> Vec<u8> {
    let header = format!("{{'descr': '<U1', 'fortran_order': False, 'shape': ({},), }}\n", letters.len());
    let units = letters.chars().flat_map(|letter| u32::from(letter).to_le_bytes());
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), &units.collect::<Vec<_>>()].concat()
}

type Files = Vec<(String, Vec<u8>)>;

fn files<const N: usize>(arrays: [(&str, Vec<u8>); N]) -> Files {
    arrays.into_iter().map(|(name, bytes)| (format!("{name}.npy"), bytes)).collect()
}

fn stored(files: &Files) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in files {
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn read(bytes: &[u8]) -> Result<Arrays, Error> {
    parse(&mut Archive::new(Path::new("set.npz"), Cursor::new(bytes))?)
}

/// 20 training images 2×2 of two classes, 4 test images.
fn keras() -> Files {
    let labels: Vec<u8> = (0..20).map(|row| row % 2).collect();
    files([
        ("x_train", npy(&[20, 2, 2], &(0..80).collect::<Vec<u8>>())),
        ("y_train", npy(&[20], &labels)),
        ("x_test", npy(&[4, 2, 2], &[7u8; 16])),
        ("y_test", npy(&[4], &[0u8, 1, 0, 1])),
    ])
}

/// Colour images `[n, 2, 4, 3]` in three parts, labels `[n, 1]`.
fn medmnist() -> Files {
    let images = |n: u64| npy(&[n, 2, 4, 3], &(0..24 * n).map(|value| value as u8).collect::<Vec<u8>>());
    let labels = |n: u64| npy(&[n, 1], &(0..n as i64).map(|row| row % 3).collect::<Vec<i64>>());
    files([
        ("train_images", images(9)),
        ("train_labels", labels(9)),
        ("val_images", images(3)),
        ("val_labels", labels(3)),
        ("test_images", images(6)),
        ("test_labels", labels(6)),
    ])
}

fn saved(files: &Files) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("blood.npz");
    std::fs::write(&path, stored(files)).unwrap();
    (folder, path)
}

fn load(config: &DataConfig) -> Result<Dataset, Error> {
    config.load(Progress::none())
}

#[test]
fn stored_and_deflated_archives_hold_the_same() {
    for files in [keras(), medmnist()] {
        let (one, other) = (read(&stored(&files)).unwrap(), read(&zip_of(&files)).unwrap());
        assert_eq!((one.train, one.validation, one.test), (other.train, other.validation, other.test));
    }
}

#[test]
fn validation_images_are_held_out_where_there_is_no_part_for_them() {
    let (_folder, path) = saved(&keras());
    let data = load(&DataConfig::named(path.to_str().unwrap()).unwrap()).unwrap();
    assert_eq!((data.name.as_str(), &data.class_names[..]), ("blood", &["0".to_owned(), "1".to_owned()][..]));
    assert_eq!(data.parts().map(|(_, split)| split.len()), [18, 2, 4]);
    assert_eq!((data.shape().to_string(), data.test.labels), ("1x2x2".to_owned(), vec![0, 1, 0, 1]));
}

#[test]
fn mnist_is_found_where_keras_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("datasets")).unwrap();
    std::fs::write(folder.path().join("datasets/mnist.npz"), stored(&keras())).unwrap();
    let data_dir = Some(folder.path().to_owned());
    let data = load(&DataConfig { data_dir, ..DataConfig::new(DatasetName::Mnist) }).unwrap();
    assert_eq!((data.name.as_str(), data.train.len(), data.test.len()), ("mnist", 18, 4));
}

#[test]
fn an_own_validation_part_is_used_and_not_contradicted() {
    let (_folder, path) = saved(&medmnist());
    let config = DataConfig { path: Some(path), ..DataConfig::new(DatasetName::Npz) };
    let data = load(&config).unwrap();
    assert_eq!(data.parts().map(|(_, split)| split.len()), [9, 3, 6]);
    assert_eq!(config.size().unwrap().images, [9, 3, 6]);
    let planes = data.train.images.bytes().unwrap();
    assert_eq!(planes[..9], [0, 3, 6, 9, 12, 15, 18, 21, 1], "[h, w, c] became [c, h, w]");
    let asked = DataConfig { validation: Some(HoldOut::Count(2)), ..config };
    let error = load(&asked).unwrap_err().to_string();
    assert!(error.contains("data.validation") && error.contains("own validation part"), "{error}");
}

#[test]
fn class_names_are_taken_from_the_file() {
    let with = |names: &str| [keras(), files([("class_names", letters(names))])].concat();
    assert_eq!(read(&stored(&with("ab"))).unwrap().class_names, ["a", "b"]);
    let error = read(&stored(&with("a"))).unwrap_err().to_string();
    assert!(error.contains("1 classes"), "{error}");
}

#[test]
fn what_cannot_be_used_is_refused_with_a_reason() {
    let with = |name: &str, bytes: Vec<u8>| {
        let mut all = keras();
        all.iter_mut().find(|(file, _)| *file == format!("{name}.npy")).unwrap().1 = bytes;
        read(&stored(&all)).unwrap_err().to_string()
    };
    for (error, words) in [
        (with("x_train", npy(&[20, 2, 2], &[0.5f32; 80])), ["x_train", "uint8"]),
        (with("x_train", npy(&[20, 4], &[1u8; 80])), ["x_train", "[n, h, w]"]),
        (with("x_train", npy(&[2, 3, 7, 3], &[1u8; 126])), ["x_train", "could be two"]),
        (with("y_train", npy(&[20, 14], &[0u8; 280])), ["y_train", "multi-label"]),
        (with("y_train", npy(&[20], &[0.0f64; 20])), ["y_train", "whole numbers"]),
        (with("y_train", npy(&[20], &[-1i16; 20])), ["record 0", "-1"]),
        (with("y_train", npy(&[20], &[1_000_000_000i64; 20])), ["1000000000", "20 training images"]),
        (with("y_train", npy(&[19], &[0u8; 19])), ["19 labels", "20 images"]),
        (with("x_test", npy(&[2, 4, 2], &[7u8; 16])), ["2 images", "y_test"]),
    ] {
        assert!(words.iter().all(|word| error.contains(word)) && error.contains("; "), "{error}");
    }
    let without_test = read(&stored(&keras()[..2].to_vec())).unwrap_err().to_string();
    assert!(without_test.contains("no test part") && without_test.contains("add x_test"), "{without_test}");
    let nothing = read(&stored(&files([("a", npy(&[1], &[0u8]))]))).unwrap_err().to_string();
    assert!(nothing.contains("no training images") && nothing.contains("the arrays a"), "{nothing}");
}

#[test]
fn damaged_archives() {
    let read = |bytes: &[u8]| read(bytes).is_ok();
    assault(&[stored(&keras()), zip_of(&medmnist())], |_| {}, read);
}

/// Behind the checksums of the archive.
#[test]
fn damaged_arrays() {
    let good = keras();
    assault(
        &[good[0].1.clone()],
        |_| {},
        |bytes| {
            let mut all = good.clone();
            all[0].1 = bytes.to_vec();
            read(&stored(&all)).is_ok()
        },
    );
}
