//! Pictures of 16 bits that use few of them: a camera's 12 bits, stored as they are, are nearly black, and rounded to 8
//! bits only 16 levels of them are left.

use std::path::Path;

use image::DynamicImage;

use crate::error::shown;

/// Bits of cameras and of pictures that were 8 bits once, from few to many.
const FEW: [u32; 4] = [8, 10, 12, 14];

/// How bright the pictures of 16 bits of a set are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Depth {
    /// Pictures of 16 bits.
    pictures: usize,
    /// The largest value in them.
    largest: u16,
}

impl Depth {
    pub(crate) fn of(picture: &DynamicImage) -> Self {
        let values: &[u16] = match picture {
            DynamicImage::ImageLuma16(image) => image.as_raw(),
            DynamicImage::ImageLumaA16(image) => return Self::of_colours(image.as_raw(), 2),
            DynamicImage::ImageRgb16(image) => image.as_raw(),
            DynamicImage::ImageRgba16(image) => return Self::of_colours(image.as_raw(), 4),
            _ => return Self::default(),
        };
        Self { pictures: 1, largest: values.iter().copied().max().unwrap_or(0) }
    }

    /// Without the last channel, which is opacity.
    fn of_colours(values: &[u16], channels: usize) -> Self {
        let colours = values.chunks_exact(channels).flat_map(|pixel| &pixel[..channels - 1]);
        Self { pictures: 1, largest: colours.copied().max().unwrap_or(0) }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.pictures += other.pictures;
        self.largest = self.largest.max(other.largest);
    }

    /// What is wrong with a set whose pictures use few of their bits.
    pub(crate) fn complaint(self, root: &Path) -> Option<String> {
        let Self { pictures, largest } = self;
        if pictures == 0 || largest == 0 {
            return None;
        }
        let bits = FEW.into_iter().find(|&bits| u32::from(largest) < 1 << bits)?;
        let (pictures, verb) = match pictures {
            1 => ("1 picture".to_owned(), "has"),
            more => (format!("{more} pictures"), "have"),
        };
        let levels = largest / 257 + 1;
        Some(format!(
            "{}: {pictures} of 16 bits {verb} no value above {largest}, as if {bits} bits were stored: rounded to 8 bits, at \
             most {levels} levels are left; multiply the values by {} and save them again",
            shown(root),
            1u32 << (16 - bits)
        ))
    }
}

#[cfg(test)]
mod tests {
    use image::{ImageBuffer, Luma, LumaA};

    use super::*;

    fn of(values: [u16; 2]) -> Depth {
        let image = ImageBuffer::<Luma<u16>, _>::from_raw(2, 1, values.to_vec()).unwrap();
        Depth::of(&DynamicImage::ImageLuma16(image))
    }

    #[test]
    fn few_bits_are_counted_over_the_whole_set() {
        for (largest, words) in [
            (4095, "no value above 4095, as if 12 bits were stored: rounded to 8 bits, at most 16 levels"),
            (1023, "as if 10 bits were stored: rounded to 8 bits, at most 4 levels"),
            (16383, "as if 14 bits were stored: rounded to 8 bits, at most 64 levels"),
        ] {
            let mut depth = of([0, largest]);
            depth.add(of([1, 2]));
            depth.add(Depth::of(&DynamicImage::new_luma8(2, 2)));
            let complaint = depth.complaint(Path::new("set")).unwrap();
            assert!(complaint.starts_with("set: 2 pictures") && complaint.contains(words), "{complaint}");
        }
        // A dark set of 12 bits does not use them all.
        for (largest, factor) in [(4095, 16), (1750, 16), (1000, 64), (255, 256), (9000, 4)] {
            let complaint = of([0, largest]).complaint(Path::new("set")).unwrap();
            assert!(complaint.contains(&format!("multiply the values by {factor} ")), "{complaint}");
        }
    }

    #[test]
    fn full_bits_a_black_set_and_opacity_are_no_reason() {
        let mut dark = of([0, 900]);
        dark.add(of([0, 50_000]));
        assert_eq!(dark.complaint(Path::new("set")), None, "a dark picture of a set with bright ones");
        assert_eq!(of([0, 0]).complaint(Path::new("set")), None);
        assert_eq!(Depth::default().complaint(Path::new("set")), None);
        let image = ImageBuffer::<LumaA<u16>, _>::from_raw(1, 1, vec![4095, 65535]).unwrap();
        let depth = Depth::of(&DynamicImage::ImageLumaA16(image));
        assert!(depth.complaint(Path::new("set")).is_some());
    }
}
