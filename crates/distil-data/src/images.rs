//! Images of one shape in memory, and their way into a network.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Shape of one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageShape {
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// Rows, in pixels.
    pub height: usize,
    /// Columns, in pixels.
    pub width: usize,
}

impl ImageShape {
    /// Values of one image: channels × height × width.
    #[expect(clippy::len_without_is_empty, reason = "an image shape is not a container")]
    pub fn len(&self) -> usize {
        self.channels * self.height * self.width
    }
}

impl std::fmt::Display for ImageShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}

/// `n` images of one shape: bytes with the affine map that turns them into network input, or network input itself.
///
/// ```
/// use distil_data::{ImageShape, Images};
/// let shape = ImageShape { channels: 1, height: 1, width: 2 };
/// let images = Images::from_u8(shape, vec![0, 255, 51, 102])?;
/// assert_eq!(images.gather(&[1, 0]), [0.2, 0.4, 0.0, 1.0]);
/// assert_eq!(images.with_mean_std(&[0.5], &[0.5])?.gather(&[0]), [-1.0, 1.0]);
/// # Ok::<(), distil_data::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Images {
    shape: ImageShape,
    len: usize,
    /// Pixels as they were read (after resizing), `[n, c, h, w]`; empty where only network input is known.
    bytes: Vec<u8>,
    input: Input,
}

/// Pixel data are left out.
impl std::fmt::Debug for Images {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Images({} of {})", self.len, self.shape)
    }
}

#[derive(Clone, PartialEq)]
enum Input {
    /// Network input of every byte value, `[c, 256]`.
    Table(Vec<f32>),
    /// Network input, `[n, c, h, w]`.
    Values(Vec<f32>),
}

impl Images {
    /// Images from bytes `[n, c, h, w]`. Network input is byte / 255 until [`Images::with_mean_std`] says otherwise.
    ///
    /// # Errors
    /// [`Error::Count`] when the bytes are not a whole number of images.
    pub fn from_u8(shape: ImageShape, bytes: Vec<u8>) -> Result<Self, Error> {
        let len = whole_images(shape, bytes.len())?;
        let table =
            (0..shape.channels).flat_map(|_| (0..=255u8).map(|byte| f32::from(byte) / 255.0)).collect();
        Ok(Self { shape, len, bytes, input: Input::Table(table) })
    }

    /// Images that are network input already, `[n, c, h, w]` (after ZCA, or synthetic).
    ///
    /// # Errors
    /// [`Error::Count`] when the values are not a whole number of images.
    pub fn from_f32(shape: ImageShape, values: Vec<f32>) -> Result<Self, Error> {
        let len = whole_images(shape, values.len())?;
        Ok(Self { shape, len, bytes: Vec::new(), input: Input::Values(values) })
    }

    /// The same pixels with network input (byte / 255 − mean) / std, per channel.
    ///
    /// # Errors
    /// [`Error::Count`] when there is not one mean and one std per channel, or these images carry no bytes.
    pub fn with_mean_std(mut self, mean: &[f32], std: &[f32]) -> Result<Self, Error> {
        self.bytes_or_refuse()?;
        for (what, found) in [("channel means", mean.len()), ("channel standard deviations", std.len())] {
            if found != self.shape.channels {
                return Err(Error::Count { what: what.to_owned(), found, expected: self.shape.channels });
            }
        }
        let row = |(m, s): (&f32, &f32)| {
            let (m, s) = (*m, *s);
            (0..=255u8).map(move |byte| (f32::from(byte) / 255.0 - m) / s)
        };
        self.input = Input::Table(mean.iter().zip(std).flat_map(row).collect());
        Ok(self)
    }

    /// The same pixels with this network input, `[n, c, h, w]`; the bytes stay for display.
    ///
    /// # Errors
    /// [`Error::Count`] when there are not as many values as pixels.
    pub fn with_values(mut self, values: Vec<f32>) -> Result<Self, Error> {
        let expected = self.len * self.shape.len();
        if values.len() != expected {
            return Err(Error::Count {
                what: "values of network input".to_owned(),
                found: values.len(),
                expected,
            });
        }
        self.input = Input::Values(values);
        Ok(self)
    }

