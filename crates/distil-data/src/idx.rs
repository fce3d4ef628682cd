//! The IDX format of MNIST and its kin, plain or gzipped.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::{
    bounded::{self, BAD_COPY},
    dataset::Split,
    error::Error,
    images::{ImageShape, Images},
};

/// Unsigned bytes, as every published image set has them.
const BYTES: u8 = 8;
/// The largest body that is read: about 5 million 28×28 images.
const MOST_BYTES: u64 = 4 << 30;

/// Any of these shows that a folder holds an IDX set.
pub(crate) const SIGNS: &[&str] = &[
    "train-images-idx3-ubyte.gz",
    "train-images-idx3-ubyte",
    "train-images.idx3-ubyte",
    "train-images.idx3-ubyte.gz",
];

/// The training and the test part of a folder with MNIST's file names.
pub(crate) fn read_folder(folder: &Path, classes: usize) -> Result<(Split, Split), Error> {
    let part = |name: &str| {
        let images = file_of(folder, name, "images-idx3")?;
        read_idx(&images, &file_of(folder, name, "labels-idx1")?, classes)
    };
    Ok((part("train")?, part("t10k")?))
}

/// A file of the folder, whichever way it is spelt.
fn file_of(folder: &Path, part: &str, kind: &str) -> Result<PathBuf, Error> {
    let dotted = kind.replacen("-idx", ".idx", 1);
    let spellings = [
        format!("{part}-{kind}-ubyte.gz"),
        format!("{part}-{kind}-ubyte"),
        format!("{part}-{dotted}-ubyte"),
        format!("{part}-{dotted}-ubyte.gz"),
    ];
    let found = spellings.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| {
        Error::format(
            folder,
            format!("{} is missing", spellings[0]),
            "fetch the set again, or complete the folder",
        )
    })
}

/// Reads grey images `[n, 1, h, w]` from an IDX file with three dimensions.
///
/// # Errors
/// [`Error::Format`] when the file is truncated, has another magic number, claims more than it can hold, or goes on
/// after what its header announces; [`Error::Io`].
pub fn read_idx_images(path: &Path) -> Result<Images, Error> {
    let mut file = bounded::open(path)?;
    parse_images(path, &mut file.reader, file.most)
}

/// Reads labels `[n]` below `classes` from an IDX file with one dimension.
///
/// # Errors
/// As [`read_idx_images`], and [`Error::Label`] naming the record whose label is not below `classes`.
pub fn read_idx_labels(path: &Path, classes: usize) -> Result<Vec<u32>, Error> {
    let mut file = bounded::open(path)?;
    parse_labels(path, &mut file.reader, file.most, classes)
}

/// Reads a file of images and the file of their labels.
///
/// # Errors
/// As [`read_idx_images`] and [`read_idx_labels`], and [`Error::Format`] when the counts disagree.
pub fn read_idx(images: &Path, labels: &Path, classes: usize) -> Result<Split, Error> {
    let pixels = read_idx_images(images)?;
    let classes_of = read_idx_labels(labels, classes)?;
    if pixels.len() != classes_of.len() {
        let (n, m) = (pixels.len(), classes_of.len());
        let problem = format!("holds {m} labels, but {} holds {n} images", images.display());
        return Err(Error::format(labels, problem, BAD_COPY));
    }
    Split::new(pixels, classes_of)
}

pub(crate) fn parse_images(path: &Path, reader: &mut dyn Read, most: u64) -> Result<Images, Error> {
    let (sizes, bytes) = parse(path, reader, most, 3)?;
    let shape = ImageShape { channels: 1, height: sizes[1], width: sizes[2] };
    Images::from_u8(shape, bytes)
}

pub(crate) fn parse_labels(
    path: &Path,
    reader: &mut dyn Read,
    most: u64,
    classes: usize,
) -> Result<Vec<u32>, Error> {
    let (_, bytes) = parse(path, reader, most, 1)?;
    let labels: Vec<u32> = bytes.into_iter().map(u32::from).collect();
    match labels.iter().position(|&label| label as usize >= classes) {
        Some(record) => Err(Error::Label { path: path.to_owned(), record, label: labels[record], classes }),
        None => Ok(labels),
    }
}

/// The sizes of `dimensions` dimensions and the body. `most` bounds what can come out of the file.
fn parse(
    path: &Path,
    reader: &mut dyn Read,
    most: u64,
    dimensions: u8,
) -> Result<(Vec<usize>, Vec<u8>), Error> {
    let magic = bounded::read_exactly(path, reader, 4)?;
    if magic != [0, 0, BYTES, dimensions] {
        let found = u32::from_be_bytes([magic[0], magic[1], magic[2], magic[3]]);
        let problem = format!(
            "starts with {found:#010x}, but IDX bytes in {dimensions} dimensions start with 0x0000080{dimensions}"
        );
        return Err(Error::format(
            path,
            problem,
            "give an IDX file of this kind (images and labels swapped?)",
        ));
    }
    let header = bounded::read_exactly(path, reader, 4 * usize::from(dimensions))?;
    let sizes: Vec<u32> = header.as_chunks().0.iter().map(|size| u32::from_be_bytes(*size)).collect();
    let claimed = sizes.iter().try_fold(1u64, |product, &size| product.checked_mul(u64::from(size)));
    let sizes: Vec<usize> = sizes.into_iter().map(|size| size as usize).collect();
    let body = match claimed {
        Some(0) => return Err(Error::format(path, format!("announces no data (sizes {sizes:?})"), BAD_COPY)),
        Some(claimed) if claimed <= MOST_BYTES.min(most) => claimed as usize,
        _ => {
            let limit = MOST_BYTES.min(most);
            let problem = format!("announces {sizes:?} bytes, but the file can hold at most {limit}");
            return Err(Error::format(path, problem, BAD_COPY));
        }
    };
    let bytes = bounded::read_exactly(path, reader, body)?;
    bounded::expect_end(path, reader, body)?;
    Ok((sizes, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Vec<u8> {
        let mut file = vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3];
        file.extend(1..=12);
        file
    }

    fn images(bytes: &[u8]) -> Result<Images, Error> {
        parse_images(Path::new("x"), &mut &bytes[..], bytes.len() as u64)
    }

    #[test]
    fn images_and_labels_are_read() {
        let read = images(&good()).unwrap();
        assert_eq!(read.shape(), ImageShape { channels: 1, height: 2, width: 3 });
        assert_eq!(read.bytes().unwrap(), (1..=12).collect::<Vec<u8>>());
        let labels = [0u8, 0, 8, 1, 0, 0, 0, 3, 2, 0, 9];
        assert_eq!(parse_labels(Path::new("x"), &mut &labels[..], 11, 10).unwrap(), [2, 0, 9]);
        let error = parse_labels(Path::new("x.idx"), &mut &labels[..], 11, 9).unwrap_err().to_string();
        assert!(
            error.contains("x.idx") && error.contains("record 2") && error.contains("label 9"),
            "{error}"
        );
    }

    #[test]
    fn spellings_of_files() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("t10k-labels.idx1-ubyte"), "").unwrap();
        assert!(file_of(dir.path(), "t10k", "labels-idx1").unwrap().ends_with("t10k-labels.idx1-ubyte"));
        assert!(file_of(dir.path(), "train", "labels-idx1").is_err());
    }

    #[test]
    fn a_header_that_overflows_is_refused_without_reading() {
        let mut file = good();
        file[4..16].fill(0xff);
        let error = images(&file).unwrap_err().to_string();
        assert!(error.contains("can hold at most"), "{error}");
    }
}
