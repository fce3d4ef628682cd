//! `clutter`: a generated, seeded set of ten classes of drawn glyphs.
//!
//! The set is an instrument as much as a demonstration: object size, distractors and texture are parameters, the
//! class is carried by the glyph's outline alone, and the true object mask of every image is known. It needs no
//! download. Every image is a function of `(config, seed, part, index)` and of nothing else; the class is
//! `index % 10`.
//!
//! ```
//! use distil_data::clutter::{CLASS_NAMES, ClutterConfig, Part, generate};
//! let config = ClutterConfig { train_per_class: 2, ..ClutterConfig::hard() };
//! let images = generate(&config, 0, Part::Train)?;
//! assert_eq!(images.shape, [20, 3, 32, 32]);
//! assert_eq!(CLASS_NAMES[images.labels[7] as usize], "heart");
//! assert!(images.background_share(7) > 0.8);
//! # Ok::<(), distil_data::clutter::ClutterError>(())
//! ```

mod canvas;
mod config;
mod scene;
mod shape;
#[cfg(test)]
mod tests;

pub use config::{ClutterConfig, ClutterError};
pub use shape::CLASS_NAMES;

use distil_random::{stream, uniform};
use serde::{Deserialize, Serialize};

use self::{
    canvas::Canvas,
    scene::{Palette, Pose, background, scatter},
    shape::glyph,
};

/// Sub-samples along each side of a pixel that the glyph's border crosses.
const SUBSAMPLES: usize = 4;
/// Half-width of the sensor-like noise on every channel.
const GRAIN: f32 = 0.02;

/// The two disjoint parts of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Images to train on.
    Train,
    /// Images to test on; no draw is shared with the training images.
    Test,
}

impl Part {
    fn per_class(self, config: &ClutterConfig) -> usize {
        match self {
            Self::Train => config.train_per_class,
            Self::Test => config.test_per_class,
        }
    }

    /// Purpose of the stream that draws one aspect of this part's images.
    fn purpose(self, aspect: &str) -> String {
        match self {
            Self::Train => format!("clutter train {aspect}"),
            Self::Test => format!("clutter test {aspect}"),
        }
    }
}

/// One image of the set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClutterImage {
    /// `[3, h, w]`, row-major.
    pub pixels: Vec<u8>,
    /// Class, an index into [`CLASS_NAMES`].
    pub label: u32,
    /// `[h, w]`: true where the glyph covers at least half of the pixel.
    pub mask: Vec<bool>,
}

/// A part of the set, in index order: classes take turns, so every block of ten images holds one of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClutterImages {
    /// `[n, 3, h, w]`.
    pub shape: [usize; 4],
    /// `[n, 3, h, w]`, row-major.
    pub pixels: Vec<u8>,
    /// `[n]`, indices into [`CLASS_NAMES`].
    pub labels: Vec<u32>,
    /// `[n, h, w]`: true where the glyph covers at least half of the pixel.
    pub masks: Vec<bool>,
}

impl ClutterImages {
    /// The true object mask of one image, `[h, w]`.
    ///
    /// # Panics
    /// When `index` is not below `n`.
    pub fn mask(&self, index: usize) -> &[bool] {
        let area = self.shape[2] * self.shape[3];
        &self.masks[index * area..(index + 1) * area]
    }

    /// Share of one image's pixels that is not object, in `[0, 1]`: its true complexity in the sense of Comp-DD.
    ///
    /// # Panics
    /// When `index` is not below `n`.
    pub fn background_share(&self, index: usize) -> f32 {
        let mask = self.mask(index);
        mask.iter().filter(|&&object| !object).count() as f32 / mask.len() as f32
    }
}

/// Draws a whole part of the set.
///
/// # Errors
/// [`ClutterError`] when the configuration is impossible.
pub fn generate(config: &ClutterConfig, seed: u64, part: Part) -> Result<ClutterImages, ClutterError> {
    config.check()?;
    let (n, side) = (CLASS_NAMES.len() * part.per_class(config), config.resolution);
    let mut images = ClutterImages {
        shape: [n, 3, side, side],
        pixels: Vec::with_capacity(n * 3 * side * side),
        labels: Vec::with_capacity(n),
        masks: Vec::with_capacity(n * side * side),
    };
    for index in 0..n {
        let image = paint(config, seed, part, index);
        images.pixels.extend(image.pixels);
        images.labels.push(image.label);
        images.masks.extend(image.mask);
    }
    Ok(images)
}

/// Draws one image, the same as [`generate`] puts at `index`.
///
/// # Errors
/// [`ClutterError`] when the configuration is impossible or `index` is past the end of the part.
pub fn draw(
    config: &ClutterConfig,
    seed: u64,
    part: Part,
    index: usize,
) -> Result<ClutterImage, ClutterError> {
    config.check()?;
    let images = CLASS_NAMES.len() * part.per_class(config);
    if index >= images {
        return Err(ClutterError::Index { index, images });
    }
    Ok(paint(config, seed, part, index))
}

/// Each aspect has its own stream: changing one parameter leaves the draws of the others alone.
fn paint(config: &ClutterConfig, seed: u64, part: Part, index: usize) -> ClutterImage {
    let label = index % CLASS_NAMES.len();
    let draws = |aspect| stream(seed, &part.purpose(aspect), index as u64);
    let pose = Pose::draw(config, &mut draws("pose"));
    let palette = Palette::draw(&mut draws("palette"));
    let mut canvas = background(config, &palette, &mut draws("texture"));
    scatter(config, &palette, &mut canvas, &mut draws("distractors"));
    let mask = lay_glyph(&mut canvas, &palette, &pose, label);
    let mut grain = draws("grain");
    ClutterImage { pixels: canvas.quantise(|| uniform(&mut grain, -GRAIN, GRAIN)), label: label as u32, mask }
}

/// Draws the glyph over everything else and returns its mask.
fn lay_glyph(canvas: &mut Canvas, palette: &Palette, pose: &Pose, label: usize) -> Vec<bool> {
    let side = canvas.side();
    let mut mask = vec![false; side * side];
    canvas.lay(palette.glyph, pose.centre, pose.radius, |p| {
        let share = coverage(pose, label, p, 1.0 / side as f32);
        let (x, y) = ((p[0] * side as f32) as usize, (p[1] * side as f32) as usize);
        mask[y * side + x] = share >= 0.5;
        share
    });
    mask
}

/// Share of the pixel of width `pixel` around `centre` that the glyph covers.
fn coverage(pose: &Pose, label: usize, centre: [f32; 2], pixel: f32) -> f32 {
    let distance = glyph(label, pose.local(centre)) * pose.radius;
    // The pixel's corners are at most 0.71 pixels away from its centre.
    if distance.abs() > 0.71 * pixel {
        return if distance < 0.0 { 1.0 } else { 0.0 };
    }
    let offset = |i: usize| ((i as f32 + 0.5) / SUBSAMPLES as f32 - 0.5) * pixel;
    let inside = (0..SUBSAMPLES * SUBSAMPLES)
        .filter(|i| {
            let p = [centre[0] + offset(i % SUBSAMPLES), centre[1] + offset(i / SUBSAMPLES)];
            glyph(label, pose.local(p)) < 0.0
        })
        .count();
    inside as f32 / (SUBSAMPLES * SUBSAMPLES) as f32
}
