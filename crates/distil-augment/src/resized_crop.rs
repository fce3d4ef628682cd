//! What image classifiers are trained on: a random part of every image, and its mirror.

use distil_random::{Stream, below, uniform, unit};

use crate::{Augmentation, CropBox};

/// Draws of a box before the whole image is taken, as in torchvision.
const ATTEMPTS: usize = 10;
/// Width over height of a box, at least and at most.
const RATIO: [f32; 2] = [3.0 / 4.0, 4.0 / 3.0];

/// For each of `images` images of `height` × `width` pixels a box of between `least` and all of its area, with sides between
/// 3:4 and 4:3, both uniform (the ratio in its logarithm), as torchvision's `RandomResizedCrop(size, scale=(least, 1))`.
/// Where ten draws do not fit into the image, its largest centred part of such sides is taken.
pub fn draw_resized_crop(
    least: f64,
    images: usize,
    height: usize,
    width: usize,
    rng: &mut Stream,
) -> Augmentation {
    Augmentation::ResizedCrop((0..images).map(|_| crop_box(least, height, width, rng)).collect())
}

/// For each of `images` images whether it is mirrored: every other one on average.
pub fn draw_flip(images: usize, rng: &mut Stream) -> Augmentation {
    Augmentation::Flip((0..images).map(|_| unit(rng) < 0.5).collect())
}

fn crop_box(least: f64, height: usize, width: usize, rng: &mut Stream) -> CropBox {
    let area = (height * width) as f32;
    for _ in 0..ATTEMPTS {
        let target = area * uniform(rng, least as f32, 1.0);
        let ratio = uniform(rng, RATIO[0].ln(), RATIO[1].ln()).exp();
        let (w, h) = ((target * ratio).sqrt().round() as usize, (target / ratio).sqrt().round() as usize);
        if (1..=width).contains(&w) && (1..=height).contains(&h) {
            let (top, left) = (below(rng, height - h + 1), below(rng, width - w + 1));
            return CropBox { top, left, height: h, width: w };
        }
    }
    let shape = width as f32 / height as f32;
    let (h, w) = if shape < RATIO[0] {
        ((width as f32 / RATIO[0]).round() as usize, width)
    } else if shape > RATIO[1] {
        (height, (height as f32 * RATIO[1]).round() as usize)
    } else {
        (height, width)
    };
    CropBox { top: (height - h) / 2, left: (width - w) / 2, height: h, width: w }
}

#[cfg(test)]
mod tests {
    use distil_random::stream;

    use super::*;

    fn boxes(least: f64, height: usize, width: usize) -> Vec<CropBox> {
        let drawn = draw_resized_crop(least, 400, height, width, &mut stream(3, "test", 0));
        let Augmentation::ResizedCrop(boxes) = drawn else { panic!("another augmentation: {drawn:?}") };
        boxes
    }

    #[test]
    fn boxes_lie_inside_and_fill_their_ranges() {
        for (height, width) in [(32, 32), (20, 48), (7, 5)] {
            let all = boxes(0.08, height, width);
            assert!(all.iter().all(|b| b.top + b.height <= height && b.left + b.width <= width));
        }
        let all = boxes(0.08, 64, 64);
        let share = |b: &CropBox| (b.height * b.width) as f64 / 4096.0;
        let least = all.iter().map(share).fold(1.0, f64::min);
        assert!((0.07..0.12).contains(&least), "{least}");
        assert!(all.iter().map(share).fold(0.0, f64::max) > 0.9);
        let ratio = |b: &CropBox| b.width as f64 / b.height as f64;
        assert!(all.iter().all(|b| (0.68..1.47).contains(&ratio(b))));
        assert!(all.iter().any(|b| ratio(b) < 0.8) && all.iter().any(|b| ratio(b) > 1.25));
        assert!(all.iter().any(|b| b.top > 30) && all.iter().any(|b| b.left > 30));
    }

    #[test]
    fn what_never_fits_is_the_largest_centred_part() {
        let all = boxes(1.0, 10, 100);
        assert!(
            all.iter().all(|b| *b == CropBox { top: 0, left: 43, height: 10, width: 13 }),
            "{:?}",
            all[0]
        );
    }
}
