//! SHA-256 of bytes and of files, in hexadecimal digits.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

/// Bytes of a file that are read at once.
const PIECE: usize = 1 << 18;

/// Lower-case hexadecimal digits of `bytes`, such as a digest.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

/// SHA-256 of `bytes` in hexadecimal digits.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of the file at `path` in hexadecimal digits, read in pieces.
///
/// # Errors
/// What the operating system said.
pub fn sha256_of_file(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    feed_file(&mut hash, path)?;
    Ok(hex(&hash.finalize()))
}

/// Feeds the file at `path` to a hash, in pieces; returns its length in bytes.
///
/// # Errors
/// What the operating system said.
pub fn feed_file(hash: &mut Sha256, path: &Path) -> io::Result<u64> {
    let mut file = File::open(path)?;
    let mut piece = vec![0; PIECE];
    let mut total = 0;
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(total);
        }
        hash.update(&piece[..read]);
        total += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of FIPS 180-2.
    #[test]
    fn a_file_has_the_digest_of_its_bytes() {
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256("abc"), known);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(sha256_of_file(&path).unwrap(), known);
        let long = vec![7; PIECE + 1];
        std::fs::write(&path, &long).unwrap();
        assert_eq!(sha256_of_file(&path).unwrap(), sha256(long));
    }
}
