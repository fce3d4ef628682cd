//! Names of a model's classes, from a file of the user's.

use std::fs;
use std::path::{Path, PathBuf};

use distil_store::Content;
use thiserror::Error;

/// The most bytes of a list of names; ImageNet's with all synonyms are 32 kilobytes.
const LONGEST: u64 = 16 << 20;

/// A file that is no list of names.
#[derive(Debug, Error)]
#[error("{} {problem}; write one name a line, in the order of the model's outputs", file.display())]
pub struct ClassNamesError {
    file: PathBuf,
    problem: String,
}

/// The names in a text file, one a line, in the order of the model's outputs.
///
/// # Errors
/// [`ClassNamesError`] says what the file is instead, or which line is empty.
pub fn class_names(file: &Path) -> Result<Vec<String>, ClassNamesError> {
    let fault = |problem: String| ClassNamesError { file: file.to_owned(), problem };
    let unreadable = |error: std::io::Error| fault(format!("cannot be read ({error})"));
    let content = Content::of(file).map_err(unreadable)?;
    if !content.may_be_toml() {
        return Err(fault(format!("is {}, not a list of names", content.what())));
    }
    if fs::metadata(file).map_err(unreadable)?.len() > LONGEST {
        return Err(fault("is too large for a list of names".to_owned()));
    }
    let text = fs::read_to_string(file).map_err(unreadable)?;
    let names: Vec<String> =
        text.trim_start_matches('\u{feff}').trim_end().lines().map(|name| name.trim().to_owned()).collect();
    match names.iter().position(String::is_empty) {
        Some(empty) => Err(fault(format!("has an empty line {}", empty + 1))),
        None => Ok(names),
    }
}
