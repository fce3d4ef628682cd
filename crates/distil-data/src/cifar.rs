//! The binary version of CIFAR-10 and CIFAR-100, as a folder or as the published tar.gz.

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

    fn train_files(self) -> &'static [&'static str] {
        match self {
            Self::Ten => &[
                "data_batch_1.bin",
                "data_batch_2.bin",
                "data_batch_3.bin",
                "data_batch_4.bin",
                "data_batch_5.bin",
            ],
            Self::Hundred => &["train.bin"],
        }
    }

    fn test_file(self) -> &'static str {
        match self {
            Self::Ten => "test_batch.bin",
            Self::Hundred => "test.bin",
        }
    }
}

/// Reads the published training and test parts from a folder with the `.bin` files, or from the tar.gz.
///
/// # Errors
/// [`Error::Format`] when a file is missing, truncated, too long or not made of whole records; [`Error::Label`] naming
/// file and record when a label is impossible; [`Error::Io`].
pub fn read_cifar(which: Cifar, path: &Path) -> Result<(Split, Split), Error> {
    let mut files = if path.is_dir() { from_folder(which, path)? } else { from_archive(which, path)? };
    let mut part = |names: &[&str]| {
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        for name in names {
            let file = path.join(name);
            let missing = || Error::format(path, format!("{name} is missing"), BAD_COPY);
            let bytes = files.remove(*name).ok_or_else(missing)?;
            parse(which, &file, &bytes, &mut pixels, &mut labels)?;
        }
        Split::new(Images::from_u8(SHAPE, pixels)?, labels)
    };
    Ok((part(which.train_files())?, part(&[which.test_file()])?))
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
                return Err(Error::Label {
                    path: path.to_owned(),
                    record: index,
                    label: label.into(),
                    classes,
                });
            }
        }
        labels.push(record[prefix - 1].into());
        pixels.extend_from_slice(&record[prefix..]);
    }
    Ok(())
}

pub(crate) type Files = BTreeMap<String, Vec<u8>>;

fn wanted(which: Cifar) -> impl Iterator<Item = &'static str> {
    which.train_files().iter().copied().chain([which.test_file()])
}

fn from_folder(which: Cifar, folder: &Path) -> Result<Files, Error> {
    let mut files = Files::new();
    for name in wanted(which) {
        let path = folder.join(name);
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
mod tests {
    use super::*;

    fn records(which: Cifar, labels: &[u8]) -> Vec<u8> {
        let record = |&label: &u8| match which {
            Cifar::Ten => [vec![label], vec![label + 1; 3072]].concat(),
            Cifar::Hundred => [vec![label / 5, label], vec![label + 1; 3072]].concat(),
        };
        labels.iter().flat_map(record).collect()
    }

    #[test]
    fn the_fine_label_counts_and_pixels_follow_the_labels() {
        for (which, fine) in [(Cifar::Ten, [9, 0]), (Cifar::Hundred, [99, 40])] {
            let (mut pixels, mut labels) = (Vec::new(), Vec::new());
            parse(which, Path::new("x"), &records(which, &fine), &mut pixels, &mut labels).unwrap();
            assert_eq!(labels, fine.map(u32::from));
            assert_eq!((pixels.len(), pixels[0], pixels[3072]), (2 * 3072, fine[0] + 1, fine[1] + 1));
        }
    }

    #[test]
    fn an_impossible_label_names_file_record_and_label() {
        let mut bytes = records(Cifar::Ten, &[1, 2, 3]);
        bytes[2 * 3073] = 200;
        let error =
            parse(Cifar::Ten, Path::new("data_batch_2.bin"), &bytes, &mut Vec::new(), &mut Vec::new());
        let message = error.unwrap_err().to_string();
        for part in ["data_batch_2.bin", "record 2", "label 200", "below 10"] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn a_member_that_claims_too_much_is_refused() {
        let mut header = tar::Header::new_gnu();
        header.set_path("c/train.bin").unwrap();
        header.set_size(MOST_BYTES + 1);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        let bytes = [header.as_bytes().to_vec(), vec![0; 4096]].concat();
        let error = read_archive(Cifar::Hundred, Path::new("a.tar"), &bytes[..]).unwrap_err().to_string();
        assert!(error.contains("far more"), "{error}");
    }
}
