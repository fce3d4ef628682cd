//! SVHN's cropped digits: `train_32x32.mat` and `test_32x32.mat`.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use crate::{
    bounded::BAD_COPY,
    dataset::Split,
    error::Error,
    images::{ImageShape, Images},
    mat::{self, Array, Content, Kind},
};

pub(crate) const TRAIN: &str = "train_32x32.mat";
pub(crate) const TEST: &str = "test_32x32.mat";

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
