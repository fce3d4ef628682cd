//! The Python version: a pickle a file, as torchvision and Keras keep it.

use std::path::Path;

use super::{Cifar, SHAPE};
use crate::{
    error::Error,
    pickle::{self, Pickle, Value},
};

/// Appends the images of one file: a dictionary with `data`, bytes `[n, 3072]`, and a list of labels.
pub(crate) fn parse(
    which: Cifar,
    path: &Path,
    bytes: &[u8],
    pixels: &mut Vec<u8>,
    labels: &mut Vec<u32>,
) -> Result<(), Error> {
    let batch = pickle::parse(path, bytes)?;
    let images = images(path, &batch)?;
    let (key, classes) = match which {
        Cifar::Ten => ("labels", 10),
        Cifar::Hundred => ("fine_labels", 100),
    };
    let numbers = batch.entry(key).and_then(|value| batch.numbers(value));
    let numbers = numbers.ok_or_else(|| lacks(path, &batch, &format!("no whole numbers {key:?}")))?;
    if numbers.len() * SHAPE.len() != images.len() {
        let problem = format!("holds {} labels for {} images", numbers.len(), images.len() / SHAPE.len());
        return Err(Error::format(path, problem, pickle::REMEDY));
    }
    for (record, number) in numbers.into_iter().enumerate() {
        let label = u32::try_from(number).unwrap_or(u32::MAX);
        if label as usize >= classes {
            return Err(Error::Label { path: path.to_owned(), record, label, classes });
        }
        labels.push(label);
    }
    pixels.extend_from_slice(images);
    Ok(())
}

fn images<'b>(path: &Path, batch: &'b Pickle<'_>) -> Result<&'b [u8], Error> {
    let Some(Value::Array(array)) = batch.entry("data") else {
        return Err(lacks(path, batch, "no array \"data\""));
    };
    match array.bytes() {
        Some(bytes) if !bytes.is_empty() && array.shape[1..].iter().product::<usize>() == SHAPE.len() => {
            Ok(bytes)
        }
        _ => {
            let problem =
                format!("\"data\" is an array of {:?}, not of bytes [n, {}]", array.shape, SHAPE.len());
            Err(Error::format(path, problem, pickle::REMEDY))
        }
    }
}

fn lacks(path: &Path, batch: &Pickle<'_>, what: &str) -> Error {
    let problem = format!("holds {what}, but the keys {}", batch.keys().join(", "));
    Error::format(path, problem, pickle::REMEDY)
}
