//! Your own images in one NumPy archive, with the names of Keras or of MedMNIST:
//!
//! | | Keras | MedMNIST |
//! |---|---|---|
//! | training part | `x_train`, `y_train` | `train_images`, `train_labels` |
//! | validation part, if there is one | `x_val`, `y_val` | `val_images`, `val_labels` |
//! | test part | `x_test`, `y_test` | `test_images`, `test_labels` |
//!
//! Images are bytes `[n, h, w]`, `[n, h, w, c]` or `[n, c, h, w]` with one or three channels; labels are whole numbers
//! `[n]` or `[n, 1]`; `class_names` may hold what they stand for. Other arrays are left out with a warning.

mod array;

use std::io::{Read, Seek};
use std::path::Path;

use array::{Archive, Array};

use super::spec::{Arrays, DatasetSpec, Origin, OwnFiles, Reader};
use crate::{
    dataset::Split,
    error::Error,
    images::{ImageShape, Images},
};

pub(super) const ROW: DatasetSpec = DatasetSpec::new(
    "npz",
    "your images in a NumPy archive",
    Origin::Own(OwnFiles { what: "the .npz file with x_train, y_train, x_test and y_test" }),
    Reader::Arrays(read),
);

const CLASS_NAMES: &str = "class_names";
/// Names of the images and labels of the training, validation and test part.
const PARTS: [[(&str, &str); 3]; 2] = [
    [("x_train", "y_train"), ("x_val", "y_val"), ("x_test", "y_test")],
    [("train_images", "train_labels"), ("val_images", "val_labels"), ("test_images", "test_labels")],
];

/// Reads such an archive.
pub(super) fn read(path: &Path) -> Result<Arrays, Error> {
    parse(&mut Archive::open(path)?)
}

/// An array `[n, h, w]` of bytes of a NumPy archive, such as masks of images.
///
/// # Errors
/// [`Error`] when the archive cannot be read, has no such array, or it holds something else.
pub fn read_byte_maps(path: &Path, name: &str) -> Result<([usize; 3], Vec<u8>), Error> {
    let mut file = Archive::open(path)?;
    if !file.has(name) {
        let problem = format!("holds no array {name}, but {}", file.names().join(", "));
        return Err(Error::format(path, problem, "save it with np.savez under that name"));
    }
    let array = file.read(name)?;
    match array.shape[..] {
        [n, height, width] if array.is_bytes() => Ok(([n, height, width], array.bytes)),
        _ => {
            let problem = format!("is {:?} of type {}", array.shape, array.values());
            Err(Error::format(
                &array.path,
                problem,
                "make it [images, height, width] of bytes (np.uint8), 0 to 255",
            ))
        }
    }
}

fn parse<R: Read + Seek>(file: &mut Archive<R>) -> Result<Arrays, Error> {
    let names = PARTS.into_iter().find(|[(images, _), ..]| file.has(images)).ok_or_else(|| {
        let problem = format!("holds no training images, but the arrays {}", file.names().join(", "));
        Error::format(file.path(), problem, "name them x_train and y_train, or train_images and train_labels")
    })?;
    warn_of_others(file, &names);
    let [train, validation, test] = names.map(|names| part(file, names));
    let (path, class_names) = (file.path().to_owned(), class_names(file)?);
    let missing = |what: &str, remedy| Error::format(&path, format!("has no {what} part"), remedy);
    let train = train?.ok_or_else(|| missing("training", "add x_train and y_train"))?;
    let test = test?.ok_or_else(|| {
        missing("test", "add x_test and y_test: images that nothing was chosen on, set aside from the others")
    })?;
    let validation = validation?;
    let parts: Vec<&Split> = [Some(&train), validation.as_ref(), Some(&test)].into_iter().flatten().collect();
    let class_names = match class_names {
        Some(names) => names,
        None => numbered(&path, &parts)?,
    };
    check_labels(&path, &parts, class_names.len())?;
    Ok(Arrays { class_names, train, validation, test })
}

/// Nothing that is given is dropped in silence.
fn warn_of_others<R>(file: &Archive<R>, names: &[(&str, &str); 3]) {
    let known = |name: &str| name == CLASS_NAMES || names.iter().any(|(x, y)| name == *x || name == *y);
    let others: Vec<&str> = file.names().into_iter().filter(|name| !known(name)).collect();
    if !others.is_empty() {
        tracing::warn!("{}: left out: {}", file.path().display(), others.join(", "));
    }
}

/// A part; `None` where there is neither its images nor its labels.
fn part<R: Read + Seek>(
    file: &mut Archive<R>,
    (images, labels): (&str, &str),
) -> Result<Option<Split>, Error> {
    match (file.has(images), file.has(labels)) {
        (false, false) => return Ok(None),
        (true, true) => {}
        (there, _) => {
            let (there, missing) = if there { (images, labels) } else { (labels, images) };
            let problem = format!("holds {there}, but no {missing}");
            return Err(Error::format(file.path(), problem, "complete the file"));
        }
    }
    let found = images_of(file.read(images)?)?;
    let classes = labels_of(&file.read(labels)?)?;
    if classes.len() != found.len() {
        let problem = format!("{labels} holds {} labels, but {images} {} images", classes.len(), found.len());
        return Err(Error::format(file.path(), problem, "give one label for every image"));
    }
    Ok(Some(Split::new(found, classes)?))
}

