//! The parts of a folder of images: which of its folders are for training, validation and test.

use std::path::{Path, PathBuf};

use crate::{
    error::{Error, shown},
    tree::Tree,
    walk,
};

/// What a part is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Train,
    Validation,
    Test,
}

const NAMES: [(&str, Role); 13] = [
    ("train", Role::Train),
    ("training", Role::Train),
    ("trn", Role::Train),
    ("val", Role::Validation),
    ("valid", Role::Validation),
    ("validation", Role::Validation),
    ("dev", Role::Validation),
    ("development", Role::Validation),
    ("test", Role::Test),
    ("testing", Role::Test),
    ("tst", Role::Test),
    ("eval", Role::Test),
    ("evaluation", Role::Test),
];

/// Folders of the parts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PartFolders {
    pub(crate) train: PathBuf,
    pub(crate) validation: Option<PathBuf>,
    pub(crate) test: Option<PathBuf>,
}

/// Finds the parts by the usual names; `None` in a folder whose folders are classes.
///
/// A split that its owner made is used or refused, never taken for classes. `classes` that are folders of `root` say
/// that it has none, whatever they are called: trains are also a class.
pub(crate) fn find(
    tree: &Tree,
    root: &Path,
    classes: Option<&[String]>,
) -> Result<Option<PartFolders>, Error> {
    if classes
        .is_some_and(|names| !names.is_empty() && names.iter().all(|name| tree.is_dir(&root.join(name))))
    {
        return Ok(None);
    }
    let (parts, others): (Vec<_>, Vec<_>) = tree
        .folders_in(root)?
        .into_iter()
        .map(|path| (role_of(&path), path))
        .partition(|(role, _)| role.is_some());
    if parts.is_empty() {
        return Ok(None);
    }
    let train = one(root, &parts, Role::Train)?;
    let validation = one(root, &parts, Role::Validation)?;
    let test = one(root, &parts, Role::Test)?;
    let Some(train) = train else {
        let paths: Vec<&Path> = parts.iter().map(|(_, path)| path.as_path()).collect();
        let problem = format!("has a part ({}), but no folder train/", walk::named(root, &paths));
        let remedy = "put the class folders of the training images into train/, or list the classes in data.classes \
                      if these are classes";
        return Err(Error::format(root, problem, remedy));
    };
    refuse_others(tree, root, &train, others.into_iter().map(|(_, path)| path))?;
    Ok(Some(PartFolders { train, validation, test }))
}

pub(crate) fn role_of(folder: &Path) -> Option<Role> {
    role(folder.file_name()?.to_str()?)
}

/// `Train`, `training_set`, `val-data`, `test images`: how people and archives write the names.
pub(crate) fn role(name: &str) -> Option<Role> {
    let name = name.to_lowercase();
    let stem = ["set", "data", "images"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    let stem = stem.trim_end_matches(['_', '-', ' ', '.']);
    NAMES.iter().find(|(known, _)| *known == stem).map(|&(_, role)| role)
}

fn one(root: &Path, parts: &[(Option<Role>, PathBuf)], wanted: Role) -> Result<Option<PathBuf>, Error> {
    let found: Vec<&Path> =
        parts.iter().filter(|(role, _)| *role == Some(wanted)).map(|(_, path)| path.as_path()).collect();
    if found.len() > 1 {
        let problem = format!("has several folders for one part: {}", walk::named(root, &found));
        return Err(Error::format(root, problem, "keep one of them, or put their images together"));
    }
    Ok(found.first().map(|path| (*path).to_owned()))
}

/// A folder of pictures beside train/ whose part is not known would be left out of everything.
fn refuse_others(
    tree: &Tree,
    root: &Path,
    train: &Path,
    others: impl Iterator<Item = PathBuf>,
) -> Result<(), Error> {
    let mut unknown = Vec::new();
    for path in others {
        if walk::holds_picture(tree, &path)? {
            unknown.push(path);
        }
    }
    if unknown.is_empty() {
        return Ok(());
    }
    let paths: Vec<&Path> = unknown.iter().map(PathBuf::as_path).collect();
    let train = shown(train.strip_prefix(root).unwrap_or(train));
    let problem =
        format!("has pictures beside {train}/ in folders of no known part: {}", walk::named(root, &paths));
    let remedy = "call the part train, val or test, or move the folder away (if all are classes, list them in \
                  data.classes)";
    Err(Error::format(root, problem, remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(folders: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for folder in folders {
            std::fs::create_dir_all(root.path().join(folder).join("a")).unwrap();
            std::fs::write(root.path().join(folder).join("a/1.png"), "").unwrap();
        }
        root
    }

    fn found(folders: &[&str]) -> Result<Option<[Option<String>; 3]>, String> {
        let root = tree(folders);
        let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        let parts = find(&Tree::Disk, root.path(), None).map_err(|error| error.to_string())?;
        Ok(parts.map(|parts| [Some(parts.train), parts.validation, parts.test].map(|path| path.map(name))))
    }

    #[test]
    fn the_usual_names_of_parts_are_known_in_any_case() {
        for train in ["train", "Training", "TRAIN", "train_set", "training-data"] {
            for validation in ["valid", "Val", "VALIDATION", "dev", "val_images", "validation_set"] {
                for test in ["test", "Testing", "EVAL", "testset", "Test Images"] {
                    let names = [train, validation, test].map(|name| Some(name.to_owned()));
                    assert_eq!(found(&[train, validation, test]), Ok(Some(names)));
                }
            }
        }
        assert_eq!(found(&["cat", "dog", "dataset", "set", "trainer"]), Ok(None));
    }

    #[test]
    fn what_is_no_part_is_named() {
        for (folders, words) in [
            (&["train", "test", "holdout"][..], &["holdout", "beside train/", "data.classes"][..]),
            (&["Train", "more", "extra"], &["extra, more", "Train/"]),
            (&["train", "val", "valid"], &["val, valid", "keep one"]),
            (&["Train", "training", "test"], &["Train, training"]),
            (&["val", "test"], &["test, val", "no folder train/"]),
            (&["cat", "dog", "test"], &["test", "no folder train/"]),
        ] {
            let error = found(folders).unwrap_err();
            assert!(words.iter().all(|word| error.contains(word)), "{folders:?}: {error}");
        }
    }

    #[test]
    fn a_folder_beside_train_that_holds_no_picture_is_no_part() {
        let root = tree(&["train", "test"]);
        std::fs::create_dir(root.path().join("annotations")).unwrap();
        std::fs::write(root.path().join("annotations/1.xml"), "<x/>").unwrap();
        assert!(find(&Tree::Disk, root.path(), None).unwrap().is_some());
    }

    #[test]
    fn listed_classes_may_be_called_like_parts() {
        let root = tree(&["train", "plane", "test"]);
        let listed = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            find(&Tree::Disk, root.path(), Some(&names))
        };
        assert_eq!(listed(&["train", "plane"]).unwrap(), None);
        assert!(listed(&["a", "b"]).is_err(), "classes of the parts leave plane/ unknown");
    }
}
