//! The pictures below a folder, and everything else that lies there: nothing is dropped in silence.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::{
    error::{Error, shown},
    kind::Kind,
    skip::Skip,
    source::ImageFile,
    tree::Tree,
};

/// Files and folders that are no part of a set, whoever unpacked the archive.
const OF_THE_SYSTEM: [&str; 9] = [
    "__MACOSX",
    "@eaDir",
    "lost+found",
    "$RECYCLE.BIN",
    "System Volume Information",
    "Thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "__pycache__",
];
/// Names that a message lists; how many more there are is said.
const NAMED: usize = 12;

/// What a walk came across besides the pictures it lists.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Survey {
    /// Pictures of kinds that are not read.
    pub(crate) unread: Vec<PathBuf>,
    /// Pictures that lie beside the class folders.
    pub(crate) loose: Vec<PathBuf>,
    /// Links that lead nowhere, and what is neither file nor folder.
    pub(crate) broken: Vec<PathBuf>,
    /// Files that are not pictures.
    pub(crate) other: Vec<PathBuf>,
}

impl Survey {
    /// Refuses what would be missing from the set, all files of a kind at once; says what is left out otherwise.
    pub(crate) fn judge(&self, root: &Path, skip: &Skip) -> Result<(), Error> {
        for (paths, problem, remedy) in [
            (
                &self.broken,
                "cannot be read (broken links?)",
                "remove them, or leave them out: data.skip = [\"CLASS/FILE\"] (`distil init`: --skip CLASS/FILE)",
            ),
            (
                &self.unread,
                "of a kind of picture that is not read",
                "convert them to PNG or JPEG, or leave them out: data.skip = [\"CLASS/FILE\"] (`distil init`: --skip CLASS/FILE)",
            ),
            (
                &self.loose,
                "without a class, beside the folders of the classes",
                "move each into the folder of its class, or leave them out: data.skip = [\"FILE\"] (`distil init`: --skip FILE)",
            ),
        ] {
            let left: Vec<&Path> =
                paths.iter().map(PathBuf::as_path).filter(|path| !skip.takes(path)).collect();
            if !left.is_empty() {
                return Err(Error::format(root, format!("{} {problem}", counted(root, &left)), remedy));
            }
        }
        if !self.other.is_empty() {
            let files: Vec<&Path> = self.other.iter().map(PathBuf::as_path).collect();
            warn_once(&format!("{}: left out as no picture: {}", shown(root), counted(root, &files)));
        }
        Ok(())
    }

    /// Files that `data.skip` may name although they are not among the pictures.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        let kinds = [&self.unread, &self.loose, &self.broken, &self.other];
        kinds.into_iter().flatten().map(PathBuf::as_path)
    }

    /// Puts a file that lies beside class folders where it belongs.
    pub(crate) fn note_loose(&mut self, tree: &Tree, path: PathBuf) -> Result<(), Error> {
        if !tree.is_file(&path) || tree.kind(&path)? == Kind::Other {
            return Ok(());
        }
        self.loose.push(path);
        Ok(())
    }

    /// The pictures among the files of one folder.
    fn sort(&mut self, tree: &Tree, files: Vec<PathBuf>) -> Result<Vec<ImageFile>, Error> {
        let mut found = Vec::new();
        for path in files {
            if !tree.is_file(&path) {
                self.broken.push(path);
                continue;
            }
            match tree.kind(&path)? {
                Kind::Read => found.push(tree.image(path)),
                Kind::Unread => self.unread.push(path),
                Kind::Other => self.other.push(path),
            }
        }
        Ok(found)
    }
}

/// "3 files (a/1.ico, a/2.ico, b/1.ico)", named as `data.skip` takes them.
pub(crate) fn counted(root: &Path, paths: &[&Path]) -> String {
    let files = if paths.len() == 1 { "file" } else { "files" };
    format!("{} {files} ({})", paths.len(), named(root, paths))
}

