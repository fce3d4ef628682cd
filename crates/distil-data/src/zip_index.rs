//! The members of a zip file, found without reading them. Nothing is ever unpacked to disk.

use std::io::{Read, Seek};
use std::path::{Component, Path};

use zip::{CompressionMethod, ZipArchive, read::ZipFile};

use crate::{
    bounded::BAD_COPY,
    error::Error,
    source::{Member, Packing},
};

/// The name and place of every plain file, in the order of the archive's directory; `length` is the archive's size.
pub(crate) fn members(
    path: &Path,
    reader: &mut (impl Read + Seek),
    length: u64,
) -> Result<Vec<(String, Member)>, Error> {
    let unreadable = |error| damaged(path, &format!("is cut off or no zip file ({error})"));
    let mut archive = ZipArchive::new(reader).map_err(unreadable)?;
    let mut found = Vec::new();
    for index in 0..archive.len() {
        // Raw: the bytes as they are packed, of which only the place is asked.
        let file = archive.by_index_raw(index).map_err(unreadable)?;
        if !file.is_dir() && !file.is_symlink() {
            found.push(member(path, &file, length)?);
        }
    }
    Ok(found)
}

fn member<R: Read>(path: &Path, file: &ZipFile<'_, R>, length: u64) -> Result<(String, Member), Error> {
    let name =
        std::str::from_utf8(file.name_raw()).map_err(|_| damaged(path, "a name in it is not UTF-8"))?;
    if !Path::new(name).components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(damaged(path, &format!("{name:?} in it points outside of it")));
    }
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
    Ok((name.to_owned(), Member { offset, length: packed, packing }))
}

fn damaged(path: &Path, problem: &str) -> Error {
    Error::format(path, problem, BAD_COPY)
}
