use std::fs;
use std::io::Write;
use std::path::Path;

use distil_progress::Progress;
use flate2::{Compression, write::GzEncoder};

use super::*;
use crate::{DataConfig, Dataset, DatasetName, datasets::tiny_imagenet::tests::zip_of};

fn png(value: u8) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::GrayImage::from_pixel(3, 2, image::Luma([value]));
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

type Files = Vec<(String, Vec<u8>)>;

/// A folder with parts of unusual names, subfolders, a name longer than a tar header has room for, a picture without
/// ending, and what systems leave behind.
fn files(root: &str) -> Files {
    let long = "long name ".repeat(20);
    let names = ["Train/a/1.png", "Train/a/more/2.png", "Train/b/photo", "Train/b/4.png", "test_set/a/5.png"];
    let names = names.map(str::to_owned).into_iter().chain([format!("test_set/b/{long}.png")]);
    let mut files: Files =
        names.enumerate().map(|(i, name)| (format!("{root}{name}"), png(40 * i as u8))).collect();
    for name in ["Train/a/._1.png", ".DS_Store", "README.md", "Train/b/notes.txt"] {
        files.push((format!("{root}{name}"), b"no picture".to_vec()));
    }
    files
}

fn tar_of(files: &Files) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        if name.len() > 100 {
            archive.append_pax_extensions([("path", name.as_bytes()), ("mtime", b"1.5")]).unwrap();
            archive.append_data(&mut header, "cut.png", &bytes[..]).unwrap();
        } else {
            archive.append_data(&mut header, name, &bytes[..]).unwrap();
        }
    }
    archive.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn at(path: &Path) -> DataConfig {
    DataConfig { path: Some(path.to_owned()), ..DataConfig::new(DatasetName::Folder) }
}

fn load(path: &Path) -> Result<Dataset, String> {
    at(path).load(Progress::none()).map_err(|error| error.to_string())
}

#[test]
fn an_archive_is_the_set_that_it_would_be_unpacked() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("photos");
    for (name, bytes) in files("") {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let unpacked = load(&folder).unwrap();
    assert_eq!([unpacked.train.len() + unpacked.validation.len(), unpacked.test.len()], [4, 2]);
    for stem in ["", "./", "photos/", "./photos/"] {
        let mut files = files(stem);
        files.push(("__MACOSX/photos/._1.png".to_owned(), vec![1]));
        let tar = tar_of(&files);
        let zip: Files = files.iter().map(|(name, bytes)| (name.replace("./", ""), bytes.clone())).collect();
        for (name, bytes) in
            [("photos.tar", tar.clone()), ("photos.tar.gz", gzip(&tar)), ("photos.zip", zip_of(&zip))]
        {
            let path = root.path().join(name);
            fs::write(&path, bytes).unwrap();
            assert_eq!(load(&path).unwrap(), unpacked, "{stem}{name}");
            let digest = |path: &Path| at(path).list().unwrap().everything().digest();
            assert_eq!(digest(&path), digest(&folder));
        }
    }
    assert!(!root.path().join("Train").exists(), "nothing is unpacked");
}

#[test]
fn refusals_name_members_that_can_be_skipped() {
    let root = tempfile::tempdir().unwrap();
    let mut files = files("photos/");
    files.push(("photos/Train/a/x.heic".to_owned(), vec![1]));
    files.push(("photos/Train/b/y.heic".to_owned(), vec![1]));
    for (name, bytes) in
        [("p.tar", tar_of(&files)), ("p.tgz", gzip(&tar_of(&files))), ("p.zip", zip_of(&files))]
    {
        let path = root.path().join(name);
        fs::write(&path, bytes).unwrap();
        let error = load(&path).unwrap_err();
        assert!(error.contains("2 files (Train/a/x.heic, Train/b/y.heic)"), "{error}");
        let skip = Some(vec!["Train/a/x.heic".to_owned(), path.join("Train/b/y.heic").display().to_string()]);
        DataConfig { skip, ..at(&path) }.load(Progress::none()).unwrap();
    }
}

fn one(name: &str, kind: tar::EntryType) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(0);
    header.set_cksum();
    header.as_bytes().to_vec()
}

#[test]
fn names_that_lead_out_and_links_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("p.tar");
    let mut good = tar_of(&files(""));
    good.truncate(good.len() - 1024);
    for (name, kind, words) in [
        ("../x/1.png", tar::EntryType::Regular, "points outside"),
        ("/etc/1.png", tar::EntryType::Regular, "points outside"),
        ("Train/a/link.png", tar::EntryType::Symlink, "1 file (Train/a/link.png) cannot be read"),
        ("Train/a/link.png", tar::EntryType::Link, "1 file (Train/a/link.png) cannot be read"),
        ("Train/empty/", tar::EntryType::Directory, "test_set/empty"),
    ] {
        let bytes = [&good[..], &one(name, kind), &[0; 1024]].concat();
        for bytes in [bytes.clone(), gzip(&bytes)] {
            fs::write(&path, bytes).unwrap();
            let error = load(&path).unwrap_err();
            assert!(error.contains(words), "{name}: {error}");
        }
    }
}

#[test]
fn what_is_no_archive_that_is_read_says_what_to_do() {
    let root = tempfile::tempdir().unwrap();
    for (name, content, words) in [
        ("p.tar.xz", &b"\xfd7zXZ\0..."[..], "xz, which is not read; unpack it"),
        ("p.tar.bz2", b"BZh91AY", "bzip2"),
        ("p.7z", b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        ("p.txt", b"text", "neither a folder nor an archive"),
    ] {
        let path = root.path().join(name);
        fs::write(&path, content).unwrap();
        let error = load(&path).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn pictures_of_a_tar_gz_are_held_within_bounds() {
    let tar = tar_of(&files(""));
    let needed: usize =
        files("").iter().filter(|(_, bytes)| bytes.starts_with(b"\x89PNG")).map(|f| f.1.len()).sum();
    let held = |most| streamed(Path::new("p.tar.gz"), &tar[..], most).map(drop).map_err(|e| e.to_string());
    held(needed as u64 + 10).unwrap();
    assert!(held(needed as u64 - 1).unwrap_err().contains("unpack it"));
}
