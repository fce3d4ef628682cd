//! How pixels become network input, and back.

use std::path::Path;
use std::sync::Arc;

use distil_zca::Zca;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{error::Error, images::ImageShape, zca_cache};

/// How images of other sizes are brought to one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ResizePolicy {
    /// Rows and columns are scaled on their own; the aspect ratio is lost. What the trajectory-matching papers do.
    #[default]
    Squash,
    /// Scaled until it just covers the wanted size, aspect ratio kept; what sticks out is cut off on both sides.
    CentreCrop,
}

/// The resampling filter. All but `nearest` widen with the reduction (antialiasing).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ResizeFilter {
    /// Triangle filter, antialiased: torchvision's default on pictures.
    #[default]
    Bilinear,
    /// Cubic filter (Catmull–Rom), antialiased.
    Bicubic,
    /// Windowed sinc, antialiased.
    Lanczos3,
    /// The nearest pixel; no antialiasing.
    Nearest,
}

/// A resize that was applied to every image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resize {
    /// What happens to the aspect ratio.
    pub policy: ResizePolicy,
    /// The resampling filter.
    pub filter: ResizeFilter,
    /// Rows after it.
    pub height: usize,
    /// Columns after it.
    pub width: usize,
}

/// Everything between a file's pixels and network input. It is part of the card of every synthetic set: a set
/// evaluated with other preprocessing than it was learned with scores at chance.
///
/// ```
/// use distil_data::{ImageShape, Normalisation, Preprocessing};
/// let preprocessing = Preprocessing {
///     resize: None,
///     normalisation: Normalisation::MeanStd { mean: vec![0.25], std: vec![0.5] },
/// };
/// let shape = ImageShape { channels: 1, height: 1, width: 2 };
/// let input = preprocessing.apply(shape, &[0.25, 0.75])?;
/// assert_eq!(input, [0.0, 1.0]);
/// assert_eq!(preprocessing.undo(shape, &input)?, [0.25, 0.75]);
/// # Ok::<(), distil_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// The resize; `None` when the pixels are the file's own.
    pub resize: Option<Resize>,
    /// From pixels in `[0, 1]` to network input.
    pub normalisation: Normalisation,
}

/// The map from pixels in `[0, 1]` to network input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Normalisation {
    /// Network input is the pixel in `[0, 1]`.
    Identity,
    /// (x − mean) / std for each channel.
    MeanStd {
        /// One mean per channel, of pixels in `[0, 1]`.
        mean: Vec<f32>,
        /// One standard deviation per channel.
        std: Vec<f32>,
    },
    /// ZCA whitening of the whole image, fitted on the training part.
    Zca(Whitening),
}

/// How two preprocessings differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// The steps are the same, but mean and standard deviation, or the ZCA matrices, were computed from other images:
    /// files of a folder were changed, added or removed, or its parts were drawn with another seed.
    Statistics,
    /// Other steps: another resize or another kind of normalisation.
    Steps,
}

/// Which ZCA fit was applied, with its matrices where they are loaded.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whitening {
    /// Added to every eigenvalue of the covariance; 0.1 in the literature.
    pub eps: f64,
    /// Digest of the images and the eps that the matrices were fitted on, in hex.
    pub fit_digest: String,
    /// The fitted matrices. Not part of the card (they take 150 MB for 32×32 colour images).
    #[serde(skip)]
    pub matrices: Option<Arc<Zca>>,
}

/// Two whitenings are equal when they are the same fit, loaded or not.
impl PartialEq for Whitening {
    fn eq(&self, other: &Self) -> bool {
        self.fit_digest == other.fit_digest && self.eps.to_bits() == other.eps.to_bits()
    }
}

impl Whitening {
    fn matrices(&self) -> Result<&Zca, Error> {
        self.matrices.as_deref().ok_or_else(|| Error::NoMatrix { digest: self.fit_digest.clone() })
    }
}

impl Preprocessing {
    /// Pixels in `[0, 1]`, `[n, c, h, w]`, to network input.
    ///
    /// # Errors
    /// [`Error::Count`] (ZCA: [`Error::Zca`]) when the values are not whole images of `shape`, [`Error::NoMatrix`] for ZCA
    /// without matrices.
    pub fn apply(&self, shape: ImageShape, pixels: &[f32]) -> Result<Vec<f32>, Error> {
        match &self.normalisation {
            Normalisation::Identity => Ok(pixels.to_vec()),
            Normalisation::MeanStd { mean, std } => {
                per_channel(shape, pixels, mean, std, |x, m, s| (x - m) / s)
            }
            Normalisation::Zca(whitening) => Ok(whitening.matrices()?.whiten_f32(pixels)?),
        }
    }

