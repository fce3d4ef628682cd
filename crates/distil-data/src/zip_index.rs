//! The members of a zip file, found without reading them. Nothing is ever unpacked to disk.

use std::io::{Read, Seek};
use std::path::{Component, Path};

use zip::{CompressionMethod, ZipArchive, read::ZipFile};

use crate::{
    bounded::BAD_COPY,
    error::Error,
    source::{Member, Packing},
    tar_index::Item,
};

/// The name and place of every plain file, in the order of the archive's directory; `length` is the archive's size.
pub(crate) fn members(
    path: &Path,
    reader: &mut (impl Read + Seek),
    length: u64,
) -> Result<Vec<(String, Member)>, Error> {
    let items = items(path, reader, length)?.into_iter();
    let files = items.filter_map(|(name, item)| match item {
        Item::File(member) => Some((name, member)),
        Item::Folder | Item::Link => None,
    });
    Ok(files.collect())
}

/// The same with folders and links.
pub(crate) fn items(
    path: &Path,
    reader: &mut (impl Read + Seek),
    length: u64,
) -> Result<Vec<(String, Item)>, Error> {
    let unreadable = |error| damaged(path, &format!("is cut off or no zip file ({error})"));
    let mut archive = ZipArchive::new(reader).map_err(unreadable)?;
    let mut found = Vec::new();
    for index in 0..archive.len() {
        // Raw: the bytes as they are packed, of which only the place is asked.
        let file = archive.by_index_raw(index).map_err(unreadable)?;
        let name = name_of(path, &file)?;
        let item = match () {
            () if file.is_dir() => Item::Folder,
            () if file.is_symlink() => Item::Link,
            () => Item::File(member(path, &name, &file, length)?),
        };
        found.push((name, item));
    }
    Ok(found)
}

/// UTF-8, whatever the flags say, or the code page of DOS.
fn name_of<R: Read>(path: &Path, file: &ZipFile<'_, R>) -> Result<String, Error> {
    let decoded = || file.name().map(std::borrow::Cow::into_owned);
    let name = std::str::from_utf8(file.name_raw()).map_or_else(|_| decoded(), |name| Ok(name.to_owned()));
    let name = name.map_err(|_| damaged(path, "a name in it cannot be read"))?;
    if !Path::new(&name).components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(damaged(path, &format!("{name:?} in it points outside of it")));
    }
    Ok(name)
}

fn member<R: Read>(path: &Path, name: &str, file: &ZipFile<'_, R>, length: u64) -> Result<Member, Error> {
    let (packed, size, crc) = (file.compressed_size(), file.size(), file.crc32());
    let packing = match (file.encrypted(), file.compression()) {
        (false, CompressionMethod::Stored) if size == packed => Packing::Stored { crc },
        (false, CompressionMethod::DEFLATE) => Packing::Deflated { crc, size },
        (_, method) => {
            let problem = format!("{name:?} in it is encrypted or packed as {method}, not as DEFLATE");
            return Err(damaged(path, &problem));
        }
    };
    let place = file.data_start().filter(|start| start.checked_add(packed).is_some_and(|end| end <= length));
    let offset = place.ok_or_else(|| damaged(path, &format!("{name:?} in it does not fit into it")))?;
    Ok(Member { offset, length: packed, packing })
}

fn damaged(path: &Path, problem: &str) -> Error {
    Error::format(path, problem, BAD_COPY)
}
