//! Names of a model's classes, from a file of the user's.

use std::fs;
use std::path::Path;

use distil_store::Content;

use crate::failure::Failure;

/// The most bytes of a list of names; ImageNet's with all synonyms are 32 kilobytes.
const LONGEST: u64 = 16 << 20;

/// The names in a text file, one a line, in the order of the model's outputs.
pub(crate) fn class_names(file: &Path) -> Result<Vec<String>, Failure> {
    let (shown, help) = (file.display(), "write one name a line, in the order of the model's outputs");
    let unreadable = |error| Failure::new(format_args!("cannot read {shown}: {error}"), "check the path");
    let content = Content::of(file).map_err(unreadable)?;
    if !content.may_be_toml() {
        return Err(Failure::new(format_args!("{shown} is {}, not a list of names", content.what()), help));
    }
    if fs::metadata(file).map_err(unreadable)?.len() > LONGEST {
        return Err(Failure::new(format_args!("{shown} is too large for a list of names"), help));
    }
    let text = fs::read_to_string(file).map_err(unreadable)?;
    let names: Vec<String> =
        text.trim_start_matches('\u{feff}').trim_end().lines().map(|name| name.trim().to_owned()).collect();
    if let Some(empty) = names.iter().position(String::is_empty) {
        return Err(Failure::new(format_args!("{shown}, line {} is empty", empty + 1), help));
    }
    Ok(names)
}
