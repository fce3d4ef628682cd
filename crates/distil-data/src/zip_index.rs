//! The members of a zip file, found without reading them.
//!
//! Written out here because what a directory claims must be checked against the file before anything is allocated, and
//! because only the place of plain files is wanted: nothing is ever unpacked to disk.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

use crate::{
    bounded::{self, BAD_COPY},
    error::Error,
    source::{Member, Packing},
};

const END: &[u8] = b"PK\x05\x06";
const END64_PLACE: &[u8] = b"PK\x06\x07";
const END64: &[u8] = b"PK\x06\x06";
const ENTRY: &[u8] = b"PK\x01\x02";
const LOCAL: &[u8] = b"PK\x03\x04";
/// An end record without its comment.
const END_BYTES: u64 = 22;
const LONGEST_COMMENT: u64 = u16::MAX as u64;
/// The largest directory that is read: about two million members.
const MOST_DIRECTORY: u64 = 256 << 20;

/// The name and place of every plain file, in the order of the archive's directory.
pub(crate) fn members(
    path: &Path,
    reader: &mut (impl Read + Seek),
    length: u64,
) -> Result<Vec<(String, Member)>, Error> {
    let directory = directory(path, reader, length)?;
    let mut rest = &directory[..];
    let mut found = Vec::new();
    while !rest.is_empty() {
        let entry = Entry::parse(rest).ok_or_else(|| damaged(path, "its directory is damaged"))?;
        rest = &rest[entry.bytes..];
        if let Some(member) = entry.member(path, reader, length)? {
            found.push(member);
        }
    }
    Ok(found)
}

fn damaged(path: &Path, problem: &str) -> Error {
    Error::format(path, problem, BAD_COPY)
}

/// The bytes of the central directory.
fn directory(path: &Path, reader: &mut (impl Read + Seek), length: u64) -> Result<Vec<u8>, Error> {
    let tail_bytes = length.min(END_BYTES + LONGEST_COMMENT + 20);
    let tail = read_at(path, reader, length - tail_bytes, tail_bytes)?;
    let no_end = || damaged(path, "is cut off or no zip file: the directory at its end is missing");
    let last = (0..=tail.len().saturating_sub(END_BYTES as usize)).rev();
    let at = last.into_iter().find(|&at| tail[at..].starts_with(END)).ok_or_else(no_end)?;
    let end = tail.get(at..at + END_BYTES as usize).ok_or_else(no_end)?;
    let (mut bytes, mut offset) = (u64::from(u32_at(end, 12)), u64::from(u32_at(end, 16)));
    let place = at.checked_sub(20).map(|at| &tail[at..]).filter(|place| place.starts_with(END64_PLACE));
    if let Some(place) = place {
        let end = read_at(path, reader, u64_at(place, 8), 56)?;
        if !end.starts_with(END64) {
            return Err(no_end());
        }
        (bytes, offset) = (u64_at(&end, 40), u64_at(&end, 48));
    }
    if bytes > MOST_DIRECTORY || offset.checked_add(bytes).is_none_or(|end| end > length) {
        return Err(damaged(path, "announces a directory that does not fit into it"));
    }
    read_at(path, reader, offset, bytes)
}

fn read_at(path: &Path, reader: &mut (impl Read + Seek), offset: u64, bytes: u64) -> Result<Vec<u8>, Error> {
    reader.seek(SeekFrom::Start(offset)).map_err(|e| bounded::damaged(path, e))?;
    bounded::read_exactly(path, reader, bytes as usize)
}

/// One entry of the directory.
struct Entry<'a> {
    /// Its length in the directory.
    bytes: usize,
    name: &'a [u8],
    extra: &'a [u8],
    encrypted: bool,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    header: u64,
    mode: u32,
}

impl<'a> Entry<'a> {
    fn parse(rest: &'a [u8]) -> Option<Self> {
        let fixed = rest.get(..46).filter(|fixed| fixed.starts_with(ENTRY))?;
        let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(u16_at(fixed, at)));
        let bytes = 46 + name + extra + comment;
        rest.get(..bytes)?;
        let mut entry = Self {
            bytes,
            name: &rest[46..46 + name],
            extra: &rest[46 + name..46 + name + extra],
            encrypted: u16_at(fixed, 8) & 1 == 1,
            method: u16_at(fixed, 10),
            crc: u32_at(fixed, 16),
            packed: u32_at(fixed, 20).into(),
            size: u32_at(fixed, 24).into(),
            header: u32_at(fixed, 42).into(),
            mode: u32_at(fixed, 38) >> 16,
        };
        entry.widen();
        Some(entry)
    }

    /// Takes the 64-bit sizes of a zip64 record for those that did not fit.
    fn widen(&mut self) {
        let mut extra = self.extra;
        while extra.len() >= 4 {
            let (kind, bytes) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
            let Some(mut body) = extra.get(4..4 + bytes) else { return };
            extra = &extra[4 + bytes..];
            if kind != 1 {
                continue;
            }
            for wide in [&mut self.size, &mut self.packed, &mut self.header] {
                if *wide == u64::from(u32::MAX) && body.len() >= 8 {
                    *wide = u64_at(body, 0);
                    body = &body[8..];
                }
            }
        }
    }

    /// `None` for folders and links.
    fn member(
        &self,
        path: &Path,
        reader: &mut (impl Read + Seek),
        length: u64,
    ) -> Result<Option<(String, Member)>, Error> {
        let name = std::str::from_utf8(self.name).map_err(|_| damaged(path, "a name in it is not UTF-8"))?;
        let link = self.mode & 0o170_000 == 0o120_000;
        if link || name.ends_with('/') {
            return Ok(None);
        }
        if !Path::new(name).components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(damaged(path, &format!("{name:?} in it points outside of it")));
        }
        let packing = match (self.encrypted, self.method) {
            (false, 0) if self.size == self.packed => Packing::Stored { crc: self.crc },
            (false, 8) => Packing::Deflated { crc: self.crc, size: self.size },
            _ => {
                let problem =
                    format!("{name:?} in it is encrypted or packed with method {}, not DEFLATE", self.method);
                return Err(damaged(path, &problem));
            }
        };
        let offset = self.data_offset(path, reader)?;
        if offset.checked_add(self.packed).is_none_or(|end| end > length) {
            return Err(damaged(path, &format!("{name:?} in it does not fit into it")));
        }
        Ok(Some((name.to_owned(), Member { offset, length: self.packed, packing })))
    }

    /// The bytes of a member follow its local header, whose length the directory does not know.
    fn data_offset(&self, path: &Path, reader: &mut (impl Read + Seek)) -> Result<u64, Error> {
        let header = read_at(path, reader, self.header, 30)?;
        if !header.starts_with(LOCAL) {
            return Err(damaged(path, "its directory points at something else than members"));
        }
        Ok(self.header + 30 + u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28)))
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
