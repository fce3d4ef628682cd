//! Where the bytes of an image are: a file, or a member of an archive that is read in place.
//!
//! Nothing is ever unpacked to disk, so an archive cannot write anywhere, whatever its names and links say.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::{Crc, bufread::DeflateDecoder};

#[cfg(feature = "parquet")]
use crate::parquet_images::Table;
use crate::{
    bounded::{self, BAD_COPY},
    error::Error,
};

/// The largest encoded image that is read.
pub(crate) const MOST_BYTES: u64 = 256 << 20;

/// One image, not yet read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageFile {
    /// Its path as messages show it; below the archive's path for a member.
    pub(crate) path: PathBuf,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    File,
    Member {
        archive: Arc<Path>,
        member: Member,
    },
    /// Its bytes, of an archive that cannot be gone back in.
    Memory(Arc<[u8]>),
    #[cfg(feature = "parquet")]
    Cell {
        table: Arc<Table>,
        row: u64,
    },
}

/// Where a member lies in its archive, and how it is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) packing: Packing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    /// As it is, without a checksum (tar).
    Plain,
    /// As it is, with a checksum (zip).
    Stored { crc: u32 },
    /// DEFLATE (zip).
    Deflated { crc: u32, size: u64 },
}

impl ImageFile {
    pub(crate) fn on_disk(path: PathBuf) -> Self {
        Self { path, place: Place::File }
    }

    pub(crate) fn in_archive(archive: &Arc<Path>, name: &Path, member: Member) -> Self {
        Self { path: archive.join(name), place: Place::Member { archive: Arc::clone(archive), member } }
    }

    pub(crate) fn in_memory(path: &Path, bytes: Vec<u8>) -> Self {
        Self { path: path.to_owned(), place: Place::Memory(bytes.into()) }
    }

    #[cfg(feature = "parquet")]
    pub(crate) fn in_table(table: &Arc<Table>, row: u64) -> Self {
        // Names sort as the rows do.
        let path = table.path().join(format!("{row:07}"));
        Self { path, place: Place::Cell { table: Arc::clone(table), row } }
    }

    /// Whether it is a file of its own.
    pub(crate) fn is_on_disk(&self) -> bool {
        self.place == Place::File
    }

    /// All its bytes.
    pub(crate) fn read(&self) -> Result<Vec<u8>, Error> {
        match &self.place {
            Place::File => {
                let mut file = open(&self.path)?;
                let length = file.metadata().map_err(Error::io(&self.path, "read"))?.len();
                check_size(&self.path, length, MOST_BYTES)?;
                bounded::read_exactly(&self.path, &mut file, length as usize)
            }
            Place::Member { archive, member } => member.read(&self.path, open(archive)?),
            Place::Memory(bytes) => Ok(bytes.to_vec()),
            #[cfg(feature = "parquet")]
            Place::Cell { table, row } => table.picture(&self.path, *row),
        }
    }
}

fn open(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(Error::io(path, "open"))
}

pub(crate) fn check_size(path: &Path, length: u64, most: u64) -> Result<(), Error> {
    if length <= most {
        return Ok(());
    }
    let problem = format!("has {length} bytes, and {most} are read at most");
    Err(Error::format(path, problem, "shrink it, or leave it out"))
}

impl Member {
    /// All bytes of an image, unpacked and verified; `path` is for messages.
    pub(crate) fn read(self, path: &Path, archive: impl Read + Seek) -> Result<Vec<u8>, Error> {
        self.read_at_most(path, archive, MOST_BYTES)
    }

    /// Its first `length` bytes, unpacked, or all if it has fewer.
    pub(crate) fn head(
        self,
        path: &Path,
        mut archive: impl Read + Seek,
        length: u64,
    ) -> Result<Vec<u8>, Error> {
        archive.seek(SeekFrom::Start(self.offset)).map_err(Error::io(path, "read"))?;
        let (packed, mut head) = (archive.take(self.length), Vec::new());
        let read = match self.packing {
            Packing::Plain | Packing::Stored { .. } => packed.take(length).read_to_end(&mut head),
            Packing::Deflated { .. } => {
                DeflateDecoder::new(BufReader::new(packed)).take(length).read_to_end(&mut head)
            }
        };
        read.map(|_| head).map_err(|e| bounded::damaged(path, e))
    }

    /// All its bytes, unpacked and verified, if there are no more than `most`.
    pub(crate) fn read_at_most(
        self,
        path: &Path,
        mut archive: impl Read + Seek,
        most: u64,
    ) -> Result<Vec<u8>, Error> {
        check_size(path, self.length, most)?;
        archive.seek(SeekFrom::Start(self.offset)).map_err(Error::io(path, "read"))?;
        let mut packed = archive.take(self.length);
        match self.packing {
            Packing::Plain => bounded::read_exactly(path, &mut packed, self.length as usize),
            Packing::Stored { crc } => {
                check_crc(path, bounded::read_exactly(path, &mut packed, self.length as usize)?, crc)
            }
            Packing::Deflated { crc, size } => {
                check_size(path, size, most)?;
                if size > self.length.saturating_mul(bounded::MOST_EXPANSION) {
                    let problem = format!("{} packed bytes cannot hold the {size} it announces", self.length);
                    return Err(Error::format(path, problem, BAD_COPY));
                }
                let mut unpacker = DeflateDecoder::new(BufReader::new(packed));
                let bytes = bounded::read_exactly(path, &mut unpacker, size as usize)?;
                bounded::expect_end(path, &mut unpacker, size as usize)?;
                check_crc(path, bytes, crc)
            }
        }
    }
}

fn check_crc(path: &Path, bytes: Vec<u8>, expected: u32) -> Result<Vec<u8>, Error> {
    let mut crc = Crc::new();
    crc.update(&bytes);
    if crc.sum() == expected {
        return Ok(bytes);
    }
    Err(Error::format(path, "its checksum in the archive is another", BAD_COPY))
}

/// A part of a file, read as a file: an archive within an archive.
pub(crate) struct Window<R> {
    inner: R,
    start: u64,
    length: u64,
    at: u64,
}

impl<R: Read + Seek> Window<R> {
    pub(crate) fn new(inner: R, start: u64, length: u64) -> Self {
        Self { inner, start, length, at: 0 }
    }
}

impl<R: Read + Seek> Read for Window<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(self.at);
        let wanted = (buffer.len() as u64).min(left) as usize;
        if wanted == 0 {
            return Ok(0);
        }
        self.inner.seek(SeekFrom::Start(self.start + self.at))?;
        let read = self.inner.read(&mut buffer[..wanted])?;
        self.at += read as u64;
        Ok(read)
    }
}

impl<R: Read + Seek> Seek for Window<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
