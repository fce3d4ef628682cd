//! Pictures of every kind that people have.

use super::*;
use distil_store::{ResizeFilter, ResizePolicy};
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
    assert_eq!(
        probe(&ImageFile::on_disk(path.clone())).unwrap(),
        ImageShape { channels: 1, height: 8, width: 8 }
    );
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
        assert_eq!(probe(&ImageFile::on_disk(cut.clone())).is_err(), at_probe);
        let error = decode_file(&cut, 1, None).unwrap_err().to_string();
        assert!(error.contains("cut.png") && error.contains("cannot be read"), "{error}");
    }
}

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The gradient that Pillow wrote: red 16x, green 30y, blue 200.
fn worst_from_gradient(name: &str) -> i32 {
    let planar = decode_file(&fixture(name), 3, None).unwrap();
    let expected = |at: usize| match at / 128 {
        0 => 16 * (at % 16),
        1 => 30 * (at % 128 / 16),
        _ => 200,
    };
    planar.iter().enumerate().map(|(at, &byte)| (i32::from(byte) - expected(at) as i32).abs()).max().unwrap()
}

#[test]
fn the_exif_orientation_is_ignored() {
    let rotated =
        decode(&fixture("rotated.jpg"), &std::fs::read(fixture("rotated.jpg")).unwrap(), 3, None).unwrap();
    assert_eq!((rotated.shape.height, rotated.shape.width), (8, 16), "orientation 6 would make it 16x8");
    assert_eq!(rotated.bytes, decode_file(&fixture("plain.jpg"), 3, None).unwrap());
}

#[test]
fn progressive_palette_and_cmyk_pictures_are_read() {
    for (name, tolerance) in [("plain.jpg", 40), ("progressive.jpg", 40), ("palette.png", 60)] {
        let worst = worst_from_gradient(name);
        assert!(worst <= tolerance, "{name}: {worst}");
    }
    let cmyk = decode_file(&fixture("cmyk.jpg"), 3, None).unwrap();
    for (channel, expected) in cmyk.chunks(128).zip([225, 49, 137]) {
        assert!(channel.iter().all(|&byte| (i32::from(byte) - expected).abs() <= 3), "{}", channel[0]);
    }
}

#[test]
fn sixteen_bits_are_rounded_to_eight() {
    let deep = decode_file(&fixture("deep.png"), 1, None).unwrap();
    for (index, &byte) in deep.iter().enumerate() {
        let expected = (2000.0 * index as f64 / 257.0).round();
        assert!((f64::from(byte) - expected).abs() <= 1.0, "{index}: {byte}, not {expected}");
    }
    assert_eq!(deep[31], 241);
}

#[test]
fn one_pixel_is_a_picture_of_any_size() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        let (_folder, path) = save(image::RgbImage::from_pixel(1, 1, Rgb([200, 100, 50])), "a.png", format);
        let one = decode_file(&path, 3, None).unwrap();
        assert_eq!(one.len(), 3);
        for policy in [ResizePolicy::Squash, ResizePolicy::CentreCrop] {
            let resize = Resize { policy, filter: ResizeFilter::Bicubic, height: 4, width: 4 };
            let large = decode_file(&path, 3, Some(resize)).unwrap();
            assert!((0..48).all(|at| large[at] == one[at / 16]), "{large:?}");
        }
    }
}

#[test]
fn a_jpeg_that_is_cut_off_anywhere_is_refused() {
    for name in ["plain.jpg", "progressive.jpg"] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        for length in 0..bytes.len() {
            let error = decode(Path::new("cut.jpg"), &bytes[..length], 3, None).unwrap_err().to_string();
            assert!(error.contains("cut.jpg") && error.contains("data.skip"), "{length}: {error}");
        }
    }
}

