//! The parameters of the set and the errors of impossible ones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The smallest side of an image, in pixels.
const SMALLEST_SIDE: usize = 16;
/// The largest side of an image, in pixels: larger ones are slow to draw and add nothing.
const LARGEST_SIDE: usize = 1024;
/// The smallest circle around a glyph, in pixels, in which the ten shapes still differ.
const SMALLEST_GLYPH: f32 = 9.0;

/// What the images of the set look like and how many there are.
///
/// Only the glyph's shape depends on the class. Every other choice (place, size, rotation, colours, texture,
/// distractors) comes from its own stream, so two configurations that differ in one field differ in that
/// respect only: raising `clutter` adds distractors behind the same glyph at the same place (a larger glyph moves
/// towards the middle, where there is room for it). Fields that a file
/// leaves out are those of [`ClutterConfig::easy`].
///
/// ```
/// use distil_data::clutter::ClutterConfig;
/// let config = ClutterConfig { clutter: 0.9, ..ClutterConfig::easy() };
/// assert!(config.check().is_ok());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClutterConfig {
    /// Side of the square images in pixels, 16 to 1024.
    pub resolution: usize,
    /// Mean diameter of the circle around the glyph, as a fraction of the side, in (0, 1].
    pub object_size: f32,
    /// Relative half-width of the diameter's uniform spread, 0 to 0.5: 0.1 draws 90 % to 110 % of the mean.
    pub size_jitter: f32,
    /// Density of the distractors (strokes, dashes, arcs, corners) behind the glyph, 0 to 1.
    pub clutter: f32,
    /// Amplitude of the background's texture (value noise and stripes), 0 to 1.
    pub texture: f32,
    /// Training images of each of the ten classes, at least 1.
    pub train_per_class: usize,
    /// Test images of each of the ten classes, at least 1.
    pub test_per_class: usize,
}

impl Default for ClutterConfig {
    fn default() -> Self {
        Self::easy()
    }
}

impl ClutterConfig {
    /// Large glyphs, faint texture, few distractors.
    pub const fn easy() -> Self {
        Self {
            resolution: 32,
            object_size: 0.72,
            size_jitter: 0.12,
            clutter: 0.12,
            texture: 0.2,
            train_per_class: 200,
            test_per_class: 100,
        }
    }

    /// Small glyphs on a strong texture among many distractors.
    pub const fn hard() -> Self {
        Self { object_size: 0.42, size_jitter: 0.1, clutter: 0.8, texture: 0.8, ..Self::easy() }
    }

    /// Checks every range, and that the smallest glyph can be told apart and the largest one fits.
    ///
    /// # Errors
    /// [`ClutterError`] names the first field that is impossible and what to do about it.
    pub fn check(&self) -> Result<(), ClutterError> {
        if !(SMALLEST_SIDE..=LARGEST_SIDE).contains(&self.resolution) {
            return Err(ClutterError::Resolution { found: self.resolution });
        }
        for (field, found, low, high) in [
            ("object_size", self.object_size, 0.0, 1.0),
            ("size_jitter", self.size_jitter, 0.0, 0.5),
            ("clutter", self.clutter, 0.0, 1.0),
            ("texture", self.texture, 0.0, 1.0),
        ] {
            // Written so that NaN is refused too.
            if !(low..=high).contains(&found) {
                return Err(ClutterError::Range { field, found, low, high });
            }
        }
        for (field, found) in
            [("train_per_class", self.train_per_class), ("test_per_class", self.test_per_class)]
        {
            if found == 0 {
                return Err(ClutterError::NoImages { field });
            }
        }
        self.check_glyph()
    }

    fn check_glyph(&self) -> Result<(), ClutterError> {
        let smallest = self.object_size * (1.0 - self.size_jitter) * self.resolution as f32;
        if smallest < SMALLEST_GLYPH {
            return Err(ClutterError::TooSmall { pixels: smallest, needed: SMALLEST_GLYPH });
        }
        let largest = self.object_size * (1.0 + self.size_jitter);
        if largest > 1.0 {
            return Err(ClutterError::TooLarge { share: largest });
        }
        Ok(())
    }
}

/// Why a configuration of the clutter set cannot be drawn.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ClutterError {
    /// The images would be too small to hold ten different shapes, or needlessly large.
    #[error("clutter: resolution is {found}; set it between {SMALLEST_SIDE} and {LARGEST_SIDE} pixels")]
    Resolution {
        /// The side asked for, in pixels.
        found: usize,
    },
    /// A field lies outside its range or is not a number.
    #[error("clutter: {field} is {found}; set it between {low} and {high}")]
    Range {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        found: f32,
        /// Smallest permitted value.
        low: f32,
        /// Largest permitted value.
        high: f32,
    },
    /// A part of the set would be empty.
    #[error("clutter: {field} is 0; ask for at least one image of each class")]
    NoImages {
        /// Name of the field.
        field: &'static str,
    },
    /// The smallest glyphs would be blots of a few pixels.
    #[error(
        "clutter: object_size, size_jitter and resolution give glyphs of {pixels:.1} pixels, below the {needed} \
         at which the classes can be told apart; raise object_size or resolution, or lower size_jitter"
    )]
    TooSmall {
        /// Diameter of the smallest glyph in pixels.
        pixels: f32,
        /// The smallest diameter that is drawn.
        needed: f32,
    },
    /// The largest glyphs would not fit into the image.
    #[error(
        "clutter: object_size and size_jitter give glyphs of {share:.2} sides, which do not fit into the image; \
         lower object_size so that object_size * (1 + size_jitter) is at most 1"
    )]
    TooLarge {
        /// Diameter of the largest glyph as a fraction of the side.
        share: f32,
    },
    /// The image asked for is not part of the set.
    #[error(
        "clutter: image {index} was asked for, but this part of the set has {images}; use a smaller index"
    )]
    Index {
        /// The index asked for.
        index: usize,
        /// Images in that part.
        images: usize,
    },
}
