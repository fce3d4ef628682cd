//! A miniature Tiny-ImageNet in every layout that goes round.

use distil_progress::Progress;
use std::io::Write;
use std::path::PathBuf;

use flate2::{Compression, Crc, write::DeflateEncoder};
use image::{ImageFormat, Luma, Rgb};

use super::*;
use crate::{Counts, DataConfig, Dataset, DatasetName};

/// The order of `wnids.txt` is not that of the labels.
const WNIDS: [&str; 3] = ["n02124075", "n04067472", "n01443537"];

fn picture(class: usize, number: usize) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    if number == 0 {
        image::GrayImage::from_pixel(64, 64, Luma([90 * class as u8]))
            .write_to(&mut bytes, ImageFormat::Png)
            .unwrap();
    } else {
        let colour = Rgb([90 * class as u8, number as u8, 0]);
        image::RgbImage::from_pixel(64, 64, colour).write_to(&mut bytes, ImageFormat::Png).unwrap();
    }
    bytes.into_inner()
}

type Files = Vec<(String, Vec<u8>)>;

fn train(below: &str) -> Files {
    let file = |(class, i): (usize, usize)| {
        (format!("train/{0}{below}/{0}_{i}.JPEG", WNIDS[class]), picture(class, i))
    };
    (0..9).map(|i| (i / 3, i % 3)).map(file).collect()
}

/// Two images a class, numbered through the classes in turn.
fn val(place: impl Fn(usize, usize) -> String) -> Files {
    (0..6).map(|i| (place(i % 3, i), picture(i % 3, i / 3))).collect()
}

fn published() -> Files {
    let line = |i: usize| format!("val_{i}.JPEG\t{}\t0\t0\t62\t62\n", WNIDS[i % 3]);
    let annotations = (0..6).map(line).collect::<Vec<_>>().concat();
    let mut files = train("/images");
    files.extend(val(|_, i| format!("val/images/val_{i}.JPEG")));
    files.push(("val/val_annotations.txt".to_owned(), annotations.into_bytes()));
    files.push(("wnids.txt".to_owned(), WNIDS.join("\n").into_bytes()));
    files.push(("test/images/test_0.JPEG".to_owned(), picture(0, 0)));
    files.push((format!("train/{0}/{0}_boxes.txt", WNIDS[0]), b"n02124075_0.JPEG\t0\t0\t9\t9\n".to_vec()));
    files
}

fn relaid(below: &str) -> Files {
    let mut files = train(below);
    files.extend(val(|class, i| format!("val/{}{below}/val_{i}.JPEG", WNIDS[class])));
    files
}

fn folder(files: &Files) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = root.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    root
}

fn le(value: usize, bytes: usize) -> Vec<u8> {
    (value as u64).to_le_bytes()[..bytes].to_vec()
}

/// A zip file; every second member is deflated.
pub(crate) fn zip_of(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    for (i, (name, bytes)) in files.iter().enumerate() {
        let mut crc = Crc::new();
        crc.update(bytes);
        let mut packed = bytes.clone();
        if i % 2 == 1 {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(bytes).unwrap();
            packed = encoder.finish().unwrap();
        }
        let method = 8 * (i % 2);
        let common = [le(20, 2), le(0, 2), le(method, 2), le(0, 4), le(crc.sum() as usize, 4)].concat();
        let sizes = [le(packed.len(), 4), le(bytes.len(), 4), le(name.len(), 2), le(0, 2)].concat();
        let at = body.len();
        body.extend([b"PK\x03\x04", &common[..], &sizes, name.as_bytes(), &packed].concat());
        let rest = [le(0, 6), le(0o100_644 << 16, 4), le(at, 4)].concat();
        directory.extend([b"PK\x01\x02\x14\x03", &common[..], &sizes, &rest, name.as_bytes()].concat());
    }
    let end = [
        le(0, 4),
        le(files.len(), 2),
        le(files.len(), 2),
        le(directory.len(), 4),
        le(body.len(), 4),
        le(0, 2),
    ];
    [&body[..], &directory, b"PK\x05\x06", &end.concat()].concat()
}

fn zipped(files: &Files) -> tempfile::TempDir {
    let below: Files =
        files.iter().map(|(name, bytes)| (format!("{FOLDER}/{name}"), bytes.clone())).collect();
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("tiny-imagenet-200.zip"), zip_of(&below)).unwrap();
    root
}

