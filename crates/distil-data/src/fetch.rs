//! Verified, resumable downloads of the published sets.

use std::path::{Path, PathBuf};
use std::time::Duration;

use distil_files::sha256_of_file;

use crate::{
    datasets::{DatasetName, Origin, Published},
    download::{Download, download},
    error::Error,
    locate::{candidates, data_dirs},
    progress::{Progress, Stage, report},
};

/// How to fetch.
///
/// ```no_run
/// use distil_data::{DatasetName, Fetch, Progress};
/// use std::path::Path;
/// let mirror = Fetch { base_url: Some("http://mirror.example/cifar".to_owned()), ..Fetch::default() };
/// let place = mirror.run(DatasetName::Cifar10, Path::new("data"), Progress::none())?;
/// # Ok::<(), distil_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// Folder on a server that holds the files under their published names; `None` is the official place.
    pub base_url: Option<String>,
    /// Connections tried for each file before giving up, at least 1. Each continues where the last one broke off.
    pub attempts: u32,
    /// How long a server may stay silent.
    pub patience: Duration,
}

impl Default for Fetch {
    fn default() -> Self {
        Self { base_url: None, attempts: 5, patience: Duration::from_mins(1) }
    }
}

/// Fetches a published set into `dest` from its official place: [`Fetch::run`] with the defaults.
///
/// # Errors
/// As [`Fetch::run`].
pub fn fetch(name: DatasetName, dest: &Path, progress: Progress<'_>) -> Result<PathBuf, Error> {
    Fetch::default().run(name, dest, progress)
}

impl Fetch {
    /// Where the verified set lies: an intact copy in `dest`, `DISTIL_DATA_DIR` or `data`, or else `dest` after the
    /// missing files were downloaded to it (`.part` files continue, SHA-256 is checked, then the file gets its name).
    ///
    /// # Errors
    /// [`Error::Config`] for a set that cannot be downloaded, [`Error::Download`], [`Error::Checksum`] (a damaged
    /// download is removed; a damaged file that was there before is not), [`Error::Io`], [`Error::Stopped`].
    pub fn run(&self, name: DatasetName, dest: &Path, progress: Progress<'_>) -> Result<PathBuf, Error> {
        let published = match &name.spec().origin {
            Origin::Published(_, published) => published,
            Origin::Generated => return Err(not_downloaded(name, "it is generated")),
            Origin::Own(own) => return Err(not_downloaded(name, &format!("data.path names {}", own.what))),
            Origin::ByHand(_, how) => return Err(not_downloaded(name, how)),
        };
        for dir in data_dirs(Some(dest)) {
            for place in candidates(name, &dir) {
                if intact(published, &place, progress)? {
                    return Ok(place);
                }
            }
        }
        let folder = dest.join(published.folder);
        let how = Download { attempts: self.attempts, patience: self.patience };
        let mut place = folder.clone();
        for file in published.files(self.base_url.as_deref()) {
            let path = download(&file, &folder, how, progress)?;
            if !published.members.is_empty() {
                place = path;
            }
        }
        Ok(place)
    }
}

fn not_downloaded(name: DatasetName, why: &str) -> Error {
    Error::config("name", format!("{name} is not downloaded: {why}"))
}

/// Whether a folder or archive holds exactly the published files.
fn intact(published: &Published, place: &Path, progress: Progress<'_>) -> Result<bool, Error> {
    let files = published.files(None);
    // Another version of the set, in which other bytes are right.
    if !place.is_dir() && files.iter().all(|file| !place.ends_with(&file.name)) {
        return Ok(false);
    }
    let expected: Vec<(PathBuf, String)> = if place.is_dir() && !published.members.is_empty() {
        published.members.iter().map(|(name, sum)| (place.join(name), (*sum).to_owned())).collect()
    } else if place.is_dir() {
        files.into_iter().map(|file| (place.join(file.name), file.sha256)).collect()
    } else {
        files.into_iter().map(|file| (place.to_owned(), file.sha256)).collect()
    };
    let total = expected.len();
    for (done, (path, sum)) in expected.into_iter().enumerate() {
        report(progress, Stage::Verify, &path.to_string_lossy(), done, total)?;
        if !path.is_file() {
            return Ok(false);
        }
        if sha256_of_file(&path).map_err(Error::io(&path, "read"))? != sum {
            tracing::warn!(path = %path.display(), "is not the published file; looking elsewhere");
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_without_a_download_say_so() {
        for name in DatasetName::all().filter(|name| !name.is_downloaded()) {
            let error = fetch(name, Path::new("x"), Progress::none()).unwrap_err();
            assert!(error.to_string().contains("not downloaded"), "{error}");
        }
    }
}
