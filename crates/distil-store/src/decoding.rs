//! From what a synthetic set stores to the images that networks see, and back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What stands where the images do not fill whole tiles.
const PADDING: f32 = 0.5;

/// How the stored images of a synthetic set become the images that networks see. Images per class count what is stored.
///
/// ```
/// use distil_store::Decoding;
/// let tiles = Decoding::Tiles { factor: 2 };
/// assert_eq!(tiles.shape([10, 3, 32, 32]), [40, 3, 32, 32]);
/// let image = [0.0, 1.0, 2.0, 3.0];
/// let decoded = tiles.decode([1, 1, 2, 2], &image);                      // four tiles of one pixel each
/// assert_eq!(decoded[..8], [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
/// assert_eq!(tiles.transpose([1, 1, 2, 2], &decoded), [0.0, 4.0, 8.0, 12.0]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Decoding {
    /// The stored images themselves.
    #[default]
    Pixels,
    /// Multi-formation (IDC): each stored image is cut into factor × factor tiles, and each tile is enlarged to the full
    /// size, bilinearly, its own edge repeated. Images whose sides are no multiples of the factor are padded with 0.5
    /// below and on the right. All images' tile (0, 0) comes first, then (0, 1), row by row.
    Tiles {
        /// Tiles along each side, at least 1.
        factor: usize,
    },
}

impl Decoding {
    /// Whether networks see what is stored.
    pub fn is_pixels(&self) -> bool {
        *self == Self::Pixels
    }

    /// Images that one stored image becomes.
    pub fn images_per_stored(self) -> usize {
        self.factor().pow(2)
    }

    /// Shape of the decoded images, where `[n, c, h, w]` is that of the stored ones.
    pub fn shape(self, [n, c, h, w]: [usize; 4]) -> [usize; 4] {
        [n * self.images_per_stored(), c, h, w]
    }

    /// One entry for each decoded image, from one for each stored image: labels, or rows of logits.
    pub fn repeat<T: Clone>(self, stored: &[T]) -> Vec<T> {
        let times = self.images_per_stored();
        stored.iter().cycle().take(stored.len() * times).cloned().collect()
    }

    /// The images that networks see; `stored` is row-major of shape `[n, c, h, w]`.
    ///
    /// # Panics
    /// When `stored` is not of that shape.
    pub fn decode(self, shape: [usize; 4], stored: &[f32]) -> Vec<f32> {
        assert_eq!(stored.len(), shape.iter().product::<usize>(), "stored images of shape {shape:?}");
        let Some(tiling) = Tiling::of(self, shape) else { return stored.to_vec() };
        let mut decoded = vec![0.0; stored.len() * self.images_per_stored()];
        tiling.for_each_share(|to, from, share| {
            decoded[to] += share * from.map_or(PADDING, |from| stored[from]);
        });
        decoded
    }

    /// The transpose of [`Decoding::decode`]'s linear part: the gradient with respect to the stored images of shape
    /// `[n, c, h, w]`, from the gradient with respect to the decoded ones.
    ///
    /// # Panics
    /// When `gradient` is not of the decoded images' shape.
    pub fn transpose(self, shape: [usize; 4], gradient: &[f32]) -> Vec<f32> {
        let decoded = self.shape(shape);
        assert_eq!(gradient.len(), decoded.iter().product::<usize>(), "decoded images of shape {decoded:?}");
        let Some(tiling) = Tiling::of(self, shape) else { return gradient.to_vec() };
        let mut stored = vec![0.0; shape.iter().product()];
        tiling.for_each_share(|to, from, share| {
            if let Some(from) = from {
                stored[from] += share * gradient[to];
            }
        });
        stored
    }

    /// Stored images of shape `[n, c, h, w]` whose tiles are whole images, reduced by nearest neighbours: how IDC and its
    /// successors begin. `images` has those of the first stored image, row by row of its tiles, then those of the next.
    ///
    /// # Panics
    /// When there is not one image for each tile.
    pub fn mosaic(self, shape: [usize; 4], images: &[f32]) -> Vec<f32> {
        let ([n, c, h, w], factor) = (shape, self.factor());
        assert_eq!(images.len(), n * factor * factor * c * h * w, "an image for each tile");
        let tile = [h.div_ceil(factor), w.div_ceil(factor)];
        let nearest = |at: usize, tile: usize, side: usize| {
            ((at as f32 * (side as f32 / tile as f32)) as usize).min(side - 1)
        };
        let pixel = |index: usize| {
            let (x, y, channel, image) = (index % w, index / w % h, index / (w * h) % c, index / (w * h * c));
            let place = image * factor * factor + y / tile[0] * factor + x / tile[1];
            let (row, column) = (nearest(y % tile[0], tile[0], h), nearest(x % tile[1], tile[1], w));
            images[((place * c + channel) * h + row) * w + column]
        };
        (0..n * c * h * w).map(pixel).collect()
    }

