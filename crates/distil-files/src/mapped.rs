//! The only unsafe code of the crate: reading a file through the operating system's page cache.
#![expect(unsafe_code, reason = "memory maps and viewing their bytes as f32 have no safe interface")]

use std::fs::File;
use std::io;
use std::path::Path;

#[cfg(target_endian = "big")]
compile_error!(
    "safetensors payloads are little-endian and are viewed in place; big-endian machines are not supported"
);

/// A file mapped read-only. Other programs must not change it in place while it is mapped.
#[derive(Debug)]
pub struct MappedFile(memmap2::Mmap);

impl MappedFile {
    /// Maps the file at `path`.
    ///
    /// # Errors
    /// What the operating system said.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: the map is read-only. Files that are mapped here are only ever replaced by rename (see
        // `atomic`), which leaves the mapped file intact; a foreign program that truncates a shard in use
        // breaks the documented contract of the store.
        let map = unsafe { memmap2::Mmap::map(&file)? };
        Ok(Self(map))
    }

    /// The file's content.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Views little-endian bytes as f32; `None` unless address and length are multiples of 4.
pub fn as_f32(bytes: &[u8]) -> Option<&[f32]> {
    // SAFETY: every bit pattern is a valid f32, and `align_to` only yields aligned elements within `bytes`.
    let (before, values, after) = unsafe { bytes.align_to::<f32>() };
    (before.is_empty() && after.is_empty()).then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_aligned_whole_numbers_are_viewed() {
        let numbers = [1.0_f32, -2.5, f32::NAN, 4.0];
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        // Within a longer buffer there is an aligned copy at one of four places.
        let mut room = vec![0; bytes.len() + 4];
        let mut seen = 0;
        for shift in 0..4 {
            room[shift..][..bytes.len()].copy_from_slice(&bytes);
            let Some(found) = as_f32(&room[shift..][..bytes.len()]) else { continue };
            assert_eq!(found.iter().map(|f| f.to_bits()).collect::<Vec<_>>(), numbers.map(f32::to_bits));
            assert_eq!(as_f32(&room[shift..][..bytes.len() - 1]), None, "three bytes are no number");
            seen += 1;
        }
        assert_eq!(seen, 1);
        assert_eq!(as_f32(&[]), Some(&[][..]));
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri maps no files")]
    fn a_map_outlives_the_replacement_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shard");
        crate::atomic::write(&path, [1; 5000]).unwrap();
        let map = MappedFile::open(&path).unwrap();
        crate::atomic::write(&path, [2; 10]).unwrap();
        assert_eq!(map.bytes(), [1; 5000]);
        assert_eq!(MappedFile::open(&path).unwrap().bytes(), [2; 10]);
        crate::atomic::write(&path, []).unwrap();
        assert!(MappedFile::open(&path).unwrap().bytes().is_empty());
    }
}
