//! The members of a tar file, found without reading them.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::{
    bounded::{self, BAD_COPY},
    error::Error,
    source::{Member, Packing},
};

/// Calls `found` with the name and place of every plain file, in the order of the archive. `reader` is the archive,
/// which begins `base` bytes into its file; `length` is its size.
///
/// Members are listed raw: long-name and pax records, which may claim any length, are members of other kinds and
/// skipped; the files of the published archives have short names.
pub(crate) fn each_member(
    path: &Path,
    reader: impl Read + Seek,
    [base, length]: [u64; 2],
    mut found: impl FnMut(&str, Member) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut archive = tar::Archive::new(reader);
    let entries = archive.entries_with_seek().map_err(|e| bounded::damaged(path, e))?.raw(true);
    for entry in entries {
        let entry = entry.map_err(|e| bounded::damaged(path, e))?;
        let (offset, size) = (entry.raw_file_position(), entry.size());
        if offset.checked_add(size).is_none_or(|end| end > length) {
            let problem = format!(
                "is cut off: a member needs {size} bytes from byte {offset}, the archive has {length}"
            );
            return Err(Error::format(path, problem, BAD_COPY));
        }
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let bytes = entry.path_bytes();
        let Ok(name) = std::str::from_utf8(&bytes) else {
            return Err(Error::format(path, "a member's name is not UTF-8", BAD_COPY));
        };
        found(name, Member { offset: base + offset, length: size, packing: Packing::Plain })?;
    }
    Ok(())
}

/// The size of an archive in bytes.
pub(crate) fn length(path: &Path, reader: &mut impl Seek) -> Result<u64, Error> {
    let length = reader.seek(SeekFrom::End(0)).map_err(Error::io(path, "read"))?;
    reader.seek(SeekFrom::Start(0)).map_err(Error::io(path, "read"))?;
    Ok(length)
}

/// Reads the members that `wanted` keeps from a tar stream (a tar.gz that is unpacked on the fly), each at most
/// `most` bytes, all of them and what lies between at most `most_unpacked`.
pub(crate) fn read_members(
    path: &Path,
    reader: impl Read,
    [most, most_unpacked]: [u64; 2],
    wanted: impl Fn(&str) -> Option<&'static str>,
) -> Result<Vec<(&'static str, Vec<u8>)>, Error> {
    let mut archive = tar::Archive::new(reader.take(most_unpacked));
    let mut files = Vec::new();
    for entry in archive.entries().map_err(|e| bounded::damaged(path, e))?.raw(true) {
        let mut entry = entry.map_err(|e| bounded::damaged(path, e))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let Some(name) = wanted(name.rsplit('/').next().unwrap_or_default()) else { continue };
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let (member, length) = (path.join(name), entry.size());
        if length > most {
            let problem = format!("has {length} bytes, far more than the published file");
            return Err(Error::format(&member, problem, BAD_COPY));
        }
        files.push((name, bounded::read_exactly(&member, &mut entry, length as usize)?));
    }
    // The checksum of a gzip stream is only checked when its end is reached.
    std::io::copy(&mut archive.into_inner(), &mut std::io::sink()).map_err(|e| bounded::damaged(path, e))?;
    Ok(files)
}