    /// Why images of `[h, w]` cannot be decoded like this.
    pub fn fault(self, [h, w]: [usize; 2]) -> Option<String> {
        let factor = self.factor();
        (factor == 0 || factor > h.min(w))
            .then(|| format!("{h}x{w} images cannot be cut into {factor} tiles a side"))
    }

    fn factor(self) -> usize {
        match self {
            Self::Pixels => 1,
            Self::Tiles { factor } => factor,
        }
    }
}

/// A row (or column) of an enlarged tile: a mixture of two rows of the tile.
struct Mixture {
    rows: [usize; 2],
    shares: [f32; 2],
}

/// The rows of a tile of `tile` rows that is enlarged to `size`, as PyTorch's `interpolate` without `align_corners`.
fn mixtures(tile: usize, size: usize) -> Vec<Mixture> {
    let scale = tile as f32 / size as f32;
    let mixture = |row: usize| {
        let place = ((row as f32 + 0.5) * scale - 0.5).max(0.0);
        let low = (place as usize).min(tile - 1);
        let share = place - low as f32;
        Mixture { rows: [low, (low + 1).min(tile - 1)], shares: [1.0 - share, share] }
    };
    (0..size).map(mixture).collect()
}

/// How images are cut into tiles and enlarged.
struct Tiling {
    shape: [usize; 4],
    factor: usize,
    tile: [usize; 2],
    rows: Vec<Mixture>,
    columns: Vec<Mixture>,
}

impl Tiling {
    /// `None` where decoding changes nothing.
    fn of(decoding: Decoding, shape: [usize; 4]) -> Option<Self> {
        let ([_, _, h, w], factor) = (shape, decoding.factor());
        let tile = [h.div_ceil(factor), w.div_ceil(factor)];
        (factor > 1).then(|| Self {
            shape,
            factor,
            tile,
            rows: mixtures(tile[0], h),
            columns: mixtures(tile[1], w),
        })
    }

    /// Calls `share` with the place of every decoded pixel, the place of each of the four stored pixels it is made of (none in
    /// the padding) and its share.
    fn for_each_share(&self, mut share: impl FnMut(usize, Option<usize>, f32)) {
        let [n, c, h, w] = self.shape;
        let places = (0..self.factor).flat_map(|row| (0..self.factor).map(move |column| [row, column]));
        let mut to = 0;
        for [tile_row, tile_column] in places {
            let (top, left) = (tile_row * self.tile[0], tile_column * self.tile[1]);
            for plane in 0..n * c {
                for row in &self.rows {
                    for column in &self.columns {
                        for (y, of_row) in row.rows.iter().zip(row.shares) {
                            for (x, of_column) in column.rows.iter().zip(column.shares) {
                                let (y, x) = (top + y, left + x);
                                let inside = y < h && x < w;
                                share(to, inside.then_some((plane * h + y) * w + x), of_row * of_column);
                            }
                        }
                        to += 1;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Decoding;

    #[test]
    fn a_mosaic_is_of_small_pictures_of_whole_images() {
        let of = |value: f32| vec![value; 2 * 5 * 4];
        let mut images: Vec<f32> = (0..8).flat_map(|image| of(image as f32)).collect();
        images[0] = 9.0;
        let tiles = Decoding::Tiles { factor: 2 };
        let stored = tiles.mosaic([2, 2, 5, 4], &images);
        // Tiles of 3 × 2 pixels, of which the lower ones keep two rows.
        let first: Vec<&[f32]> = stored[..20].chunks(4).collect();
        assert_eq!(
            first,
            [
                [9.0, 0.0, 1.0, 1.0],
                [0.0, 0.0, 1.0, 1.0],
                [0.0, 0.0, 1.0, 1.0],
                [2.0, 2.0, 3.0, 3.0],
                [2.0, 2.0, 3.0, 3.0]
            ]
        );
        assert_eq!(stored[40..44], [4.0, 4.0, 5.0, 5.0]);
        assert_eq!(Decoding::Pixels.mosaic([8, 2, 5, 4], &images), images);
    }
}
