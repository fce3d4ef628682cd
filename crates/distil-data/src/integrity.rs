//! Whether an encoded image is all there. Decoders fill what is missing of a JPEG with grey and say nothing.

use std::io::{self, Read, Seek, SeekFrom};

/// Whether a JPEG reaches its end marker, a PNG its end chunk, and a WebP the length it announces. Other formats are for
/// the decoder to refuse.
pub(crate) fn is_whole(bytes: &[u8]) -> bool {
    if bytes.starts_with(&[0xff, 0xd8]) {
        jpeg_ends(bytes).is_some()
    } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        png_ends(bytes).is_some()
    } else if let [b'R', b'I', b'F', b'F', length @ ..] = bytes {
        let length = length.first_chunk().map(|&length| u64::from(u32::from_le_bytes(length)));
        length.is_some_and(|length| bytes.len() as u64 >= length + 8)
    } else {
        true
    }
}

/// Walks from marker to marker: segments by their length (an embedded thumbnail has an end marker, too), coded data by
/// their bytes, in which 0xff is followed by 0 or a restart marker.
fn jpeg_ends(bytes: &[u8]) -> Option<()> {
    let mut at = 2;
    loop {
        at += bytes.get(at..)?.iter().position(|&byte| byte == 0xff)?;
        at += bytes[at..].iter().position(|&byte| byte != 0xff)?;
        let marker = bytes[at];
        at += 1;
        match marker {
            0xd9 => return Some(()),
            0x00 | 0x01 | 0xd0..=0xd8 => {}
            _ => {
                let length = usize::from(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
                at += length.max(2);
            }
        }
    }
}

/// Walks from chunk to chunk: length, kind, body, checksum.
fn png_ends(bytes: &[u8]) -> Option<()> {
    let mut at = 8;
    loop {
        let head = bytes.get(at..at + 8)?;
        let length = u32::from_be_bytes(*head.first_chunk()?) as usize;
        at = at.checked_add(length)?.checked_add(12)?;
        bytes.get(at - 1)?;
        if &head[4..] == b"IEND" {
            return Some(());
        }
    }
}

/// Whether no entry of a TIFF file's directory has more values than the file has bytes: its decoder makes room for them before
/// it reads them. True of every other file. Leaves the reader at its start.
pub(crate) fn tiff_entries_fit(reader: &mut (impl Read + Seek), length: u64) -> io::Result<bool> {
    let mut head = [0; 8];
    let fits = reader.read_exact(&mut head).is_err() || entries_fit(reader, head, length)?;
    reader.rewind()?;
    Ok(fits)
}

fn entries_fit(reader: &mut (impl Read + Seek), head: [u8; 8], length: u64) -> io::Result<bool> {
    let little = match &head[..4] {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return Ok(true),
    };
    let number = |bytes: &[u8]| {
        let digit = |all: u64, byte: &u8| all << 8 | u64::from(*byte);
        if little { bytes.iter().rev().fold(0, digit) } else { bytes.iter().fold(0, digit) }
    };
    reader.seek(SeekFrom::Start(number(&head[4..])))?;
    let mut count = [0; 2];
    if reader.read_exact(&mut count).is_err() {
        return Ok(true);
    }
    let mut entries = Vec::new();
    reader.take(12 * number(&count)).read_to_end(&mut entries)?;
    Ok(entries.chunks_exact(12).all(|entry| number(&entry[4..8]) <= length))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{ImageFormat, Rgb, RgbImage};

    use super::*;

    fn encode(format: ImageFormat) -> Vec<u8> {
        let picture = RgbImage::from_fn(33, 17, |x, y| Rgb([(x * 7) as u8, (y * 11) as u8, (x * y) as u8]));
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn every_beginning_of_a_picture_is_recognised_as_one() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png] {
            let bytes = encode(format);
            assert!(is_whole(&bytes));
            assert!(is_whole(&[&bytes[..], b"a trailer"].concat()), "what follows the end does not matter");
            for length in 8..bytes.len() {
                assert!(!is_whole(&bytes[..length]), "{format:?} of {length} bytes");
            }
        }
    }

    #[test]
    fn the_end_of_an_embedded_thumbnail_is_not_the_end() {
        let bytes = encode(ImageFormat::Jpeg);
        let thumbnail = [&[0xff, 0xe1, 0, 8][..], &[0xff, 0xd8, 1, 2, 0xff, 0xd9]].concat();
        let with = [&bytes[..2], &thumbnail, &bytes[2..]].concat();
        assert!(is_whole(&with) && !is_whole(&with[..with.len() - 2]));
    }
}
