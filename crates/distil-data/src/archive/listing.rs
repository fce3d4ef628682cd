//! The entries of archives of each form.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;
use std::sync::Arc;

use super::{Entries, Entry, Form, Member, below};
use crate::{
    bounded,
    error::Error,
    kind::{self, Kind},
    source::{self, ImageFile},
    tar_index::{self, Item},
    walk, zip_index,
};

/// The most encoded pictures of a tar.gz that are held in memory, in bytes.
const MOST_HELD: u64 = 2 << 30;
/// The most that is unpacked of a tar.gz on the way to them.
const MOST_UNPACKED: u64 = 32 << 30;
const REPACK: &str = "unpack it and give the folder, or pack it as zip or tar, which are read in place";

pub(super) fn list(path: &Path, form: Form) -> Result<Entries, Error> {
    if form == Form::TarGz {
        return streamed(path, bounded::open(path)?.reader, MOST_HELD);
    }
    placed(path, form, File::open(path).map_err(Error::io(path, "open"))?)
}

/// The entries of an archive that any place of can be read.
pub(crate) fn placed(path: &Path, form: Form, mut reader: impl Read + Seek) -> Result<Entries, Error> {
    let length = tar_index::length(path, &mut reader)?;
    let items = if form == Form::Zip {
        zip_index::items(path, &mut reader, length)?
    } else {
        let mut items = Vec::new();
        tar_index::each_item(path, &mut reader, [0, length], |name, item| {
            items.push((name.to_owned(), item));
            Ok(())
        })?;
        items
    };
    let archive: Arc<Path> = Arc::from(path);
    let mut entries = Entries::new();
    for (name, item) in items {
        let name = below(path, &name)?;
        let entry = match item {
            Item::Folder => Entry::Folder,
            Item::Link => Entry::Link,
            Item::File(_) if is_ignored(&name) => continue,
            Item::File(member) => {
                let head = || member.head(&path.join(&name), &mut reader, kind::HEAD);
                let image = ImageFile::in_archive(&archive, &name, member);
                Entry::File(Member { kind: kind::of(&name, head)?, image: Some(image) })
            }
        };
        entries.push((name, entry));
    }
    Ok(entries)
}

/// The entries of a tar file that cannot be gone back in: its pictures are held in memory.
pub(crate) fn streamed(path: &Path, reader: impl Read, most_held: u64) -> Result<Entries, Error> {
    let (mut entries, mut held) = (Entries::new(), 0);
    tar_index::each_streamed(path, reader, MOST_UNPACKED, |name, item, content| {
        let name = below(path, name)?;
        let entry = match item {
            Item::Folder => Entry::Folder,
            Item::Link => Entry::Link,
            Item::File(_) if is_ignored(&name) => return Ok(()),
            Item::File(member) => {
                let length = member.length;
                let room = most_held - held;
                let file = held_file(path, &path.join(&name), length, room, content)?;
                held += if file.image.is_some() { length } else { 0 };
                Entry::File(file)
            }
        };
        entries.push((name, entry));
        Ok(())
    })?;
    Ok(entries)
}

/// A file that is read now, if it is a picture, and fits into the `room` that is left.
fn held_file(
    archive: &Path,
    shown: &Path,
    length: u64,
    room: u64,
    content: &mut dyn Read,
) -> Result<Member, Error> {
    source::check_size(shown, length, source::MOST_BYTES)?;
    let mut head = Vec::new();
    let read = Read::take(&mut *content, kind::HEAD).read_to_end(&mut head);
    read.map_err(|e| bounded::damaged(shown, e))?;
    let kind = kind::of(shown, || Ok(head.clone()))?;
    if kind != Kind::Read {
        return Ok(Member { kind, image: None });
    }
    if length > room {
        return Err(Error::format(archive, "holds more pictures than memory should", REPACK));
    }
    let mut whole = head.chain(content);
    let bytes = bounded::read_exactly(shown, &mut whole, length as usize)?;
    Ok(Member { kind, image: Some(ImageFile::in_memory(shown, bytes)) })
}

/// The names of the first `count` members.
pub(crate) fn first_names(path: &Path, form: Form, count: usize) -> Result<Vec<String>, Error> {
    if form == Form::Zip {
        let file = File::open(path).map_err(Error::io(path, "open"))?;
        let length = tar_index::length(path, &mut &file)?;
        let items = zip_index::items(path, &mut &file, length)?;
        return Ok(items.into_iter().map(|(name, _)| name).take(count).collect());
    }
    tar_index::first_names(path, bounded::open(path)?.reader, count)
}

/// Whether a file or a folder that it lies in is one that systems leave behind.
fn is_ignored(name: &Path) -> bool {
    name.ancestors().any(|part| part.file_name().is_some() && walk::is_ignored(part))
}
