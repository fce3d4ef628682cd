use std::ops::Range;

use burn::tensor::Tensor;

use crate::{PatchOrder, color, geometry};

/// One augmentation with explicit parameters, one entry per image of the batch.
///
/// Each variant maps `x` \[n, c, h, w\] to a batch of the same shape, dtype and device. Pixels outside the
/// image count as zero (black in the normalised or whitened space the batch lives in).
#[derive(Debug, Clone, PartialEq)]
pub enum Augmentation {
    /// The images themselves.
    None,
    /// `x + b`; drawn in \[−0.5, 0.5).
    Brightness(Vec<f32>),
    /// `(x − m)·s + m` with `m` the mean over the channels of each pixel; drawn in \[0, 2).
    Saturation(Vec<f32>),
    /// `(x − m)·s + m` with `m` the mean over the whole image; drawn in \[0.5, 1.5).
    Contrast(Vec<f32>),
    /// Brightness, then saturation, then contrast.
    Color {
        /// As in [`Augmentation::Brightness`].
        brightness: Vec<f32>,
        /// As in [`Augmentation::Saturation`].
        saturation: Vec<f32>,
        /// As in [`Augmentation::Contrast`].
        contrast: Vec<f32>,
    },
    /// Shift by whole pixels, `(dy, dx)`: `out[i, j] = x[i + dy, j + dx]`.
    Crop(Vec<[i64; 2]>),
    /// A rectangle set to zero; where it leaves the image it sticks to the border.
    Cutout {
        /// Height and width of the rectangle in pixels.
        size: [usize; 2],
        /// Row and column of the rectangle's centre.
        offset: Vec<[i64; 2]>,
    },
    /// Mirror left to right.
    Flip(Vec<bool>),
    /// `(sx, sy)`: the output at normalised `(x, y)` (corners at ±1) reads the image at `(sx·x, sy·y)`,
    /// bilinearly. A scale above 1 shrinks the picture.
    Scale(Vec<[f32; 2]>),
    /// Angle in radians: the output at normalised `(x, y)` (corners at ±1) reads the image at
    /// `(x·cos − y·sin, x·sin + y·cos)`, bilinearly.
    Rotate(Vec<f32>),
    /// A box inside the image, stretched over all of it, bilinearly; as torchvision's `RandomResizedCrop` to the image's
    /// own size. Many outputs read one pixel, so the argument about atomic additions does not cover its gradient.
    ResizedCrop(Vec<CropBox>),
    /// Strips of rows and of columns in another order.
    ShufflePatches(Vec<PatchOrder>),
    /// Several, one after the other.
    Sequence(Vec<Augmentation>),
}

/// A box of whole pixels inside an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CropBox {
    /// First row.
    pub top: usize,
    /// First column.
    pub left: usize,
    /// Rows, at least 1.
    pub height: usize,
    /// Columns, at least 1.
    pub width: usize,
}

impl Augmentation {
    /// Applies the augmentation to `x` \[n, c, h, w\].
    ///
    /// Differentiable to first order; [`Augmentation::Brightness`] and [`Augmentation::Color`] are affine in
    /// `x`, all others linear. With parameters as [`Strategy::draw`](crate::Strategy::draw) draws them, the
    /// order of a GPU's atomic additions cannot change the gradient (argued in `sample.rs`).
    ///
    /// # Panics
    /// When the augmentation was drawn for another number of images than `x` holds: a mistake of the
    /// calling code, which no user input can cause.
    pub fn apply(&self, x: Tensor<4>) -> Tensor<4> {
        let images = x.dims()[0];
        let fits = self.counts().iter().all(|&count| count == images);
        assert!(
            fits,
            "augmentation parameters for {:?} images applied to a batch of {images}",
            self.counts()
        );
        match self {
            Self::None => x,
            Self::Brightness(shift) => color::brightness(x, shift),
            Self::Saturation(factor) => color::saturation(x, factor),
            Self::Contrast(factor) => color::contrast(x, factor),
            Self::Color { brightness, saturation, contrast } => {
                color::all(x, [brightness, saturation, contrast])
            }
            Self::Crop(shift) => geometry::crop(x, shift),
            Self::Cutout { size, offset } => geometry::cutout(x, *size, offset),
            Self::Flip(mirrored) => geometry::flip(x, mirrored),
            Self::Scale(scale) => geometry::scale(x, scale),
            Self::Rotate(angle) => geometry::rotate(x, angle),
            Self::ResizedCrop(boxes) => geometry::resized_crop(x, boxes),
            Self::ShufflePatches(orders) => geometry::shuffle_patches(x, orders),
            Self::Sequence(parts) => parts.iter().fold(x, |x, part| part.apply(x)),
        }
    }

