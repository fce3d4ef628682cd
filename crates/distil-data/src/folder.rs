//! Folders of images by class.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::{
    error::{Error, is_unprintable},
    image_list::ImageList,
    source::ImageFile,
};

const READ: [&str; 3] = ["png", "jpg", "jpeg"];
const NOT_READ: [&str; 6] = ["gif", "bmp", "webp", "tif", "tiff", "avif"];
/// Folders that are no classes, whoever unpacked the archive.
const OF_THE_SYSTEM: [&str; 5] =
    ["__MACOSX", "@eaDir", "lost+found", "$RECYCLE.BIN", "System Volume Information"];
const LAYOUT: &str = "arrange it as CLASS/IMAGE, or as train/CLASS/IMAGE and val/CLASS/IMAGE (or test/)";

/// What a folder or archive holds, by class.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) class_names: Vec<String>,
    pub(crate) train: ImageList,
    pub(crate) validation: Option<ImageList>,
    /// `None` in a flat folder: the caller splits `train`.
    pub(crate) test: Option<ImageList>,
}

/// Lists a folder. Classes are the subfolders, sorted by name, or those named by `classes` in that order.
///
/// With `train/` next to `val/` and `test/`, `val/` is for validation; with only one of them, that one is the test part.
pub(crate) fn list(root: &Path, classes: Option<&[String]>) -> Result<Found, Error> {
    let train_root = root.join("train");
    let flat = !train_root.is_dir();
    let train_root = if flat { root.to_owned() } else { train_root };
    let class_names = match classes {
        Some(names) => distinct(names)?,
        None => class_folders(&train_root)?,
    };
    if let [only] = &class_names[..] {
        let problem = format!("holds one class ({only}), and a classifier needs two");
        return Err(Error::format(&train_root, problem, LAYOUT));
    }
    let files = |part: &Path| files(root, part, &class_names, classes.is_none());
    let train = files(&train_root)?;
    let part = |names: &[&str]| {
        let found = names.iter().map(|name| root.join(name)).find(|path| !flat && path.is_dir());
        found.map(|path| files(&path)).transpose()
    };
    let (validation, test) = (part(&["val", "validation"])?, part(&["test"])?);
    let (validation, test) = if test.is_some() { (validation, test) } else { (None, validation) };
    Ok(Found { class_names, train, validation, test })
}

pub(crate) fn distinct(names: &[String]) -> Result<Vec<String>, Error> {
    let mut seen = BTreeSet::new();
    for name in names {
        let plain = Path::new(name).file_name() == Some(OsStr::new(name));
        if !plain || !seen.insert(name) {
            let problem =
                format!("{name:?} is listed twice or is not a folder's name; list every class once");
            return Err(Error::config("classes", problem));
        }
    }
    match names.len() {
        0 | 1 => {
            let problem = format!("lists {} classes, and a classifier needs two; name more", names.len());
            Err(Error::config("classes", problem))
        }
        _ => Ok(names.to_vec()),
    }
}

fn class_folders(root: &Path) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for path in entries(root)? {
        if !path.is_dir() || is_ignored(&path) {
            continue;
        }
        let name = path.file_name().and_then(OsStr::to_str);
        let name = name.ok_or_else(|| Error::format(&path, "the folder's name is not UTF-8", "rename it"))?;
        if name.chars().any(is_unprintable) {
            let problem = "the folder's name has control characters";
            return Err(Error::format(&path, problem, "rename it"));
        }
        names.push(name.to_owned());
    }
    if names.is_empty() {
        return Err(Error::format(root, "holds no class folders", LAYOUT));
    }
    Ok(names)
}

/// The images of every class below `root`. With `complete`, a folder of another class is an error.
fn files(root: &Path, part: &Path, class_names: &[String], complete: bool) -> Result<ImageList, Error> {
    if complete {
        let known: BTreeSet<&String> = class_names.iter().collect();
        let unknown = class_folders(part)?.into_iter().find(|name| !known.contains(name));
        if let Some(name) = unknown {
            let path = part.join(name);
            return Err(Error::format(
                &path,
                "this class has no folder in train/",
                "add one, or remove this folder",
            ));
        }
    }
    let mut found = ImageList::new(root);
    for (label, name) in class_names.iter().enumerate() {
        found.extend(label, class_files(&part.join(name))?);
    }
    Ok(found)
}

/// The images of a class folder, by name.
pub(crate) fn class_files(folder: &Path) -> Result<Vec<ImageFile>, Error> {
    if !folder.is_dir() {
        let remedy = "add the folder, remove the class from every part, or correct data.classes";
        return Err(Error::format(folder, "the folder of this class is missing", remedy));
    }
    let found = image_files(folder)?;
    if found.is_empty() {
        let remedy = "put images of the class in it, or remove the class from every part";
        return Err(Error::format(folder, "holds no PNG or JPEG image", remedy));
    }
    Ok(found)
}