    fn bytes_or_refuse(&self) -> Result<(), Error> {
        let expected = self.len * self.shape.len();
        if self.bytes.len() == expected {
            return Ok(());
        }
        Err(Error::Count { what: "pixel bytes".to_owned(), found: self.bytes.len(), expected })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Shape of every image.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// Network input of the images at `rows`, `[rows, c, h, w]`. A row may occur more than once.
    ///
    /// # Panics
    /// When a row is not below [`Images::len`].
    pub fn gather(&self, rows: &[usize]) -> Vec<f32> {
        let size = self.shape.len();
        let mut out = Vec::with_capacity(rows.len() * size);
        for &row in rows {
            match &self.input {
                Input::Values(values) => out.extend_from_slice(&values[row * size..(row + 1) * size]),
                Input::Table(table) => self.look_up(table, row, &mut out),
            }
        }
        out
    }

    fn look_up(&self, table: &[f32], row: usize, out: &mut Vec<f32>) {
        let size = self.shape.len();
        let area = self.shape.height * self.shape.width;
        let image = &self.bytes[row * size..(row + 1) * size];
        for (channel, inputs) in image.chunks_exact(area).zip(table.chunks_exact(256)) {
            out.extend(channel.iter().map(|&byte| inputs[usize::from(byte)]));
        }
    }

    /// Pixels `[n, c, h, w]` as they were read, after resizing; `None` where only network input is known
    /// ([`Images::from_f32`]).
    pub fn bytes(&self) -> Option<&[u8]> {
        (self.bytes.len() == self.len * self.shape.len()).then_some(&self.bytes[..])
    }

    /// Pictures of the images at `rows` in `[0, 1]`, `[rows, c, h, w]`; `None` where only network input is known:
    /// [`crate::Transform::undo`] turns that into pictures.
    ///
    /// # Panics
    /// When a row is not below [`Images::len`].
    pub fn pictures(&self, rows: &[usize]) -> Option<Vec<f32>> {
        let (bytes, size) = (self.bytes()?, self.shape.len());
        let image =
            |&row: &usize| bytes[row * size..(row + 1) * size].iter().map(|&byte| f32::from(byte) / 255.0);
        Some(rows.iter().flat_map(image).collect())
    }

    /// The images at `rows`, in that order.
    ///
    /// # Panics
    /// When a row is not below [`Images::len`].
    #[must_use]
    pub fn subset(&self, rows: &[usize]) -> Self {
        let bytes = self.bytes().map(|bytes| copy_rows(bytes, self.shape.len(), rows)).unwrap_or_default();
        let input = match &self.input {
            Input::Table(table) => Input::Table(table.clone()),
            Input::Values(values) => Input::Values(copy_rows(values, self.shape.len(), rows)),
        };
        Self { shape: self.shape, len: rows.len(), bytes, input }
    }
}

fn copy_rows<T: Copy>(values: &[T], size: usize, rows: &[usize]) -> Vec<T> {
    let mut out = Vec::with_capacity(rows.len() * size);
    for &row in rows {
        out.extend_from_slice(&values[row * size..(row + 1) * size]);
    }
    out
}

fn whole_images(shape: ImageShape, values: usize) -> Result<usize, Error> {
    let size = shape.len();
    if size == 0 {
        return Err(Error::Count {
            what: format!("pixels of images of shape {shape}"),
            found: 0,
            expected: 1,
        });
    }
    if !values.is_multiple_of(size) {
        let what = format!("pixels of whole {shape} images");
        return Err(Error::Count { what, found: values, expected: values.next_multiple_of(size) });
    }
    Ok(values / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape { channels: 3, height: 1, width: 2 };

    #[test]
    fn every_channel_has_its_own_mean_and_std() {
        let images = Images::from_u8(SHAPE, vec![0, 255, 0, 255, 0, 255]).unwrap();
        let images = images.with_mean_std(&[0.0, 0.5, 1.0], &[1.0, 0.5, 0.25]).unwrap();
        assert_eq!(images.gather(&[0]), [0.0, 1.0, -1.0, 1.0, -4.0, 0.0]);
        assert_eq!(images.pictures(&[0]).unwrap(), [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    }

    #[test]
    fn a_subset_gathers_what_the_whole_gathers() {
        let images = Images::from_u8(SHAPE, (0..30).collect()).unwrap();
        assert_eq!(images.subset(&[4, 1, 1]).gather(&[0, 2]), images.gather(&[4, 1]));
        let values = Images::from_f32(SHAPE, (0..30u8).map(f32::from).collect()).unwrap();
        assert_eq!(values.subset(&[3]).gather(&[0]), values.gather(&[3]));
        assert!(values.bytes().is_none() && values.pictures(&[0]).is_none());
    }

    #[test]
    fn values_replace_the_input_and_keep_the_picture() {
        let images = Images::from_u8(SHAPE, vec![255; 6]).unwrap().with_values(vec![7.0; 6]).unwrap();
        assert_eq!(images.gather(&[0]), [7.0; 6]);
        assert_eq!(images.pictures(&[0]).unwrap(), [1.0; 6]);
        assert!(images.with_values(vec![7.0; 5]).is_err());
    }

    #[test]
    fn counts_that_do_not_fit_are_refused() {
        assert!(Images::from_u8(SHAPE, vec![0; 7]).is_err());
        assert!(Images::from_u8(ImageShape { width: 0, ..SHAPE }, Vec::new()).is_err());
        assert!(Images::from_f32(SHAPE, vec![0.0; 6]).unwrap().with_mean_std(&[0.0; 3], &[1.0; 3]).is_err());
        let images = Images::from_u8(SHAPE, vec![0; 6]).unwrap();
        assert!(images.with_mean_std(&[0.0; 3], &[1.0; 2]).is_err());
    }
}
