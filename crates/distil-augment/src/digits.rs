//! The augmentation of DC's evaluation on MNIST (`augment` of its public code, strategy `crop_scale_rotate`): for every image
//! another one of three changes. Students train on constants, so it works on the host and nothing is differentiated.

use burn::tensor::{Tensor, TensorData};
use distil_random::{Stream, below, uniform};

use crate::spline::Spline;

/// Pixels that a crop adds at each side.
const PADDING: usize = 4;
/// The largest change of a side, as a share.
const SCALE: f32 = 0.2;
/// Bound of the angle in degrees; whole degrees from −45 to 44.
const ANGLE: i64 = 45;

/// What happens to one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Cut out at this row and column of the image padded with the batch's mean.
    Crop([usize; 2]),
    /// Stretched to these sides by nearest neighbours, in the middle of zeros.
    Scale([usize; 2]),
    /// Turned by so many degrees by cubic splines, the batch's mean around it.
    Rotate(i64),
}

/// Crops, scales or rotates each of `images` `[n, c, h, w]`, one of the three with equal chance, as DC's evaluation on MNIST does.
///
/// A crop shifts by −4 to 3 pixels and a rotation turns by −45 to 44 degrees, both with the batch's mean (of each channel, and of
/// all) where there is no image; a scale changes each side by up to a fifth, with zeros there. The same stream gives the same
/// pixels on every device.
pub fn augment_digits(images: Tensor<4>, rng: &mut Stream) -> Tensor<4> {
    let ([n, channels, height, width], place) = (images.dims(), (images.device(), images.dtype()));
    let mut pixels: Vec<f32> = images.into_data().iter::<f32>().collect();
    let around = means(&pixels, channels, height * width);
    for image in pixels.chunks_mut(channels * height * width) {
        draw(rng, height, width).apply(image, &around, [height, width]);
    }
    let data = TensorData::new(pixels, [n, channels, height, width]);
    Tensor::from_data(data, (&place.0, place.1))
}

fn draw(rng: &mut Stream, height: usize, width: usize) -> Change {
    let side = |rng: &mut Stream, side: usize| {
        ((uniform(rng, 1.0 - SCALE, 1.0 + SCALE) * side as f32) as usize).max(1)
    };
    match below(rng, 3) {
        0 => Change::Crop([(); 2].map(|()| below(rng, 2 * PADDING))),
        1 => Change::Scale([side(rng, height), side(rng, width)]),
        _ => Change::Rotate(below(rng, 2 * ANGLE as usize) as i64 - ANGLE),
    }
}

/// Mean of each channel over the batch.
fn means(pixels: &[f32], channels: usize, plane: usize) -> Vec<f32> {
    let of = |channel: usize| {
        let planes = pixels.chunks(plane).skip(channel).step_by(channels);
        let sum: f64 = planes.flatten().map(|&pixel| f64::from(pixel)).sum();
        (sum * channels as f64 / pixels.len().max(1) as f64) as f32
    };
    (0..channels).map(of).collect()
}

impl Change {
    /// Changes one image, channel by channel; `around` are the means of the channels.
    pub(crate) fn apply(self, image: &mut [f32], around: &[f32], sides: [usize; 2]) {
        let overall = around.iter().sum::<f32>() / around.len() as f32;
        for (plane, &mean) in image.chunks_mut(sides[0] * sides[1]).zip(around) {
            let before = plane.to_vec();
            match self {
                Self::Crop(start) => shift(&before, plane, start, mean, sides),
                Self::Scale(to) => scale(&before, plane, to, sides),
                Self::Rotate(degrees) => rotate(&before, plane, degrees, overall, sides),
            }
        }
    }
}

fn shift(before: &[f32], after: &mut [f32], start: [usize; 2], mean: f32, sides: [usize; 2]) {
    fill(after, sides, |at| {
        let inside = |axis: usize| (at[axis] + start[axis]).checked_sub(PADDING).filter(|p| *p < sides[axis]);
        inside(0).zip(inside(1)).map_or(mean, |(row, column)| before[row * sides[1] + column])
    });
}