    /// The parameters of the images in `range`: applying the slices of a partition of the batch to its
    /// micro-batches gives the same pixels, bit for bit, as applying the whole.
    ///
    /// # Panics
    /// When `range` leaves the batch.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        self.map_rows(range)
    }

    /// The parameters of the first image, for each of `images` images: the siamese form, in which
    /// batches of different sizes (real and synthetic) see one and the same transformation.
    ///
    /// # Panics
    /// When there is no first image.
    #[must_use]
    pub fn repeat(&self, images: usize) -> Self {
        self.map_rows(std::iter::repeat_n(0, images))
    }

    fn map_rows(&self, rows: impl Iterator<Item = usize> + Clone) -> Self {
        fn pick<T: Clone>(parameters: &[T], rows: impl Iterator<Item = usize>) -> Vec<T> {
            rows.map(|row| parameters[row].clone()).collect()
        }
        match self {
            Self::None => Self::None,
            Self::Brightness(shift) => Self::Brightness(pick(shift, rows)),
            Self::Saturation(factor) => Self::Saturation(pick(factor, rows)),
            Self::Contrast(factor) => Self::Contrast(pick(factor, rows)),
            Self::Color { brightness, saturation, contrast } => Self::Color {
                brightness: pick(brightness, rows.clone()),
                saturation: pick(saturation, rows.clone()),
                contrast: pick(contrast, rows),
            },
            Self::Crop(shift) => Self::Crop(pick(shift, rows)),
            Self::Cutout { size, offset } => Self::Cutout { size: *size, offset: pick(offset, rows) },
            Self::Flip(mirrored) => Self::Flip(pick(mirrored, rows)),
            Self::Scale(scale) => Self::Scale(pick(scale, rows)),
            Self::Rotate(angle) => Self::Rotate(pick(angle, rows)),
            Self::ResizedCrop(boxes) => Self::ResizedCrop(pick(boxes, rows)),
            Self::ShufflePatches(orders) => Self::ShufflePatches(pick(orders, rows)),
            Self::Sequence(parts) => {
                Self::Sequence(parts.iter().map(|part| part.map_rows(rows.clone())).collect())
            }
        }
    }

    /// Numbers of images the parameters were drawn for; none for [`Augmentation::None`], which fits all.
    fn counts(&self) -> Vec<usize> {
        match self {
            Self::None => Vec::new(),
            Self::Brightness(each) | Self::Saturation(each) | Self::Contrast(each) | Self::Rotate(each) => {
                vec![each.len()]
            }
            Self::Color { brightness, saturation, contrast } => {
                vec![brightness.len(), saturation.len(), contrast.len()]
            }
            Self::Crop(shift) => vec![shift.len()],
            Self::Cutout { offset, .. } => vec![offset.len()],
            Self::Flip(mirrored) => vec![mirrored.len()],
            Self::Scale(scale) => vec![scale.len()],
            Self::ResizedCrop(boxes) => vec![boxes.len()],
            Self::ShufflePatches(orders) => vec![orders.len()],
            Self::Sequence(parts) => parts.iter().flat_map(Self::counts).collect(),
        }
    }
}
