//! SVHN's cropped digits: `train_32x32.mat` and `test_32x32.mat`.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::spec::{
    Arrays, Count, DatasetSpec, MeanStd, Origin, PartCounts, Places, Published, Reader, Sign, square,
};
use crate::{
    bounded::BAD_COPY,
    dataset::Split,
    error::Error,
    images::{ImageShape, Images},
    mat::{self, Array, Content, Kind},
};

const TRAIN: &str = "train_32x32.mat";
const TEST: &str = "test_32x32.mat";
const CLASS_NAMES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

pub(super) const ROW: DatasetSpec = DatasetSpec {
    shape: Some(square(3, 32)),
    classes: Some(CLASS_NAMES.len()),
    counts: Some(PartCounts::new(Count::Exactly(73_257), 26_032)),
    mean_std: Some(MeanStd { mean: &[0.4377, 0.4438, 0.4728], std: &[0.1980, 0.2010, 0.1970] }),
    bibtex: &[include_str!("bibtex/svhn.bib")],
    ..DatasetSpec::new(
        "svhn",
        "digits of house numbers",
        Origin::Published(PLACES, PUBLISHED),
        Reader::Arrays(|folder| {
            let parts = (read_svhn(&folder.join(TRAIN))?, read_svhn(&folder.join(TEST))?);
            Ok(Arrays::new(&CLASS_NAMES, parts))
        }),
    )
};

const PLACES: Places = Places {
    folders: &["svhn", "SVHN", "housenumbers", ""],
    copies: &[],
    archives: &[],
    sign: Sign::AnyFile(&[TRAIN]),
};

const PUBLISHED: Published = Published {
    base_url: "http://ufldl.stanford.edu/housenumbers",
    folder: "svhn",
    files: &[
        (TRAIN, 182_040_794, "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8"),
        (TEST, 64_275_384, "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b"),
    ],
    members: &[],
};

/// Reads one of SVHN's files of cropped digits: `X`, bytes `[h, w, 3, n]` (columns first), and `y`, digits `[n, 1]`
/// from 1 to 10, where 10 is the digit 0. Images come out as `[n, 3, h, w]`, labels below 10.
///
/// # Errors
/// [`Error::Format`] when the file is no MATLAB file of level 5, is damaged, or lacks a variable; [`Error::Label`] when
/// a label is not from 1 to 10; [`Error::Io`].
pub fn read_svhn(path: &Path) -> Result<Split, Error> {
    let file = File::open(path).map_err(Error::io(path, "open"))?;
    let length = file.metadata().map_err(Error::io(path, "read"))?.len();
    parse(path, &mut BufReader::new(file), length)
}

pub(crate) fn parse(path: &Path, reader: &mut dyn std::io::Read, length: u64) -> Result<Split, Error> {
    let mut variables = mat::read(path, reader, length)?;
    let images = images(path, mat::variable(path, &mut variables, "X")?)?;
    let labels = labels(path, &mat::variable(path, &mut variables, "y")?)?;
    if labels.len() != images.len() {
        let problem = format!("holds {} labels for {} images", labels.len(), images.len());
        return Err(Error::format(path, problem, BAD_COPY));
    }
    Split::new(images, labels)
}

fn images(path: &Path, array: Array) -> Result<Images, Error> {
    // MATLAB drops a last dimension of one: a single image has three.
    let sizes = match array.sizes[..] {
        [height, width, 3] => Some([height, width, 1]),
        [height, width, 3, n] => Some([height, width, n]),
        _ => None,
    };
    match (sizes, array.content) {
        (Some([height, width, n]), Content::Numbers { kind: Kind::U8, mut bytes, .. })
            if height * width * n > 0 =>
        {
            rows_first(&mut bytes, height, width);
            Images::from_u8(ImageShape { channels: 3, height, width }, bytes)
        }
        _ => {
            let problem = format!("X is an array of {:?}, not of bytes [rows, columns, 3, n]", array.sizes);
            Err(Error::format(path, problem, BAD_COPY))
        }
    }
}

/// Transposes every plane of an array that is stored columns first. Channels and images are where they belong.
fn rows_first(bytes: &mut [u8], height: usize, width: usize) {
    let mut columns = vec![0; height * width];
    for plane in bytes.chunks_exact_mut(height * width) {
        columns.copy_from_slice(plane);
        for (at, byte) in plane.iter_mut().enumerate() {
            *byte = columns[at % width * height + at / width];
        }
    }
}

fn labels(path: &Path, array: &Array) -> Result<Vec<u32>, Error> {
    let label = |(record, digit): (usize, f64)| match digit {
        10.0 => Ok(0),
        1.0..10.0 if digit.fract() == 0.0 => Ok(digit as u32),
        _ => {
            let problem = format!("record {record} has label {digit}, but SVHN's digits are 1 to 10");
            Err(Error::format(path, problem, BAD_COPY))
        }
    };
    array.numbers().enumerate().map(label).collect()
}

#[cfg(test)]
mod tests;
