//! Pictures by their first bytes.

/// What the head of a file says about pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureKind {
    /// A picture of a kind that distil reads.
    Read,
    /// A picture of another kind.
    Unread,
    /// No picture, as far as can be told.
    Other,
}

/// The kind of picture that begins with `head`; 132 bytes tell them all apart.
pub fn picture(head: &[u8]) -> PictureKind {
    match () {
        () if is_read(head) => PictureKind::Read,
        () if is_unread(head) => PictureKind::Unread,
        () => PictureKind::Other,
    }
}

fn is_read(head: &[u8]) -> bool {
    let starts = |magic: &[u8]| head.starts_with(magic);
    starts(b"\x89PNG\r\n\x1a\n")
        || starts(b"\xff\xd8\xff")
        || starts(b"GIF87a")
        || starts(b"GIF89a")
        || starts(b"II*\0")
        || starts(b"MM\0*")
        || starts(b"qoif")
        || (starts(b"RIFF") && has(head, 8, b"WEBP"))
        || is_bmp(head)
        || is_pnm(head)
}

/// `BM` begins many a text, too: the size of the header that follows decides.
fn is_bmp(head: &[u8]) -> bool {
    let size = head.get(14..18).and_then(|bytes| bytes.first_chunk()).map(|&bytes| u32::from_le_bytes(bytes));
    head.starts_with(b"BM")
        && size.is_some_and(|size| matches!(size, 12 | 16 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// `P1` to `P6`, white space, and a number or a comment; or `P7` with its header.
fn is_pnm(head: &[u8]) -> bool {
    match head {
        [b'P', b'1'..=b'6', space, next, ..] => {
            space.is_ascii_whitespace() && (next.is_ascii_digit() || *next == b'#')
        }
        _ => head.starts_with(b"P7\n"),
    }
}

fn is_unread(head: &[u8]) -> bool {
    let starts = |magic: &[u8]| head.starts_with(magic);
    let boxed = has(head, 4, b"ftyp")
        && [b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1"]
            .iter()
            .any(|brand| has(head, 8, *brand));
    // An icon file says how many pictures it has: at least one, and never many.
    let icon =
        (starts(b"\0\0\x01\0") || starts(b"\0\0\x02\0")) && head.get(4) != Some(&0) && has(head, 5, b"\0");
    boxed
        || icon
        || has(head, 4, b"jP  \r\n\x87\n")
        || has(head, 4, b"JXL \r\n\x87\n")
        || has(head, 128, b"DICM")
        || starts(b"\xff\x4f\xff\x51")
        || starts(b"\xff\x0a")
        || starts(b"8BPS\0")
        || starts(b"\x76\x2f\x31\x01")
        || starts(b"DDS |")
        || starts(b"#?RADIANCE")
        || starts(b"gimp xcf")
        || starts(b"farbfeld")
        || starts(b"icns")
        || starts(b"PF\n")
        || starts(b"Pf\n")
}

fn has(head: &[u8], at: usize, magic: &[u8]) -> bool {
    head.get(at..).is_some_and(|rest| rest.starts_with(magic))
}
