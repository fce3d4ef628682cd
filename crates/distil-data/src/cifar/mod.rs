//! CIFAR-10 and CIFAR-100 in their binary and their Python version, as a folder or as the published tar.gz.

mod python;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use crate::{
    bounded::{self, BAD_COPY},
    dataset::Split,
    error::Error,
    images::{ImageShape, Images},
    tar_index,
};

const SHAPE: ImageShape = ImageShape { channels: 3, height: 32, width: 32 };
/// The largest file that is read; CIFAR-100's train.bin has 154 MB.
const MOST_BYTES: u64 = 512 << 20;
/// The most that is unpacked from an archive, wanted files or not.
const MOST_UNPACKED: u64 = 2 << 30;

/// Which of the two sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cifar {
    /// CIFAR-10: records of a label and 3072 pixels.
    Ten,
    /// CIFAR-100: records of a coarse label (below 20), a fine label (below 100) and 3072 pixels. The fine one counts.
    Hundred,
}

impl Cifar {
    fn classes(self) -> &'static [usize] {
        match self {
            Self::Ten => &[10],
            Self::Hundred => &[20, 100],
        }
    }

    fn versions(self) -> [Version; 2] {
        match self {
            Self::Ten => [BINARY_TEN, PYTHON_TEN],
            Self::Hundred => [BINARY_HUNDRED, PYTHON_HUNDRED],
        }
    }
}

/// A published version: its files, and how one is read.
#[derive(Clone, Copy)]
struct Version {
    train: &'static [&'static str],
    test: &'static str,
    parse: Parse,
}

type Parse = fn(Cifar, &Path, &[u8], &mut Vec<u8>, &mut Vec<u32>) -> Result<(), Error>;

impl Version {
    fn files(self) -> impl Iterator<Item = &'static str> {
        self.train.iter().copied().chain([self.test])
    }
}

const BINARY_TEN: Version = Version {
    train: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: "test_batch.bin",
    parse,
};
const BINARY_HUNDRED: Version = Version { train: &["train.bin"], test: "test.bin", parse };
const PYTHON_TEN: Version = Version {
    train: &["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"],
    test: "test_batch",
    parse: python::parse,
};
const PYTHON_HUNDRED: Version = Version { train: &["train"], test: "test", parse: python::parse };

/// Reads the published training and test parts from a folder with the files of the binary version (`.bin`) or of the
/// Python version (pickles, of which nothing is run), or from the tar.gz of either.
///
/// # Errors
/// [`Error::Format`] when a file is missing, truncated, too long or not made of whole records; [`Error::Label`] naming
/// file and record when a label is impossible; [`Error::Io`].
pub fn read_cifar(which: Cifar, path: &Path) -> Result<(Split, Split), Error> {
    let mut files = if path.is_dir() { from_folder(which, path)? } else { from_archive(which, path)? };
    let [binary, python] = which.versions();
    let is_python = python.files().any(|name| files.contains_key(name));
    let version =
        if is_python && !binary.files().any(|name| files.contains_key(name)) { python } else { binary };
    let mut part = |names: &[&str]| {
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        for name in names {
            let file = path.join(name);
            let missing = || Error::format(path, format!("{name} is missing"), BAD_COPY);
            let bytes = files.remove(*name).ok_or_else(missing)?;
            (version.parse)(which, &file, &bytes, &mut pixels, &mut labels)?;
        }
        Split::new(Images::from_u8(SHAPE, pixels)?, labels)
    };
    Ok((part(version.train)?, part(&[version.test])?))
}

/// Appends the records of one file.
pub(crate) fn parse(
    which: Cifar,
    path: &Path,
    bytes: &[u8],
    pixels: &mut Vec<u8>,
    labels: &mut Vec<u32>,
) -> Result<(), Error> {
    let prefix = which.classes().len();
    let record = prefix + SHAPE.len();
    if bytes.is_empty() || !bytes.len().is_multiple_of(record) {
        let problem =
            format!("has {} bytes, which is not a whole number of {record}-byte records", bytes.len());
        return Err(Error::format(path, problem, BAD_COPY));
    }
    pixels.reserve_exact(bytes.len() / record * SHAPE.len());
    for (index, record) in bytes.chunks_exact(record).enumerate() {
        for (&label, &classes) in record.iter().zip(which.classes()) {
            if usize::from(label) >= classes {
                let (path, label) = (path.to_owned(), label.into());
                return Err(Error::Label { path, record: index, label, classes });
            }
        }
        labels.push(record[prefix - 1].into());
        pixels.extend_from_slice(&record[prefix..]);
    }
    Ok(())
}

#[cfg(any(test, fuzzing))]
pub(crate) use python::parse as parse_python;

pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Every file of either version.
fn wanted(which: Cifar) -> impl Iterator<Item = &'static str> {
    which.versions().into_iter().flat_map(Version::files)
}

/// The files that are there; what is missing is said by whoever needs it.
fn from_folder(which: Cifar, folder: &Path) -> Result<Files, Error> {
    let mut files = Files::new();
    for name in wanted(which) {
        let path = folder.join(name);
        if !path.is_file() {
            continue;
        }
        let length = std::fs::metadata(&path).map_err(Error::io(&path, "open"))?.len();
        check_length(&path, length)?;
        let file = std::fs::File::open(&path).map_err(Error::io(&path, "open"))?;
        files.insert(name.to_owned(), bounded::read_exactly(&path, &mut &file, length as usize)?);
    }
    Ok(files)
}

fn from_archive(which: Cifar, path: &Path) -> Result<Files, Error> {
    let unpacked = bounded::open(path)?;
    read_archive(which, path, unpacked.reader)
}

pub(crate) fn read_archive(which: Cifar, path: &Path, reader: impl Read) -> Result<Files, Error> {
    let members = tar_index::read_members(path, reader, [MOST_BYTES, MOST_UNPACKED], |name| {
        wanted(which).find(|wanted| *wanted == name)
    })?;
    Ok(members.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect())
}

fn check_length(path: &Path, length: u64) -> Result<(), Error> {
    if length <= MOST_BYTES {
        return Ok(());
    }
    Err(Error::format(path, format!("has {length} bytes, far more than CIFAR's files"), BAD_COPY))
}

#[cfg(test)]
mod tests;
