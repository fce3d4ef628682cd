//! Folders of images by class.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::{
    error::{Error, is_unprintable},
    image_list::ImageList,
    parts,
    skip::Skip,
    source::ImageFile,
    tree::Tree,
    walk::{self, Survey, is_ignored},
};

const LAYOUT: &str = "arrange it as CLASS/IMAGE, or as train/CLASS/IMAGE and val/CLASS/IMAGE (or test/)";
const NO_PICTURE: &str = "holds no PNG or JPEG image, nor another picture that is read";
const FILL: &str = "put images of the class in it, or remove the class from every part";

/// What a folder or archive holds, by class.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) class_names: Vec<String>,
    pub(crate) train: ImageList,
    pub(crate) validation: Option<ImageList>,
    /// `None` in a flat folder: the caller splits `train`.
    pub(crate) test: Option<ImageList>,
    /// What else is there.
    pub(crate) survey: Survey,
}

/// Images of the training, validation and test part, by class.
pub(crate) type ByRole = [Vec<Vec<ImageFile>>; 3];

impl Found {
    /// What was found by role. One part beside the training part, whatever it is called, is the test part.
    pub(crate) fn of_roles(root: &Path, class_names: Vec<String>, by_role: ByRole, survey: Survey) -> Self {
        let [train, validation, test] = by_role.map(|by_class| list_of(root, by_class));
        let [validation, test] = [validation, test].map(|part| Some(part).filter(|part| !part.is_empty()));
        let (validation, test) = if test.is_some() { (validation, test) } else { (None, validation) };
        Self { class_names, train, validation, test, survey }
    }

    /// A class without a training image.
    pub(crate) fn untrained_class(&self) -> Option<&str> {
        let counts = self.train.class_counts(self.class_names.len());
        counts.iter().position(|&images| images == 0).map(|label| &*self.class_names[label])
    }
}

/// Lists a folder, or an archive of one. Classes are the subfolders, sorted by name, or those named by `classes` in that order.
///
/// With a validation and a test part beside `train/`, validation is for validation; with only one of them, that one is
/// the test part. Pictures in folders of a class belong to it, as in torchvision.
pub(crate) fn list(root: &Path, classes: Option<&[String]>, skip: &Skip) -> Result<Found, Error> {
    let listed = classes.map(distinct).transpose()?;
    let tree = &Tree::open(root)?;
    let folders = parts::find(tree, root, classes)?;
    let train_root = folders.as_ref().map_or(root, |parts| &parts.train);
    let mut survey = Survey::default();
    let class_names = match listed {
        Some(names) => names,
        None => class_folders(tree, train_root)?,
    };
    if let [only] = &class_names[..] {
        let problem = format!("holds one class ({only}), and a classifier needs two");
        let remedy =
            "arrange it as CLASS/IMAGE, or give the path of that folder if the class folders are in it";
        return Err(Error::format(train_root, problem, remedy));
    }
    let (validation, test) =
        folders.as_ref().map_or((None, None), |parts| (parts.validation.as_ref(), parts.test.as_ref()));
    let roots: Vec<&Path> = [Some(train_root), validation.map(PathBuf::as_path), test.map(PathBuf::as_path)]
        .into_iter()
        .flatten()
        .collect();
    check_folders(tree, root, &roots, &class_names, classes)?;
    note_loose(tree, root, &mut survey)?;
    let mut lists = Vec::new();
    for part in &roots {
        if *part != root {
            note_loose(tree, part, &mut survey)?;
        }
        lists.push(part_classes(tree, part, &class_names, &mut survey)?);
    }
    survey.judge(root, skip)?;
    refuse_empty(root, &roots, &class_names, &lists)?;
    let mut lists = lists.into_iter().map(|by_class| list_of(root, by_class));
    let train = lists.next().expect("there is a training part");
    // One part beside train/, whatever it is called, is the test part.
    let (second, third) = (lists.next(), lists.next());
    let (validation, test) = if third.is_some() { (second, third) } else { (None, second) };
    Ok(Found { class_names, train, validation, test, survey })
}