/// The images directly in a folder, by name.
pub(crate) fn image_files(folder: &Path) -> Result<Vec<ImageFile>, Error> {
    let mut found = Vec::new();
    for path in entries(folder)? {
        if is_ignored(&path) || !is_image(&path)? {
            continue;
        }
        if path.is_file() {
            found.push(ImageFile::on_disk(path));
        } else if !path.is_dir() {
            return Err(Error::format(&path, "is not a file that can be read (a broken link?)", "remove it"));
        }
    }
    Ok(found)
}

/// Whether a name is that of a PNG or JPEG file; images of other formats are an error, not overlooked.
pub(crate) fn is_image(path: &Path) -> Result<bool, Error> {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
    if NOT_READ.contains(&extension.as_str()) {
        return Err(Error::format(path, "images of this kind are not read", "convert it to PNG or JPEG"));
    }
    Ok(READ.contains(&extension.as_str()))
}

/// Entries in the order of their names, which no file system promises.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut paths = Vec::new();
    for entry in folder.read_dir().map_err(Error::io(folder, "list"))? {
        paths.push(entry.map_err(Error::io(folder, "list"))?.path());
    }
    paths.sort();
    Ok(paths)
}

/// Files and folders that systems leave behind: hidden ones (`.DS_Store`, `._a.png`) and [`OF_THE_SYSTEM`].
pub(crate) fn is_ignored(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b".") || OF_THE_SYSTEM.iter().any(|known| name == *known)
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

    fn names(list: &ImageList) -> Vec<String> {
        (0..list.len()).map(|row| list.name(row).rsplit('/').next().unwrap().to_owned()).collect()
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
            let folder = tree(&[
                "train/a/1.png",
                "train/b/1.png",
                &format!("{part}/a/2.png"),
                &format!("{part}/b/3.png"),
            ]);
            let listing = list(folder.path(), None).unwrap();
            assert!(listing.validation.is_none());
            assert_eq!(names(&listing.test.unwrap()), ["2.png", "3.png"]);
        }
        let parts =
            ["train/a/1.png", "train/b/1.png", "val/a/2.png", "val/b/2.png", "test/a/3.png", "test/b/3.png"];
        let folder = tree(&parts);
        let listing = list(folder.path(), None).unwrap();
        assert_eq!(names(&listing.validation.unwrap()), ["2.png"; 2]);
        assert_eq!(names(&listing.test.unwrap()), ["3.png"; 2]);
    }

    #[test]
    fn a_list_of_classes_gives_the_labels_and_leaves_the_others_out() {
        let folder = tree(&["train/a/1.png", "train/b/1.png", "train/c/1.png", "val/a/2.png", "val/c/2.png"]);
        let classes = ["c".to_owned(), "a".to_owned()];
        let listing = list(folder.path(), Some(&classes)).unwrap();
        assert_eq!(listing.class_names, classes);
        assert_eq!(
            (listing.train.name(0), &listing.train.labels[..]),
            ("train/c/1.png".to_owned(), &[0, 1][..])
        );
        for bad in [&["a", "a"][..], &["../a", "b"], &["a"], &[]] {
            let bad: Vec<String> = bad.iter().map(|&name| name.to_owned()).collect();
            let error = list(folder.path(), Some(&bad)).unwrap_err().to_string();
            assert!(error.starts_with("data.classes"), "{bad:?}: {error}");
        }
    }

    #[test]
    fn problems_name_the_folder() {
        for (paths, word) in [
            (vec!["train/a/1.png", "train/b/x.txt", "val/a/1.png"], "train/b"),
            (vec!["train/a/1.png", "train/b/1.png", "val/a/1.png", "val/z/1.png"], "val/z"),
            (vec!["train/a/1.png", "train/b/1.png", "val/a/1.png"], "val/b"),
            (vec!["a/1.png", "a/2.webp", "b/1.png"], "2.webp"),
            (vec!["1.png"], "no class folders"),
            (vec!["a/1.png"], "one class (a)"),
            (vec!["a/1.png", "__MACOSX/1.png", ".b/1.png"], "one class (a)"),
        ] {
            let folder = tree(&paths);
            let error = list(folder.path(), None).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn names_with_control_characters_are_refused_and_shown_escaped() {
        for name in ["a\u{1b}[31m", "b\nc", "x\u{202e}gnp"] {
            let folder = tree(&["a/1.png", &format!("{name}/1.png")]);
            let error = list(folder.path(), None).unwrap_err().to_string();
            assert!(error.contains("control characters") && !error.chars().any(is_unprintable), "{error:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_broken_link_is_not_overlooked() {
        let folder = tree(&["a/1.png", "b/1.png"]);
        std::os::unix::fs::symlink("/nowhere", folder.path().join("b/2.png")).unwrap();
        let error = list(folder.path(), None).unwrap_err().to_string();
        assert!(error.contains("2.png") && error.contains("broken link"), "{error}");
    }
}
