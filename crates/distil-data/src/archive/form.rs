//! What kind of archive a file is. Content decides, not the name.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::{bounded, error::Error};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Zip,
    Tar,
    /// A tar file within gzip, where nothing can be skipped.
    TarGz,
}

/// A header of a tar file.
const HEAD: u64 = 512;
/// Archives and compressed files that are not read, by how they begin.
const UNREAD: [(&[u8], &str); 6] = [
    (b"\xfd7zXZ\0", "xz"),
    (b"BZh", "bzip2"),
    (b"7z\xbc\xaf", "7-Zip"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"Rar!", "RAR"),
    (b"\x04\x22\x4d\x18", "LZ4"),
];

/// The form of the archive at `path`; `None` where it is none.
///
/// # Errors
/// [`Error::Format`] for archives of kinds that are not read; [`Error::Io`].
pub(crate) fn form(path: &Path) -> Result<Option<Form>, Error> {
    let head = bounded::head(path, HEAD)?;
    if let Some((_, kind)) = UNREAD.iter().find(|(magic, _)| head.starts_with(magic)) {
        let problem = format!("is compressed with {kind}, which is not read");
        return Err(Error::format(
            path,
            problem,
            "unpack it and give the folder, or pack it as zip, tar or tar.gz",
        ));
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Ok(Some(Form::Zip));
    }
    if head.starts_with(&[0x1f, 0x8b]) {
        let mut head = Vec::new();
        let file = File::open(path).map_err(Error::io(path, "open"))?;
        // Damage is for the reader to tell.
        let _ = MultiGzDecoder::new(file).take(HEAD).read_to_end(&mut head);
        return Ok(is_tar(&head).then_some(Form::TarGz));
    }
    Ok(is_tar(&head).then_some(Form::Tar))
}

/// The mark of POSIX and GNU, or, as older programs write it, a header whose checksum is right.
fn is_tar(head: &[u8]) -> bool {
    let Some(head) = head.first_chunk::<512>() else { return false };
    let field = std::str::from_utf8(&head[148..156]).unwrap_or_default();
    let stored = u32::from_str_radix(field.trim_matches([' ', '\0']), 8);
    let sum = head
        .iter()
        .enumerate()
        .map(|(at, &byte)| if (148..156).contains(&at) { 32 } else { u32::from(byte) });
    &head[257..262] == b"ustar" || (head[0] != 0 && stored == Ok(sum.sum()))
}
