//! Files that appear whole or not at all.

use std::io::{BufWriter, Write};
use std::path::Path;

use crate::error::Error;

/// Writes a file through a temporary one in the same folder, which is created if need be.
pub(crate) fn write(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(), Error> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(Error::io(folder, "create"))?;
    let file = tempfile::NamedTempFile::new_in(folder).map_err(Error::io(folder, "write in"))?;
    let mut writer = BufWriter::new(file);
    content(&mut writer).map_err(Error::io(path, "write"))?;
    let file = writer.into_inner().map_err(|error| Error::io(path, "write")(error.into_error()))?;
    file.as_file().sync_all().map_err(Error::io(path, "write"))?;
    file.persist(path).map_err(|error| Error::io(path, "write")(error.error))?;
    sync_folder(folder)
}

/// Makes a rename in `folder` survive a power cut. Only Unix can open folders.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), Error> {
    if cfg!(unix) {
        let handle = std::fs::File::open(folder).map_err(Error::io(folder, "open"))?;
        handle.sync_all().map_err(Error::io(folder, "write"))?;
    }
    Ok(())
}