fn note_loose(tree: &Tree, folder: &Path, survey: &mut Survey) -> Result<(), Error> {
    let files = tree.entries(folder)?.into_iter().filter(|path| !is_ignored(path) && !tree.is_dir(path));
    files.into_iter().try_for_each(|path| survey.note_loose(tree, path))
}

fn part_classes(
    tree: &Tree,
    part: &Path,
    class_names: &[String],
    survey: &mut Survey,
) -> Result<Vec<Vec<ImageFile>>, Error> {
    class_names.iter().map(|name| walk::pictures(tree, &part.join(name), survey)).collect()
}

fn list_of(root: &Path, by_class: Vec<Vec<ImageFile>>) -> ImageList {
    let mut list = ImageList::new(root);
    for (label, files) in by_class.into_iter().enumerate() {
        list.extend(label, files);
    }
    list
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

fn class_folders(tree: &Tree, root: &Path) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for path in tree.folders_in(root)? {
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

/// Every part has a folder for every class; and none for others, where classes are not a list that leaves some out.
fn check_folders(
    tree: &Tree,
    root: &Path,
    parts: &[&Path],
    class_names: &[String],
    listed: Option<&[String]>,
) -> Result<(), Error> {
    let known: BTreeSet<&String> = class_names.iter().collect();
    let (mut unknown, mut missing) = (Vec::new(), Vec::new());
    for part in parts {
        if listed.is_none() {
            let others = class_folders(tree, part)?.into_iter().filter(|name| !known.contains(name));
            unknown.extend(others.map(|name| part.join(name)));
        }
        missing.extend(class_names.iter().map(|name| part.join(name)).filter(|path| !tree.is_dir(path)));
    }
    let missing_remedy = match listed {
        None => "add the folder, or remove the class from every part",
        Some(_) => "add the folder, or correct data.classes",
    };
    for (paths, problem, remedy) in [
        (
            &unknown,
            "classes without a folder in train/",
            "add one (names count letter by letter), or remove these folders",
        ),
        (&missing, "folders of classes that are missing", missing_remedy),
    ] {
        if !paths.is_empty() {
            let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
            return Err(Error::format(root, format!("{problem}: {}", walk::named(root, &paths)), remedy));
        }
    }
    Ok(())
}

/// Refuses classes without a picture, all of them at once.
fn refuse_empty(
    root: &Path,
    parts: &[&Path],
    class_names: &[String],
    lists: &[Vec<Vec<ImageFile>>],
) -> Result<(), Error> {
    let mut empty = Vec::new();
    for (part, by_class) in parts.iter().zip(lists) {
        let of_part = class_names.iter().zip(by_class).filter(|(_, files)| files.is_empty());
        empty.extend(of_part.map(|(name, _)| part.join(name)));
    }
    let paths: Vec<&Path> = empty.iter().map(PathBuf::as_path).collect();
    match paths[..] {
        [] => Ok(()),
        [one] => Err(Error::format(one, NO_PICTURE, FILL)),
        _ => {
            let problem = format!("class folders without a picture: {}", walk::named(root, &paths));
            Err(Error::format(root, problem, FILL))
        }
    }
}

/// The images of a class folder, which must have some.
pub(crate) fn class_files(folder: &Path, survey: &mut Survey) -> Result<Vec<ImageFile>, Error> {
    some(folder, walk::pictures(&Tree::Disk, existing(folder)?, survey)?)
}

/// The images directly in a folder, which must have some.
pub(crate) fn flat_files(folder: &Path, survey: &mut Survey) -> Result<Vec<ImageFile>, Error> {
    some(folder, walk::pictures_in(existing(folder)?, survey)?)
}

fn existing(folder: &Path) -> Result<&Path, Error> {
    if folder.is_dir() {
        return Ok(folder);
    }
    let remedy = "restore it from a whole copy of the set";
    Err(Error::format(folder, "the folder of this class is missing", remedy))
}

fn some(folder: &Path, found: Vec<ImageFile>) -> Result<Vec<ImageFile>, Error> {
    if found.is_empty() {
        return Err(Error::format(folder, NO_PICTURE, FILL));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walk::tests::tree;

    fn list_all(root: &Path) -> Result<Found, Error> {
        list(root, None, &Skip::default())
    }

    fn names(list: &ImageList) -> Vec<String> {
        (0..list.len()).map(|row| list.name(row).rsplit('/').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_flat_folder_has_sorted_classes_and_files() {
        let folder =
            tree(&["dog/2.png", "dog/1.JPEG", "cat/b.jpg", "cat/notes.txt", "cat/.hidden.png", ".git/x.png"]);
        let listing = list_all(folder.path()).unwrap();
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
            let listing = list_all(folder.path()).unwrap();
            assert!(listing.validation.is_none());
            assert_eq!(names(&listing.test.unwrap()), ["2.png", "3.png"]);
        }
        let parts =
            ["train/a/1.png", "train/b/1.png", "val/a/2.png", "val/b/2.png", "test/a/3.png", "test/b/3.png"];
        let folder = tree(&parts);
        let listing = list_all(folder.path()).unwrap();
        assert_eq!(names(&listing.validation.unwrap()), ["2.png"; 2]);
        assert_eq!(names(&listing.test.unwrap()), ["3.png"; 2]);
    }

    #[test]
    fn a_list_of_classes_gives_the_labels_and_leaves_the_others_out() {
        let folder = tree(&["train/a/1.png", "train/b/1.png", "train/c/1.png", "val/a/2.png", "val/c/2.png"]);
        let classes = ["c".to_owned(), "a".to_owned()];
        let listing = list(folder.path(), Some(&classes), &Skip::default()).unwrap();
        assert_eq!(listing.class_names, classes);
        assert_eq!(
            (listing.train.name(0), &listing.train.labels[..]),
            ("train/c/1.png".to_owned(), &[0, 1][..])
        );
        for bad in [&["a", "a"][..], &["../a", "b"], &["a"], &[]] {
            let bad: Vec<String> = bad.iter().map(|&name| name.to_owned()).collect();
            let error = list(folder.path(), Some(&bad), &Skip::default()).unwrap_err().to_string();
            assert!(error.starts_with("data.classes"), "{bad:?}: {error}");
        }
    }

    #[test]
    fn problems_name_the_folder() {
        for (paths, word) in [
            (vec!["train/a/1.png", "train/b/x.txt", "val/a/1.png", "val/b/1.png"], "train/b"),
            (vec!["train/a/1.png", "train/b/1.png", "val/a/1.png", "val/z/1.png"], "val/z"),
            (vec!["train/a/1.png", "train/b/1.png", "val/a/1.png"], "val/b"),
            (vec!["a/1.png", "a/2.heic", "b/1.png", "b/2.avif"], "2 files (a/2.heic, b/2.avif)"),
            (vec!["1.png"], "no class folders"),
            (vec!["a/1.png"], "one class (a)"),
            (vec!["a/1.png", "__MACOSX/1.png", ".b/1.png"], "one class (a)"),
        ] {
            let folder = tree(&paths);
            let error = list_all(folder.path()).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn names_with_control_characters_are_refused_and_shown_escaped() {
        for name in ["a\u{1b}[31m", "b\nc", "x\u{202e}gnp"] {
            let folder = tree(&["a/1.png", &format!("{name}/1.png")]);
            let error = list_all(folder.path()).unwrap_err().to_string();
            assert!(error.contains("control characters") && !error.chars().any(is_unprintable), "{error:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_broken_link_is_not_overlooked() {
        let folder = tree(&["a/1.png", "b/1.png"]);
        std::os::unix::fs::symlink("/nowhere", folder.path().join("b/2.png")).unwrap();
        let error = list_all(folder.path()).unwrap_err().to_string();
        assert!(error.contains("2.png") && error.contains("broken link"), "{error}");
    }
}
