//! The Parquet files of a set and the parts they belong to, by their names.
//!
//! Hugging Face keeps `data/train-00000-of-00002.parquet`, `CONFIG/train-00000-of-00002.parquet` or, in the files that it
//! converts itself, `CONFIG/train/0000.parquet`; people have `train.parquet` and `test.parquet`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::{
    bounded,
    error::Error,
    parts::{self, Role},
    tree::Tree,
    walk,
};

/// How Parquet files begin and end.
const MAGIC: &[u8] = b"PAR1";
const ONE_OF_THEM: &str = "give the path of one of them";

/// Whether a file is a Parquet file, or is called so.
pub(crate) fn is_parquet(path: &Path) -> Result<bool, Error> {
    Ok(has_ending(path) || bounded::head(path, MAGIC.len() as u64)? == MAGIC)
}

fn has_ending(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("parquet"))
}

/// Whether a file is one of several that together are a part: `train-00000-of-00002.parquet`.
pub(crate) fn is_shard(path: &Path) -> bool {
    let stem = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
    let of = stem.split_once("-of-").and_then(|(_, rest)| rest.split(['-', '.']).next()?.parse::<u32>().ok());
    of.is_some_and(|shards| shards > 1)
}

/// The one folder that holds a set's Parquet files: `root` itself, or a folder in it; `None` if there is none.
pub(crate) fn folder_of(root: &Path) -> Result<Option<PathBuf>, Error> {
    let mut found = Vec::new();
    for folder in std::iter::once(root.to_owned()).chain(Tree::Disk.folders_in(root)?) {
        if !files_of(&folder)?.is_empty() {
            found.push(folder);
        }
    }
    match &found[..] {
        [] => Ok(None),
        [one] => Ok(Some(one.clone())),
        _ => {
            let paths: Vec<&Path> = found.iter().map(PathBuf::as_path).collect();
            let problem = format!("holds several sets of Parquet files: {}", walk::named(root, &paths));
            Err(Error::format(root, problem, ONE_OF_THEM))
        }
    }
}

/// The files of each part, by name: training, validation, test. Files without a part are all for training.
pub(crate) fn find(path: &Path) -> Result<[Vec<PathBuf>; 3], Error> {
    let mut parts = [const { Vec::new() }; 3];
    if path.is_file() {
        parts[0].push(path.to_owned());
        return Ok(parts);
    }
    let none = || Error::format(path, "holds no Parquet file", "give the folder that they are in");
    let folder = folder_of(path)?.ok_or_else(none)?;
    let mut unknown = Vec::new();
    for file in files_of(&folder)? {
        match role_of(&file, &folder) {
            Some(role) => parts[role as usize].push(file),
            None => unknown.push(file),
        }
    }
    if parts.iter().all(Vec::is_empty) {
        parts[0] = unknown;
        return Ok(parts);
    }
    if !unknown.is_empty() {
        let paths: Vec<&Path> = unknown.iter().map(PathBuf::as_path).collect();
        let problem = format!("has Parquet files of no known part: {}", walk::named(path, &paths));
        return Err(Error::format(path, problem, "call them train, val or test, or move them away"));
    }
    if parts[0].is_empty() {
        return Err(Error::format(path, "has no training part", "add train.parquet"));
    }
    Ok(parts)
}

/// Parquet files in a folder, or in its folders where those are parts.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let is_parquet = |path: &PathBuf| has_ending(path) && !walk::is_ignored(path) && path.is_file();
    let mut files: Vec<PathBuf> = walk::entries(folder)?.into_iter().filter(is_parquet).collect();
    for inner in Tree::Disk.folders_in(folder)? {
        if parts::role_of(&inner).is_some() {
            files.extend(walk::entries(&inner)?.into_iter().filter(is_parquet));
        }
    }
    Ok(files)
}

/// By the file's name up to its number, or by its folder's.
fn role_of(file: &Path, folder: &Path) -> Option<Role> {
    let stem = file.file_stem().and_then(OsStr::to_str)?;
    let name = stem.split(['-', '.']).next().unwrap_or(stem);
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    let above = file.parent().filter(|above| *above != folder);
    parts::role(name).or_else(|| parts::role_of(above?))
}

#[cfg(test)]
mod tests;
