//! Where the folders and files of a set are: on disk, or in an archive that is read in place. What makes a set of them is
//! the same.

use std::path::{Path, PathBuf};

use crate::{
    archive::{self, Archive},
    error::Error,
    kind::{self, Kind},
    source::ImageFile,
    walk,
};

pub(crate) enum Tree {
    Disk,
    Archive(Archive),
}

impl Tree {
    /// The tree that `root` is: a folder, or an archive.
    pub(crate) fn open(root: &Path) -> Result<Self, Error> {
        if !root.is_file() {
            return Ok(Self::Disk);
        }
        if let Some(form) = archive::form(root)? {
            return Ok(Self::Archive(Archive::open(root, form)?));
        }
        let remedy = "give the folder that holds the class folders, or a zip, tar or tar.gz of it";
        Err(Error::format(root, "is a file, and neither a folder nor an archive that is read", remedy))
    }

    /// Entries in the order of their names, which no file system promises.
    pub(crate) fn entries(&self, folder: &Path) -> Result<Vec<PathBuf>, Error> {
        match self {
            Self::Disk => walk::entries(folder),
            Self::Archive(archive) => Ok(archive.entries(folder)),
        }
    }

    /// The folders in a folder, by name, but for those that systems leave behind.
    pub(crate) fn folders_in(&self, folder: &Path) -> Result<Vec<PathBuf>, Error> {
        let folders = self.entries(folder)?.into_iter();
        Ok(folders.filter(|path| self.is_dir(path) && !walk::is_ignored(path)).collect())
    }

    pub(crate) fn is_dir(&self, path: &Path) -> bool {
        match self {
            Self::Disk => path.is_dir(),
            Self::Archive(archive) => archive.is_dir(path),
        }
    }

    pub(crate) fn is_file(&self, path: &Path) -> bool {
        match self {
            Self::Disk => path.is_file(),
            Self::Archive(archive) => archive.file(path).is_some(),
        }
    }

    /// What the file at `path` is.
    pub(crate) fn kind(&self, path: &Path) -> Result<Kind, Error> {
        match self {
            Self::Disk => kind::of_file(path),
            Self::Archive(archive) => Ok(archive.file(path).map_or(Kind::Other, |file| file.kind)),
        }
    }

    pub(crate) fn image(&self, path: PathBuf) -> ImageFile {
        let member = match self {
            Self::Disk => None,
            Self::Archive(archive) => archive.file(&path).and_then(|file| file.image.clone()),
        };
        member.unwrap_or_else(|| ImageFile::on_disk(path))
    }

    /// The folder itself, whatever links led to it.
    pub(crate) fn real(&self, folder: &Path) -> Result<PathBuf, Error> {
        match self {
            Self::Disk => folder.canonicalize().map_err(Error::io(folder, "open")),
            Self::Archive(_) => Ok(folder.to_owned()),
        }
    }
}