fn images_of(array: Array) -> Result<Images, Error> {
    if !array.is_bytes() {
        let problem =
            format!("its values are {}, and pixels are read as uint8, from 0 to 255", array.values());
        let remedy = "save them so: (255 * x).round().astype(\"uint8\") where x is in [0, 1]";
        return Err(Error::format(&array.path, problem, remedy));
    }
    let (shape, channels_last) = match array.shape[..] {
        [_, height, width] => (ImageShape { channels: 1, height, width }, false),
        [_, height, width, channels @ (1 | 3)] if !matches!(height, 1 | 3) => {
            (ImageShape { channels, height, width }, true)
        }
        [_, channels @ (1 | 3), height, width] if !matches!(width, 1 | 3) => {
            (ImageShape { channels, height, width }, false)
        }
        _ => {
            let problem = format!(
                "its shape {:?} is none of [n, h, w], [n, h, w, c] and [n, c, h, w] with 1 or 3 channels, or could \
                 be two of them",
                array.shape
            );
            return Err(Error::format(&array.path, problem, "save pictures as [n, h, w] or [n, h, w, 3]"));
        }
    };
    if shape.len() == 0 || array.bytes.is_empty() {
        return Err(Error::format(&array.path, "holds no image", "leave the part out, or fill it"));
    }
    let bytes = if channels_last { planar(&array.bytes, shape) } else { array.bytes };
    Images::from_u8(shape, bytes)
}

/// `[n, h, w, c]` to `[n, c, h, w]`.
fn planar(bytes: &[u8], shape: ImageShape) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for image in bytes.chunks_exact(shape.len()) {
        for channel in 0..shape.channels {
            out.extend(image.iter().skip(channel).step_by(shape.channels));
        }
    }
    out
}

fn labels_of(array: &Array) -> Result<Vec<u32>, Error> {
    match array.shape[..] {
        [_] | [_, 1] => {}
        [_, labels] => {
            let problem = format!(
                "has {labels} labels for every image, and a classifier of this program gives one (multi-label and \
                 one-hot labels are not read)"
            );
            return Err(Error::format(&array.path, problem, "give one whole number for every image"));
        }
        _ => {
            let problem = format!("its shape is {:?}", array.shape);
            return Err(Error::format(&array.path, problem, "give labels of shape [n] or [n, 1]"));
        }
    }
    let whole = array.whole_numbers().ok_or_else(|| {
        let problem = format!("its values are {}", array.values());
        Error::format(&array.path, problem, "give labels as whole numbers from 0")
    })?;
    let label = |(record, number): (usize, i64)| {
        u32::try_from(number).map_err(|_| {
            let problem = format!("record {record} has label {number}");
            Error::format(&array.path, problem, "give labels as whole numbers from 0")
        })
    };
    whole.into_iter().enumerate().map(label).collect()
}

fn class_names<R: Read + Seek>(file: &mut Archive<R>) -> Result<Option<Vec<String>>, Error> {
    if !file.has(CLASS_NAMES) {
        return Ok(None);
    }
    let array = file.read(CLASS_NAMES)?;
    let texts = array.texts().filter(|_| array.shape.len() == 1).ok_or_else(|| {
        let problem = format!("holds {} of shape {:?}", array.values(), array.shape);
        Error::format(
            &array.path,
            problem,
            "give one text for every class, as in np.array([\"cat\", \"dog\"])",
        )
    })?;
    Ok(Some(texts))
}

/// Classes without names are called `0` to `k`. Every one has a training image, so there are no more than those.
fn numbered(path: &Path, parts: &[&Split]) -> Result<Vec<String>, Error> {
    let highest = parts.iter().flat_map(|part| &part.labels).max().copied().unwrap_or_default() as usize;
    if highest >= parts[0].len() {
        let problem = format!("has the label {highest}, but {} training images", parts[0].len());
        return Err(Error::format(path, problem, "number the classes from 0 without gaps"));
    }
    Ok((0..=highest).map(|class| class.to_string()).collect())
}

fn check_labels(path: &Path, parts: &[&Split], classes: usize) -> Result<(), Error> {
    if classes < 2 {
        let problem = format!("holds {classes} classes, and a classifier needs two");
        return Err(Error::format(path, problem, "add images of another class"));
    }
    for part in parts {
        if let Some(record) = part.labels.iter().position(|&label| label as usize >= classes) {
            let label = part.labels[record];
            return Err(Error::Label { path: path.to_owned(), record, label, classes });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
