//! Pictures of every kind that people have.

use super::*;
use image::{ImageFormat, Luma, Rgb, Rgba};

fn decode_file(path: &Path, channels: usize, resize: Option<Resize>) -> Result<Vec<u8>, Error> {
    decode(path, &std::fs::read(path).unwrap(), channels, resize).map(|picture| picture.bytes)
}

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
    assert_eq!(decode_file(&path, 3, None).unwrap(), [0, 1, 10, 11, 20, 21]);
}

#[test]
fn a_grey_jpeg_in_a_colour_set_repeats_in_three_channels() {
    let picture = image::GrayImage::from_fn(8, 8, |x, _| Luma([30 * x as u8]));
    let (_folder, path) = save(picture, "a.JPEG", ImageFormat::Jpeg);
    assert_eq!(probe(&path).unwrap(), ImageShape { channels: 1, height: 8, width: 8 });
    let (grey, colour) = (decode_file(&path, 1, None).unwrap(), decode_file(&path, 3, None).unwrap());
    assert_eq!(colour, [grey.clone(), grey.clone(), grey].concat());
}

#[test]
fn alpha_is_dropped_not_blended() {
    let picture = image::RgbaImage::from_pixel(1, 1, Rgba([200, 100, 50, 0]));
    let (_folder, path) = save(picture, "a.png", ImageFormat::Png);
    assert_eq!(decode_file(&path, 3, None).unwrap(), [200, 100, 50]);
}

#[test]
fn content_decides_not_the_name() {
    let (_folder, path) = save(image::GrayImage::from_pixel(2, 2, Luma([9])), "a.JPEG", ImageFormat::Png);
    assert_eq!(decode_file(&path, 1, None).unwrap(), [9; 4]);
}

#[test]
fn damaged_pictures_name_the_file() {
    let (folder, path) = save(image::GrayImage::from_pixel(40, 40, Luma([9])), "a.png", ImageFormat::Png);
    let bytes = std::fs::read(&path).unwrap();
    let cut = folder.path().join("cut.png");
    for (length, at_probe) in [(20, true), (bytes.len() - 20, false)] {
        std::fs::write(&cut, &bytes[..length]).unwrap();
        assert_eq!(probe(&cut).is_err(), at_probe);
        let error = decode_file(&cut, 1, None).unwrap_err().to_string();
        assert!(error.contains("cut.png") && error.contains("cannot be read"), "{error}");
    }
}
