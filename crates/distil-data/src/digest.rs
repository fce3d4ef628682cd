//! SHA-256 as hex, and of files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::Error;

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).expect("half a byte is a hex digit");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// SHA-256 of a file, read in pieces.
pub(crate) fn of_file(path: &Path) -> Result<String, Error> {
    let mut hash = Sha256::new();
    feed_file(&mut hash, path)?;
    Ok(hex(&hash.finalize()))
}

/// Feeds a whole file to a hash; returns its length in bytes.
pub(crate) fn feed_file(hash: &mut Sha256, path: &Path) -> Result<u64, Error> {
    let mut file = File::open(path).map_err(Error::io(path, "open"))?;
    let mut piece = vec![0; 1 << 18];
    let mut total = 0;
    loop {
        let read = file.read(&mut piece).map_err(Error::io(path, "read"))?;
        if read == 0 {
            return Ok(total);
        }
        hash.update(&piece[..read]);
        total += read as u64;
    }
}