    /// Network input, `[n, c, h, w]`, back to pixels, clamped to `[0, 1]` for display.
    ///
    /// # Errors
    /// [`Error::Count`] (ZCA: [`Error::Zca`]) when the values are not whole images of `shape`, [`Error::NoMatrix`] for ZCA
    /// without matrices.
    pub fn undo(&self, shape: ImageShape, input: &[f32]) -> Result<Vec<f32>, Error> {
        let mut pixels = self.invert(shape, input)?;
        for x in &mut pixels {
            *x = x.clamp(0.0, 1.0);
        }
        Ok(pixels)
    }

    /// Network input, `[n, c, h, w]`, back to pixels that may lie outside `[0, 1]`, as those of synthetic images do:
    /// what another preprocessing can be applied to.
    ///
    /// # Errors
    /// As [`Preprocessing::undo`].
    pub fn invert(&self, shape: ImageShape, input: &[f32]) -> Result<Vec<f32>, Error> {
        match &self.normalisation {
            Normalisation::Identity => Ok(input.to_vec()),
            Normalisation::MeanStd { mean, std } => per_channel(shape, input, mean, std, |x, m, s| x * s + m),
            Normalisation::Zca(whitening) => Ok(whitening.matrices()?.unwhiten_f32(input)?),
        }
    }

    /// How `other` differs, if it does: a set made with one must not be evaluated with the other, but what the user can
    /// do about it is not the same for changed images as for changed settings.
    pub fn difference(&self, other: &Self) -> Option<Difference> {
        if self == other {
            return None;
        }
        let same_kind = match (&self.normalisation, &other.normalisation) {
            (Normalisation::MeanStd { mean: a, .. }, Normalisation::MeanStd { mean: b, .. }) => {
                a.len() == b.len()
            }
            (Normalisation::Zca(a), Normalisation::Zca(b)) => a.eps.to_bits() == b.eps.to_bits(),
            _ => false,
        };
        Some(if same_kind && self.resize == other.resize {
            Difference::Statistics
        } else {
            Difference::Steps
        })
    }

    /// Loads the matrices of a ZCA fit from a cache folder (after reading a card); other kinds need nothing.
    ///
    /// # Errors
    /// [`Error::NoMatrix`] when the folder does not hold the fit, or [`Error::Io`].
    pub fn load_matrix(&mut self, cache_dir: &Path) -> Result<(), Error> {
        let Normalisation::Zca(whitening) = &mut self.normalisation else { return Ok(()) };
        if whitening.matrices.is_none() {
            let found = zca_cache::read(cache_dir, &whitening.fit_digest)?;
            let missing = || Error::NoMatrix { digest: whitening.fit_digest.clone() };
            whitening.matrices = Some(Arc::new(found.ok_or_else(missing)?));
        }
        Ok(())
    }
}

fn per_channel(
    shape: ImageShape,
    values: &[f32],
    mean: &[f32],
    std: &[f32],
    map: impl Fn(f32, f32, f32) -> f32,
) -> Result<Vec<f32>, Error> {
    if mean.len() != shape.channels || std.len() != shape.channels {
        let what = "channel means of the preprocessing".to_owned();
        return Err(Error::Count { what, found: mean.len().min(std.len()), expected: shape.channels });
    }
    if shape.len() == 0 || !values.len().is_multiple_of(shape.len()) {
        let expected = values.len().next_multiple_of(shape.len().max(1));
        return Err(Error::Count {
            what: format!("pixels of whole {shape} images"),
            found: values.len(),
            expected,
        });
    }
    let planes = values.chunks_exact(shape.height * shape.width);
    let channels = mean.iter().zip(std).cycle();
    Ok(planes
        .zip(channels)
        .flat_map(|(plane, (&m, &s))| plane.iter().map(|&x| map(x, m, s)).collect::<Vec<_>>())
        .collect())
}

