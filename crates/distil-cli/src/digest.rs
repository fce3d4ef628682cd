//! SHA-256 in hex.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// Ends a hash.
pub(crate) fn hex(hash: Sha256) -> String {
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}
