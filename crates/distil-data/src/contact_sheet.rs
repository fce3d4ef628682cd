//! Pictures of a dataset at a glance.

use image::{Rgb, RgbImage};

use crate::{dataset::Split, error::Error, images::ImageShape};

/// Pixels between two pictures and around the sheet.
const GAP: usize = 2;
const BACKGROUND: Rgb<u8> = Rgb([255, 255, 255]);
/// The largest side of a sheet, in pixels.
const LARGEST_SIDE: usize = 1 << 16;

/// Pictures in `[0, 1]` with their labels: of a real part or of a synthetic set.
#[derive(Debug, Clone, Copy)]
pub struct Pictures<'a> {
    /// `[n, c, h, w]`; values outside `[0, 1]` are clamped.
    pub pixels: &'a [f32],
    /// Shape of one picture.
    pub shape: ImageShape,
    /// `[n]` classes.
    pub labels: &'a [u32],
}

/// Draws the first `per_class` pictures of each of `classes` classes, one row a class in the order of labels.
///
/// ```
/// use distil_data::{ImageShape, Pictures, contact_sheet};
/// let shape = ImageShape { channels: 1, height: 1, width: 1 };
/// let sheet = contact_sheet(Pictures { pixels: &[0.0, 1.0], shape, labels: &[1, 0] }, 2, 1)?;
/// assert_eq!((sheet.width(), sheet.height()), (5, 8));
/// assert_eq!(sheet.get_pixel(2, 5).0, [0, 0, 0]);
/// # Ok::<(), distil_data::Error>(())
/// ```
///
/// # Errors
/// [`Error::Count`] when pixels, shape and labels do not fit together, or the sheet would have more than 65536 pixels
/// to a side.
pub fn contact_sheet(pictures: Pictures<'_>, classes: usize, per_class: usize) -> Result<RgbImage, Error> {
    let Pictures { pixels, shape, labels } = pictures;
    let expected = labels.len() * shape.len();
    if pixels.len() != expected || shape.len() == 0 {
        return Err(Error::Count { what: "values of pictures".to_owned(), found: pixels.len(), expected });
    }
    let side = |count: usize, length: usize| count.saturating_mul(length + GAP).saturating_add(GAP);
    let (width, height) = (side(per_class, shape.width), side(classes, shape.height));
    if width.max(height) > LARGEST_SIDE {
        let what = "pixels to a side of the contact sheet (draw fewer pictures)".to_owned();
        return Err(Error::Count { what, found: width.max(height), expected: LARGEST_SIDE });
    }
    let mut sheet = RgbImage::from_pixel(width as u32, height as u32, BACKGROUND);
    let mut drawn = vec![0; classes];
    for (picture, &label) in pixels.chunks_exact(shape.len()).zip(labels) {
        let Some(column) = drawn.get_mut(label as usize).filter(|column| **column < per_class) else {
            continue;
        };
        let corner = [GAP + *column * (shape.width + GAP), GAP + label as usize * (shape.height + GAP)];
        draw(&mut sheet, picture, shape, corner);
        *column += 1;
    }
    Ok(sheet)
}

fn draw(sheet: &mut RgbImage, picture: &[f32], shape: ImageShape, [left, top]: [usize; 2]) {
    let area = shape.height * shape.width;
    // Grey is shown in all three channels; of more than three channels the first three are shown.
    let channel = |index: usize| if shape.channels >= 3 { index } else { 0 };
    for at in 0..area {
        let value = |index| (picture[channel(index) * area + at].clamp(0.0, 1.0) * 255.0).round() as u8;
        let (x, y) = (left + at % shape.width, top + at / shape.width);
        sheet.put_pixel(x as u32, y as u32, Rgb([value(0), value(1), value(2)]));
    }
}

impl Split {
    /// A [`contact_sheet`] of this part; `None` when it knows its images as network input only.
    ///
    /// # Errors
    /// As [`contact_sheet`].
    pub fn contact_sheet(&self, classes: usize, per_class: usize) -> Result<Option<RgbImage>, Error> {
        let first = |class| self.rows_of_class(class as u32).into_iter().take(per_class);
        let rows: Vec<usize> = (0..classes).flat_map(first).collect();
        let Some(pixels) = self.images.pictures(&rows) else { return Ok(None) };
        let labels = self.gather_labels(&rows);
        let pictures = Pictures { pixels: &pixels, shape: self.images.shape(), labels: &labels };
        contact_sheet(pictures, classes, per_class).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::Images;

    #[test]
    fn rows_are_classes_and_missing_pictures_stay_blank() {
        let shape = ImageShape { channels: 3, height: 2, width: 1 };
        let images = Images::from_u8(shape, vec![10, 20, 30, 40, 50, 60, 1, 2, 3, 4, 5, 6]).unwrap();
        let split = Split::new(images, vec![2, 0]).unwrap();
        let sheet = split.contact_sheet(3, 2).unwrap().unwrap();
        assert_eq!((sheet.width(), sheet.height()), (2 * 3 + 2, 3 * 4 + 2));
        assert_eq!(sheet.get_pixel(2, 2).0, [1, 3, 5]);
        assert_eq!(sheet.get_pixel(2, 11).0, [20, 40, 60]);
        assert_eq!(sheet.get_pixel(2, 6).0, [255; 3]);
        assert_eq!(sheet.get_pixel(5, 2).0, [255; 3]);
    }

    #[test]
    fn counts_and_sizes_are_checked() {
        let shape = ImageShape { channels: 1, height: 1, width: 1 };
        assert!(contact_sheet(Pictures { pixels: &[0.0], shape, labels: &[0, 1] }, 2, 1).is_err());
        assert!(contact_sheet(Pictures { pixels: &[0.0], shape, labels: &[0] }, usize::MAX, 1).is_err());
    }
}
