//! What a file is: a picture that is read, a picture that is not, or something else. Content decides, not the name.

use std::ffi::OsStr;
use std::path::Path;

use distil_files::{PictureKind, picture};

use crate::{bounded, error::Error};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A picture of a kind that is read.
    Read,
    /// A picture of a kind that is not read: dropping it in silence would change the set.
    Unread,
    /// No picture, as far as can be told.
    Other,
}

/// Names whose files are taken for pictures without a look into them: sets have millions of them.
const READ: [&str; 14] =
    ["png", "jpg", "jpeg", "jfif", "gif", "webp", "bmp", "tif", "tiff", "pbm", "pgm", "ppm", "pnm", "qoi"];
/// Pictures that no reader is there for, where the content does not say so.
const UNREAD: [&str; 33] = [
    "jp2", "j2k", "jpx", "jpf", "jpc", "jxr", "wdp", "jxl", "tga", "ico", "cur", "icns", "avif", "heic",
    "heif", "psd", "xcf", "exr", "dds", "hdr", "pfm", "pcx", "svg", "dcm", "sgi", "ras", "xbm", "xpm", "raw",
    "raf", "cr3", "rw2", "orf",
];
/// Cameras' raw files begin like TIFF files, and what a TIFF reader finds in them is a thumbnail.
const RAW: [&str; 6] = ["nef", "cr2", "arw", "dng", "pef", "srw"];
/// As many bytes as tell every kind apart; DICOM's mark is the last.
pub(crate) const HEAD: u64 = 132;

/// What a file on disk is.
pub(crate) fn of_file(path: &Path) -> Result<Kind, Error> {
    of(path, || bounded::head(path, HEAD))
}

/// What a file is that is called `path`; its first [`HEAD`] bytes are asked for where the name does not tell.
pub(crate) fn of(path: &Path, head: impl FnOnce() -> Result<Vec<u8>, Error>) -> Result<Kind, Error> {
    if of_name(path) == Kind::Read {
        return Ok(Kind::Read);
    }
    let head = head()?;
    let raw = RAW.contains(&extension(path).as_str());
    Ok(match picture(&head) {
        PictureKind::Read if !raw => Kind::Read,
        PictureKind::Unread => Kind::Unread,
        _ => of_name(path),
    })
}

/// What a name promises.
pub(crate) fn of_name(path: &Path) -> Kind {
    let extension = extension(path);
    let among = |names: &[&str]| names.contains(&extension.as_str());
    match () {
        () if among(&READ) => Kind::Read,
        () if among(&UNREAD) || among(&RAW) => Kind::Unread,
        () => Kind::Other,
    }
}

fn extension(path: &Path) -> String {
    path.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str, content: &[u8]) -> Kind {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        of_file(&path).unwrap()
    }

    #[test]
    fn content_decides_where_the_name_says_nothing_or_something_else() {
        let bmp = [b"BM\0\0\0\0\0\0\0\0\0\0\0\0".as_slice(), &40u32.to_le_bytes()].concat();
        for content in [
            b"\x89PNG\r\n\x1a\n".as_slice(),
            b"\xff\xd8\xff\xe0",
            b"GIF89a",
            b"II*\0",
            b"MM\0*",
            b"qoif",
            b"RIFF\0\0\0\0WEBPVP8 ",
            b"P6\n2 2\n255\n",
            b"P5 # made by hand",
            b"P7\nWIDTH 2",
            &bmp,
        ] {
            for name in ["000", "000.dat", "photo.2024", "a.ico", "a.tga", "a.JPE"] {
                assert_eq!(kind(name, content), Kind::Read, "{name}: {content:?}");
            }
        }
    }

    #[test]
    fn pictures_of_other_kinds_are_not_taken_for_something_else() {
        for (name, content) in [
            ("a", b"\0\0\0\x0cjP  \r\n\x87\n".as_slice()),
            ("a.bin", b"\0\0\0\x1cftypavif"),
            ("a", b"\0\0\x01\0\x01\0\x10\x10"),
            ("a.TGA", b"\0\0\x02"),
            ("a.dng", b"II*\0"),
            ("a.svg", b"<svg/>"),
            ("a.heic", b""),
        ] {
            assert_eq!(kind(name, content), Kind::Unread, "{name}");
        }
    }

    #[test]
    fn texts_and_empty_files_are_no_pictures() {
        for (name, content) in [
            ("notes.txt", b"BM is a mark, and this text is long enough for a header".as_slice()),
            ("list", b"P1 first\nP2 second"),
            ("x.csv", b"II"),
            ("x", b""),
            ("x.npy", b"\x93NUMPY"),
            ("clip.mp4", b"\0\0\0\x20ftypisom"),
        ] {
            assert_eq!(kind(name, content), Kind::Other, "{name}");
        }
        assert_eq!(kind("a.png", b"<html>"), Kind::Read, "which then cannot be read, and is refused");
    }
}
