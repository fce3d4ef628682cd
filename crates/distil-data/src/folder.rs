//! Folders of images by class.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::error::Error;

const READ: [&str; 3] = ["png", "jpg", "jpeg"];
const NOT_READ: [&str; 6] = ["gif", "bmp", "webp", "tif", "tiff", "avif"];
const LAYOUT: &str = "arrange it as CLASS/IMAGE, or as train/CLASS/IMAGE and val/CLASS/IMAGE (or test/)";

/// The files of one part with their labels, by class and then by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Files {
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) labels: Vec<u32>,
}

impl Files {
    pub(crate) fn subset(&self, rows: &[usize]) -> Self {
        let paths = rows.iter().map(|&row| self.paths[row].clone()).collect();
        Self { paths, labels: rows.iter().map(|&row| self.labels[row]).collect() }
    }
}

/// What a folder holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) class_names: Vec<String>,
    pub(crate) train: Files,
    pub(crate) validation: Option<Files>,
    /// `None` in a flat folder: the caller splits `train`.
    pub(crate) test: Option<Files>,
}

/// Lists a folder. Classes are the subfolders, sorted by name, or those named by `classes` in that order.
///
/// With `train/` beside `val/` and `test/`, `val/` is for validation; with only one of them, that one is the test part.
pub(crate) fn list(root: &Path, classes: Option<&[String]>) -> Result<Listing, Error> {
    let train_root = root.join("train");
    let flat = !train_root.is_dir();
    let train_root = if flat { root.to_owned() } else { train_root };
    let class_names = match classes {
        Some(names) => distinct(names)?,
        None => class_folders(&train_root)?,
    };
    let train = files(&train_root, &class_names, classes.is_none())?;
    let part = |names: &[&str]| {
        let found = names.iter().map(|name| root.join(name)).find(|path| !flat && path.is_dir());
        found.map(|path| files(&path, &class_names, classes.is_none())).transpose()
    };
    let (validation, test) = (part(&["val", "validation"])?, part(&["test"])?);
    let (validation, test) = if test.is_some() { (validation, test) } else { (None, validation) };
    Ok(Listing { class_names, train, validation, test })
}

fn distinct(names: &[String]) -> Result<Vec<String>, Error> {
    let mut seen = BTreeSet::new();
    for name in names {
        let plain = Path::new(name).file_name() == Some(OsStr::new(name));
        if !plain || !seen.insert(name) {
            let problem = format!("{name:?} is listed twice or is no folder's name; list every class once");
            return Err(Error::config("classes", problem));
        }
    }
    match names.len() {
        0 => Err(Error::config("classes", "the list is empty; name the classes or remove the key")),
        _ => Ok(names.to_vec()),
    }
}

fn class_folders(root: &Path) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for path in entries(root)? {
        if !path.is_dir() || hidden(&path) {
            continue;
        }
        let name = path.file_name().and_then(OsStr::to_str);
        let name = name.ok_or_else(|| Error::format(&path, "the folder's name is not UTF-8", "rename it"))?;
        names.push(name.to_owned());
    }
    if names.is_empty() {
        return Err(Error::format(root, "holds no class folders", LAYOUT));
    }
    Ok(names)
}

/// The images of every class below `root`. With `complete`, a folder of another class is an error.
fn files(root: &Path, class_names: &[String], complete: bool) -> Result<Files, Error> {
    if complete {
        let unknown = class_folders(root)?.into_iter().find(|name| !class_names.contains(name));
        if let Some(name) = unknown {
            let path = root.join(name);
            return Err(Error::format(
                &path,
                "this class has no folder in train/",
                "add one, or remove this folder",
            ));
        }
    }
    let mut found = Files::default();
    for (label, name) in class_names.iter().enumerate() {
        let paths = class_files(&root.join(name))?;
        found.labels.extend(std::iter::repeat_n(label as u32, paths.len()));
        found.paths.extend(paths);
    }
    Ok(found)
}

