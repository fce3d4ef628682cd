//! One PNG or JPEG file to planar bytes.

use std::io::BufReader;
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageReader, Limits};

use crate::{error::Error, images::ImageShape, preprocessing::Resize, resize::resize_planar};

/// The largest side of a picture that is decoded, in pixels.
const LARGEST_SIDE: u32 = 32_768;
/// The most memory one picture may take while it is decoded.
const MOST_BYTES: u64 = 1 << 30;
const REMEDY: &str = "replace or remove it; PNG and JPEG are read";

/// What a file's header says: its size, and 3 channels if it has colour, else 1.
pub(crate) fn probe(path: &Path) -> Result<ImageShape, Error> {
    let decoder = open(path)?.into_decoder().map_err(|e| unreadable(path, &e))?;
    let (width, height) = decoder.dimensions();
    let channels = if decoder.color_type().has_color() { 3 } else { 1 };
    Ok(ImageShape { channels, height: height as usize, width: width as usize })
}

/// Decodes to `[channels, h, w]`: grey is repeated in all three channels of a colour set, alpha is dropped (not
/// blended), 16 bits become 8, the EXIF orientation is ignored (as in the reference pipelines).
pub(crate) fn decode(path: &Path, channels: usize, resize: Option<Resize>) -> Result<Vec<u8>, Error> {
    let picture = open(path)?.decode().map_err(|e| unreadable(path, &e))?;
    let from = ImageShape { channels, height: picture.height() as usize, width: picture.width() as usize };
    let planar = planar(&picture, channels);
    match resize {
        Some(resize) => resize_planar(&planar, from, resize),
        None => Ok(planar),
    }
}

fn planar(picture: &DynamicImage, channels: usize) -> Vec<u8> {
    if channels == 1 {
        return picture.to_luma8().into_raw();
    }
    let interleaved = picture.to_rgb8().into_raw();
    (0..3).flat_map(|channel| interleaved.iter().skip(channel).step_by(3).copied()).collect()
}

/// The format is told by content: ImageNet has PNG files named JPEG.
fn open(path: &Path) -> Result<ImageReader<BufReader<std::fs::File>>, Error> {
    let reader = ImageReader::open(path).map_err(Error::io(path, "open"))?;
    let mut reader = reader.with_guessed_format().map_err(Error::io(path, "read"))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(LARGEST_SIDE);
    limits.max_image_height = Some(LARGEST_SIDE);
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    Ok(reader)
}

fn unreadable(path: &Path, error: &image::ImageError) -> Error {
    Error::format(path, format!("cannot be read as an image ({error})"), REMEDY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageFormat, Luma, Rgb, Rgba};

    fn save(
        picture: impl Into<DynamicImage>,
        name: &str,
        format: ImageFormat,
    ) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        picture.into().save_with_format(&path, format).unwrap();
        (folder, path)
    }

    #[test]
    fn channels_are_planar() {
        let picture = image::RgbImage::from_fn(2, 1, |x, _| Rgb([x as u8, 10 + x as u8, 20 + x as u8]));
        let (_folder, path) = save(picture, "a.png", ImageFormat::Png);
        assert_eq!(decode(&path, 3, None).unwrap(), [0, 1, 10, 11, 20, 21]);
    }

    #[test]
    fn a_grey_jpeg_in_a_colour_set_repeats_in_three_channels() {
        let picture = image::GrayImage::from_fn(8, 8, |x, _| Luma([30 * x as u8]));
        let (_folder, path) = save(picture, "a.JPEG", ImageFormat::Jpeg);
        assert_eq!(probe(&path).unwrap(), ImageShape { channels: 1, height: 8, width: 8 });
        let (grey, colour) = (decode(&path, 1, None).unwrap(), decode(&path, 3, None).unwrap());
        assert_eq!(colour, [grey.clone(), grey.clone(), grey].concat());
    }

    #[test]
    fn alpha_is_dropped_not_blended() {
        let picture = image::RgbaImage::from_pixel(1, 1, Rgba([200, 100, 50, 0]));
        let (_folder, path) = save(picture, "a.png", ImageFormat::Png);
        assert_eq!(decode(&path, 3, None).unwrap(), [200, 100, 50]);
    }

    #[test]
    fn content_decides_not_the_name() {
        let (_folder, path) = save(image::GrayImage::from_pixel(2, 2, Luma([9])), "a.JPEG", ImageFormat::Png);
        assert_eq!(decode(&path, 1, None).unwrap(), [9; 4]);
    }

    #[test]
    fn damaged_pictures_name_the_file() {
        let (folder, path) = save(image::GrayImage::from_pixel(40, 40, Luma([9])), "a.png", ImageFormat::Png);
        let bytes = std::fs::read(&path).unwrap();
        let cut = folder.path().join("cut.png");
        for (length, at_probe) in [(20, true), (bytes.len() - 20, false)] {
            std::fs::write(&cut, &bytes[..length]).unwrap();
            assert_eq!(probe(&cut).is_err(), at_probe);
            let error = decode(&cut, 1, None).unwrap_err().to_string();
            assert!(error.contains("cut.png") && error.contains("cannot be read"), "{error}");
        }
    }
}
