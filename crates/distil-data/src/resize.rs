//! Bringing images to one size.

use fast_image_resize::{
    FilterType, ResizeAlg, ResizeOptions, Resizer,
    images::{TypedImage, TypedImageRef},
    pixels::U8,
};

use distil_store::{Resize, ResizeFilter, ResizePolicy};

use crate::{
    error::Error,
    images::{ImageShape, Images},
};

/// The largest side asked for, in pixels.
pub(crate) const LARGEST_SIDE: usize = 4096;

/// One planar image `[c, h, w]` to the size of `resize`. An image that has it already is returned unchanged.
pub(crate) fn resize_planar(bytes: &[u8], from: ImageShape, resize: Resize) -> Result<Vec<u8>, Error> {
    if (from.height, from.width) == (resize.height, resize.width) {
        return Ok(bytes.to_vec());
    }
    let options = options(resize);
    let mut resizer = Resizer::new();
    let mut out = Vec::with_capacity(from.channels * resize.height * resize.width);
    for plane in bytes.chunks_exact(from.height * from.width) {
        let refuse =
            |problem: String| Error::config("resolution", format!("{from} to {resize:?}: {problem}"));
        let source = TypedImageRef::<U8>::from_buffer(from.width as u32, from.height as u32, plane)
            .map_err(|e| refuse(e.to_string()))?;
        let mut target = TypedImage::<U8>::new(resize.width as u32, resize.height as u32);
        // Typed: `resize` would compile every filter for all fourteen pixel types, a minute of each build.
        resizer.resize_typed(&source, &mut target, &options).map_err(|e| refuse(e.to_string()))?;
        out.extend(target.pixels().iter().map(|pixel| pixel.0));
    }
    Ok(out)
}

/// All images of a set.
pub(crate) fn resize_images(images: &Images, resize: Resize) -> Result<Images, Error> {
    let from = images.shape();
    let bytes = images.bytes().unwrap_or_default();
    let mut out = Vec::with_capacity(images.len() * from.channels * resize.height * resize.width);
    for image in bytes.chunks_exact(from.len()) {
        out.extend(resize_planar(image, from, resize)?);
    }
    Images::from_u8(ImageShape { height: resize.height, width: resize.width, ..from }, out)
}

fn options(resize: Resize) -> ResizeOptions {
    let algorithm = match resize.filter {
        ResizeFilter::Bilinear => ResizeAlg::Convolution(FilterType::Bilinear),
        ResizeFilter::Bicubic => ResizeAlg::Convolution(FilterType::CatmullRom),
        ResizeFilter::Lanczos3 => ResizeAlg::Convolution(FilterType::Lanczos3),
        ResizeFilter::Nearest => ResizeAlg::Nearest,
    };
    let options = ResizeOptions::new().resize_alg(algorithm);
    match resize.policy {
        ResizePolicy::Squash => options,
        ResizePolicy::CentreCrop => options.fit_into_destination(Some((0.5, 0.5))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: ImageShape = ImageShape { channels: 2, height: 2, width: 6 };

    fn to(policy: ResizePolicy, filter: ResizeFilter) -> Resize {
        Resize { policy, filter, height: 1, width: 1 }
    }

    /// Only the middle 2×2 of the first channel is bright.
    fn wide() -> Vec<u8> {
        let row = [0, 0, 240, 240, 0, 0];
        [row, row, [9; 6], [9; 6]].concat()
    }

    #[test]
    fn squash_keeps_everything_and_crop_keeps_the_middle() {
        let size = |policy| resize_planar(&wide(), FROM, to(policy, ResizeFilter::Bilinear)).unwrap();
        // As if the whole had been scaled to 1x3 and then cut: the filter (weights 1:3:3:1) sees beyond the cut.
        assert_eq!(size(ResizePolicy::CentreCrop), [180, 9]);
        let squashed = size(ResizePolicy::Squash);
        // The triangle reaches six columns to each side: 5.5 : 4.5 : 3.5 from the middle outwards.
        assert_eq!(squashed, [(240.0f32 * 5.5 / 13.5).round() as u8, 9]);
    }

    #[test]
    fn a_flat_image_stays_flat_with_every_filter() {
        for filter in
            [ResizeFilter::Bilinear, ResizeFilter::Bicubic, ResizeFilter::Lanczos3, ResizeFilter::Nearest]
        {
            for policy in [ResizePolicy::Squash, ResizePolicy::CentreCrop] {
                let resize = Resize { policy, filter, height: 5, width: 3 };
                assert_eq!(resize_planar(&[77; 24], FROM, resize).unwrap(), [77; 30]);
            }
        }
    }

    #[test]
    fn the_right_size_is_left_alone() {
        let resize = Resize { height: 2, width: 6, ..to(ResizePolicy::Squash, ResizeFilter::Lanczos3) };
        assert_eq!(resize_planar(&wide(), FROM, resize).unwrap(), wide());
    }
}
