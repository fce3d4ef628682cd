//! Reading files that may lie about their size: nothing is allocated beyond what was promised, checked and delivered.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::error::Error;

pub(crate) const BAD_COPY: &str =
    "replace it with a good copy (`distil fetch` gets and verifies the sets that may be downloaded)";

/// DEFLATE cannot expand a byte to more than 1032 (RFC 1951: 258 bytes for two bits).
pub(crate) const MOST_EXPANSION: u64 = 1032;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const PIECE: usize = 1 << 20;

/// A file, unpacked on the fly if it is gzip (told by its first bytes, not its name).
pub(crate) struct Unpacked {
    pub(crate) reader: Box<dyn Read>,
    /// The most bytes that can come out.
    pub(crate) most: u64,
}

pub(crate) fn open(path: &Path) -> Result<Unpacked, Error> {
    let mut file = File::open(path).map_err(Error::io(path, "open"))?;
    let metadata = file.metadata().map_err(Error::io(path, "read"))?;
    if !metadata.is_file() {
        return Err(Error::format(path, "not a file", "give the path of a file"));
    }
    let mut magic = Vec::new();
    file.by_ref().take(2).read_to_end(&mut magic).map_err(Error::io(path, "read"))?;
    let gzip = magic == GZIP_MAGIC;
    let whole = BufReader::with_capacity(1 << 16, io::Cursor::new(magic).chain(file));
    Ok(if gzip {
        let most = metadata.len().saturating_mul(MOST_EXPANSION);
        Unpacked { reader: Box::new(MultiGzDecoder::new(whole)), most }
    } else {
        Unpacked { reader: Box::new(whole), most: metadata.len() }
    })
}

/// The first `length` bytes of a file, or all if it has fewer.
pub(crate) fn head(path: &Path, length: u64) -> Result<Vec<u8>, Error> {
    let mut head = Vec::new();
    let file = File::open(path).map_err(Error::io(path, "open"))?;
    file.take(length).read_to_end(&mut head).map_err(Error::io(path, "read"))?;
    Ok(head)
}

/// Reads exactly `promised` bytes. Memory grows with what arrives, never beyond the promise.
pub(crate) fn read_exactly(path: &Path, reader: &mut dyn Read, promised: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while bytes.len() < promised {
        let start = bytes.len();
        let piece = PIECE.max(start / 2).min(promised - start);
        bytes.reserve_exact(piece);
        let read =
            Read::take(&mut *reader, piece as u64).read_to_end(&mut bytes).map_err(|e| damaged(path, e))?;
        if read == 0 {
            let problem = format!("ends after {start} of the {promised} bytes it should have");
            return Err(Error::format(path, problem, BAD_COPY));
        }
    }
    Ok(bytes)
}

/// Refuses bytes after the promised ones.
pub(crate) fn expect_end(path: &Path, reader: &mut dyn Read, promised: usize) -> Result<(), Error> {
    let mut extra = Vec::new();
    Read::take(&mut *reader, 1).read_to_end(&mut extra).map_err(|e| damaged(path, e))?;
    if extra.is_empty() {
        return Ok(());
    }
    Err(Error::format(path, format!("goes on after the {promised} bytes its header announces"), BAD_COPY))
}

/// Tells damaged content (the decoder's complaints) from a failing disk.
pub(crate) fn damaged(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            Error::format(path, format!("the compressed data are damaged or cut off ({error})"), BAD_COPY)
        }
        _ if error.raw_os_error().is_none() => {
            Error::format(path, format!("the content is damaged ({error})"), BAD_COPY)
        }
        _ => Error::io(path, "read")(error),
    }
}