fn scale(before: &[f32], after: &mut [f32], to: [usize; 2], sides: [usize; 2]) {
    let frame = to.into_iter().chain(sides).max().expect("four sides");
    let read = |axis: usize, at: usize| {
        let place = at + (frame - sides[axis]) / 2;
        let inside = place.checked_sub((frame - to[axis]) / 2).filter(|inside| *inside < to[axis])?;
        let ratio = sides[axis] as f32 / to[axis] as f32;
        Some(((inside as f32 * ratio) as usize).min(sides[axis] - 1))
    };
    fill(after, sides, |[row, column]| {
        read(0, row).zip(read(1, column)).map_or(0.0, |(row, column)| before[row * sides[1] + column])
    });
}

/// As `scipy.ndimage.rotate` with its frame grown to hold the whole image, and the middle cut out of it.
fn rotate(before: &[f32], after: &mut [f32], degrees: i64, around: f32, sides: [usize; 2]) {
    let spline = Spline::new(before, sides);
    let (sin, cos) = (degrees as f64).to_radians().sin_cos();
    let [height, width] = sides.map(|side| side as f64);
    let frame = [(height * cos).abs() + (width * sin).abs(), (height * sin).abs() + (width * cos).abs()]
        .map(|side| (side + 0.5).floor());
    let middle = |side: f64| (side - 1.0) / 2.0;
    fill(after, sides, |at| {
        let [y, x] = [0, 1].map(|axis| {
            let first = ((frame[axis] - sides[axis] as f64) / 2.0).trunc();
            at[axis] as f64 + first - middle(frame[axis])
        });
        spline
            .at([cos * y + sin * x + middle(height), -sin * y + cos * x + middle(width)])
            .map_or(around, |value| value as f32)
    });
}