/// A set is listed whenever its size is asked for; what is said of it is said once.
pub(crate) fn warn_once(text: &str) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if SAID.lock().unwrap_or_else(PoisonError::into_inner).insert(text.to_owned()) {
        tracing::warn!("{text}");
    }
}

/// The first names, and how many more there are.
pub(crate) fn named(root: &Path, paths: &[&Path]) -> String {
    let below = |path: &&Path| shown(path.strip_prefix(root).unwrap_or(path)).replace('\\', "/");
    let mut names: Vec<String> = paths.iter().take(NAMED).map(below).collect();
    if paths.len() > NAMED {
        names.push(format!("and {} more", paths.len() - NAMED));
    }
    names.join(", ")
}

/// The pictures in a folder and the folders in it, in torchvision's order: those of a folder by name, folders by path.
pub(crate) fn pictures(tree: &Tree, folder: &Path, survey: &mut Survey) -> Result<Vec<ImageFile>, Error> {
    let mut folders = Vec::new();
    gather(tree, folder, &mut Vec::new(), &mut folders)?;
    folders.sort_by(|(a, _), (b, _)| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    let mut found = Vec::new();
    for (_, files) in folders {
        found.extend(survey.sort(tree, files)?);
    }
    Ok(found)
}

/// The pictures directly in a folder, by name.
pub(crate) fn pictures_in(folder: &Path, survey: &mut Survey) -> Result<Vec<ImageFile>, Error> {
    let files = entries(folder)?.into_iter().filter(|path| !is_ignored(path) && !path.is_dir()).collect();
    survey.sort(&Tree::Disk, files)
}

/// Whether there is a picture of any kind below a folder.
pub(crate) fn holds_picture(tree: &Tree, folder: &Path) -> Result<bool, Error> {
    let mut survey = Survey::default();
    Ok(!pictures(tree, folder, &mut survey)?.is_empty() || !survey.unread.is_empty())
}

/// Folders and the files in each. `above` are the real paths of the folders that led here: links are followed, as
/// torchvision follows them, but not in circles.
fn gather(
    tree: &Tree,
    folder: &Path,
    above: &mut Vec<PathBuf>,
    folders: &mut Vec<(PathBuf, Vec<PathBuf>)>,
) -> Result<(), Error> {
    let real = tree.real(folder)?;
    if above.contains(&real) {
        return Err(Error::format(folder, "is a link to a folder that it lies in", "remove the link"));
    }
    above.push(real);
    let mut files = Vec::new();
    for path in tree.entries(folder)?.into_iter().filter(|path| !is_ignored(path)) {
        if tree.is_dir(&path) {
            gather(tree, &path, above, folders)?;
        } else {
            files.push(path);
        }
    }
    above.pop();
    folders.push((folder.to_owned(), files));
    Ok(())
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
    name.as_encoded_bytes().starts_with(b".")
        || OF_THE_SYSTEM.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// The picture files below a folder, as the readers of sets find them: hidden files are skipped, content decides what
/// a picture is, and a picture of a kind that is not read is refused.
///
/// # Errors
/// [`Error::Format`] names what is refused; [`Error::Io`].
pub fn picture_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut survey = Survey::default();
    let found = pictures(&Tree::Disk, folder, &mut survey)?;
    survey.judge(folder, &Skip::default())?;
    Ok(found.into_iter().map(|file| file.path).collect())
}

/// As [`picture_files`], with the pictures of kinds that are not read, for whoever says of each file why it has no result.
///
/// # Errors
/// [`Error::Io`].
pub fn all_picture_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut survey = Survey::default();
    let found = pictures(&Tree::Disk, folder, &mut survey)?;
    let others = survey.unread.into_iter().chain(survey.broken);
    Ok(found.into_iter().map(|file| file.path).chain(others).collect())
}

#[cfg(test)]
pub(crate) mod tests;