impl std::fmt::Display for Preprocessing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(Resize { policy, filter, height, width }) = self.resize {
            write!(f, "{policy:?} to {height}x{width} ({filter:?}), ")?;
        }
        match &self.normalisation {
            Normalisation::Identity => write!(f, "pixels in [0, 1]"),
            Normalisation::MeanStd { mean, std } => write!(f, "mean {mean:.4?}, std {std:.4?}"),
            Normalisation::Zca(Whitening { eps, fit_digest, .. }) => {
                write!(f, "ZCA (eps {eps}, fit {})", &fit_digest[..fit_digest.len().min(12)])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape { channels: 2, height: 1, width: 2 };

    fn mean_std() -> Preprocessing {
        let normalisation = Normalisation::MeanStd { mean: vec![0.5, 0.25], std: vec![0.5, 0.125] };
        Preprocessing { resize: None, normalisation }
    }

    #[test]
    fn undo_inverts_apply_and_clamps() {
        let pixels = [0.0, 1.0, 0.25, 0.5, 0.5, 0.75, 0.0, 1.0];
        let input = mean_std().apply(SHAPE, &pixels).unwrap();
        assert_eq!(&input[..4], [-1.0, 1.0, 0.0, 2.0]);
        assert_eq!(mean_std().undo(SHAPE, &input).unwrap(), pixels);
        assert_eq!(mean_std().undo(SHAPE, &[-9.0, 9.0, 0.0, 0.0]).unwrap(), [0.0, 1.0, 0.25, 0.25]);
        assert_eq!(mean_std().invert(SHAPE, &[-9.0, 9.0, 0.0, 0.0]).unwrap(), [-4.0, 5.0, 0.25, 0.25]);
        assert!(mean_std().undo(SHAPE, &[0.0; 3]).is_err());
        assert!(mean_std().undo(ImageShape { channels: 1, ..SHAPE }, &[0.0; 4]).is_err());
    }

    #[test]
    fn a_card_survives_json_and_unknown_keys_do_not() {
        let resize = Resize {
            policy: ResizePolicy::CentreCrop,
            filter: ResizeFilter::Lanczos3,
            height: 64,
            width: 64,
        };
        let whitening = Whitening { eps: 0.1, fit_digest: "ab".to_owned(), matrices: None };
        for normalisation in
            [Normalisation::Identity, mean_std().normalisation, Normalisation::Zca(whitening)]
        {
            let card = Preprocessing { resize: Some(resize), normalisation };
            let json = serde_json::to_string(&card).unwrap();
            assert_eq!(serde_json::from_str::<Preprocessing>(&json).unwrap(), card);
            // serde cannot refuse keys beside a tag without fields.
            if card.normalisation == Normalisation::Identity {
                continue;
            }
            let unknown = json.replacen("\"kind\"", "\"colour\":1,\"kind\"", 1);
            assert!(serde_json::from_str::<Preprocessing>(&unknown).is_err(), "{unknown}");
        }
    }

    #[test]
    fn other_images_are_told_from_other_steps() {
        let zca = |eps, digest: &str| Preprocessing {
            resize: None,
            normalisation: Normalisation::Zca(Whitening {
                eps,
                fit_digest: digest.to_owned(),
                matrices: None,
            }),
        };
        let mut other = mean_std();
        assert_eq!(mean_std().difference(&other), None);
        other.normalisation = Normalisation::MeanStd { mean: vec![0.5, 0.26], std: vec![0.5, 0.125] };
        assert_eq!(mean_std().difference(&other), Some(Difference::Statistics));
        other.resize =
            Some(Resize { policy: ResizePolicy::Squash, filter: ResizeFilter::Nearest, height: 1, width: 1 });
        assert_eq!(mean_std().difference(&other), Some(Difference::Steps));
        assert_eq!(mean_std().difference(&zca(0.1, "a")), Some(Difference::Steps));
        assert_eq!(zca(0.1, "b").difference(&zca(0.1, "a")), Some(Difference::Statistics));
        assert_eq!(zca(0.2, "a").difference(&zca(0.1, "a")), Some(Difference::Steps));
    }

    #[test]
    fn whitening_without_matrices_says_what_to_do() {
        let whitening = Whitening { eps: 0.1, fit_digest: "abc".to_owned(), matrices: None };
        let card = Preprocessing { resize: None, normalisation: Normalisation::Zca(whitening) };
        let message = card.undo(SHAPE, &[0.0; 4]).unwrap_err().to_string();
        assert!(message.contains("abc") && message.contains("load"), "{message}");
    }
}