fn fill(after: &mut [f32], sides: [usize; 2], mut pixel: impl FnMut([usize; 2]) -> f32) {
    for (index, value) in after.iter_mut().enumerate() {
        *value = pixel([index / sides[1], index % sides[1]]);
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use distil_random::stream;

    use super::*;

    const SIDES: [usize; 2] = [6, 6];

    /// Image `number` of those that PyTorch and SciPy were given.
    fn image(number: usize) -> Vec<f32> {
        let pixel = |i: usize| ((i as f64 * 0.7).sin() + 0.3 * (i as f64 * 1.9).cos()) as f32;
        (36 * number..36 * (number + 1)).map(pixel).collect()
    }

    fn changed(number: usize, change: Change) -> Vec<f32> {
        let mut image = image(number);
        change.apply(&mut image, &[-0.000_443], SIDES);
        image
    }

    fn assert_near(got: &[f32], row: usize, wanted: [f32; 6]) {
        let got = &got[row * 6..][..6];
        assert!(got.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 2e-5), "row {row}: {got:?} {wanted:?}");
    }

    /// `scipy.ndimage.rotate(image, angle, axes=(-2, -1), cval=mean)` of SciPy 1.16, its middle.
    #[test]
    fn rotations_are_scipys() {
        const MEAN: f32 = -0.00044;
        let turned = changed(1, Change::Rotate(-45));
        assert_near(&turned, 0, [MEAN, MEAN, -0.90463, 0.41713, MEAN, MEAN]);
        assert_near(&turned, 3, [-0.33481, -0.66358, 1.19412, -0.44294, -0.78765, 1.09147]);
        // A frame of odd size: its middle is between two pixels.
        let turned = changed(1, Change::Rotate(17));
        assert_near(&turned, 1, [MEAN, 0.83636, 0.48703, 0.55818, 1.04149, 1.07779]);
        assert_near(&turned, 5, [MEAN, -0.85894, -1.15133, -0.85585, -0.60967, -0.78570]);
        let turned = changed(1, Change::Rotate(30));
        assert_near(&turned, 2, [-0.65088, -0.70174, -0.78999, -0.82511, -0.38733, 0.24251]);
        let same = changed(1, Change::Rotate(0));
        assert!(same.iter().zip(image(1)).all(|(a, b)| (a - b).abs() < 1e-5), "{same:?}");
    }

    /// `F.interpolate(image, [h, w])` of PyTorch 2.15 in the middle of zeros.
    #[test]
    fn scales_are_pytorchs_nearest_neighbours() {
        let wide = changed(0, Change::Scale([5, 7]));
        assert_near(&wide, 0, [0.0; 6]);
        assert_near(&wide, 1, [0.3, 0.3, 0.54723, 0.74816, 1.11362, 0.41037]);
        assert_near(&wide, 5, [-0.90163, -0.90163, -1.25466, -0.41035, 0.20370, 0.38837]);
        let tall = changed(0, Change::Scale([7, 4]));
        assert_near(&tall, 2, [0.0, -0.75353, -0.75963, -0.03653, 0.95360, 0.0]);
        let small = changed(0, Change::Scale([4, 5]));
        assert_near(&small, 1, [0.3, 0.54723, 0.74816, 1.11362, 0.41037, 0.0]);
        assert_near(&small, 5, [0.0; 6]);
    }

    #[test]
    fn crops_are_surrounded_by_the_mean() {
        const MEAN: f32 = -0.00044;
        let moved = changed(0, Change::Crop([0, 7]));
        assert_near(&moved, 3, [MEAN; 6]);
        assert_near(&moved, 4, [1.11362, 0.41037, -0.64993, MEAN, MEAN, MEAN]);
        assert_eq!(changed(0, Change::Crop([PADDING, PADDING])), image(0));
    }

    #[test]
    fn every_image_gets_its_own_change_in_the_published_ranges() {
        let mut rng = stream(3, "test", 0);
        let (mut shifts, mut sides, mut angles) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..3000 {
            match draw(&mut rng, 28, 20) {
                Change::Crop(start) => shifts.extend(start),
                Change::Scale(to) => sides.push(to),
                Change::Rotate(degrees) => angles.push(degrees),
            }
        }
        let counts = [shifts.len() / 2, sides.len(), angles.len()];
        assert!(counts.iter().all(|count| (900..1100).contains(count)), "{counts:?}");
        let extent = |values: Vec<i64>| (values.iter().min().copied(), values.iter().max().copied());
        assert_eq!(extent(shifts.iter().map(|s| *s as i64).collect()), (Some(0), Some(7)));
        assert_eq!(extent(angles), (Some(-45), Some(44)));
        assert_eq!(extent(sides.iter().map(|s| s[0] as i64).collect()), (Some(22), Some(33)));
        assert_eq!(extent(sides.iter().map(|s| s[1] as i64).collect()), (Some(16), Some(23)));
    }

    #[test]
    fn channels_of_an_image_move_together_each_with_its_own_mean() {
        let values: Vec<f32> =
            (0..2).flat_map(|_| [image(0), image(0).iter().map(|p| p + 5.0).collect()].concat()).collect();
        let images = Tensor::<4>::from_data(TensorData::new(values, [2, 2, 6, 6]), &Device::flex());
        let one = |index| {
            let changed = augment_digits(images.clone(), &mut stream(4, "test", index));
            changed.into_data().iter::<f32>().collect::<Vec<f32>>()
        };
        for index in 0..30 {
            assert_eq!(one(index), one(index));
            for image in one(index).chunks(72) {
                let (first, second) = image.split_at(36);
                let apart = first.iter().zip(second).filter(|(a, b)| (**b - **a - 5.0).abs() < 1e-4).count();
                // Where there is no image, a rotation has one mean for all channels and a scale has zeros.
                assert!(apart >= 12, "{apart} of 36");
            }
        }
    }
}
