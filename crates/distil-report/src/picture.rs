//! One image as a PNG inside the page.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, GrayImage, ImageFormat, RgbImage};
use serde::Serialize;

/// Values this far outside `[0, 1]` round to the same grey level, so they need no stretching.
const TOLERANCE: f32 = 0.5 / 255.0;

/// A PNG as a data URI.
#[derive(Debug, Serialize)]
pub(crate) struct Picture {
    pub(crate) uri: String,
    /// Whether the image left `[0, 1]` and is shown stretched from its own lowest to its own highest value.
    pub(crate) stretched: bool,
}

impl Picture {
    /// Draws `pixels` [c, h, w]: grey for one channel, RGB for three, the mean over channels for other numbers.
    pub(crate) fn of(pixels: &[f32], shape: [usize; 3]) -> Self {
        let [channels, height, width] = shape;
        let plane = height * width;
        let shown: Vec<f32> = if channels == 1 || channels == 3 {
            pixels.to_vec()
        } else {
            (0..plane).map(|i| pixels.iter().skip(i).step_by(plane).sum::<f32>() / channels as f32).collect()
        };
        let (low, high) = range(&shown);
        let stretched = low < -TOLERANCE || high > 1.0 + TOLERANCE;
        let (low, high) = if stretched { (low, high) } else { (0.0, 1.0) };
        let level = |value: f32| (255.0 * ((value - low) / (high - low)).clamp(0.0, 1.0)).round() as u8;
        let (width, height) = (width as u32, height as u32);
        let image = if channels == 3 {
            let bytes = (0..plane).flat_map(|i| [0, 1, 2].map(|c| level(shown[c * plane + i]))).collect();
            DynamicImage::from(
                RgbImage::from_raw(width, height, bytes).expect("one byte per pixel and channel"),
            )
        } else {
            let bytes = shown.iter().copied().map(level).collect();
            DynamicImage::from(GrayImage::from_raw(width, height, bytes).expect("one byte per pixel"))
        };
        let mut png = Cursor::new(Vec::new());
        image.write_to(&mut png, ImageFormat::Png).expect("memory takes any image that fits into memory");
        Self { uri: format!("data:image/png;base64,{}", STANDARD.encode(png.into_inner())), stretched }
    }
}

/// Lowest and highest finite value; a constant image outside `[0, 1]` is stretched over one unit.
fn range(pixels: &[f32]) -> (f32, f32) {
    let finite = pixels.iter().copied().filter(|pixel| pixel.is_finite());
    let (low, high) = finite
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), pixel| (low.min(pixel), high.max(pixel)));
    match (low < high, low.is_finite()) {
        (true, _) => (low, high),
        (false, true) => (low.min(0.0), high.max(1.0)),
        (false, false) => (0.0, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::Picture;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    fn decoded(picture: &Picture) -> image::DynamicImage {
        let bytes = STANDARD.decode(picture.uri.strip_prefix("data:image/png;base64,").unwrap()).unwrap();
        image::load_from_memory(&bytes).unwrap()
    }

    #[test]
    fn colours_and_places_survive() {
        // 1 high, 2 wide: the left pixel red, the right one blue at half strength.
        let picture = Picture::of(&[1.0, 0.0, 0.0, 0.0, 0.0, 0.5], [3, 1, 2]);
        assert!(!picture.stretched);
        assert_eq!(decoded(&picture).to_rgb8().into_raw(), [255, 0, 0, 0, 0, 128]);
    }

    #[test]
    fn only_images_that_leave_the_range_are_stretched() {
        let inside = Picture::of(&[0.2, 0.4, 1.0005, -0.0005], [1, 2, 2]);
        assert!(!inside.stretched);
        assert_eq!(decoded(&inside).to_luma8().into_raw(), [51, 102, 255, 0]);
        let outside = Picture::of(&[-1.0, 0.0, 1.0, 3.0], [1, 2, 2]);
        assert!(outside.stretched);
        assert_eq!(decoded(&outside).to_luma8().into_raw(), [0, 64, 128, 255]);
    }

    #[test]
    fn odd_images_do_not_break() {
        assert_eq!(decoded(&Picture::of(&[7.0, 7.0], [1, 1, 2])).to_luma8().into_raw(), [255, 255]);
        Picture::of(&[f32::NAN, f32::INFINITY], [1, 2, 1]);
        assert_eq!(decoded(&Picture::of(&[0.0, 1.0, 0.4, 1.0], [2, 1, 2])).to_luma8().into_raw(), [51, 255]);
    }
}
