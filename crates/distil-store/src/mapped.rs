//! The only unsafe code of the crate: reading a file through the operating system's page cache.
#![expect(unsafe_code, reason = "memory maps and viewing their bytes as f32 have no safe interface")]

use std::fs::File;
use std::io;
use std::path::Path;

#[cfg(target_endian = "big")]
compile_error!(
    "safetensors payloads are little-endian and are viewed in place; big-endian machines are not supported"
);

/// A file mapped read-only.
#[derive(Debug)]
pub(crate) struct MappedFile(memmap2::Mmap);

impl MappedFile {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: the map is read-only. Files that are mapped here are only ever replaced by rename (see
        // `atomic`), which leaves the mapped file intact; a foreign program that truncates a shard in use
        // breaks the documented contract of the store.
        let map = unsafe { memmap2::Mmap::map(&file)? };
        Ok(Self(map))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Views little-endian bytes as f32; `None` unless address and length are multiples of 4.
pub(crate) fn as_f32(bytes: &[u8]) -> Option<&[f32]> {
    // SAFETY: every bit pattern is a valid f32, and `align_to` only yields aligned elements within `bytes`.
    let (before, values, after) = unsafe { bytes.align_to::<f32>() };
    (before.is_empty() && after.is_empty()).then_some(values)
}