fn class_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    if !folder.is_dir() {
        let remedy = "add the folder, remove the class from every part, or correct data.classes";
        return Err(Error::format(folder, "the folder of this class is missing", remedy));
    }
    let mut paths = Vec::new();
    for path in entries(folder)? {
        let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
        if hidden(&path) || !path.is_file() {
            continue;
        }
        if NOT_READ.contains(&extension.as_str()) {
            return Err(Error::format(
                &path,
                "images of this kind are not read",
                "convert it to PNG or JPEG",
            ));
        }
        if READ.contains(&extension.as_str()) {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        let remedy = "put images of the class in it, or remove the class from every part";
        return Err(Error::format(folder, "holds no PNG or JPEG image", remedy));
    }
    Ok(paths)
}

/// Entries in the order of their names, which no file system promises.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut paths = Vec::new();
    for entry in folder.read_dir().map_err(Error::io(folder, "list"))? {
        paths.push(entry.map_err(Error::io(folder, "list"))?.path());
    }
    paths.sort();
    Ok(paths)
}

/// Files of the system (`.DS_Store`, `._a.png`).
fn hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(paths: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for path in paths {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        folder
    }

    fn names(files: &Files) -> Vec<String> {
        let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        files.paths.iter().map(name).collect()
    }

    #[test]
    fn a_flat_folder_has_sorted_classes_and_files() {
        let folder =
            tree(&["dog/2.png", "dog/1.JPEG", "cat/b.jpg", "cat/notes.txt", "cat/.hidden.png", ".git/x.png"]);
        let listing = list(folder.path(), None).unwrap();
        assert_eq!(listing.class_names, ["cat", "dog"]);
        assert_eq!(
            (names(&listing.train), &listing.train.labels[..]),
            (vec!["b.jpg".into(), "1.JPEG".into(), "2.png".into()], &[0, 1, 1][..])
        );
        assert!(listing.validation.is_none() && listing.test.is_none());
    }

    #[test]
    fn one_part_beside_train_is_the_test_part() {
        for part in ["val", "test", "validation"] {
            let folder = tree(&["train/a/1.png", &format!("{part}/a/2.png")]);
            let listing = list(folder.path(), None).unwrap();
            assert!(listing.validation.is_none());
            assert_eq!(names(&listing.test.unwrap()), ["2.png"]);
        }
        let folder = tree(&["train/a/1.png", "val/a/2.png", "test/a/3.png"]);
        let listing = list(folder.path(), None).unwrap();
        assert_eq!(names(&listing.validation.unwrap()), ["2.png"]);
        assert_eq!(names(&listing.test.unwrap()), ["3.png"]);
    }

    #[test]
    fn a_list_of_classes_gives_the_labels_and_leaves_the_others_out() {
        let folder = tree(&["train/a/1.png", "train/b/1.png", "train/c/1.png", "val/a/2.png", "val/c/2.png"]);
        let classes = ["c".to_owned(), "a".to_owned()];
        let listing = list(folder.path(), Some(&classes)).unwrap();
        assert_eq!(listing.class_names, classes);
        assert!(listing.train.paths[0].ends_with("train/c/1.png"));
        for bad in [vec!["a".to_owned(), "a".to_owned()], vec!["../a".to_owned()], vec![]] {
            assert!(list(folder.path(), Some(&bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn problems_name_the_folder() {
        for (paths, word) in [
            (vec!["train/a/1.png", "train/b/x.txt", "val/a/1.png"], "train/b"),
            (vec!["train/a/1.png", "val/a/1.png", "val/z/1.png"], "val/z"),
            (vec!["train/a/1.png", "train/b/1.png", "val/a/1.png"], "val/b"),
            (vec!["a/1.png", "a/2.webp"], "2.webp"),
            (vec!["1.png"], "no class folders"),
        ] {
            let folder = tree(&paths);
            let error = list(folder.path(), None).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
