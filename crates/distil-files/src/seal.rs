//! Checksums of text artefacts: JSON and TOML files that begin with the SHA-256 of themselves.
//!
//! The digest is taken with its own digits set to zero, so every byte of the file counts: one flipped byte
//! anywhere is found when the file is read. Files without such a beginning, which people write by
//! hand, are taken as they are.

use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::content::Content;
use crate::digest::sha256;
use crate::error::FileError;

/// What stands before the digits in a JSON object.
const JSON: &str = "{\n  \"sha256\": \"";
/// What stands before the digits in a TOML file: a comment.
pub(crate) const TOML: &str = "# sha256 = \"";
/// Hexadecimal digits of a SHA-256.
const DIGITS: usize = 64;
/// As many digits at the place of a digest are one, even where a byte before or among them is damaged.
const TELLING: usize = DIGITS - 1;

/// A JSON object of `value` for people to read, with its checksum as the first key `sha256`, and a line break at the end.
///
/// # Panics
/// When `value` is no JSON object, or is empty.
pub fn json(value: &impl Serialize) -> String {
    of_object(&serde_json::to_string_pretty(value).expect("artefacts are plain JSON"))
}

/// As [`json`], in few bytes.
///
/// # Panics
/// As [`json`].
pub fn compact_json(value: &impl Serialize) -> String {
    of_object(&serde_json::to_string(value).expect("artefacts are plain JSON"))
}

fn of_object(text: &str) -> String {
    let fields = text.strip_prefix('{').filter(|fields| *fields != "}");
    sealed(JSON, &format!("\",{}\n", fields.expect("artefacts are JSON objects with fields")))
}

/// The TOML `text` with its checksum as a comment before it.
pub fn toml(text: &str) -> String {
    sealed(TOML, &format!("\"\n{text}"))
}

fn sealed(before: &str, after: &str) -> String {
    let blank = "0".repeat(DIGITS);
    let digest = sha256(format!("{before}{blank}{after}").as_bytes());
    format!("{before}{digest}{after}")
}

/// Compares the checksum in `bytes`, the content of the file at `path`, with that content. `remedy` is what the user
/// should do about a damaged file.
///
/// # Errors
/// [`FileError::Damaged`] when they differ.
pub fn check(path: &Path, bytes: &[u8], remedy: &'static str) -> Result<(), FileError> {
    for before in [JSON, TOML] {
        let place = before.len()..before.len() + DIGITS;
        let found = bytes.get(place.clone()).unwrap_or_default();
        let digits = found.iter().filter(|byte| byte.is_ascii_hexdigit()).count();
        let begun = !bytes.is_empty() && before.as_bytes().starts_with(bytes);
        if !begun && !bytes.starts_with(before.as_bytes()) && digits < TELLING {
            continue;
        }
        let mut blank = bytes.to_vec();
        if let Some(digits) = blank.get_mut(place) {
            digits.fill(b'0');
        }
        if sha256(&blank).as_bytes() != found {
            return Err(FileError::damaged(path, "its content does not match its checksum", remedy));
        }
    }
    Ok(())
}

/// The verified content of the file at `path`; `None` when there is no such file.
///
/// # Errors
/// As [`check`], and [`FileError::Read`] when it cannot be read.
pub fn read(path: &Path, remedy: &'static str) -> Result<Option<Vec<u8>>, FileError> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        bytes => bytes.map_err(|source| FileError::read(path, source))?,
    };
    check(path, &bytes, remedy)?;
    Ok(Some(bytes))
}

/// The verified value that the JSON file at `path` holds; `None` when there is no such file. `expected` says with its article
/// what it should be. Of another file, which may be large, no more is read than says what it is.
///
/// # Errors
/// As [`read`], and [`FileError::Foreign`] says what the file is instead.
pub fn load<T: DeserializeOwned>(
    path: &Path,
    expected: &'static str,
    remedy: &'static str,
) -> Result<Option<T>, FileError> {
    let content = match Content::of(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        content => content.map_err(|source| FileError::read(path, source))?,
    };
    if content != Content::Json && !content.may_be_toml() {
        return Err(FileError::foreign(path, content, expected, remedy));
    }
    let Some(bytes) = read(path, remedy)? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| match content {
        Content::Json => {
            let what = format!("a JSON file of another form ({error})");
            FileError::Foreign { path: path.to_owned(), expected, what, remedy }
        }
        content => FileError::foreign(path, content, expected, remedy),
    })
}

/// The TOML text after its checksum; all of it where there is none.
pub fn without(text: &str) -> &str {
    let after = text.strip_prefix(TOML).and_then(|rest| rest.get(DIGITS..)?.strip_prefix("\"\n"));
    after.unwrap_or(text)
}
