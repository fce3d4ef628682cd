//! One picture file to planar bytes.

use std::io::{BufRead, BufReader, Cursor, Seek};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use distil_store::Resize;

use crate::{
    bounded::MOST_EXPANSION, depth::Depth, error::Error, images::ImageShape, integrity,
    resize::resize_planar, source::ImageFile,
};

/// The largest side of a picture that is decoded, in pixels.
const LARGEST_SIDE: u32 = 32_768;
/// The most pixels of a picture that is decoded.
const MOST_PIXELS: u64 = 1 << 26;
/// The most memory one picture may take while it is decoded.
const MOST_BYTES: u64 = 1 << 30;
/// So many decoded bytes may come from hardly any where a format has no bound, as WebP and fax TIFF have none for one colour.
const FREE_BYTES: u64 = 3 << 20;
const REMEDY: &str = "replace it, or leave it out: data.skip = [\"CLASS/FILE\"], `distil init --skip CLASS/FILE`; PNG, JPEG, \
                      WebP, BMP, GIF, TIFF, PNM and QOI are read";

/// A decoded picture, `[channels, h, w]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) shape: ImageShape,
    pub(crate) bytes: Vec<u8>,
    /// How far its bits are used, if they were 16.
    pub(crate) depth: Depth,
}

/// What a file's header says: its size, and 3 channels if it has colour, else 1.
pub(crate) fn probe(image: &ImageFile) -> Result<ImageShape, Error> {
    let path = &*image.path;
    if !image.is_on_disk() {
        let encoded = image.read()?;
        return Ok(announced(&decoder(path, Cursor::new(&encoded), encoded.len() as u64)?));
    }
    let file = std::fs::File::open(path).map_err(Error::io(path, "open"))?;
    let length = file.metadata().map_err(Error::io(path, "read"))?.len();
    Ok(announced(&decoder(path, BufReader::new(file), length)?))
}

fn announced(decoder: &impl ImageDecoder) -> ImageShape {
    let (width, height) = decoder.dimensions();
    let channels = if decoder.color_type().has_color() { 3 } else { 1 };
    ImageShape { channels, height: height as usize, width: width as usize }
}

/// Reads one picture file as bytes `[channels, h, w]` of the size of `resize`, by the rules and within the bounds of
/// sets of image files, so that a picture becomes what it would be in a training set.
///
/// # Errors
/// [`Error::Format`] when the file is not such a picture, is damaged, or has more pixels than are read; [`Error::Io`].
pub fn read_picture(path: &Path, channels: usize, resize: Resize) -> Result<Vec<u8>, Error> {
    let encoded = ImageFile::on_disk(path.to_owned()).read()?;
    Ok(decode(path, &encoded, channels, Some(resize))?.bytes)
}

/// Decodes to `[channels, h, w]`: grey is repeated in all three channels of a colour set, alpha is dropped (not
/// blended), 16 bits become 8, the EXIF orientation is ignored (as in the reference pipelines).
pub(crate) fn decode(
    path: &Path,
    encoded: &[u8],
    channels: usize,
    resize: Option<Resize>,
) -> Result<Picture, Error> {
    let decoder = decoder(path, Cursor::new(encoded), encoded.len() as u64)?;
    if !integrity::is_whole(encoded) {
        return Err(unreadable(path, "it is cut off before its end"));
    }
    let picture = DynamicImage::from_decoder(decoder).map_err(|e| unreadable(path, &e))?;
    let shape = ImageShape { channels, height: picture.height() as usize, width: picture.width() as usize };
    let (bytes, depth) = (planar(&picture, channels), Depth::of(&picture));
    let Some(resize) = resize else { return Ok(Picture { shape, bytes, depth }) };
    let bytes = resize_planar(&bytes, shape, resize)?;
    let shape = ImageShape { channels, height: resize.height, width: resize.width };
    Ok(Picture { shape, bytes, depth })
}

fn planar(picture: &DynamicImage, channels: usize) -> Vec<u8> {
    if channels == 1 {
        return picture.to_luma8().into_raw();
    }
    let interleaved = picture.to_rgb8().into_raw();
    (0..3).flat_map(|channel| interleaved.iter().skip(channel).step_by(3).copied()).collect()
}

/// A decoder that has read the header, if that promises no more than `length` bytes can hold.
///
/// The format is told by content: ImageNet has PNG files named JPEG.
fn decoder<'a>(
    path: &Path,
    mut reader: impl BufRead + Seek + 'a,
    length: u64,
) -> Result<impl ImageDecoder + 'a, Error> {
    if !integrity::tiff_entries_fit(&mut reader, length).map_err(Error::io(path, "read"))? {
        return Err(unreadable(path, "an entry of it is longer than the file"));
    }
    let mut reader = ImageReader::new(reader).with_guessed_format().map_err(Error::io(path, "read"))?;
    let format = reader.format();
    let mut limits = Limits::default();
    limits.max_image_width = Some(LARGEST_SIDE);
    limits.max_image_height = Some(LARGEST_SIDE);
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|e| unreadable(path, &e))?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MOST_PIXELS {
        let problem = format!("it has {width}x{height} pixels, and {MOST_PIXELS} are read at most");
        return Err(unreadable(path, &problem));
    }
    let bits = u64::from(decoder.original_color_type().bits_per_pixel());
    if pixels > most_pixels(format, length, bits) {
        let problem = format!("{length} bytes cannot hold the {width}x{height} pixels it announces");
        return Err(unreadable(path, &problem));
    }
    // A tile of a TIFF may be larger than its picture, and its decoder makes room for all of it.
    let mut limits = Limits::default();
    limits.max_alloc = Some(decoder.total_bytes().saturating_mul(2).saturating_add(1 << 20));
    decoder.set_limits(limits).map_err(|e| unreadable(path, &e))?;
    Ok(decoder)
}

/// The most pixels of `bits` bits that `length` bytes can hold.
fn most_pixels(format: Option<ImageFormat>, length: u64, bits: u64) -> u64 {
    let times = |factor| length.saturating_mul(factor);
    match format {
        Some(ImageFormat::Png) => times(MOST_EXPANSION).saturating_mul(8).saturating_add(7) / bits.max(1),
        // At least a bit on every block of 8×8 pixels.
        Some(ImageFormat::Jpeg) => times(512),
        // A code of at least 12 bits for at most 4096 pixels, or a shorter one for fewer.
        Some(ImageFormat::Gif) => times(4096),
        // Runs of 255 pixels in two bytes, or a bit a pixel.
        Some(ImageFormat::Bmp) => times(128),
        Some(ImageFormat::Qoi) => times(62),
        Some(ImageFormat::Pnm) => times(8),
        _ => times(4096).max(8 * FREE_BYTES / bits.max(1)),
    }
}

fn unreadable(path: &Path, problem: &(impl std::fmt::Display + ?Sized)) -> Error {
    Error::format(path, format!("cannot be read as an image ({problem})"), REMEDY)
}

#[cfg(test)]
pub(crate) mod tests;
