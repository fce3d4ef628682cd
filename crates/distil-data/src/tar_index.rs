//! The members of a tar file, found without reading them.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::{
    bounded::{self, BAD_COPY},
    error::Error,
    source::{Member, Packing},
};

/// What lies under a name in an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    File(Member),
    Folder,
    Link,
}

/// The longest path that systems have.
const LONGEST_NAME: u64 = 4096;
/// The longest record of properties that is read; what is kept of files of macOS is far smaller.
const LONGEST_RECORD: u64 = 1 << 20;

/// Calls `found` with the name and place of every plain file, in the order of the archive. `reader` is the archive,
/// which begins `base` bytes into its file; `length` is its size.
pub(crate) fn each_member(
    path: &Path,
    reader: impl Read + Seek,
    bounds: [u64; 2],
    mut found: impl FnMut(&str, Member) -> Result<(), Error>,
) -> Result<(), Error> {
    each_item(path, reader, bounds, |name, item| match item {
        Item::File(member) => found(name, member),
        Item::Folder | Item::Link => Ok(()),
    })
}

/// The same for folders and links, too.
pub(crate) fn each_item(
    path: &Path,
    reader: impl Read + Seek,
    [base, length]: [u64; 2],
    mut found: impl FnMut(&str, Item) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut archive = tar::Archive::new(reader);
    let mut given = None;
    for entry in archive.entries_with_seek().map_err(|e| bounded::damaged(path, e))?.raw(true) {
        let mut entry = entry.map_err(|e| bounded::damaged(path, e))?;
        let (offset, size) = (entry.raw_file_position(), entry.size());
        if offset.checked_add(size).is_none_or(|end| end > length) {
            let problem = format!(
                "is cut off: a member needs {size} bytes from byte {offset}, the archive has {length}"
            );
            return Err(Error::format(path, problem, BAD_COPY));
        }
        let member = Member { offset: base + offset, length: size, packing: Packing::Plain };
        if let Some((name, item)) = item(path, &mut entry, &mut given, member)? {
            found(&name, item)?;
        }
    }
    Ok(())
}

/// The same for an archive that is unpacked on the fly, with the content of each file. At most `most` bytes are unpacked.
pub(crate) fn each_streamed(
    path: &Path,
    reader: impl Read,
    most: u64,
    mut found: impl FnMut(&str, Item, &mut dyn Read) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut archive = tar::Archive::new(reader.take(most));
    let mut given = None;
    for entry in archive.entries().map_err(|e| bounded::damaged(path, e))?.raw(true) {
        let mut entry = entry.map_err(|e| bounded::damaged(path, e))?;
        let member =
            Member { offset: entry.raw_file_position(), length: entry.size(), packing: Packing::Plain };
        if let Some((name, item)) = item(path, &mut entry, &mut given, member)? {
            found(&name, item, &mut entry)?;
        }
    }
    finish(path, archive)
}

/// The names of the first `count` entries.
pub(crate) fn first_names(path: &Path, reader: impl Read, count: usize) -> Result<Vec<String>, Error> {
    let mut archive = tar::Archive::new(reader);
    let entries = archive.entries().map_err(|e| bounded::damaged(path, e))?.raw(true).take(count);
    let name = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let entry = entry.map_err(|e| bounded::damaged(path, e))?;
        Ok(String::from_utf8_lossy(&entry.path_bytes()).into_owned())
    };
    entries.map(name).collect()
}

/// The checksum of a gzip stream is only checked when its end is reached.
fn finish(path: &Path, archive: tar::Archive<impl Read>) -> Result<(), Error> {
    let end = std::io::copy(&mut archive.into_inner(), &mut std::io::sink());
    end.map(drop).map_err(|e| bounded::damaged(path, e))
}

/// An entry's name and what it is; `None` for one that describes another. `given` is the name that such a one gave to the
/// next.
///
/// Entries are taken raw, because the names and properties before them may claim any length.
fn item(
    path: &Path,
    entry: &mut tar::Entry<'_, impl Read>,
    given: &mut Option<Vec<u8>>,
    member: Member,
) -> Result<Option<(String, Item)>, Error> {
    let kind = entry.header().entry_type();
    if kind.is_gnu_longname() || kind.is_pax_local_extensions() {
        let most = if kind.is_gnu_longname() { LONGEST_NAME } else { LONGEST_RECORD };
        if member.length > most {
            let problem =
                format!("describes a member in {} bytes, and {most} are read at most", member.length);
            return Err(Error::format(path, problem, BAD_COPY));
        }
        let bytes = bounded::read_exactly(path, entry, member.length as usize)?;
        let name = if kind.is_gnu_longname() { Some(until_nul(bytes)) } else { pax_name(&bytes) };
        *given = name.or(given.take());
        return Ok(None);
    }
    let item = match () {
        () if kind.is_file() => Item::File(member),
        () if kind.is_dir() => Item::Folder,
        () if kind.is_symlink() || kind.is_hard_link() => Item::Link,
        () => return Ok(None),
    };
    let name = given.take().unwrap_or_else(|| entry.path_bytes().into_owned());
    let name = String::from_utf8(name);
    let name = name.map_err(|_| Error::format(path, "a member's name is not UTF-8", BAD_COPY))?;
    // Programs older than POSIX mark a folder by its name only.
    let item = if name.ends_with('/') && item != Item::Link { Item::Folder } else { item };
    Ok(Some((name, item)))
}

fn until_nul(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    bytes.truncate(end);
    bytes
}

/// The path among records `LENGTH KEY=VALUE` of POSIX.
fn pax_name(records: &[u8]) -> Option<Vec<u8>> {
    let records = tar::PaxExtensions::new(records).flatten();
    let paths = records.filter(|record| record.key_bytes() == b"path");
    paths.last().map(|record| record.value_bytes().to_vec())
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
    finish(path, archive)?;
    Ok(files)
}