fn load(place: PathBuf) -> Result<Dataset, Error> {
    let config = DataConfig {
        path: Some(place),
        counts: Counts::Any,
        validation: Some(crate::HoldOut::Count(3)),
        ..DataConfig::new(DatasetName::TinyImagenet)
    };
    config.load(Progress::none())
}

#[test]
fn every_layout_is_the_same_dataset() {
    let zip = zipped(&published());
    let expected = load(zip.path().join("tiny-imagenet-200.zip")).unwrap();
    assert_eq!(expected.class_names, ["n01443537", "n02124075", "n04067472"]);
    assert_eq!([expected.train.len(), expected.validation.len(), expected.test.len()], [6, 3, 6]);
    let reds: Vec<u8> =
        expected.test.images.bytes().unwrap().chunks(3 * 64 * 64).map(|image| image[0]).collect();
    assert_eq!(reds, [180, 180, 0, 0, 90, 90]);
    for files in [published(), relaid("/images"), relaid("")] {
        let root = folder(&files);
        let found = load(root.path().to_owned()).unwrap();
        assert_eq!((&found.class_names, &found.digest), (&expected.class_names, &expected.digest));
    }
}

#[test]
fn the_published_numbers_are_checked() {
    let root = folder(&relaid(""));
    let config =
        DataConfig { path: Some(root.path().to_owned()), ..DataConfig::new(DatasetName::TinyImagenet) };
    assert_eq!(config.stream_options(8).unwrap().resize.height, 64);
    let error = config.list().unwrap_err().to_string();
    assert!(error.contains("2 validation images") && error.contains("data.counts"), "{error}");
}

#[test]
fn what_is_missing_is_named() {
    let mut files = published();
    files.retain(|(name, _)| !name.ends_with("annotations.txt"));
    let error = load(folder(&files).path().to_owned()).unwrap_err().to_string();
    assert!(error.contains("val_annotations.txt is missing"), "{error}");
    files.push(("val/val_annotations.txt".to_owned(), b"val_0.JPEG\tn02124075\t0\t0\t1\t1\n".to_vec()));
    let error = load(folder(&files).path().to_owned()).unwrap_err().to_string();
    assert!(error.contains("val_1.JPEG") && error.contains("does not name"), "{error}");
}

#[test]
fn names_that_lead_out_of_an_archive_are_refused_and_links_are_not_followed() {
    for name in ["../evil/train/n02124075/a.JPEG", "/etc/n02124075/a.JPEG"] {
        let mut files = published();
        files.push((name.to_owned(), picture(0, 0)));
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a.zip");
        std::fs::write(&path, zip_of(&files)).unwrap();
        let error = load(path).unwrap_err().to_string();
        assert!(error.contains("points outside"), "{error}");
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1, "nothing was unpacked");
    }
    let mut archive = zip_of(&published());
    let at = archive.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    archive[at + 38..at + 42].copy_from_slice(&(0o120_777u32 << 16).to_le_bytes());
    let members =
        zip_index::members(Path::new("a.zip"), &mut std::io::Cursor::new(&archive), archive.len() as u64);
    assert_eq!(members.unwrap().len(), published().len() - 1);
}

#[test]
fn a_flipped_bit_in_an_archive_is_noticed() {
    let files =
        vec![("a.bin".to_owned(), vec![5; 100]), ("b.bin".to_owned(), (0..=255).collect::<Vec<u8>>())];
    let archive = zip_of(&files);
    let mut reader = std::io::Cursor::new(&archive);
    let members = zip_index::members(Path::new("a.zip"), &mut reader, archive.len() as u64).unwrap();
    for ((name, member), (_, content)) in members.iter().zip(&files) {
        assert_eq!(member.read(Path::new(name), &mut reader).unwrap(), *content);
        for at in member.offset..member.offset + member.length {
            let mut damaged = archive.clone();
            damaged[at as usize] ^= 4;
            let read = member.read(Path::new(name), std::io::Cursor::new(damaged));
            // The last bits of a compressed stream only fill its last byte, whatever wrote it.
            assert!(read.map_or(true, |read| read == *content), "byte {at} of {name}");
        }
    }
}