/// A header that announces more pixels than the file can hold, or than anyone needs, is refused before they are
/// allocated.
#[test]
fn decompression_bombs_are_refused() {
    let mut jpeg = std::fs::read(fixture("plain.jpg")).unwrap();
    let frame = jpeg.windows(2).position(|bytes| bytes == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0x1f, 0xff, 0x1f, 0xff]);
    let mut png = std::io::Cursor::new(Vec::new());
    image::GrayImage::new(2, 2).write_to(&mut png, ImageFormat::Png).unwrap();
    let mut png = png.into_inner();
    let announce = |png: &mut Vec<u8>, side: u32| {
        png[16..20].copy_from_slice(&side.to_be_bytes());
        png[20..24].copy_from_slice(&side.to_be_bytes());
        let mut crc = flate2::Crc::new();
        crc.update(&png[12..29]);
        png[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    };
    announce(&mut png, 8000);
    for bytes in [&jpeg, &png] {
        let error = decode(Path::new("bomb"), bytes, 3, None).unwrap_err().to_string();
        assert!(error.contains("bomb") && error.contains("cannot hold"), "{error}");
    }
    for side in [9000, 40_000] {
        announce(&mut png, side);
        let error = decode(Path::new("bomb"), &png, 1, None).unwrap_err().to_string();
        assert!(error.contains("bomb"), "{side}: {error}");
    }
    announce(&mut png, 16_000);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bomb.png");
    std::fs::write(&file, &png).unwrap();
    let resize = Resize { policy: ResizePolicy::Squash, filter: ResizeFilter::Bilinear, height: 4, width: 4 };
    let error = read_picture(&file, 3, resize).unwrap_err().to_string();
    assert!(error.contains("bomb.png") && error.contains("67108864 are read at most"), "{error}");
    // A picture of zeros that really is that large: 9000 x 9000 grey pixels in 80 kB.
    let mut large = std::io::Cursor::new(Vec::new());
    image::GrayImage::new(9000, 9000).write_to(&mut large, ImageFormat::Png).unwrap();
    let error = decode(Path::new("bomb"), large.get_ref(), 1, None).unwrap_err().to_string();
    assert!(error.contains("67108864 are read at most"), "{error}");
}

const LOSSLESS: [ImageFormat; 7] = [
    ImageFormat::Png,
    ImageFormat::WebP,
    ImageFormat::Bmp,
    ImageFormat::Gif,
    ImageFormat::Tiff,
    ImageFormat::Pnm,
    ImageFormat::Qoi,
];

/// A picture as a file of this format.
pub(crate) fn written(picture: image::RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::from(picture).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn encoded(format: ImageFormat) -> Vec<u8> {
    written(image::RgbImage::from_fn(20, 12, |x, y| Rgb([x as u8 * 9, y as u8 * 17, 50])), format)
}

#[test]
fn every_kind_that_is_read_gives_its_pixels() {
    for format in LOSSLESS {
        let picture = decode(Path::new("a"), &encoded(format), 3, None).unwrap();
        assert_eq!(picture.shape, ImageShape { channels: 3, height: 12, width: 20 }, "{format:?}");
        let expected = |at: usize| match at / 240 {
            0 => at % 20 * 9,
            1 => at % 240 / 20 * 17,
            _ => 50,
        };
        let worst = (0..720).map(|at| expected(at).abs_diff(picture.bytes[at].into())).max().unwrap();
        // 240 colours: a palette of GIF has 256, found by a network.
        assert!(worst <= if format == ImageFormat::Gif { 12 } else { 0 }, "{format:?}: {worst}");
    }
}

#[test]
fn of_a_moving_picture_the_first_frame_is_read() {
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
    for value in [0, 255] {
        let frame = image::RgbaImage::from_pixel(6, 4, Rgba([value, 0, 0, 255]));
        encoder.encode_frame(image::Frame::new(frame)).unwrap();
    }
    drop(encoder);
    assert_eq!(decode(Path::new("a.gif"), &bytes, 3, None).unwrap().bytes, [0; 72]);
}

/// A decoder that fills up what is missing would make a picture that nobody took.
#[test]
fn a_picture_of_any_kind_that_is_cut_off_is_refused() {
    for format in LOSSLESS {
        let bytes = encoded(format);
        for length in [0, 3, 12, bytes.len() / 4, bytes.len() / 2, bytes.len() * 3 / 4] {
            let result = decode(Path::new("cut"), &bytes[..length], 3, None);
            assert!(result.is_err(), "{format:?}: {length} of {} bytes", bytes.len());
        }
    }
}

/// Headers of every kind that announce 8000x8000 pixels, or more sides than are read, with hardly any bytes behind them.
#[test]
fn announcements_are_compared_with_the_file_whatever_its_kind() {
    let le = |side: u32| side.to_le_bytes();
    for side in [8000u32, 30_000] {
        let mut bmp = encoded(ImageFormat::Bmp);
        bmp[18..22].copy_from_slice(&le(side));
        bmp[22..26].copy_from_slice(&le(side));
        let mut gif = encoded(ImageFormat::Gif);
        gif[6..8].copy_from_slice(&le(side)[..2]);
        gif[8..10].copy_from_slice(&le(side)[..2]);
        let mut qoi = encoded(ImageFormat::Qoi);
        qoi[4..8].copy_from_slice(&side.to_be_bytes());
        qoi[8..12].copy_from_slice(&side.to_be_bytes());
        let pnm = format!("P6\n{side} {side}\n255\nxxxx").into_bytes();
        for bytes in [bmp, gif, qoi, pnm] {
            let error = decode(Path::new("bomb"), &bytes, 3, None).unwrap_err().to_string();
            let known = ["cannot hold", "are read at most", "invalid image dimensions"]
                .iter()
                .any(|word| error.contains(word));
            assert!(known && error.contains("bomb"), "{error}");
        }
    }
}
