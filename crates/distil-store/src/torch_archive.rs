//! Archives that `torch.save` wrote, made readable for `pytorch-reader` whatever their object is.
//!
//! burn-store's reader of such files, `pytorch-reader`, interprets the pickle without running anything from it, but wants
//! a dictionary at the root. So the archive is copied with five opcodes around its pickle that put its object into one.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use distil_files::{Content, WriteError, atomic};
use pytorch_reader::MAX_PICKLE_SIZE;
use tempfile::NamedTempFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::error::StoreError;

/// Under which key the object is put.
pub(crate) const ROOT: &str = "buffer";
const REMEDY: &str = "download the file again, or save it again with torch.save";

/// Whether the copy of an archive holds the parameters, or only their description.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Storages {
    Copied,
    LeftOut,
}

/// Copies the archive at `path` into `scratch`, its object under [`ROOT`] in a dictionary. The copy is removed when
/// dropped.
///
/// # Errors
/// [`StoreError::Import`] when it is not such an archive; [`StoreError::File`], [`StoreError::File`].
pub(crate) fn rooted(path: &Path, scratch: &Path, storages: Storages) -> Result<NamedTempFile, StoreError> {
    let source = open_archive(path)?;
    atomic::create_folder(scratch)?;
    copy_archive(path, source, scratch, storages)
}

fn open_archive(path: &Path) -> Result<ZipArchive<BufReader<File>>, StoreError> {
    let read = |source| StoreError::read(path, source);
    let content = Content::of(path).map_err(read)?;
    if content != Content::Torch {
        let wanted = if content == Content::LegacyTorch { "" } else { ", not a torch.save file" };
        let what = format!("it is {}{wanted}", content.what());
        return Err(refused(path, what, content.remedy().unwrap_or(REMEDY)));
    }
    let file = BufReader::new(File::open(path).map_err(read)?);
    ZipArchive::new(file).map_err(|error| damaged(path, error))
}

/// Copies the archive into `scratch` with its object put into a dictionary.
fn copy_archive(
    path: &Path,
    mut source: ZipArchive<BufReader<File>>,
    scratch: &Path,
    storages: Storages,
) -> Result<NamedTempFile, StoreError> {
    let copy = atomic::reserve(scratch).map_err(|source| WriteError::new(&scratch.join("import"), source))?;
    let failed = |error: zip::result::ZipError| match error {
        zip::result::ZipError::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => {
            WriteError::new(copy.path(), error).into()
        }
        error => damaged(path, error),
    };
    let mut target = ZipWriter::new(BufWriter::new(copy.as_file()));
    for index in 0..source.len() {
        let entry = source.by_index_raw(index).map_err(failed)?;
        let name = entry.name().map_err(failed)?.into_owned();
        if name == "data.pkl" || name.ends_with("/data.pkl") {
            drop(entry);
            let pickle = wrapped_pickle(path, &mut source, index)?;
            let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
            target.start_file(name, stored).map_err(failed)?;
            target.write_all(&pickle).map_err(|error| failed(error.into()))?;
        } else if storages == Storages::Copied || !name.contains("/data/") {
            target.raw_copy_file(entry).map_err(failed)?;
        }
    }
    target.finish().and_then(|mut out| Ok(out.flush()?)).map_err(failed)?;
    Ok(copy)
}

/// The pickle at `index` with opcodes around it that put its object into a dictionary under [`ROOT`].
fn wrapped_pickle(
    path: &Path,
    source: &mut ZipArchive<BufReader<File>>,
    index: usize,
) -> Result<Vec<u8>, StoreError> {
    let entry = source.by_index(index).map_err(|error| damaged(path, error))?;
    // EMPTY_DICT, then the key as BINUNICODE.
    let mut pickle = vec![b'}', b'X'];
    pickle.extend((ROOT.len() as u32).to_le_bytes());
    pickle.extend(ROOT.as_bytes());
    let start = pickle.len();
    entry.take(MAX_PICKLE_SIZE + 1).read_to_end(&mut pickle).map_err(|error| damaged(path, error))?;
    if (pickle.len() - start) as u64 > MAX_PICKLE_SIZE || pickle.pop() != Some(b'.') {
        return Err(damaged(path, "its pickle is cut off or too large"));
    }
    // SETITEM, STOP.
    pickle.extend(b"s.");
    Ok(pickle)
}

pub(crate) fn damaged(path: &Path, error: impl std::fmt::Display) -> StoreError {
    refused(path, format!("it is damaged or not a torch.save file ({error})"), REMEDY)
}

pub(crate) fn refused(path: &Path, what: String, remedy: &'static str) -> StoreError {
    StoreError::Import { path: path.to_path_buf(), what, remedy }
}
