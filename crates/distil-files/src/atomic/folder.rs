//! Folders that survive a power cut.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::{WriteError, folder_of, named_partial};

/// Makes `folder` and the folders above it that are missing; what is put into them later is not lost with them.
///
/// # Errors
/// [`WriteError`] names the folder and the remedy; [`WriteError::FileInTheWay`] where a file has its name.
pub fn create_folder(folder: impl AsRef<Path>) -> Result<(), WriteError> {
    let folder = folder.as_ref();
    make(folder).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            WriteError::FileInTheWay { path: folder.to_path_buf() }
        }
        _ => WriteError::new(folder, source),
    })
}

fn make(folder: &Path) -> io::Result<()> {
    let missing = folder.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists());
    let missing: Vec<&Path> = missing.collect();
    fs::create_dir_all(folder)?;
    missing.into_iter().rev().try_for_each(|made| sync_folder(folder_of(made)))
}

/// Whether there is a folder with something in it, which [`write_folder`] does not replace.
pub fn is_filled(folder: &Path) -> bool {
    folder.read_dir().is_ok_and(|mut entries| entries.next().is_some())
}

/// Fills a folder and gives it its name when all that is in it has reached the disk. An empty folder of that name is
/// replaced; a folder that holds something is refused by the operating system.
///
/// # Errors
/// What `fill` returns, or [`WriteError`]; nothing half-filled is left behind.
pub fn write_folder<E: From<WriteError>>(
    folder: impl AsRef<Path>,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let folder = folder.as_ref();
    let parent = folder_of(folder);
    let refused = |source| WriteError::new(folder, source);
    create_folder(parent)?;
    let scratch = named_partial().tempdir_in(parent).map_err(refused)?;
    // A sweep removes only what it can lock.
    let held = File::open(scratch.path()).map_err(refused)?;
    let _ = held.try_lock();
    // One level down, because temporary folders are private.
    let made = scratch.path().join("made");
    fs::create_dir(&made).map_err(refused)?;
    fill(&made)?;
    sync_all(&made).map_err(refused)?;
    fs::rename(&made, folder).and_then(|()| sync_folder(parent)).map_err(refused)?;
    Ok(())
}

/// Brings a folder and all that is in it to the disk.
fn sync_all(folder: &Path) -> io::Result<()> {
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if path.is_dir() { sync_all(&path)? } else { File::open(&path)?.sync_all()? }
    }
    sync_folder(folder)
}

/// Makes a rename or removal in `folder` survive a power cut.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    // Windows has no handle to a folder that could be synced; renames are journalled there.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
