//! Which columns hold the pictures and the labels.

use std::path::Path;

use parquet::basic::Type;
use parquet::file::metadata::ParquetMetaData;
use serde_json::Value;

use super::listed;
use crate::error::Error;

const PICTURE: [&str; 9] =
    ["image", "img", "picture", "photo", "pixel_values", "image_bytes", "img_bytes", "jpg", "png"];
const LABEL: [&str; 12] = [
    "label",
    "labels",
    "fine_label",
    "fine_labels",
    "class",
    "target",
    "category",
    "class_label",
    "cls",
    "class_name",
    "species",
    "y",
];
/// Where Hugging Face notes what the columns are.
const NOTE: &str = "huggingface";
const WRITE: &str =
    "write it with Hugging Face's `datasets` (Dataset.to_parquet), with the columns image and label";

/// Indices of the columns in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) picture: usize,
    pub(super) label: usize,
    /// Names of the classes, where the file has them.
    pub(super) class_names: Option<Vec<String>>,
}

/// Labels of a file's images; `None` where there is none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Labels {
    Numbers(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
}

impl Labels {
    /// The class of an image, by `names` where labels are numbers; `None` where the label is not a class.
    pub(super) fn name<'a>(&'a self, row: usize, names: &'a [String]) -> Option<&'a str> {
        match self {
            Self::Numbers(labels) => names.get(usize::try_from(labels[row]?).ok()?).map(String::as_str),
            Self::Texts(labels) => labels[row].as_deref(),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Numbers(labels) => labels.len(),
            Self::Texts(labels) => labels.len(),
        }
    }
}

impl Columns {
    pub(super) fn find(path: &Path, metadata: &ParquetMetaData) -> Result<Self, Error> {
        let file = metadata.file_metadata();
        let (mut pictures, mut labels, mut all) = (Vec::new(), Vec::new(), Vec::new());
        for (index, column) in file.schema_descr().columns().iter().enumerate() {
            let parts = column.path().parts();
            all.push(column.path().string());
            if column.max_rep_level() > 0 {
                continue;
            }
            match (parts, column.physical_type()) {
                ([name], Type::BYTE_ARRAY) if !PICTURE.contains(&name.as_str()) => labels.push((index, name)),
                ([name], Type::BYTE_ARRAY) => pictures.push((index, name)),
                ([name, inner], Type::BYTE_ARRAY) if inner == "bytes" => pictures.push((index, name)),
                ([name], Type::INT32 | Type::INT64 | Type::BOOLEAN) => labels.push((index, name)),
                _ => {}
            }
        }
        let features = features(metadata);
        let missing = |what: &str| {
            Error::format(path, format!("has no column of {what} among {}", listed(&all)), WRITE)
        };
        let picture = one_of(&PICTURE, &pictures).or(only(&pictures)).ok_or_else(|| missing("pictures"))?;
        let noted: Vec<(usize, &String)> =
            labels.iter().copied().filter(|(_, name)| names_of(features.as_ref(), name).is_some()).collect();
        let label = one_of(&LABEL, &labels).or(only(&noted)).ok_or_else(|| missing("labels"))?;
        let name = labels.iter().find(|(index, _)| *index == label).map(|(_, name)| name.as_str());
        let class_names = name.and_then(|name| names_of(features.as_ref(), name));
        Ok(Self { picture, label, class_names })
    }
}

/// The column with the first of the known names that there is.
fn one_of(known: &[&str], columns: &[(usize, &String)]) -> Option<usize> {
    let of = |wanted: &&str| columns.iter().find(|(_, name)| name.eq_ignore_ascii_case(wanted));
    known.iter().find_map(of).map(|&(index, _)| index)
}

fn only(columns: &[(usize, &String)]) -> Option<usize> {
    match columns {
        [(index, _)] => Some(*index),
        _ => None,
    }
}

/// What `datasets` notes of the columns.
fn features(metadata: &ParquetMetaData) -> Option<Value> {
    let notes = metadata.file_metadata().key_value_metadata()?;
    let note = notes.iter().find(|note| note.key == NOTE)?.value.as_deref()?;
    let mut note: Value = serde_json::from_str(note).ok()?;
    Some(note["info"]["features"].take())
}

/// The names of a column of class labels.
fn names_of(features: Option<&Value>, column: &str) -> Option<Vec<String>> {
    let names = features?.get(column)?.get("names")?.as_array()?;
    names.iter().map(|name| name.as_str().map(str::to_owned)).collect()
}
