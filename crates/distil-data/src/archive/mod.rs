//! Archives of pictures in class folders, as the folders that they would be if they were unpacked.

mod form;
mod listing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

pub(crate) use form::{Form, form};
pub(crate) use listing::first_names;
#[cfg(any(test, fuzzing))]
pub(crate) use listing::{placed, streamed};

use crate::{
    error::{Error, shown},
    kind::Kind,
    source::ImageFile,
    walk,
};

/// Folders and files by their paths, which begin with the archive's. A folder that holds all the others is left out.
pub(crate) struct Archive {
    folders: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    files: BTreeMap<PathBuf, Member>,
}

/// A file of an archive; of what is not a picture, only the kind is known.
pub(crate) struct Member {
    pub(crate) kind: Kind,
    pub(crate) image: Option<ImageFile>,
}

/// What an archive lists under a name.
pub(crate) enum Entry {
    File(Member),
    Folder,
    /// A link, which is not followed: it could lead out of the archive.
    Link,
}

/// An archive's entries by their names below it, in the order of the archive.
pub(crate) type Entries = Vec<(PathBuf, Entry)>;

impl Archive {
    pub(crate) fn open(path: &Path, form: Form) -> Result<Self, Error> {
        Ok(Self::new(path, listing::list(path, form)?))
    }

    fn new(path: &Path, entries: Entries) -> Self {
        let stem = common_folder(entries.iter().map(|(name, _)| name.as_path()));
        let mut archive = Self { folders: BTreeMap::new(), files: BTreeMap::new() };
        archive.folders.insert(path.to_owned(), BTreeSet::new());
        for (name, entry) in entries {
            let below = stem.as_deref().map_or(Ok(&*name), |stem| name.strip_prefix(stem));
            // What lies beside the folder that holds everything is of the system (`__MACOSX`).
            let Ok(below) = below else { continue };
            if below.as_os_str().is_empty() {
                continue;
            }
            archive.insert(path, &path.join(below), entry);
        }
        archive
    }

    fn insert(&mut self, root: &Path, path: &Path, entry: Entry) {
        for (folder, inner) in path.ancestors().skip(1).zip(path.ancestors()) {
            self.folders.entry(folder.to_owned()).or_default().insert(inner.to_owned());
            if folder == root {
                break;
            }
        }
        match entry {
            Entry::Folder => drop(self.folders.entry(path.to_owned()).or_default()),
            // Of two files of one name the last counts, as it does where an archive is unpacked.
            Entry::File(mut member) => {
                if let Some(image) = &mut member.image {
                    path.clone_into(&mut image.path);
                }
                self.files.insert(path.to_owned(), member);
            }
            Entry::Link => {}
        }
    }

    pub(crate) fn entries(&self, folder: &Path) -> Vec<PathBuf> {
        self.folders.get(folder).into_iter().flatten().cloned().collect()
    }

    pub(crate) fn is_dir(&self, path: &Path) -> bool {
        self.folders.contains_key(path)
    }

    pub(crate) fn file(&self, path: &Path) -> Option<&Member> {
        self.files.get(path)
    }
}

/// The folder that everything lies in, where people packed a folder and not what is in it.
fn common_folder<'a>(names: impl Iterator<Item = &'a Path> + Clone) -> Option<PathBuf> {
    let first = |name: &'a Path| name.components().next().map(|part| PathBuf::from(part.as_os_str()));
    let mut kept = names.filter(|name| first(name).is_some_and(|part| !walk::is_ignored(&part)));
    let common = first(kept.clone().next()?)?;
    // A class folder is not such a folder: below it there are pictures, not folders.
    let holds_folders = kept.clone().any(|name| name.components().count() > 2);
    (holds_folders && kept.all(|name| name.starts_with(&common))).then_some(common)
}

/// A member's name as a path below the archive; an error for a name that leads out of it.
fn below(archive: &Path, name: &str) -> Result<PathBuf, Error> {
    // Some programs for Windows write `\`, which the format does not allow.
    let name = if name.contains('/') { name.to_owned() } else { name.replace('\\', "/") };
    let mut path = PathBuf::new();
    for part in Path::new(&name).components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            _ => {
                let problem = format!("{:?} in it points outside of it", shown(Path::new(&name)));
                return Err(Error::format(archive, problem, "pack it again, with names below one folder"));
            }
        }
    }
    Ok(path)
}
